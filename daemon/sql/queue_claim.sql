-- name: queue_claim
-- in: unit text, now timestamptz, lease_until timestamptz, leased_by text, leases bytea[], most integer
-- out: free_us, number, ordinal, state, role, round, due_us, deliveries, lease, lease_until_us, title, text, kind, urgency,
--      category, region, address, received_us, ticket_state, version, is_confidential, is_anonymous, name, phone
-- Leases the most urgent unsigned items of a unit that nobody holds. Rows that another claim is just taking are passed by,
-- never waited for. Columns are those of queue_list. free_us is `now` if something was passed by: how that ends nobody is
-- told (a claim that is rolled back, a lease nobody takes up), so who waits has to look again.
WITH picked AS MATERIALIZED (
    SELECT number, ordinal, due_at
    FROM queue_item
    WHERE unit = $1::text AND state = 'unsigned' AND (lease_until IS NULL OR lease_until <= $2::timestamptz)
    ORDER BY due_at, number, ordinal
    LIMIT $6::integer
    FOR UPDATE SKIP LOCKED
),
numbered AS (
    SELECT number, ordinal, row_number() OVER (ORDER BY due_at, number, ordinal) AS place FROM picked
),
q AS (
    UPDATE queue_item i
    SET lease = ($5::bytea[])[n.place], lease_until = $3::timestamptz, leased_by = $4::text,
        deliveries = i.deliveries + 1
    FROM numbered n
    WHERE i.number = n.number AND i.ordinal = n.ordinal
    RETURNING i.number, i.ordinal, i.state, i.due_at, i.deliveries, i.lease, i.lease_until
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM picked)
            THEN (SELECT (extract(epoch FROM min(greatest(lease_until, $2))) * 1000000)::bigint
                  FROM queue_item WHERE unit = $1 AND state = 'unsigned') END AS free_us,
       q.number, q.ordinal, q.state, a.role, a.round,
       CASE WHEN isfinite(q.due_at) THEN (extract(epoch FROM q.due_at) * 1000000)::bigint END AS due_us,
       q.deliveries, encode(q.lease, 'hex') AS lease,
       (extract(epoch FROM q.lease_until) * 1000000)::bigint AS lease_until_us,
       t.title, t.text, t.kind, t.urgency, t.category, t.region, t.address,
       (extract(epoch FROM t.received_at) * 1000000)::bigint AS received_us, t.state AS ticket_state, t.version,
       t.is_confidential, coalesce(r.is_anonymous, false) AS is_anonymous, r.name, r.phone
FROM (SELECT) one
LEFT JOIN (q JOIN assignment a USING (number, ordinal) JOIN ticket t USING (number) LEFT JOIN requester r USING (number))
    ON true
ORDER BY q.due_at, q.number, q.ordinal
