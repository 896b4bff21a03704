"""Every transition of the ticket machine over HTTP, with the exact deadlines of DOMAIN 4 and what everybody may see.

Two daemons: one walks through the dates of the vectors, the other through the transitions.
"""
import datetime as dt

from calendar_again import ZONE, Calendar
from hotline_test import ROOT, DaemonTest, main

PROBLEM = "application/problem+json"
VILLAGE = "320281001001"
# a rule with co-units and the default policy: fire and safety hazards
WITH_CO_UNITS = {"category": "010101", "kind": "complaint", "urgency": "urgent"}


def clocks(ticket, state=None):
    """{clock: row} of the newest round; the lead's of those that every unit has."""
    lead = next((a["unit"] for a in reversed(ticket["assignments"]) if a["role"] == "lead"), None)
    return {c["clock"]: c for c in ticket["clocks"]
            if c["unit"] in (None, lead) and (state is None or c["state"] == state)}


def deadlines(answer):
    lead = answer["route"]["lead_unit"]
    return {d["clock"]: d for d in answer["deadlines"] if d.get("unit") in (None, lead)}


def lead_of(ticket):
    return [a for a in ticket["assignments"] if a["role"] == "lead" and a["state"] != "recalled"][-1]


class Base(DaemonTest):
    def setUp(self):
        self.units, self.nobody = {}, self.daemon.client()

    def tearDown(self):
        for client in (self.nobody, *self.units.values()):
            client.close()

    def unit(self, code):
        if code not in self.units:
            self.units[code] = self.daemon.unit(code)
        return self.units[code]

    def get(self, number, client=None):
        return (client or self.desk).get(f"/v1/tickets/{number}")

    def act(self, number, action, client=None, **body):
        return (client or self.desk).post(f"/v1/tickets/{number}/{action}", body)

    def on(self, assignment, action, **body):
        return self.unit(assignment["unit"]).post(f"/v1/assignments/{assignment['id']}/{action}", body)

    def refused(self, answer, status, field=None, reason=None):
        """A problem with this status; for a 400 the field at fault is named."""
        self.assertEqual(answer.status, status, answer)
        self.assertTrue(answer.headers["content-type"].startswith(PROBLEM), answer.headers)
        problem = answer.json
        self.assertEqual(problem["status"], status)
        for member in ("type", "title", "detail"):
            self.assertTrue(problem[member], problem)
        if field is not None:
            named = {(e["field"], e["reason"]) if reason else e["field"] for e in problem["errors"]}
            self.assertIn((field, reason) if reason else field, named)
        return problem

    def history(self, number, client=None):
        page = (client or self.desk).get(f"/v1/tickets/{number}/events?limit=200")
        self.assertTrue(page["chain_ok"], page)
        self.assertIsNone(page["next"])
        return page["items"]

    def types(self, number):
        return [e["type"] for e in self.history(number)]

    def now(self):
        return dt.datetime.fromisoformat(self.daemon.advance(0))


class Dates(Base):
    """What was received when is due when: DOMAIN 4, vectors; +10 needs an extension and is left to the unit tests."""

    CLOCK = "2025-01-24T10:00:00+08:00"

    def at(self, text):
        self.daemon.move_clock(text + "T10:00:00+08:00")

    def due(self, clock, **fields):
        answer = self.new_ticket(**fields)
        return deadlines(answer)[clock]["due_at"]

    def check(self, date, days, wanted):
        """day of receipt + n working days = the close of `wanted`."""
        by_kind = {2: "consult", 5: "help", 15: "report"}
        clock = "first_contact" if days == 1 else "resolve"
        due = self.due(clock, kind=by_kind.get(days, "help"), urgency="normal", category="010206")
        self.assertEqual(due, wanted + "T17:30:00+08:00", f"{date} + {days}")

    def redo(self):
        """A ticket sent back after its call-back: 3 working days from now."""
        number = self.new_ticket(kind="help", category="010206")["number"]
        self.work(number)
        self.act(number, "review", **{"pass": True})
        self.act(number, "callback", reached=True, solved=False)
        return clocks(self.get(number), "running")["resolve"]["due_at"]

    def test_vectors(self):
        vectors = [("2025-01-24", 5, "2025-02-07"), ("2025-01-27", 1, "2025-02-05"), ("2025-04-25", 5, "2025-05-06"),
                   ("2025-09-26", 5, "2025-10-10"), ("2025-09-30", 15, "2025-10-28"), ("2025-12-31", 1, "2026-01-04"),
                   ("2026-02-13", 1, "2026-02-14"), ("2026-02-13", 5, "2026-02-27"), ("2026-02-13", 15, "2026-03-12"),
                   ("2026-02-14", 3, "2026-02-26"), ("2026-04-30", 5, "2026-05-11"), ("2026-09-24", 5, "2026-10-09"),
                   ("2026-10-09", 2, "2026-10-12")]
        for date, days, wanted in vectors:
            self.at(date)
            if days == 3:
                self.assertEqual(self.redo(), wanted + "T17:30:00+08:00")
            else:
                self.check(date, days, wanted)
        self.year_without_a_list()

    def year_without_a_list(self):
        """Deadlines that reach a year with no published calendar say so."""
        self.at("2026-12-30")
        answer = self.new_ticket(kind="report", category="010206")
        by_clock = deadlines(answer)
        self.assertTrue(by_clock["resolve"]["provisional"])
        self.assertFalse(by_clock["sign"]["provisional"])


