-- name: recalendar_soonest
-- in: now timestamptz, most integer
-- out: number
-- Tickets that something is due for soonest: whose queue and desk look at a deadline next. `most` counts clocks.
SELECT DISTINCT number
FROM (SELECT number FROM ticket_clock WHERE next_at > $1::timestamptz ORDER BY next_at LIMIT $2::integer) AS k
