-- name: wechat_tidy
-- in: before timestamptz, most integer
-- out: removed
-- Deliveries that were somebody else's with the same account: a template to all followers ends as often as there are.
WITH d AS (
    DELETE FROM wechat_delivery
    WHERE (account, remote_id) IN (
        SELECT account, remote_id FROM wechat_delivery
        WHERE outbox IS NULL AND at < $1::timestamptz
        ORDER BY at
        LIMIT $2::integer)
      AND outbox IS NULL
    RETURNING 1
)
SELECT count(*) AS removed FROM d
