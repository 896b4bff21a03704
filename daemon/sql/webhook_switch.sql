-- name: webhook_switch
-- in: id bigint, is_disabled boolean, now timestamptz, account text, address text
-- out: id
-- Off, or on again: then it hears of what is committed from now on; what waited is sent, what it missed is not made up.
WITH c AS (
    UPDATE webhook_cursor SET xid = pg_snapshot_xmin(pg_current_snapshot()), event = 0
    WHERE NOT $2::boolean AND NOT EXISTS (SELECT FROM webhook WHERE NOT is_disabled)
),
w AS (
    UPDATE webhook
    SET is_disabled = $2, reason = NULL, failures = 0, retry_at = NULL,
        since = CASE WHEN is_disabled AND NOT $2 THEN pg_current_xact_id() ELSE since END
    WHERE id = $1::bigint
    RETURNING id
),
u AS (
    INSERT INTO audit (at, account, address, action, detail)
    SELECT $3::timestamptz, $4::text, $5::text, CASE WHEN $2 THEN 'webhook.disable' ELSE 'webhook.enable' END,
           jsonb_build_object('id', id)
    FROM w
)
SELECT id FROM w
