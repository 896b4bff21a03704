-- name: ticket_list
-- in: below bigint, most integer, state text, unit text, category text, region text, kind text, channel text,
--     overdue boolean
-- out: number, state, version, channel, kind, urgency, category, region, title, received_us, lead_unit, is_overdue,
--      round, is_problem, closed_us, closed_tier
-- Newest first from the primary key; for questions that name none of what the other ticket_list statements are driven
-- by. They take the same parameters first; one that is NULL asks for nothing. One plan for all would have to read every
-- ticket.
SELECT t.number, t.state, t.version, t.channel, t.kind, t.urgency, t.category, t.region, t.title, t.received_us,
       t.lead_unit, t.is_overdue, t.round, t.is_problem, t.closed_us, t.closed_tier
FROM ticket_listed t
WHERE t.number < coalesce($1::bigint, 9223372036854775807)
  AND ($3::text IS NULL OR t.state = $3)
  AND ($4::text IS NULL OR EXISTS (SELECT FROM assignment a WHERE a.number = t.number AND a.unit = $4))
  AND ($5::text IS NULL OR t.category IN (SELECT category_below($5)))
  AND ($6::text IS NULL OR t.region IN (SELECT region_below($6)))
  AND ($7::text IS NULL OR t.kind = $7)
  AND ($8::text IS NULL OR t.channel = $8)
  AND ($9::boolean IS NULL OR t.is_overdue = $9)
ORDER BY t.number DESC
LIMIT $2::integer
