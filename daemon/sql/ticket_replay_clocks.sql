-- name: ticket_replay_clocks
-- in: below bigint, above bigint, from_at timestamptz, to_at timestamptz, most integer
-- out: number, is_wanted, kind, urgency, region, policy, sla_set, lead_unit, assignment_unit, clock, round, state, unit,
--      amount, warn_percent, started_us, met_us, adjustments
-- The clocks of past tickets, newest ticket first, strictly between two numbers; is_wanted = received in the period. A
-- ticket without a clock has one row whose clock is NULL. OFFSET 0: see clock_live.
SELECT t.number, t.received_at >= $3::timestamptz AND t.received_at < $4::timestamptz AS is_wanted, t.kind, t.urgency,
       t.region, t.policy, t.sla_set, t.lead_unit, a.unit AS assignment_unit, c.clock, c.round, c.state, c.unit, c.amount,
       c.warn_percent, (extract(epoch FROM c.started_at) * 1000000)::bigint AS started_us,
       (extract(epoch FROM c.met_at) * 1000000)::bigint AS met_us,
       CASE WHEN c.adjustments <> '[]' THEN c.adjustments END AS adjustments
FROM (SELECT *
      FROM ticket
      WHERE number < $1::bigint AND number > $2::bigint
      ORDER BY number DESC
      LIMIT $5::integer) AS t
LEFT JOIN LATERAL (SELECT k.* FROM ticket_clock k WHERE k.number = t.number OFFSET 0) AS c ON true
LEFT JOIN LATERAL (SELECT a.unit FROM assignment a WHERE a.number = c.number AND a.ordinal = c.assignment OFFSET 0) AS a
    ON true
ORDER BY t.number DESC, c.ordinal
