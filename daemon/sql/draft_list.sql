-- name: draft_list
-- in: part text, below bigint, most integer
-- out: draft, name, size, warnings, version, created_us, created_by
-- Drafts of one part without their bodies, newest first, below an id (NULL = from the top).
SELECT id AS draft, name, jsonb_array_length(body -> part) AS size, (faults ->> 'warning_count')::bigint AS warnings, version,
       (extract(epoch FROM created_at) * 1000000)::bigint AS created_us, created_by
FROM draft
WHERE part = $1::text AND id < coalesce($2::bigint, 9223372036854775807)
ORDER BY id DESC
LIMIT $3::integer
