-- name: wechat_put_off
-- in: account text, openid bytea, key text, id bigint, now timestamptz
-- out: failures
-- What failed is left in peace for twice as long each time, from 20 s up to an hour; a conversation whose time is over, for a
-- minute.
WITH m AS (
    UPDATE wechat_matter
    SET failures = failures + 1, next_at = $5::timestamptz + least(interval '1 hour', interval '20 s' * 2 ^ least(failures, 8))
    WHERE id = $4::bigint AND number IS NULL
    RETURNING failures
),
e AS (
    UPDATE wechat_message
    SET failures = failures + 1, next_at = $5 + least(interval '1 hour', interval '20 s' * 2 ^ least(failures, 8))
    WHERE account = $1::text AND openid = $2::bytea AND key = $3::text AND reply IS NULL
    RETURNING failures
),
c AS (
    UPDATE wechat_conversation
    SET due_at = $5 + interval '1 min'
    WHERE account = $1 AND openid = $2 AND $3 IS NULL AND $4 IS NULL AND due_at <= $5
    RETURNING 1 AS failures
)
SELECT coalesce((SELECT failures FROM m), (SELECT failures FROM e), (SELECT failures FROM c), 0) AS failures
