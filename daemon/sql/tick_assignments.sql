-- name: tick_assignments
-- in: numbers bigint[]
-- out: number, ordinal, unit, role, round, state, suspended_until
-- Who has or had these tickets, by ticket and ordinal.
SELECT number, ordinal, unit, role, round, state, suspended_until
FROM assignment
WHERE number = ANY ($1::bigint[])
ORDER BY number, ordinal
