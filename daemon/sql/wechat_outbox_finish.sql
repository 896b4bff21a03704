-- name: wechat_outbox_finish
-- in: account text, remote_id text, is_good boolean, outcome text, now timestamptz
-- out: id, state
-- WeChat says how the delivery of a template ended. Nothing if it was not one of ours.
UPDATE wechat_outbox
SET state = CASE WHEN $3::boolean THEN 'closed' ELSE 'failed' END, outcome = $4::text, changed_at = $5::timestamptz
WHERE account = $1::text AND remote_id = $2::text AND state IN ('taken', 'sent')
RETURNING id, state
