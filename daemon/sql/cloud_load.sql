-- name: cloud_load
-- out: account, kind, token, token_old, aes_key, aes_key_old, secret_hash, secret_old, addresses, is_disabled
-- The accounts of operators' clouds; their secrets sealed or hashed.
SELECT account, kind, token, token_old, aes_key, aes_key_old, secret_hash, secret_old,
       array_to_string(addresses, ',') AS addresses, is_disabled
FROM device_cloud ORDER BY account
