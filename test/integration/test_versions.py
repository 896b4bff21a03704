"""Rules, policies and calendars at run time: drafts, replay, from an instant on, and what running tickets keep.

What a replay counts is counted again here, by rules written once more in Python over the exported city.
"""
import collections
import datetime as dt
import json
import os
import shutil

from calendar_again import ZONE, Calendar
from hotline_test import ROOT, SHARED, Daemon, DaemonTest, main, pages, wait_until

TEXTS = ["路灯不亮三天了", "楼下烧烤摊半夜噪音扰民", "小区井盖破损", "电梯故障有人被困", "拖欠工资", "公交车不准时"]
MOST = int(os.environ.get("HOTLINE_REPLAY", "600"))


class Router:
    """DOMAIN 3 again: the most specific rule that holds, then the unit it names or the one over the place."""

    CRITERIA = ("category", "region", "keyword", "window", "kind", "channel", "urgency")

    def __init__(self, bundle, rules=None):
        self.parent = {c["code"]: c.get("parent") for c in bundle["categories"]}
        self.above = {r["code"]: r.get("parent") for r in bundle["regions"]}
        self.tiers = ["grid", "village", "town", "county", "city"]
        self.rules = rules if rules is not None else bundle["rule_set"]["rules"]
        self.over = {}
        for unit in bundle["units"]:
            for duty in unit.get("duties") or []:
                for region in unit.get("regions") or []:
                    self.over[region, unit["tier"], duty] = unit["code"]

    @staticmethod
    def path(parent, code):
        found = []
        while code:
            found.append(code)
            code = parent.get(code)
        return found  # from below

    def holds(self, rule, ticket):
        at = dt.datetime.fromisoformat(ticket["received_at"]).astimezone(ZONE)
        if rule.get("category") and rule["category"] not in self.path(self.parent, ticket["category"]):
            return False
        if rule.get("region") and rule["region"] not in self.path(self.above, ticket.get("region")):
            return False
        if any(rule.get(f) and rule[f] != ticket[f] for f in ("kind", "channel", "urgency")):
            return False
        if rule.get("keyword") and rule["keyword"] not in ticket["title"] and rule["keyword"] not in ticket["text"]:
            return False
        return not rule.get("window") or self.in_window(rule["window"], at)

    @staticmethod
    def in_window(window, at):
        minute = at.hour * 60 + at.minute
        start, end = (int(w[:2]) * 60 + int(w[3:]) for w in (window["from"], window["to"]))
        days = window.get("weekdays") or range(1, 8)
        if start < end:
            return start <= minute < end and at.isoweekday() in days
        opened = at if minute >= start else at - dt.timedelta(days=1)
        return (minute >= start or minute < end) and opened.isoweekday() in days

    def rank(self, rule):
        return (len(self.path(self.parent, rule.get("category"))), len(self.path(self.above, rule.get("region"))),
                len(rule.get("keyword") or ""), *(bool(rule.get(f)) for f in self.CRITERIA[3:]))

    def lead(self, ticket):
        fitting = [rule for rule in self.rules if self.holds(rule, ticket)]
        if not fitting:
            return None, None
        rule = max(fitting, key=self.rank)  # of equals the first
        if rule.get("unit"):
            return rule["unit"], rule["code"]
        over = rule.get("over")
        return (self.unit_over(ticket.get("region"), over) if over else None), rule["code"]

    def unit_over(self, region, over):
        for tier in self.tiers[self.tiers.index(over["tier"]):]:
            for duty in (over.get("duty") or "general", "general"):
                for place in self.path(self.above, region):
                    if (place, tier, duty) in self.over:
                        return self.over[place, tier, duty]
        return None


class VersionTest(DaemonTest):
    def body(self, part="rules"):
        return self.admin.get(f"/v1/admin/{part}/active")["body"]

    def draft(self, body, part="rules", client=None):
        return (client or self.admin).ok("POST", f"/v1/admin/{part}/drafts", body, status=201)

    def activate(self, draft, part="rules", **body):
        return self.admin.post(f"/v1/admin/{part}/drafts/{draft}/activate", body)

    def in_force(self, part="rules", client=None):
        return (client or self.admin).get(f"/v1/admin/{part}")["in_force"]

    def now(self):
        return dt.datetime.fromisoformat(self.daemon.advance(0))

    def later(self, seconds):
        return (self.now() + dt.timedelta(seconds=seconds)).isoformat()

    @staticmethod
    def version_of(answer):
        """The rules that a ticket was judged by; versions are texts in the route of a ticket."""
        return int(answer["route"]["rule_set"])

    def lamps_to(self, unit, name="lamps"):
        """The rules in force, but street lights (010206 in this demo: buses) go to another unit."""
        body = self.body()
        body["name"] = name
        for rule in body["rules"]:
            if rule.get("category") == "010206":
                rule.pop("over", None)
                rule["unit"] = unit
        return body


