"""Another calendar comes into force: what it moves, what it does not, before, during and after; explained day by day.

The deadlines are held against a second implementation (harness/calendar_again.py), with half days and a town of its own.
"""
import csv
import datetime as dt
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from calendar_again import OPEN, ZONE, Calendar
from hotline_test import ROOT, Daemon, DaemonTest, main, wait_until

CITY = ROOT / "daemon" / "cities" / "jiangyin"
TOWN = "320281004000"
HALF = "08:30-12:00"
LIVE = """
    SELECT k.number, k.ordinal, k.clock, k.state, k.unit, k.amount, k.is_provisional,
           (extract(epoch FROM k.started_at) * 1000000)::bigint, (extract(epoch FROM k.due_at) * 1000000)::bigint,
           (extract(epoch FROM k.warn_at) * 1000000)::bigint, k.adjustments, k.breached_at IS NOT NULL, t.region, t.closed_at IS NULL
    FROM ticket_clock k JOIN ticket t USING (number) ORDER BY 1, 2"""


def instant(us):
    return dt.datetime.fromtimestamp(int(us) // 1000000, ZONE) + dt.timedelta(microseconds=int(us) % 1000000)


def micros(at):
    return round((at - dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)) / dt.timedelta(microseconds=1))


class Oracle(Calendar):
    """Working days by a loop over days, with hours of their own on half days."""

    def __init__(self, days):
        self.listed = {d["date"]: d["kind"] for d in days}
        self.hours = {d["date"]: [tuple(dt.time.fromisoformat(t) for t in i.split("-")) for i in d["open"]]
                      for d in days if d["kind"] == "custom"}

    def works(self, day):
        kind = self.listed.get(day.isoformat())
        return kind != "off" if kind else day.weekday() < 5

    def open(self, day):
        return self.hours.get(day.isoformat(), OPEN) if self.works(day) else ()

    def add_working_days(self, start, count):
        day = start.astimezone(ZONE).date()
        while count:
            day += dt.timedelta(days=1)
            count -= self.works(day)
        return dt.datetime.combine(day, self.open(day)[-1][1], ZONE)

    def add_working_minutes(self, start, minutes):
        left, day, at = dt.timedelta(minutes=minutes), start.astimezone(ZONE).date(), start
        while True:
            for opens, closes in self.open(day):
                opens, closes = max(at, dt.datetime.combine(day, opens, ZONE)), dt.datetime.combine(day, closes, ZONE)
                if opens < closes and left <= closes - opens:
                    return opens + left
                left -= max(closes - opens, dt.timedelta())
            day += dt.timedelta(days=1)

    def working_minutes(self, a, b):
        sum_, day = dt.timedelta(), a.astimezone(ZONE).date()
        while day <= b.astimezone(ZONE).date():
            for opens, closes in self.open(day):
                sum_ += max(min(b, dt.datetime.combine(day, closes, ZONE)) - max(a, dt.datetime.combine(day, opens, ZONE)),
                            dt.timedelta())
            day += dt.timedelta(days=1)
        return sum_ / dt.timedelta(minutes=1)

    def deadline(self, clock):
        due = self.due(instant(clock["started"]), clock["amount"], clock["unit"])
        for adjustment in clock["adjustments"]:
            if adjustment[0] == 1:
                due = self.add_working_days(due, adjustment[1])
            else:
                given_back = self.working_minutes(instant(adjustment[1]), instant(adjustment[2]))
                due = self.add_working_minutes(due, given_back) if given_back else due
        return due


