-- name: ticket_search
-- in: below bigint, most integer, state text, unit text, category text, region text, kind text, channel text,
--     overdue boolean, likes text[], grams bigint[]
-- out: number, state, version, channel, kind, urgency, category, region, title, received_us, lead_unit, is_overdue,
--      round, is_problem, closed_us, closed_tier
-- Tickets that hold words, by the index of pairs, each looked at once more with the words as a whole; what the index
-- does not have yet is read from the tickets. Both in one snapshot, so nothing is missing and nothing twice. The tail is
-- read by a subquery for each of its tickets, so that no plan folds the words of all tickets first.
WITH tail AS MATERIALIZED (SELECT number FROM ticket_text_tail),
found AS MATERIALIZED (
    SELECT x.number
    FROM ticket_text x
    WHERE x.grams @> $11::bigint[]::integer[] AND x.number < coalesce($1::bigint, 9223372036854775807)
      AND x.folded LIKE ALL ($10::text[]) AND x.number NOT IN (SELECT number FROM tail)
    UNION ALL
    SELECT l.number
    FROM tail l
    WHERE l.number < coalesce($1::bigint, 9223372036854775807)
      AND (SELECT search_fold(v.words) FROM ticket_words v WHERE v.number = l.number) LIKE ALL ($10::text[])
)
SELECT t.number, t.state, t.version, t.channel, t.kind, t.urgency, t.category, t.region, t.title, t.received_us,
       t.lead_unit, t.is_overdue, t.round, t.is_problem, t.closed_us, t.closed_tier
FROM found f
JOIN ticket_listed t USING (number)
WHERE ($3::text IS NULL OR t.state = $3)
  AND ($4::text IS NULL OR EXISTS (SELECT FROM assignment a WHERE a.number = t.number AND a.unit = $4))
  AND ($5::text IS NULL OR t.category IN (SELECT category_below($5)))
  AND ($6::text IS NULL OR t.region IN (SELECT region_below($6)))
  AND ($7::text IS NULL OR t.kind = $7)
  AND ($8::text IS NULL OR t.channel = $8)
  AND ($9::boolean IS NULL OR t.is_overdue = $9)
ORDER BY t.number DESC
LIMIT $2::integer
