-- name: account_create
-- in: names text[], roles text[], units text[], hashes bytea[], now timestamptz, account text, address text
-- out: name, is_taken, told
-- All of the new accounts with a token each, or none: if a name is taken already the taken ones come back instead.
-- Other daemons load the accounts anew when they are told.
WITH n AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[]) AS x (name, role, unit, hash)
),
taken AS (SELECT a.name FROM account a JOIN n USING (name)),
a AS (
    INSERT INTO account (name, role, unit, created_at)
    SELECT name, role, unit, $5::timestamptz FROM n WHERE NOT EXISTS (SELECT FROM taken)
    RETURNING id, name, role, unit
),
t AS (
    INSERT INTO token (account, hash, created_at)
    SELECT a.id, n.hash, $5 FROM a JOIN n USING (name)
),
u AS (
    INSERT INTO audit (at, account, address, action, detail)
    SELECT $5, $6::text, $7::text, 'account.create',
           jsonb_strip_nulls(jsonb_build_object('name', a.name, 'role', a.role, 'unit', a.unit))
    FROM a
)
SELECT name, false AS is_taken, pg_notify('hotline_config', 'account')::text AS told FROM a
UNION ALL
SELECT name, true, NULL FROM taken