class Base(DaemonTest):
    CLOCK = "2026-02-10T10:00:00+08:00"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with open(CITY / "regions.csv", encoding="utf-8") as f:
            cls.villages = {r["code"]: r["parent"] for r in csv.DictReader(f) if r["level"] == "village"}

    def fill(self, count, seed=0):
        """Tickets of all kinds and many places."""
        kinds, urgencies = ["help", "complaint", "consult", "report", "suggestion"], ["normal"] * 4 + ["urgent"]
        regions, numbers = sorted(self.villages), []
        for i in range(seed, seed + count):
            numbers.append(self.new_ticket(kind=kinds[i % 5], urgency=urgencies[i % 7 % 5],
                                           region=regions[i * 13 % len(regions)])["number"])
        return numbers

    def clocks(self):
        names = ("number", "ordinal", "clock", "state", "unit", "amount", "provisional", "started", "due", "warn",
                 "adjustments", "breached", "region", "open")
        found = {}
        for row in self.daemon.sql(LIVE):
            clock = dict(zip(names, row))
            clock["amount"], clock["adjustments"] = int(clock["amount"]), json.loads(clock["adjustments"])
            found[clock["number"], clock["ordinal"]] = clock
        return found

    def active(self):
        return self.admin.get("/v1/admin/calendars/active")["body"]

    def draft(self, body):
        return self.admin.ok("POST", "/v1/admin/calendars/drafts", body, status=201)["draft"]

    def preview(self, draft):
        return self.admin.post(f"/v1/admin/calendars/drafts/{draft}/preview", {"samples": 1000})

    def activate(self, draft, **at):
        return self.admin.post(f"/v1/admin/calendars/drafts/{draft}/activate", at)

    def followed(self):
        def done():
            status = self.admin.get("/v1/admin/calendars/recompute")
            return status if status["state"] == "done" else None
        return wait_until(done, "the deadlines to follow")

    def recomputed(self, after=0):
        """(number, clock ordinal) -> details of the events of that kind."""
        found = {}
        for number, detail in self.daemon.sql(
                f"SELECT number, detail_text FROM ticket_event WHERE type = 'clock.recomputed' AND id > {after} ORDER BY id"):
            detail = json.loads(detail)
            found.setdefault((number, str(detail["ordinal"])), []).append(detail)
        return found

    def last_event(self):
        return int(self.daemon.sql("SELECT coalesce(max(id), 0) FROM ticket_event")[0][0])

    def oracles(self, body):
        """region of a ticket -> the calendar that holds there."""
        city = next(c for c in body["calendars"] if not c.get("region"))
        towns = {c["region"]: Oracle(c["days"]) for c in body["calendars"] if c.get("region")}
        whole = Oracle(city["days"])
        return lambda region: towns.get(self.villages.get(region), whole)

    def check_all(self, body):
        """Every live, unbroken deadline of every open ticket is what the calendar in force says."""
        oracle, seen = self.oracles(body), 0
        for key, clock in self.clocks().items():
            if clock["open"] == "t" and clock["state"] in ("running", "paused") and clock["breached"] == "f":
                self.assertEqual(instant(clock["due"]), oracle(clock["region"]).deadline(clock), (key, clock))
                seen += 1
        self.assertGreater(seen, 100)

    def check_change(self, before, after, events):
        """One event for each clock that changed, which says what; none for the others."""
        same = ("due", "warn", "provisional")
        changed = {key for key in before if [before[key][n] for n in same] != [after[key][n] for n in same]}
        self.assertEqual(set(events), changed)
        for key, details in events.items():
            self.assertEqual(len(details), 1, (key, details))
            self.assertEqual(micros(dt.datetime.fromisoformat(details[0]["due_before"])), int(before[key]["due"]))
            self.assertEqual(micros(dt.datetime.fromisoformat(details[0]["due_at"])), int(after[key]["due"]))
        for key in set(before) - changed:
            self.assertEqual(before[key], after[key])
        return changed

    def check_preview(self, preview, before, after, changed):
        """What was foretold is what has happened."""
        self.assertTrue(preview["is_complete"])
        self.assertEqual(preview["changed"], len(changed))
        self.assertEqual(preview["tickets_changed"], len({number for number, _ in changed}))
        self.assertEqual(preview["earlier"], sum(int(after[k]["due"]) < int(before[k]["due"]) for k in changed))
        self.assertEqual(preview["later"], sum(int(after[k]["due"]) > int(before[k]["due"]) for k in changed))
        self.assertEqual(preview["provisional_resolved"],
                         sum((before[k]["provisional"], after[k]["provisional"]) == ("t", "f") for k in changed))
        self.assertEqual(sum(row["changed"] for row in preview["by_clock"]), len(changed))
        foretold = {(s["number"], s["clock"], s["due_before"], s["due_after"]) for s in preview["samples"]}
        happened = {(k[0], before[k]["clock"], instant(before[k]["due"]).isoformat(), instant(after[k]["due"]).isoformat())
                    for k in changed}
        self.assertTrue(foretold <= happened, list(foretold - happened)[:3])
        self.assertGreaterEqual(len(foretold), min(len(happened), 900))

    def changed_city(self):
        """Through CSV as offices have it: a worked Saturday is off, a half day, and a town with a day off of its own."""
        folder = tempfile.TemporaryDirectory()
        with open(CITY / "calendar.csv", encoding="utf-8") as f:
            settings = f.read()
        with open(CITY / "calendar_days.csv", encoding="utf-8") as f:
            days = [row for row in csv.reader(f)]
        city = [row for row in days[1:] if row[1] not in ("2026-02-14", "2026-02-12")]
        city += [["cn", "2026-02-14", "off", "临时", ""], ["cn", "2026-02-12", "custom", "半天", HALF]]
        town = [["town", *row[1:]] for row in city] + [["town", "2026-02-26", "off", "镇庆", ""]]
        path = pathlib.Path(folder.name)
        own = "".join(line.replace("cn,", "town,", 1) + "\n" for line in settings.splitlines()[1:])
        (path / "calendar.csv").write_text(settings + f"town,region,{TOWN}\n" + own, encoding="utf-8")
        with open(path / "calendar_days.csv", "w", encoding="utf-8", newline="") as f:
            csv.writer(f).writerows([days[0], *city, *town])
        return folder

    def work_on_some(self, numbers):
        """A granted suspension that is over, one that lasts, an extension, a closed ticket; returns the first three."""
        def first(number):
            return self.desk.get(f"/v1/tickets/{number}")["assignments"][0]

        def on(number, action, **body):
            a = first(number)
            unit = self.daemon.unit(a["unit"])
            answer = unit.post(f"/v1/assignments/{a['id']}/{action}", body)
            unit.close()
            return answer
        over, lasting, extended, closed = numbers
        for number in (over, lasting, extended):
            on(number, "sign")
        for number in (over, lasting):
            on(number, "suspend", until="2026-02-24" if number == lasting else "2026-02-11", reason="等待材料")
            self.desk.post(f"/v1/tickets/{number}/decide", {"request": "suspension", "grant": True, "text": "同意"})
        on(extended, "extend", days=3, ground="需要协调")
        self.desk.post(f"/v1/tickets/{extended}/decide", {"request": "extension", "grant": True, "text": "同意"})
        self.work(closed)
        self.desk.post(f"/v1/tickets/{closed}/review", {"pass": True})
        return over, lasting, extended


