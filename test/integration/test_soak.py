"""Random lives of many tickets by eight actors at once over HTTP, the clock moving meanwhile.

Whatever they do to each other: no 5xx, no illegal state, the clocks are what the events alone give, the figures are what a
full recount gives. HOTLINE_SOAK chooses how many operations (default 1500; a million take about an hour on two cores),
HOTLINE_SEED which ones. The order in which the actors meet is the machine's; equal histories for equal seeds are proven by
test_ticket_life, which is the only one on its clock.
"""
import collections
import datetime as dt
import os
import random
import threading
import time

from hotline_test import DaemonTest, main

OPERATIONS = int(os.environ.get("HOTLINE_SOAK", "1500"))
SEED = int(os.environ.get("HOTLINE_SEED", "20261122"))
ACTORS = 8
UNITS = ["JY-T001", "JY-V001001", "JY-V001003", "JY-ZHZX", "JY-CGJ", "JY-GAJ"]
PLACES = ["320281001001", "320281001003", None]
TEXTS = ["路灯不亮", "夜间施工噪音扰民", "小区停水两天", "垃圾无人清运", "咨询社保办理"]
GROUNDS = ["wrong_district", "not_own_duty", "overlapping_duty", "lacks_information"]


class Actor(threading.Thread):
    """desk, supervisor or a unit, as it comes; tickets are shared with the others"""

    def __init__(self, test, n, operations):
        super().__init__(daemon=True)
        self.test, self.random, self.left = test, random.Random(SEED * 1000 + n), operations
        self.statuses, self.reasons, self.failure = collections.Counter(), collections.Counter(), None
        self.clients = {who: test.daemon.client(who) for who in
                        ("desk", "supervisor", *("unit:" + u for u in UNITS))}
        for client in self.clients.values():
            client.recorded = False

    def run(self):
        try:
            while self.left > 0:
                self.left -= 1
                self.step()
        except BaseException as e:  # told by the test
            self.failure = e
        finally:
            for client in self.clients.values():
                client.close()

    def call(self, who, method, target, body=None):
        answer = self.clients[who].call(method, target, body)
        self.statuses[answer.status] += 1
        if answer.status >= 500 or answer.status in (400, 401):
            raise AssertionError(f"{who} {method} {target} {body}: {answer}")
        if answer.status == 409:
            self.reasons[answer.json.get("reason", "?")] += 1
        return answer

    def receive(self):
        body = {"channel": self.random.choice(["phone", "web", "grid"]), "kind": self.random.choice(["help", "complaint"]),
                "category": self.random.choice(["010206", "0102", "010101"]), "title": self.random.choice(TEXTS),
                "text": self.random.choice(TEXTS), "urgency": self.random.choice(["normal", "normal", "urgent"])}
        place = self.random.choice(PLACES)
        if place:
            body["region"] = place
        if self.random.random() < 0.1:
            body["incomplete"] = True
        answer = self.call("desk", "POST", "/v1/tickets", body)
        with self.test.lock:
            self.test.numbers.append(answer.json["number"])

    def step(self):
        numbers = self.test.numbers
        if not numbers or self.random.random() < 0.1:
            self.receive()
            return
        number = numbers[-1 - int(self.random.expovariate(1 / 12)) % len(numbers)]
        who = self.random.choice(["desk", "desk", "supervisor", "unit", "unit", "unit", "unit"])
        if who == "unit":
            self.by_unit(number)
        else:
            self.by_desk(who, number)

    def by_desk(self, who, number):
        other = self.random.choice(self.test.numbers)
        body = {
            "answer": {"reply": "您好"}, "complete": {"category": "010206", "region": PLACES[0]},
            "dispatch": {"lead_unit": self.random.choice(UNITS)}, "reject": {"ground": "不属受理范围"},
            "refer": {"to": "110"}, "withdraw": {}, "review": {"pass": self.random.random() < 0.8},
            "callback": self.callback(), "note": {"text": "备注"}, "urge": {"text": "请尽快"}, "supervise": {"text": "督办"},
            "add-unit": {"unit": self.random.choice(UNITS)}, "decide": self.decision(), "merge": {"into": other},
            "unmerge": {}, "reopen": {"text": "又来电"}, "false-alarm": {}, "archive": {},
        }
        weights = {"review": 12, "callback": 12, "decide": 12, "dispatch": 8, "complete": 4, "reopen": 3, "add-unit": 3,
                   "note": 3, "merge": 2}
        action = self.random.choices(list(body), [weights.get(a, 1) for a in body])[0]
        self.call(who, "POST", f"/v1/tickets/{number}/{action}", body[action])

    def callback(self):
        if self.random.random() < 0.2:
            return {"reached": False}
        return {"reached": True, "solved": self.random.random() < 0.8, "satisfied": self.random.randint(1, 5)}

    def decision(self):
        body = {"request": self.random.choice(["return", "extension", "suspension"]), "grant": self.random.random() < 0.7}
        if body["request"] == "return" and self.random.random() < 0.5:
            body["lead_unit"] = self.random.choice(UNITS)
        return body

    def by_unit(self, number):
        ticket = self.clients["supervisor"].get(f"/v1/tickets/{number}")
        live = [a for a in ticket["assignments"] if not a["ended_at"]]
        known = [a for a in live if a["unit"] in UNITS]
        if not known:
            return
        a = self.random.choice(known)
        until = (dt.datetime.fromisoformat(self.test.now) + dt.timedelta(days=self.random.randint(1, 30))).isoformat()
        body = {
            "sign": {}, "contact": {}, "report": {"solved": True, "public_reply": "您好，已处理。"},
            "forward": {"unit": self.random.choice(UNITS)}, "escalate": {},
            "return": {"ground": self.random.choice(GROUNDS), "text": "依据"}, "extend": {"days": 3, "ground": "材料未到"},
            "suspend": {"until": until, "reason": "等待许可"}, "resume": {},
        }
        weights = {"sign": 10, "report": 10, "return": 3, "extend": 3, "suspend": 3, "forward": 3}
        action = self.random.choices(list(body), [weights.get(x, 2) for x in body])[0]
        self.call("unit:" + a["unit"], "POST", f"/v1/assignments/{a['id']}/{action}", body[action])


