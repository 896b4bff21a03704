-- name: account_lock
-- in: name text
-- out: role, unit, is_disabled
-- Stands in front of what changes an account in the same transaction, so that two rotations at the same moment come one
-- after the other and each sees what the other did.
SELECT role, unit, is_disabled FROM account WHERE name = $1::text FOR UPDATE
