"""Stored clocks follow from the events, whatever has happened to a ticket; and what somebody changed by hand is found."""
import json

from hotline_test import DaemonTest, main

# history is written once: what the database would refuse is done behind its back
UNGUARDED = "ALTER TABLE ticket_event DISABLE TRIGGER USER; {}; ALTER TABLE ticket_event ENABLE TRIGGER USER"


class Verify(DaemonTest):
    CLOCK = "2026-02-13T10:00:00+08:00"

    def verify(self, **body):
        return self.supervisor.post("/v1/admin/verify", body)

    def sound(self):
        found = self.verify()
        self.assertEqual((found["differing"], found["broken_chains"], found["samples"]), (0, 0, []), found)
        self.assertTrue(self.supervisor.post("/v1/admin/recount")["equal"])
        return found

    def lead(self, number):
        ticket = self.desk.get(f"/v1/tickets/{number}")
        lead, = (a for a in ticket["assignments"]
                 if a["role"] == "lead" and a["state"] not in ("passed", "returned", "recalled", "forwarded"))
        client = self.daemon.unit(lead["unit"])
        self.addCleanup(client.close)
        return lead["id"], client

    def act(self, number, *actions):
        """The lead's unit does these, one after the other: (action, body)."""
        for action, body in actions:
            assignment, client = self.lead(number)
            client.post(f"/v1/assignments/{assignment}/{action}", body)

    def decide(self, number, **body):
        return self.desk.post(f"/v1/tickets/{number}/decide", body)

    def whole_lives(self):
        """Tickets that went through everything that moves a clock."""
        numbers = [self.new_ticket()["number"] for _ in range(6)]
        extended, suspended, returned, redone, merged, late = numbers
        self.act(extended, ("sign", {}), ("extend", {"days": 3, "ground": "等配件"}))
        self.decide(extended, request="extension", grant=True)
        self.act(suspended, ("sign", {}), ("suspend", {"until": "2026-02-25T09:00:00+08:00", "reason": "等产权单位"}))
        self.decide(suspended, request="suspension", grant=True)
        self.act(returned, ("return", {"ground": "not_own_duty", "text": "不属本单位"}))
        self.daemon.advance(3600)
        self.decide(returned, request="return", grant=True)
        self.work(redone)
        self.desk.post(f"/v1/tickets/{redone}/review", {"pass": False, "text": "说清楚"})
        self.act(redone, ("report", {"solved": True, "public_reply": "已修复", "internal": "已修复"}))
        self.desk.post(f"/v1/tickets/{redone}/review", {"pass": True})
        self.desk.post(f"/v1/tickets/{redone}/callback", {"reached": True, "contacted": True, "solved": False})
        self.desk.post(f"/v1/tickets/{merged}/merge", {"into": late})
        self.daemon.advance(3600)
        self.desk.post(f"/v1/tickets/{merged}/unmerge", {})
        self.desk.post(f"/v1/tickets/{merged}/answer", {"reply": "已电话答复"})
        self.desk.post(f"/v1/tickets/{merged}/reopen", {"text": "来电称仍未解决"})
        return numbers

    def another_calendar(self, day):
        calendars = self.admin.get("/v1/admin/export")["calendars"]
        for calendar in calendars:
            calendar["days"] = [d for d in calendar["days"] if d["date"] != day] + \
                [{"date": day, "kind": "off", "name": "停工"}]
            calendar["days"].sort(key=lambda d: d["date"])
        draft = self.admin.ok("POST", "/v1/admin/calendars/drafts", {"name": f"停工 {day}", "calendars": calendars}, status=201)
        self.admin.post(f"/v1/admin/calendars/drafts/{draft['draft']}/activate", {})

    def test_1_lives(self):
        before = self.sound()
        numbers = self.whole_lives()
        found = self.sound()
        self.assertEqual(found["tickets"], before["tickets"] + len(numbers))
        self.another_calendar("2026-02-26")  # deadlines move; those that are over do not
        self.daemon.move_clock("2026-02-26T12:00:00+08:00")
        self.sound()
        moved = [e for n in numbers for e in self.desk.get(f"/v1/tickets/{n}/events?limit=1000")["items"]
                 if e["type"] == "clock.recomputed"]
        self.assertTrue(moved)
        self.daemon.move_clock("2026-03-20T12:00:00+08:00")
        self.new_ticket()
        self.another_calendar("2026-03-24")
        self.daemon.move_clock("2026-04-20T12:00:00+08:00")  # steps after the breach
        self.sound()
        self.daemon.stop()
        self.daemon.start()  # nothing of it was only in memory
        self.reconnect()
        self.sound()

    def reconnect(self):
        cls = type(self)
        for name in ("desk", "admin", "supervisor"):
            getattr(cls, name).close()
            setattr(cls, name, self.daemon.client(name))

    def test_2_pages(self):
        whole, tickets, after = self.verify(), 0, None
        while True:
            page = self.verify(limit=2, **({"after": after} if after else {}))
            self.assertLessEqual(page["tickets"], 2)
            tickets += page["tickets"]
            after = page["next"]
            if not after:
                break
        self.assertEqual(tickets, whole["tickets"])

    def broken(self, number, change, back):
        """What is found of a ticket after a change by hand, which is then taken back."""
        self.daemon.sql(UNGUARDED.format(change))
        try:
            found = self.verify()
            said = self.daemon.hotline("admin", "verify", "--json", code=1)
            self.assertEqual(json.loads(said)["samples"], found["samples"])
        finally:
            self.daemon.sql(UNGUARDED.format(back))
        sample, = (s for s in found["samples"] if s["number"] == number)
        return found, sample

    def test_3_changed_by_hand(self):
        number = self.new_ticket()["number"]
        where = f"WHERE number = {int(number)} AND ordinal = 2"
        found, sample = self.broken(number, f"UPDATE ticket_clock SET due_at = due_at + interval '1 day' {where}",
                                    f"UPDATE ticket_clock SET due_at = due_at - interval '1 day' {where}")
        self.assertEqual((found["differing"], found["broken_chains"]), (1, 0))
        self.assertEqual((sample["field"], sample["clock"], sample["seq"]), ("due_at", "resolve", None))
        self.assertGreater(sample["stored"]["due_at"], sample["recomputed"]["due_at"])

        where = f"WHERE number = {int(number)} AND seq = 1"
        (actor,), = self.daemon.sql(f"SELECT actor FROM ticket_event {where}")
        found, sample = self.broken(number, f"UPDATE ticket_event SET actor = 'nobody' {where}",
                                    f"UPDATE ticket_event SET actor = '{actor}' {where}")
        self.assertEqual((found["differing"], found["broken_chains"]), (0, 1))
        self.assertEqual((sample["field"], sample["clock"]), ("chain", None))

        found, sample = self.broken(number, f"UPDATE ticket_event SET type = 'ticket.vanished' {where}",
                                    f"UPDATE ticket_event SET type = 'ticket.received' {where}")
        self.assertEqual((found["differing"], found["broken_chains"]), (1, 1))
        self.assertEqual((sample["field"], sample["seq"]), ("history", 1))

        copy = f"FROM ticket_clock WHERE number = {int(number)} AND ordinal = 5"
        self.daemon.sql(f"CREATE TABLE kept AS SELECT * {copy}")
        found, sample = self.broken(number, f"DELETE {copy}", "INSERT INTO ticket_clock SELECT * FROM kept")
        self.daemon.sql("DROP TABLE kept")
        self.assertEqual((found["differing"], sample["field"], sample["stored"]), (1, "clocks", None))
        self.sound()

    def test_4_client(self):
        self.assertIn(str(self.verify()["tickets"]), self.daemon.hotline("admin", "verify"))


del DaemonTest  # unittest runs what is left in the module

if __name__ == "__main__":
    main()
