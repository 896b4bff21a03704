-- name: wechat_matter_load
-- in: id bigint
-- out: account, draft, number
-- A matter that has to become a ticket.
SELECT account, draft, number FROM wechat_matter WHERE id = $1::bigint
