-- What a new ticket costs. Of the instructions that PostgreSQL spent on one (12 rows, 32 index entries), a third were
-- foreign keys: 13 checks, each a query of its own that locks the row it finds and logs the lock.

-- The rows referred to stay for ever: region, unit and category are retired, tickets and assignments kept. So the half of a
-- foreign key that guards the parent becomes a trigger on the parent, which costs nothing as long as nobody tries.
CREATE FUNCTION stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are referred to: they stay, and keep their key', TG_TABLE_NAME
        USING ERRCODE = 'foreign_key_violation';
END $$;
CREATE TRIGGER ticket_stays BEFORE DELETE OR TRUNCATE OR UPDATE OF number ON ticket
    FOR EACH STATEMENT EXECUTE FUNCTION stays();
CREATE TRIGGER assignment_stays BEFORE DELETE OR TRUNCATE OR UPDATE OF number, ordinal, unit ON assignment
    FOR EACH STATEMENT EXECUTE FUNCTION stays();
CREATE TRIGGER category_stays BEFORE DELETE OR TRUNCATE OR UPDATE OF code ON category
    FOR EACH STATEMENT EXECUTE FUNCTION stays();
CREATE TRIGGER region_stays BEFORE DELETE OR TRUNCATE OR UPDATE OF code ON region
    FOR EACH STATEMENT EXECUTE FUNCTION stays();
CREATE TRIGGER unit_stays BEFORE DELETE OR TRUNCATE OR UPDATE OF code ON unit
    FOR EACH STATEMENT EXECUTE FUNCTION stays();

-- The half that guards the child: children are written by the statement that writes or locks their ticket, joined with it,
-- and codes come from the city in memory, which is read from these tables. The view below has to be empty; every
-- integration test ends with a look at it.
ALTER TABLE ticket DROP CONSTRAINT ticket_category_fkey, DROP CONSTRAINT ticket_region_fkey,
                   DROP CONSTRAINT ticket_lead_unit_fkey;
ALTER TABLE requester DROP CONSTRAINT requester_number_fkey;
ALTER TABLE assignment DROP CONSTRAINT assignment_number_fkey, DROP CONSTRAINT assignment_unit_fkey;
ALTER TABLE queue_item DROP CONSTRAINT queue_item_number_ordinal_fkey;
ALTER TABLE ticket_clock DROP CONSTRAINT ticket_clock_number_fkey;
ALTER TABLE ticket_event DROP CONSTRAINT ticket_event_number_fkey;
ALTER TABLE callback DROP CONSTRAINT callback_number_fkey;

CREATE VIEW orphan AS
SELECT 'ticket' AS child, 'category' AS parent, number, category AS missing
FROM ticket t WHERE NOT EXISTS (SELECT FROM category p WHERE p.code = t.category)
UNION ALL
SELECT 'ticket', 'region', number, region
FROM ticket t WHERE region IS NOT NULL AND NOT EXISTS (SELECT FROM region p WHERE p.code = t.region)
UNION ALL
SELECT 'ticket', 'unit', number, lead_unit
FROM ticket t WHERE lead_unit IS NOT NULL AND NOT EXISTS (SELECT FROM unit p WHERE p.code = t.lead_unit)
UNION ALL
SELECT 'requester', 'ticket', number, number::text
FROM requester c WHERE NOT EXISTS (SELECT FROM ticket p WHERE p.number = c.number)
UNION ALL
SELECT 'assignment', 'ticket', number, number::text
FROM assignment c WHERE NOT EXISTS (SELECT FROM ticket p WHERE p.number = c.number)
UNION ALL
SELECT 'assignment', 'unit', number, unit
FROM assignment c WHERE NOT EXISTS (SELECT FROM unit p WHERE p.code = c.unit)
UNION ALL
SELECT 'queue_item', 'assignment', number, ordinal::text
FROM queue_item c
WHERE NOT EXISTS (SELECT FROM assignment p WHERE p.number = c.number AND p.ordinal = c.ordinal AND p.unit = c.unit)
UNION ALL
SELECT 'ticket_clock', 'ticket', number, number::text
FROM ticket_clock c WHERE NOT EXISTS (SELECT FROM ticket p WHERE p.number = c.number)
UNION ALL
SELECT 'ticket_event', 'ticket', number, number::text
FROM ticket_event c WHERE NOT EXISTS (SELECT FROM ticket p WHERE p.number = c.number)
UNION ALL
SELECT 'callback', 'ticket', number, number::text
FROM callback c WHERE NOT EXISTS (SELECT FROM ticket p WHERE p.number = c.number)
UNION ALL
SELECT 'intake_key', 'ticket', number, key
FROM intake_key c WHERE NOT EXISTS (SELECT FROM ticket p WHERE p.number = c.number)
UNION ALL
SELECT 'tally', 'ticket', number, number::text
FROM tally c WHERE NOT EXISTS (SELECT FROM ticket p WHERE p.number = c.number);
COMMENT ON VIEW orphan IS 'Rows whose parent is missing; empty in a sound database';

-- Indexes that nothing asks, or that held more than is asked.
-- Reports ask for the first resolve clock by its deadline: one entry a ticket instead of five.
DROP INDEX ticket_clock_due;
CREATE INDEX ticket_clock_due ON ticket_clock (due_at) WHERE clock = 'resolve' AND round = 1;
-- Lists go by number, which sorts by the time of receipt.
DROP INDEX ticket_received;
-- Events are found by ticket or in the order of the cursor, which ends with the id.
ALTER TABLE ticket_event DROP CONSTRAINT ticket_event_pkey, DROP CONSTRAINT ticket_event_number_seq_key,
                         ADD PRIMARY KEY (number, seq);
