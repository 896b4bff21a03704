"""The bulletin, the measures and the scores against an independent count.

A hundred tickets go random ways through the API over the turn of a year, moved by the test clock. Then every figure of three
months is counted again here, from what the API tells of each ticket (assignments, clocks, closings) and from a journal of
what was done, and held against the bulletin's CSV row by row, the measures and the scores.
"""
import collections
import csv
import datetime
import heapq
import html.parser
import io
import json
import random
import xml.etree.ElementTree
from fractions import Fraction

from hotline_test import DaemonTest, main

MONTHS = ["2025-12", "2026-01", "2026-02"]
NONE_DUE = "无 none due"
TICKETS = 100
# a name that would break out of a cell and of a page, and that a spreadsheet would compute
HOSTILE = "=1+1,\"<b>&'</td>"
UNIT = "JY-GJ"
MEASURES = ["on_time_closing", "closing", "on_time_signing", "response", "solved", "solved_first", "solved_final", "satisfied",
            "satisfied_first", "satisfied_final", "return", "redo", "once_done"]
FIGURES = ["received", "desk", "dispatched", "closed", "on_time", "in_hand", "overdue", "carried_over"]
SCALES = [{"measure": "on_time_closing", "points": 20, "full_at": 95, "per_point": 1, "floor": 0, "lose": "below"},
          {"measure": "satisfied_final", "points": 25, "full_at": 98, "per_point": 0.5, "floor": 12.5, "lose": "below"},
          {"measure": "redo", "points": 5.5, "full_at": 5, "per_point": 0.05, "floor": 0.1, "lose": "above"}]


def instant(text):
    return datetime.datetime.fromisoformat(text) if text else None


def edges(month):
    first = datetime.datetime.fromisoformat(month + "-01T00:00:00+08:00")
    return first, (first + datetime.timedelta(days=32)).replace(day=1)


def percent_points(scale, counts):
    """Points by the words of DOMAIN 5, in fractions; None: nothing was due."""
    n, d = counts
    if not d:
        return None
    off = (Fraction(str(scale["full_at"])) - Fraction(100 * n, d)) * (1 if scale["lose"] == "below" else -1)
    points = Fraction(str(scale["points"])) - max(off, 0) * Fraction(str(scale["per_point"]))
    return max(points, Fraction(str(scale["floor"])))


