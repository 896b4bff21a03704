-- name: activation_list
-- in: part text, below bigint, most integer
-- out: activation, draft, version, at_us, account, state, ended_us, reason
-- What was and is planned for one part, newest first, below an id (NULL = from the top).
SELECT id AS activation, draft, version, (extract(epoch FROM at) * 1000000)::bigint AS at_us, by AS account, state,
       (extract(epoch FROM ended_at) * 1000000)::bigint AS ended_us, reason
FROM activation
WHERE part = $1::text AND id < coalesce($2::bigint, 9223372036854775807)
ORDER BY id DESC
LIMIT $3::integer
