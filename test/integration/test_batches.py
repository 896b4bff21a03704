"""One order for many tickets: what each of them gets, what is refused and why, and that nobody is urged twice or missed."""
import http.client
import json
import tempfile
import threading

from hotline_test import DaemonTest, main, wait_until

TEXT = "请尽快办理并反馈。"


class Batches(DaemonTest):
    CLOCK = "2026-02-11T10:00:00+08:00"

    def tickets(self, count, **fields):
        return [self.new_ticket(**fields)["number"] for _ in range(count)]

    def batch(self, client=None, action="urge", text=TEXT, **more):
        return (client or self.desk).call("POST", "/v1/batches", {"action": action, "text": text, **more})

    def events(self, kind, numbers):
        """number -> how many events of this type."""
        listed = ",".join(numbers)
        return {row[0]: int(row[1]) for row in self.daemon.sql(
            f"SELECT t.number, count(e.seq) FROM ticket t LEFT JOIN ticket_event e ON e.number = t.number AND e.type = '{kind}' "
            f"WHERE t.number IN ({listed}) GROUP BY t.number")}

    def absent_number(self, like):
        """A number nobody has, right in form: of ten check digits one is."""
        good = []
        for digit in "0123456789":
            answer = self.batch(numbers=[like[:6] + "235959" + like[12:17] + digit])
            if answer.status == 200:
                self.assertEqual(answer.json["total"], 1)
                self.assertEqual(answer.json["done"], 0)
                self.assertEqual([r["reason"] for r in answer.json["refused"]], ["not_found"])
                good.append(answer.json["refused"][0]["number"])
        self.assertEqual(len(good), 1)
        return good[0]

    def test_each_gets_it_once_and_refusals_say_why(self):
        open_ones, closed = self.tickets(12), self.tickets(3)
        for number in closed:
            self.desk.post(f"/v1/tickets/{number}/withdraw", {"text": "群众撤诉"})
        absent = self.absent_number(open_ones[0])
        answer = self.batch(numbers=open_ones + closed + [absent])
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.json["total"], 16)
        self.assertEqual(answer.json["done"], 12)
        refused = {r["number"]: r["reason"] for r in answer.json["refused"]}
        self.assertEqual(refused, {absent: "not_found", **{n: "state" for n in closed}})
        self.assertEqual(self.events("ticket.urged", open_ones + closed),
                         {**{n: 1 for n in open_ones}, **{n: 0 for n in closed}})
        history = self.desk.get(f"/v1/tickets/{open_ones[0]}/events?limit=200")
        self.assertTrue(history["chain_ok"])
        urged = [e for e in history["items"] if e["type"] == "ticket.urged"]
        self.assertEqual([(e["actor"], e["text"]) for e in urged], [("desk", TEXT)])

    def test_units_hear_of_it(self):
        number = self.new_ticket()["number"]
        unit = self.daemon.unit(self.desk.get(f"/v1/tickets/{number}")["assignments"][0]["unit"])
        place = unit.get("/v1/events")["next"]
        self.batch(numbers=[number])
        wait_until(lambda: any(e["type"] == "ticket.urged" and e["number"] == number
                               for e in unit.get(f"/v1/events?after={place}&wait=5")["items"]), "the unit to be told")
        unit.close()

    def test_what_is_wrong_is_named_before_anything_is_done(self):
        numbers = self.tickets(4)
        wrong = [
            ({"numbers": numbers[:2] + ["12x", numbers[2]]}, "numbers[2]", "format"),
            ({"numbers": numbers + [numbers[1]]}, "numbers[4]", "duplicate"),
            ({"numbers": []}, "numbers", "too_short"),
            ({"numbers": [numbers[0]] * 10001}, "numbers", "too_long"),
            ({}, "numbers", "required"),
            ({"numbers": numbers, "filter": {}}, "filter", "not_allowed"),
            ({"filter": {"state": "closed"}}, "filter.state", "range"),
            ({"filter": {"state": "asleep"}}, "filter.state", "not_allowed"),
            ({"filter": {"unit": "JY-NOBODY"}}, "filter.unit", "not_found"),
            ({"filter": {"colour": "red"}}, "filter.colour", "unknown"),
            ({"numbers": numbers, "action": "answer"}, "action", "not_allowed"),
            ({"numbers": numbers, "text": ""}, "text", "too_short"),
        ]
        for body, field, reason in wrong:
            with self.subTest(field=field, reason=reason):
                answer = self.batch(**body)
                self.assertEqual(answer.status, 400, answer)
                self.assertIn((field, reason), {(e["field"], e["reason"]) for e in answer.json["errors"]})
        self.assertEqual(set(self.events("ticket.urged", numbers).values()), {0})

    def test_only_supervisors_supervise(self):
        numbers = self.tickets(3)
        self.assertEqual(self.batch(action="supervise", numbers=numbers).status, 403)
        self.assertEqual(self.batch(self.admin, numbers=numbers).status, 403)
        self.assertEqual(set(self.events("ticket.supervised", numbers).values()), {0})
        self.assertEqual(self.batch(self.supervisor, action="supervise", numbers=numbers).json["done"], 3)
        self.assertEqual(set(self.events("ticket.supervised", numbers).values()), {1})

    def test_by_filter(self):
        meant = self.tickets(5, region="320281004001", title="按条件")
        others = self.tickets(2)
        answer = self.batch(filter={"region": "320281004000", "state": "handling"})
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(self.events("ticket.urged", meant + others), {**{n: 1 for n in meant}, **{n: 0 for n in others}})
        nothing = self.batch(filter={"region": "320281004000", "overdue": True})
        self.assertEqual(nothing.json, {"total": 0, "done": 0, "refused": []})

    def test_while_others_work_on_the_same_tickets(self):
        numbers, faults = self.tickets(60), []

        def notes():
            client = self.daemon.client("desk2")
            for number in numbers:
                answer = client.call("POST", f"/v1/tickets/{number}/note", {"text": "同时办理"})
                if answer.status != 200:
                    faults.append(answer)
            client.close()

        def urges():
            client = self.daemon.client("desk")
            answer = self.batch(client, numbers=numbers)
            if answer.status != 200 or answer.json["done"] != len(numbers):
                faults.append(answer)
            client.close()
        threads = [threading.Thread(target=f) for f in (notes, urges, notes, urges, urges)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(faults, [])
        self.assertEqual(set(self.events("ticket.urged", numbers).values()), {3})
        self.assertEqual(set(self.events("ticket.noted", numbers).values()), {2})
        for number in numbers[::20]:
            self.assertTrue(self.desk.get(f"/v1/tickets/{number}/events?limit=200")["chain_ok"])

    def test_goes_on_when_its_peer_goes(self):
        numbers = self.tickets(40)
        connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=30)
        connection.request("POST", "/v1/batches", json.dumps({"action": "urge", "text": TEXT, "numbers": numbers}).encode(),
                           {"Authorization": "Bearer " + self.daemon.tokens["desk"], "Content-Type": "application/json"})
        connection.close()

        def urged():
            counts = set(self.events("ticket.urged", numbers).values())
            return counts in ({1}, {0}) and counts
        # the request may be lost as a whole (the peer was gone before it was read), but not in part
        wait_until(urged, "all or none to be urged")

    def test_connections_that_die_under_it(self):
        """Whatever became of a statement that was not answered: nobody is urged twice, and done means stored."""
        numbers, answers = self.tickets(700), []

        def urge():
            client = self.daemon.client("desk")
            answers.append(self.batch(client, numbers=numbers))
            client.close()
        thread = threading.Thread(target=urge)
        thread.start()
        killed = 0
        while thread.is_alive() and killed < 12:
            killed += int(self.daemon.sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                                          "WHERE application_name LIKE '%bulk%' AND state = 'active'")[0][0])
        thread.join()
        print(f"{killed} connections ended while they stored")
        answer = answers[0]
        self.assertEqual(answer.status, 200, answer)
        counts = self.events("ticket.urged", numbers)
        self.assertLessEqual(set(counts.values()), {0, 1})
        refused = {r["number"]: r["reason"] for r in answer.json["refused"]}
        self.assertLessEqual(set(refused.values()), {"unavailable", "uncertain"})
        self.assertEqual(answer.json["done"] + len(refused), len(numbers))
        for number, count in counts.items():
            if number not in refused:
                self.assertEqual(count, 1, number)
            elif refused[number] == "unavailable":
                self.assertEqual(count, 0, number)
        for number in numbers[::100]:
            self.assertTrue(self.desk.get(f"/v1/tickets/{number}/events?limit=200")["chain_ok"])

    def test_client_takes_lists(self):
        numbers = self.tickets(4)
        with tempfile.NamedTemporaryFile("w", suffix=".csv", encoding="utf-8") as f:
            f.write("工单号,标题\r\n" + "".join(f"{n},路灯不亮\r\n" for n in numbers) + "\r\n")
            f.flush()
            out = self.daemon.hotline("ticket", "urge", "--batch", f.name, "--text", TEXT, "--lang", "zh", who="desk")
            self.assertIn("完成 4 / 4", out)
            self.daemon.hotline("ticket", "urge", numbers[0], "--batch", f.name, "--text", TEXT, who="desk", code=2)
            out = self.daemon.hotline("ticket", "supervise", "--batch", f.name, "--text", TEXT, "--lang", "en", who="supervisor")
            self.assertIn("4 of 4 done", out)
        self.assertEqual(set(self.events("ticket.urged", numbers).values()), {1})
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as f:
            f.write("\n".join([numbers[0], self.absent_number(numbers[0])]))
            f.flush()
            out = self.daemon.hotline("ticket", "urge", "--batch", f.name, "--text", TEXT, "--lang", "en", who="desk", code=1)
            self.assertIn("1 of 2 done", out)


