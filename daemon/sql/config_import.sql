-- name: config_import
-- in: bundle jsonb, now timestamptz, account text, address text
-- out: config, rule_set, sla_set, calendar_set, told
-- Stores a checked city bundle: codes that are no longer named are retired, never deleted; rules, policies and
-- calendars become new versions, so that running tickets keep what they were judged by. Every daemon on this database
-- loads the city anew when the transaction commits.
WITH b AS (SELECT $1::jsonb AS j),
c AS (
    INSERT INTO city (code, name, utc_offset_minutes, tiers)
    SELECT j -> 'city' ->> 'code', j -> 'city' ->> 'name',
           coalesce((j -> 'city' ->> 'utc_offset_minutes')::integer, 480),
           ARRAY(SELECT jsonb_array_elements_text(j -> 'city' -> 'tiers'))
    FROM b
    ON CONFLICT (only_row) DO UPDATE
    SET code = excluded.code, name = excluded.name, utc_offset_minutes = excluded.utc_offset_minutes,
        tiers = excluded.tiers
),
r_gone AS (
    UPDATE region SET is_retired = true
    FROM b
    WHERE NOT is_retired
      AND code NOT IN (SELECT x ->> 'code' FROM jsonb_array_elements(j -> 'regions') AS x)
),
r AS (
    INSERT INTO region (code, name, level, parent, aliases, position)
    SELECT x ->> 'code', x ->> 'name', x ->> 'level', nullif(x ->> 'parent', ''),
           ARRAY(SELECT jsonb_array_elements_text(coalesce(nullif(x -> 'aliases', 'null'), '[]'))), n
    FROM b, jsonb_array_elements(j -> 'regions') WITH ORDINALITY AS e (x, n)
    ON CONFLICT (code) DO UPDATE
    SET name = excluded.name, level = excluded.level, parent = excluded.parent, aliases = excluded.aliases,
        position = excluded.position, is_retired = false
),
u_gone AS (
    UPDATE unit SET is_retired = true
    FROM b
    WHERE NOT is_retired
      AND code NOT IN (SELECT x ->> 'code' FROM jsonb_array_elements(j -> 'units') AS x)
),
u AS (
    INSERT INTO unit (code, name, tier, kind, parent, duties, regions, position)
    SELECT x ->> 'code', x ->> 'name', x ->> 'tier', x ->> 'kind', nullif(x ->> 'parent', ''),
           ARRAY(SELECT jsonb_array_elements_text(coalesce(nullif(x -> 'duties', 'null'), '[]'))),
           ARRAY(SELECT jsonb_array_elements_text(coalesce(nullif(x -> 'regions', 'null'), '[]'))), n
    FROM b, jsonb_array_elements(j -> 'units') WITH ORDINALITY AS e (x, n)
    ON CONFLICT (code) DO UPDATE
    SET name = excluded.name, tier = excluded.tier, kind = excluded.kind, parent = excluded.parent,
        duties = excluded.duties, regions = excluded.regions, position = excluded.position, is_retired = false
),
g_gone AS (
    UPDATE category SET is_retired = true
    FROM b
    WHERE NOT is_retired
      AND code NOT IN (SELECT x ->> 'code' FROM jsonb_array_elements(j -> 'categories') AS x)
),
g AS (
    INSERT INTO category (code, name, parent, position)
    SELECT x ->> 'code', x ->> 'name', nullif(x ->> 'parent', ''), n
    FROM b, jsonb_array_elements(j -> 'categories') WITH ORDINALITY AS e (x, n)
    ON CONFLICT (code) DO UPDATE
    SET name = excluded.name, parent = excluded.parent, position = excluded.position, is_retired = false
),
s AS (
    INSERT INTO rule_set (name, created_at, created_by)
    SELECT j -> 'rule_set' ->> 'name', $2::timestamptz, $3::text FROM b
    RETURNING version
),
s_rule AS (
    INSERT INTO rule (rule_set, position, code, category, region, kind, channel, urgency, keyword, "window", unit,
                      "over", co_units, set_kind, set_urgency, sla)
    SELECT s.version, n, x ->> 'code', x ->> 'category', x ->> 'region', x ->> 'kind', x ->> 'channel',
           x ->> 'urgency', x ->> 'keyword', nullif(x -> 'window', 'null'), x ->> 'unit', nullif(x -> 'over', 'null'),
           ARRAY(SELECT jsonb_array_elements_text(coalesce(nullif(x -> 'co_units', 'null'), '[]'))),
           x ->> 'set_kind', x ->> 'set_urgency', x ->> 'sla'
    FROM s, b, jsonb_array_elements(j -> 'rule_set' -> 'rules') WITH ORDINALITY AS e (x, n)
),
p AS (
    INSERT INTO sla_set (name, policies, created_at, created_by)
    SELECT j -> 'sla_set' ->> 'name', j -> 'sla_set' -> 'policies', $2, $3 FROM b
    RETURNING version
),
l AS (
    INSERT INTO calendar_set (calendars, created_at, created_by)
    SELECT j -> 'calendars', $2, $3 FROM b
    RETURNING version
),
d_gone AS (
    UPDATE device SET is_retired = true
    FROM b
    WHERE NOT is_retired AND is_bundled
      AND id NOT IN (SELECT x ->> 'id' FROM jsonb_array_elements(coalesce(nullif(j -> 'devices', 'null'), '[]')) AS x)
),
d AS (
    INSERT INTO device (id, name, region, address)
    SELECT x ->> 'id', coalesce(x ->> 'name', x ->> 'id'), x ->> 'region', coalesce(x ->> 'address', '')
    FROM b, jsonb_array_elements(coalesce(nullif(j -> 'devices', 'null'), '[]')) AS x
    ON CONFLICT (id) DO UPDATE
    SET name = excluded.name, region = excluded.region, address = excluded.address, is_retired = false, is_bundled = true
),
v AS (
    INSERT INTO config_version (rule_set, sla_set, calendar_set, activated_at, activated_by)
    SELECT s.version, p.version, l.version, $2, $3 FROM s, p, l
    RETURNING version, rule_set, sla_set, calendar_set
),
a AS (
    INSERT INTO audit (at, account, address, action, detail)
    SELECT $2, $3, $4::text, 'config.import',
           jsonb_build_object('config', version, 'rule_set', rule_set, 'sla_set', sla_set, 'calendar_set', calendar_set)
    FROM v
)
SELECT version AS config, rule_set, sla_set, calendar_set,
       pg_notify('hotline_config', version::text)::text AS told
FROM v
