-- name: device_notice_claim
-- in: now timestamptz, lease_until timestamptz, leases bytea[], most bigint, account text, peer text
-- out: id, device, name, address, key, number, at_us, guardians, attempts, lease
-- What a bridge has to tell guardians, the oldest first; what it does not report on by lease_until is there again. Numbers
-- of telephones leave the house here: the audit says who took them.
WITH picked AS MATERIALIZED (
    SELECT id FROM device_notice
    WHERE state IN ('queued', 'taken') AND next_at <= $1::timestamptz
    ORDER BY next_at, id
    LIMIT $4::bigint
    FOR UPDATE SKIP LOCKED
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
       o.attempts, encode(o.lease, 'hex') AS lease
FROM o JOIN device d ON d.id = o.device
ORDER BY o.id
