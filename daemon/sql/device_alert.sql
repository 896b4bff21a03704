-- name: device_alert
-- in: now timestamptz, escalate_us bigint, most integer
-- out: taken, told, next_us
-- Emergencies that nobody has acted on: first to the next operator, then to supervisor and guardians (DOMAIN 6). Step and
-- event are one transaction, and so is the notice that a bridge takes to the guardians. A press whose ticket cannot be made
-- is unanswered, too: its number is null, and the second step waits for it. next_us: when to look again, soon for those that somebody else holds just now.
WITH d AS (
    SELECT m.id, m.device, m.key, m.number, m.alert_step, m.alert_at
    FROM device_matter m
    WHERE m.alert_at <= $1::timestamptz AND (m.number IS NOT NULL OR m.alert_step = 0)
    ORDER BY m.alert_at
    LIMIT $3::integer
    FOR UPDATE SKIP LOCKED
),
a AS MATERIALIZED (
    SELECT d.*, coalesce(t.state NOT IN ('incomplete', 'accepted', 'handling'), false)
                OR EXISTS (SELECT FROM ticket_event e
                           WHERE e.number = d.number AND e.role IN ('desk', 'supervisor', 'unit')) AS is_answered
    FROM d LEFT JOIN ticket t ON t.number = d.number
),
u AS (
    UPDATE device_matter m
    SET alert_step = m.alert_step + (NOT a.is_answered)::integer,
        alert_at = CASE WHEN NOT a.is_answered AND m.alert_step = 0 THEN m.opened_at + $2::bigint * interval '1 microsecond' END
    FROM a WHERE m.id = a.id
    RETURNING m.alert_at
),
e AS (
    INSERT INTO desk_event (type, at, detail)
    SELECT 'device.unanswered', a.alert_at,
                     jsonb_build_object('device', a.device, 'number', a.number::text, 'key', a.key, 'step', a.alert_step + 1,
                                        'to', CASE WHEN a.alert_step = 0 THEN jsonb_build_array('desk')
                                                   ELSE jsonb_build_array('supervisor', 'guardians') END)
    FROM a WHERE NOT a.is_answered
),
g AS (
    INSERT INTO device_notice (matter, device, key, number, at, guardians, next_at, changed_at)
    SELECT a.id, a.device, a.key, a.number, a.alert_at, v.guardians, $1, $1
    FROM a JOIN device v ON v.id = a.device
    WHERE NOT a.is_answered AND a.alert_step > 0 AND v.guardians IS NOT NULL
    ON CONFLICT (matter) DO NOTHING
)
SELECT (SELECT count(*) FROM u) AS taken, (SELECT count(*) FROM a WHERE NOT is_answered) AS told,
       (extract(epoch FROM least((SELECT min(alert_at) FROM u),
                                 (SELECT min(alert_at) FROM device_matter WHERE alert_at > $1),
                                 (SELECT $1 + interval '1 second' FROM device_matter
                                  WHERE alert_at <= $1 AND (number IS NOT NULL OR alert_step = 0)
                                    AND id NOT IN (SELECT id FROM d) LIMIT 1))) * 1000000)::bigint AS next_us