class Sweep(DaemonTest):
    """Thousands fall due at the same close of day; here as many as make the sweeper use statements for many."""

    CLOCK = "2026-02-10T10:00:00+08:00"

    def statements(self):
        text = self.desk.call("GET", "/metrics").body.decode()
        return int(next(line for line in text.splitlines() if line.startswith("hotlined_bulk_statements_total")).split()[1])

    def test_all_are_warned_and_broken_once(self):
        numbers = [self.new_ticket(kind="consult")["number"] for _ in range(350)]
        before = self.statements()
        self.daemon.move_clock("2026-02-12T17:30:00+08:00")
        rows = self.daemon.sql("SELECT clock, count(*), count(warned_at), count(breached_at) FROM ticket_clock "
                               "WHERE clock = 'resolve' GROUP BY 1")
        self.assertEqual(rows, [["resolve", "350", "350", "0"]])
        self.daemon.move_clock("2026-02-12T17:30:01+08:00")
        rows = self.daemon.sql("SELECT clock, count(*), count(DISTINCT breached_at), min(breached_at) = '2026-02-12 17:30+08' "
                               "FROM ticket_clock WHERE breached_at IS NOT NULL AND clock = 'resolve' GROUP BY 1")
        self.assertEqual(rows, [["resolve", "350", "1", "t"]])
        rows = self.daemon.sql("SELECT type, count(*), count(DISTINCT number) FROM ticket_event "
                               "WHERE detail ->> 'clock' = 'resolve' GROUP BY 1 ORDER BY 1")
        self.assertEqual(rows, [["clock.breached", "350", "350"], ["clock.warned", "350", "350"]])
        told = self.daemon.sql("SELECT DISTINCT detail ->> 'tell' FROM ticket_event WHERE type = 'clock.breached' "
                               "AND detail ->> 'clock' = 'resolve'")
        self.assertEqual(told, [['["unit", "supervisor"]']])
        self.assertGreater(self.statements(), before)
        self.assertEqual(self.daemon.sql("SELECT count(*) FROM ticket WHERE is_overdue"), [[str(len(numbers))]])
        self.steps()

    def steps(self):
        """One unit up after a working day, two after five (the first day after the deadline is the first that counts)."""
        self.daemon.move_clock("2026-02-13T17:30:01+08:00")
        up = "SELECT detail ->> 'step', detail ->> 'up', count(*) FROM ticket_event WHERE type = 'clock.escalated' " \
             "AND detail ->> 'clock' = 'resolve' GROUP BY 1, 2 ORDER BY 1"
        self.assertEqual(self.daemon.sql(up), [["1", "1", "350"]])
        self.daemon.move_clock("2026-02-26T17:30:01+08:00")
        self.assertEqual(self.daemon.sql(up), [["1", "1", "350"], ["2", "2", "350"]])


if __name__ == "__main__":
    main()
