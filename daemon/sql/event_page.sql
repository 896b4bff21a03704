-- name: event_page
-- in: xid text, id bigint, unit text, most integer, scan integer, agent text
-- out: horizon, scanned, last_xid, last_id, xid, id, number, seq, type, at_us, actor, role, assignment, unit, audience,
--      detail, text, agent, sealed
-- Events after a place that concern a unit (NULL = a desk: all of tickets, those of all desks, those of its agent), for
-- readers behind the hub's memory. At most `scan` events are looked at, however few of them are the unit's; last_xid,
-- last_id is how far that went. One row with NULLs if there is none.
WITH w AS MATERIALIZED (
    SELECT xid, id, is_seen
    FROM ((SELECT xid, id, $3::text IS NULL OR $3 = ANY (audience) AS is_seen
           FROM ticket_event
           WHERE (xid, id) > ($1::text::xid8, $2::bigint) AND xid < pg_snapshot_xmin(pg_current_snapshot())
           ORDER BY xid, id
           LIMIT $5::integer)
          UNION ALL
          (SELECT xid, id, true
           FROM desk_event
           WHERE $3 IS NULL AND agent IS NULL
             AND (xid, id) > ($1::text::xid8, $2::bigint) AND xid < pg_snapshot_xmin(pg_current_snapshot())
           ORDER BY xid, id
           LIMIT $5::integer)
          UNION ALL
          (SELECT xid, id, true
           FROM desk_event
           WHERE $3 IS NULL AND agent = $6::text
             AND (xid, id) > ($1::text::xid8, $2::bigint) AND xid < pg_snapshot_xmin(pg_current_snapshot())
           ORDER BY xid, id
           LIMIT $5::integer)) x
    ORDER BY xid, id
    LIMIT $5::integer
),
h AS (
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS horizon, (SELECT count(*) FROM w) AS scanned,
           l.xid::text AS last_xid, l.id AS last_id
    FROM (SELECT) one LEFT JOIN (SELECT xid, id FROM w ORDER BY xid DESC, id DESC LIMIT 1) l ON true
),
p AS MATERIALIZED (SELECT xid, id FROM w WHERE is_seen ORDER BY xid, id LIMIT $4::integer),
e AS (
    SELECT e.xid, e.id, e.number, e.seq, e.type, e.at, e.actor, e.role, e.assignment, e.unit, e.audience, e.detail_text,
           e.text, NULL::text AS agent, NULL::bytea AS sealed
    FROM p JOIN ticket_event e USING (xid, id)
    UNION ALL
    SELECT e.xid, e.id, NULL, NULL, e.type, e.at, NULL, NULL, NULL, NULL, NULL, e.detail::text, NULL, e.agent, e.sealed
    FROM p JOIN desk_event e USING (xid, id)
)
SELECT h.horizon, h.scanned, h.last_xid, h.last_id,
       e.xid::text AS xid, e.id, e.number, e.seq, e.type, (extract(epoch FROM e.at) * 1000000)::bigint AS at_us,
       e.actor, e.role, e.assignment, e.unit, array_to_string(e.audience || ''::text, chr(31)) AS audience,
       e.detail_text AS detail, e.text, e.agent, e.sealed
FROM h LEFT JOIN e ON true
ORDER BY e.xid, e.id
