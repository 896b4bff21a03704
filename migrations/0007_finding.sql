-- Finding tickets: by their words, by place, by the number another platform gave them, and those that look alike.

-- The number under which another platform (110, the province, the system before this one) knows the matter. Not unique:
-- two platforms may count alike, and one of them may send a matter twice.
ALTER TABLE ticket ADD COLUMN external_number text CHECK (external_number ~ '^[\x21-\x7e]{1,64}$');
CREATE INDEX ticket_external ON ticket (external_number, number) WHERE external_number IS NOT NULL;
-- Lists of a place; also where duplicates of a new matter are looked for.
CREATE INDEX ticket_region ON ticket (region, number);
-- New tickets are not overdue: costs intake nothing.
CREATE INDEX ticket_overdue ON ticket (number) WHERE is_overdue;

-- What lists show of a ticket; every statement that lists reads it here.
CREATE VIEW ticket_listed AS
SELECT number, state, version, channel, kind, urgency, category, region, title,
       (extract(epoch FROM received_at) * 1000000)::bigint AS received_us, lead_unit, is_overdue, round, is_problem,
       (extract(epoch FROM closed_at) * 1000000)::bigint AS closed_us, closed_tier, is_confidential, external_number
FROM ticket;

-- A place and a matter stand for their subtrees, retired codes included.
CREATE FUNCTION region_below(top text) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    WITH RECURSIVE place (code) AS (
        SELECT top
        UNION
        SELECT r.code FROM region r JOIN place p ON r.parent = p.code
    )
    SELECT code FROM place
$$;
CREATE FUNCTION category_below(top text) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    WITH RECURSIVE matter (code) AS (
        SELECT top
        UNION
        SELECT c.code FROM category c JOIN matter m ON c.parent = m.code
    )
    SELECT code FROM matter
$$;

-- The words of a ticket that everybody who may see the ticket may read: never a unit's internal text. Fields are parted by
-- a line break, so nothing is found across two of them.
CREATE VIEW ticket_words AS
SELECT t.number, concat_ws(E'\n', t.title, t.text, t.address, t.public_reply,
                           (SELECT string_agg(a.public_reply, E'\n' ORDER BY a.ordinal)
                            FROM assignment a
                            WHERE a.number = t.number AND a.public_reply IS NOT NULL)) AS words
FROM ticket t;

-- The same as bigram_fold() of lib/hotline/bigram.c, for the few tickets that the index does not have yet; the tests compare
-- the two over every character there is. Full width becomes half width, capitals small, everything between words one blank.
CREATE FUNCTION search_fold(words text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT regexp_replace(
        translate(lower(words COLLATE "C"), -- ASCII only
                  'ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ'
                  'ａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ０１２３４５６７８９',
                  'abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789'),
        '[\u0001-\u002F\u003A-\u0040\u005B-\u0060\u007B-\u00BF\u2000-\u206F\u2E00-\u2E7F\u3000-\u3004'
        '\u3008-\u3020\u302A-\u3037\u303D-\u303F\uFE10-\uFE1F\uFE30-\uFE6F\uFEFF\uFF00-\uFF0F\uFF1A-\uFF20'
        '\uFF3B-\uFF40\uFF5B-\uFF65\uFFE0-\uFFFF]+', ' ', 'g')
$$;

-- The index of words: pairs of neighbouring characters as numbers (bigram.h). Kept by the daemon behind the stream of events,
-- never by intake.
CREATE TABLE ticket_text (
    number bigint PRIMARY KEY,
    folded text NOT NULL,
    grams  integer[] NOT NULL
);
COMMENT ON TABLE ticket_text IS '全文索引: folded words and their pairs of characters';
ALTER TABLE ticket_text ALTER COLUMN grams SET STATISTICS 0; -- no statement is planned by them
-- Pairs wait in a list of 1 MB, so that a batch writes the index once, not once for each of its pairs.
CREATE INDEX ticket_text_grams ON ticket_text USING gin (grams) WITH (fastupdate = on, gin_pending_list_limit = 1024);

-- Every event up to here is in ticket_text; what lies beyond is read from the tickets themselves by each search.
CREATE TABLE ticket_text_cursor (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    xid      xid8 NOT NULL,
    id       bigint NOT NULL
);
INSERT INTO ticket_text_cursor (xid, id) VALUES ('0', 0);
CREATE VIEW ticket_text_tail AS
SELECT DISTINCT e.number
FROM ticket_text_cursor c CROSS JOIN LATERAL (SELECT number FROM ticket_event WHERE (xid, id) > (c.xid, c.id)) AS e;
COMMENT ON VIEW ticket_text_tail IS 'Tickets that changed since the index of words was last brought up to date';

-- ---- places from words ------------------------------------------------------------------------

-- What people call a region besides what is made of its name (lib/hotline/place.h).
ALTER TABLE region ADD COLUMN aliases text[] NOT NULL DEFAULT '{}';
