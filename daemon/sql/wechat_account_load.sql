-- name: wechat_account_load
-- out: name, app_id, kind, mode, category, language, gather_seconds, menu, token, token_before, aes_key, aes_key_before,
--      is_disabled, changed_us, template
-- Every account whose messages we take, with its sealed secrets.
SELECT name, app_id, kind, mode, category, language, gather_seconds, menu, tokens[1] AS token, tokens[2] AS token_before,
       aes_keys[1] AS aes_key, aes_keys[2] AS aes_key_before, is_disabled,
       (extract(epoch FROM changed_at) * 1000000)::bigint AS changed_us, template
FROM wechat_account
ORDER BY name
