-- name: clock_moves
-- in: number bigint
-- out: at_us, detail
-- What other calendars have done to the deadlines of one ticket, oldest first; the newest of very many.
SELECT (extract(epoch FROM at) * 1000000)::bigint AS at_us, detail_text AS detail
FROM (SELECT seq, at, detail_text
      FROM ticket_event
      WHERE number = $1::bigint AND type = 'clock.recomputed'
      ORDER BY seq DESC
      LIMIT 200) AS e
ORDER BY seq
