-- name: account_agent
-- in: name text, agent text, now timestamptz, account text, address text
-- out: name, is_desk, told
-- Whose screen pops an account gets from now on; NULL = nobody's in particular. Only a desk or a supervisor has an agent
-- id. The account that had it before gives it up: people change places.
WITH a AS (
    SELECT id, name, role IN ('desk', 'supervisor') AS is_desk FROM account WHERE name = $1::text AND NOT is_disabled
),
old AS (
    UPDATE account o SET agent = NULL FROM a
    WHERE o.agent = $2::text AND NOT o.is_disabled AND a.is_desk AND o.id <> a.id
    RETURNING o.id
),
new AS (
    UPDATE account n SET agent = $2 FROM a
    WHERE n.id = a.id AND a.is_desk AND (SELECT count(*) FROM old) >= 0
    RETURNING n.id
),
u AS (
    INSERT INTO audit (at, account, address, action, detail)
    SELECT $3::timestamptz, $4::text, $5::text, 'account.agent', jsonb_build_object('name', a.name, 'agent', $2)
    FROM a JOIN new USING (id)
)
SELECT name, is_desk, pg_notify('hotline_config', 'account')::text AS told FROM a
