"""Real input once through everything: 4,800 citizens' messages of 2011 to 2020, worked off along their own dates.

Every message becomes a ticket at the moment it was posted and, if the real unit replied, is worked through claim, sign,
contact, report, review and call-back at the moment of the reply. What the daemon then reports is held against a recount
made here, over the input, the demo city's own CSV files and a calendar written again, and against the daemon's own
full recount. The texts stay in ../shared/data; without them the test is skipped.
"""
import collections
import csv
import datetime as dt
import hashlib
import json
import os
import sys

from calendar_again import ZONE, Calendar
from hotline_test import ROOT, SHARED, DaemonTest, main

CITY = ROOT / "daemon" / "cities" / "jiangyin"
MOST = int(os.environ.get("HOTLINE_REPLAY", "0"))  # messages of each file; 0 = all
KINDS = ("consult", "help", "complaint", "report", "suggestion", "praise")
CHANNELS = ("phone", "phone", "phone", "wechat", "web", "grid", "upstream")


def rows(name):
    with open(CITY / name, encoding="utf-8-sig") as f:
        return list(csv.DictReader(f))


def dice(message, what, sides):
    """The same throw for the same message in every run."""
    digest = hashlib.sha256(f"{what}:{message['id']}:{message['posted_at']}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % sides


def instant(text):
    return dt.datetime.fromisoformat(text).astimezone(ZONE)


def load(name):
    with open(SHARED / "data" / name, encoding="utf-8") as f:
        messages = [json.loads(line) for line in f]
    return messages[:MOST] if MOST else messages


class Recount:
    """What must have been counted, from what was done and the rules of DOMAIN 4 and 5 alone."""

    def __init__(self):
        self.calendar = Calendar(ROOT / "daemon" / "cities" / "workdays-cn.csv")
        self.tier = {row["code"]: row["tier"] for row in rows("units.csv")}
        self.rule_sla = {row["code"]: row["sla"] or "default" for row in rows("rules.csv")}
        self.resolve = [row for row in rows("sla.csv") if row["clock"] == "resolve" and row["redo"] not in ("true", "yes")]
        self.tickets = {}

    def due(self, ticket):
        def fits(row):
            return (row["policy"] == ticket["policy"] and row["kind"] in ("", ticket["kind"])
                    and row["urgency"] in ("", ticket["urgency"]))

        row = max(filter(fits, self.resolve), key=lambda r: (r["urgency"] != "", r["kind"] != ""))
        return self.calendar.due(ticket["received"], int(row["limit"]), row["unit"])

    def received(self, number, at, answer):
        ticket = {"received": at, "kind": answer["kind"], "urgency": answer["urgency"],
                  "policy": self.rule_sla[answer["route"]["rule"]] if answer["route"]["rule"] else "default",
                  "dispatched": at if answer["route"]["lead_unit"] else None, "reported": None,
                  "ended": None, "tier": None, "channel": answer["channel"], "region": answer["region"]}
        ticket["due"] = self.due(ticket)
        self.tickets[number] = ticket

    def closed(self, number, at, tier):
        ticket = self.tickets[number]
        ticket["ended"], ticket["tier"] = at, tier
        # on the spot the answer is the result; a unit's result is its report
        ticket["on_time"] = (ticket["reported"] or at) <= ticket["due"]
        if tier == "desk":
            ticket["dispatched"] = None

    def report(self, start, end, keep=lambda t: True):
        tickets = [t for t in self.tickets.values() if keep(t)]

        def within(at):
            return at is not None and start <= at < end

        def open_at(t, at):
            return t["received"] < at and not (t["ended"] and t["ended"] < at)

        def late_at(t, at):
            return open_at(t, at) and t["due"] < at and not (t["reported"] and t["reported"] <= t["due"])

        closed = [t for t in tickets if t["tier"] and within(t["ended"])]
        tiers = collections.Counter(t["tier"] for t in closed)
        on_time = collections.Counter(t["tier"] for t in closed if t["on_time"])
        return {
            "received": sum(within(t["received"]) for t in tickets),
            "desk": tiers["desk"],
            "dispatched": sum(within(t["dispatched"]) for t in tickets),
            "in_hand": sum(open_at(t, end) for t in tickets),
            "overdue": sum(late_at(t, end) for t in tickets),
            "carried_over": sum(open_at(t, start) for t in tickets),
            "closed": len(closed),
            "tiers": {tier: (count, on_time[tier]) for tier, count in tiers.items()},
        }


class Replay(DaemonTest):
    CLOCK = "2011-01-01T00:00:00+08:00"
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.leaves = [row["code"] for row in rows("categories.csv") if len(row["code"]) == 6]
        regions = rows("regions.csv")
        cls.villages = [row["code"] for row in regions if row["level"] == "village"]
        cls.towns = [row["code"] for row in regions if row["level"] == "town"]
        cls.units = {}
        cls.recount = Recount()

    def unit(self, code):
        if code not in self.units:
            self.units[code] = self.daemon.unit(code)
        return self.units[code]

    # ---- one message ------------------------------------------------------------------------------

    def create(self, message, at):
        where = dice(message, "place", 20)
        place = None if where == 0 else self.towns if where < 3 else self.villages
        region = place[dice(message, "region", len(place))] if place else None
        answer = self.new_ticket(
            channel=CHANNELS[dice(message, "channel", len(CHANNELS))],
            kind=KINDS[dice(message, "kind", len(KINDS))],
            urgency=("urgent" if dice(message, "urgency", 25) == 0 else "normal"),
            category=self.leaves[dice(message, "category", len(self.leaves))],
            region=region, title=message["title"][:200], text=message["text"])
        self.recount.received(answer["number"], at, answer)
        message["number"] = answer["number"]
        message["pooled"] = answer["route"]["lead_unit"] is None
        if dice(message, "desk", 4) == 0:
            self.desk.post(f"/v1/tickets/{answer['number']}/answer", {"reply": "已当场答复。"})
            self.recount.closed(answer["number"], at, "desk")
            message["done"] = True

    def lease_of(self, unit, assignment):
        """Claims as a unit's program does; what else it got runs out by itself."""
        items = unit.post("/v1/queue/claim", {"limit": 20, "lease_seconds": 30})["items"]
        mine = [item["lease"] for item in items if item["assignment"] == assignment]
        return {"lease": mine[0]} if mine else {}

    def handle(self, assignment):
        unit = self.unit(assignment["unit"])
        path = f"/v1/assignments/{assignment['id']}"
        unit.post(path + "/sign", self.lease_of(unit, assignment["id"]))
        unit.post(path + "/contact", {"text": "已与市民联系。"})
        unit.post(path + "/report", {"solved": True, "internal": "处理完毕", "public_reply": "您好，已处理。"})

    def one_round(self, message):
        number = message["number"]
        ticket = self.desk.get(f"/v1/tickets/{number}")
        live = [a for a in ticket["assignments"] if a["round"] == ticket["round"] and a["state"] == "unsigned"]
        for assignment in sorted(live, key=lambda a: a["role"] == "lead"):
            self.handle(assignment)
        if ticket["round"] == 1 and dice(message, "review", 10) == 0:
            self.desk.post(f"/v1/tickets/{number}/review", {"pass": False, "text": "答复不完整"})
            lead = next(a for a in live if a["role"] == "lead")
            self.unit(lead["unit"]).post(f"/v1/assignments/{lead['id']}/report",
                                         {"solved": True, "public_reply": "您好，已补充。"})
        self.desk.post(f"/v1/tickets/{number}/review", {"pass": True})

    def finish(self, message, at):
        number = message["number"]
        ticket = self.recount.tickets[number]
        if message["pooled"]:
            units = sorted(code for code, tier in self.recount.tier.items() if tier == "city")
            self.desk.post(f"/v1/tickets/{number}/dispatch", {"lead_unit": units[dice(message, "unit", len(units))]})
            ticket["dispatched"] = at
        self.one_round(message)
        ticket["reported"] = at
        if dice(message, "redo", 15) == 0:
            self.desk.post(f"/v1/tickets/{number}/callback", {"reached": True, "solved": False, "satisfied": 1})
            self.one_round(message)
        answer = self.desk.post(f"/v1/tickets/{number}/callback",
                                {"reached": True, "contacted": True, "solved": True, "satisfied": 4})
        self.assertEqual(answer["state"], "closed")
        lead = [a["unit"] for a in answer["assignments"] if a["role"] == "lead"][-1]
        self.recount.closed(number, at, self.recount.tier[lead])

    # ---- all of them --------------------------------------------------------------------------------

    def steps(self):
        """(instant, order, what, message) along the real dates."""
        replies, messages = load("replies.jsonl"), load("messages.jsonl")
        for message in replies + messages:
            yield instant(message["posted_at"]), 0, self.create, message
        for message in replies:
            if message.get("replied_at") and message["replied_at"] > message["posted_at"]:
                yield instant(message["replied_at"]), 1, self.finish, message
        for message in messages:  # no reply is known: two of three are answered after 1..20 days
            if dice(message, "answered", 3):
                later = dt.timedelta(hours=9 + dice(message, "hours", 8), days=1 + dice(message, "days", 20))
                yield instant(message["posted_at"]).replace(hour=0, minute=0, second=0) + later, 1, self.finish, message

    def check_report(self, start, end, query="", keep=lambda t: True):
        def quote(at):
            return at.isoformat().replace("+", "%2B")

        got = self.supervisor.get(f"/v1/reports/tiers?from={quote(start)}&to={quote(end)}{query}")
        wanted = self.recount.report(start, end, keep)
        figures = {name: got[name] for name in wanted if name != "tiers"}
        figures["tiers"] = {t["tier"]: (t["closed"], t["on_time"]) for t in got["tiers"] if t["closed"]}
        self.assertEqual(figures, wanted, f"{start} .. {end} {query}")
        return got

    def check_reports(self, last):
        years = [dt.datetime(year, 1, 1, tzinfo=ZONE) for year in range(2011, last.year + 1)]
        for start, end in zip(years, years[1:] + [last]):
            self.check_report(start, end)
        odd = last - dt.timedelta(days=100, seconds=12345)  # begins and ends within a day
        self.check_report(odd, odd + dt.timedelta(days=61, seconds=54321))
        town = self.towns[3]
        self.check_report(years[0], last, f"&region={town}", lambda t: (t["region"] or "").startswith(town[:9]))
        self.check_report(years[0], last, "&channel=wechat", lambda t: t["channel"] == "wechat")
        self.check_report(years[0], last, "&kind=complaint", lambda t: t["kind"] == "complaint")
        return self.check_report(years[0], last)

    def test_replay(self):
        now = instant(self.CLOCK)
        steps = sorted(self.steps(), key=lambda step: step[:2])
        for n, (at, _, what, message) in enumerate(steps):
            if message.get("done"):
                continue
            if at > now:
                self.daemon.move_clock(at.isoformat())
                now = at
            what(message, now)
            if n % 1000 == 0:
                print(f"{n}/{len(steps)} {now}", flush=True)
        last = now + dt.timedelta(seconds=1)
        self.daemon.move_clock(last.isoformat())
        got = self.check_reports(last)
        print(json.dumps({k: v for k, v in got.items() if k != "basis"}, ensure_ascii=False))
        answer = self.supervisor.post("/v1/admin/recount")
        self.assertTrue(answer["equal"], answer)
        print("recount rows", answer["rows"])
        for client in self.units.values():
            client.close()


if __name__ == "__main__":
    if not (SHARED / "data" / "replies.jsonl").exists():
        print("skipped: no real input beside the project (../shared/data)")
        sys.exit(77)
    main()
