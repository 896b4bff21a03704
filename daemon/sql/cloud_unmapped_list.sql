-- name: cloud_unmapped_list
-- in: name text, most bigint
-- out: cloud_device, stream, is_known, count, first_us, last_us, value
-- What came by this account and is not mapped, the latest first.
SELECT cloud_device, stream, is_known, count, (extract(epoch FROM first_at) * 1000000)::bigint AS first_us,
       (extract(epoch FROM last_at) * 1000000)::bigint AS last_us, value
FROM device_cloud_unmapped
WHERE account = $1::text
ORDER BY last_at DESC, cloud_device, stream
LIMIT $2::bigint
