-- name: device_pending
-- in: running bigint[], most integer
-- out: id, device, key, opened_us, count, name, region, address, person, phone, note, place
-- Matters that have no ticket yet, emergencies first, without those that are being worked on.
SELECT m.id, m.device, m.key, (extract(epoch FROM m.opened_at) * 1000000)::bigint AS opened_us, m.count,
       d.name, d.region, d.address, d.person, d.phone, p.note, p.place
FROM device_matter m
JOIN device d ON d.id = m.device
LEFT JOIN LATERAL (SELECT note, place FROM device_press WHERE matter = m.id AND key = m.key ORDER BY received_at LIMIT 1) p ON true
WHERE m.number IS NULL AND m.id <> ALL ($1::bigint[])
ORDER BY m.key IN ('emergency', 'fall') DESC, m.id
LIMIT $2::integer
