-- name: event_tail
-- in: xid text, id bigint, most integer
-- out: horizon, is_held, xid, id, number, seq, type, at_us, actor, role, assignment, unit, audience, detail, text, agent,
--      sealed
-- Events of tickets and of desks after a place, in the order of transactions, up to the horizon: the oldest transaction
-- still running. Behind it nothing can appear any more, so nobody skips what commits late. One row with NULLs if there
-- is none; `is_held` tells of committed events that still wait for an older transaction. most = 0 asks for the horizon
-- only. What has no number is a desk's. Each half is a walk along its own index that ends after `most`.
WITH h AS MATERIALIZED (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS horizon)
SELECT h.horizon::text AS horizon,
       EXISTS (SELECT FROM ticket_event w WHERE w.xid >= pg_snapshot_xmin(pg_current_snapshot()))
       OR EXISTS (SELECT FROM desk_event w WHERE w.xid >= pg_snapshot_xmin(pg_current_snapshot())) AS is_held,
       e.xid::text AS xid, e.id, e.number, e.seq, e.type, (extract(epoch FROM e.at) * 1000000)::bigint AS at_us,
       e.actor, e.role, e.assignment, e.unit, array_to_string(e.audience || ''::text, chr(31)) AS audience,
       e.detail_text AS detail, e.text, e.agent, e.sealed
FROM h
LEFT JOIN LATERAL (
    (SELECT xid, id, number, seq, type, at, actor, role, assignment, unit, audience, detail_text, text,
            NULL::text AS agent, NULL::bytea AS sealed
     FROM ticket_event
     WHERE (xid, id) > ($1::text::xid8, $2::bigint) AND xid < pg_snapshot_xmin(pg_current_snapshot())
     ORDER BY xid, id
     LIMIT $3::integer)
    UNION ALL
    (SELECT xid, id, NULL, NULL, type, at, NULL, NULL, NULL, NULL, NULL, detail::text, NULL, agent, sealed
     FROM desk_event
     WHERE (xid, id) > ($1::text::xid8, $2::bigint) AND xid < pg_snapshot_xmin(pg_current_snapshot())
     ORDER BY xid, id
     LIMIT $3::integer)
    ORDER BY xid, id
    LIMIT $3::integer) e ON true
ORDER BY e.xid, e.id
