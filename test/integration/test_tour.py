"""A walk through every operation of the interface, once well and once refused, on a city small enough to be read here.

What each call answers is held against proto/openapi.yaml afterwards; here only what the answers mean.
"""
import http.client
import json
import re
import urllib.parse

from hotline_test import DaemonTest, main, pages, wait_until

PROBLEM = "application/problem+json"
HOURS = ["08:30-12:00", "14:00-17:30"]
WEEK = {day: HOURS for day in ("mon", "tue", "wed", "thu", "fri")}
ROOT, TOWN, NEAR, FAR = "990100000000", "990101001000", "990101001201", "990101001202"


def clock(name, limit, unit, start, stop, **more):
    return {"clock": name, "limit": limit, "unit": unit, "start": start, "stop": stop, **more}


BUNDLE = {
    "city": {"code": "990100", "name": "小城", "tiers": ["village", "town", "city"]},
    "regions": [
        {"code": ROOT, "name": "小城", "level": "city"},
        {"code": TOWN, "name": "东镇", "level": "town", "parent": ROOT},
        {"code": NEAR, "name": "近村", "level": "village", "parent": TOWN},
        {"code": FAR, "name": "远村", "level": "village", "parent": TOWN}],
    "units": [
        {"code": "C-WATER", "name": "水务局", "tier": "city", "kind": "department", "duties": ["general"], "regions": [ROOT]},
        {"code": "C-POWER", "name": "供电公司", "tier": "city", "kind": "company", "duties": ["power"], "regions": [ROOT]},
        {"code": "T-EAST", "name": "东镇", "tier": "town", "kind": "town", "duties": ["general"], "regions": [TOWN],
         "parent": "C-WATER"},
        {"code": "V-NEAR", "name": "近村", "tier": "village", "kind": "village", "duties": ["general"], "regions": [NEAR],
         "parent": "T-EAST"}],
    "categories": [{"code": "01", "name": "市政"}, {"code": "0101", "name": "路灯", "parent": "01"},
                   {"code": "0102", "name": "供水", "parent": "01"}, {"code": "02", "name": "其他"}],
    "rule_set": {"name": "tour", "rules": [
        {"code": "R-LAMP", "category": "0101", "over": {"tier": "village"}, "co_units": ["C-POWER"]},
        {"code": "R-CITY", "category": "01", "over": {"tier": "village"}},
        {"code": "R-NIGHT", "category": "0102", "window": {"weekdays": [6, 7], "from": "22:00", "to": "06:00"},
         "unit": "C-WATER", "set_urgency": "urgent"}]},
    "sla_set": {"name": "tour", "policies": [{"name": "default", "clocks": [
        clock("dispatch", 30, "minutes", "received", "dispatched"),
        clock("sign", 240, "working_minutes", "dispatched", "signed"),
        clock("first_contact", 1, "working_days", "dispatched", "contacted"),
        clock("return", 2, "working_days", "dispatched", "never"),
        clock("resolve", 5, "working_days", "received", "reported", pausable=True),
        clock("resolve", 3, "working_days", "redo", "reported", redo=True),
        clock("review", 1, "working_days", "reported", "reviewed"),
        clock("callback", 2, "working_days", "reviewed", "called_back")]}]},
    "calendars": [{"name": "tour", "week": WEEK, "work": HOURS, "day_close": "17:30", "published_years": [2026], "days": [
        {"date": "2026-02-14", "kind": "work", "name": "春节"},
        *({"date": f"2026-02-{day}", "kind": "off", "name": "春节"} for day in range(15, 24))]}],
    "devices": [{"id": "D1", "name": "李奶奶", "region": NEAR, "address": "1 组 2 号"}],
}