class Recompute(Base):
    def test_every_deadline_follows(self):
        numbers = self.fill(150)
        helps = [n for i, n in enumerate(numbers) if i % 5 == 0 and i % 7 % 5 != 4]
        special = self.work_on_some(helps[:4])
        self.daemon.move_clock("2026-02-11T09:30:00+08:00")
        self.fill(150, seed=150)
        old, before, mark = self.active(), self.clocks(), self.last_event()
        with self.changed_city() as folder:
            out = self.daemon.hotline("calendars", "draft", folder, "--json")
        draft = json.loads(out)["draft"]
        preview = self.preview(draft)
        self.assertEqual(self.clocks(), before, "a preview stores nothing")
        self.assertEqual(self.last_event(), mark)
        self.activate(draft)
        self.assertEqual(self.followed()["moved"], preview["tickets_changed"])
        after, events = self.clocks(), self.recomputed(mark)
        changed = self.check_change(before, after, events)
        self.check_preview(preview, before, after, changed)
        self.check_all(self.active())
        clocks = {after[k]["clock"] for k in changed}
        self.assertLessEqual({"resolve", "first_contact", "return"}, clocks)
        self.assertTrue(any(self.villages[after[k]["region"]] == TOWN for k in changed))
        self.check_queues()
        self.check_untouched(before, after, changed)
        self.explained(special, draft)
        self.back_again(old, before)

    def check_queues(self):
        """What units see is ordered by the new deadlines."""
        wrong = self.daemon.sql("""
            SELECT q.number, q.due_at, k.due_at FROM queue_item q JOIN assignment a USING (number, ordinal)
            JOIN ticket_clock k ON k.number = q.number AND k.clock = 'resolve' AND k.state = 'running' AND k.assignment = 0
            WHERE a.role = 'lead' AND q.due_at <> k.due_at""")
        self.assertEqual(wrong, [])

    def check_untouched(self, before, after, changed):
        for key, clock in before.items():
            if clock["state"] in ("met", "stopped") or clock["breached"] == "t" or clock["unit"] == "minutes":
                self.assertNotIn(key, changed)
                self.assertEqual(clock, after[key])

    def explained(self, special, version):
        over, lasting, extended = special
        deadlines = {n: next(d for d in self.desk.get(f"/v1/tickets/{n}/explain")["deadlines"] if d["clock"] == "resolve")
                     for n in special}
        pause, = deadlines[over]["adjustments"]
        self.assertEqual((pause["kind"], pause["from"], pause["until"]),
                         ("pause", "2026-02-10T10:00:00+08:00", "2026-02-11T00:00:00+08:00"))
        self.assertEqual(pause["seconds"], 5.5 * 3600)
        self.assertIn("暂停 2026-02-10 10:00 至 2026-02-11 00:00: 退还工作时间 5 小时 30 分", pause["zh"])
        self.assertIn("5 h 30 min of working time given back", pause["en"])
        self.assertEqual(pause["due_at"], deadlines[over]["due_at"])
        extension, = deadlines[extended]["adjustments"]
        self.assertEqual((extension["kind"], extension["amount"], extension["unit"]), ("extension", 3, "working_days"))
        self.assertEqual(extension["due_before"], deadlines[extended]["original_due_at"])
        self.assertEqual(extension["due_at"], deadlines[extended]["due_at"])
        self.assertIn("延期 3 工作日", extension["zh"])
        self.assertEqual(deadlines[lasting]["paused_since"], "2026-02-10T10:00:00+08:00")
        for deadline in deadlines.values():
            self.assertTrue(deadline["is_by_calendar"], deadline)
            move, = deadline["moves"]
            self.assertEqual(move["due_at"], deadline["due_at"])
            self.assertEqual(move["calendar_version"], deadline["calendar_version"])
            self.assertIn("工作日历第", move["zh"])
            counted = [line for line in deadline["lines"] if line["kind"] == "counted"]
            self.assertEqual([line["counted"] for line in counted], list(range(1, deadline["limit"] + 1)))
            off = {line["day"]: line for line in deadline["lines"] if line["kind"] == "off"}
            self.assertEqual(off["2026-02-14"]["name"], "临时")
        out = self.daemon.hotline("explain", extended, "--lang", "zh", who="desk")
        self.assertIn(extension["zh"], out)
        self.assertIn(deadlines[extended]["moves"][0]["zh"], out)
        out = self.daemon.hotline("explain", over, "--lang", "en", who="desk")
        self.assertIn(pause["en"], out)

    def back_again(self, old, before):
        """The calendar of before comes back: so do the deadlines."""
        old["name"] = "as before"
        self.activate(self.draft(old))
        self.followed()
        after = self.clocks()
        for key, clock in before.items():
            self.assertEqual((clock["due"], clock["warn"]), (after[key]["due"], after[key]["warn"]), key)
        self.check_all(old)


