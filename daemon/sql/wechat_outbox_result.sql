-- name: wechat_outbox_result
-- in: account text, id bigint, lease bytea, state text, remote_id text, outcome text, next_at timestamptz, now timestamptz
-- out: state, is_ours
-- What became of something that was taken. A lease that is not the present one changes nothing: is_ours is false. The same
-- report again is taken again.
WITH o AS (
    UPDATE wechat_outbox
    SET state = $4::text, remote_id = coalesce($5::text, remote_id), outcome = $6::text, next_at = $7::timestamptz,
        changed_at = $8::timestamptz
    WHERE account = $1::text AND id = $2::bigint AND lease = $3::bytea AND state = 'taken'
    RETURNING state
)
SELECT coalesce((SELECT state FROM o), w.state) AS state,
       EXISTS (SELECT FROM o) OR (w.lease = $3 AND w.state = $4) AS is_ours
FROM wechat_outbox w
WHERE w.account = $1 AND w.id = $2
