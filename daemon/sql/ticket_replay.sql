-- name: ticket_replay
-- in: below bigint, above bigint, from_at timestamptz, to_at timestamptz, most integer
-- out: number, is_wanted, received_us, channel, kind, urgency, category, region, title, text
-- Tickets as they came in, newest first, strictly between two numbers; is_wanted = received in the period. The rule that
-- won may have changed kind or urgency: where it asked for a certain one, that is what came in.
SELECT t.number, t.received_at >= $3::timestamptz AND t.received_at < $4::timestamptz AS is_wanted,
       (extract(epoch FROM t.received_at) * 1000000)::bigint AS received_us, t.channel,
       CASE WHEN r.set_kind IS NOT NULL THEN coalesce(r.kind, t.kind) ELSE t.kind END AS kind,
       CASE WHEN r.set_urgency IS NOT NULL THEN coalesce(r.urgency, t.urgency) ELSE t.urgency END AS urgency,
       t.category, t.region, t.title, t.text
FROM ticket t
LEFT JOIN rule r ON r.rule_set = t.rule_set AND r.code = t.rule
WHERE t.number < $1::bigint AND t.number > $2::bigint
ORDER BY t.number DESC
LIMIT $5::integer
