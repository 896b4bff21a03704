"""What stands in for foreign keys (migration 0005): rows that others refer to cannot go, and the view shows a child alone."""
from hotline_test import DaemonTest, main

PARENTS = {
    "ticket": "number = number + 1",
    "assignment": "ordinal = ordinal + 1",
    "category": "code = code || 'x'",
    "region": "code = code || 'x'",
    "unit": "code = code || 'x'",
}
# one child of each kind without its parent, for ticket 7, which does not exist; and a ticket that refers to nothing
ALONE = """
INSERT INTO requester (number, is_anonymous) VALUES (7, true);
INSERT INTO assignment (number, ordinal, unit, role, round, state, created_at) VALUES (7, 1, 'nobody', 'lead', 1, 'unsigned', 'epoch');
INSERT INTO queue_item (number, ordinal, unit, state, due_at) VALUES (7, 2, 'nobody', 'unsigned', 'epoch');
INSERT INTO ticket_clock (number, ordinal, clock, round, state, stop, unit, is_pausable, is_provisional, started_at, due_at, warn_at)
    VALUES (7, 1, 'sign', 1, 'running', 'signed', 'minutes', false, false, 'epoch', 'epoch', 'epoch');
INSERT INTO ticket_event (number, seq, type, at, actor, role, detail, detail_text, hash)
    VALUES (7, 1, 'ticket.noted', 'epoch', 'a', 'desk', '{}', '{}', '');
INSERT INTO callback (number, seq, round, at, account, reached) VALUES (7, 1, 1, 'epoch', 'a', true);
INSERT INTO intake_key (account, key, fingerprint, number, answer, at) VALUES ('a', 'k', '', 7, '', 'epoch');
INSERT INTO tally (at, number, unit, tier, region, category, kind, channel, received, desk, dispatched, open, closed, on_time, overdue)
    VALUES ('epoch', 7, '', '', '', '', '', '', 0, 0, 0, 0, 0, 0, 0);
INSERT INTO ticket (number, query_code, state, channel, kind, urgency, category, region, title, text, received_at, received_by,
                    lead_unit, rule_set, route_reason, sla_set, calendar_set, policy, event_count, event_hash)
    VALUES (8, '', 'accepted', '', '', '', 'none', 'none', '', '', 'epoch', '', 'none', 1, '', 1, 1, '', 0,
            decode(repeat('00', 32), 'hex'));
"""
FOUND = {("requester", "ticket"), ("assignment", "ticket"), ("assignment", "unit"), ("queue_item", "assignment"),
         ("ticket_clock", "ticket"), ("ticket_event", "ticket"), ("callback", "ticket"), ("intake_key", "ticket"),
         ("tally", "ticket"), ("ticket", "category"), ("ticket", "region"), ("ticket", "unit")}


class Integrity(DaemonTest):
    def test_what_is_referred_to_stays(self):
        self.new_ticket()
        for table, change in PARENTS.items():
            for statement in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE", f"UPDATE {table} SET {change}"):
                with self.subTest(statement), self.assertRaisesRegex(AssertionError, "they stay, and keep their key"):
                    self.daemon.sql(statement)

    def test_the_view_finds_every_kind_of_orphan(self):
        self.new_ticket()
        self.assertEqual(self.daemon.sql("SELECT * FROM orphan"), [])
        rows = self.daemon.sql(f"BEGIN; {ALONE} SELECT child, parent FROM orphan; ROLLBACK")
        self.assertEqual({tuple(row) for row in rows if len(row) == 2}, FOUND)
        self.assertEqual(self.daemon.sql("SELECT * FROM orphan"), [])

    def test_no_child_of_a_ticket_has_a_foreign_key_again(self):
        """A check of each child row is a third of what a new ticket costs: whoever adds one shall know."""
        rows = self.daemon.sql("SELECT conrelid::regclass FROM pg_constraint WHERE contype = 'f' AND "
                               "confrelid IN ('ticket'::regclass, 'assignment'::regclass)")
        self.assertEqual(rows, [])


if __name__ == "__main__":
    main()
