-- name: score_set_at
-- in: at timestamptz
-- out: version, name, valid_from, scales
-- The score set in force at an instant; of two that begin at the same instant the one stored later.
SELECT version, name, (extract(epoch from valid_from) * 1000000)::bigint AS valid_from, scales::text AS scales
FROM score_set
WHERE valid_from <= $1::timestamptz
ORDER BY valid_from DESC, version DESC
LIMIT 1
