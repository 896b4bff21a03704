-- name: account_create_units
-- in: names text[], units text[], hashes bytea[], now timestamptz, account text, address text
-- out: name, told
-- An account for every unit that has none; which ones came into being is what comes back. A name that is taken stays
-- as it is: somebody who disabled a unit's account does not want it opened again by a bulk command.
WITH n AS (SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[]) AS x (name, unit, hash)),
a AS (
    INSERT INTO account (name, role, unit, created_at)
    SELECT n.name, 'unit', n.unit, $4::timestamptz
    FROM n
    WHERE NOT EXISTS (SELECT FROM account o WHERE o.unit = n.unit AND NOT o.is_disabled)
      AND EXISTS (SELECT FROM unit u WHERE u.code = n.unit)
    ON CONFLICT (name) DO NOTHING
    RETURNING id, name, unit
),
t AS (
    INSERT INTO token (account, hash, created_at)
    SELECT a.id, n.hash, $4 FROM a JOIN n USING (name)
),
u AS (
    INSERT INTO audit (at, account, address, action, detail)
    SELECT $4, $5::text, $6::text, 'account.create', jsonb_build_object('name', a.name, 'role', 'unit', 'unit', a.unit)
    FROM a
)
SELECT name, pg_notify('hotline_config', 'account')::text AS told FROM a