class Tour(DaemonTest):
    """The tests build on each other: unittest runs them in the order of their names."""

    CITY = None

    def setUp(self):
        self.nobody, self.web, self.phone = (self.daemon.client(who) for who in (None, "web", "phone"))

    def tearDown(self):
        for client in (self.nobody, self.web, self.phone):
            client.close()

    def refused(self, answer, status, word, field=None, reason=None):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["content-type"], PROBLEM)
        problem = answer.json
        self.assertEqual((problem["type"], problem["status"]), ("urn:hotline:" + word, status))
        if status in (429, 503):
            self.assertRegex(answer.headers["retry-after"], r"^\d+$")
        if field is not None:
            self.assertIn({"field": field, "reason": reason}, problem["errors"])
        return problem

    def unit(self, code):
        client = self.daemon.unit(code)
        self.addCleanup(client.close)
        return client

    def lamp(self, **fields):
        return self.new_ticket(**{"category": "0101", "region": NEAR, **fields})

    def draft(self, **fields):
        return {"channel": "web", "kind": "consult", "category": "02", "title": "问", "text": "办事时间？", **fields}

    # ---- before there is a city ------------------------------------------------------------------

    def no_city(self, answer):
        return answer if answer.json["type"] == "urn:hotline:no_city" else None

    def test_01_without_a_city(self):
        self.assertEqual(self.nobody.get("/healthz"), {"status": "ok"})
        # the connections for intake may come a moment after the others
        not_ready = wait_until(lambda: self.no_city(self.nobody.call("GET", "/readyz")), "the database")
        self.refused(not_ready, 503, "no_city")
        self.refused(self.desk.call("POST", "/v1/tickets", self.draft()), 503, "no_city")
        self.refused(self.desk.call("GET", "/v1/tickets"), 503, "no_city")
        self.refused(self.desk.call("POST", "/v1/tickets/260213100000000107/note", {"text": "无"}), 404, "not_found",
                     "number", "format")
        self.refused(self.desk.call("GET", "/v1/queue?unit=T-EAST"), 503, "no_city")
        self.refused(self.desk.call("GET", "/v1/reports/tiers"), 503, "no_city")
        self.refused(self.desk.call("GET", "/v1/reports/measures"), 503, "no_city")
        self.refused(self.desk.call("POST", "/v1/explain", {}), 503, "no_city")
        self.refused(self.desk.call("GET", "/v1/places?q=x"), 503, "no_city")
        self.refused(self.admin.call("GET", "/v1/admin/export"), 503, "no_city")
        self.refused(self.admin.call("POST", "/v1/admin/accounts/units"), 503, "no_city")

    def test_02_city(self):
        broken = json.loads(json.dumps(BUNDLE))
        broken["units"][2]["parent"] = "NOBODY"
        broken["regions"][1]["level"] = "hamlet"
        report = self.admin.post("/v1/admin/validate", broken)
        self.assertEqual([e["field"] for e in report["errors"]], ["regions[1].level"])
        broken["regions"][1]["level"] = "town"
        report = self.admin.post("/v1/admin/validate", broken)
        self.assertTrue(any("parent" in e["field"] and e["zh"] for e in report["errors"]), report)
        self.assertEqual(self.admin.post("/v1/admin/validate", BUNDLE)["error_count"], 0)
        problem = self.refused(self.admin.call("POST", "/v1/admin/import", broken), 400, "invalid")
        self.assertEqual(problem["error_count"], len(problem["errors"]))
        self.refused(self.admin.call("POST", "/v1/admin/import", b"{]"), 400, "invalid", "", "syntax")
        imported = self.admin.post("/v1/admin/import", BUNDLE)
        self.assertEqual([imported[k] for k in ("regions", "units", "categories", "rules", "devices")], [4, 4, 4, 3, 1])
        self.assertIn("uncovered", [w["reason"] for w in imported["warnings"]])
        self.assertEqual(self.nobody.get("/readyz"), {"status": "ready"})
        exported = self.admin.get("/v1/admin/export")
        for part in ("regions", "units", "categories", "devices"):
            known = [{k: v for k, v in item.items() if v is not None} for item in exported[part]]
            self.assertEqual(known, BUNDLE[part])
        self.assertEqual(self.admin.post("/v1/admin/validate", exported)["error_count"], 0)

    def test_03_accounts(self):
        made = self.admin.post("/v1/admin/accounts/units")["items"]
        self.assertEqual(sorted(m["unit"] for m in made), ["C-POWER", "C-WATER", "T-EAST", "V-NEAR"])
        self.daemon.tokens.update({"unit:" + m["unit"]: m["token"] for m in made})
        self.assertEqual(self.admin.post("/v1/admin/accounts/units")["items"], [])
        order = {"accounts": [{"name": "night", "role": "desk"}, {"name": "east-2", "role": "unit", "unit": "T-EAST"}]}
        answer = self.admin.call("POST", "/v1/admin/accounts", order)
        self.assertEqual(answer.status, 201)
        self.daemon.tokens["night"] = answer.json["items"][0]["token"]
        self.refused(self.admin.call("POST", "/v1/admin/accounts", order), 409, "conflict", "accounts[0].name", "duplicate")
        self.refused(self.admin.call("POST", "/v1/admin/accounts", {"accounts": [{"name": "x", "role": "unit"}]}), 400,
                     "invalid", "accounts[0].unit", "required")
        night = self.daemon.client("night")
        self.addCleanup(night.close)
        self.assertEqual(night.get("/v1/tickets")["items"], [])
        fresh = self.admin.post("/v1/admin/accounts/night/rotate")
        self.assertNotEqual(fresh["token"], self.daemon.tokens["night"])
        self.assertEqual(night.get("/v1/tickets")["items"], [])  # the one before holds until the next rotation
        self.admin.post("/v1/admin/accounts/night/rotate")
        self.refused(night.call("GET", "/v1/tickets"), 401, "unauthorized")
        night.token = fresh["token"]
        self.assertEqual(night.get("/v1/tickets")["items"], [])
        self.assertTrue(self.admin.post("/v1/admin/accounts/night/disable")["disabled"])
        self.refused(night.call("GET", "/v1/tickets"), 401, "unauthorized")
        self.refused(self.admin.call("POST", "/v1/admin/accounts/night/rotate"), 409, "conflict")
        self.refused(self.admin.call("POST", "/v1/admin/accounts/nobody/rotate"), 404, "not_found")
        self.refused(self.admin.call("POST", "/v1/admin/accounts/nobody/disable"), 404, "not_found")
        self.refused(self.admin.call("POST", "/v1/admin/accounts/night/disable", {"why": 1}), 400, "invalid", "why", "unknown")
        listed = {a["name"]: a for a in self.admin.get("/v1/admin/accounts")["items"]}
        self.assertEqual((listed["night"]["disabled"], listed["night"]["tokens"]), (True, 0))
        self.assertEqual(listed["east-2"]["unit"], "T-EAST")
        self.assertNotIn("token", json.dumps(listed["east-2"]).replace("tokens", ""))
        self.refused(self.desk.call("GET", "/v1/admin/accounts"), 403, "forbidden")

    # ---- receiving -------------------------------------------------------------------------------

    def test_10_receive(self):
        body = self.draft(category="0101", region=NEAR, kind="help", urgency="urgent", address="1 组", call_id="c-1",
                          requester={"name": "王五", "phone": "+86 139-0000-1234", "confidential": True})
        first = self.web.call("POST", "/v1/tickets", body, {"Idempotency-Key": "tour-1"})
        self.assertEqual(first.status, 201)
        self.assertEqual(first.headers["location"], "/v1/tickets/" + first.json["number"])
        self.assertEqual(first.headers["etag"], '"1"')
        self.assertEqual(first.json["route"], {"rule_set": "1", "rule": "R-LAMP", "lead_unit": "V-NEAR",
                                               "co_units": ["C-POWER"], "reason": "over_place"})
        again = self.web.call("POST", "/v1/tickets", body, {"Idempotency-Key": "tour-1"})
        self.assertEqual((again.status, again.headers["idempotent-replay"], again.body), (200, "true", first.body))
        other = self.web.call("POST", "/v1/tickets", {**body, "title": "改"}, {"Idempotency-Key": "tour-1"})
        self.refused(other, 422, "key_reused")
        above = self.phone.post("/v1/tickets", self.draft(category="0101", region=FAR))
        self.assertEqual((above["route"]["lead_unit"], above["route"]["reason"]), ("T-EAST", "tier_above"))
        pooled = self.phone.post("/v1/tickets", self.draft())
        self.assertEqual((pooled["state"], pooled["route"]["reason"], pooled["route"]["rule"]), ("accepted", "no_rule", None))
        self.assertEqual([d["clock"] for d in pooled["deadlines"]], ["dispatch", "resolve"])

    def test_11_refuse_what_is_wrong(self):
        for change, field, reason in (
                ({"kind": "gossip"}, "kind", "not_allowed"), ({"title": ""}, "title", "too_short"),
                ({"title": None}, "title", "required"), ({"text": "字" * 8001}, "text", "too_long"),
                ({"category": "77"}, "category", "not_found"), ({"region": "77"}, "region", "not_found"),
                ({"colour": "red"}, "colour", "unknown"), ({"title": 7}, "title", "wrong_type"),
                ({"title": "a\nb"}, "title", "format"), ({"requester": {"phone": "12"}}, "requester.phone", "format")):
            self.refused(self.web.call("POST", "/v1/tickets", self.draft(**change)), 400, "invalid", field, reason)
        for text, field, reason in ((b'{"a":1,"a":2}', "a", "duplicate"), (b'"\\u0000"', "", "nul"), (b"\xff", "", "utf8"),
                                    (b"[" * 17, "[0]" * 16, "depth"), (b"[]", "", "wrong_type")):
            self.refused(self.web.call("POST", "/v1/tickets", text), 400, "invalid", field, reason)
        plain = self.web.call("POST", "/v1/tickets", b"{}", {"Content-Type": "text/plain"})
        self.refused(plain, 415, "media_type")
        self.refused(self.web.call("POST", "/v1/tickets?x=1", self.draft()), 400, "invalid", "x", "unknown")
        key = self.web.call("POST", "/v1/tickets", self.draft(), {"Idempotency-Key": "k" * 129})
        self.refused(key, 400, "invalid", "Idempotency-Key", "too_long")
        self.refused(self.nobody.call("POST", "/v1/tickets", self.draft()), 401, "unauthorized")
        self.refused(self.unit("V-NEAR").call("POST", "/v1/tickets", self.draft()), 403, "forbidden")
        large = self.web.call("POST", "/v1/tickets", self.draft(text="x" * 70000))
        self.assertEqual(self.refused(large, 413, "http")["detail"], "body_too_large")

    def test_12_nowhere(self):
        self.refused(self.desk.call("GET", "/v2/tickets"), 404, "not_found")
        answer = self.desk.call("DELETE", "/v1/tickets")
        self.refused(answer, 405, "method")
        self.assertEqual(set(answer.headers["allow"].split(", ")), {"GET", "HEAD", "POST", "OPTIONS"})
        answer = self.desk.call("OPTIONS", "/v1/queue/claim")
        self.assertEqual((answer.status, answer.headers["allow"], answer.body), (204, "POST, OPTIONS", b""))
        answer = self.desk.call("HEAD", "/v1/tickets?limit=1")
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.refused(self.nobody.call("GET", "/%zz"), 400, "http")

    # ---- reading ---------------------------------------------------------------------------------

    def test_20_read(self):
        receipt = self.lamp(requester={"name": "赵六", "phone": "13900005678"}, address="2 组 5 号")
        path = "/v1/tickets/" + receipt["number"]
        answer = self.desk.call("GET", path)
        self.assertEqual((answer.status, answer.headers["etag"]), (200, '"1"'))
        ticket = answer.json
        self.assertEqual(ticket["requester"], {"anonymous": False, "confidential": False, "name": "赵六", "phone": "139****5678"})
        self.assertEqual([a["unit"] for a in ticket["assignments"]], ["V-NEAR", "C-POWER"])
        self.assertEqual(self.unit("C-POWER").get(path).get("query_code"), None)
        self.refused(self.unit("T-EAST").call("GET", path), 404, "not_found")
        self.refused(self.web.call("GET", path), 403, "forbidden")
        self.refused(self.desk.call("GET", path[:-1] + str(9 - int(path[-1]))), 404, "not_found", "number", "format")
        history = self.desk.get(path + "/events?limit=2")
        self.assertEqual(([e["type"] for e in history["items"]], history["chain_ok"]),
                         (["ticket.received", "ticket.dispatched"], True))
        self.assertEqual(len(list(pages(self.desk, path + "/events?limit=1"))), 2)
        self.refused(self.desk.call("GET", path + "/events?after=00"), 400, "invalid", "after", "format")
        why = self.desk.get(path + "/explain")
        self.assertEqual([(r["rule"], r["verdict"], r["lost_by"]) for r in why["rules"]],
                         [("R-LAMP", "won", None), ("R-CITY", "less_specific", "category")])
        resolve = next(d for d in why["deadlines"] if d["clock"] == "resolve")
        self.assertEqual((resolve["limit"], resolve["unit"], resolve["lines"][-1]["total"]), (5, "working_days", 5))
        self.assertEqual(resolve["due_at"], "2026-02-27T17:30:00+08:00")

    def test_21_list(self):
        self.lamp(title="二号路灯", requester={"phone": "13711112222"})
        ask = urllib.parse.urlencode({"state": "handling", "unit": "V-NEAR", "category": "01", "region": TOWN, "kind": "help",
                                      "channel": "phone", "overdue": "false", "phone": "0086 137 1111 2222", "q": "二号"})
        self.assertEqual([t["title"] for t in self.desk.get("/v1/tickets?" + ask)["items"]], ["二号路灯"])
        numbers = [t["number"] for t in pages(self.desk, "/v1/tickets?limit=2")]
        self.assertEqual(numbers, sorted(set(numbers), reverse=True))
        self.assertGreater(len(numbers), 3)
        self.assertEqual({t["lead_unit"] for t in self.unit("T-EAST").get("/v1/tickets")["items"]}, {"T-EAST"})
        for query, field, reason in (("limit=0", "limit", "range"), ("limit=x", "limit", "format"), ("state=open", "state", "not_allowed"),
                                     ("q=", "q", "too_short"), ("unit=NONE", "unit", "not_found"), ("colour=1", "colour", "unknown"),
                                     ("after=zz", "after", "format"), ("kind=help&kind=help", "kind", "duplicate")):
            self.refused(self.desk.call("GET", "/v1/tickets?" + query), 400, "invalid", field, reason)
        self.refused(self.unit("T-EAST").call("GET", "/v1/tickets?unit=V-NEAR"), 403, "forbidden")

    def test_22_citizen(self):
        receipt = self.lamp()
        path = "/v1/public/tickets/" + receipt["number"]
        code = receipt["query_code"].lower()
        seen = self.nobody.get(f"{path}?code={code[:4]}-{code[4:]}")
        self.assertEqual((seen["state"], [p["type"] for p in seen["progress"]]),
                         ("handling", ["ticket.received", "ticket.dispatched"]))
        for wrong in (path, path + "?code=AAAAAAAA", path[:-1] + str(9 - int(path[-1])) + "?code=" + code):
            self.refused(self.nobody.call("GET", wrong), 404, "not_found")

    def test_23_explain(self):
        supposed = {"channel": "phone", "kind": "complaint", "category": "0102", "region": FAR, "text": "停水"}
        why = self.desk.post("/v1/explain", supposed)
        self.assertEqual((why["route"]["lead_unit"], why["urgency"], why["policy"]), ("T-EAST", "normal", "default"))
        self.assertEqual({r["rule"]: r["verdict"] for r in why["rules"]}, {"R-CITY": "won", "R-NIGHT": "window"})
        self.refused(self.desk.call("POST", "/v1/explain", {**supposed, "category": "9"}), 400, "invalid", "category", "not_found")
        self.refused(self.web.call("POST", "/v1/explain", supposed), 403, "forbidden")

    # ---- the work --------------------------------------------------------------------------------

    def test_30_queue(self):
        unit = self.unit("V-NEAR")
        urgent = self.new_ticket(category="0101", region=NEAR)["number"]
        queue = list(pages(unit, "/v1/queue?limit=2"))
        self.assertIn(urgent, [i["ticket"]["number"] for i in queue])
        self.assertEqual([i["due_at"] for i in queue], sorted(i["due_at"] for i in queue))
        first = self.desk.get("/v1/queue?unit=V-NEAR&limit=1")["items"]
        self.assertEqual([i["assignment"] for i in first], [queue[0]["assignment"]])
        self.assertEqual(queue[0]["ticket"]["requester"], {"anonymous": False, "confidential": True})
        self.assertEqual(first[0]["ticket"]["requester"]["phone"], "139****1234")
        self.refused(self.desk.call("GET", "/v1/queue"), 400, "invalid", "unit", "required")
        self.refused(unit.call("GET", "/v1/queue?unit=T-EAST"), 403, "forbidden")
        self.refused(unit.call("GET", "/v1/queue?state=passed"), 400, "invalid", "state", "not_allowed")
        self.refused(unit.call("GET", "/v1/queue?wait=56"), 400, "invalid", "wait", "range")
        self.assertEqual(self.unit("C-WATER").post("/v1/queue/claim", {"wait": 1}), {"items": []})
        self.refused(self.desk.call("POST", "/v1/queue/claim"), 403, "forbidden")
        self.refused(unit.call("POST", "/v1/queue/claim", {"limit": 101}), 400, "invalid", "limit", "range")
        item = unit.post("/v1/queue/claim", {"limit": 1, "lease_seconds": 30})["items"][0]
        self.assertEqual((item["assignment"], item["deliveries"]), (queue[0]["assignment"], 1))
        self.assertNotIn(item["assignment"], [i["assignment"] for i in pages(unit, "/v1/queue")])
        path = "/v1/assignments/" + item["assignment"]
        self.refused(unit.call("POST", path + "/release", {"lease": "0" * 32}), 409, "conflict")
        self.refused(unit.call("POST", path + "/release", {"lease": "x" * 32}), 400, "invalid", "lease", "format")
        self.refused(self.unit("T-EAST").call("POST", path + "/release", {"lease": item["lease"]}), 404, "not_found")
        self.assertEqual(unit.post(path + "/release", {"lease": item["lease"]}),
                         {"assignment": item["assignment"], "released": True})
        item = unit.post("/v1/queue/claim", {"limit": 1})["items"][0]
        self.assertEqual(item["deliveries"], 2)
        stale = unit.call("POST", path + "/sign", {"lease": "0" * 32})
        self.assertEqual(self.refused(stale, 409, "conflict")["reason"], "lease")
        done = unit.post(path + "/sign", {"lease": item["lease"]})
        self.assertEqual(done["assignments"][0]["state"], "working")

    def on(self, number, ordinal, action, unit, body=None, headers=None):
        return self.unit(unit).call("POST", f"/v1/assignments/{number}-{ordinal}/{action}", body or {}, headers)

    def act(self, number, action, client=None, **body):
        return (client or self.desk).call("POST", f"/v1/tickets/{number}/{action}", body)

    def reported(self, **fields):
        """A ticket whose both units have reported."""
        number = self.lamp(**fields)["number"]
        reply = {"solved": True, "internal": "换灯", "public_reply": "您好，已修复。"}
        early = None
        for ordinal, unit in ((1, "V-NEAR"), (2, "C-POWER")):
            self.assertEqual(self.on(number, ordinal, "sign", unit).status, 200)
            early = early or self.on(number, ordinal, "report", unit, reply)
        self.assertEqual(self.refused(early, 409, "conflict")["reason"], "co_units_pending")
        self.assertEqual(self.on(number, 2, "contact", "C-POWER", {"text": "已联系"}).status, 200)
        self.assertEqual(self.on(number, 2, "report", "C-POWER", reply).json["state"], "handling")
        answer = self.on(number, 1, "report", "V-NEAR", reply)
        self.assertEqual(answer.json["state"], "review")
        self.assertNotIn("internal", answer.json["assignments"][1])  # another unit's
        return number

    def test_31_handle(self):
        number = self.reported()
        self.assertEqual(self.on(number, 1, "sign", "V-NEAR").json["reason"], "state")
        self.refused(self.on(number, 1, "sign", "T-EAST"), 404, "not_found")
        self.refused(self.on(number, 9, "sign", "V-NEAR"), 404, "not_found")
        self.refused(self.on(number, 1, "juggle", "V-NEAR"), 404, "not_found")
        self.refused(self.on(number, 1, "report", "V-NEAR", {"solved": True}), 400, "invalid", "public_reply", "required")
        self.assertEqual(self.act(number, "review", **{"pass": False, "text": "补照片"}).json["state"], "handling")
        again = {"solved": True, "public_reply": "您好，已修复，见照片。"}
        old = self.on(number, 1, "report", "V-NEAR", again, {"If-Match": '"1"'})
        self.refused(old, 412, "version_mismatch")
        self.refused(self.on(number, 1, "report", "V-NEAR", again, {"If-Match": "1"}), 400, "invalid", "If-Match", "format")
        version = self.desk.get("/v1/tickets/" + number)["version"]
        answer = self.on(number, 1, "report", "V-NEAR", again, {"If-Match": f'"{version}"'})
        self.assertEqual((answer.status, answer.headers["etag"]), (200, f'"{version + 1}"'))
        self.assertEqual(self.act(number, "review", **{"pass": True}).json["state"], "callback")
        self.refused(self.act(number, "callback", reached=True), 400, "invalid", "solved", "required")
        self.assertEqual(self.act(number, "callback", reached=False).json["state"], "callback")
        answer = self.act(number, "callback", reached=True, contacted=True, solved=True, satisfied=5, text="满意")
        self.assertEqual(answer.json["state"], "closed")
        ticket = self.desk.get("/v1/tickets/" + number)
        self.assertEqual((ticket["closed_tier"], ticket["closed_unit"], ticket["public_reply"]),
                         ("village", "V-NEAR", again["public_reply"]))
        self.refused(self.act(number, "archive"), 403, "forbidden")
        self.assertEqual(self.act(number, "archive", self.supervisor).json["state"], "archived")
        problem = self.refused(self.act(number, "note", text="晚了"), 409, "conflict")
        self.assertEqual((problem["state"], problem["changed_by"]), ("archived", "supervisor"))

    def test_32_redo(self):
        number = self.reported()
        self.assertEqual(self.act(number, "review", **{"pass": True}).status, 200)
        answer = self.act(number, "callback", reached=True, solved=False, satisfied=1)
        self.assertEqual((answer.json["state"], answer.json["round"]), ("handling", 2))
        types = [e["type"] for e in self.desk.get(f"/v1/tickets/{number}/events")["items"]]
        self.assertEqual(types[-2:], ["ticket.called_back", "ticket.redo"])

    def test_33_desk(self):
        lamp, pooled = self.lamp()["number"], self.desk.post("/v1/tickets", self.draft())["number"]
        self.assertEqual(self.act(lamp, "note", self.unit("C-POWER"), text="在路上").json["version"], 2)
        self.assertEqual(self.act(lamp, "urge", text="请尽快").status, 200)
        self.refused(self.act(lamp, "supervise", text="督办"), 403, "forbidden")
        self.assertEqual(self.act(lamp, "supervise", self.supervisor, text="督办").status, 200)
        self.refused(self.act(lamp, "dispatch", lead_unit="NONE"), 400, "invalid", "lead_unit", "not_found")
        self.refused(self.act(lamp, "dispatch", lead_unit="T-EAST", co_units=["T-EAST"]), 400, "invalid", "co_units[0]", "duplicate")
        moved = self.act(lamp, "dispatch", lead_unit="T-EAST", co_units=["C-WATER"], text="改派").json
        self.assertEqual([a["state"] for a in moved["assignments"]], ["recalled", "recalled", "unsigned", "unsigned"])
        self.assertEqual(self.on(lamp, 3, "sign", "T-EAST").status, 200)
        self.assertEqual(self.act(lamp, "answer", reply="已答").json["reason"], "already_signed")
        self.assertEqual(self.act(pooled, "answer", reply="工作日九点到五点。").json["state"], "closed")
        for action, body, state in (("reject", {"ground": "不属于受理范围"}, "rejected"), ("refer", {"to": "110"}, "referred"),
                                    ("withdraw", {}, "withdrawn")):
            receipt = self.lamp()
            self.assertEqual(self.act(receipt["number"], action, **body).json["state"], state)
            seen = self.nobody.get(f"/v1/public/tickets/{receipt['number']}?code={receipt['query_code']}")
            self.assertEqual((seen["state"], seen.get("ground")), (state, body.get("ground")))
        self.assertEqual(self.act(lamp, "complete").json["reason"], "state")
        self.refused(self.act(lamp, "juggle"), 404, "not_found")
        self.refused(self.act("1" * 17 + "0", "note", text="无"), 404, "not_found", "number", "format")

    # ---- events and figures ----------------------------------------------------------------------

    def test_40_events(self):
        place = self.desk.get("/v1/events")["next"]
        lamp = self.lamp()["number"]
        page = self.desk.get(f"/v1/events?after={place}&wait=10")
        self.assertEqual([(e["number"], e["seq"]) for e in page["items"]], [(lamp, 1), (lamp, 2)])
        self.assertEqual(self.desk.get(f"/v1/events?after={page['next']}")["items"], [])
        seen = [e["id"] for e in self.all_events(self.supervisor)]
        self.assertEqual(len(seen), len(set(seen)))
        own = self.all_events(self.unit("C-POWER"))
        self.assertIn(lamp, {e["number"] for e in own})
        self.assertLess(len(own), len(seen))
        self.refused(self.desk.call("GET", "/v1/events?after=00"), 400, "invalid", "after", "format")
        self.refused(self.unit("C-POWER").call("GET", "/v1/events?after=" + place), 400, "invalid", "after", "format")
        self.refused(self.web.call("GET", "/v1/events"), 403, "forbidden")
        self.assertEqual(self.stream(place), [lamp, lamp])

    def all_events(self, client):
        after, items = "start", []
        while True:
            page = client.get(f"/v1/events?after={after}&limit=7")
            items += page["items"]
            if not page["items"]:
                return items
            after = page["next"]

    def stream(self, place):
        """Numbers of the first two events of a stream that goes on at a place."""
        connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=30)
        connection.request("GET", "/v1/events", headers={"Authorization": "Bearer " + self.daemon.tokens["desk"],
                                                         "Accept": "text/event-stream", "Last-Event-ID": place})
        response = connection.getresponse()
        self.assertEqual((response.status, response.getheader("content-type")), (200, "text/event-stream"))
        numbers, fields = [], {}
        while len(numbers) < 2:
            line = response.readline().decode().rstrip("\n")
            name, _, value = line.partition(": ")
            if line:
                fields[name] = value
            elif "data" in fields:
                self.assertEqual(fields["event"], json.loads(fields["data"])["type"])
                self.assertTrue(fields["id"])
                numbers.append(json.loads(fields["data"])["number"])
                fields = {}
        response.close()
        connection.close()
        return numbers

    def test_41_reports(self):
        tiers = self.supervisor.get("/v1/reports/tiers")
        closed = {t["tier"]: t["closed"] for t in tiers["tiers"]}
        self.assertEqual(closed, {"desk": 1, "village": 1, "town": 0, "city": 0})
        self.assertEqual((tiers["closed"], tiers["desk"]), (2, 1))
        self.assertEqual(sum(t["share"] for t in tiers["tiers"]), 1)
        own = self.unit("V-NEAR").get("/v1/reports/tiers?from=2026-01-01T00:00:00Z&to=2026-12-31T00:00:00Z")
        self.assertEqual((own["basis"]["unit"], own["closed"]), ("V-NEAR", 1))
        none = self.desk.get("/v1/reports/tiers?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z")
        self.assertEqual({t["share"] for t in none["tiers"]}, {None})
        self.refused(self.unit("V-NEAR").call("GET", "/v1/reports/tiers?unit=T-EAST"), 403, "forbidden")
        self.refused(self.desk.call("GET", "/v1/reports/tiers?from=yesterday"), 400, "invalid", "from", "format")
        self.refused(self.desk.call("GET", "/v1/reports/tiers?from=2026-02-03T00:00:00Z&to=2026-02-02T00:00:00Z"), 400,
                     "invalid", "from", "range")
        for by in ("unit", "region", "category", "kind", "channel"):
            rows = list(pages(self.desk, f"/v1/reports/measures?by={by}&limit=1"))
            whole = self.desk.get(f"/v1/reports/measures?by={by}")
            self.assertEqual(rows, whole["items"])
            for name, measure in whole["total"].items():
                self.assertEqual(measure["denominator"], sum(r[name]["denominator"] for r in rows), name)
        self.assertEqual(whole["total"]["solved"], {"numerator": 1, "denominator": 2, "rate": 0.5})
        self.assertEqual(whole["total"]["return"]["numerator"], 0)
        self.refused(self.desk.call("GET", "/v1/reports/measures?by=moon"), 400, "invalid", "by", "not_allowed")
        self.assertTrue(self.supervisor.post("/v1/admin/recount")["equal"])
        self.refused(self.desk.call("POST", "/v1/admin/recount"), 403, "forbidden")
        self.refused(self.admin.call("POST", "/v1/admin/recount", {"deep": True}), 400, "invalid", "deep", "unknown")

    def test_48_verify(self):
        seen, after = 0, {}
        while after is not None:
            page = self.supervisor.post("/v1/admin/verify", {"limit": 7, **after})
            self.assertEqual((page["differing"], page["broken_chains"], page["samples"]), (0, 0, []))
            seen += page["tickets"]
            after = {"after": page["next"]} if page["next"] else None
        whole = self.admin.post("/v1/admin/verify", {})
        self.assertEqual((whole["tickets"], whole["next"]), (seen, None))
        self.assertGreater(whole["events"], seen)
        self.assertGreater(whole["clocks"], seen)
        self.refused(self.desk.call("POST", "/v1/admin/verify"), 403, "forbidden")
        self.refused(self.admin.call("POST", "/v1/admin/verify", {"after": "12"}), 400, "invalid", "after", "format")
        self.refused(self.admin.call("POST", "/v1/admin/verify", {"limit": 0}), 400, "invalid", "limit", "range")

    # ---- operation -------------------------------------------------------------------------------

    def test_50_clock(self):
        number = self.lamp()["number"]
        now = self.daemon.advance(0)
        self.assertEqual(now, "2026-02-13T10:00:00+08:00")
        self.refused(self.nobody.call("POST", "/v1/test/clock", {"advance_seconds": -1}), 409, "clock")
        self.refused(self.nobody.call("POST", "/v1/test/clock", {}), 400, "invalid", "now", "required")
        self.refused(self.nobody.call("POST", "/v1/test/clock", {"now": now, "advance_seconds": 1}), 400, "invalid",
                     "advance_seconds", "not_allowed")
        self.refused(self.nobody.call("POST", "/v1/test/clock", {"now": "noon"}), 400, "invalid", "now", "format")
        self.assertEqual(self.daemon.move_clock("2026-02-28T08:00:00+08:00"), "2026-02-28T08:00:00+08:00")
        ticket = self.desk.get("/v1/tickets/" + number)
        self.assertTrue(ticket["overdue"])
        events = self.desk.get(f"/v1/tickets/{number}/events")["items"]
        late = [e for e in events if e["type"] == "clock.breached" and e["detail"]["clock"] == "resolve"]
        # the ticket's own, and the co-unit's
        self.assertEqual([(e["at"], e["actor"], e["unit"]) for e in late],
                         [("2026-02-27T17:30:00+08:00", "system", unit) for unit in (None, "C-POWER")])
        self.assertGreater(self.desk.get("/v1/reports/tiers")["overdue"], 0)

    def test_51_metrics(self):
        answer = self.nobody.call("GET", "/metrics")
        self.assertEqual((answer.status, answer.headers["content-type"]), (200, "text/plain; version=0.0.4; charset=utf-8"))
        refused = dict(re.findall(r'^hotlined_refused_total\{problem="(\w+)"\} (\d+)$', answer.body.decode(), re.M))
        for word in ("invalid", "unauthorized", "forbidden", "not_found", "conflict", "version_mismatch", "key_reused", "no_city"):
            self.assertGreater(int(refused[word]), 0, word)
        self.refused(self.nobody.call("GET", "/metrics?x=1"), 400, "invalid", "x", "unknown")


if __name__ == "__main__":
    main()
