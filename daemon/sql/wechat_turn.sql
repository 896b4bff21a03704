-- name: wechat_turn
-- in: account text, openid bytea, sealed bytea, forget boolean, state text, expected bigint, due timestamptz,
--     now timestamptz, key text, type text, content bytea, effect text, number bigint, grade integer, solved boolean,
--     comment text, reply text, over text, matter text, media bytea
-- out: version, matter, over
-- One turn of a conversation, whole or not at all: the message, the state after it, the matters that ended with it, what
-- the bridge has to fetch. No row: somebody else's message came in between; look again. A message that is there already is
-- a unique violation, and means the same.
WITH ids AS (
    SELECT CASE WHEN $18::text IS NOT NULL THEN nextval('wechat_matter_id_seq') END AS over,
           CASE WHEN $19::text IS NOT NULL THEN nextval('wechat_matter_id_seq') END AS matter
),
c AS (
    INSERT INTO wechat_conversation AS w (account, openid, sealed, state, version, due_at, changed_at)
    VALUES ($1::text, $2::bytea, CASE WHEN NOT $4::boolean THEN $3::bytea END, $5::text::jsonb, 1, $7::timestamptz,
            $8::timestamptz)
    ON CONFLICT (account, openid) DO UPDATE
    SET sealed = CASE WHEN NOT $4 THEN coalesce($3, w.sealed) END, state = excluded.state, version = w.version + 1,
        due_at = excluded.due_at, changed_at = excluded.changed_at
    WHERE w.version = $6::bigint
    RETURNING w.version
),
m AS (
    INSERT INTO wechat_message (account, openid, key, at, type, content, effect, matter, number, grade, solved, comment,
                                reply)
    SELECT $1, $2, $9::text, $8, $10::text, $11::bytea, $12::text, ids.matter, $13::bigint, $14::integer, $15::boolean,
           $16::text, $17::text
    FROM c, ids
    WHERE $9 IS NOT NULL
),
x AS (
    INSERT INTO wechat_matter (id, account, openid, draft, at) OVERRIDING SYSTEM VALUE
    SELECT d.id, $1, $2, d.draft::jsonb, $8
    FROM c, ids, LATERAL (VALUES (ids.over, $18), (ids.matter, $19)) AS d (id, draft)
    WHERE d.id IS NOT NULL
),
o AS (
    INSERT INTO wechat_outbox (account, openid, kind, payload, at, next_at, changed_at)
    SELECT $1, $2, 'media', $20::bytea, $8, $8, $8 FROM c WHERE $20 IS NOT NULL
),
f AS (
    UPDATE wechat_outbox SET state = 'failed', outcome = 'unsubscribed', changed_at = $8
    WHERE $4 AND account = $1 AND openid = $2 AND kind = 'text' AND state IN ('queued', 'taken')
)
SELECT c.version, ids.matter, ids.over FROM c, ids
