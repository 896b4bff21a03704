-- name: call_returned
-- in: gateway text, call_id text, at timestamptz, account text, address text
-- out: returned_us, returned_by, is_missed
-- A missed caller was called back: off the list. The first to say so stands. is_missed false: it was answered, or goes on.
WITH c AS (
    SELECT gateway, call_id, returned_at, returned_by,
           ended_at IS NOT NULL AND answered_at IS NULL AND direction IS DISTINCT FROM 'outbound' AS is_missed
    FROM call WHERE gateway = $1::text AND call_id = $2::text FOR UPDATE
),
u AS (
    UPDATE call SET returned_at = $3::timestamptz, returned_by = $4::text
    FROM c
    WHERE call.gateway = c.gateway AND call.call_id = c.call_id AND c.is_missed AND c.returned_at IS NULL
    RETURNING call.returned_at, call.returned_by
),
a AS (
    INSERT INTO audit (at, account, address, action, detail)
    SELECT $3, $4, $5::text, 'call.returned', jsonb_build_object('gateway', $1, 'call_id', $2) FROM u
)
SELECT (extract(epoch FROM coalesce(u.returned_at, c.returned_at)) * 1000000)::bigint AS returned_us,
       coalesce(u.returned_by, c.returned_by) AS returned_by, c.is_missed
FROM c LEFT JOIN u ON true