# What a daemon has stored, without what differs from run to run; an audience is a set.
STORED = [
    "SELECT to_jsonb(t) - 'calendar_set' FROM ticket t ORDER BY number",
    "SELECT to_jsonb(a) FROM assignment a ORDER BY number, ordinal",
    "SELECT to_jsonb(k) FROM ticket_clock k ORDER BY number, ordinal",
    "SELECT to_jsonb(q) FROM queue_item q ORDER BY number, ordinal",
    """SELECT (to_jsonb(e) - '{id,xid,audience}'::text[]) || jsonb_build_object('audience', (SELECT array_agg(u ORDER BY u) FROM unnest(audience) u))
       FROM ticket_event e ORDER BY number, seq""",
    "SELECT to_jsonb(y) - '{id,xid}'::text[] FROM tally y ORDER BY number, at, unit, to_jsonb(y) - '{id,xid}'::text[]",
]
# Whatever the narrow statement wants to store has been changed by somebody: every ticket takes the wide way.
NO_NARROW_WAY = """
    CREATE FUNCTION changed_meanwhile() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER changed_meanwhile BEFORE UPDATE ON ticket FOR EACH ROW
        WHEN (current_query() LIKE '%AS x (number, version, event_count%') EXECUTE FUNCTION changed_meanwhile()"""


