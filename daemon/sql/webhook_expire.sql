-- name: webhook_expire
-- in: before timestamptz, now timestamptz, most integer
-- out: dead
-- What has waited too long for a webhook that failed last or is disabled is a dead letter, tried or not: of the former one is
-- tried at a time, of the latter none, and all that happens waits for them. Whoever was not asked since, because it was we
-- who were away, is asked first.
WITH t AS (
    UPDATE webhook_delivery d
    SET state = 'dead', next_at = NULL, ended_at = $2::timestamptz, last_error = coalesce(d.last_error, 'expired')
    FROM (SELECT x.webhook, x.event
          FROM webhook w
          CROSS JOIN LATERAL (SELECT p.webhook, p.event FROM webhook_delivery p
                              WHERE p.webhook = w.id AND p.state = 'pending' AND p.created_at < $1::timestamptz
                              ORDER BY p.created_at LIMIT $3::integer
                              FOR UPDATE SKIP LOCKED) x
          WHERE w.is_disabled OR w.retry_at > $2
          LIMIT $3) o
    WHERE d.webhook = o.webhook AND d.event = o.event AND d.state = 'pending'
    RETURNING d.webhook
)
SELECT count(*) AS dead FROM t
