-- name: wechat_matter_done
-- in: id bigint, number bigint, reply text, outbox bytea, now timestamptz
-- out: reply
-- The ticket of a matter, and of its media: told in the reply of its last message, or, if nobody waits for one, by the outbox. Once: the
-- first number stays.
WITH x AS (
    UPDATE wechat_matter w
    SET number = $2::bigint, told_state = (SELECT t.state FROM ticket t WHERE t.number = $2)
    WHERE w.id = $1::bigint AND w.number IS NULL
    RETURNING w.account, w.openid
),
m AS (
    UPDATE wechat_message SET reply = $3::text WHERE matter = $1 AND reply IS NULL RETURNING reply
),
a AS (
    UPDATE wechat_media SET number = $2 WHERE matter = $1 AND number IS NULL
),
o AS (
    INSERT INTO wechat_outbox (account, openid, kind, payload, at, next_at, changed_at)
    SELECT account, openid, 'text', $4::bytea, $5::timestamptz, $5, $5
    FROM x JOIN wechat_conversation c USING (account, openid)
    WHERE $4 IS NOT NULL AND c.sealed IS NOT NULL
)
SELECT coalesce((SELECT reply FROM m), (SELECT reply FROM wechat_message WHERE matter = $1), $3) AS reply
