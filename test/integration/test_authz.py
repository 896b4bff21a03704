"""Who may do what: every route x role x ownership against the table below, and the life of tokens.

The table is complete by test: a route or an action of the program without a row here fails.
"""
import http.client
import json
import re
import time

from hotline_test import ROOT, DaemonTest, main

ROLES = ("nobody", "admin", "desk", "supervisor", "gateway", "web", "own", "other")

# (method, path, what has to be there, body, statuses in the order of ROLES)
# what: of a fresh ticket of unit JY-GJ; own = JY-GJ, other = JY-CGJ
PUBLIC = "200 200 200 200 200 200 200 200"
ADMIN = "401 200 403 403 403 403 403 403"
UNITS_ONLY = "401 403 403 403 403 403 200 404"
TICKET = {"channel": "web", "kind": "help", "category": "010206", "region": "320281001001", "title": "路灯", "text": "不亮"}
CASE = {"channel": "web", "kind": "help", "category": "010206"}
REPORT = {"solved": True, "public_reply": "好"}

TABLE = [
    ("POST", "/v1/tickets", None, TICKET, "401 201 201 201 201 201 403 403"),
    ("GET", "/v1/tickets", None, None, "401 403 200 200 403 403 200 200"),
    ("GET", "/v1/tickets/{number}", "unsigned", None, "401 403 200 200 403 403 200 404"),
    ("GET", "/v1/tickets/{number}/events", "unsigned", None, "401 403 200 200 403 403 200 404"),
    ("GET", "/v1/tickets/{number}/explain", "unsigned", None, "401 403 200 200 403 403 200 404"),
    ("GET", "/v1/tickets/{number}/attachments", "unsigned", None, "401 403 200 200 403 403 200 404"),
    ("GET", "/v1/tickets/{number}/duplicates", "unsigned", None, "401 403 200 200 403 403 403 403"),
    ("POST", "/v1/duplicates", None, TICKET, "401 403 200 200 403 403 403 403"),
    ("GET", "/v1/public/tickets/{number}?code={code}", "unsigned", None, PUBLIC),
    ("POST", "/v1/explain", None, CASE, "401 200 200 200 403 403 403 403"),
    ("GET", "/v1/places?q=%E6%BE%84%E6%B1%9F%E8%A1%97%E9%81%93", None, None, "401 403 200 200 200 200 200 200"),

    ("POST", "/v1/tickets/{number}/answer", "unsigned", {"reply": "好"}, "401 403 200 200 403 403 403 404"),
    ("POST", "/v1/tickets/{number}/complete", "unsigned", {}, "401 403 409 409 403 403 403 404"),
    ("POST", "/v1/tickets/{number}/dispatch", "unsigned", {"lead_unit": "JY-GJ"}, "401 403 200 200 403 403 403 404"),
    ("POST", "/v1/tickets/{number}/dispatch", "problem", {"lead_unit": "JY-GJ"}, "401 403 409 200 403 403 403 404"),
    ("POST", "/v1/tickets/{number}/reject", "unsigned", {"ground": "不属于"}, "401 403 200 200 403 403 403 404"),
    ("POST", "/v1/tickets/{number}/refer", "unsigned", {"to": "110"}, "401 403 200 200 403 403 403 404"),
    ("POST", "/v1/tickets/{number}/withdraw", "unsigned", {}, "401 403 200 200 403 403 403 404"),
    ("POST", "/v1/tickets/{number}/review", "reported", {"pass": True}, "401 403 200 200 403 403 403 404"),
    ("POST", "/v1/tickets/{number}/callback", "passed", {"reached": False}, "401 403 200 200 403 403 403 404"),
    ("POST", "/v1/tickets/{number}/note", "unsigned", {"text": "备注"}, "401 403 200 200 403 403 200 404"),
    ("POST", "/v1/tickets/{number}/reveal", "unsigned", {"field": "name", "reason": "核实"}, "401 403 200 200 403 403 200 404"),
    ("POST", "/v1/tickets/{number}/add-unit", "unsigned", {"unit": "JY-GAJ"}, "401 403 200 200 403 403 403 404"),
    ("POST", "/v1/tickets/{number}/decide", "unsigned", {"request": "return", "grant": True},
     "401 403 409 409 403 403 403 404"),
    ("POST", "/v1/tickets/{number}/merge", "unsigned", {"into": "{number}"}, "401 403 409 409 403 403 403 404"),
    ("POST", "/v1/tickets/{number}/unmerge", "unsigned", {}, "401 403 409 409 403 403 403 404"),
    ("POST", "/v1/tickets/{number}/reopen", "closed", {"text": "又来电"}, "401 403 200 200 403 403 403 404"),
    ("POST", "/v1/tickets/{number}/false-alarm", "unsigned", {}, "401 403 200 200 403 403 403 404"),
    ("POST", "/v1/tickets/{number}/urge", "unsigned", {"text": "催"}, "401 403 200 200 403 403 403 404"),
    ("POST", "/v1/tickets/{number}/supervise", "unsigned", {"text": "督"}, "401 403 403 200 403 403 403 404"),
    ("POST", "/v1/tickets/{number}/archive", "closed", {}, "401 403 403 200 403 403 403 404"),
    ("POST", "/v1/tickets/{number}/receive", "unsigned", {}, "401 403 404 404 403 403 404 404"),
    ("POST", "/v1/tickets/{number}/sign", "unsigned", {}, "401 403 404 404 403 403 404 404"),
    ("POST", "/v1/tickets/{number}/no-such", "unsigned", {}, "401 403 404 404 403 403 404 404"),

    ("POST", "/v1/batches", None, {"action": "urge", "text": "催", "filter": {"state": "incomplete"}},
     "401 403 200 200 403 403 403 403"),
    ("POST", "/v1/batches", None, {"action": "supervise", "text": "督", "filter": {"state": "incomplete"}},
     "401 403 403 200 403 403 403 403"),

    ("POST", "/v1/assignments/{id}/sign", "unsigned", {}, UNITS_ONLY),
    ("POST", "/v1/assignments/{id}/contact", "working", {}, UNITS_ONLY),
    ("POST", "/v1/assignments/{id}/report", "working", REPORT, UNITS_ONLY),
    ("POST", "/v1/assignments/{id}/forward", "working", {"unit": "JY-T001", "days": 1}, UNITS_ONLY),
    ("POST", "/v1/assignments/{id}/escalate", "unsigned", {}, "401 403 403 403 403 403 409 404"),
    ("POST", "/v1/assignments/{id}/return", "unsigned", {"ground": "not_own_duty", "text": "x"}, UNITS_ONLY),
    ("POST", "/v1/assignments/{id}/extend", "working", {"days": 2, "ground": "x"}, UNITS_ONLY),
    ("POST", "/v1/assignments/{id}/suspend", "working", {"until": "2026-06-30", "reason": "x"}, UNITS_ONLY),
    ("POST", "/v1/assignments/{id}/resume", "working", {}, "401 403 403 403 403 403 409 404"),
    ("POST", "/v1/assignments/{id}/release", "leased", {"lease": "{lease}"}, UNITS_ONLY),
    ("POST", "/v1/assignments/{id}/note", "unsigned", {"text": "x"}, "401 403 403 403 403 403 404 404"),
    ("GET", "/v1/queue?unit=JY-GJ", None, None, "401 403 200 200 403 403 200 403"),
    ("POST", "/v1/queue/claim", None, {"limit": 1, "lease_seconds": 30}, "401 403 403 403 403 403 200 200"),
    ("GET", "/v1/events?after=start", None, None, "401 403 200 200 403 403 200 200"),

    ("GET", "/v1/reports/tiers", None, None, "401 200 200 200 403 403 200 200"),
    ("GET", "/v1/reports/tiers?unit=JY-GJ", None, None, "401 200 200 200 403 403 200 403"),
    ("GET", "/v1/reports/measures?by=kind", None, None, "401 200 200 200 403 403 200 200"),
    ("GET", "/v1/reports/measures?by=kind&unit=JY-GJ", None, None, "401 200 200 200 403 403 200 403"),
    ("GET", "/v1/reports/scores", None, None, "401 200 200 200 403 403 403 403"),
    ("GET", "/v1/reports/bulletin?month=2026-02", None, None, "401 200 200 200 403 403 403 403"),
    ("GET", "/v1/reports/bulletin?month=2026-02&format=csv", None, None, "401 200 200 200 403 403 403 403"),

    ("GET", "/v1/admin/export", None, None, ADMIN),
    ("POST", "/v1/admin/import", None, "city", ADMIN),
    ("POST", "/v1/admin/validate", None, "city", ADMIN),
    ("GET", "/v1/admin/scores", None, None, ADMIN),
    ("POST", "/v1/admin/scores", None,
     {"name": "s{n}", "scales": [{"measure": "closing", "points": 20, "full_at": 95, "per_point": 1}]},
     "401 201 403 403 403 403 403 403"),
    ("GET", "/v1/admin/accounts", None, None, ADMIN),
    ("POST", "/v1/admin/accounts", None, {"accounts": [{"name": "a{n}", "role": "desk"}]},
     "401 201 403 403 403 403 403 403"),
    ("POST", "/v1/admin/accounts/units", None, {}, ADMIN),
    ("GET", "/v1/admin/webhooks", None, None, "401 200 403 403 403 403 200 200"),
    ("POST", "/v1/admin/webhooks", None, {"url": "https://example.org/{n}", "events": ["ticket.archived"]},
     "401 201 403 403 403 403 403 403"),
    ("POST", "/v1/admin/webhooks/999999/rotate", None, {}, "401 404 403 403 403 403 403 403"),
    ("POST", "/v1/admin/webhooks/999999/disable", None, {}, "401 404 403 403 403 403 403 403"),
    ("POST", "/v1/admin/webhooks/999999/enable", None, {}, "401 404 403 403 403 403 403 403"),
    ("POST", "/v1/admin/webhooks/999999/replay", None, {}, "401 404 403 403 403 403 403 403"),
    ("POST", "/v1/admin/accounts/{account}/rotate", "account", {}, ADMIN),
    ("POST", "/v1/admin/accounts/{account}/agent", "account", {"agent": "w{n}"}, ADMIN),
    ("POST", "/v1/admin/accounts/{account}/disable", "account", {}, ADMIN),
    ("POST", "/v1/admin/recount", None, {}, "401 200 403 200 403 403 403 403"),
    ("POST", "/v1/admin/verify", None, {}, "401 200 403 200 403 403 403 403"),
    ("GET", "/v1/admin/rules", None, None, "401 200 200 200 403 403 403 403"),
    ("GET", "/v1/admin/rules/active", None, None, "401 200 200 200 403 403 403 403"),
    ("GET", "/v1/admin/calendars/drafts", None, None, "401 200 200 200 403 403 403 403"),
    ("GET", "/v1/admin/rules/drafts/999999", None, None, "401 404 404 404 403 403 403 403"),
    ("GET", "/v1/admin/policies/activations", None, None, "401 200 200 200 403 403 403 403"),
    ("POST", "/v1/admin/rules/drafts", None, {"name": "x{n}", "rules": []}, "401 201 403 403 403 403 403 403"),
    ("POST", "/v1/admin/rules/drafts/999999/replay", None, {}, "401 404 404 404 403 403 403 403"),
    ("POST", "/v1/admin/calendars/drafts/999999/preview", None, {}, "401 404 404 404 403 403 403 403"),
    ("GET", "/v1/admin/calendars/recompute", None, None, "401 200 200 200 403 403 403 403"),
    ("POST", "/v1/admin/rules/drafts/999999/activate", None, {}, "401 404 403 403 403 403 403 403"),
    ("POST", "/v1/admin/rules/activations/999999/cancel", None, {}, "401 404 403 403 403 403 403 403"),

    ("GET", "/v1/admin/devices", None, None, ADMIN),
    ("POST", "/v1/admin/devices", None, {"devices": [{"id": "D{n}", "region": "320281001001"}]}, ADMIN),
    ("POST", "/v1/admin/devices/no-such/rotate", None, {}, "401 404 403 403 403 403 403 403"),
    ("POST", "/v1/admin/devices/no-such/retire", None, {}, "401 404 403 403 403 403 403 403"),
    ("GET", "/v1/devices/no-such", None, None, "401 403 404 404 403 403 403 403"),
    ("POST", "/v1/devices/no-such/reveal", None, {"field": "phone", "reason": "x"}, "401 403 404 404 403 403 403 403"),
    ("POST", "/v1/notices/claim", None, {}, "401 403 403 403 200 403 403 403"),
    ("POST", "/v1/notices/1/result", None, {"lease": "0" * 32, "result": "sent"}, "401 403 403 403 404 403 403 403"),
    ("GET", "/v1/clouds/onenet/no-such?msg=x", None, None, " ".join(["404"] * 8)),
    ("POST", "/v1/clouds/onenet/no-such", None, {}, " ".join(["404"] * 8)),
    ("POST", "/v1/clouds/ctwing/no-such", None, {}, " ".join(["404"] * 8)),
    ("GET", "/v1/admin/clouds", None, None, ADMIN),
    ("POST", "/v1/admin/clouds", None, {"account": "cloud{n}", "kind": "onenet"}, "401 201 403 403 403 403 403 403"),
    ("POST", "/v1/admin/clouds/no-such", None, {"retire": True}, "401 404 403 403 403 403 403 403"),
    ("GET", "/v1/admin/clouds/no-such/mappings", None, None, "401 404 403 403 403 403 403 403"),
    ("POST", "/v1/admin/clouds/no-such/mappings", None, {"mappings": [{"stream": "s"}]}, "401 404 403 403 403 403 403 403"),
    ("GET", "/v1/admin/clouds/no-such/unmapped", None, None, "401 404 403 403 403 403 403 403"),
    # whoever has no signature is nobody, whatever his token
    ("POST", "/v1/devices/no-such/presses", None, {"boot_id": "b", "seq": 1, "key": "fall"}, " ".join(["401"] * 8)),
    # a gateway's token, where the door looks for it
    ("POST", "/v1/calls/events", None,
     {"event_id": "e{n}", "type": "ended", "occurred_at": "2026-02-13T10:00:00+08:00", "gateway_id": "g", "call_id": "c{n}"},
     "401 403 403 403 200 403 403 403"),
    ("POST", "/v1/calls/freeswitch", None, {}, "401 403 403 403 422 403 403 403"),
    ("POST", "/v1/cti/nothing", None, {}, " ".join(["401"] * 8)),
    ("GET", "/v1/calls", None, None, "401 403 200 200 403 403 403 403"),
    ("POST", "/v1/calls/returned", None, {"gateway_id": "g", "call_id": "none"}, "401 403 404 404 403 403 403 403"),
    ("POST", "/v1/calls/reveal", None, {"gateway_id": "g", "call_id": "none", "reason": "x"}, "401 403 404 404 403 403 403 403"),

    ("POST", "/v1/devices/no-such/heartbeats", None, {"boot_id": "b", "seq": 1}, " ".join(["401"] * 8)),

    # who may send is told by the api_key in the form, and by nothing else
    ("GET", "/open311/v2/discovery.json", None, None, PUBLIC),
    ("GET", "/open311/v2/services.xml", None, None, PUBLIC),
    ("GET", "/open311/v2/services/010206", None, None, PUBLIC),
    ("GET", "/open311/v2/requests.json", None, None, PUBLIC),
    ("POST", "/open311/v2/requests.json", None, None, "403 403 403 403 403 403 403 403"),
    ("GET", "/open311/v2/requests/{number}.json", "unsigned", None, "404 404 404 404 404 404 404 404"),
    ("GET", "/open311/v2/tokens/{number}.xml", "unsigned", None, "404 404 404 404 404 404 404 404"),

    ("GET", "/v1/wechat/no-such?signature=x", None, None, " ".join(["404"] * 8)),
    ("POST", "/v1/wechat/no-such?signature=x", None, None, " ".join(["404"] * 8)),
    ("POST", "/v1/wechat/no-such/outbox/claim", None, {}, "401 403 403 403 404 403 403 403"),
    ("POST", "/v1/wechat/no-such/outbox/1/result", None, {"lease": "0" * 32, "result": "sent"}, "401 403 403 403 404 403 403 403"),
    ("GET", "/v1/admin/wechat", None, None, ADMIN),
    ("POST", "/v1/admin/wechat", None, {"account": "w{n}", "app_id": "wx", "category": "010206"},
     "401 201 403 403 403 403 403 403"),
    ("POST", "/v1/admin/wechat/no-such", None, {"retire": True}, "401 404 403 403 403 403 403 403"),

    ("POST", "/v1/test/clock", None, {"advance_seconds": 0}, PUBLIC),
    ("GET", "/healthz", None, None, PUBLIC),
    ("GET", "/readyz", None, None, PUBLIC),
    ("GET", "/metrics", None, None, PUBLIC),
]