class Drafts(VersionTest):
    def test_errors_are_named_by_field_and_nothing_is_stored(self):
        body = self.body()
        body["rules"][3]["unit"] = "JY-NOBODY"
        body["rules"][5] = {"code": "R-BAD", "category": "9999", "kind": "nothing"}
        before = len(list(pages(self.admin, "/v1/admin/rules/drafts")))
        answer = self.admin.call("POST", "/v1/admin/rules/drafts", body)
        self.assertEqual((answer.status, answer.json["type"]), (400, "urn:hotline:invalid"))
        self.assertIn({"field": "rules[5].kind", "reason": "not_allowed"}, answer.json["errors"])
        body["rules"][5].pop("kind")
        answer = self.admin.call("POST", "/v1/admin/rules/drafts", body)
        errors = {(e["field"], e["reason"]) for e in answer.json["errors"]}
        self.assertEqual((answer.status, answer.json["error_count"]), (400, 2))
        self.assertEqual(errors, {("rules[R0004].unit", "unknown"), ("rules[R-BAD].category", "unknown")})
        self.assertEqual(len(list(pages(self.admin, "/v1/admin/rules/drafts"))), before)
        answer = self.admin.call("POST", "/v1/admin/policies/drafts", {"name": "p", "policies": [{"name": "other", "clocks": []}]})
        self.assertEqual(answer.status, 400)
        fields = {e["field"] for e in answer.json["errors"]}
        self.assertIn("policies[default]", fields)
        self.assertTrue(any(f.startswith("rule_set.rules[") and f.endswith(".sla") for f in fields), fields)
        answer = self.admin.call("POST", "/v1/admin/calendars/drafts", {"name": "c", "calendars": []})
        self.assertEqual((answer.status, answer.json["errors"][0]["field"]), (400, "calendars"))
        for bad in ({}, [], {"name": "x", "rules": {}}, {"name": "x", "rules": [], "more": 1}, {"name": 1, "rules": []}):
            self.assertEqual(self.admin.call("POST", "/v1/admin/rules/drafts", bad).status, 400, bad)

    def test_warnings_are_stored_with_the_draft(self):
        body = self.body()
        body["name"] = "with warnings"
        body["rules"].append({**body["rules"][0], "code": "R-SHADOWED"})
        body["rules"] = [r for r in body["rules"] if not (r.get("category") or "").startswith("15")]
        body["rules"].append({"code": "R-DUTY", "category": "0101", "kind": "praise", "over": {"tier": "town", "duty": "dragons"}})
        made = self.draft(body)
        found = {(w["field"], w["reason"]) for w in made["warnings"]}
        self.assertIn(("rules[R-SHADOWED]", "shadowed"), found)
        self.assertIn(("rules[R-DUTY].over.duty", "unknown"), found)
        self.assertIn(("categories[15]", "uncovered"), found)
        self.assertEqual(made["warning_count"], len(made["warnings"]))
        kept = self.desk.get(f"/v1/admin/rules/drafts/{made['draft']}")
        self.assertEqual((kept["warnings"], kept["body"]["name"], kept["version"]), (made["warnings"], "with warnings", None))
        self.assertEqual(kept["body"]["rules"][-1]["code"], "R-DUTY")
        listed = next(pages(self.supervisor, "/v1/admin/rules/drafts?limit=1"))
        self.assertEqual((listed["draft"], listed["warning_count"], listed["size"]),
                         (made["draft"], made["warning_count"], len(body["rules"])))

    def test_a_unit_nowhere_is_unreachable(self):
        bundle = self.admin.get("/v1/admin/export")
        villages = [r["code"] for r in bundle["regions"] if r["level"] == "village"]
        body = self.body()
        body["rules"].append({"code": "R-GRID", "category": "0101", "region": villages[0], "over": {"tier": "grid"}})
        answer = self.admin.call("POST", "/v1/admin/rules/drafts?check=true", body)
        self.assertEqual(answer.status, 200)
        errors = {(e["field"], e["reason"]) for e in answer.json["errors"]}
        self.assertEqual(errors, {("rules[R-GRID].over.tier", "range")})
        before = len(list(pages(self.admin, "/v1/admin/rules/drafts")))
        body["rules"][-1]["over"] = {"tier": "city", "duty": "nobody_has_this"}
        checked = self.admin.ok("POST", "/v1/admin/rules/drafts?check=true", body, status=200)
        self.assertEqual((checked["error_count"], checked["errors"]), (0, []))
        reasons = {w["field"]: w["reason"] for w in checked["warnings"]}
        self.assertIn("R-GRID", "".join(reasons))
        self.assertEqual(len(list(pages(self.admin, "/v1/admin/rules/drafts"))), before, "only checked")

    def test_what_is_read_can_be_sent_again(self):
        for part in ("rules", "policies", "calendars"):
            body = self.body(part)
            body["name"] = "again"
            made = self.draft(body, part)
            kept = self.admin.get(f"/v1/admin/{part}/drafts/{made['draft']}")["body"]
            self.assertEqual(kept, body)
            activated = self.activate(made["draft"], part)
            self.assertEqual((activated["state"], activated["in_force"]), ("done", activated["version"]))
            again = self.admin.get(f"/v1/admin/{part}/{activated['version']}")
            self.assertEqual((again["body"], again["is_in_force"]), (body, True))
            versions = list(pages(self.admin, f"/v1/admin/{part}?limit=1"))
            self.assertEqual(versions[0]["version"], activated["version"])
            self.assertEqual([(p["from"], p["to"]) for p in versions[0]["periods"]], [(activated["at"], None)])
            self.assertEqual(versions[1]["periods"][-1]["to"], activated["at"])

    def test_paths_that_lead_nowhere(self):
        for path in ("/v1/admin/nothing", "/v1/admin/rules/0", "/v1/admin/rules/x", "/v1/admin/rules/999999",
                     "/v1/admin/policies/drafts/999999", "/v1/admin/nothing/drafts", "/v1/admin/rules/" + "9" * 30):
            self.assertEqual(self.admin.call("GET", path).status, 404, path)
        for path in ("/v1/admin/rules/drafts/999999/activate", "/v1/admin/rules/drafts/999999/replay",
                     "/v1/admin/rules/activations/999999/cancel", "/v1/admin/policies/drafts/999999/replay",
                     "/v1/admin/calendars/drafts/1/replay"):
            self.assertEqual(self.admin.call("POST", path, {}).status, 404, path)
        self.assertEqual(self.admin.call("GET", "/v1/admin/rules?after=00").status, 400)

    def test_who_may(self):
        made = self.draft(self.lamps_to("JY-CGJ", "who"))["draft"]
        unit = self.daemon.unit("JY-CGJ")
        for client, reads, changes in ((self.desk, 200, 403), (self.supervisor, 200, 403), (unit, 403, 403)):
            self.assertEqual(client.call("GET", "/v1/admin/rules").status, reads)
            self.assertEqual(client.call("POST", f"/v1/admin/rules/drafts/{made}/replay", {}).status, reads)
            self.assertEqual(client.call("POST", f"/v1/admin/rules/drafts/{made}/activate", {}).status, changes)
            self.assertEqual(client.call("POST", "/v1/admin/rules/drafts", self.body()).status, changes)
        unit.close()
        trail = self.daemon.sql("SELECT action FROM audit WHERE action LIKE 'rules.%'")
        self.assertIn(["rules.draft"], trail)


