-- name: version_get
-- in: part text, version bigint
-- out: name, created_us, created_by, body
-- One stored version with its content, in the shape of a draft; no row = no such version.
SELECT s.name, (extract(epoch FROM s.created_at) * 1000000)::bigint AS created_us, s.created_by,
       config_part(s.part, s.version)::text AS body
FROM config_set s
WHERE s.part = $1::text AND s.version = $2::bigint
