-- name: clock_live
-- in: state text, after bigint, most integer
-- out: number, region, lead_unit, assignment_unit, clock, unit, amount, warn_percent, started_us, due_us, warn_us,
--      is_provisional, adjustments
-- A page of tickets in one state, by number, each with its clocks that a calendar can still move: alive, not broken, not in
-- real minutes. A ticket without such a clock has one row whose clock is NULL, so that a page tells where it ended.
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
LEFT JOIN ticket_clock c ON c.number = t.number AND c.state IN ('running', 'paused') AND c.breached_at IS NULL
                        AND c.unit <> 'minutes'
LEFT JOIN assignment a ON a.number = c.number AND a.ordinal = c.assignment
ORDER BY t.number, c.ordinal
