-- name: wechat_look
-- in: account text, openid bytea, key text
-- out: state, version, is_known, effect, matter, number, grade, solved, comment, reply, at_us, ticket, code, draft
-- Where a conversation stands, and what became of this message if it came before: its reply, or the effect that is not
-- done yet. Always one row.
SELECT c.state, coalesce(c.version, 0) AS version, m.key IS NOT NULL AS is_known, m.effect, m.matter, m.number, m.grade,
       m.solved, m.comment, m.reply, (extract(epoch FROM m.at) * 1000000)::bigint AS at_us, x.number AS ticket,
       t.query_code AS code, x.draft
FROM (SELECT) one
LEFT JOIN wechat_conversation c ON c.account = $1::text AND c.openid = $2::bytea
LEFT JOIN wechat_message m ON m.account = $1 AND m.openid = $2 AND m.key = $3::text
LEFT JOIN wechat_matter x ON x.id = m.matter
LEFT JOIN ticket t ON t.number = x.number
