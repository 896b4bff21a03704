-- name: score_set_add
-- in: name text, valid_from timestamptz, scales jsonb, now timestamptz, account text, address text
-- out: version, is_new
-- A new score set. The same again (name, instant and scales of the newest with this name) is not stored twice, so that a
-- request may be repeated.
WITH same AS (
    SELECT version
    FROM (SELECT version, valid_from, scales FROM score_set WHERE name = $1::text ORDER BY version DESC LIMIT 1) AS newest
    WHERE valid_from = $2::timestamptz AND scales = $3::jsonb
),
made AS (
    INSERT INTO score_set (name, valid_from, scales, created_at, created_by)
    SELECT $1, $2, $3, $4::timestamptz, $5::text
    WHERE NOT EXISTS (SELECT FROM same)
    RETURNING version
),
a AS (
    INSERT INTO audit (at, account, address, action, detail)
    SELECT $4, $5, $6::text, 'scores.add', jsonb_build_object('version', version, 'name', $1, 'from', $2) FROM made
)
SELECT version, true AS is_new FROM made
UNION ALL
SELECT version, false FROM same
