-- name: score_set_list
-- in: now timestamptz, most integer
-- out: version, name, valid_from, scales, created_at, created_by, is_in_force
-- Score sets, the newest first.
SELECT version, name, (extract(epoch from valid_from) * 1000000)::bigint AS valid_from, scales::text AS scales,
       (extract(epoch from created_at) * 1000000)::bigint AS created_at, created_by,
       version IS NOT DISTINCT FROM (SELECT f.version FROM score_set f WHERE f.valid_from <= $1::timestamptz
                                     ORDER BY f.valid_from DESC, f.version DESC LIMIT 1) AS is_in_force
FROM score_set
ORDER BY version DESC
LIMIT $2::integer
