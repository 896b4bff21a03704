-- name: cloud_map_list
-- in: name text, after bigint, most bigint
-- out: id, cloud_device, stream, value, device, key
-- Mappings of an account in the order in which they were made.
SELECT id, cloud_device, stream, value, device, key
FROM device_cloud_map
WHERE account = $1::text AND id > $2::bigint
ORDER BY id
LIMIT $3::bigint
