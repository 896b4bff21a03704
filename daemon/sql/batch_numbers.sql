-- name: batch_numbers
-- in: states text[], unit text, category text, region text, overdue boolean, most integer
-- out: number
-- Open tickets that a batch means, oldest first. Category and region stand for their subtrees, the unit for its lead. A
-- parameter that is NULL asks for nothing.
WITH RECURSIVE place (code) AS (
    SELECT $4::text
    UNION
    SELECT r.code FROM region r JOIN place p ON r.parent = p.code
),
matter (code) AS (
    SELECT $3::text
    UNION
    SELECT c.code FROM category c JOIN matter m ON c.parent = m.code
)
SELECT t.number
FROM ticket t
WHERE t.state = ANY ($1::text[])
  AND ($2::text IS NULL OR t.lead_unit = $2)
  AND ($3 IS NULL OR t.category IN (SELECT code FROM matter))
  AND ($4 IS NULL OR t.region IN (SELECT code FROM place))
  AND ($5::boolean IS NULL OR t.is_overdue = $5)
ORDER BY t.number
LIMIT $6::integer
