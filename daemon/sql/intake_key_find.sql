-- name: intake_key_find
-- in: account text, key text
-- out: fingerprint, number, answer
-- The first answer given under an idempotency key.
SELECT fingerprint, number, answer FROM intake_key WHERE account = $1::text AND key = $2::text
