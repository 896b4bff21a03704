-- name: wechat_tidy
-- in: before timestamptz, most integer, text_before timestamptz, media_before timestamptz, template_before timestamptz,
--     now timestamptz
-- out: removed, expired
-- Deliveries that were somebody else's with the same account: a template to all followers ends as often as there are. And
-- what waited in the outbox until it was of no use any more, with a bridge or without one.
WITH d AS (
    DELETE FROM wechat_delivery
    WHERE (account, remote_id) IN (
        SELECT account, remote_id FROM wechat_delivery
        WHERE outbox IS NULL AND at < $1::timestamptz
        ORDER BY at
        LIMIT $2::integer)
      AND outbox IS NULL
    RETURNING 1
),
o AS (
    UPDATE wechat_outbox
    SET state = 'failed', outcome = 'expired', changed_at = $6::timestamptz
    WHERE id IN (
        SELECT x.id
        FROM (VALUES ('text', $3::timestamptz), ('media', $4::timestamptz), ('template', $5::timestamptz)) AS k (kind, before)
        CROSS JOIN LATERAL (SELECT w.id FROM wechat_outbox w
                            WHERE w.kind = k.kind AND w.state IN ('queued', 'taken') AND w.at < k.before
                            ORDER BY w.at LIMIT $2
                            FOR UPDATE SKIP LOCKED) x
        LIMIT $2)
      AND state IN ('queued', 'taken')
    RETURNING 1
)
SELECT (SELECT count(*) FROM d) AS removed, (SELECT count(*) FROM o) AS expired
