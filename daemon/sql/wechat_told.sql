-- name: wechat_told
-- in: ids bigint[], states text[], kinds text[], payloads bytea[], lasts boolean[], now timestamptz
-- out: id
-- Notes what the citizens are told of their tickets' states, and puts it into the outbox (payload NULL = nothing is
-- said). What has moved on meanwhile is left to the next look. After the last state nothing more is looked for.
WITH n AS (
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bytea[], $5::boolean[])
                  AS x (id, state, kind, payload, is_last)
),
u AS (
    UPDATE wechat_matter w SET told_state = CASE WHEN NOT n.is_last THEN n.state END
    FROM n CROSS JOIN ticket t
    WHERE w.id = n.id AND w.told_state IS DISTINCT FROM n.state AND w.told_state IS NOT NULL AND t.number = w.number
      AND t.state = n.state
    RETURNING w.id, w.account, w.openid, n.kind, n.payload
),
o AS (
    INSERT INTO wechat_outbox (account, openid, kind, payload, at, next_at, changed_at)
    SELECT u.account, u.openid, u.kind, u.payload, $6::timestamptz, $6, $6
    FROM u JOIN wechat_conversation c USING (account, openid)
    WHERE u.payload IS NOT NULL AND c.sealed IS NOT NULL
)
SELECT id FROM u
