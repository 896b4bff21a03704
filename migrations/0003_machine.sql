-- The two machines as the database enforces them. The rows are those of lib/hotline/ticket_machine.c;
-- a test compares them, so the table in C stays the one truth.

CREATE TABLE ticket_transition (
    from_state text NOT NULL,
    to_state   text NOT NULL,
    PRIMARY KEY (from_state, to_state)
);
CREATE TABLE assignment_transition (
    from_state text NOT NULL,
    to_state   text NOT NULL,
    PRIMARY KEY (from_state, to_state)
);
INSERT INTO ticket_transition (from_state, to_state) VALUES
    ('incomplete', 'accepted'),
    ('accepted', 'closed'),
    ('handling', 'closed'),
    ('accepted', 'handling'),
    ('incomplete', 'rejected'),
    ('accepted', 'rejected'),
    ('handling', 'rejected'),
    ('incomplete', 'referred'),
    ('accepted', 'referred'),
    ('handling', 'referred'),
    ('review', 'referred'),
    ('callback', 'referred'),
    ('incomplete', 'withdrawn'),
    ('accepted', 'withdrawn'),
    ('handling', 'withdrawn'),
    ('review', 'withdrawn'),
    ('callback', 'withdrawn'),
    ('review', 'callback'),
    ('review', 'handling'),
    ('callback', 'closed'),
    ('callback', 'handling'),
    ('callback', 'accepted'),
    ('closed', 'archived'),
    ('handling', 'review');
INSERT INTO assignment_transition (from_state, to_state) VALUES
    ('unsigned', 'recalled'),
    ('working', 'recalled'),
    ('reported', 'recalled'),
    ('reported', 'passed'),
    ('reported', 'working'),
    ('unsigned', 'working'),
    ('working', 'reported');

CREATE FUNCTION ticket_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM ticket_transition
                   WHERE from_state = OLD.state AND to_state = NEW.state) THEN
        RAISE EXCEPTION 'ticket % may not go from % to %', OLD.number, OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ticket_transition';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ticket_guard BEFORE UPDATE OF state ON ticket
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION ticket_guard();

CREATE FUNCTION assignment_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM assignment_transition
                   WHERE from_state = OLD.state AND to_state = NEW.state) THEN
        RAISE EXCEPTION 'assignment %-% may not go from % to %',
            OLD.number, OLD.ordinal, OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'assignment_transition';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER assignment_guard BEFORE UPDATE OF state ON assignment
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION assignment_guard();

-- History is written once.
CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER ticket_event_append_only BEFORE UPDATE OR DELETE ON ticket_event
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER tally_append_only BEFORE UPDATE OR DELETE ON tally
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