class Soak(DaemonTest):
    def setUp(self):
        self.lock, self.numbers, self.now = threading.Lock(), [], self.CLOCK
        print(f"seed {SEED}, {OPERATIONS} operations", flush=True)

    def test_random_lives(self):
        actors = [Actor(self, n, OPERATIONS // ACTORS) for n in range(ACTORS)]
        clock = random.Random(SEED)
        for actor in actors:
            actor.start()
        told = time.monotonic()
        while any(a.is_alive() for a in actors):
            self.now = self.daemon.advance(clock.choice([60, 1800, 7200, 40000]))
            actors[0].join(0.05)
            if time.monotonic() - told > 10:
                told = time.monotonic()
                print(f"{sum(a.left for a in actors)} left, {len(self.numbers)} tickets", flush=True)
        for actor in actors:
            if actor.failure:
                raise actor.failure
        statuses, reasons = collections.Counter(), collections.Counter()
        for actor in actors:
            statuses.update(actor.statuses)
            reasons.update(actor.reasons)
        print(f"{len(self.numbers)} tickets, {dict(statuses)}, refused: {dict(reasons)}", flush=True)
        self.assertGreater(statuses[200], OPERATIONS // 10)
        self.check()

    def check(self):
        illegal = self.daemon.sql("""
            SELECT number, state FROM ticket t
            WHERE state NOT IN ('incomplete', 'accepted', 'handling', 'review', 'callback')
              AND (EXISTS (SELECT FROM assignment a WHERE a.number = t.number
                           AND a.state NOT IN ('passed', 'returned', 'recalled', 'forwarded'))
                   OR EXISTS (SELECT FROM ticket_clock c WHERE c.number = t.number AND c.state IN ('running', 'paused')))
               OR state IN ('handling', 'review')
              AND (SELECT count(*) FROM assignment a WHERE a.number = t.number AND a.role = 'lead'
                   AND a.state NOT IN ('passed', 'returned', 'recalled', 'forwarded')) <> 1""")
        self.assertEqual(illegal, [])
        after, tickets = None, 0
        while True:
            body = {"after": after} if after else {}
            page = self.supervisor.post("/v1/admin/verify", body)
            self.assertEqual((page["differing"], page["broken_chains"]), (0, 0), page)
            tickets += page["tickets"]
            after = page["next"]
            if not after:
                break
        self.assertEqual(tickets, len(self.numbers))
        recount = self.supervisor.post("/v1/admin/recount")
        self.assertEqual((recount["equal"], recount["differences"]), (True, []))


if __name__ == "__main__":
    main()
