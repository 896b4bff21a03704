-- name: account_load
-- out: name, role, unit, hash, agent
-- Every live token with its account: few thousand rows, kept in memory so that no request waits for a look-up.
SELECT a.name, a.role, a.unit, t.hash, a.agent
FROM account a JOIN token t ON t.account = a.id
WHERE t.revoked_at IS NULL AND NOT a.is_disabled
