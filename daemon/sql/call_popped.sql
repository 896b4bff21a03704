-- name: call_popped
-- in: gateway text, call_id text, agent text, at timestamptz, detail text, sealed bytea
-- out: id, xid
-- A screen pop, once for a call and a desk (agent NULL = every desk), however often and from how many daemons it is asked.
WITH p AS (
    INSERT INTO call_pop (gateway, call_id, agent) VALUES ($1::text, $2::text, coalesce($3::text, ''))
    ON CONFLICT DO NOTHING
    RETURNING true
)
INSERT INTO desk_event (type, at, agent, detail, sealed)
SELECT 'call.popped', $4::timestamptz, $3, $5::text::jsonb, $6::bytea FROM p
RETURNING id, xid::text AS xid
