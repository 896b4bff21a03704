-- name: account_list
-- out: name, role, unit, is_disabled, tokens, agent
-- All accounts with how many tokens of each are live: a few thousand rows in a large city.
SELECT a.name, a.role, a.unit, a.is_disabled,
       (SELECT count(*) FROM token t WHERE t.account = a.id AND t.revoked_at IS NULL) AS tokens, a.agent
FROM account a
ORDER BY a.name
