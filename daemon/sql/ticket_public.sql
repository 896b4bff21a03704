-- name: ticket_public
-- in: number bigint, types text[]
-- out: state, query_code, received_us, public_reply, ground, progress
-- What a citizen may read with number and query code: no units, no accounts, no internal texts leave the database.
-- Of a merged ticket the answer is its own, or the master's once that has passed the review (DOMAIN 2).
SELECT t.state, t.query_code, (extract(epoch FROM t.received_at) * 1000000)::bigint AS received_us,
       coalesce(t.public_reply, m.public_reply) AS public_reply, t.ground,
       (SELECT json_agg(json_build_array(e.type, (extract(epoch FROM e.at) * 1000000)::bigint) ORDER BY e.seq)
        FROM (SELECT type, at, seq FROM ticket_event
              WHERE number = t.number AND type = ANY ($2::text[])
              ORDER BY seq LIMIT 500) e) AS progress
FROM ticket t
LEFT JOIN ticket m ON m.number = t.merged_into AND m.state IN ('callback', 'closed', 'archived')
WHERE t.number = $1::bigint
