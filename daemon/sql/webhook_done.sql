-- name: webhook_done
-- in: webhook bigint, event bigint, attempts integer, state text, next_at timestamptz, wait_ms bigint, status integer,
--     error text, now timestamptz, retry_at timestamptz, reason text, failures integer
-- out: noted
-- How an attempt ended. `attempts` fences: whoever was given up for dead has nothing to say any more. A reason disables the
-- webhook. `failures` is what the webhook had when this one was claimed: of those that failed side by side one counts.
WITH d AS (
    UPDATE webhook_delivery
    SET state = $4::text, next_at = $5::timestamptz, wait_ms = $6::bigint, last_status = $7::integer,
        last_error = $8::text, ended_at = CASE WHEN $4 <> 'pending' THEN $9::timestamptz END
    WHERE webhook = $1::bigint AND event = $2::bigint AND state = 'pending' AND attempts = $3::integer
    RETURNING webhook
),
w AS (
    UPDATE webhook
    SET failures = CASE WHEN $4 = 'sent' THEN 0 WHEN failures = $12::integer THEN failures + 1 ELSE failures END, retry_at = $10::timestamptz,
        is_disabled = is_disabled OR $11::text IS NOT NULL, reason = coalesce($11, reason)
    FROM d
    WHERE id = d.webhook AND ($4 <> 'sent' OR failures > 0)
)
SELECT count(*) AS noted FROM d
