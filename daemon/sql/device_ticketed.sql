-- name: device_ticketed
-- in: ids bigint[], numbers bigint[], states text[], now timestamptz
-- out: id, alert_us, event, xid, detail
-- The matters have their tickets; the desk is told in the same transaction, so exactly once.
-- event, xid, detail: of emergencies, for those desks that hear of it ahead of the order of events (push_urgent).
WITH u AS (
    UPDATE device_matter m SET number = x.number, state = x.state
    FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS x (id, number, state)
    WHERE m.id = x.id AND m.number IS NULL
    RETURNING m.id, m.device, m.key, m.number, m.count, m.alert_at
),
e AS (
    INSERT INTO desk_event (type, at, detail)
    SELECT CASE WHEN u.key = 'silence' THEN 'device.silent' ELSE 'device.pressed' END, $4::timestamptz,
                     jsonb_build_object('device', u.device, 'number', u.number::text, 'key', u.key, 'count', u.count)
    FROM u
    UNION ALL
    SELECT 'device.pressed', p.received_at,
                     jsonb_build_object('device', u.device, 'number', u.number::text, 'key', 'cancel', 'count', 1)
    FROM u JOIN device_press p ON p.matter = u.id AND p.key = 'cancel'
    RETURNING id, xid, detail
)
SELECT u.id, (extract(epoch FROM u.alert_at) * 1000000)::bigint AS alert_us, e.id AS event, e.xid::text AS xid,
       e.detail::text AS detail
FROM u
LEFT JOIN e ON u.key IN ('emergency', 'fall') AND e.detail->>'number' = u.number::text AND e.detail->>'key' = u.key