class TwoWays(Base):
    """What time does to many tickets is stored by a narrow statement (tick_apply), to one of them by that for everything
    (ticket_apply). The same tickets, the same calendar, the same hours: one daemon the one way, its twin the other."""

    def twin(self):
        daemon = Daemon(self.AT)
        shutil.rmtree(daemon.data)
        subprocess.run(["cp", "-a", self.daemon.data, daemon.data], check=True)
        daemon.tokens = self.daemon.tokens
        self.addCleanup(daemon.clean)
        return daemon.start()

    AT = "2026-02-11T09:30:00+08:00"

    def metric(self, daemon, name):
        client = daemon.client()
        text = client.call("GET", "/metrics").body.decode()
        client.close()
        return int(re.search(rf"^{name} (\d+)$", text, re.M).group(1))

    def live(self, daemon, draft):
        """The calendar comes into force, then days pass: moves, warnings, breaches, steps up, a suspension that ends."""
        admin = daemon.client("admin")
        admin.post(f"/v1/admin/calendars/drafts/{draft}/activate", {})
        wait_until(lambda: admin.get("/v1/admin/calendars/recompute")["state"] == "done", "the deadlines to follow")
        for at in ("2026-02-11T11:00:00", "2026-02-13T17:30:01", "2026-02-24T12:00:00", "2026-03-06T18:00:00"):
            daemon.move_clock(at + "+08:00")
        found = admin.post("/v1/admin/verify", {})
        self.assertEqual((found["differing"], found["broken_chains"], found["samples"], found["next"]), (0, 0, [], None))
        admin.close()
        return [[row[0] for row in daemon.sql(text)] for text in STORED]

    def test_both_store_the_same(self):
        numbers = self.fill(120)
        helps = [n for i, n in enumerate(numbers) if i % 5 == 0 and i % 7 % 5 != 4]
        self.work_on_some(helps[:4])
        self.desk.post(f"/v1/tickets/{helps[4]}/add-unit", {"unit": self.other_unit(helps[4])})
        with self.changed_city() as folder:
            draft = json.loads(self.daemon.hotline("calendars", "draft", folder, "--json"))["draft"]
        self.daemon.stop()
        narrow, wide = self.twin(), self.twin()
        wide.sql(NO_NARROW_WAY)
        one, other = self.live(narrow, draft), self.live(wide, draft)
        for mine, theirs in zip(one, other):
            self.assertEqual(len(mine), len(theirs))
            for a, b in zip(mine, theirs):
                self.assertEqual(json.loads(a), json.loads(b))
        kinds = {json.loads(e)["type"] for e in one[4]}
        self.assertLessEqual({"clock.recomputed", "clock.warned", "clock.breached", "clock.escalated", "assignment.resumed"}, kinds)
        singles = [self.metric(d, "hotlined_bulk_singles_total") for d in (narrow, wide)]
        looked_at = self.metric(narrow, "hotlined_bulk_tickets_total")
        self.assertLess(singles[0], 10)
        self.assertGreater(singles[1], 200)
        print(f"{looked_at} tickets in bulk, {singles[0]} of them the wide way; of its twin {singles[1]}")

    def other_unit(self, number):
        has = {a["unit"] for a in self.desk.get(f"/v1/tickets/{number}")["assignments"]}
        return next(row[0] for row in self.daemon.sql("SELECT code FROM unit WHERE NOT is_retired ORDER BY code") if row[0] not in has)


class Killed(Base):
    """kill -9 while the deadlines are computed again: it goes on, and nothing is done twice."""

    def test_goes_on(self):
        self.fill(720)
        body, before = self.active(), self.clocks()
        body["name"] = "killed"
        body["calendars"][0]["days"] = [d for d in body["calendars"][0]["days"] if d["date"] != "2026-02-12"] + [
            {"date": "2026-02-12", "kind": "off", "name": "临时"}]
        draft = self.draft(body)
        preview = self.preview(draft)
        self.assertGreater(preview["tickets_changed"], 500)
        self.activate(draft)
        # in the middle if we are quick enough, else after it: what has to hold is the same
        wait_until(self.recomputed, "the first deadline to move")
        self.daemon.kill()
        some = len(self.recomputed())
        for client in (self.desk, self.supervisor, self.admin):
            client.close()
        self.daemon.start()
        for client in (self.desk, self.supervisor, self.admin):
            client.port = self.daemon.port
        self.followed()
        print(f"{some} of {preview['changed']} deadlines had moved when it was killed")
        after = self.clocks()
        changed = self.check_change(before, after, self.recomputed())
        self.assertEqual(len(changed), preview["changed"])
        self.check_all(body)
        self.assertEqual(self.daemon.sql("SELECT count(*) FROM (SELECT number FROM ticket_event GROUP BY number "
                                         "HAVING max(seq) <> count(*)) AS x"), [["0"]])


