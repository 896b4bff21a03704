-- name: ticket_list_unit
-- in: below bigint, most integer, state text, unit text, category text, region text, kind text, channel text,
--     overdue boolean, q text, phone bytea, open_identity boolean
-- out: number, state, version, channel, kind, urgency, category, region, title, received_us, lead_unit, is_overdue,
--      round, is_problem, closed_us, closed_tier
-- As ticket_list, driven by what the unit has or had an assignment of. Only tickets in which it is the lead or a co-unit
-- in some round; each once, by its first assignment: DISTINCT would read all that the unit ever had.
WITH RECURSIVE place (code) AS (
    SELECT $6::text
    UNION
    SELECT r.code FROM region r JOIN place p ON r.parent = p.code
),
matter (code) AS (
    SELECT $5::text
    UNION
    SELECT c.code FROM category c JOIN matter m ON c.parent = m.code
)
SELECT t.number, t.state, t.version, t.channel, t.kind, t.urgency, t.category, t.region, t.title,
       (extract(epoch FROM t.received_at) * 1000000)::bigint AS received_us, t.lead_unit, t.is_overdue, t.round,
       t.is_problem, (extract(epoch FROM t.closed_at) * 1000000)::bigint AS closed_us, t.closed_tier
FROM assignment a
JOIN ticket t USING (number)
WHERE a.unit = $4::text AND a.number < coalesce($1::bigint, 9223372036854775807)
  AND NOT EXISTS (SELECT FROM assignment e
                  WHERE e.number = a.number AND e.unit = a.unit AND e.ordinal < a.ordinal)
  AND ($3::text IS NULL OR t.state = $3)
  AND ($5 IS NULL OR t.category IN (SELECT code FROM matter))
  AND ($6 IS NULL OR t.region IN (SELECT code FROM place))
  AND ($7::text IS NULL OR t.kind = $7)
  AND ($8::text IS NULL OR t.channel = $8)
  AND ($9::boolean IS NULL OR t.is_overdue = $9)
  AND ($10::text IS NULL OR strpos(t.title, $10) > 0 OR strpos(t.text, $10) > 0)
  AND ($11::bytea IS NULL
       OR (($12::boolean OR NOT t.is_confidential)
           AND EXISTS (SELECT FROM requester r WHERE r.number = t.number AND r.phone_index = $11)))
ORDER BY a.number DESC
LIMIT $2::integer
