-- name: ticket_events
-- in: number bigint, after_seq integer, most integer, unit text
-- out: event_count, event_hash, previous_hash, id, seq, type, at_us, actor, role, assignment, unit, detail, text, hash
-- History of one ticket for the desk (unit NULL) or a unit that has or had an assignment of it; no row = not for you.
-- previous_hash is that of the event before the first one: a page can be checked alone.
SELECT t.event_count, t.event_hash, p.hash AS previous_hash,
       e.id, e.seq, e.type, (extract(epoch FROM e.at) * 1000000)::bigint AS at_us, e.actor, e.role, e.assignment, e.unit,
       e.detail_text AS detail, e.text, e.hash
FROM ticket t
LEFT JOIN ticket_event p ON p.number = t.number AND p.seq = $2::integer
LEFT JOIN LATERAL (SELECT * FROM ticket_event x
                   WHERE x.number = t.number AND x.seq > $2
                   ORDER BY x.seq LIMIT $3::integer) e ON true
WHERE t.number = $1::bigint
  AND ($4::text IS NULL OR EXISTS (SELECT FROM assignment a WHERE a.number = t.number AND a.unit = $4))
ORDER BY e.seq
