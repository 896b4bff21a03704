"""Every statement of daemon/sql against the real schema: it prepares, says of itself what is true, and finds its rows by an index.

Sequential scans are switched off as far as PostgreSQL can: one that is planned all the same on a table that grows with the
years means that no index fits. Statements that read everything on purpose are listed with their reason.
"""
import re

from hotline_test import ROOT, DaemonTest, main

GROWING = {"ticket", "requester", "assignment", "queue_item", "ticket_clock", "ticket_event", "callback", "intake_key",
           "tally", "tally_day", "audit", "ticket_text", "desk_event", "wechat_message", "wechat_matter",
           "wechat_conversation", "wechat_outbox", "call", "call_event", "call_recording", "call_pop", "open311_request", "webhook_delivery",
           "device_press", "device_matter"}
# statement: why it may read a growing table from end to end
READS_ALL = {
    "recount": "counts everything again, that is its purpose",
}


def statements():
    for path in sorted((ROOT / "daemon" / "sql").glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        yield path.stem, text, parameter_count(text)


def parameter_count(text):
    return max((int(n) for n in re.findall(r"\$(\d+)", text)), default=0)


class Statements(DaemonTest):
    CITY = "jiangyin"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.plans = {}
        for name, text, count in statements():
            arguments = "(" + ", ".join(["NULL"] * count) + ")" if count else ""
            rows = cls.daemon.sql(
                f"SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; PREPARE p AS {text}; "
                f"EXPLAIN EXECUTE p{arguments}")
            cls.plans[name] = "\n".join("\t".join(row) for row in rows)

    def test_there_are_statements_and_each_has_a_plan(self):
        self.assertGreater(len(self.plans), 25)
        for name, plan in self.plans.items():
            with self.subTest(name):
                self.assertIn("cost=", plan)

    def test_growing_tables_are_found_by_index(self):
        for name, plan in self.plans.items():
            scanned = {table for table in re.findall(r"Seq Scan on (\w+)", plan) if table in GROWING}
            with self.subTest(name):
                if name in READS_ALL:
                    self.assertTrue(scanned, f"{name} no longer reads everything: take it off the list")
                else:
                    self.assertFalse(scanned, plan)

    def test_every_file_has_the_name_it_says(self):
        for name, text, _ in statements():
            self.assertTrue(text.startswith(f"-- name: {name}\n"), name)

    def test_no_statement_asks_the_database_for_the_time(self):
        """Time is a parameter: now() would make the test clock lie."""
        for name, text, _ in statements():
            body = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
            with self.subTest(name):
                self.assertIsNone(re.search(r"\b(now\(\)|current_timestamp|clock_timestamp|localtime\w*)", body, re.I))


if __name__ == "__main__":
    main()
