-- name: wechat_media_list
-- in: number bigint
-- out: id, type, at_us, url, sha256, bytes, content_type, stored_us, state
-- What came with a ticket besides words, in the order in which it came; url NULL = not fetched (yet): state says why.
SELECT m.outbox AS id, m.type, (extract(epoch FROM m.at) * 1000000)::bigint AS at_us, m.url,
       encode(m.sha256, 'hex') AS sha256, m.bytes, m.content_type,
       (extract(epoch FROM m.stored_at) * 1000000)::bigint AS stored_us, o.state
FROM wechat_media m JOIN wechat_outbox o ON o.id = m.outbox
WHERE m.number = $1::bigint
ORDER BY m.outbox
LIMIT 100
