-- name: webhook_rotate
-- in: id bigint, secret bytea, old_until timestamptz, now timestamptz, account text, address text
-- out: id
-- A new secret; the one before signs as well until old_until, so that the receiver can change over.
WITH w AS (
    UPDATE webhook SET old_secret = secret, old_until = $3::timestamptz, secret = $2::bytea
    WHERE id = $1::bigint
    RETURNING id
),
u AS (
    INSERT INTO audit (at, account, address, action, detail)
    SELECT $4::timestamptz, $5::text, $6::text, 'webhook.rotate', jsonb_build_object('id', id) FROM w
)
SELECT id FROM w
