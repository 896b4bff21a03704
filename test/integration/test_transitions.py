"""Every row of the ticket machine over HTTP, and every action in every state by every role that may not do it.

The rows are read from proto/TICKET.md, which is generated from lib/hotline/ticket_machine.c: what is answered here is held
against the table, not against a list of its own.
"""
import collections
import datetime as dt
import re

from hotline_test import ROOT, DaemonTest, main

TOWN, VILLAGE, ABOVE, CO, OTHER = "JY-T001", "JY-V001001", "JY-ZHZX", "JY-CGJ", "JY-GAJ"
PLACE = "320281001001"
Row = collections.namedtuple("Row", "action states assignment roles guard to assignment_to event")
ON_ASSIGNMENT = ("sign", "contact", "report", "forward", "escalate", "return", "extend", "suspend", "resume")


def words(cell):
    return [w for w in re.split(r", *", cell.strip()) if w]


def machine():
    rows = []
    for line in (ROOT / "proto" / "TICKET.md").read_text(encoding="utf-8").splitlines():
        cells = line.split("|")
        if not re.match(r"\| `[a-z-]+` ", line) or len(cells) != 11:
            continue
        action = re.search(r"`([a-z-]+)`", cells[1]).group(1)
        event = re.search(r"`([a-z_.]+)`", cells[8]).group(1)
        rows.append(Row(action, words(cells[2]), words(cells[3]), words(cells[4]), cells[5].strip(),
                        cells[6].strip(), cells[7].strip(), event))
    return rows


