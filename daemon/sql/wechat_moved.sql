-- name: wechat_moved
-- in: most integer
-- out: id, account, number, state, title, received_us, public_reply, ground
-- Tickets that came by WeChat and are in another state than their citizens were told.
SELECT x.id, x.account, t.number, t.state, t.title, (extract(epoch FROM t.received_at) * 1000000)::bigint AS received_us,
       t.public_reply, t.ground
FROM wechat_matter x JOIN ticket t ON t.number = x.number
WHERE x.told_state IS NOT NULL AND x.told_state <> t.state
ORDER BY x.number
LIMIT $1::integer
