"""Many at once: one signature wins, one key makes one ticket, and a queue is drained by clients that die.

HOTLINE_DRAIN: assignments to drain (10,000).
"""
import collections
import http.client
import json
import os
import random
import threading

from hotline_test import DaemonTest, main

DRAIN = int(os.environ.get("HOTLINE_DRAIN", "10000"))
CLIENTS = 64
DRAINERS = 16
UNIT = "JY-GJ"  # the rules send every matter of GOOD to it
GOOD = {"channel": "web", "kind": "help", "category": "010206", "region": "320281001001", "title": "标题", "text": "正文"}


def at_once(calls):
    """Runs all calls behind one start barrier; their results in order. The first exception is raised."""
    results, barrier = [None] * len(calls), threading.Barrier(len(calls))

    def run(index):
        try:
            barrier.wait(60)
            results[index] = calls[index]()
        except BaseException as error:  # pylint: disable=broad-except
            barrier.abort()
            results[index] = error

    threads = [threading.Thread(target=run, args=(i,), daemon=True) for i in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


class Races(DaemonTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        made = cls.admin.post("/v1/admin/accounts", {"accounts": [
            {"name": f"racer{i}", "role": "unit", "unit": UNIT} for i in range(CLIENTS)]})
        cls.daemon.tokens.update({item["name"]: item["token"] for item in made["items"]})

    def clients(self, names):
        """Connected, so that the race is about the work and not about the handshakes."""
        clients = [self.daemon.client(name) for name in names]
        for client in clients:
            self.addCleanup(client.close)
            client.get("/healthz")
        return clients

    def metric(self, name):
        text = self.desk.call("GET", "/metrics").body.decode()
        return int(next(line.split()[-1] for line in text.splitlines() if line.startswith(name + " ")))

    # ---- one assignment, 64 hands -------------------------------------------------------------------

    def race_to_sign(self, clients):
        number = self.new_ticket()["number"]
        path = f"/v1/assignments/{number}-1/sign"
        answers = at_once([lambda c=c: c.call("POST", path, {}) for c in clients])
        statuses = collections.Counter(a.status for a in answers)
        self.assertEqual(statuses, {200: 1, 409: CLIENTS - 1})
        winner = f"racer{[a.status for a in answers].index(200)}"
        for answer in answers:
            if answer.status == 409:
                problem = answer.json
                self.assertEqual((problem["type"], problem["reason"], problem["assignment_state"]),
                                 ("urn:hotline:conflict", "assignment_state", "working"))
                self.assertEqual(problem["changed_by"], winner)
                self.assertTrue(problem["changed_at"])
        ticket = self.desk.get(f"/v1/tickets/{number}")
        self.assertEqual((ticket["assignments"][0]["signed_by"], ticket["version"]), (winner, 2))
        page = self.desk.get(f"/v1/tickets/{number}/events")
        self.assertTrue(page["chain_ok"])
        self.assertEqual([e["type"] for e in page["items"]].count("assignment.signed"), 1)

    def test_one_signature_wins(self):
        clients = self.clients(f"racer{i}" for i in range(CLIENTS))
        for _ in range(8):
            self.race_to_sign(clients)

    def test_claims_do_not_overlap(self):
        numbers = {self.new_ticket()["number"] for _ in range(40)}
        clients = self.clients(f"racer{i}" for i in range(CLIENTS))
        answers = at_once([lambda c=c: c.post("/v1/queue/claim", {"limit": 1}) for c in clients])
        got = [item["assignment"] for answer in answers for item in answer["items"]]
        self.assertEqual(len(got), len(set(got)), "leased to two")
        self.assertLessEqual({f"{n}-1" for n in numbers}, set(got), "left lying although somebody asked")
        self.daemon.advance(301)

    def test_notes_of_many(self):
        """Nobody's word is lost or doubled, and nobody is sent away: changes of one ticket stand in line."""
        number = self.new_ticket()["number"]
        clients = self.clients(["desk"] * CLIENTS)
        answers = at_once([lambda i=i, c=c: c.call("POST", f"/v1/tickets/{number}/note", {"text": f"备注 {i}"})
                           for i, c in enumerate(clients)])
        self.assertEqual(collections.Counter(a.status for a in answers), {200: CLIENTS})
        self.assertEqual(sorted(a.json["version"] for a in answers), list(range(2, CLIENTS + 2)))
        page = self.desk.get(f"/v1/tickets/{number}/events?limit=200")
        self.assertTrue(page["chain_ok"])
        kept = [e["text"] for e in page["items"] if e["type"] == "ticket.noted"]
        self.assertEqual(sorted(kept), sorted(f"备注 {i}" for i in range(CLIENTS)))

    def test_gone_while_in_line(self):
        """Who leaves the line before his turn holds nobody up behind him."""
        number = self.new_ticket()["number"]
        clients = self.clients(["desk"] * CLIENTS)
        path, token = f"/v1/tickets/{number}/note", self.daemon.tokens["desk"]

        def leave(i):
            connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=60)
            connection.request("POST", path, json.dumps({"text": f"走了 {i}"}), {"Authorization": "Bearer " + token})
            connection.close()

        def stay(i, client):
            return client.call("POST", path, {"text": f"在 {i}"}).status

        answers = at_once([(lambda i=i: leave(i)) if i % 2 else (lambda i=i, c=c: stay(i, c))
                           for i, c in enumerate(clients)])
        self.assertEqual(answers[::2], [200] * (CLIENTS // 2))
        page = self.desk.get(f"/v1/tickets/{number}/events?limit=200")
        self.assertTrue(page["chain_ok"])
        kept = [e["text"] for e in page["items"] if e["type"] == "ticket.noted"]
        self.assertEqual(sorted(t for t in kept if t[0] == "在"), sorted(f"在 {i}" for i in range(0, CLIENTS, 2)))
        self.assertEqual(len(kept), len(set(kept)))

    # ---- one key, 64 requests -----------------------------------------------------------------------

    def tickets(self):
        return int(self.daemon.sql("SELECT count(*) FROM ticket")[0][0])

    def test_one_key_one_ticket(self):
        clients = self.clients(["phone"] * CLIENTS)
        for turn in range(5):
            before, key = self.tickets(), {"Idempotency-Key": f"race-{turn}"}
            answers = at_once([lambda c=c, k=key: c.call("POST", "/v1/tickets", GOOD, k) for c in clients])
            statuses = collections.Counter(a.status for a in answers)
            self.assertEqual(statuses[201], 1, statuses)
            self.assertLessEqual(set(statuses), {200, 201, 409})
            numbers = {a.json["number"] for a in answers if a.status in (200, 201)}
            self.assertEqual(len(numbers), 1)
            for answer in answers:
                if answer.status == 409:
                    self.assertEqual(answer.json["type"], "urn:hotline:in_progress")
            again = at_once([lambda c=c, k=key: c.call("POST", "/v1/tickets", GOOD, k) for c in clients])
            self.assertLessEqual({a.status for a in again}, {200, 409}, "409: another one's repetition is being answered")
            numbers |= {a.json["number"] for a in again if a.status == 200}
            last = self.clients(["phone"])[0].call("POST", "/v1/tickets", GOOD, key)
            self.assertEqual((last.status, {last.json["number"]}), (200, numbers))
            self.assertEqual(self.tickets(), before + 1)

    def test_one_key_many_bodies(self):
        clients = self.clients(["phone"] * CLIENTS)
        before, key = self.tickets(), {"Idempotency-Key": "race-bodies"}
        answers = at_once([lambda i=i, c=c: c.call("POST", "/v1/tickets", {**GOOD, "title": f"第 {i} 个"}, key)
                           for i, c in enumerate(clients)])
        statuses = collections.Counter(a.status for a in answers)
        self.assertEqual(statuses[201], 1, statuses)
        self.assertLessEqual(set(statuses), {201, 409, 422})
        self.assertEqual(self.tickets(), before + 1)

    # ---- a queue in the order of its deadlines ---------------------------------------------------------

    def test_order(self):
        dice = random.Random(4)
        for _ in range(60):
            self.new_ticket(kind=dice.choice(["consult", "help", "report"]), urgency=dice.choice(["normal", "urgent", "critical"]))
            self.daemon.advance(dice.randint(0, 60))
        unit = self.clients(["racer0"])[0]
        listed, after = [], ""
        while after is not None:
            page = unit.get("/v1/queue?state=unsigned&limit=17" + after)
            listed += [(item["due_at"], item["assignment"]) for item in page["items"]]
            after = page["next"] and f"&after={page['next']}"
        self.assertGreaterEqual(len(listed), 60)
        self.assertEqual(listed, sorted(listed), "most urgent first")
        claimed = []
        while items := unit.post("/v1/queue/claim", {"limit": 7, "lease_seconds": 3600})["items"]:
            claimed += [(item["due_at"], item["assignment"]) for item in items]
        self.assertEqual(claimed, listed)
        self.assertEqual(unit.get("/v1/queue?state=unsigned")["items"], [], "what is leased is shown to nobody")
        self.daemon.advance(3601)

    # ---- the drain --------------------------------------------------------------------------------------

    def create(self, count):
        """As a gateway in a storm: eight connections."""
        clients = self.clients(["phone"] * 8)
        for client in clients:
            client.recorded = False

        def many(client, n):
            dice = random.Random(n)
            for _ in range(n, count, 8):
                made = client.ok("POST", "/v1/tickets", {**GOOD, "kind": dice.choice(["consult", "help", "report"])}, status=201)
                self.assertEqual(made["route"]["lead_unit"], UNIT)

        at_once([lambda c=c, n=n: many(c, n) for n, c in enumerate(clients)])

    def test_z_drain(self):
        self.clear_queue()
        start = {name: self.metric(name) for name in ("hotlined_queue_claimed_total", "hotlined_queue_redelivered_total")}
        self.create(DRAIN)
        drain = Drain(self, DRAIN)
        at_once([lambda n=n: drain.work(n) for n in range(DRAINERS)])
        signed = dict(self.daemon.sql(
            "SELECT a.number || '-' || a.ordinal, a.signed_by FROM assignment a JOIN ticket t USING (number)"
            " WHERE a.state = 'working' AND a.signed_by LIKE 'drainer%'"))
        self.assertEqual(len(signed), DRAIN, "lost")
        self.assertEqual(self.daemon.sql("SELECT number FROM ticket_event WHERE type = 'assignment.signed'"
                                         " GROUP BY number HAVING count(*) > 1"), [], "signed twice")
        self.assertEqual(max(drain.acknowledged.values()), 1, "two were told that it is theirs")
        for assignment, who in drain.signer.items():
            self.assertEqual(signed[assignment], who)
        redelivered = self.metric("hotlined_queue_redelivered_total") - start["hotlined_queue_redelivered_total"]
        self.assertGreater(drain.deaths, 0)
        self.assertGreater(redelivered, 0)
        self.assertGreaterEqual(redelivered, drain.seen_again)
        stored = int(self.daemon.sql("SELECT sum(q.deliveries) FROM queue_item q JOIN assignment a USING (number, ordinal)"
                                     " WHERE a.signed_by LIKE 'drainer%'")[0][0])
        claimed = self.metric("hotlined_queue_claimed_total") - start["hotlined_queue_claimed_total"]
        # an answer that never came is counted in the table and perhaps not in the metric
        self.assertLessEqual(claimed, stored)
        self.assertGreater(stored, DRAIN)
        self.assertTrue(self.supervisor.post("/v1/admin/recount")["equal"])
        print(f"{DRAIN} drained, {drain.deaths} deaths, {stored - DRAIN} redelivered, {drain.late} leases lost,"
              f" {drain.advances} times waited", flush=True)

    def clear_queue(self):
        """What the other tests left is taken by somebody."""
        self.daemon.advance(3601)
        unit = self.clients(["racer0"])[0]
        while items := unit.post("/v1/queue/claim", {"limit": 100})["items"]:
            for item in items:
                unit.post(f"/v1/assignments/{item['assignment']}/sign", {"lease": item["lease"]})
        made = self.admin.post("/v1/admin/accounts", {"accounts": [
            {"name": f"drainer{i}", "role": "unit", "unit": UNIT} for i in range(DRAINERS)]})
        self.daemon.tokens.update({item["name"]: item["token"] for item in made["items"]})


class Drain:
    """16 clients with a common aim, of which some die holding leases."""

    def __init__(self, test, count):
        self.test, self.count, self.lock = test, count, threading.Lock()
        self.acknowledged, self.signer = collections.Counter(), {}
        self.unsure = set()  # the client died between its order and the answer
        self.deaths = self.late = self.seen_again = self.advances = self.holders = 0

    def is_over(self):
        return len(set(self.acknowledged) | self.unsure) >= self.count and self.left() == 0

    def left(self):
        return int(self.test.daemon.sql("SELECT count(*) FROM queue_item WHERE state = 'unsigned'")[0][0])

    def work(self, n):
        """One client after the other under the same name."""
        dice, name = random.Random(n), f"drainer{n}"
        while True:
            client = self.test.daemon.client(name)
            client.recorded = n == 0
            try:
                if not self.life(client, name, dice):
                    return
            finally:
                client.close()

    def life(self, client, name, dice):
        """false: nothing is left to do; true: the client died."""
        while True:
            order = {"limit": dice.randint(1, 40), "lease_seconds": 60}
            if dice.random() < 0.02:
                self.die_sending(client, "/v1/queue/claim", order)
                return True
            items = client.post("/v1/queue/claim", order)["items"]
            with self.lock:
                self.seen_again += sum(item["deliveries"] > 1 for item in items)
                self.holders += bool(items)
            if not items:
                if self.wait_or_end(dice):
                    return False
                continue
            try:
                for item in items:
                    if dice.random() < 0.002:
                        self.die_signing(client, item, dice)
                        return True
                    self.sign(client, name, item)
            finally:
                with self.lock:
                    self.holders -= 1

    def sign(self, client, name, item):
        answer = client.call("POST", f"/v1/assignments/{item['assignment']}/sign", {"lease": item["lease"]})
        with self.lock:
            if answer.status == 200:
                self.acknowledged[item["assignment"]] += 1
                self.signer[item["assignment"]] = name
                return
            self.late += 1
        # the lease ended while it was held, and somebody else has got it
        self.test.assertEqual(answer.status, 409, answer)
        self.test.assertIn(answer.json["reason"], ("lease", "assignment_state"), answer)

    def die_signing(self, client, item, dice):
        with self.lock:
            self.unsure.add(item["assignment"])
        if dice.random() < 0.5:
            self.die_sending(client, f"/v1/assignments/{item['assignment']}/sign", {"lease": item["lease"]})
        else:
            with self.lock:
                self.deaths += 1

    def die_sending(self, client, path, body):
        """The order goes out, the answer is never read."""
        connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=60)
        connection.request("POST", path, json.dumps(body), {"Authorization": "Bearer " + client.token,
                                                            "Content-Type": "application/json"})
        connection.close()
        with self.lock:
            self.deaths += 1

    def wait_or_end(self, dice):
        """Nothing to claim: all is done, or leases have to end; mostly those of the dead."""
        with self.lock:
            if self.is_over():
                return True
            is_time = self.holders == 0 or dice.random() < 0.05
            self.advances += is_time
            if is_time:
                self.test.daemon.advance(61)
        return False


del DaemonTest

if __name__ == "__main__":
    main()
