-- name: cloud_put
-- in: name text, is_new boolean, kind text, token bytea, aes_key bytea, secret bytea, addresses text[], retire boolean,
--     plain boolean, disabled boolean, now timestamptz, account text, peer text
-- out: account, kind, told
-- A new account of a cloud, or a change of one; NULL = as it was. A new token, AES key or secret stands before the present
-- one, which goes on to be taken until it is retired. plain: no encryption any more. No row: a new one is there already, an
-- old one is not.
WITH n AS (
    INSERT INTO device_cloud (account, kind, token, aes_key, secret_hash, addresses, created_at, changed_at)
    SELECT $1::text, $3::text, $4::bytea, $5::bytea, $6::bytea, coalesce($7::text[], '{}'), $11::timestamptz, $11
    WHERE $2::boolean
    ON CONFLICT DO NOTHING
    RETURNING account, kind
),
c AS (
    UPDATE device_cloud
    SET token_old = CASE WHEN $4 IS NOT NULL THEN token WHEN NOT $8::boolean THEN token_old END,
        token = coalesce($4, token),
        aes_key_old = CASE WHEN $9::boolean THEN NULL WHEN $5 IS NOT NULL THEN aes_key WHEN NOT $8 THEN aes_key_old END,
        aes_key = CASE WHEN NOT $9 THEN coalesce($5, aes_key) END,
        secret_old = CASE WHEN $6 IS NOT NULL THEN secret_hash WHEN NOT $8 THEN secret_old END,
        secret_hash = coalesce($6, secret_hash),
        addresses = coalesce($7, addresses), is_disabled = coalesce($10::boolean, is_disabled), changed_at = $11
    WHERE account = $1 AND NOT $2
      AND kind = CASE WHEN $6 IS NOT NULL THEN 'ctwing' WHEN $4 IS NOT NULL OR $5 IS NOT NULL THEN 'onenet' ELSE kind END
    RETURNING account, kind
),
a AS (SELECT * FROM n UNION ALL SELECT * FROM c),
u AS (
    INSERT INTO audit (at, account, address, action, detail)
    SELECT $11, $12::text, $13::text, CASE WHEN $2 THEN 'cloud.create' ELSE 'cloud.change' END,
           jsonb_strip_nulls(jsonb_build_object('name', account, 'kind', kind, 'addresses', to_jsonb($7), 'retire', $8,
                                                'token', $4 IS NOT NULL, 'aes_key', $5 IS NOT NULL,
                                                'secret', $6 IS NOT NULL, 'plain', $9, 'disabled', $10))
    FROM a
)
SELECT account, kind, pg_notify('hotline_config', 'cloud')::text AS told FROM a
