-- name: webhook_add
-- in: unit text, url text, events text[], secret bytea, now timestamptz, account text, address text
-- out: id
-- It hears of what is committed from now on. The first one moves the cursor, which stood still while nobody listened.
WITH c AS (
    UPDATE webhook_cursor SET xid = pg_snapshot_xmin(pg_current_snapshot()), event = 0
    WHERE NOT EXISTS (SELECT FROM webhook WHERE NOT is_disabled)
),
w AS (
    INSERT INTO webhook (unit, url, events, secret, created_at, created_by)
    VALUES ($1::text, $2::text, coalesce($3::text[], '{}'), $4::bytea, $5::timestamptz, $6::text)
    RETURNING id, unit, url
),
u AS (
    INSERT INTO audit (at, account, address, action, detail)
    SELECT $5, $6, $7::text, 'webhook.add', jsonb_strip_nulls(jsonb_build_object('id', id, 'unit', unit, 'url', url))
    FROM w
)
SELECT id FROM w
