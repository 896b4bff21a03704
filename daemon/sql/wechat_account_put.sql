-- name: wechat_account_put
-- in: name text, is_new boolean, app_id text, kind text, mode text, category text, language text, gather_seconds integer,
--     menu text, token bytea, aes_key bytea, retire boolean, disabled boolean, now timestamptz, account text, address text,
--     template text
-- out: name, told
-- A new account, or a change of one; NULL = as it was, a template {} = none. A new token or key stands before the present one, which goes on to
-- be taken until it is retired. No row: a new one is there already, an old one is not.
WITH n AS (
    INSERT INTO wechat_account (name, app_id, kind, mode, category, language, gather_seconds, menu, tokens, aes_keys,
                                template, created_at, changed_at)
    SELECT $1::text, $3::text, $4::text, $5::text, $6::text, $7::text, $8::integer, coalesce($9::text, '[]')::jsonb,
           ARRAY[$10::bytea], ARRAY[$11::bytea], nullif($17::text::jsonb, '{}'), $14::timestamptz, $14
    WHERE $2::boolean
    ON CONFLICT DO NOTHING
    RETURNING name
),
c AS (
    UPDATE wechat_account
    SET app_id = coalesce($3, app_id), mode = coalesce($5, mode), category = coalesce($6, category),
        language = coalesce($7, language), gather_seconds = coalesce($8, gather_seconds),
        menu = coalesce($9::jsonb, menu),
        template = CASE WHEN $17::text IS NULL THEN template ELSE nullif($17::jsonb, '{}') END,
        is_disabled = coalesce($13::boolean, is_disabled), changed_at = $14,
        tokens = CASE WHEN $10 IS NOT NULL THEN ARRAY[$10, tokens[1]] WHEN $12::boolean THEN tokens[1:1] ELSE tokens END,
        aes_keys = CASE WHEN $11 IS NOT NULL THEN ARRAY[$11, aes_keys[1]] WHEN $12 THEN aes_keys[1:1] ELSE aes_keys END
    WHERE name = $1 AND NOT $2
    RETURNING name
),
a AS (SELECT name FROM n UNION ALL SELECT name FROM c),
u AS (
    INSERT INTO audit (at, account, address, action, detail)
    SELECT $14, $15::text, $16::text, CASE WHEN $2 THEN 'wechat.create' ELSE 'wechat.change' END,
           jsonb_strip_nulls(jsonb_build_object('name', name, 'mode', $5, 'category', $6, 'token', $10 IS NOT NULL,
                                                'aes_key', $11 IS NOT NULL, 'retire', $12, 'disabled', $13))
    FROM a
)
SELECT name, pg_notify('hotline_config', 'wechat')::text AS told FROM a
