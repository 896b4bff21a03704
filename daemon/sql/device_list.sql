-- name: device_list
-- in: after text, only text, most integer
-- out: id, name, region, address, keys, last_seen_us, battery, signal, silent_us, is_retired, person, phone, guardians, notes
-- Devices by id, or a single one.
SELECT d.id, d.name, d.region, d.address, (d.key_new IS NOT NULL)::integer + (d.key_old IS NOT NULL)::integer AS keys,
       (extract(epoch FROM s.last_seen_at) * 1000000)::bigint AS last_seen_us, s.battery, s.signal,
       (extract(epoch FROM s.silent_since) * 1000000)::bigint AS silent_us, d.is_retired, d.person, d.phone, d.guardians,
       d.notes
FROM device d LEFT JOIN device_state s ON s.device = d.id
WHERE CASE WHEN $2::text IS NULL THEN d.id > $1::text AND NOT d.is_retired ELSE d.id = $2 END
ORDER BY d.id
LIMIT $3::integer
