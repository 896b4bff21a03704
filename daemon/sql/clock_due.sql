-- name: clock_due
-- in: now timestamptz, most integer
-- out: number, next_us
-- Tickets for which a warning, a breach, a step after it or the end of a suspension is due at `now`, longest overdue first,
-- plus the first one in the future.
WITH d AS (
    (SELECT number, next_at FROM ticket_clock WHERE next_at <= $1::timestamptz ORDER BY next_at LIMIT $2::integer)
    UNION ALL
    (SELECT number, suspended_until
     FROM assignment WHERE suspended_until <= $1 ORDER BY suspended_until LIMIT $2)
),
f AS (
    (SELECT number, next_at FROM ticket_clock WHERE next_at > $1 ORDER BY next_at LIMIT 1)
    UNION ALL
    (SELECT number, suspended_until FROM assignment WHERE suspended_until > $1 ORDER BY suspended_until LIMIT 1)
)
(SELECT number, (extract(epoch FROM min(next_at)) * 1000000)::bigint AS next_us FROM d GROUP BY number ORDER BY 2)
UNION ALL
(SELECT number, (extract(epoch FROM next_at) * 1000000)::bigint FROM f ORDER BY next_at LIMIT 1)
