-- name: wechat_turn
-- in: account text, openid bytea, sealed bytea, forget boolean, state text, expected bigint, due timestamptz,
--     now timestamptz, key text, type text, content bytea, effect text, number bigint, grade integer, solved boolean,
--     comment text, reply text, over text, matter text, media bytea
-- out: version, matter, over
-- One turn of a conversation, whole or not at all: the message, the state after it, the matters that ended with it and the
-- media that belong to them, what the bridge has to fetch. What was gathered and forgotten is not fetched. No row: somebody
-- else's message came in between; look again. A message that is there already is a unique violation, and means the same.
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
g AS (
    UPDATE wechat_media w
    SET matter = coalesce(ids.over, ids.matter), is_dropped = coalesce(ids.over, ids.matter) IS NULL
    FROM c, ids
    WHERE w.account = $1 AND w.openid = $2 AND w.matter IS NULL AND NOT w.is_dropped
      AND (coalesce(ids.over, ids.matter) IS NOT NULL OR $7 IS NULL)
    RETURNING w.outbox, w.is_dropped
),
o AS (
    INSERT INTO wechat_outbox (account, openid, kind, payload, at, next_at, changed_at)
    SELECT $1, $2, 'media', $20::bytea, $8, $8, $8 FROM c WHERE $20 IS NOT NULL
    RETURNING id
),
p AS (
    INSERT INTO wechat_media (outbox, account, openid, type, at) SELECT o.id, $1, $2, $10, $8 FROM o
),
f AS (
    UPDATE wechat_outbox x
    SET state = 'failed', outcome = CASE WHEN x.kind = 'media' THEN 'dropped' ELSE 'unsubscribed' END, changed_at = $8
    FROM c
    WHERE x.account = $1 AND x.openid = $2 AND x.state IN ('queued', 'taken')
      AND ($4 AND x.kind <> 'media' OR x.id IN (SELECT g.outbox FROM g WHERE g.is_dropped))
)
SELECT c.version, ids.matter, ids.over FROM c, ids
