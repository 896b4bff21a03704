-- name: webhook_claim
-- in: now timestamptz, lease_until timestamptz, each integer, most integer, busy bigint[]
-- out: webhook, event, url, secret, old_secret, attempts, wait_ms, created_us, failures, xid, id, number, seq, type, at_us,
--      actor, role, assignment, unit, audience, detail, text, agent, sealed
-- What is to be sent now, at most `each` of a webhook and one of a webhook that failed last. An event waits for an earlier
-- one of the same ticket. The lease moves next_at: whoever dies with a delivery in hand only delays it.
WITH w AS MATERIALIZED (
    SELECT id, url, secret, CASE WHEN old_until > $1::timestamptz THEN old_secret END AS old_secret, failures
    FROM webhook
    WHERE NOT is_disabled AND (retry_at IS NULL OR retry_at <= $1) AND id <> ALL ($5::bigint[])
),
due AS MATERIALIZED (
    SELECT x.webhook, x.event
    FROM w CROSS JOIN LATERAL (
        SELECT d.webhook, d.event
        FROM webhook_delivery d
        WHERE d.webhook = w.id AND d.state = 'pending' AND d.next_at <= $1
          AND NOT EXISTS (SELECT FROM webhook_delivery p
                          WHERE p.webhook = d.webhook AND p.number = d.number AND p.state = 'pending'
                            AND (p.event_xid, p.event) < (d.event_xid, d.event))
        ORDER BY d.next_at
        LIMIT CASE WHEN w.failures > 0 THEN 1 ELSE $3::integer END
        FOR UPDATE OF d SKIP LOCKED) x
    LIMIT $4::integer
),
t AS (
    UPDATE webhook_delivery x SET attempts = x.attempts + 1, next_at = $2::timestamptz
    FROM due
    WHERE x.webhook = due.webhook AND x.event = due.event
    RETURNING x.webhook, x.event, x.event_xid, x.attempts, x.wait_ms, x.created_at
)
SELECT t.webhook, t.event, w.url, w.secret, w.old_secret, t.attempts, t.wait_ms,
       (extract(epoch FROM t.created_at) * 1000000)::bigint AS created_us, w.failures,
       e.xid::text AS xid, e.id, e.number, e.seq, e.type, (extract(epoch FROM e.at) * 1000000)::bigint AS at_us, e.actor,
       e.role, e.assignment, e.unit, array_to_string(e.audience || ''::text, chr(31)) AS audience,
       e.detail_text AS detail, e.text, NULL::text AS agent, NULL::bytea AS sealed
FROM t JOIN w ON w.id = t.webhook JOIN ticket_event e ON e.xid = t.event_xid AND e.id = t.event