class Notice(Base):
    """The yearly list arrives: provisional deadlines become firm."""

    CLOCK = "2026-12-25T10:00:00+08:00"
    ROWS = ["date,kind,name,hours", "2027-01-01,off,元旦,", "2027-01-03,work,元旦,", "2027-01-04,off,元旦,",
            "2027-01-08,half,机关活动,08:30-12:00"]

    def notice(self, rows):
        f = tempfile.NamedTemporaryFile("w", suffix=".csv", encoding="utf-8", delete=False)
        with f:
            f.write("\n".join(rows) + "\n")
        self.addCleanup(os.unlink, f.name)
        return f.name

    def imported(self, rows, *more, code=0):
        return self.daemon.hotline("calendar", "import", "--year", "2027", *more, self.notice(rows), code=code)

    def test_refusals_name_the_line(self):
        head = self.ROWS[0]
        for row in ("2026-12-31,off,元旦,", "2027-01-05,work,元旦,", "2027-01-09,half,,", "2027-01-09,off,,08:30-12:00",
                    "2027-02-30,off,,", "2027-01-09,closed,,", "2027-01-09,off"):
            with self.subTest(row):
                self.imported([head, "2027-01-01,off,元旦,", row], code=2)
        self.imported([head, "2027-01-01,off,,", "2027-01-01,off,,"], code=2)
        self.imported([head], code=2)
        self.imported(["day,kind", "2027-01-01,off"], code=2)
        before = len(self.admin.get("/v1/admin/calendars/drafts")["items"])
        self.imported([head, "2027-01-05,work,元旦,"], "--force", "--name", "forced")
        drafts = self.admin.get("/v1/admin/calendars/drafts")["items"]
        self.assertEqual(len(drafts), before + 1)

    def test_provisional_deadlines_become_firm(self):
        self.fill(30)
        before = self.clocks()
        provisional = {k for k, c in before.items() if c["provisional"] == "t"}
        self.assertGreater(len(provisional), 10)
        draft = json.loads(self.imported(self.ROWS, "--json"))["draft"]
        body = self.admin.get(f"/v1/admin/calendars/drafts/{draft}")["body"]
        self.assertEqual(body["name"], "2027")
        city = body["calendars"][0]
        self.assertEqual(city["published_years"][-2:], [2026, 2027])
        self.assertEqual([d["kind"] for d in city["days"] if d["date"] >= "2027"], ["off", "work", "off", "custom"])
        preview = self.preview(draft)
        out = self.daemon.hotline("calendar", "preview", str(draft), "--lang", "zh")
        self.assertIn("暂定转为确定", out)
        self.assertEqual(preview["provisional_resolved"], len(provisional))
        mark = self.last_event()
        plan = self.activate(draft, at="2026-12-25T12:00:00+08:00")
        self.assertEqual(plan["state"], "scheduled")
        self.daemon.move_clock("2026-12-25T11:59:59+08:00")
        self.assertEqual(self.recomputed(mark), {})
        self.daemon.move_clock("2026-12-25T12:00:00+08:00")  # answers when the deadlines have followed
        self.assertEqual(self.admin.get("/v1/admin/calendars/recompute")["state"], "done")
        after = self.clocks()
        events = self.recomputed(mark)
        self.assertLessEqual(provisional, set(events))
        self.assertTrue(all(after[k]["provisional"] == "f" for k in provisional))
        self.assertTrue(all(len(e) == 1 and e[0]["provisional"] is False for e in events.values()))
        self.check_all(body)
        self.assertIn("done", self.daemon.hotline("calendar", "status", "--lang", "en"))

    def test_who_may_ask(self):
        unit = self.daemon.unit("JY-GJ")
        self.assertEqual(unit.call("GET", "/v1/admin/calendars/recompute").status, 403)
        self.assertEqual(self.admin.call("POST", "/v1/admin/rules/drafts/1/preview", {}).status, 404)
        self.assertEqual(self.admin.call("POST", "/v1/admin/calendars/drafts/999999/preview", {}).status, 404)
        wrong = self.admin.call("POST", "/v1/admin/calendars/drafts/1/preview", {"samples": 100000})
        self.assertEqual((wrong.status, wrong.json["errors"]), (400, [{"field": "samples", "reason": "range"}]))
        unit.close()


if __name__ == "__main__":
    main()
