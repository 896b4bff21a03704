-- name: webhook_replay
-- in: id bigint, after timestamptz, now timestamptz, account text, address text, most integer
-- out: found, replayed
-- Sends again: the dead letters, or with `after` everything that was made since then and has ended, the oldest first.
WITH w AS (UPDATE webhook SET retry_at = NULL WHERE id = $1::bigint RETURNING id),
p AS MATERIALIZED (
    (SELECT d.webhook, d.event FROM webhook_delivery d
     WHERE $2::timestamptz IS NULL AND d.webhook = $1 AND d.state = 'dead'
     ORDER BY d.event LIMIT $6::integer)
    UNION ALL
    (SELECT d.webhook, d.event FROM webhook_delivery d
     WHERE $2 IS NOT NULL AND d.webhook = $1 AND d.created_at >= $2 AND d.state <> 'pending'
     ORDER BY d.created_at LIMIT $6)
),
d AS (
    UPDATE webhook_delivery x
    SET state = 'pending', attempts = 0, wait_ms = 0, created_at = $3::timestamptz, next_at = $3, ended_at = NULL
    FROM p
    WHERE x.webhook = p.webhook AND x.event = p.event
    RETURNING x.event
),
u AS (
    INSERT INTO audit (at, account, address, action, detail)
    SELECT $3, $4::text, $5::text, 'webhook.replay',
           jsonb_build_object('id', id, 'replayed', (SELECT count(*) FROM d))
    FROM w
)
SELECT (SELECT count(*) FROM w) AS found, (SELECT count(*) FROM d) AS replayed
