-- name: wechat_tickets
-- in: account text, openid bytea, number bigint, state text, most integer, actor text, since timestamptz, grade integer
-- out: number, state, title, received_us, public_reply, ground, is_rated
-- Tickets that came of somebody's own matters, the newest first; of one number, or of one state, if they are given.
-- is_rated: this very grade was stored already, by us, since the message came.
SELECT t.number, t.state, t.title, (extract(epoch FROM t.received_at) * 1000000)::bigint AS received_us, t.public_reply,
       t.ground,
       EXISTS (SELECT FROM callback b
               WHERE b.number = t.number AND b.account = $6::text AND b.at >= $7::timestamptz
                 AND b.satisfied = $8::integer) AS is_rated
FROM wechat_matter x JOIN ticket t ON t.number = x.number
WHERE x.account = $1::text AND x.openid = $2::bytea AND x.number IS NOT NULL
  AND ($3::bigint IS NULL OR x.number = $3) AND ($4::text IS NULL OR t.state = $4)
ORDER BY x.number DESC
LIMIT $5::integer
