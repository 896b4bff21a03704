-- name: webhook_feed
-- in: now timestamptz, most integer
-- out: events, deliveries
-- The next events in commit order, up to the oldest transaction still running, become deliveries of the webhooks that want
-- them. The row of the cursor is the lock: of several daemons one feeds. Without a webhook nothing is read.
WITH c AS MATERIALIZED (
    SELECT xid, event FROM webhook_cursor
    WHERE EXISTS (SELECT FROM webhook WHERE NOT is_disabled)
    FOR UPDATE SKIP LOCKED
),
e AS MATERIALIZED (
    SELECT x.xid, x.id, x.number, x.type, x.audience
    FROM c CROSS JOIN LATERAL (
        SELECT * FROM ticket_event t
        WHERE (t.xid, t.id) > (c.xid, c.event) AND t.xid < pg_snapshot_xmin(pg_current_snapshot())
        ORDER BY t.xid, t.id
        LIMIT $2::integer) x
),
d AS (
    INSERT INTO webhook_delivery (webhook, event_xid, event, number, type, state, created_at, next_at)
    SELECT w.id, e.xid, e.id, e.number, e.type, 'pending', $1::timestamptz, $1
    FROM e JOIN webhook w ON NOT w.is_disabled AND e.xid >= w.since AND (w.unit IS NULL OR w.unit = ANY (e.audience))
                         AND (w.events = '{}' OR e.type = ANY (w.events))
    ON CONFLICT DO NOTHING
    RETURNING webhook
),
u AS (
    UPDATE webhook_cursor SET xid = l.xid, event = l.id
    FROM (SELECT xid, id FROM e ORDER BY xid DESC, id DESC LIMIT 1) l
)
SELECT (SELECT count(*) FROM e) AS events, (SELECT count(*) FROM d) AS deliveries
