-- name: account_create
-- in: names text[], roles text[], units text[], hashes bytea[], now timestamptz, account text, address text,
--     agents text[]
-- out: name, taken, told
-- All of the new accounts with a token each, or none: if a name or an agent id is taken already those come back instead,
-- `taken` says which of the two. Other daemons load the accounts anew when they are told.
WITH n AS (
    SELECT *
    FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $8::text[]) AS x (name, role, unit, hash, agent)
),
taken AS (
    SELECT n.name, 'name' AS what FROM n JOIN account a USING (name)
    UNION ALL
    SELECT n.name, 'agent' FROM n JOIN account a ON a.agent = n.agent AND NOT a.is_disabled
),
a AS (
    INSERT INTO account (name, role, unit, agent, created_at)
    SELECT name, role, unit, agent, $5::timestamptz FROM n WHERE NOT EXISTS (SELECT FROM taken)
    RETURNING id, name, role, unit, agent
),
t AS (
    INSERT INTO token (account, hash, created_at)
    SELECT a.id, n.hash, $5 FROM a JOIN n USING (name)
),
u AS (
    INSERT INTO audit (at, account, address, action, detail)
    SELECT $5, $6::text, $7::text, 'account.create',
           jsonb_strip_nulls(jsonb_build_object('name', a.name, 'role', a.role, 'unit', a.unit, 'agent', a.agent))
    FROM a
)
SELECT name, NULL AS taken, pg_notify('hotline_config', 'account')::text AS told FROM a
UNION ALL
SELECT name, what, NULL FROM taken
