-- name: device_pending
-- in: running bigint[], most integer, most_maintenance integer
-- out: id, device, key, opened_us, count, name, region, address, person, phone, note, place
-- Matters that have no ticket yet, without those that are being worked on: presses, emergencies first, and apart from them
-- so many of maintenance, so that a thousand silent devices stand in front of no press.
SELECT m.id, m.device, m.key, (extract(epoch FROM m.opened_at) * 1000000)::bigint AS opened_us, m.count,
       d.name, d.region, d.address, d.person, d.phone, p.note, p.place
FROM ((SELECT * FROM device_matter
       WHERE number IS NULL AND key NOT IN ('low_battery', 'silence') AND id <> ALL ($1::bigint[])
       ORDER BY key IN ('emergency', 'fall') DESC, id
       LIMIT $2::integer)
      UNION ALL
      (SELECT * FROM device_matter
       WHERE number IS NULL AND key IN ('low_battery', 'silence') AND id <> ALL ($1::bigint[])
       ORDER BY id
       LIMIT $3::integer)) m
JOIN device d ON d.id = m.device
LEFT JOIN LATERAL (SELECT note, place FROM device_press WHERE matter = m.id AND key = m.key ORDER BY received_at LIMIT 1) p ON true
ORDER BY m.key IN ('emergency', 'fall') DESC, m.key IN ('low_battery', 'silence'), m.id
