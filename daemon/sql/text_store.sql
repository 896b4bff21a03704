-- name: text_store
-- in: xid text, id bigint, to_xid text, to_id bigint, numbers bigint[], folded text[], grams text[]
-- out: moved
-- Moves the cursor of the index of words and stores what changed up to there, if the cursor still stands where it stood when
-- the changes were read; if not, another daemon has done it. `grams` are arrays spelled out. Stored anew rather than
-- changed: what is the same is not sent here.
WITH c AS (
    UPDATE ticket_text_cursor SET xid = $3::text::xid8, id = $4::bigint
    WHERE xid = $1::text::xid8 AND id = $2::bigint
    RETURNING true AS moved
),
x AS (
    INSERT INTO ticket_text (number, folded, grams)
    SELECT n.number, n.folded, n.grams::integer[]
    FROM c CROSS JOIN unnest($5::bigint[], $6::text[], $7::text[]) AS n (number, folded, grams)
    ON CONFLICT (number) DO UPDATE SET folded = excluded.folded, grams = excluded.grams
)
SELECT moved FROM c
