-- name: queue_list
-- in: unit text, states text[], now timestamptz, after_due timestamptz, after_number bigint, after_ordinal integer,
--     most integer
-- out: free_us, number, ordinal, state, role, round, due_us, deliveries, lease, lease_until_us, title, text, kind, urgency,
--      category, region, address, received_us, ticket_state, version, is_confidential, is_anonymous, name, phone
-- What a unit has to do, most urgent first, after a place (after_number NULL = from the top; after_due NULL = never due).
-- Unsigned items under a live lease are somebody's already. One row with NULLs if there is nothing; free_us is then when
-- the first lease ends.
WITH q AS MATERIALIZED (
    SELECT i.*
    FROM unnest($2::text[]) s (state)
    CROSS JOIN LATERAL (
        SELECT number, ordinal, state, due_at, deliveries
        FROM queue_item
        WHERE unit = $1::text AND state = s.state
          AND (s.state <> 'unsigned' OR lease_until IS NULL OR lease_until <= $3::timestamptz)
          AND (due_at, number, ordinal) > (CASE WHEN $5::bigint IS NULL THEN '-infinity'
                                                ELSE coalesce($4::timestamptz, 'infinity') END,
                                           coalesce($5, 0), coalesce($6::integer, 0))
        ORDER BY due_at, number, ordinal
        LIMIT $7::integer) i
    ORDER BY i.due_at, i.number, i.ordinal
    LIMIT $7
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM q)
            THEN (SELECT (extract(epoch FROM min(lease_until)) * 1000000)::bigint
                  FROM queue_item WHERE unit = $1 AND state = 'unsigned' AND lease_until > $3) END AS free_us,
       q.number, q.ordinal, q.state, a.role, a.round,
       CASE WHEN isfinite(q.due_at) THEN (extract(epoch FROM q.due_at) * 1000000)::bigint END AS due_us,
       q.deliveries, NULL::text AS lease, NULL::bigint AS lease_until_us,
       t.title, t.text, t.kind, t.urgency, t.category, t.region, t.address,
       (extract(epoch FROM t.received_at) * 1000000)::bigint AS received_us, t.state AS ticket_state, t.version,
       t.is_confidential, coalesce(r.is_anonymous, false) AS is_anonymous, r.name, r.phone
FROM (SELECT) one
LEFT JOIN (q JOIN assignment a USING (number, ordinal) JOIN ticket t USING (number) LEFT JOIN requester r USING (number))
    ON true
ORDER BY q.due_at, q.number, q.ordinal
