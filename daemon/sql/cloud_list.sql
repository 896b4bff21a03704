-- name: cloud_list
-- out: account, kind, addresses, is_encrypted, is_rotating, is_disabled, mappings, unmapped, created_us, changed_us
-- The accounts of operators' clouds and how much is mapped.
SELECT c.account, c.kind, to_jsonb(c.addresses)::text AS addresses, c.aes_key IS NOT NULL AS is_encrypted,
       coalesce(c.token_old, c.aes_key_old, c.secret_old) IS NOT NULL AS is_rotating, c.is_disabled,
       (SELECT count(*) FROM device_cloud_map m WHERE m.account = c.account) AS mappings,
       (SELECT count(*) FROM device_cloud_unmapped u WHERE u.account = c.account) AS unmapped,
       (extract(epoch FROM c.created_at) * 1000000)::bigint AS created_us,
       (extract(epoch FROM c.changed_at) * 1000000)::bigint AS changed_us
FROM device_cloud c ORDER BY c.account
