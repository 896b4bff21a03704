-- name: clock_due
-- in: now timestamptz, most integer
-- out: number, next_us
-- Tickets for which a warning or a breach is due at `now`, longest overdue first, plus the first one in the future.
(SELECT number, (extract(epoch FROM min(next_at)) * 1000000)::bigint AS next_us
 FROM (SELECT number, next_at FROM ticket_clock WHERE next_at <= $1::timestamptz ORDER BY next_at LIMIT $2::integer) d
 GROUP BY number)
UNION ALL
(SELECT number, (extract(epoch FROM next_at) * 1000000)::bigint
 FROM ticket_clock WHERE next_at > $1 ORDER BY next_at LIMIT 1)
