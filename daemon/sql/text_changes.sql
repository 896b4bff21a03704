-- name: text_changes
-- in: most integer
-- out: xid, id, to_xid, to_id, events, waiting, number, folded, words
-- The next `most` events behind the cursor of the index of words, up to the oldest transaction still running, and the
-- tickets they are of: what the index has of each (NULL: nothing yet) and what it says now. No row if there are none; one
-- without a number if none of them can have changed a word, as those of the clocks, of which one holiday makes many.
WITH w AS MATERIALIZED (
    SELECT c.xid AS from_xid, c.id AS from_id, e.xid, e.id, e.number, e.type
    FROM ticket_text_cursor c
    CROSS JOIN LATERAL (SELECT xid, id, number, type
                        FROM ticket_event
                        WHERE (xid, id) > (c.xid, c.id) AND xid < pg_snapshot_xmin(pg_current_snapshot())
                        ORDER BY xid, id
                        LIMIT $1::integer) AS e
),
h AS (SELECT from_xid, from_id, xid, id, (SELECT count(*) FROM w) AS events FROM w ORDER BY xid DESC, id DESC LIMIT 1)
SELECT h.from_xid::text AS xid, h.from_id AS id, h.xid::text AS to_xid, h.id AS to_id, h.events,
       h.events >= $1::integer AS waiting, t.number, t.folded, t.words
FROM h
LEFT JOIN (SELECT v.number, x.folded, v.words
           FROM (SELECT DISTINCT number FROM w WHERE type NOT LIKE 'clock.%') AS d
           CROSS JOIN LATERAL (SELECT number, words FROM ticket_words k WHERE k.number = d.number OFFSET 0) AS v -- one by one
           LEFT JOIN ticket_text x ON x.number = d.number) AS t ON true
