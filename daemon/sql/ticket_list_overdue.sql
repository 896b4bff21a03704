-- name: ticket_list_overdue
-- in: below bigint, most integer, state text, unit text, category text, region text, kind text, channel text,
--     overdue boolean
-- out: number, state, version, channel, kind, urgency, category, region, title, received_us, lead_unit, is_overdue,
--      round, is_problem, closed_us, closed_tier
-- As ticket_list, driven by the index of the overdue: the few among all that ever were.
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
  AND t.is_overdue AND $9::boolean
ORDER BY t.number DESC
LIMIT $2::integer