class Replay(VersionTest):
    def setUp(self):
        self.bundle = self.admin.get("/v1/admin/export")

    def take(self, tickets):
        made = []
        for ticket in tickets:
            if ticket.get("at"):
                self.daemon.move_clock(ticket["at"])
            fields = {k: v for k, v in ticket.items() if k != "at"}
            answer = self.new_ticket(**fields)
            made.append({**fields, "number": answer["number"], "received_at": answer["received_at"],
                         "urgency": fields.get("urgency", "normal"), "lead": answer["route"]["lead_unit"]})
        return made

    def recount(self, tickets, rules):
        """What the replay has to say, from the rules alone."""
        old, new = Router(self.bundle), Router(self.bundle, rules)
        count, units = collections.Counter(), collections.defaultdict(collections.Counter)
        for ticket in tickets:
            before, after = old.lead(ticket)[0], new.lead(ticket)[0]
            count["tickets"] += 1
            count["unchanged"] += before == after
            if before == after:
                continue
            count["moved"] += 1
            count["to_pool"] += after is None
            count["from_pool"] += before is None
            if before:
                units[before]["loses"] += 1
            if after:
                units[after]["gains"] += 1
        return count, units

    def compare(self, replay, tickets, rules):
        count, units = self.recount(tickets, rules)
        self.assertEqual({k: replay[k] for k in ("tickets", "unchanged", "moved", "to_pool", "from_pool")},
                         {k: count[k] for k in ("tickets", "unchanged", "moved", "to_pool", "from_pool")})
        self.assertEqual({u["unit"]: (u["loses"], u["gains"]) for u in replay["by_unit"]},
                         {code: (c["loses"], c["gains"]) for code, c in units.items()})
        moves = [u["loses"] + u["gains"] for u in replay["by_unit"]]
        self.assertEqual(moves, sorted(moves, reverse=True))
        self.assertTrue(replay["is_complete"])
        return count

    def changed_rules(self):
        """Other units for some, the pool for some, a rule by keyword and hours, and one rule gone."""
        rules = [dict(rule) for rule in self.bundle["rule_set"]["rules"]]
        for rule in rules:
            if rule.get("category") == "010206":
                rule["unit"] = "JY-CGJ"
            elif rule.get("category") == "010210":
                rule.pop("unit", None)
            elif rule.get("category") == "011003" and not rule.get("keyword"):
                rule.pop("unit", None)
                rule["over"] = {"tier": "town", "duty": "construction"}
        rules = [rule for rule in rules if rule["code"] != "R0051"]
        rules.append({"code": "R-NIGHT", "category": "010212", "keyword": "噪音", "window": {"from": "22:00", "to": "06:00"},
                      "unit": "JY-GAJ"})
        rules.append({"code": "R-COMPLAINTS", "category": "15", "kind": "complaint", "channel": "web", "unit": "JY-RSJ"})
        return rules

    def test_1_a_corpus_of_our_own(self):
        leaves = [c["code"] for c in self.bundle["categories"] if len(c["code"]) == 6]
        places = [r["code"] for r in self.bundle["regions"] if r["level"] in ("village", "town")]
        start = dt.datetime.fromisoformat("2026-02-13T19:00:00+08:00")
        corpus = []
        for i in range(400):
            category = ("010206", "010210", "011003", "010212", "010901", "150306", leaves[i * 7 % len(leaves)])[i % 7]
            corpus.append({"category": category, "region": places[i * 13 % len(places)] if i % 5 else None,
                           "title": TEXTS[i % len(TEXTS)], "text": TEXTS[i // 3 % len(TEXTS)],
                           "kind": ("help", "consult", "complaint")[i % 3], "channel": ("phone", "web", "grid")[i // 2 % 3],
                           "at": (start + dt.timedelta(minutes=3 * i)).isoformat()})
        Replay.corpus = self.take(corpus)
        rules = self.changed_rules()
        made = self.draft({"name": "changed", "rules": rules})["draft"]
        replay = self.admin.post(f"/v1/admin/rules/drafts/{made}/replay", {"samples": 100})
        count = self.compare(replay, self.corpus, rules)
        for what in ("moved", "to_pool", "unchanged"):
            self.assertGreater(count[what], 5, f"the corpus has to try {what}")
        by_number = {t["number"]: t for t in self.corpus}
        old, new = Router(self.bundle), Router(self.bundle, rules)
        self.assertEqual(len(replay["samples"]), min(100, count["moved"]))
        for sample in replay["samples"]:
            ticket = by_number[sample["number"]]
            self.assertEqual((sample["from"], sample["rule_from"]), old.lead(ticket))
            self.assertEqual((sample["to"], sample["rule_to"]), new.lead(ticket))
        same = self.admin.post(f"/v1/admin/rules/drafts/{self.draft(self.body())['draft']}/replay")
        self.assertEqual((same["moved"], same["unchanged_but"], same["by_unit"], same["samples"]), (0, 0, [], []))

    def test_2_periods_and_bounds(self):
        rules = self.changed_rules()
        made = self.draft({"name": "bounded", "rules": rules})["draft"]
        start, end = self.corpus[100]["received_at"], self.corpus[250]["received_at"]
        replay = self.admin.post(f"/v1/admin/rules/drafts/{made}/replay", {"from": start, "to": end})
        self.compare(replay, self.corpus[100:250], rules)
        cut = self.admin.post(f"/v1/admin/rules/drafts/{made}/replay", {"limit": 50, "samples": 0})
        self.assertEqual((cut["tickets"], cut["is_complete"], cut["samples"]), (50, False, []))
        self.assertEqual(cut["oldest"], self.corpus[-50]["number"])
        for bad in ({"from": end, "to": start}, {"limit": 0}, {"samples": 101}, {"more": 1}, {"from": "yesterday"}):
            self.assertEqual(self.admin.call("POST", f"/v1/admin/rules/drafts/{made}/replay", bad).status, 400, bad)

    def test_3_activating_moves_only_new_ones(self):
        rules = self.changed_rules()
        made = self.draft({"name": "moved", "rules": rules})["draft"]
        activated = self.activate(made)
        new = Router(self.bundle, rules)
        for ticket in self.corpus[:60]:
            self.assertEqual(self.desk.get(f"/v1/tickets/{ticket['number']}")["route"]["lead_unit"], ticket["lead"])
        again = self.take([{k: t[k] for k in ("category", "region", "title", "text", "kind", "channel")} for t in self.corpus[:60]])
        self.assertTrue(any(a["lead"] != b["lead"] for a, b in zip(again, self.corpus)))
        for ticket in again:
            self.assertEqual(ticket["lead"], new.lead(ticket)[0])
        sets = self.daemon.sql("SELECT DISTINCT rule_set FROM ticket ORDER BY 1")
        self.assertEqual([int(s[0]) for s in sets][-1], activated["version"])

    def test_4_the_sample(self):
        path = SHARED / "data" / "messages.jsonl"
        if not path.exists():
            self.skipTest("the sample of citizens' messages is not here")
        self.bundle = self.admin.get("/v1/admin/export")
        leaves = [c["code"] for c in self.bundle["categories"] if len(c["code"]) == 6]
        places = [r["code"] for r in self.bundle["regions"] if r["level"] == "village"]
        with open(path, encoding="utf-8") as f:
            messages = [json.loads(line) for line, _ in zip(f, range(MOST or 10 ** 9))]
        first = self.later(3600)
        sample = self.take([{"category": leaves[int(m["id"]) % len(leaves)], "region": places[int(m["id"]) // 7 % len(places)],
                             "title": m["title"][:100] or "无题", "text": m["text"][:1800] or "无", "kind": "complaint",
                             "channel": "phone", "at": first if i == 0 else None} for i, m in enumerate(messages)])
        rules = [dict(rule) for rule in self.bundle["rule_set"]["rules"]]
        for i, rule in enumerate(rules):
            if i % 4 == 0 and rule.get("unit"):
                rule["unit"] = "JY-CGJ"
            elif i % 9 == 0 and rule.get("over"):
                rule["over"] = {"tier": "village"}
        rules += [{"code": "R-WORD", "category": "01", "keyword": "噪音", "unit": "JY-GAJ"}]
        made = self.draft({"name": "sample", "rules": rules})["draft"]
        replay = self.admin.post(f"/v1/admin/rules/drafts/{made}/replay", {"from": first})
        self.assertGreater(self.compare(replay, sample, rules)["moved"], MOST // 20)

    def test_5_the_client(self):
        made = self.draft(self.lamps_to("JY-JTJ", "by hand"))["draft"]
        text = self.daemon.hotline("--lang", "en", "rules", "replay", str(made))
        self.assertRegex(text, r"unchanged +[1-9]")
        self.assertRegex(text, r"JY-CGJ +\S+ +[1-9]\d* +0")
        self.assertRegex(self.daemon.hotline("--lang", "zh", "rules", "list"), r"版本 +名称")
        body = json.loads(self.daemon.hotline("rules", "show"))
        self.assertEqual(body, self.body())
        csv = str(ROOT / "daemon" / "cities" / "jiangyin" / "rules.csv")
        self.assertIn("0 errors", self.daemon.hotline("--lang", "en", "rules", "validate", csv))
        drafted = self.daemon.hotline("--lang", "en", "--json", "rules", "draft", csv, "--name", "from CSV")
        answer = json.loads(drafted)
        kept = self.admin.get(f"/v1/admin/rules/drafts/{answer['draft']}")["body"]
        self.assertEqual((kept["name"], len(kept["rules"])), ("from CSV", answer["size"]))
        folder = str(ROOT / "daemon" / "cities" / "jiangyin")
        for part in ("policies", "calendars"):
            drafted = json.loads(self.daemon.hotline("--json", part, "draft", folder))
            self.assertEqual(drafted["name"], "jiangyin")
            self.assertEqual(self.admin.get(f"/v1/admin/{part}/drafts/{drafted['draft']}")["body"][part],
                             self.body(part)[part])
        at = self.later(7200)
        planned = json.loads(self.daemon.hotline("--json", "rules", "activate", str(made), "--at", at))
        self.assertEqual(planned["state"], "scheduled")
        self.assertIn("scheduled", self.daemon.hotline("--lang", "en", "rules", "plans"))
        self.assertIn("cancelled", self.daemon.hotline("--lang", "en", "rules", "cancel", str(planned["activation"])))
        self.assertIn("by hand", self.daemon.hotline("--lang", "en", "rules", "drafts"))
        self.daemon.hotline("rules", "cancel", str(planned["activation"]), code=1)


class Promises(VersionTest):
    """Past deadlines under a draft of policies, counted again with working days written a second time."""

    CLOCK = "2026-02-13T10:00:00+08:00"
    DAYS = Calendar(ROOT / "daemon" / "cities" / "workdays-cn.csv")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.met = []
        for i in range(24):
            ticket = cls.desk.post("/v1/tickets", {
                "channel": "phone", "kind": ("help", "consult", "report")[i % 3], "title": "路灯不亮", "text": "三天了",
                "category": ("010206", "010210", "011003")[i % 3], "region": "320281001001",
                "urgency": "urgent" if i % 8 == 7 else "normal"})
            cls.daemon.advance(600)
            if i % 2:  # signed at once: met, whatever comes later
                lead = cls.daemon.unit(ticket["route"]["lead_unit"])
                lead.post(f"/v1/assignments/{ticket['number']}-1/sign")
                cls.met.append(ticket["number"])
                lead.close()
        cls.daemon.move_clock("2026-03-04T20:00:00+08:00")

    def clocks(self):
        """(clock, kind, urgency, policy, state, started, met) of every one, as stored."""
        rows = self.daemon.sql("""
            SELECT k.clock, t.kind, t.urgency, t.policy, k.state, extract(epoch FROM k.started_at), extract(epoch FROM k.met_at),
                   coalesce(a.unit, t.lead_unit)
            FROM ticket_clock k JOIN ticket t USING (number)
            LEFT JOIN assignment a ON a.number = k.number AND a.ordinal = k.assignment""")
        return [(*row[:5], *(dt.datetime.fromtimestamp(float(x), ZONE) if x else None for x in row[5:7]), row[7]) for row in rows]

    @staticmethod
    def rule_of(body, policy, clock, kind, urgency):
        """The most specific one for a first round: urgency before kind."""
        found = [c for p in body["policies"] if p["name"] == policy for c in p["clocks"]
                 if c["clock"] == clock and not c.get("redo") and c.get("kind") in (None, kind)
                 and c.get("urgency") in (None, urgency)]
        return max(found, key=lambda c: (bool(c.get("urgency")), bool(c.get("kind"))), default=None)

    def recount(self, old, new):
        count, units = collections.defaultdict(collections.Counter), collections.defaultdict(lambda: [0, 0])
        for clock, kind, urgency, policy, state, started, met, unit in self.clocks():
            before, after = (self.rule_of(body, policy, clock, kind, urgency) for body in (old, new))
            due = [self.DAYS.due(started, rule["limit"], rule["unit"]) if rule else None for rule in (before, after)]
            count[clock]["clocks"] += 1
            count[clock]["removed" if not after else "same" if due[0] == due[1] else
                         "earlier" if due[1] < due[0] else "later"] += 1
            judged = met if state == "met" else self.now() if state == "running" else None
            if after and judged and before["stop"] != "never":
                late = [judged > d for d in due]
                count[clock]["late_before"] += late[0]
                count[clock]["late_after"] += late[1]
                units[unit][0] += late[0]
                units[unit][1] += late[1]
        return count, {unit: late for unit, late in units.items() if late[0] != late[1]}

    def compare(self, replay, old, new):
        count, units = self.recount(old, new)
        members = ("clocks", "same", "earlier", "later", "removed", "late_before", "late_after")
        self.assertEqual({c["clock"]: {m: c[m] for m in members} for c in replay["by_clock"]},
                         {clock: {m: c[m] for m in members} for clock, c in count.items()})
        for member in members:
            self.assertEqual(replay[member], sum(c[member] for c in count.values()), member)
        self.assertEqual({u["unit"]: [u["late_before"], u["late_after"]] for u in replay["by_unit"]}, units)
        self.assertEqual((replay["restarted"], replay["own"], replay["unknown"], replay["is_complete"]), (0, 0, 0, True))
        return replay

    def test_1_the_same_promises(self):
        body = self.body("policies")
        made = self.draft(body, "policies")["draft"]
        replay = self.compare(self.admin.post(f"/v1/admin/policies/drafts/{made}/replay"), body, body)
        self.assertEqual((replay["tickets"], replay["same"], replay["samples"]), (24, replay["clocks"], []))
        self.assertGreater(replay["clocks"], 24 * 3)
        self.assertGreater(replay["late_before"], 24, "the clock has moved")

    def test_2_shorter_longer_and_gone(self):
        old, new = self.body("policies"), self.body("policies")
        for policy in new["policies"]:
            for clock in policy["clocks"]:
                if clock["clock"] == "resolve" and clock.get("kind") == "report":
                    clock["limit"] = 10
                elif clock["clock"] == "resolve" and clock.get("kind") == "help":
                    clock["limit"] = 20
                elif clock["clock"] == "sign" and not clock.get("urgency"):
                    clock["limit"], clock["unit"] = 5, "minutes"
            policy["clocks"] = [c for c in policy["clocks"] if c["clock"] != "return"]
        made = self.draft(new, "policies")["draft"]
        replay = self.compare(self.admin.post(f"/v1/admin/policies/drafts/{made}/replay", {"samples": 100}), old, new)
        for what in ("same", "earlier", "later", "removed"):
            self.assertGreater(replay[what], 0, f"the tickets have to try {what}")
        self.assertNotEqual(replay["late_before"], replay["late_after"])
        reports = [s for s in replay["samples"] if s["clock"] == "resolve" and s["due_after"] < s["due_before"]]
        self.assertIn("2026-03-05T17:30:00+08:00", {s["due_after"] for s in reports}, "DOMAIN 4: 2026-02-13 + 10")
        self.assertIn("2026-03-12T17:30:00+08:00", {s["due_before"] for s in reports}, "DOMAIN 4: 2026-02-13 + 15")
        self.assertTrue(all(s["due_after"] is None for s in replay["samples"] if s["clock"] == "return"))

    def test_3_bounds_other_starts_and_the_client(self):
        new = self.body("policies")
        for policy in new["policies"]:
            for clock in policy["clocks"]:
                if clock["clock"] == "resolve" and not clock.get("redo"):
                    clock["start"] = "dispatched"
        made = self.draft(new, "policies")["draft"]
        replay = self.admin.post(f"/v1/admin/policies/drafts/{made}/replay", {"limit": 7})
        self.assertEqual((replay["tickets"], replay["restarted"], replay["is_complete"]), (7, 7, False))
        none = self.admin.post(f"/v1/admin/policies/drafts/{made}/replay", {"to": "2026-02-13T09:00:00+08:00"})
        self.assertEqual((none["tickets"], none["clocks"], none["by_clock"]), (0, 0, []))
        text = self.daemon.hotline("--lang", "en", "policies", "replay", str(made))
        self.assertRegex(text, r"tickets +24")
        self.assertRegex(text, r"sign\S* +24 +0 +0")


class Instant(VersionTest):
    CLOCK = "2026-03-02T10:00:00+08:00"

    def test_from_an_instant_on(self):
        old = self.activate(self.draft(self.lamps_to("JY-GJ"))["draft"])["version"]
        before = self.new_ticket()
        at = self.later(3600)
        planned = self.activate(self.draft(self.lamps_to("JY-CGJ"))["draft"], at=at)
        self.assertEqual((planned["state"], planned["in_force"], planned["at"]), ("scheduled", old, at))
        self.assertEqual(self.version_of(self.new_ticket()), old)
        self.daemon.advance(3599)
        last = self.new_ticket()
        self.assertEqual((last["route"]["lead_unit"], self.version_of(last)), ("JY-GJ", old))
        self.daemon.advance(1)
        self.assertEqual(self.in_force(), planned["version"])
        first = self.new_ticket()
        self.assertEqual((first["received_at"], first["route"]["lead_unit"]), (at, "JY-CGJ"))
        self.assertEqual(self.version_of(first), planned["version"])
        for number in (before["number"], last["number"]):
            why = self.desk.get(f"/v1/tickets/{number}/explain")
            self.assertEqual((why["route"]["rule"], self.version_of(why)), ("R0015", old))
            self.assertEqual((why["rule_set_in_force"], why["rules"]), (False, []))
            self.assertEqual((why["rule"]["code"], why["rule"]["unit"]), ("R0015", "JY-GJ"), "as it stands in its version")
            self.assertEqual(self.desk.get(f"/v1/tickets/{number}")["route"]["lead_unit"], "JY-GJ")
        plans = list(pages(self.admin, "/v1/admin/rules/activations"))
        self.assertEqual((plans[0]["activation"], plans[0]["state"], plans[0]["at"]), (planned["activation"], "done", at))
        periods = next(pages(self.admin, "/v1/admin/rules"))["periods"]
        self.assertEqual(periods, [{"from": at, "to": None}])

    def test_a_matter_under_a_draft(self):
        made = self.draft(self.lamps_to("JY-XFJY", "supposed"))["draft"]
        matter = {"channel": "phone", "kind": "help", "category": "010206"}
        now = self.desk.post("/v1/explain", matter)
        then = self.desk.post("/v1/explain", {**matter, "draft": made})
        self.assertNotEqual(now["route"]["lead_unit"], "JY-XFJY")
        self.assertEqual((then["route"]["lead_unit"], then["draft"], then["route"]["rule_set"]), ("JY-XFJY", made, "0"))
        self.assertNotIn("draft", now)
        self.assertEqual(self.desk.call("POST", "/v1/explain", {**matter, "draft": 999999}).status, 404)
        self.assertEqual(self.desk.call("POST", "/v1/explain", {**matter, "draft": 0}).status, 400)

    def test_two_parts_at_one_instant_and_one_jump_over_several(self):
        at, then = self.later(600), self.later(1200)
        policies = self.body("policies")
        policies["name"] = "both"
        rules = self.activate(self.draft(self.lamps_to("JY-JTJ"))["draft"], at=at)
        slas = self.activate(self.draft(policies, "policies")["draft"], "policies", at=at)
        last = self.activate(self.draft(self.lamps_to("JY-GJ"))["draft"], at=then)
        clash = self.admin.call("POST", f"/v1/admin/rules/drafts/{last['draft']}/activate", {"at": at})
        self.assertEqual((clash.status, clash.json["type"]), (409, "urn:hotline:conflict"))
        past = self.admin.call("POST", f"/v1/admin/rules/drafts/{last['draft']}/activate", {"at": "2026-03-02T09:00:00+08:00"})
        self.assertEqual((past.status, past.json["errors"]), (400, [{"field": "at", "reason": "range"}]))
        self.daemon.advance(3600)
        self.assertEqual((self.in_force(), self.in_force("policies")), (last["version"], slas["version"]))
        periods = {v["version"]: v["periods"] for v in pages(self.admin, "/v1/admin/rules")}
        self.assertEqual(periods[rules["version"]], [{"from": at, "to": then}])
        self.assertEqual(periods[last["version"]], [{"from": then, "to": None}])
        rows = self.daemon.sql(f"SELECT count(*) FROM config_version WHERE rule_set = {rules['version']}")
        self.assertEqual(rows, [["1"]], "both parts with one row")

    def test_called_off_in_time(self):
        old = self.in_force()
        planned = self.activate(self.draft(self.lamps_to("JY-FGW"))["draft"], at=self.later(60))
        path = f"/v1/admin/rules/activations/{planned['activation']}/cancel"
        self.assertEqual(self.admin.post(path)["state"], "cancelled")
        again = self.admin.call("POST", path, {})
        self.assertEqual((again.status, again.json["state"]), (409, "cancelled"))
        self.daemon.advance(120)
        self.assertEqual(self.in_force(), old)
        done = self.activate(planned["draft"])
        self.assertEqual((done["version"], done["state"]), (planned["version"], "done"), "the same draft, the same version")
        late = self.admin.call("POST", f"/v1/admin/rules/activations/{done['activation']}/cancel", {})
        self.assertEqual((late.status, late.json["state"]), (409, "done"))

    def test_what_no_longer_fits_is_written_off(self):
        """Between plan and instant an import takes away a unit that the draft names."""
        bundle = self.admin.get("/v1/admin/export")
        body = self.lamps_to("JY-NEW")
        fitting = json.loads(json.dumps(bundle))
        fitting["units"].append({"code": "JY-NEW", "name": "新单位", "tier": "city", "kind": "department",
                                 "duties": [], "regions": [bundle["regions"][0]["code"]]})
        self.admin.post("/v1/admin/import", fitting)
        planned = self.activate(self.draft(body)["draft"], at=self.later(60))
        self.admin.post("/v1/admin/import", bundle)
        kept = self.in_force()
        refused = self.admin.call("POST", f"/v1/admin/rules/drafts/{planned['draft']}/activate", {})
        self.assertEqual((refused.status, refused.json["errors"][0]["field"]), (400, "rules[R0015].unit"))
        self.daemon.advance(60)
        plan = next(p for p in pages(self.admin, "/v1/admin/rules/activations") if p["activation"] == planned["activation"])
        self.assertEqual(plan["state"], "failed")
        self.assertIn("unknown", plan["reason"])
        self.assertEqual(self.in_force(), kept)
        self.assertEqual(self.version_of(self.new_ticket()), kept)

    def test_killed_before_the_instant(self):
        self.activate(self.draft(self.lamps_to("JY-FGW", "before"))["draft"], at=self.later(800))
        at = self.later(900)
        planned = self.activate(self.draft(self.lamps_to("JY-CGJ", "killed"))["draft"], at=at)
        self.daemon.kill()
        self.daemon.clock = (dt.datetime.fromisoformat(at) + dt.timedelta(seconds=5)).isoformat()
        self.daemon.start()
        for client in (self.desk, self.supervisor, self.admin):
            client.close()
            client.port = self.daemon.port
        first = self.new_ticket()
        self.assertEqual((first["route"]["lead_unit"], self.version_of(first)), ("JY-CGJ", planned["version"]))
        wait_until(lambda: self.daemon.sql(f"SELECT state FROM activation WHERE id = {planned['activation']}") == [["done"]],
                   "the plan to be noted")
        self.assertEqual(self.daemon.sql(f"SELECT count(*) FROM config_version WHERE rule_set = {planned['version']}"), [["1"]])


class TwoDaemons(VersionTest):
    CLOCK = "2026-03-02T10:00:00+08:00"

    def test_each_by_its_own_clock_and_once(self):
        second = Daemon(self.CLOCK, options=["--instance", "1", "--database",
                                             f"host={self.daemon.socket_dir()} dbname=hotline user=hotline"])
        shutil.copy(os.path.join(self.daemon.data, "secret.key"), second.data)
        second.tokens = self.daemon.tokens
        second.start()
        other = second.client("admin")
        try:
            old = self.in_force()
            at = self.later(600)
            planned = self.activate(self.draft(self.lamps_to("JY-CGJ"))["draft"], at=at)
            self.daemon.advance(600)
            self.assertEqual(self.version_of(self.new_ticket()), planned["version"])
            # the other daemon's clock stands before the instant, whatever the database says
            self.assertEqual(self.version_of(self.new_ticket(other)), old)
            second.advance(599)
            self.assertEqual(self.version_of(self.new_ticket(other)), old)
            second.advance(1)
            self.assertEqual(self.version_of(self.new_ticket(other)), planned["version"])
            self.assertEqual(self.in_force(client=other), planned["version"])
            # what is put in force at once is heard of by the other
            now = self.activate(self.draft(self.lamps_to("JY-GJ", "now"))["draft"])
            wait_until(lambda: self.in_force(client=other) == now["version"], "the other daemon to hear of it")
            # both reach an instant together: once
            at = self.later(300)
            both = self.activate(self.draft(self.lamps_to("JY-JTJ", "both"))["draft"], at=at)
            wait_until(lambda: self.daemon.sql("SELECT 1") == [["1"]], "the database")
            second.advance(300)
            self.daemon.advance(300)
            rows = self.daemon.sql(f"SELECT count(*) FROM config_version WHERE rule_set = {both['version']}")
            self.assertEqual(rows, [["1"]])
            self.assertEqual((self.in_force(), self.in_force(client=other)), (both["version"], both["version"]))
        finally:
            other.close()
            second.clean()


class Running(VersionTest):
    CLOCK = "2026-03-02T10:00:00+08:00"

    def redo(self, number):
        """Sent back after its call-back: a new round, and the deadline of its resolve clock."""
        self.work(number)
        self.desk.post(f"/v1/tickets/{number}/review", {"pass": True})
        self.desk.post(f"/v1/tickets/{number}/callback", {"reached": True, "solved": False})
        ticket = self.desk.get(f"/v1/tickets/{number}")
        self.assertEqual(ticket["round"], 2)
        return next(c["due_at"] for c in ticket["clocks"]
                    if c["clock"] == "resolve" and c["round"] == 2 and c["state"] == "running")

    def test_noise_at_night(self):
        """DOMAIN 3: by day the community, at night the town's urban management with the police."""
        noise = {"category": "010212", "region": "320281001001", "title": "夜里噪音", "text": "噪音扰民"}
        by_day = self.desk.post("/v1/explain", {"channel": "phone", "kind": "complaint", **noise})
        self.daemon.move_clock("2026-03-09T23:30:00+08:00")
        at_night = self.new_ticket(**noise)["route"]
        tiers = {u["code"]: u["tier"] for u in self.admin.get("/v1/admin/export")["units"]}
        self.assertEqual((by_day["route"]["rule"], tiers[by_day["route"]["lead_unit"]]), ("R0023", "village"))
        self.assertEqual((at_night["rule"], tiers[at_night["lead_unit"]], at_night["co_units"]), ("R0355", "town", ["JY-GAJ"]))

    def test_a_running_ticket_keeps_its_policy(self):
        calendar = Calendar(ROOT / "daemon" / "cities" / "workdays-cn.csv")
        running = self.new_ticket()
        policies = self.body("policies")
        policies["name"] = "longer"
        clocks = next(p for p in policies["policies"] if p["name"] == "default")["clocks"]
        for clock in clocks:
            if clock["clock"] == "resolve" and clock.get("redo") and not clock.get("urgency"):
                self.assertEqual((clock["limit"], clock["unit"]), (3, "working_days"))
                clock["limit"] = 7
        old = self.in_force("policies")
        activated = self.activate(self.draft(policies, "policies")["draft"], "policies")
        self.assertNotEqual(old, activated["version"])
        fresh = self.new_ticket()
        at = dt.datetime.fromisoformat(self.daemon.advance(3600)).astimezone(ZONE)
        for number, days in ((running["number"], 3), (fresh["number"], 7)):
            self.assertEqual(self.redo(number), calendar.add_working_days(at, days).isoformat(), days)
        kept = self.daemon.sql(f"SELECT sla_set FROM ticket WHERE number IN ({running['number']}, {fresh['number']}) ORDER BY number")
        self.assertEqual(kept, [[str(old)], [str(activated["version"])]])


if __name__ == "__main__":
    main()
