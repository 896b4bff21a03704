-- name: tick_clocks
-- in: numbers bigint[]
-- out: number, ordinal, assignment, clock, round, state, stop, unit, amount, warn_percent, is_pausable, is_provisional,
--      calendar_set, started_at, due_at, warn_at, original_due_at, warned_at, breached_at, paused_at, paused_us, step,
--      step_at, adjustments
-- The clocks of these tickets that are not over, by ticket and ordinal. `adjustments` NULL = none.
SELECT number, ordinal, assignment, clock, round, state, stop, unit, amount, warn_percent, is_pausable, is_provisional,
       calendar_set, started_at, due_at, warn_at, original_due_at, warned_at, breached_at, paused_at, paused_us, step,
       step_at, CASE WHEN adjustments <> '[]' THEN adjustments END AS adjustments
FROM ticket_clock
WHERE number = ANY ($1::bigint[]) AND state IN ('running', 'paused')
ORDER BY number, ordinal
