-- name: draft_add
-- in: part text, body jsonb, faults jsonb, now timestamptz, account text, address text
-- out: draft
-- Stores a draft that was checked and has no errors; faults = {"warnings", "warning_count"} as they
-- stood then.
WITH d AS (
    INSERT INTO draft (part, name, body, created_at, created_by, faults)
    SELECT $1::text, $2::jsonb ->> 'name', $2, $4::timestamptz, $5::text, $3::jsonb
    RETURNING id, name
),
a AS (
    INSERT INTO audit (at, account, address, action, detail)
    SELECT $4, $5, $6::text, $1 || '.draft', jsonb_build_object('draft', id, 'name', name) FROM d
)
SELECT id AS draft FROM d
