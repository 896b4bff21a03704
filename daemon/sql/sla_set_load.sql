-- name: sla_set_load
-- in: most integer
-- out: version, policies
-- Policies of every stored set, newest first: running tickets keep those they were begun under.
SELECT version, policies::text AS policies
FROM sla_set
ORDER BY version DESC
LIMIT $1::integer
