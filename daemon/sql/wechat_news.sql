-- name: wechat_news
-- in: numbers bigint[]
-- out: id, account, number, state, title, received_us, public_reply, ground
-- Those of these tickets that came by WeChat and are in another state than their citizens were told.
SELECT x.id, x.account, t.number, t.state, t.title, (extract(epoch FROM t.received_at) * 1000000)::bigint AS received_us,
       t.public_reply, t.ground
FROM wechat_matter x JOIN ticket t ON t.number = x.number
WHERE x.number = ANY ($1::bigint[]) AND x.told_state IS NOT NULL AND x.told_state <> t.state
ORDER BY x.number
