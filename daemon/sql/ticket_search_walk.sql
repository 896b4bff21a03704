-- name: ticket_search_walk
-- in: below bigint, most integer, state text, unit text, category text, region text, kind text, channel text,
--     overdue boolean, likes text[], scan integer
-- out: walked_to, number, state, version, channel, kind, urgency, category, region, title, received_us, lead_unit,
--      is_overdue, round, is_problem, closed_us, closed_tier
-- The newest `scan` tickets (of a unit: its newest assignments) below a number, and those of them that fit. Common
-- words and places fill their page here. walked_to: the last number looked at, NULL if there is none below. One row
-- with NULLs if nothing fits. What the index of words does not have yet is read from the tickets.
WITH tail AS MATERIALIZED (SELECT number FROM ticket_text_tail),
w AS MATERIALIZED (
    (SELECT number FROM ticket
     WHERE $4::text IS NULL AND number < coalesce($1::bigint, 9223372036854775807)
     ORDER BY number DESC LIMIT $11::integer)
    UNION ALL
    (SELECT number FROM assignment
     WHERE unit = $4 AND number < coalesce($1::bigint, 9223372036854775807)
     ORDER BY number DESC LIMIT $11::integer)
),
f AS (
    SELECT t.*
    FROM (SELECT DISTINCT number FROM w) AS d
    JOIN ticket_listed t USING (number)
    LEFT JOIN ticket_text x USING (number)
    WHERE ($3::text IS NULL OR t.state = $3)
      AND ($5::text IS NULL OR t.category IN (SELECT category_below($5)))
      AND ($6::text IS NULL OR t.region IN (SELECT region_below($6)))
      AND ($7::text IS NULL OR t.kind = $7)
      AND ($8::text IS NULL OR t.channel = $8)
      AND ($9::boolean IS NULL OR t.is_overdue = $9)
      AND ($10::text[] IS NULL
           OR CASE WHEN x.number IS NULL OR x.number IN (SELECT number FROM tail)
                     THEN (SELECT search_fold(v.words) FROM ticket_words v WHERE v.number = t.number)
                     ELSE x.folded END LIKE ALL ($10))
    ORDER BY t.number DESC
    LIMIT $2::integer
)
SELECT h.walked_to, t.number, t.state, t.version, t.channel, t.kind, t.urgency, t.category, t.region, t.title, t.received_us,
       t.lead_unit, t.is_overdue, t.round, t.is_problem, t.closed_us, t.closed_tier
FROM (SELECT CASE WHEN count(*) >= $11::integer THEN min(number) END AS walked_to FROM w) AS h
LEFT JOIN f AS t ON true
ORDER BY t.number DESC