class Lifecycle(Base):
    CLOCK = "2026-02-13T10:00:00+08:00"

    # ---- the whole way, on exact dates; runs first ------------------------------------------------

    def received(self):
        answer = self.new_ticket(address="澄江街道 12 号", requester={"name": "王小明", "phone": "138 0013 8000"})
        self.assertEqual((answer["state"], answer["version"], answer["urgency"]), ("handling", 1, "normal"))
        self.assertEqual(answer["received_at"], "2026-02-13T10:00:00+08:00")
        self.assertRegex(answer["number"], r"^260213\d{12}$")
        self.assertRegex(answer["query_code"], r"^[2-9A-HJ-NP-Z]{8}$")
        self.assertEqual(answer["route"]["lead_unit"], "JY-GJ")
        self.assertEqual(answer["route"]["rule"], "R0015")
        due = deadlines(answer)
        self.assertEqual({clock: due[clock]["due_at"] for clock in due},
                         {"sign": "2026-02-13T16:00:00+08:00", "first_contact": "2026-02-14T17:30:00+08:00",
                          "return": "2026-02-24T17:30:00+08:00", "resolve": "2026-02-27T17:30:00+08:00"})
        self.assertEqual(due["sign"]["warn_at"], "2026-02-13T15:00:00+08:00")
        return answer

    def signed(self, number):
        assignment = lead_of(self.get(number))
        self.assertEqual(assignment["state"], "unsigned")
        self.daemon.move_clock("2026-02-13T11:00:00+08:00")
        self.on(assignment, "sign")
        self.daemon.move_clock("2026-02-13T11:30:00+08:00")
        self.on(assignment, "contact", text="已电话联系")
        ticket = self.get(number)
        by_clock = clocks(ticket)
        self.assertEqual((by_clock["dispatch"]["state"], by_clock["dispatch"]["met_at"]),
                         ("met", "2026-02-13T10:00:00+08:00"))
        self.assertEqual((by_clock["sign"]["state"], by_clock["sign"]["met_at"]), ("met", "2026-02-13T11:00:00+08:00"))
        self.assertEqual(by_clock["first_contact"]["met_at"], "2026-02-13T11:30:00+08:00")
        self.assertEqual(lead_of(ticket)["signed_by"], "unit-JY-GJ")
        return assignment

    def reported(self, number, assignment):
        self.daemon.move_clock("2026-02-24T09:00:00+08:00")
        answer = self.on(assignment, "report", solved=True, internal="更换灯泡", public_reply="您好，路灯已修复。")
        self.assertEqual(answer["state"], "review")
        due = clocks(self.get(number), "running")["review"]
        self.assertEqual((due["started_at"], due["due_at"]), ("2026-02-24T09:00:00+08:00", "2026-02-25T17:30:00+08:00"))
        public = self.nobody.get(f"/v1/public/tickets/{number}?code={self.code}")
        self.assertIsNone(public["public_reply"], "told before it passed the review")

    def closed(self, number):
        self.daemon.move_clock("2026-02-25T09:00:00+08:00")
        self.assertEqual(self.act(number, "review", **{"pass": True, "text": "同意"})["state"], "callback")
        self.assertEqual(clocks(self.get(number), "running")["callback"]["due_at"], "2026-02-27T17:30:00+08:00")
        self.daemon.move_clock("2026-02-26T09:00:00+08:00")
        answer = self.act(number, "callback", reached=True, contacted=True, solved=True, satisfied=5, text="很满意")
        self.assertEqual(answer["state"], "closed")

    def test_a_happy_path(self):
        answer = self.received()
        number, self.code = answer["number"], answer["query_code"]
        assignment = self.signed(number)
        self.reported(number, assignment)
        self.closed(number)
        ticket = self.get(number)
        self.assertEqual((ticket["closed_tier"], ticket["closed_unit"], ticket["closed_on_time"]),
                         ("city", "JY-GJ", True))
        self.assertEqual(ticket["public_reply"], "您好，路灯已修复。")
        self.assertEqual(clocks(ticket, "running"), {})
        self.assertEqual([a["state"] for a in ticket["assignments"]], ["passed"])
        self.assertEqual(ticket["version"], 6)
        kinds = ["ticket.received", "ticket.dispatched", "assignment.signed", "assignment.contacted",
                 "assignment.reported", "ticket.review_passed", "ticket.called_back", "ticket.closed"]
        self.assertEqual(self.types(number), kinds)
        public = self.nobody.get(f"/v1/public/tickets/{number}?code={self.code}")
        self.assertEqual(public["public_reply"], "您好，路灯已修复。")
        self.assertEqual(set(public), {"number", "state", "state_name", "received_at", "progress", "public_reply"})
        self.refused(self.desk.call("POST", f"/v1/tickets/{number}/callback", {"reached": True, "solved": True}), 409)

    # ---- desk -----------------------------------------------------------------------------------------

    def test_answer_on_the_spot(self):
        pooled = self.new_ticket(region=None, category="0102")
        self.assertEqual((pooled["state"], pooled["route"]["lead_unit"]), ("accepted", None))
        self.assertEqual(set(deadlines(pooled)), {"dispatch", "resolve"})
        dispatched = self.new_ticket()
        for number, recalled in ((pooled["number"], []), (dispatched["number"], ["recalled"])):
            answer = self.act(number, "answer", reply="您好，当场答复。")
            self.assertEqual(answer["state"], "closed")
            ticket = self.get(number)
            self.assertEqual((ticket["closed_tier"], ticket["closed_unit"]), ("desk", None))
            self.assertEqual([a["state"] for a in ticket["assignments"]], recalled)
            self.assertEqual(ticket["public_reply"], "您好，当场答复。")
            self.assertEqual(self.types(number)[-2:], ["ticket.answered", "ticket.closed"])
        self.assertEqual(self.unit("JY-GJ").get("/v1/queue?limit=500")["next"], None)
        queued = [item["ticket"]["number"] for item in self.unit("JY-GJ").get("/v1/queue?limit=500")["items"]]
        self.assertNotIn(dispatched["number"], queued)

    def test_answer_after_signing(self):
        number = self.new_ticket()["number"]
        self.on(lead_of(self.get(number)), "sign")
        for action, body in (("answer", {"reply": "答复"}), ("reject", {"ground": "不属于受理范围"}),
                             ("dispatch", {"lead_unit": "JY-CGJ"})):
            problem = self.refused(self.desk.call("POST", f"/v1/tickets/{number}/{action}", body), 409)
            self.assertEqual((problem["state"], problem["reason"]), ("handling", "already_signed"))
            self.assertEqual(problem["changed_by"], "unit-JY-GJ")

    def test_dispatch_by_hand(self):
        number = self.new_ticket(region=None, category="0102")["number"]
        self.assertEqual(self.types(number), ["ticket.received", "ticket.pooled"])
        self.daemon.advance(60)
        now = self.now().isoformat()
        answer = self.act(number, "dispatch", lead_unit="JY-CGJ", co_units=["JY-GAJ"], text="请处理")
        self.assertEqual(answer["state"], "handling")
        ticket = self.get(number)
        self.assertEqual([(a["unit"], a["role"], a["state"]) for a in ticket["assignments"]],
                         [("JY-CGJ", "lead", "unsigned"), ("JY-GAJ", "co", "unsigned")])
        self.assertEqual(clocks(ticket)["dispatch"]["met_at"], now)
        self.assertEqual(clocks(ticket)["sign"]["started_at"], now)
        self.assertEqual(ticket["dispatched_at"], now)

    def test_dispatched_again_before_signing(self):
        number = self.new_ticket()["number"]
        old = lead_of(self.get(number))
        self.act(number, "dispatch", lead_unit="JY-CGJ")
        ticket = self.get(number)
        self.assertEqual([(a["unit"], a["state"]) for a in ticket["assignments"]],
                         [("JY-GJ", "recalled"), ("JY-CGJ", "unsigned")])
        problem = self.refused(self.unit("JY-GJ").call("POST", f"/v1/assignments/{old['id']}/sign", {}), 409)
        self.assertEqual(problem["assignment_state"], "recalled")
        self.refused(self.desk.call("POST", f"/v1/tickets/{number}/dispatch", {"lead_unit": "JY-NONE"}), 400, "lead_unit",
                     "not_found")
        self.refused(self.desk.call("POST", f"/v1/tickets/{number}/dispatch",
                                    {"lead_unit": "JY-CGJ", "co_units": ["JY-GAJ", "JY-CGJ"]}), 400, "co_units[1]",
                     "duplicate")

    def test_reject_refer_withdraw(self):
        pooled = {"region": None, "category": "0102"}
        orders = (("reject", {"ground": "法院已受理"}, "rejected", "ticket.rejected"),
                  ("refer", {"to": "110", "text": "转警方"}, "referred", "ticket.referred"),
                  ("withdraw", {"text": "市民撤销"}, "withdrawn", "ticket.withdrawn"))
        for action, body, state, event in orders:
            for fields in ({}, pooled):
                number = self.new_ticket(**fields)["number"]
                answer = self.act(number, action, **body)
                self.assertEqual(answer["state"], state)
                ticket = self.get(number)
                self.assertEqual(clocks(ticket, "running"), {})
                self.assertEqual({a["state"] for a in ticket["assignments"]} - {"recalled"}, set())
                self.assertEqual(self.types(number)[-1], event)
                self.refused(self.desk.call("POST", f"/v1/tickets/{number}/{action}", body), 409)
        self.refused(self.desk.call("POST", f"/v1/tickets/{number}/reject", {}), 400, "ground", "required")
        self.refused(self.desk.call("POST", f"/v1/tickets/{number}/refer", {}), 400, "to", "required")

    def test_refer_and_withdraw_at_any_moment(self):
        for state in ("working", "review", "callback"):
            for action, body in (("refer", {"to": "119"}), ("withdraw", {})):
                number = self.new_ticket()["number"]
                assignment = lead_of(self.get(number))
                self.on(assignment, "sign")
                if state != "working":
                    self.on(assignment, "report", solved=True, public_reply="好")
                if state == "callback":
                    self.act(number, "review", **{"pass": True})
                self.act(number, action, **body)
                last = self.get(number)["assignments"][-1]["state"]
                self.assertEqual(last, "passed" if state == "callback" else "recalled")

    def test_ground_is_told_to_the_citizen(self):
        answer = self.new_ticket()
        self.act(answer["number"], "reject", ground="已进入诉讼程序")
        public = self.nobody.get(f"/v1/public/tickets/{answer['number']}?code={answer['query_code']}")
        self.assertEqual((public["state"], public["ground"]), ("rejected", "已进入诉讼程序"))

    def test_review_failure(self):
        number = self.new_ticket()["number"]
        self.work(number)
        answer = self.act(number, "review", **{"pass": False, "text": "没有照片"})
        self.assertEqual((answer["state"], answer["round"]), ("handling", 1))
        ticket = self.get(number)
        self.assertEqual(lead_of(ticket)["state"], "working")
        self.assertEqual(clocks(ticket)["resolve"]["state"], "running", "the time goes on")
        self.assertEqual(clocks(ticket)["review"]["state"], "met")
        self.on(lead_of(ticket), "report", solved=True, public_reply="照片已补充")
        self.act(number, "review", **{"pass": True})
        self.assertEqual(self.get(number)["public_reply"], "照片已补充")
        self.assertEqual(self.types(number)[-4:], ["assignment.reported", "ticket.review_failed", "assignment.reported",
                                                   "ticket.review_passed"])

    def at_callback(self, **fields):
        number = self.new_ticket(**fields)["number"]
        self.work(number)
        self.act(number, "review", **{"pass": True})
        return number

    def test_nobody_reached(self):
        number = self.at_callback()
        for _ in range(2):
            self.assertEqual(self.act(number, "callback", reached=False)["state"], "callback")
        self.assertEqual(self.act(number, "callback", reached=False)["state"], "closed")
        self.assertEqual(self.get(number)["closed_tier"], "city")
        self.assertEqual(self.types(number).count("ticket.called_back"), 3)

    def test_dissatisfied_is_redone(self):
        for said in ({"solved": True, "satisfied": 2}, {"solved": False, "satisfied": 5}, {"solved": False}):
            number = self.at_callback()
            answer = self.act(number, "callback", reached=True, **said)
            self.assertEqual((answer["state"], answer["round"]), ("handling", 2), said)
            ticket = self.get(number)
            self.assertEqual([(a["round"], a["state"]) for a in ticket["assignments"]], [(1, "passed"), (2, "unsigned")])
            resolve = clocks(ticket, "running")["resolve"]
            self.assertEqual(resolve["round"], 2)
            calendar = Calendar(ROOT / "daemon" / "cities" / "workdays-cn.csv")
            self.assertEqual(resolve["due_at"], calendar.add_working_days(self.now().astimezone(ZONE), 3).isoformat())
        self.work(number)
        self.act(number, "review", **{"pass": True})
        self.assertEqual(self.act(number, "callback", reached=True, solved=True, satisfied=3)["state"], "closed")

    def test_callback_says_what_is_missing(self):
        number = self.at_callback()
        path = f"/v1/tickets/{number}/callback"
        self.refused(self.desk.call("POST", path, {"reached": True}), 400, "solved", "required")
        self.refused(self.desk.call("POST", path, {"reached": False, "satisfied": 3}), 400, "satisfied", "not_allowed")
        self.refused(self.desk.call("POST", path, {"reached": True, "solved": True, "satisfied": 6}), 400, "satisfied",
                     "range")
        self.refused(self.desk.call("POST", path, {}), 400, "reached", "required")

    def test_problem_ticket(self):
        number = self.at_callback()
        for _ in range(2):
            self.act(number, "callback", reached=True, solved=False)
            self.work(number)
            self.act(number, "review", **{"pass": True})
        answer = self.act(number, "callback", reached=True, solved=False)
        self.assertEqual((answer["state"], answer["problem"], answer["round"]), ("accepted", True, 3))
        self.assertEqual(self.types(number)[-1], "ticket.problem")
        problem = self.refused(self.desk.call("POST", f"/v1/tickets/{number}/dispatch", {"lead_unit": "JY-CGJ"}), 409)
        self.assertEqual(problem["reason"], "problem_ticket")
        answer = self.act(number, "dispatch", self.supervisor, lead_unit="JY-CGJ")
        self.assertEqual((answer["state"], answer["round"]), ("handling", 4))
        self.refused(self.desk.call("POST", f"/v1/tickets/{number}/dispatch", {"lead_unit": "JY-GJ"}), 409)
        answer = self.act(number, "dispatch", self.supervisor, lead_unit="JY-GAJ")
        self.assertEqual(answer["round"], 4)
        self.work(number)
        self.act(number, "review", **{"pass": True})
        self.act(number, "callback", reached=True, solved=True)
        self.assertEqual(self.get(number)["closed_unit"], "JY-GAJ")

    def test_complete(self):
        """Nothing is incomplete yet; what is complete cannot be completed."""
        number = self.new_ticket(region=None, category="0102")["number"]
        problem = self.refused(self.desk.call("POST", f"/v1/tickets/{number}/complete", {}), 409)
        self.assertEqual((problem["state"], problem["changed_by"]), ("accepted", "desk"))

    def test_archive(self):
        number = self.new_ticket()["number"]
        self.refused(self.supervisor.call("POST", f"/v1/tickets/{number}/archive", {}), 409)
        self.act(number, "answer", reply="好")
        self.assertEqual(self.act(number, "archive", self.supervisor)["state"], "archived")
        self.refused(self.desk.call("POST", f"/v1/tickets/{number}/note", {"text": "晚了"}), 409)

    def test_notes_urging_supervising(self):
        number = self.new_ticket()["number"]
        unit = self.unit("JY-GJ")
        self.act(number, "note", text="市民补充：在北门")
        self.act(number, "note", unit, text="收到")
        self.act(number, "urge", text="请尽快")
        self.refused(self.desk.call("POST", f"/v1/tickets/{number}/supervise", {"text": "督办"}), 403)
        self.act(number, "supervise", self.supervisor, text="督办：一日内办结")
        last = self.history(number)[-4:]
        self.assertEqual([(e["type"], e["actor"], e["text"]) for e in last],
                         [("ticket.noted", "desk", "市民补充：在北门"), ("ticket.noted", "unit-JY-GJ", "收到"),
                          ("ticket.urged", "desk", "请尽快"), ("ticket.supervised", "supervisor", "督办：一日内办结")])
        self.assertEqual(self.get(number)["state"], "handling")

    # ---- units ---------------------------------------------------------------------------------------------

    def test_co_units_answer_first(self):
        number = self.new_ticket(**WITH_CO_UNITS)["number"]
        ticket = self.get(number)
        lead, co = [next(a for a in ticket["assignments"] if a["role"] == role) for role in ("lead", "co")]
        self.assertEqual((lead["unit"], co["unit"]), ("JY-YJJ", "JY-XFJY"))
        report = {"solved": True, "internal": "内部情况", "public_reply": "主办答复"}
        self.refused(self.unit(lead["unit"]).call("POST", f"/v1/assignments/{lead['id']}/report", report), 409)
        self.on(lead, "sign")
        problem = self.refused(self.unit(lead["unit"]).call("POST", f"/v1/assignments/{lead['id']}/report", report), 409)
        self.assertEqual(problem["reason"], "co_units_pending")
        self.on(co, "sign")
        self.assertEqual(self.on(co, "report", solved=True, internal="协办内部", public_reply="协办答复")["state"], "handling")
        self.assertEqual(self.on(lead, "report", **report)["state"], "review")
        seen = {a["unit"]: a for a in self.get(number, self.unit(lead["unit"]))["assignments"]}
        self.assertEqual(seen["JY-YJJ"]["internal"], "内部情况")
        self.assertNotIn("internal", seen["JY-XFJY"], "internal text of another unit")
        self.act(number, "review", **{"pass": True})
        self.assertEqual(self.get(number)["public_reply"], "主办答复")
        self.assertEqual({a["state"] for a in self.get(number)["assignments"]}, {"passed"})

    def test_leases(self):
        number = self.new_ticket(urgency="critical", category="020101", region=VILLAGE)["number"]
        assignment = lead_of(self.get(number))
        unit = self.unit(assignment["unit"])
        name = "colleague@" + assignment["unit"]
        made = self.admin.post("/v1/admin/accounts", {"accounts": [
            {"name": name, "role": "unit", "unit": assignment["unit"]}]})
        self.daemon.tokens[name] = made["items"][0]["token"]
        other = self.daemon.client(name)
        items = unit.post("/v1/queue/claim", {"limit": 100, "lease_seconds": 60})["items"]
        item = next(i for i in items if i["assignment"] == assignment["id"])
        self.assertEqual(item["ticket"]["number"], number)
        self.assertEqual(other.post("/v1/queue/claim", {"limit": 100})["items"], [])
        problem = self.refused(other.call("POST", f"/v1/assignments/{assignment['id']}/sign", {}), 409)
        self.assertEqual((problem["reason"], problem["changed_by"]), ("leased", "unit-" + assignment["unit"]))
        self.refused(other.call("POST", f"/v1/assignments/{assignment['id']}/sign", {"lease": "0" * 32}), 409)
        self.refused(other.call("POST", f"/v1/assignments/{assignment['id']}/release", {"lease": "0" * 32}), 409)
        unit.post(f"/v1/assignments/{assignment['id']}/release", {"lease": item["lease"]})
        again = other.post("/v1/queue/claim", {"limit": 100, "lease_seconds": 30})["items"]
        item2 = next(i for i in again if i["assignment"] == assignment["id"])
        self.assertEqual(item2["deliveries"], 2)
        self.refused(unit.call("POST", f"/v1/assignments/{assignment['id']}/sign", {"lease": item["lease"]}), 409)
        self.daemon.advance(31)
        third = unit.post("/v1/queue/claim", {"limit": 100, "lease_seconds": 30})["items"]
        item3 = next(i for i in third if i["assignment"] == assignment["id"])
        self.assertEqual(item3["deliveries"], 3)
        self.refused(other.call("POST", f"/v1/assignments/{assignment['id']}/sign", {"lease": item2["lease"]}), 409)
        self.assertEqual(unit.post(f"/v1/assignments/{assignment['id']}/sign", {"lease": item3["lease"]})["state"],
                         "handling")
        other.close()

    # ---- conventions -------------------------------------------------------------------------------------

    def test_versions(self):
        number = self.new_ticket()["number"]
        path = f"/v1/tickets/{number}/note"
        tag = self.desk.call("GET", f"/v1/tickets/{number}").headers["etag"]
        self.assertEqual(tag, '"1"')
        self.assertEqual(self.desk.call("POST", path, {"text": "一"}, {"If-Match": tag}).status, 200)
        self.refused(self.desk.call("POST", path, {"text": "二"}, {"If-Match": tag}), 412)
        self.assertEqual(self.desk.call("POST", path, {"text": "三"}, {"If-Match": "*"}).headers["etag"], '"3"')
        for bad in ("3", "W/\"3\"", '"x"', '"3', '"12345678901"', ""):
            self.refused(self.desk.call("POST", path, {"text": "四"}, {"If-Match": bad}), 400, "If-Match", "format")
        self.assertEqual(self.get(number)["version"], 3)

    def test_idempotency(self):
        body = {"channel": "web", "kind": "help", "category": "010206", "region": VILLAGE, "title": "重复", "text": "同一请求"}
        key = {"Idempotency-Key": "重复-1".encode().hex()}
        first = self.desk.call("POST", "/v1/tickets", body, key)
        again = self.desk.call("POST", "/v1/tickets", body, key)
        self.assertEqual((first.status, again.status), (201, 200))
        self.assertNotIn("idempotent-replay", first.headers)
        self.assertEqual(again.headers["idempotent-replay"], "true")
        self.assertEqual(first.json, again.json)
        self.assertEqual(first.headers["location"], f"/v1/tickets/{first.json['number']}")
        self.refused(self.desk.call("POST", "/v1/tickets", {**body, "title": "另一个"}, key), 422)
        other = self.supervisor.call("POST", "/v1/tickets", body, key)
        self.assertEqual(other.status, 201, "a key belongs to its account")
        self.assertNotEqual(other.json["number"], first.json["number"])
        longest = self.desk.call("POST", "/v1/tickets", body, {"Idempotency-Key": "k" * 128})
        self.assertEqual(longest.status, 201)
        for bad, reason in (("k" * 129, "too_long"), ("a b", "format"), ("caf\xe9", "format"), ("", "too_short")):
            self.refused(self.desk.call("POST", "/v1/tickets", body, {"Idempotency-Key": bad}), 400, "Idempotency-Key",
                         reason)
        stored = self.daemon.sql("SELECT count(*) FROM intake_key")
        self.assertEqual(stored, [["3"]])

    def test_public_look_up(self):
        answer = self.new_ticket(requester={"name": "李四", "phone": "13912345678"}, address="某路 1 号")
        number, code = answer["number"], answer["query_code"]
        nobody = self.nobody
        path = f"/v1/public/tickets/{number}"
        found = nobody.call("GET", f"{path}?code={code}")
        self.assertEqual(found.status, 200, found)
        self.assertEqual([p["type"] for p in found.json["progress"]], ["ticket.received", "ticket.dispatched"])
        for secret in ("李四", "13912345678", "5678", "某路", "JY-GJ", "路灯", code):
            self.assertNotIn(secret, found.body.decode(), "told to anybody")
        self.assertEqual(nobody.call("GET", f"{path}?code={code[:4].lower()}-{code[4:].lower()}").status, 200)
        wrong = "2" * 8 if code != "2" * 8 else "3" * 8
        other = number[:-1] + str((int(number[-1]) + 1) % 10)
        unused = self.unused_number(number)
        bodies = {nobody.call("GET", target).body for target in (
            f"{path}?code={wrong}", path, f"{path}?code=", f"{path}?code={code}9", f"{path}?code={code[:7]}",
            f"/v1/public/tickets/{other}?code={code}", f"/v1/public/tickets/{unused}?code={code}",
            f"/v1/public/tickets/abc?code={code}", f"/v1/public/tickets/{number}0?code={code}")}
        self.assertEqual(len(bodies), 1, bodies)
        self.refused(nobody.call("GET", path), 404)

    @staticmethod
    def unused_number(number):
        """A number with a good check digit that nobody has: of the year before."""
        table = ("0317598642", "7092154863", "4206871359", "1750983426", "6123045978", "3674209581", "5869720134",
                 "8945362017", "9438617205", "2581436790")
        digits = "25" + number[2:-1]
        check = 0
        for digit in digits:
            check = int(table[check][int(digit)])
        return digits + str(check)

    def test_check_digit(self):
        number = self.new_ticket()["number"]
        self.assertEqual(self.unused_number("26" + number[2:])[:2], "25")
        self.refused(self.desk.call("GET", f"/v1/tickets/{self.unused_number(number)}"), 404)
        for place in range(18):
            for add in (1, 5, 9):
                wrong = number[:place] + str((int(number[place]) + add) % 10) + number[place + 1:]
                answer = self.desk.call("GET", f"/v1/tickets/{wrong}")
                self.refused(answer, 404, "number", "format")

    def test_identity(self):
        secret = self.new_ticket(requester={"name": "张保密", "phone": "+86 139-8765-4321", "confidential": True})["number"]
        plain = self.new_ticket(requester={"name": "赵公开", "phone": "0510-8686 1234", "anonymous": True})["number"]
        unit = self.unit("JY-GJ")
        seen = self.get(secret, unit)
        self.assertEqual(seen["requester"], {"anonymous": False, "confidential": True})
        self.assertNotIn("query_code", seen)
        self.assertEqual(self.get(secret)["requester"],
                         {"anonymous": False, "confidential": True, "name": "张保密", "phone": "139****4321"})
        self.assertEqual(self.get(plain, unit)["requester"],
                         {"anonymous": True, "confidential": False, "name": "赵公开", "phone": "051*****1234"})
        bodies = [unit.call("GET", t).body.decode() for t in (
            "/v1/queue?limit=500", f"/v1/tickets/{secret}/events", "/v1/tickets", f"/v1/tickets/{secret}/explain",
            "/v1/events?after=start&limit=500")]
        bodies.append(unit.call("POST", "/v1/queue/claim", {"limit": 100}).body.decode())
        self.daemon.advance(301)  # the leases end
        for body in bodies:
            for leaked in ("张保密", "4321", "13987654321"):
                self.assertNotIn(leaked, body)
        found = [t["number"] for t in self.desk.get("/v1/tickets?phone=86%2013987654321")["items"]]
        self.assertEqual(found, [secret])
        self.assertEqual(unit.get("/v1/tickets?phone=13987654321")["items"], [], "a phone finds whom it belongs to")
        self.assertEqual([t["number"] for t in unit.get("/v1/tickets?phone=051086861234")["items"]], [plain])
        stored = self.daemon.sql("SELECT count(*) FROM audit WHERE detail::text LIKE '%13987654321%'")
        self.assertEqual(stored, [["0"]])
        self.assertNotIn("13987654321", self.daemon.log())

    def test_explain(self):
        number = self.new_ticket(**WITH_CO_UNITS)["number"]
        why = self.desk.get(f"/v1/tickets/{number}/explain")
        self.assertEqual(why["route"]["lead_unit"], "JY-YJJ")
        won = [r["rule"] for r in why["rules"] if r["verdict"] == "won"]
        self.assertEqual(won, [why["route"]["rule"]], why["rules"])
        by_clock = {d["clock"]: d for d in why["deadlines"]}
        self.assertEqual(by_clock["resolve"]["due_at"], clocks(self.get(number))["resolve"]["due_at"])
        case = {"category": "010206", "region": VILLAGE, "kind": "help", "channel": "web"}
        before = self.daemon.sql("SELECT count(*) FROM ticket")
        supposed = self.desk.post("/v1/explain", case)
        self.assertEqual((supposed["route"]["lead_unit"], supposed["policy"]), ("JY-GJ", "default"))
        lines = next(d for d in supposed["deadlines"] if d["clock"] == "resolve")["lines"]
        self.assertEqual(lines[-1]["total"], 5, lines)
        self.assertEqual(self.daemon.sql("SELECT count(*) FROM ticket"), before)

    def test_history_pages(self):
        number = self.new_ticket()["number"]
        for n in range(7):
            self.act(number, "note", text=f"备注 {n}")
        seen, after = [], None
        while True:
            page = self.desk.get(f"/v1/tickets/{number}/events?limit=2" + (f"&after={after}" if after else ""))
            self.assertTrue(page["chain_ok"])
            seen += [e["seq"] for e in page["items"]]
            after = page["next"]
            if not after:
                break
        self.assertEqual(seen, list(range(1, 10)))

    def test_history_forged(self):
        """Who changes history behind the daemon's back is found out; the database alone already refuses it."""
        number = self.new_ticket()["number"]
        with self.assertRaisesRegex(AssertionError, "append-only"):
            self.daemon.sql(f"UPDATE ticket_event SET text = 'x' WHERE number = {number}")
        self.daemon.sql("BEGIN; ALTER TABLE ticket_event DISABLE TRIGGER ticket_event_append_only;"
                        f"UPDATE ticket_event SET actor = 'nobody' WHERE number = {number} AND seq = 1;"
                        "ALTER TABLE ticket_event ENABLE TRIGGER ticket_event_append_only; COMMIT")
        self.assertFalse(self.desk.get(f"/v1/tickets/{number}/events")["chain_ok"])

    # ---- time ------------------------------------------------------------------------------------------------

    def test_clock_goes_forward_only(self):
        nobody = self.nobody
        now = self.now()
        back = (now - dt.timedelta(seconds=1)).isoformat()
        self.refused(nobody.call("POST", "/v1/test/clock", {"now": back}), 409)
        self.refused(nobody.call("POST", "/v1/test/clock", {"advance_seconds": -1}), 409)
        self.refused(nobody.call("POST", "/v1/test/clock", {}), 400, "now", "required")
        self.refused(nobody.call("POST", "/v1/test/clock", {"now": now.isoformat(), "advance_seconds": 1}), 400,
                     "advance_seconds", "not_allowed")
        self.refused(nobody.call("POST", "/v1/test/clock", {"now": "2026-02-30T00:00:00+08:00"}), 400, "now", "format")
        self.assertEqual(nobody.ok("POST", "/v1/test/clock", {"now": now.isoformat()})["now"], now.isoformat())
        self.assertEqual(self.now(), now)

    def test_z_warned_and_broken_once(self):
        answer = self.new_ticket(kind="help", category="010206")
        number, due = answer["number"], deadlines(answer)
        self.daemon.move_clock(due["sign"]["warn_at"])
        self.assertEqual(self.types(number)[-1], "clock.warned", "known when the clock has answered")
        self.assertEqual(clocks(self.get(number))["sign"]["warned_at"], due["sign"]["warn_at"])
        self.daemon.move_clock(due["sign"]["due_at"])
        self.assertEqual(self.types(number)[-1], "clock.warned", "the last instant is in time")
        self.daemon.advance(1)
        self.assertEqual(self.types(number)[-1], "clock.breached")
        self.daemon.move_clock(due["resolve"]["due_at"])
        self.daemon.advance(86400 * 3)
        self.assertTrue(self.get(number)["overdue"])
        marks = [(e["type"], e["detail"]["clock"]) for e in self.history(number) if e["type"].startswith("clock.")]
        wanted = {(kind, clock) for kind in ("clock.warned", "clock.breached")
                  for clock in ("sign", "first_contact", "resolve")}
        wanted.add(("clock.escalated", "resolve"))  # one tier up a working day later; the second step is far off
        self.assertEqual(sorted(marks), sorted(wanted), "each once, and none for the window of the return")
        breach = next(e for e in self.history(number) if e["type"] == "clock.breached" and
                      e["detail"]["clock"] == "resolve")
        self.assertEqual((breach["at"], breach["role"]), (due["resolve"]["due_at"], "system"))
        self.late_result(number)

    def late_result(self, number):
        self.work(number)
        self.act(number, "review", **{"pass": True})
        self.act(number, "callback", reached=True, solved=True)
        ticket = self.get(number)
        self.assertEqual((ticket["state"], ticket["closed_on_time"], ticket["overdue"]), ("closed", False, False))
        overdue = [t["number"] for t in self.desk.get("/v1/tickets?overdue=true&limit=200")["items"]]
        self.assertNotIn(number, overdue)
        self.assertTrue(self.supervisor.post("/v1/admin/recount")["equal"])


del Base, DaemonTest  # unittest runs what is left in the module

if __name__ == "__main__":
    main()
