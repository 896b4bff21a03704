-- name: draft_get
-- in: part text, draft bigint
-- out: name, body, warnings, warning_count, version, created_us, created_by
-- One draft, whole; no row = no such draft of this part.
SELECT name, body::text AS body, (faults -> 'warnings')::text AS warnings,
       (faults ->> 'warning_count')::bigint AS warning_count, version,
       (extract(epoch FROM created_at) * 1000000)::bigint AS created_us, created_by
FROM draft
WHERE id = $2::bigint AND part = $1::text
