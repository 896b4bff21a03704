-- name: ticket_list_unit
-- in: below bigint, most integer, state text, unit text, category text, region text, kind text, channel text,
--     overdue boolean
-- out: number, state, version, channel, kind, urgency, category, region, title, received_us, lead_unit, is_overdue,
--      round, is_problem, closed_us, closed_tier
-- As ticket_list, driven by what the unit has or had an assignment of. Only tickets in which it is the lead or a co-
-- unit in some round; each once, by its first assignment: DISTINCT would read all that the unit ever had.
SELECT t.number, t.state, t.version, t.channel, t.kind, t.urgency, t.category, t.region, t.title, t.received_us,
       t.lead_unit, t.is_overdue, t.round, t.is_problem, t.closed_us, t.closed_tier
FROM assignment a
JOIN ticket_listed t USING (number)
WHERE a.unit = $4::text AND a.number < coalesce($1::bigint, 9223372036854775807)
  AND NOT EXISTS (SELECT FROM assignment e
                  WHERE e.number = a.number AND e.unit = a.unit AND e.ordinal < a.ordinal)
  AND ($3::text IS NULL OR t.state = $3)
  AND ($5::text IS NULL OR t.category IN (SELECT category_below($5)))
  AND ($6::text IS NULL OR t.region IN (SELECT region_below($6)))
  AND ($7::text IS NULL OR t.kind = $7)
  AND ($8::text IS NULL OR t.channel = $8)
  AND ($9::boolean IS NULL OR t.is_overdue = $9)
ORDER BY a.number DESC
LIMIT $2::integer
