-- name: report_counts
-- in: from_at timestamptz, from_day date, from_day_at timestamptz, to_at timestamptz, to_day date,
--     to_day_at timestamptz, offset_minutes integer
-- out: dimension, key, name, received, desk, dispatched, closed, on_time, in_hand, overdue, carried_over
-- The figures of report_tiers.sql, counted the same way, by unit, category, kind, channel and local day at once: what a
-- bulletin lists. Rows without any figure are left out.
WITH x AS (
    SELECT NULL::date AS day, unit, category, kind, channel, 0 AS received, 0 AS desk, 0 AS dispatched, open,
           0 AS closed, 0 AS on_time, overdue, 1 AS stock, 0 AS after_from, 0 AS after_to
    FROM tally_stock
    UNION ALL
    SELECT (at AT TIME ZONE 'UTC' + make_interval(mins => $7::integer))::date, unit, category, kind, channel, received,
           desk, dispatched, open, closed, on_time, overdue, 1, (at >= $3)::int, (at >= $6)::int
    FROM tally
    WHERE xid >= (SELECT folded FROM tally_fold) AND xid < pg_snapshot_xmax(pg_current_snapshot())
    UNION ALL
    SELECT day, unit, category, kind, channel, received, desk, dispatched, open, closed, on_time, overdue,
           0, 1, (day >= $5::date)::int
    FROM tally_day
    WHERE day >= $2::date
    UNION ALL
    SELECT (at AT TIME ZONE 'UTC' + make_interval(mins => $7))::date, unit, category, kind, channel, received, desk,
           dispatched, open, closed, on_time, overdue, 0, 1, 0
    FROM tally
    WHERE at >= $1::timestamptz AND at < $3::timestamptz
    UNION ALL
    SELECT (at AT TIME ZONE 'UTC' + make_interval(mins => $7))::date, unit, category, kind, channel, received, desk,
           dispatched, open, closed, on_time, overdue, 0, 0, 1
    FROM tally
    WHERE at >= $4::timestamptz AND at < $6::timestamptz
),
summed AS (
    SELECT CASE grouping(unit, category, kind, channel, day)
               WHEN 15 THEN 'unit' WHEN 23 THEN 'category' WHEN 27 THEN 'kind' WHEN 29 THEN 'channel' ELSE 'day'
           END AS dimension,
           coalesce(unit, category, kind, channel, day::text) COLLATE "C" AS key,
           sum(received * (after_from - after_to))::bigint AS received,
           sum(desk * (after_from - after_to))::bigint AS desk,
           sum(dispatched * (after_from - after_to))::bigint AS dispatched,
           sum(closed * (after_from - after_to))::bigint AS closed,
           sum(on_time * (after_from - after_to))::bigint AS on_time,
           sum(open * (stock - after_to))::bigint AS in_hand,
           sum(overdue * (stock - after_to))::bigint AS overdue,
           sum(open * (stock - after_from))::bigint AS carried_over
    FROM x
    GROUP BY GROUPING SETS ((unit), (category), (kind), (channel), (day))
)
SELECT dimension, key,
       CASE dimension WHEN 'unit' THEN (SELECT name FROM unit WHERE code = key)
                      WHEN 'category' THEN (SELECT name FROM category WHERE code = key) END AS name,
       received, desk, dispatched, closed, on_time, in_hand, overdue, carried_over
FROM summed
WHERE key IS NOT NULL
  AND (received, desk, dispatched, closed, on_time, in_hand, overdue, carried_over) <> (0, 0, 0, 0, 0, 0, 0, 0)
ORDER BY 1, 2
