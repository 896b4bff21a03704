-- name: wechat_reply
-- in: account text, openid bytea, key text, number bigint, reply text
-- out: reply
-- What a message is answered once its effect is done; the first answer stays.
UPDATE wechat_message
SET reply = coalesce(reply, $5::text), number = coalesce(number, $4::bigint)
WHERE account = $1::text AND openid = $2::bytea AND key = $3::text
RETURNING reply
