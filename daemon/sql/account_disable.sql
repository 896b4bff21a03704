-- name: account_disable
-- in: name text, now timestamptz, account text, address text
-- out: name, told
-- The account stays, because history names it; its tokens end for good.
WITH a AS (UPDATE account SET is_disabled = true WHERE name = $1::text RETURNING id, name),
old AS (
    UPDATE token SET revoked_at = $2::timestamptz
    FROM a
    WHERE token.account = a.id AND revoked_at IS NULL
),
u AS (
    INSERT INTO audit (at, account, address, action, detail)
    SELECT $2, $3::text, $4::text, 'account.disable', jsonb_build_object('name', name) FROM a
)
SELECT name, pg_notify('hotline_config', 'account')::text AS told FROM a
