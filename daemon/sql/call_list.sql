-- name: call_list
-- in: below bigint, most integer, missed boolean, call_id text, missed_since timestamptz
-- out: id, gateway, call_id, state, direction, numbers, queue, agent, extension, cause, started_us, offered_us, queued_us,
--      ringing_us, answered_us, held_us, transferred_us, ended_us, returned_us, returned_by, recordings, tickets
-- Calls, newest first. missed: those who hung up before a desk answered, whom nobody has called back, and who did not get
-- through later: the call-back list. It goes back to missed_since: those who got through later stay in the index that is walked,
-- so the walk ends at the first one who was missed then.
SELECT c.id, c.gateway, c.call_id, c.state, c.direction, c.numbers, c.queue, c.agent, c.extension, c.cause,
       (extract(epoch FROM c.started_at) * 1000000)::bigint AS started_us,
       (extract(epoch FROM c.reached[1]) * 1000000)::bigint AS offered_us,
       (extract(epoch FROM c.reached[2]) * 1000000)::bigint AS queued_us,
       (extract(epoch FROM c.reached[3]) * 1000000)::bigint AS ringing_us,
       (extract(epoch FROM c.reached[4]) * 1000000)::bigint AS answered_us,
       (extract(epoch FROM c.reached[5]) * 1000000)::bigint AS held_us,
       (extract(epoch FROM c.reached[6]) * 1000000)::bigint AS transferred_us,
       (extract(epoch FROM c.reached[7]) * 1000000)::bigint AS ended_us,
       (extract(epoch FROM c.returned_at) * 1000000)::bigint AS returned_us, c.returned_by,
       coalesce((SELECT json_agg(json_build_object('ref', r.ref, 'url', r.url, 'sha256', r.sha256,
                                                   'duration_ms', r.duration_ms) ORDER BY r.ref)
                 FROM call_recording r WHERE r.gateway = c.gateway AND r.call_id = c.call_id), '[]')::text AS recordings,
       coalesce((SELECT json_agg(lpad(t.number::text, 18, '0') ORDER BY t.number)
                 FROM ticket t WHERE t.call_id = c.call_id), '[]')::text AS tickets
FROM (
    (SELECT * FROM call m
     WHERE $3::boolean AND $4::text IS NULL AND m.id < $1::bigint
       AND m.id >= (SELECT f.id FROM call f
                    WHERE f.ended_at IS NOT NULL AND f.answered_at IS NULL AND f.returned_at IS NULL
                      AND f.direction IS DISTINCT FROM 'outbound' AND f.ended_at >= $5::timestamptz
                    ORDER BY f.ended_at, f.id LIMIT 1)
       AND m.ended_at >= $5
       AND m.ended_at IS NOT NULL AND m.answered_at IS NULL AND m.returned_at IS NULL
       AND m.direction IS DISTINCT FROM 'outbound'
       AND NOT EXISTS (SELECT FROM call a WHERE a.party_index = m.party_index AND a.answered_at > m.ended_at)
     ORDER BY m.id DESC
     LIMIT $2::integer)
    UNION ALL
    (SELECT * FROM call a WHERE NOT $3 AND $4 IS NULL AND a.id < $1 ORDER BY a.id DESC LIMIT $2)
    UNION ALL
    (SELECT * FROM call o
     WHERE o.call_id = $4 AND o.id < $1
       AND (NOT $3 OR o.ended_at IS NOT NULL AND o.answered_at IS NULL AND o.returned_at IS NULL)
     ORDER BY o.id DESC
     LIMIT $2)
) c
ORDER BY c.id DESC
LIMIT $2
