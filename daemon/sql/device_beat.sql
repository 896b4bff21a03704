-- name: device_beat
-- in: devices text[], boots text[], seqs bigint[], received timestamptz[], batteries bigint[], signals bigint[],
--     low_percent bigint, since timestamptz[]
-- out: device, is_low
-- A batch of heartbeats of devices that are locked (device_lock). A low battery makes at most one open matter a device
-- (is_low: it just did). `since` as in device_press.
WITH i AS MATERIALIZED (
    SELECT DISTINCT ON (x.device) x.*
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::timestamptz[], $5::bigint[], $6::bigint[], $8::timestamptz[])
             WITH ORDINALITY AS x (device, boot_id, seq, received_at, battery, signal, since, n)
    WHERE EXISTS (SELECT FROM device d
                  WHERE d.id = x.device AND NOT d.is_retired AND (x.since < d.keyed_at) IS NOT TRUE)
    ORDER BY x.device, n DESC
),
low AS (
    INSERT INTO device_matter (device, key, opened_at, count)
    SELECT device, 'low_battery', received_at, 1
    FROM i
    WHERE battery <= $7::bigint
      AND NOT EXISTS (SELECT FROM device_matter m LEFT JOIN ticket t ON t.number = m.number
                      WHERE m.device = i.device AND m.key = 'low_battery'
                        AND (m.number IS NULL OR t.state IN ('incomplete', 'accepted', 'handling', 'review', 'callback')))
    RETURNING device
)
UPDATE device_state s
SET last_seen_at = greatest(s.last_seen_at, i.received_at), last_boot = i.boot_id, last_seq = i.seq,
    battery = coalesce(i.battery, s.battery), signal = coalesce(i.signal, s.signal), silent_since = NULL
FROM i
WHERE s.device = i.device
RETURNING s.device, EXISTS (SELECT FROM low WHERE low.device = s.device) AS is_low
