-- name: clock_live
-- in: state text, after bigint, most integer
-- out: number, region, lead_unit, assignment_unit, clock, unit, amount, warn_percent, started_us, due_us, warn_us,
--      is_provisional, adjustments
-- A page of tickets in one state, by number, each with its clocks that a calendar can still move: alive, not broken, not in
-- real minutes alone (an extension is in working days). A ticket without such a clock has one row whose clock is NULL, so that a page tells where it ended.
-- OFFSET 0: the clocks are looked up ticket by ticket. How many tickets a page has is not known when it is planned, and
-- the guess of a tenth of all would make reading every clock for each page look cheaper.
SELECT t.number, t.region, t.lead_unit, a.unit AS assignment_unit, c.clock, c.unit, c.amount, c.warn_percent,
       (extract(epoch FROM c.started_at) * 1000000)::bigint AS started_us,
       (extract(epoch FROM c.due_at) * 1000000)::bigint AS due_us,
       (extract(epoch FROM c.warn_at) * 1000000)::bigint AS warn_us, c.is_provisional,
       CASE WHEN c.adjustments <> '[]' THEN c.adjustments END AS adjustments
FROM (SELECT number, region, lead_unit
      FROM ticket
      WHERE state = $1::text AND number > $2::bigint
      ORDER BY number
      LIMIT $3::integer) AS t
LEFT JOIN LATERAL (SELECT k.*
                   FROM ticket_clock k
                   WHERE k.number = t.number AND k.state IN ('running', 'paused') AND k.breached_at IS NULL
                     AND (k.unit <> 'minutes' OR k.adjustments <> '[]')
                   OFFSET 0) AS c ON true
LEFT JOIN LATERAL (SELECT a.unit FROM assignment a WHERE a.number = c.number AND a.ordinal = c.assignment OFFSET 0) AS a
    ON true
ORDER BY t.number, c.ordinal