def micro(x):
    """Half up to a millionth."""
    return Fraction((2 * x.numerator * 10**6 + x.denominator) // (2 * x.denominator), 10**6)


class Story:
    """Random tickets and the journal of what was done to them."""

    def __init__(self, test, seed):
        self.test, self.random = test, random.Random(seed)
        self.now = instant("2025-12-08T09:00:00+08:00")
        self.agenda, self.serial = [], 0
        self.tickets = {}  # number: {"calls": [...], "left": instant, "taken_back": instant}

    def later(self, hours, step):
        self.serial += 1
        at = self.now + datetime.timedelta(seconds=int(3600 * hours))
        heapq.heappush(self.agenda, (at, self.serial, step))

    def play(self, until):
        while self.agenda and self.agenda[0][0] < until:
            at, _, step = heapq.heappop(self.agenda)
            if at > self.now:
                self.now = at
                self.test.daemon.move_clock(at.isoformat())
            step()

    def start(self):
        for _ in range(TICKETS):
            self.later(self.random.uniform(0, 24 * 65), self.receive)

    def receive(self):
        r = self.random
        body = {"channel": r.choice(["phone", "phone", "wechat", "web"]), "title": "事项", "text": "请处理",
                "kind": r.choice(["consult", "help", "complaint", "complaint", "praise"]),
                "category": r.choice(["010206", "010206", "010101", "020101"]),
                "region": r.choice(["320281001001", "320281005203", "320281000000"])}
        number = self.test.desk.ok("POST", "/v1/tickets", body)["number"]
        self.tickets[number] = {"calls": [], "left": None, "taken_back": None}
        way = r.choices(["answer", "reject", "withdraw", "ignore", "work"], [15, 5, 8, 10, 62])[0]
        if way == "work":
            self.later(r.choice([1, 2, 30, 80]), lambda: self.sign(number))
        elif way != "ignore":
            self.later(r.uniform(0.1, 3), lambda: self.leave(number, way))

    def leave(self, number, way):
        body = {"answer": {"reply": "好"}, "reject": {"ground": "不属于受理范围"}, "withdraw": {}}[way]
        self.test.desk.post(f"/v1/tickets/{number}/{way}", body)
        if way != "withdraw" and self.test.desk.get(f"/v1/tickets/{number}")["assignments"]:
            self.tickets[number]["taken_back"] = self.now
        if way != "answer":
            self.tickets[number]["left"] = self.now

    def live(self, number):
        ticket = self.test.desk.get(f"/v1/tickets/{number}")
        return [a for a in ticket["assignments"] if a["state"] in ("unsigned", "working")]

    def each(self, number, action, body):
        for a in sorted(self.live(number), key=lambda a: a["role"] == "lead"):
            unit = self.test.daemon.unit(a["unit"])
            unit.post(f"/v1/assignments/{a['id']}/{action}", body)
            unit.close()

    def sign(self, number):
        self.each(number, "sign", {})
        if self.random.random() < 0.7:
            self.later(self.random.choice([0.5, 40]), lambda: self.each(number, "contact", {"text": "已联系"}))
        self.later(self.random.choice([50, 100, 150, 500]), lambda: self.report(number))

    def report(self, number):
        self.each(number, "report", {"solved": True, "internal": "已处理", "public_reply": "已处理"})
        self.later(self.random.choice([1, 30]), lambda: self.review(number))

    def review(self, number):
        self.test.desk.post(f"/v1/tickets/{number}/review", {"pass": True})
        self.later(self.random.choice([2, 60]), lambda: self.call_back(number))

    def call_back(self, number):
        r = self.random
        body = {"reached": r.random() < 0.8}
        if body["reached"]:
            body["solved"] = r.random() < 0.7
            if r.random() < 0.8:
                body["satisfied"] = r.randint(3, 5) if body["solved"] else r.randint(1, 3)
        ticket = self.test.desk.post(f"/v1/tickets/{number}/callback", body)
        if body["reached"]:
            self.tickets[number]["calls"].append((self.now, body.get("solved"), body.get("satisfied")))
        if ticket["state"] == "callback":
            self.later(30, lambda: self.call_back(number))
        elif ticket["state"] == "handling":
            self.later(r.choice([1, 20]), lambda: self.sign(number))


class Count:
    """The figures of a period, from the tickets as the API tells them; keyed by unit, None = all."""

    def __init__(self, tickets, journal, start, end):
        self.start, self.end = start, end
        self.figures = collections.defaultdict(lambda: dict.fromkeys(FIGURES, 0))
        self.measures = collections.defaultdict(lambda: {m: [0, 0] for m in MEASURES})
        self.tiers, self.days = collections.Counter(), collections.defaultdict(collections.Counter)
        self.by = {name: collections.defaultdict(collections.Counter) for name in ("channel", "kind", "category")}
        for ticket in tickets:
            note = journal[ticket["number"]]
            self.count_figures(ticket, note)
            self.count_due(ticket, note)
            self.count_work(ticket)
            self.count_calls(ticket, note)

    def within(self, at):
        return at is not None and self.start <= at < self.end

    def figure(self, name, unit, n=1):
        self.figures[unit or ""][name] += n
        self.figures[None][name] += n

    def measure(self, name, unit, n, d=1):
        for key in (unit or "", None):
            self.measures[key][name][0] += int(n)
            self.measures[key][name][1] += d

    def count_figures(self, ticket, note):
        lead, received, closed = ticket["route"]["lead_unit"], instant(ticket["received_at"]), instant(ticket["closed_at"])
        if self.within(received):
            self.figure("received", lead)
            self.days[received.date().isoformat()]["received"] += 1
            for name, counts in self.by.items():
                counts[ticket[name]]["received"] += 1
        # of the first assignment: the ticket itself forgets a dispatch that was taken back
        if ticket["assignments"] and self.within(min(instant(a["dispatched_at"]) for a in ticket["assignments"])):
            self.figure("dispatched", lead)
        if self.within(note["taken_back"]):
            self.figure("dispatched", lead, -1)
        if self.within(closed):
            unit = ticket["closed_unit"]
            self.figure("closed", unit)
            self.figure("on_time", unit, int(ticket["closed_on_time"]))
            self.figure("desk", unit, int(ticket["closed_tier"] == "desk"))
            self.tiers[ticket["closed_tier"]] += 1
            self.days[closed.date().isoformat()]["closed"] += 1
            for name, counts in self.by.items():
                counts[ticket[name]]["closed"] += 1
            self.measure("once_done", unit, ticket["round"] == 1)
            self.measure("redo", unit, 0)
        self.count_stock(ticket, lead, received, closed or note["left"])

    def count_stock(self, ticket, lead, received, ended):
        if received < self.start and (ended is None or ended >= self.start):
            self.figure("carried_over", lead)
        if received < self.end and (ended is None or ended >= self.end):
            self.figure("in_hand", lead)
            missed = [instant(c["breached_at"]) for c in ticket["clocks"] if c["clock"] == "resolve" and c["unit"] is None]
            self.figure("overdue", lead, int(any(at and at < self.end for at in missed)))

    def count_due(self, ticket, note):
        clocks = [c for c in ticket["clocks"] if c["clock"] == "resolve" and c["round"] == 1 and c["unit"] is None]
        if not clocks or note["left"] or not self.within(instant(clocks[-1]["due_at"])):
            return
        lead = ticket["route"]["lead_unit"]
        self.measure("closing", lead, bool(ticket["closed_at"]))
        self.measure("on_time_closing", lead, bool(ticket["closed_on_time"]))

    def count_work(self, ticket):
        redone = set()
        for a in ticket["assignments"]:
            if not self.within(instant(a["dispatched_at"])):
                continue
            clocks = {c["clock"]: c for c in ticket["clocks"] if c["unit"] == a["unit"] and c["round"] == a["round"]}
            sign = clocks.get("sign")
            if a["role"] == "lead" and a["round"] > 1:
                redone.add(a["unit"])
            if a["state"] == "recalled" and not a["signed_at"] and not (sign and sign["breached_at"]):
                continue
            for name, clock in (("on_time_signing", sign), ("response", clocks.get("first_contact"))):
                if clock:
                    self.measure(name, a["unit"], bool(clock["met_at"]) and instant(clock["met_at"]) <= instant(clock["due_at"]))
            self.measure("return", a["unit"], a["state"] == "returned")
        for unit in redone:
            self.measure("redo", unit, 1, 0)

    def count_calls(self, ticket, note):
        lead, calls = ticket["route"]["lead_unit"], note["calls"]
        for i, (at, solved, grade) in enumerate(calls):
            if not self.within(at):
                continue
            for suffix, counts in (("", True), ("_first", i == 0), ("_final", i == len(calls) - 1)):
                if counts and solved is not None:
                    self.measure("solved" + suffix, lead, solved)
                if counts and grade is not None:
                    self.measure("satisfied" + suffix, lead, grade >= 4)


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text = collections.Counter(), [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_data(self, data):
        self.text += data


class Bulletin(DaemonTest):
    CLOCK = "2025-12-08T09:00:00+08:00"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin.post("/v1/admin/scores", {"name": "考核", "from": "2025-01-01T00:00:00+08:00", "scales": SCALES})
        city = cls.admin.get("/v1/admin/export")
        next(u for u in city["units"] if u["code"] == UNIT)["name"] = HOSTILE
        cls.admin.post("/v1/admin/import", city)
        cls.story = Story(cls, 20260213)
        cls.story.start()
        cls.story.play(instant("2026-02-20T10:00:00+08:00"))
        cls.now = instant(cls.daemon.move_clock("2026-02-20T10:00:00+08:00"))
        cls.tickets = [cls.desk.get(f"/v1/tickets/{n}") for n in cls.story.tickets]
        cls.counts = {}
        for month in MONTHS:
            start, end = edges(month)
            cls.counts[month] = Count(cls.tickets, cls.story.tickets, start, min(end, cls.now + datetime.timedelta(seconds=1)))

    def rows(self, month):
        answer = self.desk.call("GET", f"/v1/reports/bulletin?month={month}&format=csv")
        self.assertEqual(answer.status, 200, answer)
        self.assertTrue(answer.headers["content-type"].startswith("text/csv; charset=utf-8"))
        self.assertEqual(answer.headers["content-disposition"], f'attachment; filename="12345-320281-{month}.csv"')
        text = answer.body.decode("utf-8")
        self.assertEqual(text[0], "\ufeff")
        self.assertEqual(text.count("\n"), text.count("\r\n"))  # no name of this city has a line break
        table = list(csv.reader(io.StringIO(text[1:], newline=""), strict=True))
        self.assertEqual(table[0], ["section", "key", "name", "figure", "label", "count", "numerator", "denominator", "rate",
                                    "points"])
        self.assertEqual({len(row) for row in table}, {10})
        return [dict(zip(table[0], row)) for row in table[1:]]

    def section(self, rows, name):
        return {(r["key"], r["figure"]): r for r in rows if r["section"] == name}

    def check_rate(self, row, counts, what):
        n, d = counts
        self.assertEqual((row["numerator"], row["denominator"]), (str(n), str(d)), what)
        expected = NONE_DUE if d == 0 else f"{(2 * 10000 * n + d) // (2 * d) / 10000:.4f}"
        self.assertEqual(row["rate"], expected, what)

    # ---- the story is one that says something ------------------------------------------------------

    def test_0_the_story_has_every_case(self):
        states = collections.Counter(t["state"] for t in self.tickets)
        for state in ("closed", "rejected", "withdrawn", "handling"):
            self.assertGreater(states[state], 0, states)
        self.assertTrue(any(t["round"] > 1 and t["closed_at"] for t in self.tickets))
        total = {m: [sum(c.measures[None][m][i] for c in self.counts.values()) for i in (0, 1)] for m in MEASURES}
        for name in MEASURES:
            self.assertGreater(total[name][1], 0, name)
            if name != "return":
                self.assertGreater(total[name][0], 0, name)
        for month in MONTHS[1:]:
            self.assertGreater(self.counts[month].figures[None]["carried_over"], 0, "over the turn of the year as well")
            self.assertGreater(self.counts[month].figures[None]["overdue"], 0, month)

    # ---- CSV ----------------------------------------------------------------------------------------

    def test_figures_tiers_days(self):
        for month in MONTHS:
            rows, count = self.rows(month), self.counts[month]
            with self.subTest(month):
                found = {f: int(r["count"]) for (_, f), r in self.section(rows, "figures").items()}
                self.assertEqual(found, count.figures[None])
                closed = count.figures[None]["closed"]
                for (tier, figure), row in self.section(rows, "tiers").items():
                    if figure == "closed":
                        self.assertEqual(int(row["count"]), count.tiers[tier], tier)
                        self.check_rate(row, (count.tiers[tier], closed), tier)
                self.assertEqual(sum(count.tiers.values()), closed)
                days = self.section(rows, "days")
                start, end = edges(month)
                last = min(end - datetime.timedelta(days=1), self.now)
                self.assertEqual(sorted({key for key, _ in days}),
                                 [f"{month}-{d:02}" for d in range(1, last.day + 1)])
                for (day, figure), row in days.items():
                    self.assertEqual(int(row["count"]), count.days[day][figure], (day, figure))

    def test_channels_kinds_categories(self):
        for month in MONTHS:
            rows, count = self.rows(month), self.counts[month]
            for name, section in (("channel", "channels"), ("kind", "kinds"), ("category", "categories")):
                with self.subTest(month=month, section=section):
                    found = self.section(rows, section)
                    self.assertEqual({key for key, _ in found}, set(count.by[name]))
                    for (key, figure), row in found.items():
                        self.assertEqual(int(row["count"]), count.by[name][key][figure], (key, figure))
                        self.check_rate(row, (count.by[name][key][figure], count.figures[None][figure]), key)
                    sizes = [int(r["count"]) for r in found.values() if r["figure"] == "received"]
                    self.assertEqual(sizes, sorted(sizes, reverse=True))

    def test_measures_and_units(self):
        for month in MONTHS:
            rows, count = self.rows(month), self.counts[month]
            with self.subTest(month):
                for (_, name), row in self.section(rows, "measures").items():
                    self.check_rate(row, count.measures[None][name], name)
                found = self.section(rows, "units")
                wanted = {u for u in set(count.figures) | set(count.measures) if u is not None
                          and (any(count.figures[u].values()) or any(any(c) for c in count.measures[u].values()))}
                self.assertEqual({key for key, _ in found}, wanted)
                for (unit, name), row in found.items():
                    if name in FIGURES:
                        self.assertEqual(int(row["count"]), count.figures[unit][name], (unit, name))
                    else:
                        self.check_rate(row, count.measures[unit][name], (unit, name))

    def expected_scores(self, count, units):
        full = sum(Fraction(str(s["points"])) for s in SCALES)
        totals = {}
        for unit in units:
            points = {s["measure"]: percent_points(s, count.measures[unit][s["measure"]]) for s in SCALES}
            due = [s for s in SCALES if points[s["measure"]] is not None]
            got = sum(micro(points[s["measure"]]) for s in due)
            out_of = sum(Fraction(str(s["points"])) for s in due)
            totals[unit] = (points, got, out_of, micro(got * full / out_of) if due else None)
        ranks = {u: 1 + sum(1 for t in totals.values() if t[3] is not None and t[3] > totals[u][3])
                 for u in units if totals[u][3] is not None}
        return totals, ranks

    def test_scores(self):
        for month in MONTHS:
            rows, count = self.section(self.rows(month), "scores"), self.counts[month]
            units = {key for key, _ in rows}
            self.assertTrue(units and "" not in units)
            totals, ranks = self.expected_scores(count, units)
            for unit in units:
                with self.subTest(month=month, unit=unit):
                    points, _, _, total = totals[unit]
                    for measure, value in points.items():
                        shown = rows[unit, measure]["points"]
                        self.assertEqual(NONE_DUE if value is None else micro(value),
                                         shown if value is None else Fraction(shown), measure)
                        self.check_rate(rows[unit, measure], count.measures[unit][measure], measure)
                    shown = rows[unit, "total"]["points"]
                    self.assertEqual(NONE_DUE if total is None else total, shown if total is None else Fraction(shown))
                    self.assertEqual(rows[unit, "rank"]["count"] if unit in ranks else None,
                                     str(ranks[unit]) if unit in ranks else None)

    def test_report_scores_is_the_same(self):
        month = MONTHS[1]
        start, end = edges(month)
        report = self.supervisor.get(f"/v1/reports/scores?from={month}-01T00:00:00%2B08:00&to={end.isoformat().replace('+', '%2B')}")
        totals, ranks = self.expected_scores(self.counts[month], [i["key"] for i in report["items"]])
        self.assertEqual(report["set"]["name"], "考核")
        self.assertEqual(report["set"]["full"], 50.5)
        self.assertEqual(report["count"], len(report["items"]))
        for item in report["items"]:
            _, got, out_of, total = totals[item["key"]]
            self.assertEqual(item["rank"], ranks.get(item["key"]))
            self.assertEqual(item["total"], None if total is None else float(total))
            self.assertEqual((item["points"], item["out_of"]), (float(got), float(out_of)))
        given = [item["rank"] for item in report["items"] if item["rank"]]
        self.assertEqual(given, sorted(given))
        self.assertTrue(all(i["rank"] is None for i in report["items"][len(given):]))
        first = self.desk.get(f"/v1/reports/scores?from={month}-01T00:00:00%2B08:00&to={end.isoformat().replace('+', '%2B')}&limit=1")
        self.assertEqual(first["items"], report["items"][:1])
        self.assertEqual(first["count"], report["count"])
        towns = self.desk.get(f"/v1/reports/scores?by=region&level=town&from={month}-01T00:00:00%2B08:00")
        self.assertEqual(towns["basis"]["level"], "town")
        cities = self.desk.get(f"/v1/reports/scores?tier=city&from={month}-01T00:00:00%2B08:00")
        self.assertIn(UNIT, [i["key"] for i in cities["items"]])
        villages = self.desk.get(f"/v1/reports/scores?tier=village&from={month}-01T00:00:00%2B08:00")
        self.assertNotIn(UNIT, [i["key"] for i in villages["items"]])

    def test_the_other_reports_say_the_same(self):
        for month in MONTHS:
            start, end = edges(month)
            period = f"from={month}-01T00:00:00%2B08:00&to={end.isoformat().replace('+', '%2B')}"
            count = self.counts[month]
            with self.subTest(month):
                tiers = self.desk.get(f"/v1/reports/tiers?{period}")
                self.assertEqual({f: tiers[f] for f in FIGURES}, count.figures[None])
                for by in ("unit", "day", "month", "region", "total"):
                    report = self.desk.get(f"/v1/reports/measures?{period}&by={by}")
                    for name in MEASURES:
                        total = report["total"][name]
                        self.assertEqual([total["numerator"], total["denominator"]], count.measures[None][name], (by, name))
                        if by == "total":
                            continue
                        self.assertEqual(sum(i[name]["denominator"] for i in report["items"]), total["denominator"], (by, name))
                        self.assertEqual(sum(i[name]["numerator"] for i in report["items"]), total["numerator"], (by, name))
                    if by == "total":
                        self.assertEqual(report["items"], [])
                    if by == "month":
                        self.assertEqual([i["key"] for i in report["items"]], [month])

    def test_places_by_level_and_matters_by_depth(self):
        period = "from=2025-12-01T00:00:00%2B08:00"
        towns = self.desk.get(f"/v1/reports/measures?{period}&by=region&level=town")
        self.assertEqual({i["key"] for i in towns["items"]} - {"320281001000", "320281005000", "320281000000", ""}, set())
        tops = self.desk.get(f"/v1/reports/measures?{period}&by=category&depth=1")
        self.assertTrue(all(len(i["key"]) == 2 for i in tops["items"]), [i["key"] for i in tops["items"]])
        for report in (towns, tops):
            self.assertEqual(sum(i["closing"]["denominator"] for i in report["items"]), report["total"]["closing"]["denominator"])
        for query, field in (("by=unit&level=town", "level"), ("by=region&depth=1", "depth"), ("by=region&level=desk", "level")):
            answer = self.desk.call("GET", "/v1/reports/measures?" + query)
            self.assertEqual((answer.status, answer.json["errors"][0]), (400, {"field": field, "reason": "not_allowed"}))

    # ---- the page -----------------------------------------------------------------------------------

    def page(self, month):
        answer = self.desk.call("GET", f"/v1/reports/bulletin?month={month}")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.headers["content-type"], "text/html; charset=utf-8")
        self.assertEqual(answer.headers["content-security-policy"],
                         "default-src 'none'; style-src 'unsafe-inline'; img-src data:")
        self.assertEqual(answer.headers["x-content-type-options"], "nosniff")
        return answer.body.decode("utf-8")

    def test_the_page_is_well_formed_and_self_contained(self):
        for month in MONTHS:
            text = self.page(month)
            with self.subTest(month):
                xml.etree.ElementTree.fromstring(text)  # expat: well formed
                page = Page(text)
                for tag in ("script", "link", "img", "iframe", "object", "a", "base", "form", "b"):
                    self.assertEqual(page.tags[tag], 0, tag)
                self.assertGreaterEqual(page.tags["svg"], 5)
                for tag, name, value in page.attributes:
                    self.assertFalse(name.startswith("on") or name in ("src", "href", "xlink:href"), (tag, name))
                    if tag in ("rect", "text", "svg", "line") and name in ("x", "y", "width", "height"):
                        self.assertRegex(value, r"^\d+(\.\d)?$", (tag, name))
                    if name == "points":
                        self.assertRegex(value, r"^(\d+\.\d,\d+\.\d( |$))+$")
                self.assertNotRegex(text, r"url\(|@import|nan|inf\b")

    def test_the_page_says_the_figures(self):
        for month in MONTHS:
            text, count = self.page(month), self.counts[month]
            for name in MEASURES:
                n, d = count.measures[None][name]
                rate = NONE_DUE if d == 0 else f"{(2 * 10000 * n + d) // (2 * d) / 100:.2f}%"
                self.assertIn(f"<td>{rate}<small>{n} / {d}</small></td>", text, (month, name))
            for figure in FIGURES:
                self.assertIn(f"<td>{count.figures[None][figure]}</td>", text)
        self.assertEqual(["provisional" in self.page(m) for m in MONTHS], [False, False, True])

    def test_hostile_names_stay_text(self):
        month = next(m for m in MONTHS if UNIT in self.counts[m].measures)
        self.assertIn(HOSTILE, Page(self.page(month)).text)
        cells = {r["name"] for r in self.rows(month) if r["section"] == "units" and r["key"] == UNIT}
        self.assertEqual(cells, {"'" + HOSTILE})

    # ---- edges --------------------------------------------------------------------------------------

    def test_a_month_of_nothing_is_none_due_everywhere(self):
        rows = self.rows("2025-01")
        rates = [r["rate"] for r in rows if r["section"] in ("measures", "tiers") and r["numerator"]]
        self.assertGreater(len(rates), 13)
        self.assertEqual(set(rates), {NONE_DUE})
        self.assertEqual({r["count"] for r in rows if r["section"] in ("figures", "days")}, {"0"})
        self.assertNotIn("0.00%", self.page("2025-01"))
        self.assertNotIn("100.00%", self.page("2025-01"))

    def test_months_that_are_none(self):
        for query, reason in (("", "required"), ("month=2026-13", "format"), ("month=2026-1", "format"), ("month=202602", "format"),
                              ("month=2026-03", "range"), ("month=1970-01", "range"), ("month=2199-12", "range")):
            answer = self.desk.call("GET", f"/v1/reports/bulletin?{query}")
            self.assertEqual((answer.status, answer.json["errors"]), (400, [{"field": "month", "reason": reason}]), query)
        answer = self.desk.call("GET", "/v1/reports/bulletin?month=2026-02&format=pdf")
        self.assertEqual(answer.json["errors"], [{"field": "format", "reason": "not_allowed"}])

    def test_score_sets_are_versions(self):
        before = self.admin.get("/v1/admin/scores")["items"]
        draft = {"name": "二月起", "from": "2026-02-01T00:00:00+08:00",
                 "scales": [{"measure": "closing", "points": 10, "full_at": 90, "per_point": 0.25}]}
        made = self.admin.ok("POST", "/v1/admin/scores", draft, status=201)
        self.assertEqual(made["scales"][0]["floor"], 0)
        self.assertEqual(self.admin.ok("POST", "/v1/admin/scores", draft, status=200)["version"], made["version"])
        items = self.admin.get("/v1/admin/scores")["items"]
        self.assertEqual(len(items), len(before) + 1)
        self.assertEqual([i["in_force"] for i in items], [True] + [False] * len(before))
        period = "from={}-01T00:00:00%2B08:00&to={}-01T00:00:00%2B08:00&limit=1"
        january = self.desk.get("/v1/reports/scores?" + period.format("2026-01", "2026-02"))
        february = self.desk.get("/v1/reports/scores?" + period.format("2026-02", "2026-03"))
        self.assertEqual((january["set"]["name"], february["set"]["name"]), ("考核", "二月起"))
        nothing = self.desk.get("/v1/reports/scores?" + period.format("2024-01", "2024-02"))
        self.assertEqual((nothing["set"], nothing["items"]), (None, []))
        # put back for the other tests: the old scales in force again from February on
        self.admin.ok("POST", "/v1/admin/scores", {"name": "考核", "from": "2026-02-01T00:00:00+08:00", "scales": SCALES},
                      status=201)
        answer = self.admin.call("POST", "/v1/admin/scores", {"name": "x", "scales": [{"measure": "closing", "points": 0,
                                                                                      "full_at": 90, "per_point": 1}]})
        self.assertEqual((answer.status, answer.json["errors"]), (400, [{"field": "scales[0].points", "reason": "range"}]))

    def test_the_client(self):
        self.assertIn("考核", self.daemon.hotline("report", "scores", "--from", "2026-01-01T00:00:00+08:00", who="supervisor"))
        csv_text = self.daemon.hotline("report", "bulletin", "2026-01", "--csv", who="supervisor")
        self.assertIn("figures,,,received", csv_text)
        path = self.daemon.data + "/bulletin.html"
        self.daemon.hotline("report", "bulletin", "2026-01", "--out", path, who="supervisor")
        with open(path, encoding="utf-8") as f:
            self.assertTrue(f.read().startswith("<!DOCTYPE html>"))
        self.daemon.hotline("report", "bulletin", "2026-07", who="supervisor", code=1)
        path = self.daemon.data + "/scores.json"
        with open(path, "w", encoding="utf-8") as f:
            json.dump({"name": "以后", "from": "2026-12-01T00:00:00+08:00", "scales": SCALES}, f)
        self.daemon.hotline("admin", "score", "add", path)
        self.assertIn("以后", self.daemon.hotline("admin", "scores"))


class Lianyungang(DaemonTest):
    """June 2019: 24,165 on time and 25,783 closed of 29,186 due. Rows of that size, through the whole daemon."""

    CLOCK = "2019-07-10T09:00:00+08:00"
    ROWS = """
        INSERT INTO ticket (number, query_code, state, channel, kind, urgency, category, title, text, received_at, received_by,
                            lead_unit, rule_set, route_reason, sla_set, calendar_set, policy, closed_at, closed_tier, closed_unit,
                            closed_on_time, event_count, event_hash)
        SELECT n, 'q', CASE WHEN n <= 25783 THEN 'closed' ELSE 'handling' END, 'phone', 'help', 'normal', '010206', 't', 't',
               '2019-05-20T00:00:00Z', 'desk', 'JY-GJ', 1, 'rule', 1, 1, 'default',
               CASE WHEN n <= 25783 THEN timestamptz '2019-06-30T04:00:00Z' END, CASE WHEN n <= 25783 THEN 'town' END,
               CASE WHEN n <= 25783 THEN 'JY-GJ' END, CASE WHEN n <= 25783 THEN n <= 24165 END, 1, decode(repeat('00', 32), 'hex')
        FROM generate_series(1, 29186) AS n;
        INSERT INTO ticket_clock (number, ordinal, clock, round, state, stop, unit, is_pausable, is_provisional, started_at,
                                  due_at, warn_at, met_at)
        SELECT n, 1, 'resolve', 1, CASE WHEN n <= 25783 THEN 'met' ELSE 'running' END, 'reported', 'working_days', true, false,
               '2019-05-20T00:00:00Z', at, at, CASE WHEN n <= 25783 THEN at END
        FROM (SELECT n, timestamptz '2019-06-01T00:00:00+08:00' + n * interval '80 seconds' AS at
              FROM generate_series(1, 29186) AS n) AS x"""

    @classmethod
    def check_orphans(cls):
        pass  # rows made by hand

    def test_the_published_rates(self):
        self.daemon.sql(self.ROWS)
        report = self.desk.get("/v1/reports/measures?by=unit&from=2019-06-01T00:00:00%2B08:00&to=2019-07-01T00:00:00%2B08:00")
        for row in (report["total"], report["items"][0]):
            self.assertEqual(row["on_time_closing"], {"numerator": 24165, "denominator": 29186, "rate": 0.8280})
            self.assertEqual(row["closing"], {"numerator": 25783, "denominator": 29186, "rate": 0.8834})
            self.assertEqual(row["response"], {"numerator": 0, "denominator": 0, "rate": None})
        page = self.desk.call("GET", "/v1/reports/bulletin?month=2019-06").body.decode()
        self.assertIn("82.80%<small>24165 / 29186</small>", page)
        self.assertIn("88.34%<small>25783 / 29186</small>", page)
        table = self.desk.call("GET", "/v1/reports/bulletin?month=2019-06&format=csv").body.decode()
        self.assertIn(",on_time_closing,按时办结率,,24165,29186,0.8280,", table)

    def test_a_return_counts_for_the_unit_that_returned(self):
        made = self.new_ticket(category="010206")
        first = made["route"]["lead_unit"]
        unit = self.daemon.unit(first)
        path = f"/v1/assignments/{made['number']}-1"
        unit.post(path + "/sign")
        unit.post(path + "/return", {"ground": "not_own_duty", "text": "非本单位职责"})
        report = "/v1/reports/measures?by=unit&from=2019-07-01T00:00:00%2B08:00"
        self.assertEqual(self.desk.get(report)["total"]["return"]["numerator"], 0)  # asked for, not granted
        self.desk.post(f"/v1/tickets/{made['number']}/decide",
                       {"request": made["number"] + "-1", "grant": True, "lead_unit": "JY-CGJ", "text": "同意"})
        unit.close()
        rows = {i["key"]: i for i in self.desk.get(report)["items"]}
        self.assertEqual(rows[first]["return"], {"numerator": 1, "denominator": 1, "rate": 1})
        self.assertEqual(rows["JY-CGJ"]["return"], {"numerator": 0, "denominator": 1, "rate": 0})
        page = self.desk.call("GET", "/v1/reports/bulletin?month=2019-07").body.decode()
        self.assertIn("<td>50.00%<small>1 / 2</small></td>", page)



if __name__ == "__main__":
    main()
