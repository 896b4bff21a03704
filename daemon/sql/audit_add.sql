-- name: audit_add
-- in: at timestamptz, account text, address text, action text, number bigint, detail jsonb
-- One line of who looked at what; changes of configuration and accounts write theirs in their own transactions.
INSERT INTO audit (at, account, address, action, number, detail)
VALUES ($1::timestamptz, $2::text, $3::text, $4::text, $5::bigint, coalesce($6::jsonb, '{}'))
