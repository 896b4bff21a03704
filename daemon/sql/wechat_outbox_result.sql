-- name: wechat_outbox_result
-- in: account text, id bigint, lease bytea, state text, remote_id text, outcome text, next_at timestamptz, now timestamptz,
--     url text, sha256 bytea, bytes bigint, content_type text
-- out: state, is_ours
-- What became of something that was taken, and where media were put, of which the desks hear if there is a ticket. A lease
-- that is not the present one changes nothing: is_ours is false. The same report again is taken again. The row of the delivery
-- is written before that of the outbox, as in wechat_outbox_finish: whichever comes second sees the other.
WITH t AS MATERIALIZED (
    SELECT id FROM wechat_outbox
    WHERE account = $1::text AND id = $2::bigint AND lease = $3::bytea AND state = 'taken'
),
d AS (
    INSERT INTO wechat_delivery AS w (account, remote_id, outbox, at)
    SELECT $1, $5::text, t.id, $8::timestamptz FROM t WHERE $5 IS NOT NULL AND $4::text = 'sent'
    ON CONFLICT (account, remote_id) DO UPDATE SET outbox = coalesce(w.outbox, excluded.outbox)
    RETURNING w.is_good, w.outcome
),
o AS (
    UPDATE wechat_outbox w
    SET state = CASE WHEN d.is_good IS NULL THEN $4 WHEN d.is_good THEN 'closed' ELSE 'failed' END,
        remote_id = coalesce($5, w.remote_id), outcome = coalesce(d.outcome, $6::text), next_at = $7::timestamptz,
        changed_at = $8
    FROM t LEFT JOIN d ON true
    WHERE w.id = t.id AND w.lease = $3 AND w.state = 'taken'
    RETURNING w.id, w.state
),
m AS (
    UPDATE wechat_media x
    SET url = $9, sha256 = $10::bytea, bytes = $11::bigint, content_type = $12::text, stored_at = $8
    FROM o WHERE x.outbox = o.id AND $9::text IS NOT NULL
    RETURNING x.outbox, x.number, x.type
),
e AS (
    INSERT INTO desk_event (type, at, detail)
    SELECT 'media.stored', $8, jsonb_build_object('number', m.number::text, 'attachment', m.outbox::text, 'media', m.type)
    FROM m WHERE m.number IS NOT NULL
)
SELECT coalesce((SELECT state FROM o), w.state) AS state,
       EXISTS (SELECT FROM o) OR (w.lease = $3 AND (w.state = $4 OR ($4 = 'sent' AND w.remote_id = $5))) AS is_ours
FROM wechat_outbox w
WHERE w.account = $1 AND w.id = $2
