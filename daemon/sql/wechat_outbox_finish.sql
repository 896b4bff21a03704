-- name: wechat_outbox_finish
-- in: account text, remote_id text, is_good boolean, outcome text, now timestamptz
-- out: outbox, state
-- WeChat says how the delivery of a template ended; it may say so before the bridge has reported the msgid, and of what
-- others sent with the same account. The first word stands.
WITH d AS (
    INSERT INTO wechat_delivery AS w (account, remote_id, is_good, outcome, at)
    VALUES ($1::text, $2::text, $3::boolean, $4::text, $5::timestamptz)
    ON CONFLICT (account, remote_id) DO UPDATE
    SET is_good = coalesce(w.is_good, excluded.is_good), outcome = coalesce(w.outcome, excluded.outcome)
    RETURNING w.outbox, w.is_good, w.outcome
),
o AS (
    UPDATE wechat_outbox x
    SET state = CASE WHEN d.is_good THEN 'closed' ELSE 'failed' END, outcome = d.outcome, changed_at = $5
    FROM d WHERE x.id = d.outbox AND x.state IN ('queued', 'taken', 'sent')
    RETURNING x.state
)
SELECT d.outbox, (SELECT state FROM o) AS state FROM d
