"""What was broken once, each test named after it."""
import os
import signal
import threading
import time

from hotline_test import Client, DaemonTest, main, wait_until

BLANK = " \t\u3000\n"


class Regressions(DaemonTest):
    def act(self, number, action, **body):
        return self.desk.post(f"/v1/tickets/{number}/{action}", body)

    def test_dispatch_elsewhere_replaced_the_lead_before_the_old_one_was_gone(self):
        """One live lead: the new one must not be inserted before the old one is recalled, in one statement."""
        ticket = self.new_ticket()
        units = [row[0] for row in self.daemon.sql("SELECT code FROM unit ORDER BY code LIMIT 2")]
        for turn in range(6):
            lead, co = units[turn % 2], units[(turn + 1) % 2]
            changed = self.act(ticket["number"], "dispatch", lead_unit=lead, co_units=[co])
            live = [(a["unit"], a["role"]) for a in changed["assignments"] if a["state"] == "unsigned"]
            self.assertEqual(live, [(lead, "lead"), (co, "co")])
        changed = self.act(ticket["number"], "dispatch", lead_unit=lead)  # to the same unit, alone
        self.assertEqual([a["unit"] for a in changed["assignments"] if a["state"] == "unsigned"], [lead])
        queued = self.daemon.sql("SELECT unit FROM queue_item JOIN ticket USING (number)"
                                 f" WHERE query_code = '{ticket['query_code']}'")
        self.assertEqual(queued, [[lead]])

    def test_texts_of_blanks_were_taken(self):
        body = {"channel": "phone", "kind": "help", "category": "010206", "title": "路灯", "text": "不亮"}
        for field in ("title", "text"):
            answer = self.desk.call("POST", "/v1/tickets", {**body, field: " \u3000"})
            self.assertEqual(answer.status, 400, answer)
            self.assertEqual([(e["field"], e["reason"]) for e in answer.json["errors"]], [(field, "too_short")])
        number = self.new_ticket()["number"]
        for action, field in (("note", "text"), ("answer", "reply"), ("reject", "ground")):
            answer = self.desk.call("POST", f"/v1/tickets/{number}/{action}", {field: BLANK})
            self.assertEqual(answer.status, 400, answer)
            self.assertEqual([(e["field"], e["reason"]) for e in answer.json["errors"]], [(field, "too_short")])

    def test_one_refused_ticket_stopped_all_deadlines(self):
        """A ticket whose warnings the database refuses stands alone: the others are warned all the same."""
        codes = [self.new_ticket()["query_code"] for _ in range(2)]
        bad, good = (int(self.daemon.sql(f"SELECT number FROM ticket WHERE query_code = '{c}'")[0][0]) for c in codes)
        self.daemon.sql(f"ALTER TABLE ticket_clock ADD CONSTRAINT poison CHECK (number <> {bad} OR warned_at IS NULL)"
                        " NOT VALID")
        try:
            self.daemon.advance(86400 * 30)
            warned = self.daemon.sql("SELECT number, count(*) FROM ticket_clock WHERE warned_at IS NOT NULL"
                                     f" AND number IN ({bad}, {good}) GROUP BY number")
            self.assertEqual([int(row[0]) for row in warned], [good])
        finally:
            self.daemon.sql("ALTER TABLE ticket_clock DROP CONSTRAINT poison")
        self.daemon.advance(1)
        warned = self.daemon.sql(f"SELECT count(*) FROM ticket_clock WHERE warned_at IS NOT NULL AND number = {bad}")
        self.assertNotEqual(warned, [["0"]])

    def test_a_change_of_the_configuration_was_forgotten_when_loading_failed_once(self):
        made = self.admin.post("/v1/admin/accounts", {"accounts": [{"name": "leaving", "role": "desk"}]})
        leaving = Client(self.daemon.port, made["items"][0]["token"])
        self.assertEqual(leaving.call("GET", "/v1/tickets?limit=1").status, 200)
        before = self.daemon.log().count("database:")
        self.daemon.sql("UPDATE account SET is_disabled = true WHERE name = 'leaving'")
        # one load fails, and nobody tells again
        self.daemon.sql("ALTER TABLE token RENAME TO token_away; NOTIFY hotline_config")
        time.sleep(1)
        self.daemon.sql("ALTER TABLE token_away RENAME TO token")
        self.assertEqual(self.daemon.log().count("database:"), before)
        wait_until(lambda: leaving.call("GET", "/v1/tickets?limit=1").status == 401, "the token to end")
        leaving.close()


class Reload(DaemonTest):
    """SIGHUP: what stands on the command line stays above the file, and what cannot change does not."""

    @classmethod
    def setUpClass(cls):
        cls.file = f"/tmp/hotline-reload-{os.getpid()}.conf"
        with open(cls.file, "w", encoding="utf-8") as f:
            f.write("log_level = info\n")
        cls.OPTIONS = ("--config", cls.file, "--intake-queued", "4000")
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        os.unlink(cls.file)

    def reload(self, text):
        with open(self.file, "w", encoding="utf-8") as f:
            f.write(text)
        done = self.daemon.log().count("settings reloaded")
        self.daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.daemon.log().count("settings reloaded") > done, "the reload")

    def test_reload_moved_the_reservation_of_numbers(self):
        elsewhere = self.daemon.data + "-elsewhere"
        self.reload(f"data = {elsewhere}\ninstance = 7\nmax_waiting = 1\n")
        # the command line named the folder; had it not, it still could not change while running
        self.new_ticket()
        self.assertFalse(os.path.exists(elsewhere))
        self.assertIn("needs a restart to change: instance", self.daemon.log())
        self.assertNotIn("needs a restart to change: data", self.daemon.log())
        waiting, nobody = self.daemon.client("desk"), self.daemon.client()
        poll = threading.Thread(target=lambda: waiting.call("GET", "/v1/events?wait=3"))
        poll.start()
        wait_until(lambda: b"\nhotlined_waiting 1\n" in nobody.call("GET", "/metrics").body, "one to wait")
        self.assertEqual(self.desk.call("GET", "/v1/events?wait=3").status, 503)
        poll.join()
        waiting.close()
        nobody.close()
        self.reload("")  # what the file no longer says is the default again
        self.assertEqual(self.desk.call("GET", "/v1/events?wait=1").status, 200)


if __name__ == "__main__":
    main()
