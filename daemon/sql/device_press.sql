-- name: device_press
-- in: devices text[], boots text[], seqs bigint[], keys text[], vias text[], received timestamptz[],
--     pressed timestamptz[], batteries bigint[], places text[], notes text[], flags bigint[], coalesce_us bigint,
--     cancel_us bigint, confirm_us bigint, low_percent bigint, since timestamptz[]
-- out: n, is_known, is_new, received_us, matter, number, state
-- A batch of presses of devices that are locked (device_lock). What comes from a session that was opened (since; NULL = no
-- session) before the device's key was changed is not stored: whoever knew the old key only has to log in again. What was stored before (device, boot_id, seq) is told again.
-- New ones join the open matter of their device and key, if it is young enough, or make one; a cancel belongs to the last
-- matter it can mean. Behind each matter that has its ticket already the desk is told at once, of others with the ticket.
WITH i AS MATERIALIZED (
    SELECT x.*, x.n::integer AS place_in
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[],
                $8::bigint[], $9::text[], $10::text[], $11::bigint[], $16::timestamptz[])
             WITH ORDINALITY AS x (device, boot_id, seq, key, via, received_at, pressed_at, battery, place, note, flags, since, n)
    WHERE EXISTS (SELECT FROM device d
                  WHERE d.id = x.device AND NOT d.is_retired AND (x.since < d.keyed_at) IS NOT TRUE)
),
old AS (
    SELECT i.n, p.received_at, p.matter FROM i JOIN device_press p USING (device, boot_id, seq)
),
f AS MATERIALIZED (
    SELECT DISTINCT ON (device, boot_id, seq) i.*
    FROM i
    WHERE n NOT IN (SELECT n FROM old)
    ORDER BY device, boot_id, seq, n
),
g AS ( -- one row a device and key, whatever says that its battery is low: its key, a press with little left, or both
    SELECT device, key, min(received_at) AS first_at, sum(presses)::integer AS presses
    FROM (SELECT device, key, received_at, 1 AS presses FROM f WHERE key <> 'cancel'
          UNION ALL
          SELECT device, 'low_battery', received_at, 0 FROM f WHERE battery <= $15::bigint) AS x
    GROUP BY device, key
),
m AS MATERIALIZED (
    SELECT g.device, g.key, g.first_at, g.presses, o.id AS matter, o.number, o.count AS before
    FROM g
    LEFT JOIN LATERAL (
        SELECT x.id, x.number, x.count
        FROM device_matter x LEFT JOIN ticket t ON t.number = x.number
        WHERE x.device = g.device AND x.key = g.key
          AND (g.key = 'low_battery' OR x.opened_at >= g.first_at - $12::bigint * interval '1 microsecond')
          AND (x.number IS NULL OR t.state IN ('incomplete', 'accepted', 'handling', 'review', 'callback'))
        ORDER BY x.id DESC LIMIT 1) o ON true
),
made AS (
    INSERT INTO device_matter (device, key, opened_at, count, alert_at)
    SELECT device, key, first_at, greatest(presses, 1),
           CASE WHEN key IN ('emergency', 'fall') THEN first_at + $14::bigint * interval '1 microsecond' END
    FROM m WHERE matter IS NULL
    RETURNING id, device, key
),
more AS (
    UPDATE device_matter x SET count = x.count + m.presses FROM m WHERE x.id = m.matter AND m.presses > 0
),
c AS (
    SELECT f.n, greatest(o.id, (SELECT max(id) FROM made WHERE made.device = f.device AND made.key <> 'low_battery')) AS matter
    FROM f
    LEFT JOIN LATERAL (
        SELECT x.id
        FROM device_matter x LEFT JOIN ticket t ON t.number = x.number
        WHERE x.device = f.device AND x.key NOT IN ('low_battery', 'silence')
          AND x.opened_at >= f.received_at - $13::bigint * interval '1 microsecond'
          AND (x.number IS NULL OR t.state IN ('incomplete', 'accepted', 'handling', 'review', 'callback'))
        ORDER BY x.id DESC LIMIT 1) o ON true
    WHERE f.key = 'cancel'
),
w AS MATERIALIZED (
    SELECT f.*, coalesce(m.matter, made.id, c.matter) AS matter,
           CASE WHEN f.boot_id = s.last_boot AND f.seq <= s.last_seq THEN f.flags | 2 ELSE f.flags END AS odd
    FROM f
    JOIN device_state s ON s.device = f.device
    LEFT JOIN m ON m.device = f.device AND m.key = f.key
    LEFT JOIN made ON made.device = f.device AND made.key = f.key
    LEFT JOIN c ON c.n = f.n
),
p AS (
    INSERT INTO device_press (device, boot_id, seq, key, via, received_at, pressed_at, battery, place, note, flags, matter)
    SELECT device, boot_id, seq, key, via, received_at, pressed_at, battery, place, note, odd, matter FROM w
),
s AS (
    UPDATE device_state x
    SET last_seen_at = greatest(x.last_seen_at, z.received_at), last_boot = z.boot_id, last_seq = z.seq,
        battery = coalesce(z.battery, x.battery), silent_since = NULL
    FROM (SELECT DISTINCT ON (device) * FROM f ORDER BY device, n DESC) z
    WHERE x.device = z.device
),
e AS (
    INSERT INTO desk_event (type, at, detail)
    SELECT 'device.pressed', m.first_at,
                     jsonb_build_object('device', m.device, 'number', m.number::text, 'key', m.key, 'count', m.before + m.presses)
    FROM m WHERE m.number IS NOT NULL AND m.presses > 0
    UNION ALL
    SELECT 'device.pressed', w.received_at,
                     jsonb_build_object('device', w.device, 'number', x.number::text, 'key', 'cancel', 'count', 1)
    FROM w JOIN device_matter x ON x.id = w.matter AND x.number IS NOT NULL
    WHERE w.key = 'cancel'
),
r AS (
    SELECT i.n, old.n IS NULL AS is_new, coalesce(old.received_at, w.received_at) AS received_at,
           CASE WHEN old.n IS NULL THEN w.matter ELSE old.matter END AS matter
    FROM i
    LEFT JOIN old ON old.n = i.n
    LEFT JOIN w ON w.device = i.device AND w.boot_id = i.boot_id AND w.seq = i.seq
)
SELECT r.n::integer AS n, true AS is_known, r.is_new, (extract(epoch FROM r.received_at) * 1000000)::bigint AS received_us,
       r.matter, x.number, x.state
FROM r
LEFT JOIN device_matter x ON x.id = r.matter
ORDER BY r.n
