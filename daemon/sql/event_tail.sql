-- name: event_tail
-- in: xid text, id bigint, most integer
-- out: horizon, is_held, xid, id, number, seq, type, at_us, actor, role, assignment, unit, audience, detail, text
-- Events after a place, in the order of transactions, up to the horizon: the oldest transaction still running. Behind it
-- nothing can appear any more, so nobody skips what commits late. One row with NULLs if there is none; `is_held` tells of
-- committed events that still wait for an older transaction. most = 0 asks for the horizon only.
WITH h AS MATERIALIZED (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS horizon)
SELECT h.horizon::text AS horizon,
       EXISTS (SELECT FROM ticket_event w WHERE w.xid >= pg_snapshot_xmin(pg_current_snapshot())) AS is_held,
       e.xid::text AS xid, e.id, e.number, e.seq, e.type, (extract(epoch FROM e.at) * 1000000)::bigint AS at_us,
       e.actor, e.role, e.assignment, e.unit, array_to_string(e.audience || ''::text, chr(31)) AS audience,
       e.detail_text AS detail, e.text
FROM h
LEFT JOIN LATERAL (SELECT * FROM ticket_event
                   WHERE (xid, id) > ($1::text::xid8, $2::bigint) AND xid < pg_snapshot_xmin(pg_current_snapshot())
                   ORDER BY xid, id
                   LIMIT $3::integer) e ON true
ORDER BY e.xid, e.id
