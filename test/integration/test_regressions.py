"""What was broken once, each test named after it."""
import collections
import json
import os
import shutil
import signal
import threading

from hotline_test import Client, Daemon, DaemonTest, main, wait_until

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

    def test_what_was_stored_behind_a_moved_clock_was_never_warned(self):
        """Tickets of the old instant that are stored after the clock was moved past their deadlines."""
        body = {"channel": "phone", "kind": "help", "category": "010206", "title": "路灯", "text": "不亮"}
        stop, statuses = threading.Event(), collections.Counter()

        def create():
            client = self.daemon.client("desk")
            while not stop.is_set():
                statuses[client.call("POST", "/v1/tickets", body).status] += 1
            client.close()

        threads = [threading.Thread(target=create) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(8):
                now = self.daemon.advance(86400 * 20)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertLessEqual(set(statuses), {201, 503}, statuses)
        self.assertGreater(statuses[201], 0)
        due = f"SELECT count(*) FROM ticket_clock WHERE next_at <= '{now}'"
        wait_until(lambda: self.daemon.sql(due) == [["0"]], "all that was due")

    def test_a_change_of_the_configuration_was_forgotten_when_loading_failed_once(self):
        made = self.admin.post("/v1/admin/accounts", {"accounts": [{"name": "leaving", "role": "desk"}]})
        leaving = Client(self.daemon.port, made["items"][0]["token"])
        self.assertEqual(leaving.call("GET", "/v1/tickets?limit=1").status, 200)
        failed = self.daemon.log().count("could not be loaded, the old one stays")
        self.daemon.sql("UPDATE account SET is_disabled = true WHERE name = 'leaving'")
        # one load fails, and nobody tells again
        self.daemon.sql("ALTER TABLE token RENAME TO token_away; NOTIFY hotline_config")
        try:
            wait_until(lambda: self.daemon.log().count("could not be loaded, the old one stays") > failed, "the load to fail")
        finally:
            self.daemon.sql("ALTER TABLE token_away RENAME TO token")
        wait_until(lambda: leaving.call("GET", "/v1/tickets?limit=1").status == 401, "the token to end")
        leaving.close()


    def test_the_result_of_a_unit_given_up_since_counted_for_the_city(self):
        bundle = self.admin.get("/v1/admin/export")
        parents = {u["parent"] for u in bundle["units"]}
        named = json.dumps(bundle["rule_set"])
        village = next(u["code"] for u in bundle["units"] if u["tier"] == "village" and u["code"] not in parents
                       and f'"{u["code"]}"' not in named)
        number = self.new_ticket()["number"]
        self.act(number, "dispatch", lead_unit=village)
        self.work(number)
        less = {**bundle, "units": [u for u in bundle["units"] if u["code"] != village]}
        self.admin.post("/v1/admin/import", less)
        try:
            self.act(number, "review", **{"pass": True})
            self.act(number, "callback", reached=True, solved=True, satisfied=5)
            ticket = self.desk.get(f"/v1/tickets/{number}")
            self.assertEqual((ticket["closed_unit"], ticket["closed_tier"]), (village, "village"))
        finally:
            self.admin.post("/v1/admin/import", bundle)


    def test_a_device_without_a_name_was_our_fault(self):
        bundle = self.admin.get("/v1/admin/export")
        device = {"id": "D-1", "region": "320281001001"}
        self.admin.post("/v1/admin/import", {**bundle, "devices": [device]})
        again = self.admin.get("/v1/admin/export")
        self.assertEqual(again["devices"], [{**device, "name": "D-1", "address": ""}])
        self.admin.post("/v1/admin/import", again)  # what goes out comes in
        self.admin.post("/v1/admin/import", bundle)


class TwoDaemons(DaemonTest):
    """A second daemon on the same database, with a folder of its own."""

    def second(self, instance):
        with open(os.path.join(self.daemon.data, "hotlined.pid"), encoding="utf-8") as f:
            conninfo = f.read().splitlines()[1]
        now = self.daemon.advance(60)  # away from the numbers of the test before
        daemon = Daemon(now, None, ("--database", conninfo, "--instance", str(instance)))
        shutil.copy(os.path.join(self.daemon.data, "secret.key"), daemon.data)
        daemon.tokens = self.daemon.tokens
        self.addCleanup(daemon.clean)
        return daemon.start()

    def test_a_number_of_another_daemon_passed_for_ours(self):
        """Two with one instance digit: what is acknowledged is stored, under its own query code."""
        other = self.second(0).client("desk")
        body = {"channel": "phone", "kind": "help", "category": "010206", "title": "路灯", "text": "不亮"}
        refused = 0
        for i in range(16):
            client = (self.desk, other)[i % 2]
            headers = {"Idempotency-Key": f"taken-{i}"} if i % 4 < 2 else None
            answer = client.call("POST", "/v1/tickets", body, headers)
            while answer.status == 503:
                refused += 1
                self.assertIn("retry-after", answer.headers)
                answer = client.call("POST", "/v1/tickets", body, headers)
            self.assertEqual(answer.status, 201, answer)
            stored = self.daemon.sql(f"SELECT count(*) FROM ticket WHERE query_code = '{answer.json['query_code']}'")
            self.assertEqual(stored, [["1"]])
            if headers:
                again = client.call("POST", "/v1/tickets", body, headers)
                self.assertEqual((again.status, again.json), (200, answer.json))
        self.assertGreater(refused, 0)
        other.close()

    def test_one_key_at_two_daemons(self):
        other = self.second(1).client("desk")
        body = {"channel": "phone", "kind": "help", "category": "010206", "title": "路灯", "text": "不亮"}
        for i in range(20):
            answers = [None, None]

            def post(at, client):
                answers[at] = client.call("POST", "/v1/tickets", body, {"Idempotency-Key": f"both-{i}"})

            threads = [threading.Thread(target=post, args=pair) for pair in enumerate((self.desk, other))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(sorted(a.status for a in answers), [200, 201], answers)
            self.assertEqual(answers[0].json, answers[1].json)
        other.close()


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
        number = self.new_ticket()["number"]
        self.assertFalse(os.path.exists(elsewhere))
        self.assertIn("needs a restart to change: instance", self.daemon.log())
        self.assertNotIn("needs a restart to change: data", self.daemon.log())
        waiting, nobody = self.daemon.client("desk"), self.daemon.client()
        poll = threading.Thread(target=lambda: waiting.call("GET", "/v1/events?wait=55"))
        poll.start()
        wait_until(lambda: b"\nhotlined_waiting 1\n" in nobody.call("GET", "/metrics").body, "one to wait")
        self.assertEqual(self.desk.call("GET", "/v1/events?wait=3").status, 503)
        self.desk.post(f"/v1/tickets/{number}/note", {"text": "到此为止"})  # ends the wait
        poll.join()
        waiting.close()
        nobody.close()
        self.reload("")  # what the file no longer says is the default again
        self.assertEqual(self.desk.call("GET", "/v1/events?wait=1").status, 200)


if __name__ == "__main__":
    main()
