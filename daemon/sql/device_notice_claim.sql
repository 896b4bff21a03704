-- name: device_notice_claim
-- in: now timestamptz, lease_until timestamptz, leases bytea[], most bigint, account text, peer text, oldest timestamptz, attempts_most bigint, ended_most bigint
-- out: id, device, name, address, key, number, at_us, guardians, attempts, lease, expired, answered, tried
-- What a bridge has to tell guardians, the oldest first; what it does not report on by lease_until is there again. Numbers
-- of telephones leave the house here: the audit says who took them. What is of no use any more fails instead: an alarm from
-- before `oldest`, a ticket that somebody has acted on (device_alert's test), one that was handed out attempts_most times.
-- All that is ripe is looked at, or old ones would stand before a new alarm. The desks hear of those that a bridge tried in
-- vain. Always a row, for the last three columns, how many failed of what: id is null if nothing was taken.
WITH ripe AS MATERIALIZED (
    SELECT w.id, w.next_at,
           CASE WHEN w.at < $7::timestamptz THEN 'expired'
                WHEN coalesce((SELECT t.state NOT IN ('incomplete', 'accepted', 'handling') FROM ticket t WHERE t.number = w.number), false)
                     OR EXISTS (SELECT FROM ticket_event e
                                WHERE e.number = w.number AND e.role IN ('desk', 'supervisor', 'unit')) THEN 'answered'
                WHEN w.attempts >= $8::bigint THEN 'attempts' END AS outcome
    FROM device_notice w
    WHERE w.state IN ('queued', 'taken') AND w.next_at <= $1::timestamptz
),
useless AS MATERIALIZED (
    SELECT w.id, r.outcome
    FROM ripe r JOIN device_notice w ON w.id = r.id
    WHERE r.outcome IS NOT NULL AND w.state IN ('queued', 'taken') AND w.next_at <= $1
    ORDER BY r.next_at, r.id
    LIMIT $9::bigint
    FOR UPDATE OF w SKIP LOCKED
),
f AS (
    UPDATE device_notice w
    SET state = 'failed', outcome = u.outcome, changed_at = $1
    FROM useless u WHERE w.id = u.id
    RETURNING w.device, w.number, w.key, w.attempts, w.outcome
),
e AS (
    INSERT INTO desk_event (type, at, detail)
    SELECT 'device.untold', $1, jsonb_build_object('device', f.device, 'number', f.number::text, 'key', f.key)
    FROM f WHERE f.outcome <> 'answered' AND f.attempts > 0
),
picked AS MATERIALIZED (
    SELECT w.id
    FROM ripe r JOIN device_notice w ON w.id = r.id
    WHERE r.outcome IS NULL AND w.state IN ('queued', 'taken') AND w.next_at <= $1
    ORDER BY r.next_at, r.id
    LIMIT $4::bigint
    FOR UPDATE OF w SKIP LOCKED
),
numbered AS (SELECT id, row_number() OVER (ORDER BY id) AS place FROM picked),
o AS (
    UPDATE device_notice w
    SET state = 'taken', attempts = w.attempts + 1, lease = ($3::bytea[])[n.place], next_at = $2::timestamptz, changed_at = $1
    FROM numbered n WHERE w.id = n.id
    RETURNING w.*
),
a AS (
    INSERT INTO audit (at, account, address, action, number, detail)
    SELECT $1, $5::text, $6::text, 'notice.claim', o.number, jsonb_build_object('device', o.device, 'notice', o.id) FROM o
)
SELECT o.id, o.device, d.name, d.address, o.key, o.number, (extract(epoch FROM o.at) * 1000000)::bigint AS at_us, o.guardians,
       o.attempts, encode(o.lease, 'hex') AS lease, c.expired, c.answered, c.tried
FROM (SELECT count(*) FILTER (WHERE outcome = 'expired') AS expired, count(*) FILTER (WHERE outcome = 'answered') AS answered,
             count(*) FILTER (WHERE outcome = 'attempts') AS tried FROM f) c
LEFT JOIN (o JOIN device d ON d.id = o.device) ON true
ORDER BY o.id
