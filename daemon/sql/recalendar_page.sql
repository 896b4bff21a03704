-- name: recalendar_page
-- in: state text, after bigint, until bigint, calendar_set bigint, most integer
-- out: number, is_stale
-- A page of tickets in one state, by number, and whether one has a clock that this calendar may still move: alive, not
-- broken, counted in working time, last computed by another calendar. `until` is the largest number there can be: a range
-- with two ends is planned as a small part of the table, which a page is, and read in the order of the index.
SELECT t.number,
       EXISTS (SELECT
               FROM ticket_clock k
               WHERE k.number = t.number AND k.calendar_set <> $4::bigint AND k.state IN ('running', 'paused')
                 AND k.breached_at IS NULL AND (k.unit <> 'minutes' OR k.adjustments <> '[]')) AS is_stale
FROM (SELECT number
      FROM ticket
      WHERE state = $1::text AND number > $2::bigint AND number <= $3::bigint
      ORDER BY number
      LIMIT $5::integer) AS t
ORDER BY t.number
