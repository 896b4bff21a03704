-- name: version_list
-- in: part text, below bigint, most integer
-- out: version, name, size, created_us, created_by, periods
-- Stored versions of one part, newest first, below a version (NULL = from the top); periods = [[since, until], ...] in
-- microseconds, when it was in force.
SELECT s.version, s.name, s.size, (extract(epoch FROM s.created_at) * 1000000)::bigint AS created_us, s.created_by,
       coalesce((SELECT jsonb_agg(jsonb_build_array((extract(epoch FROM p.since) * 1000000)::bigint,
                                                    (extract(epoch FROM p.until) * 1000000)::bigint) ORDER BY p.since)
                 FROM config_period p WHERE p.part = s.part AND p.version = s.version), '[]')::text AS periods
FROM config_set s
WHERE s.part = $1::text AND s.version < coalesce($2::bigint, 9223372036854775807)
ORDER BY s.version DESC
LIMIT $3::integer
