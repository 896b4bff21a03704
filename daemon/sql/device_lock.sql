-- name: device_lock
-- in: ids text[]
-- out: device
-- First of the statements that store what devices say: the next one has a snapshot of its own, so it sees what those who
-- held these locks before have stored.
SELECT device FROM device_state WHERE device = ANY ($1::text[]) ORDER BY device FOR UPDATE
