-- name: activation_apply
-- in: at timestamptz, base bigint, now timestamptz, reason text
-- out: config, told
-- What is planned for this instant comes into force, all parts together, on top of the configuration it was built upon
-- (`base`), once however many daemons try; or, with a reason, is written off because the city does not build with it. No
-- row = somebody else did it, it was called off, or the base has moved: load and look again.
WITH newest AS (
    SELECT version, rule_set, sla_set, calendar_set, activated_at FROM config_version ORDER BY version DESC LIMIT 1
),
t AS (
    UPDATE activation
    SET state = CASE WHEN $4::text IS NULL THEN 'done' ELSE 'failed' END, ended_at = $3::timestamptz, reason = $4
    FROM newest
    WHERE state = 'scheduled' AND at = $1::timestamptz AND newest.version = $2::bigint
    RETURNING activation.id, activation.part, activation.version, activation.by
),
v AS (
    INSERT INTO config_version (rule_set, sla_set, calendar_set, activated_at, activated_by, is_scheduled)
    SELECT coalesce((SELECT version FROM t WHERE part = 'rules'), n.rule_set),
           coalesce((SELECT version FROM t WHERE part = 'policies'), n.sla_set),
           coalesce((SELECT version FROM t WHERE part = 'calendars'), n.calendar_set),
           greatest($1, n.activated_at), (SELECT by FROM t ORDER BY id LIMIT 1), true
    FROM newest n
    WHERE $4 IS NULL AND EXISTS (SELECT FROM t)
    RETURNING version
),
a AS (
    INSERT INTO audit (at, account, address, action, detail)
    SELECT $3, by, '', part || CASE WHEN $4 IS NULL THEN '.in_force' ELSE '.failed' END,
           jsonb_build_object('activation', id, 'version', version)
    FROM t
)
SELECT (SELECT version FROM v) AS config, pg_notify('hotline_config', 'activation')::text AS told
WHERE EXISTS (SELECT FROM t)
