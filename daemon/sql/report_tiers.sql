-- name: report_tiers
-- in: from_at timestamptz, from_day date, from_day_at timestamptz, to_at timestamptz, to_day date,
--     to_day_at timestamptz, unit text, region text, category text, kind text, channel text
-- out: tier, received, desk, dispatched, closed, on_time, in_hand, overdue, carried_over
-- The figures of [from_at, to_at), exact at any instant, because sums, what is not folded yet and the horizon between
-- them are read in one snapshot. A `_day` is the first local day that starts at or after the instant, `_day_at` is when.
-- Everything is "all there is less what came later": a period is what came after its start less what came after its end,
-- and what was in hand is the stock less what came after. So nothing older than the period is read. The upper bound
-- of xid says nothing about the result; it tells the planner that the range is small.
WITH RECURSIVE place (code) AS (
    SELECT $8::text WHERE $8 IS NOT NULL
    UNION
    SELECT r.code FROM region r JOIN place ON r.parent = place.code
),
matter (code) AS (
    SELECT $9::text WHERE $9 IS NOT NULL
    UNION
    SELECT c.code FROM category c JOIN matter ON c.parent = matter.code
),
x AS (
    SELECT unit, '' AS tier, region, category, kind, channel, 0 AS received, 0 AS desk, 0 AS dispatched, open,
           0 AS closed, 0 AS on_time, overdue, 1 AS stock, 0 AS after_from, 0 AS after_to
    FROM tally_stock
    UNION ALL
    SELECT unit, tier, region, category, kind, channel, received, desk, dispatched, open, closed, on_time, overdue,
           1, (at >= $3)::int, (at >= $6)::int
    FROM tally
    WHERE xid >= (SELECT folded FROM tally_fold) AND xid < pg_snapshot_xmax(pg_current_snapshot())
    UNION ALL
    SELECT unit, tier, region, category, kind, channel, received, desk, dispatched, open, closed, on_time, overdue,
           0, 1, (day >= $5::date)::int
    FROM tally_day
    WHERE day >= $2::date
    UNION ALL
    SELECT unit, tier, region, category, kind, channel, received, desk, dispatched, open, closed, on_time, overdue,
           0, 1, 0
    FROM tally
    WHERE at >= $1::timestamptz AND at < $3::timestamptz
    UNION ALL
    SELECT unit, tier, region, category, kind, channel, received, desk, dispatched, open, closed, on_time, overdue,
           0, 0, 1
    FROM tally
    WHERE at >= $4::timestamptz AND at < $6::timestamptz
)
SELECT tier,
       sum(received * (after_from - after_to))::bigint AS received,
       sum(desk * (after_from - after_to))::bigint AS desk,
       sum(dispatched * (after_from - after_to))::bigint AS dispatched,
       sum(closed * (after_from - after_to))::bigint AS closed,
       sum(on_time * (after_from - after_to))::bigint AS on_time,
       sum(open * (stock - after_to))::bigint AS in_hand,
       sum(overdue * (stock - after_to))::bigint AS overdue,
       sum(open * (stock - after_from))::bigint AS carried_over
FROM x
WHERE ($7::text IS NULL OR unit = $7)
  AND ($8 IS NULL OR region IN (SELECT code FROM place))
  AND ($9 IS NULL OR category IN (SELECT code FROM matter))
  AND ($10::text IS NULL OR kind = $10)
  AND ($11::text IS NULL OR channel = $11)
GROUP BY tier