class Transitions(DaemonTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.units = {code: cls.daemon.unit(code) for code in (TOWN, VILLAGE, ABOVE, CO, OTHER)}
        cls.rows, cls.seen = machine(), set()

    @classmethod
    def tearDownClass(cls):
        for client in cls.units.values():
            client.close()
        super().tearDownClass()

    # ---- the ways into each state ------------------------------------------------------------------------------

    def act(self, number, action, client=None, **body):
        return (client or self.desk).post(f"/v1/tickets/{number}/{action}", body)

    def on(self, number, who, action, **body):
        """By the unit's newest assignment of the ticket."""
        own = [a for a in self.desk.get(f"/v1/tickets/{number}")["assignments"] if a["unit"] == who]
        return self.units[who].post(f"/v1/assignments/{own[-1]['id']}/{action}", body)

    def incomplete(self):
        return self.new_ticket(incomplete=True)["number"]

    def accepted(self):
        return self.new_ticket(region=None, category="0102")["number"]

    def unsigned(self, *co):
        number = self.accepted()
        self.desk.post(f"/v1/tickets/{number}/dispatch", {"lead_unit": TOWN, "co_units": list(co)} if co else
                       {"lead_unit": TOWN})
        return number

    def working(self, *co):
        number = self.unsigned(*co)
        for unit in (*co, TOWN):
            self.on(number, unit, "sign")
        return number

    def return_requested(self):
        number = self.working()
        self.on(number, TOWN, "return", ground="not_own_duty", text="不属我单位职责")
        return number

    def extension_requested(self):
        number = self.working()
        self.on(number, TOWN, "extend", days=5, ground="材料未到")
        return number

    def suspension_requested(self):
        number = self.working()
        self.on(number, TOWN, "suspend", until=self.in_days(20), reason="等待施工许可")
        return number

    def suspended(self):
        number = self.suspension_requested()
        self.act(number, "decide", request="suspension", grant=True)
        return number

    def review(self):
        number = self.working()
        self.report(number)
        return number

    def report(self, number, unit=TOWN):
        return self.on(number, unit, "report", solved=True, public_reply="您好，已处理。")

    def callback(self):
        number = self.review()
        self.act(number, "review", **{"pass": True})
        return number

    def closed(self):
        number = self.callback()
        self.act(number, "callback", reached=True, solved=True, satisfied=5)
        return number

    def archived(self):
        number = self.closed()
        self.act(number, "archive", self.supervisor)
        return number

    def ended(self, action, **body):
        number = self.accepted()
        self.act(number, action, **body)
        return number

    def merged(self):
        number, master = self.accepted(), self.unsigned()
        self.act(number, "merge", into=master)
        return number

    def in_days(self, days):
        return (self.now() + dt.timedelta(days=days)).isoformat()

    def now(self):
        return dt.datetime.fromisoformat(self.daemon.advance(0))

    def scenes(self):
        """state and the assignment's state -> how to get there"""
        return {
            ("incomplete", ""): self.incomplete, ("accepted", ""): self.accepted,
            ("handling", "unsigned"): self.unsigned, ("handling", "working"): self.working,
            ("handling", "return_requested"): self.return_requested,
            ("handling", "extension_requested"): self.extension_requested,
            ("handling", "suspended"): self.suspended, ("review", "reported"): self.review,
            ("callback", "passed"): self.callback, ("closed", "passed"): self.closed,
            ("archived", "passed"): self.archived, ("merged", ""): self.merged,
            ("rejected", ""): lambda: self.ended("reject", ground="不属受理范围"),
            ("referred", ""): lambda: self.ended("refer", to="110"),
            ("withdrawn", ""): lambda: self.ended("withdraw"),
            ("false_alarm", ""): lambda: self.ended("false-alarm"),
        }

    def bodies(self):
        return {
            "answer": {"reply": "您好"}, "complete": {}, "dispatch": {"lead_unit": OTHER}, "reject": {"ground": "理由"},
            "refer": {"to": "120"}, "withdraw": {}, "review": {"pass": True},
            "callback": {"reached": True, "solved": True}, "note": {"text": "备注"}, "urge": {"text": "请尽快"},
            "supervise": {"text": "督办"}, "archive": {}, "add-unit": {"unit": CO},
            "decide": {"request": "return", "grant": True}, "merge": {"into": self.master}, "unmerge": {},
            "reopen": {"text": "市民再次来电"}, "false-alarm": {}, "sign": {}, "contact": {},
            "report": {"solved": True, "public_reply": "您好"}, "forward": {"unit": VILLAGE}, "escalate": {},
            "return": {"ground": "wrong_district", "text": "不在辖区"}, "extend": {"days": 3, "ground": "理由"},
            "suspend": {"until": self.in_days(9), "reason": "理由"}, "resume": {},
        }

    # ---- every action, state and role --------------------------------------------------------------------------

    def fits(self, action, role, state=None, assignment=None):
        return [r for r in self.rows if r.action == action and role in r.roles
                and (state is None or state in r.states)
                and (assignment is None or not r.assignment or assignment in r.assignment)]

    def path(self, number, action):
        if action not in ON_ASSIGNMENT:
            return f"/v1/tickets/{number}/{action}"
        own = [a for a in self.desk.get(f"/v1/tickets/{number}")["assignments"] if a["unit"] == TOWN]
        return f"/v1/assignments/{own[-1]['id'] if own else number + '-1'}/{action}"

    def wanted(self, action, role, state, assignment):
        """Status that the table promises: None = it depends on a guard."""
        if role == "unit" and not assignment:
            return 404  # it has no part in it and is not told that it exists
        if not self.fits(action, role):
            return 403
        if not self.fits(action, role, state) or not self.fits(action, role, state, assignment):
            return 409
        return None

    def check(self, scene, action, role, number):
        """true: the ticket is spent"""
        state, assignment = scene
        client = {"desk": self.desk, "supervisor": self.supervisor, "unit": self.units[TOWN]}[role]
        answer = client.call("POST", self.path(number, action), self.bodies()[action])
        wanted = self.wanted(action, role, state, assignment)
        told = (scene, action, role, answer)
        if wanted is None:
            self.assertIn(answer.status, (200, 409), told)
        else:
            self.assertEqual(answer.status, wanted, told)
        if answer.status == 409:
            problem = answer.json
            self.assertEqual((problem["type"], problem["state"]), ("urn:hotline:conflict", state), told)
            if not self.fits(action, role, state):
                self.assertEqual(problem["reason"], "state", told)
            self.assertTrue(problem["changed_by"], told)
        return answer.status == 200

    def test_every_action_in_every_state_by_every_role(self):
        type(self).master = self.unsigned()
        for scene, enter in self.scenes().items():
            number = enter()
            ticket = self.desk.get(f"/v1/tickets/{number}")
            self.assertEqual(ticket["state"], scene[0])
            if scene[1]:
                self.assertEqual(ticket["assignments"][-1]["state"], scene[1])
            for action in sorted({r.action for r in self.rows} - {"receive"}):
                for role in ("desk", "supervisor", "unit"):
                    if role != "unit" and action in ON_ASSIGNMENT:
                        continue  # the route is the units' alone: see test_authz
                    if self.check(scene, action, role, number):
                        number = enter()

    # ---- every row ---------------------------------------------------------------------------------------------

    def took(self, number, *events):
        """The events written last are these; their rows count as exercised."""
        page = self.desk.get(f"/v1/tickets/{number}/events?limit=500")
        self.assertTrue(page["chain_ok"])
        types = [e["type"] for e in page["items"]]
        for event in events:
            self.assertIn(event, types)
            self.seen.add(event)
        return page["items"]

    def test_return(self):
        number = self.return_requested()
        ticket = self.desk.get(f"/v1/tickets/{number}")
        request = ticket["assignments"][0]["request"]
        self.assertEqual((request["kind"], request["ground"], request["text"]),
                         ("return", "not_own_duty", "不属我单位职责"))
        self.act(number, "decide", request=request["id"], grant=False, text="属你单位")
        self.assertEqual(self.desk.get(f"/v1/tickets/{number}")["assignments"][0]["state"], "working")
        self.on(number, TOWN, "return", ground="overlapping_duty", text="再次说明", proposed_unit=OTHER)
        answer = self.act(number, "decide", request="return", grant=True, lead_unit=OTHER)
        self.assertEqual([a["state"] for a in answer["assignments"]], ["returned", "unsigned"])
        self.assertEqual((answer["state"], answer["assignments"][1]["unit"]), ("handling", OTHER))
        self.on(number, OTHER, "return", ground="wrong_district", text="不在辖区")
        answer = self.act(number, "decide", request="return", grant=True)
        self.assertEqual((answer["state"], answer["problem"]), ("accepted", False))
        self.act(number, "dispatch", lead_unit=CO)
        self.on(number, CO, "return", ground="lacks_information", text="缺地址")
        answer = self.act(number, "decide", request="return", grant=True, lead_unit=OTHER)
        self.assertEqual((answer["state"], answer["problem"]), ("accepted", True))  # the third transfer
        problem = self.desk.call("POST", f"/v1/tickets/{number}/dispatch", {"lead_unit": CO})
        self.assertEqual((problem.status, problem.json["reason"]), (409, "problem_ticket"))
        self.act(number, "dispatch", self.supervisor, lead_unit=CO)
        refused = self.units[CO].call("POST", self.own(number, CO) + "/return",
                                      {"ground": "not_own_duty", "text": "还是不行"})
        self.assertEqual((refused.status, refused.json["reason"]), (409, "no_return"))
        self.took(number, "assignment.return_requested", "assignment.return_refused", "assignment.returned",
                  "ticket.problem")
        self.assertEqual(self.desk.get(f"/v1/tickets/{number}")["transfers"], 3)

    def own(self, number, unit):
        own = [a for a in self.desk.get(f"/v1/tickets/{number}")["assignments"] if a["unit"] == unit]
        return f"/v1/assignments/{own[-1]['id']}"

    def test_return_of_a_co_unit(self):
        number = self.working(CO)
        self.on(number, CO, "return", ground="not_own_duty", text="无关")
        refused = self.units[TOWN].call("POST", self.own(number, TOWN) + "/report",
                                        {"solved": True, "public_reply": "好"})
        self.assertEqual((refused.status, refused.json["reason"]), (409, "co_units_pending"))
        answer = self.act(number, "decide", request="return", grant=True)
        self.assertEqual((answer["state"], [a["state"] for a in answer["assignments"]]),
                         ("handling", ["working", "returned"]))
        self.assertEqual(self.report(number)["state"], "review")

    def test_return_too_late(self):
        number = self.working()
        self.daemon.advance(20 * 86400)
        refused = self.units[TOWN].call("POST", self.own(number, TOWN) + "/return",
                                        {"ground": "not_own_duty", "text": "晚了"})
        self.assertEqual((refused.status, refused.json["reason"]), (409, "return_window_over"))
        refused = self.units[TOWN].call("POST", self.own(number, TOWN) + "/extend", {"days": 3, "ground": "晚了"})
        self.assertEqual((refused.status, refused.json["reason"]), (409, "expired"))

    def clock(self, number, name="resolve", unit=None):
        rows = [c for c in self.desk.get(f"/v1/tickets/{number}")["clocks"] if c["clock"] == name and c["unit"] == unit]
        return rows[-1]

    def test_extension(self):
        number = self.extension_requested()
        before = self.clock(number)
        self.act(number, "decide", request="extension", grant=True, days=2)
        after = self.clock(number)
        self.assertEqual(after["original_due_at"], before["due_at"])
        self.assertGreater(after["due_at"], before["due_at"])
        again = self.units[TOWN].call("POST", self.own(number, TOWN) + "/extend", {"days": 3, "ground": "再延"})
        self.assertEqual((again.status, again.json["reason"]), (409, "extension_spent"))
        refused = self.extension_requested()
        self.act(refused, "decide", request="extension", grant=False)
        self.assertEqual(self.clock(refused)["due_at"], self.clock(refused)["original_due_at"])
        long = self.working()
        answer = self.units[TOWN].call("POST", self.own(long, TOWN) + "/extend", {"days": 11, "ground": "太久"})
        self.assertEqual((answer.status, answer.json["reason"]), (409, "too_long"))
        self.took(number, "assignment.extension_requested", "assignment.extended")
        self.took(refused, "assignment.extension_refused")

    def test_suspension_ends_by_itself(self):
        number = self.suspended()
        ticket = self.desk.get(f"/v1/tickets/{number}")
        until = ticket["assignments"][0]["suspended_until"]
        self.assertEqual((ticket["assignments"][0]["state"], self.clock(number)["state"]), ("suspended", "paused"))
        before = self.clock(number)["due_at"]
        self.daemon.advance(19 * 86400)
        self.assertEqual(self.clock(number)["state"], "paused")
        self.daemon.advance(2 * 86400)
        after = self.clock(number)
        self.assertEqual(after["state"], "running")
        self.assertGreater(after["due_at"], before)
        self.assertGreater(after["paused_seconds"], 0)
        resumed = [e for e in self.took(number, "assignment.suspension_requested", "assignment.suspended",
                                        "assignment.resumed") if e["type"] == "assignment.resumed"]
        self.assertEqual([(e["at"], e["actor"]) for e in resumed], [(until, "system")])
        self.assertIsNone(after["breached_at"])

    def test_suspension_refused_and_resumed_early(self):
        number = self.suspension_requested()
        self.act(number, "decide", request="suspension", grant=False)
        self.assertEqual(self.desk.get(f"/v1/tickets/{number}")["assignments"][0]["state"], "working")
        self.took(number, "assignment.suspension_refused")
        number = self.suspended()
        self.on(number, TOWN, "resume")
        self.assertEqual(self.clock(number)["state"], "running")
        answer = self.desk.call("POST", f"/v1/tickets/{number}/decide", {"request": "suspension", "grant": True})
        self.assertEqual((answer.status, answer.json["reason"]), (409, "no_request"))

    def test_forward_closes_at_the_village(self):
        number = self.working()
        self.on(number, TOWN, "forward", unit=VILLAGE, days=1, text="请处理")
        ticket = self.desk.get(f"/v1/tickets/{number}")
        self.assertEqual([(a["unit"], a["state"], a["role"]) for a in ticket["assignments"]],
                         [(TOWN, "forwarded", "lead"), (VILLAGE, "unsigned", "lead")])
        self.assertEqual(ticket["assignments"][1]["handed_on_by"], ticket["assignments"][0]["id"])
        self.assertLess(self.clock(number, unit=VILLAGE)["due_at"], self.clock(number)["due_at"])
        self.on(number, VILLAGE, "sign")
        self.report(number, VILLAGE)
        self.act(number, "review", **{"pass": True})
        self.act(number, "callback", reached=True, solved=True, satisfied=5)
        ticket = self.desk.get(f"/v1/tickets/{number}")
        self.assertEqual((ticket["closed_tier"], ticket["closed_unit"]), ("village", VILLAGE))
        self.took(number, "assignment.forwarded")

    def test_escalate(self):
        number = self.working()
        self.on(number, TOWN, "escalate", text="超出能力")
        ticket = self.desk.get(f"/v1/tickets/{number}")
        self.assertEqual([(a["unit"], a["state"]) for a in ticket["assignments"]],
                         [(TOWN, "forwarded"), (ABOVE, "unsigned")])
        self.on(number, ABOVE, "sign")
        refused = self.units[ABOVE].call("POST", self.own(number, ABOVE) + "/escalate", {})
        self.assertEqual((refused.status, refused.json["reason"]), (409, "no_unit_above"))
        self.on(number, ABOVE, "forward", unit=TOWN)  # and down again
        refused = self.units[TOWN].call("POST", self.own(number, TOWN) + "/forward", {"unit": OTHER})
        self.assertEqual(refused.status, 409)
        self.took(number, "assignment.escalated")

    def test_add_unit(self):
        number = self.working()
        answer = self.act(number, "add-unit", unit=CO, text="请配合")
        self.assertEqual([(a["unit"], a["role"]) for a in answer["assignments"]], [(TOWN, "lead"), (CO, "co")])
        twice = self.desk.call("POST", f"/v1/tickets/{number}/add-unit", {"unit": CO})
        self.assertEqual((twice.status, twice.json["reason"]), (409, "already_assigned"))
        self.assertEqual(self.clock(number, unit=CO)["state"], "running")
        self.on(number, CO, "sign")
        self.report(number, CO)
        self.assertEqual(self.clock(number, unit=CO)["state"], "met")
        self.assertEqual(self.report(number)["state"], "review")
        self.took(number, "ticket.unit_added")

    def test_merge(self):
        """Each citizen keeps a number, reads an answer and is called back; the master counts once for the units."""
        before = self.desk.get("/v1/reports/tiers")
        child, master = self.new_ticket(region=None, category="0102"), self.working()
        self.act(child["number"], "merge", into=master)
        ticket = self.desk.get(f"/v1/tickets/{child['number']}")
        self.assertEqual((ticket["state"], ticket["merged_into"]), ("merged", master))
        public = f"/v1/public/tickets/{child['number']}?code={child['query_code']}"
        nobody = self.daemon.client()
        self.addCleanup(nobody.close)
        self.assertIsNone(nobody.get(public)["public_reply"])
        early = self.desk.call("POST", f"/v1/tickets/{child['number']}/callback", {"reached": True, "solved": True})
        self.assertEqual((early.status, early.json["reason"]), (409, "master_open"))
        for body, reason in (({"into": master}, "is_master"), ({"into": child["number"]}, "is_master")):
            answer = self.desk.call("POST", f"/v1/tickets/{master}/merge", body)
            self.assertEqual((answer.status, answer.json["reason"] in (reason, "self")), (409, True))
        into_merged = self.desk.call("POST", f"/v1/tickets/{self.accepted()}/merge", {"into": child["number"]})
        self.assertEqual((into_merged.status, into_merged.json["reason"]), (409, "master_state"))
        self.report(master)
        self.act(master, "review", **{"pass": True})
        self.assertEqual(nobody.get(public)["public_reply"], "您好，已处理。")
        self.act(child["number"], "callback", reached=True, solved=True, satisfied=4)
        self.act(child["number"], "answer", reply="您好，另复。")
        self.assertEqual(nobody.get(public)["public_reply"], "您好，另复。")
        self.act(master, "callback", reached=True, solved=True, satisfied=5)
        after = self.desk.get("/v1/reports/tiers")
        self.assertEqual((after["received"] - before["received"], after["closed"] - before["closed"]), (3, 1))
        self.took(child["number"], "ticket.merged")

    def test_unmerge(self):
        number = self.merged()
        started = self.clock(number)["started_at"]
        self.act(number, "unmerge", text="并非同一事项")
        ticket = self.desk.get(f"/v1/tickets/{number}")
        self.assertEqual((ticket["state"], self.clock(number)["state"], self.clock(number)["started_at"]),
                         ("accepted", "running", started))
        self.assertNotIn("merged_into", ticket)
        self.took(number, "ticket.unmerged")

    def test_reopen(self):
        number = self.closed()
        before = self.desk.get("/v1/reports/tiers")
        self.act(number, "reopen", text="问题复发")
        ticket = self.desk.get(f"/v1/tickets/{number}")
        self.assertEqual((ticket["state"], ticket["round"], ticket["closed_at"]), ("handling", 2, None))
        during = self.desk.get("/v1/reports/tiers")
        self.assertEqual((during["closed"], during["in_hand"]), (before["closed"] - 1, before["in_hand"] + 1))
        self.work(number)
        self.act(number, "review", **{"pass": True})
        self.act(number, "callback", reached=True, solved=True, satisfied=5)
        self.assertEqual(self.desk.get("/v1/reports/tiers")["closed"], before["closed"])
        early = self.ended("withdraw")
        self.act(early, "reopen", text="市民反悔")
        self.assertEqual(self.desk.get(f"/v1/tickets/{early}")["state"], "accepted")
        self.took(number, "ticket.reopened", "ticket.redo")

    def test_incomplete(self):
        answer = self.new_ticket(incomplete=True)
        self.assertEqual((answer["state"], answer["deadlines"]), ("incomplete", []))
        number = answer["number"]
        self.daemon.advance(86400)
        done = self.act(number, "complete", region=PLACE, category="010206", address="文定社区3幢", urgency="urgent")
        self.assertEqual(done["state"], "handling")
        ticket = self.desk.get(f"/v1/tickets/{number}")
        self.assertEqual((ticket["address"], ticket["urgency"], ticket["category"]), ("文定社区3幢", "urgent", "010206"))
        self.assertEqual(self.clock(number)["started_at"], self.now().isoformat())
        pooled = self.incomplete()
        self.assertEqual(self.act(pooled, "complete", category="0102", text="补充了内容")["state"], "handling")
        bad = self.desk.call("POST", f"/v1/tickets/{self.incomplete()}/complete", {"region": "999999999999"})
        self.assertEqual((bad.status, bad.json["errors"][0]["field"]), (400, "region"))
        self.took(number, "ticket.incomplete", "ticket.completed", "ticket.dispatched")

    def test_reveal(self):
        number = self.new_ticket(requester={"name": "王女士", "phone": "13812341234"})["number"]
        path = f"/v1/tickets/{number}/reveal"
        self.assertEqual(self.desk.post(path, {"field": "phone", "reason": "回访"})["value"], "13812341234")
        self.assertEqual(self.desk.post(path, {"field": "name", "reason": "回访"})["value"], "王女士")
        lines = self.daemon.sql(f"SELECT account, detail ->> 'field', detail ->> 'reason' FROM audit"
                                f" WHERE action = 'ticket.reveal' AND number = {int(number)} ORDER BY id")
        self.assertEqual(lines, [["desk", "phone", "回访"], ["desk", "name", "回访"]])
        for body, field in (({"field": "address", "reason": "x"}, "field"), ({"field": "name"}, "reason")):
            answer = self.desk.call("POST", path, body)
            self.assertEqual((answer.status, answer.json["errors"][0]["field"]), (400, field))
        secret = self.new_ticket(requester={"name": "李", "phone": "13812341235", "confidential": True})["number"]
        lead = self.desk.get(f"/v1/tickets/{secret}")["route"]["lead_unit"]
        unit = self.daemon.unit(lead)
        self.addCleanup(unit.close)
        self.assertEqual(unit.call("POST", f"/v1/tickets/{secret}/reveal", {"field": "name", "reason": "x"}).status, 403)

    def test_escalation_steps(self):
        """Nobody reports: warned, broken, then somebody higher is told, at the instants that the calendar gives."""
        number = self.working()
        self.daemon.advance(40 * 86400)
        events = [e for e in self.took(number, "clock.warned", "clock.breached") if e["type"].startswith("clock.")]
        resolve = [e for e in events if e["detail"]["clock"] == "resolve"]
        self.assertEqual([e["type"] for e in resolve][:2], ["clock.warned", "clock.breached"])

    def test_words_are_refused(self):
        number = self.working()
        for path, body, field in (
                (f"/v1/tickets/{number}/decide", {"request": "return"}, "grant"),
                (f"/v1/tickets/{number}/merge", {"into": "123"}, "into"),
                (f"/v1/tickets/{number}/add-unit", {"unit": "JY-XX"}, "unit"),
                (f"/v1/tickets/{number}/reopen", {}, "text")):
            answer = self.desk.call("POST", path, body)
            self.assertEqual((answer.status, answer.json["errors"][0]["field"]), (400, field))
        for action, body, field in (
                ("forward", {"unit": "JY-XX"}, "unit"), ("extend", {"days": 0, "ground": "x"}, "days"),
                ("return", {"ground": "no", "text": "x"}, "ground"), ("suspend", {"until": "tomorrow", "reason": "x"}, "until"),
                ("suspend", {"until": "2026-13-01", "reason": "x"}, "until")):
            answer = self.units[TOWN].call("POST", self.own(number, TOWN) + "/" + action, body)
            self.assertEqual((answer.status, answer.json["errors"][0]["field"]), (400, field), answer)

    def test_z_the_count(self):
        """After all of this the figures are what a full recount says."""
        answer = self.supervisor.post("/v1/admin/recount")
        self.assertEqual((answer["equal"], answer["differences"]), (True, []))


if __name__ == "__main__":
    main()
