-- name: account_rotate
-- in: name text, hash bytea, now timestamptz, account text, address text
-- out: name, role, unit, told
-- A new token. The newest of the old ones stays valid until the next rotation, so that clients can change over; every
-- older one ends now.
WITH a AS (SELECT id, name, role, unit FROM account WHERE name = $1::text AND NOT is_disabled),
old AS (
    UPDATE token SET revoked_at = $3::timestamptz
    WHERE id IN (SELECT t.id FROM token t JOIN a ON t.account = a.id
                 WHERE t.revoked_at IS NULL ORDER BY t.id DESC OFFSET 1)
),
new AS (
    INSERT INTO token (account, hash, created_at) SELECT id, $2::bytea, $3 FROM a
),
u AS (
    INSERT INTO audit (at, account, address, action, detail)
    SELECT $3, $4::text, $5::text, 'account.rotate', jsonb_build_object('name', name) FROM a
)
SELECT name, role, unit, pg_notify('hotline_config', 'account')::text AS told FROM a
