-- The whole life of a ticket: what units ask for, hand on and wait for; merged tickets; clocks that tell what they were
-- computed from. The rows of the two transition tables are those of lib/hotline/ticket_machine.c; a test compares them.

ALTER TABLE ticket
    ADD COLUMN transfers   smallint NOT NULL DEFAULT 0,
    ADD COLUMN merged_into bigint;
COMMENT ON COLUMN ticket.merged_into IS '合并: the master; its citizen keeps the number and reads the master''s answer';
CREATE INDEX ticket_merged ON ticket (merged_into) WHERE merged_into IS NOT NULL;

ALTER TABLE assignment
    ADD COLUMN parent          smallint NOT NULL DEFAULT 0,
    ADD COLUMN request         text CHECK (request IN ('return', 'extension', 'suspension')),
    ADD COLUMN request_detail  jsonb,
    ADD COLUMN extensions      smallint NOT NULL DEFAULT 0,
    ADD COLUMN suspended_until timestamptz,
    ADD CHECK ((request IS NULL) = (request_detail IS NULL)),
    ADD CHECK ((state = 'suspended') = (suspended_until IS NOT NULL));
COMMENT ON COLUMN assignment.parent IS 'ordinal of the assignment that was handed down 下派 or up 上报 to this one; 0 = the desk''s';
COMMENT ON COLUMN assignment.request IS 'what the unit has asked for and the desk has not decided yet';
-- Handed on is ended as well.
DROP INDEX assignment_one_lead;
CREATE UNIQUE INDEX assignment_one_lead ON assignment (number)
    WHERE role = 'lead' AND state NOT IN ('passed', 'returned', 'recalled', 'forwarded');
-- Suspensions end by themselves: the sweeper looks here.
CREATE INDEX assignment_suspended ON assignment (suspended_until) WHERE suspended_until IS NOT NULL;
CREATE INDEX assignment_request ON assignment (request, number) WHERE request IS NOT NULL;

-- A deadline follows from these and the calendar, and from nothing else.
ALTER TABLE ticket_clock
    ADD COLUMN amount          integer NOT NULL DEFAULT 0,
    ADD COLUMN warn_percent    smallint NOT NULL DEFAULT 100,
    ADD COLUMN sla_set         bigint NOT NULL DEFAULT 0,
    ADD COLUMN calendar_set    bigint NOT NULL DEFAULT 0,
    ADD COLUMN original_due_at timestamptz,
    ADD COLUMN paused_at       timestamptz,
    ADD COLUMN step            smallint NOT NULL DEFAULT 0,
    ADD COLUMN step_at         timestamptz,
    ADD COLUMN adjustments     jsonb NOT NULL DEFAULT '[]',
    ADD CHECK ((state = 'paused') = (paused_at IS NOT NULL));
COMMENT ON COLUMN ticket_clock.adjustments IS 'pauses [0, from, until] and extensions [1, days], in order of time; instants in microseconds';
COMMENT ON COLUMN ticket_clock.calendar_set IS 'the version of the calendar that last moved this deadline';
COMMENT ON COLUMN ticket_clock.original_due_at IS 'without the extensions; NULL = as due_at';

-- What was stored before: the limits that the ticket's own policies name.
UPDATE ticket_clock k
SET sla_set = t.sla_set, calendar_set = t.calendar_set,
    (amount, warn_percent) = (
        SELECT coalesce(max((c.rule ->> 'limit')::integer), 0),
               coalesce(max(coalesce((c.rule ->> 'warn_percent')::smallint, 75)), 75)
        FROM (SELECT rule
              FROM sla_set s, jsonb_array_elements(s.policies) AS p (policy),
                   jsonb_array_elements(policy -> 'clocks') AS r (rule)
              WHERE s.version = t.sla_set AND policy ->> 'name' = t.policy AND rule ->> 'clock' = k.clock
                AND coalesce(rule ->> 'kind', t.kind) = t.kind AND coalesce(rule ->> 'urgency', t.urgency) = t.urgency
                AND (k.round > 1 OR NOT coalesce((rule ->> 'redo')::boolean, false))
              ORDER BY coalesce((rule ->> 'redo')::boolean, false) DESC, rule ->> 'urgency' IS NULL,
                       rule ->> 'kind' IS NULL
              LIMIT 1) AS c)
FROM ticket t
WHERE t.number = k.number;

INSERT INTO ticket_transition (from_state, to_state) VALUES
    ('incomplete', 'handling'),
    ('incomplete', 'merged'),
    ('accepted', 'merged'),
    ('handling', 'merged'),
    ('merged', 'accepted'),
    ('closed', 'handling'),
    ('closed', 'accepted'),
    ('rejected', 'accepted'),
    ('referred', 'accepted'),
    ('withdrawn', 'accepted'),
    ('false_alarm', 'accepted'),
    ('incomplete', 'false_alarm'),
    ('accepted', 'false_alarm'),
    ('handling', 'false_alarm'),
    ('handling', 'accepted');
INSERT INTO assignment_transition (from_state, to_state) VALUES
    ('return_requested', 'recalled'),
    ('extension_requested', 'recalled'),
    ('suspended', 'recalled'),
    ('extension_requested', 'reported'),
    ('working', 'forwarded'),
    ('unsigned', 'return_requested'),
    ('working', 'return_requested'),
    ('working', 'extension_requested'),
    ('suspended', 'working'),
    ('return_requested', 'unsigned'),
    ('return_requested', 'working'),
    ('return_requested', 'returned'),
    ('extension_requested', 'working'),
    ('working', 'suspended');

-- A master is a parent like the others (0005): checked here, not by a constraint on every ticket.
CREATE OR REPLACE VIEW orphan AS
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
FROM tally c WHERE NOT EXISTS (SELECT FROM ticket p WHERE p.number = c.number)
UNION ALL
SELECT 'ticket', 'ticket', number, merged_into::text
FROM ticket t WHERE merged_into IS NOT NULL AND NOT EXISTS (SELECT FROM ticket p WHERE p.number = t.merged_into);
