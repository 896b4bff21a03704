-- name: device_silence
-- in: now timestamptz, silence_us bigint, most integer
-- out: silent, next_us
-- Devices that were heard once and not for so long: each becomes a matter, once for as long as it is silent, and none while
-- the one before is open. next_us: when the next one may be due.
WITH d AS (
    SELECT s.device
    FROM device_state s JOIN device v ON v.id = s.device AND NOT v.is_retired
    WHERE s.silent_since IS NULL AND s.last_seen_at < $1::timestamptz - $2::bigint * interval '1 microsecond'
    ORDER BY s.device
    LIMIT $3::integer
    FOR UPDATE OF s SKIP LOCKED
),
u AS (
    UPDATE device_state s SET silent_since = $1 FROM d WHERE s.device = d.device
    RETURNING s.device
),
m AS (
    INSERT INTO device_matter (device, key, opened_at, count)
    SELECT device, 'silence', $1, 1
    FROM u
    WHERE NOT EXISTS (SELECT FROM device_matter o LEFT JOIN ticket t ON t.number = o.number
                      WHERE o.device = u.device AND o.key = 'silence'
                        AND (o.number IS NULL OR t.state IN ('incomplete', 'accepted', 'handling', 'review', 'callback')))
)
SELECT (SELECT count(*) FROM u) AS silent,
       (extract(epoch FROM min(s.last_seen_at)) * 1000000)::bigint + $2 AS next_us
FROM device_state s JOIN device v ON v.id = s.device AND NOT v.is_retired
WHERE s.silent_since IS NULL AND s.last_seen_at >= $1 - $2 * interval '1 microsecond'
