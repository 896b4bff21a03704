-- name: wechat_due
-- in: now timestamptz, most integer
-- out: what, account, openid, key, id, at_us
-- What is left to do and was not put off: conversations whose time is over, matters without a ticket, messages whose effect is not done, in
-- this order; last the first conversation whose time will be over.
(SELECT 'over' AS what, account, openid, NULL AS key, NULL::bigint AS id,
        (extract(epoch FROM due_at) * 1000000)::bigint AS at_us
 FROM wechat_conversation WHERE due_at <= $1::timestamptz ORDER BY due_at LIMIT $2::integer)
UNION ALL
(SELECT 'matter', account, openid, NULL, id, (extract(epoch FROM at) * 1000000)::bigint
 FROM wechat_matter WHERE number IS NULL AND (next_at IS NULL OR next_at <= $1) ORDER BY id LIMIT $2)
UNION ALL
(SELECT 'message', account, openid, key, NULL, (extract(epoch FROM at) * 1000000)::bigint
 FROM wechat_message WHERE reply IS NULL AND effect IN ('rate', 'withdraw')
   AND (next_at IS NULL OR next_at <= $1)
 ORDER BY at LIMIT $2)
UNION ALL
(SELECT 'next', account, openid, NULL, NULL, (extract(epoch FROM due_at) * 1000000)::bigint
 FROM wechat_conversation WHERE due_at > $1 ORDER BY due_at LIMIT 1)
