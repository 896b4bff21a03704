-- name: wechat_outbox_claim
-- in: account text, now timestamptz, lease_until timestamptz, leases bytea[], most integer,
--     attempts_most integer
-- out: id, kind, payload, sealed, attempts, lease, at_us, state
-- What a bridge has to send, the oldest first; what it does not report on by lease_until is there again. What was
-- tried too often has failed: it is among the rows, and not to be sent.
WITH picked AS MATERIALIZED (
    SELECT id FROM wechat_outbox
    WHERE account = $1::text AND state IN ('queued', 'taken') AND next_at <= $2::timestamptz
    ORDER BY next_at, id
    LIMIT $5::integer
    FOR UPDATE SKIP LOCKED
),
numbered AS (SELECT id, row_number() OVER (ORDER BY id) AS place FROM picked),
o AS (
    UPDATE wechat_outbox w
    SET state = CASE WHEN w.attempts >= $6::integer THEN 'failed' ELSE 'taken' END,
        outcome = CASE WHEN w.attempts >= $6 THEN coalesce(w.outcome, 'attempts') ELSE w.outcome END,
        attempts = w.attempts + 1, lease = ($4::bytea[])[n.place], next_at = $3::timestamptz,
        changed_at = $2
    FROM numbered n WHERE w.id = n.id
    RETURNING w.*
)
SELECT o.id, o.kind, o.payload, c.sealed, o.attempts, encode(o.lease, 'hex') AS lease,
       (extract(epoch FROM o.at) * 1000000)::bigint AS at_us, o.state
FROM o JOIN wechat_conversation c USING (account, openid)
ORDER BY o.id
