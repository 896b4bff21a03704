-- name: webhook_tidy
-- in: before timestamptz, most integer
-- out: removed
-- Deliveries that ended long ago: nobody replays them any more.
WITH t AS (
    DELETE FROM webhook_delivery
    WHERE (webhook, event) IN (SELECT webhook, event FROM webhook_delivery
                               WHERE ended_at < $1::timestamptz
                               ORDER BY ended_at LIMIT $2::integer)
    RETURNING webhook
)
SELECT count(*) AS removed FROM t