class Authorisation(DaemonTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        who = {"nobody": None, "own": "unit:JY-GJ", "other": "unit:JY-CGJ", "gateway": "phone"}
        cls.clients = {role: cls.daemon.client(who.get(role, role)) for role in ROLES}
        cls.serial = 0
        cls.bundle = cls.admin.get("/v1/admin/export")

    @classmethod
    def tearDownClass(cls):
        for client in cls.clients.values():
            client.close()
        super().tearDownClass()

    # ---- the walk ---------------------------------------------------------------------------------

    def ticket(self, what):
        """A fresh ticket of JY-GJ in the state asked for."""
        made = self.new_ticket(urgency="critical" if what == "leased" else "normal")
        facts = {"number": made["number"], "code": made["query_code"], "id": made["number"] + "-1"}
        own, path = self.clients["own"], f"/v1/assignments/{facts['id']}"
        if what == "leased":
            items = own.post("/v1/queue/claim", {"limit": 10})["items"]  # the critical one comes first
            facts["lease"] = next(i["lease"] for i in items if i["assignment"] == facts["id"])
        if what in ("working", "reported", "passed", "closed", "problem"):
            own.post(path + "/sign")
        if what in ("reported", "passed", "closed", "problem"):
            own.post(path + "/report", REPORT)
        if what in ("passed", "closed", "problem"):
            self.desk.post(f"/v1/tickets/{facts['number']}/review", {"pass": True})
        if what == "closed":
            self.desk.post(f"/v1/tickets/{facts['number']}/callback", {"reached": True, "solved": True})
        if what == "problem":
            self.make_problem(facts["number"])
        return facts

    def make_problem(self, number):
        path = f"/v1/tickets/{number}"
        for last in (False, False, True):
            self.desk.post(path + "/callback", {"reached": True, "solved": False})
            if not last:
                self.work(number)
                self.desk.post(path + "/review", {"pass": True})

    def facts(self, what):
        type(self).serial += 1
        facts = {"n": str(self.serial)}
        if what == "account":
            name = f"victim{self.serial}"
            self.admin.post("/v1/admin/accounts", {"accounts": [{"name": name, "role": "desk"}]})
            facts["account"] = name
        elif what:
            facts.update(self.ticket(what))
        return facts

    @staticmethod
    def fill(template, facts):
        return re.sub(r"\{(\w+)\}", lambda m: facts[m.group(1)], template)

    def stamp(self):
        return self.daemon.sql("SELECT (SELECT count(*) FROM ticket_event), (SELECT count(*) FROM account),"
                               "(SELECT count(*) FROM token), (SELECT sum(version) FROM ticket),"
                               "(SELECT count(*) FROM config_version), (SELECT sum(deliveries) FROM queue_item),"
                               "(SELECT count(*) FROM queue_item WHERE lease IS NOT NULL), (SELECT count(*) FROM score_set)")

    def one(self, row, role, wanted, facts):
        method, path, _, body, _ = row
        target = self.fill(path, facts)
        if body == "city":
            sent = self.bundle
        else:
            sent = None if body is None else json.loads(self.fill(json.dumps(body), facts))
        answer = self.clients[role].call(method, target, sent)
        self.assertEqual(answer.status, wanted, f"{role} {method} {target}: {answer}")
        if wanted >= 400 and not path.startswith("/open311/"):
            self.assertTrue(answer.headers["content-type"].startswith("application/problem+json"))
        if wanted == 401:
            self.assertEqual(answer.headers["www-authenticate"], "Bearer")

    def test_every_route_for_every_role(self):
        cells = 0
        for row in TABLE:
            statuses = [int(s) for s in row[4].split()]
            self.assertEqual(len(statuses), len(ROLES), row)
            refused = [(role, s, self.facts(row[2])) for role, s in zip(ROLES, statuses) if s >= 400]
            before = self.stamp()
            for role, wanted, facts in refused:
                self.one(row, role, wanted, facts)
            self.assertEqual(self.stamp(), before, f"{row} left something behind")
            for role, wanted in zip(ROLES, statuses):
                if wanted < 400:
                    self.one(row, role, wanted, self.facts(row[2]))
            cells += len(statuses)
        print(f"{cells} cells", flush=True)

    def test_table_is_complete(self):
        routes = re.findall(r'\{HTTP_(\w+), "([^"]+)"', (ROOT / "daemon" / "routes.c").read_text(encoding="utf-8"))
        self.assertGreater(len(routes), 25)
        rows = [(method, re.sub(r"\?.*", "", path)) for method, path, *_ in TABLE]
        for method, path in routes:
            pattern = re.escape(path).replace(r"\{\}", "[^/]+") + "$"
            self.assertTrue(any(m == method and re.match(pattern, p) for m, p in rows), f"{method} {path} has no row")
        machine = (ROOT / "lib" / "hotline" / "ticket_machine.c").read_text(encoding="utf-8")
        actions = re.findall(r'\[ACTION_\w+\] = \{"([\w-]+)"', machine)
        self.assertGreater(len(actions), 10)
        for action in actions:
            self.assertTrue(any(p.endswith("/" + action) for _, p in rows), f"{action} has no row")

    def test_lists_are_ones_own(self):
        number = self.new_ticket()["number"]
        own, other = self.clients["own"], self.clients["other"]
        self.assertIn(number, [t["number"] for t in own.get("/v1/tickets?limit=200")["items"]])
        self.assertEqual(other.get("/v1/tickets?limit=200")["items"], [])
        self.assertEqual([i for i in other.get("/v1/queue")["items"]], [])
        self.assertEqual(other.get("/v1/events?after=start")["items"], [])
        numbers, after = set(), "start"
        while number not in numbers:
            page = own.get(f"/v1/events?after={after}&limit=500")
            self.assertTrue(page["items"], "the own ticket is not among the own events")
            numbers |= {e["number"] for e in page["items"]}
            after = page["next"]
        self.assertEqual(other.get("/v1/reports/tiers")["received"], 0)
        self.assertGreater(own.get("/v1/reports/tiers")["received"], 0)
        self.assertEqual(other.call("GET", "/v1/tickets?unit=JY-GJ").status, 403)

    def test_recalled_unit_keeps_its_own_past_only(self):
        """A unit that was recalled still sees what it was given, and can do nothing more."""
        number = self.new_ticket()["number"]
        self.desk.post(f"/v1/tickets/{number}/dispatch", {"lead_unit": "JY-GAJ"})
        own = self.clients["own"]
        self.assertEqual(own.get(f"/v1/tickets/{number}")["state"], "handling")
        self.assertEqual(own.call("POST", f"/v1/assignments/{number}-1/sign", {}).status, 409)
        self.assertEqual(own.call("POST", f"/v1/assignments/{number}-2/sign", {}).status, 404)

    def test_methods(self):
        nobody = self.clients["nobody"]
        answer = nobody.call("PUT", "/v1/tickets")
        self.assertEqual((answer.status, answer.headers["allow"]), (405, "POST, GET, HEAD, OPTIONS"))
        self.assertEqual(nobody.call("OPTIONS", "/v1/tickets").status, 204)
        self.assertEqual(nobody.call("GET", "/v1/nothing").status, 404)
        self.assertEqual(nobody.call("HEAD", "/v1/tickets").status, 401)
        self.assertEqual(self.desk.call("HEAD", "/v1/tickets").body, b"")

    # ---- tokens --------------------------------------------------------------------------------------

    def account(self, name, role="desk", **fields):
        made = self.admin.post("/v1/admin/accounts", {"accounts": [{"name": name, "role": role, **fields}]})
        return made["items"][0]["token"]

    def status(self, token, target="/v1/tickets?limit=1"):
        return self.clients["nobody"].call("GET", target, headers={"Authorization": f"Bearer {token}"}).status

    def test_two_live_tokens(self):
        first = self.account("rotating")
        second = self.admin.post("/v1/admin/accounts/rotating/rotate")["token"]
        self.assertEqual([self.status(t) for t in (first, second)], [200, 200])
        third = self.admin.post("/v1/admin/accounts/rotating/rotate")["token"]
        self.assertEqual([self.status(t) for t in (first, second, third)], [401, 200, 200])
        listed = {a["name"]: a for a in self.admin.get("/v1/admin/accounts")["items"]}
        self.assertEqual(listed["rotating"]["tokens"], 2)
        self.assertEqual(len({first, second, third}), 3)
        for token in (first, second, third):
            self.assertGreaterEqual(len(token), 22, "128 bits")
            hit = self.daemon.sql("SELECT count(*) FROM token t WHERE t::text LIKE '%" + token + "%'")
            self.assertEqual(hit, [["0"]], "stored as it is")
            self.assertNotIn(token, self.daemon.log())

    def test_disabled(self):
        token = self.account("leaving")
        kept = self.daemon.client()
        kept.token = token
        self.assertEqual(kept.call("GET", "/v1/tickets").status, 200)
        self.admin.post("/v1/admin/accounts/leaving/disable")
        self.assertEqual(kept.call("GET", "/v1/tickets").status, 401, "on a connection that was open before")
        self.assertEqual(self.admin.call("POST", "/v1/admin/accounts/leaving/rotate", {}).status, 409)
        self.assertEqual(self.admin.call("POST", "/v1/admin/accounts/nobody/disable", {}).status, 404)
        self.assertEqual(self.admin.call("POST", "/v1/admin/accounts", {"accounts": [
            {"name": "leaving", "role": "desk"}]}).status, 409)
        kept.close()

    def test_command_line_rotates_beside_the_daemon(self):
        token = self.daemon.run("token", "--role", "desk", "--name", "second-desk")
        end = time.monotonic() + 30
        while self.status(token) != 200:
            self.assertLess(time.monotonic(), end, "the daemon has not heard of it")
            time.sleep(0.02)

    def test_waiting_ends_with_the_token(self):
        """Whoever waits with a token that ends is let go: a stream, a long poll and a queue."""
        token = self.account("waiting", role="unit", unit="JY-ZZB")
        waits = []
        for target, accept in (("/v1/events", "text/event-stream"), ("/v1/events?wait=50", "*/*"),
                               ("/v1/queue?wait=50", "*/*")):
            connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=20)
            connection.request("GET", target, headers={"Authorization": f"Bearer {token}", "Accept": accept})
            waits.append(connection)
        stream = waits[0].getresponse()
        self.assertEqual(stream.status, 200)
        end = time.monotonic() + 30
        while self.waiting() < 3:
            self.assertLess(time.monotonic(), end, "nobody waits")
            time.sleep(0.02)
        self.admin.post("/v1/admin/accounts/waiting/disable")
        self.assertIn(b"event: bye", self.read_to_the_end(stream))
        self.assertEqual([c.getresponse().status for c in waits[1:]], [401, 401])
        for connection in waits:
            connection.close()

    @staticmethod
    def read_to_the_end(stream):
        """Of a stream that beats every 15 s: not for ever."""
        text, end = b"", time.monotonic() + 30
        while not stream.isclosed() and time.monotonic() < end:
            text += stream.readline()
        return text

    def waiting(self):
        text = self.clients["nobody"].call("GET", "/metrics").body.decode()
        return int(re.search(r"^hotlined_waiting (\d+)$", text, re.M).group(1))

    def test_bad_tokens(self):
        good = self.daemon.tokens["desk"]
        for header in ("Bearer", "Bearer ", f"Bearer {good[:-1]}", f"Bearer {good}x", f"Bearer  {good}", f"Basic {good}",
                       good, f"Bearer {good.swapcase()}"):
            answer = self.clients["nobody"].call("GET", "/v1/tickets", headers={"Authorization": header})
            self.assertEqual(answer.status, 401, header)
        answer = self.clients["nobody"].call("GET", "/v1/tickets", headers={"Authorization": f"bearer {good}"})
        self.assertEqual(answer.status, 200, "the scheme's name is free in case")

    def test_account_input(self):
        for account, field in (({"name": "x y", "role": "desk"}, "accounts[0].name"),
                               ({"name": "ok1", "role": "king"}, "accounts[0].role"),
                               ({"name": "ok2", "role": "unit"}, "accounts[0].unit"),
                               ({"name": "ok3", "role": "desk", "unit": "JY-GJ"}, "accounts[0].unit"),
                               ({"name": "ok4", "role": "unit", "unit": "JY-NONE"}, "accounts[0].unit"),
                               ({"name": "ok5", "role": "desk", "token": "mine"}, "accounts[0].token")):
            answer = self.admin.call("POST", "/v1/admin/accounts", {"accounts": [account]})
            self.assertEqual(answer.status, 400, answer)
            self.assertIn(field, [e["field"] for e in answer.json["errors"]])


del DaemonTest

if __name__ == "__main__":
    main()
