-- name: draft_activate
-- in: part text, draft bigint, at timestamptz, now timestamptz, account text, address text
-- out: version, activation, told
-- Makes a checked draft an immutable version, unless it is one already, and plans from when it is in force. A second plan
-- for the same part and instant is refused by an index. Every daemon on this database loads the plan on COMMIT.
WITH d AS (
    SELECT id, part, name, body, version FROM draft WHERE id = $2::bigint AND part = $1::text FOR UPDATE
),
s AS (
    INSERT INTO rule_set (name, created_at, created_by)
    SELECT name, $4::timestamptz, $5::text FROM d WHERE part = 'rules' AND version IS NULL
    RETURNING version
),
s_rule AS (
    INSERT INTO rule (rule_set, position, code, category, region, kind, channel, urgency, keyword, "window", unit,
                      "over", co_units, set_kind, set_urgency, sla)
    SELECT s.version, n, x ->> 'code', x ->> 'category', x ->> 'region', x ->> 'kind', x ->> 'channel',
           x ->> 'urgency', x ->> 'keyword', nullif(x -> 'window', 'null'), x ->> 'unit', nullif(x -> 'over', 'null'),
           ARRAY(SELECT jsonb_array_elements_text(coalesce(nullif(x -> 'co_units', 'null'), '[]'))),
           x ->> 'set_kind', x ->> 'set_urgency', x ->> 'sla'
    FROM s, d, jsonb_array_elements(d.body -> 'rules') WITH ORDINALITY AS e (x, n)
),
p AS (
    INSERT INTO sla_set (name, policies, created_at, created_by)
    SELECT name, body -> 'policies', $4, $5 FROM d WHERE part = 'policies' AND version IS NULL
    RETURNING version
),
l AS (
    INSERT INTO calendar_set (name, calendars, created_at, created_by)
    SELECT name, body -> 'calendars', $4, $5 FROM d WHERE part = 'calendars' AND version IS NULL
    RETURNING version
),
v AS (
    SELECT d.id, coalesce(d.version, s.version, p.version, l.version) AS version
    FROM d LEFT JOIN s ON true LEFT JOIN p ON true LEFT JOIN l ON true
),
u AS (
    UPDATE draft SET version = v.version FROM v WHERE draft.id = v.id AND draft.version IS NULL
),
t AS (
    INSERT INTO activation (part, version, draft, at, by)
    SELECT $1, version, id, $3::timestamptz, $5 FROM v
    RETURNING id, version
),
a AS (
    INSERT INTO audit (at, account, address, action, detail)
    SELECT $4, $5, $6::text, $1 || '.activate',
           jsonb_build_object('activation', id, 'version', version, 'draft', $2, 'at', $3)
    FROM t
)
SELECT version, id AS activation, pg_notify('hotline_config', 'activation')::text AS told FROM t
