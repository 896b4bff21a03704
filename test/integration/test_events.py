"""Changes in commit order, none skipped, none twice: as a stream, as a long poll, over two daemons and a restart."""
import http.client
import json
import os
import shutil
import socket
import subprocess
import threading
import time

from hotline_test import Client, Daemon, DaemonTest, main, wait_until

GOOD = {"channel": "web", "kind": "help", "category": "010206", "region": "320281001001", "title": "标题", "text": "正文"}


class Stream:
    """Reads text/event-stream in a thread of its own."""

    def __init__(self, port, token, after=None, last=None):
        self.events, self.last, self.said_bye, self.is_over, self.error = [], last, False, False, None
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        headers = {"Authorization": "Bearer " + token, "Accept": "text/event-stream"}
        if last:
            headers["Last-Event-ID"] = last
        self.connection.request("GET", "/v1/events" + (f"?after={after}" if after else ""), headers=headers)
        self.answer = self.connection.getresponse()
        if self.answer.status != 200:
            raise AssertionError(f"{self.answer.status} {self.answer.read()}")
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        block = {}
        try:
            while line := self.answer.readline():
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name:
                    block[name] = value
                    continue
                self.take(block)
                block = {}
            self.is_over = True  # the last chunk came: not cut
        except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
            self.error = error

    def take(self, block):
        if block.get("event") == "bye":
            self.said_bye = True
        elif "data" in block:
            event = json.loads(block["data"])
            if event["type"] != block["event"]:
                raise ValueError(block)
            self.events.append(event)
        self.last = block.get("id", self.last)

    def ids(self):
        return [int(event["id"]) for event in list(self.events)]

    def wait_for(self, count):
        wait_until(lambda: len(self.events) >= count, f"{count} events, {len(self.events)} came")
        return self

    def close(self):
        if self.connection.sock:
            self.connection.sock.shutdown(socket.SHUT_RDWR)
        self.thread.join(60)
        self.connection.close()


class Session:
    """A psql that keeps its transaction open until told otherwise."""

    def __init__(self, daemon):
        self.process = subprocess.Popen(
            ["psql", "-h", daemon.socket_dir(), "-d", "hotline", "-U", "hotline", "-X", "-A", "-t", "-q", "-v",
             "ON_ERROR_STOP=1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, sql):
        """Sends statements and reads the one value that the last of them gives."""
        self.process.stdin.write(sql + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()


class Events(DaemonTest):
    def setUp(self):
        self.unit = self.daemon.unit("JY-GJ")
        self.addCleanup(self.unit.close)
        self.number = self.new_ticket(**GOOD)["number"]

    def stream(self, who="desk", **options):
        stream = Stream(self.daemon.port, self.daemon.tokens[who], **options)
        self.addCleanup(stream.close)
        return stream

    def note(self, text="备注", number=None, client=None):
        (client or self.desk).post(f"/v1/tickets/{number or self.number}/note", {"text": text})

    def ids(self, where="true"):
        """All events in the order in which readers have to see them."""
        desks = "UNION ALL SELECT xid, id FROM desk_event WHERE agent IS NULL" if where == "true" else ""
        return [int(row[0]) for row in self.daemon.sql(
            f"SELECT id FROM (SELECT xid, id FROM ticket_event WHERE {where} {desks}) e ORDER BY xid, id")]

    def since(self, first, where="true"):
        """The events after the first `first` ones."""
        return self.ids(where)[first:]

    def poll_all(self, client, after, limit=100):
        got = []
        while True:
            page = client.get(f"/v1/events?after={after}&limit={limit}")
            if not page["items"]:
                return got, page["next"]
            got += [int(e["id"]) for e in page["items"]]
            after = page["next"]

    # ---- commit order ---------------------------------------------------------------------------------

    def insert(self, seq):
        return ("BEGIN; INSERT INTO ticket_event (number, seq, type, at, actor, role, audience, detail, detail_text, hash)"
                f" VALUES ({self.number}, {seq}, 'ticket.noted', now(), 'psql', 'desk', '{{JY-GJ}}', '{{}}', '{{}}',"
                " sha256('x')) RETURNING id;")

    def late_commit(self, end, kept):
        """An older transaction that ends after younger ones were committed."""
        known = len(self.ids())
        here = self.desk.get("/v1/events")["next"]
        streams = [self.stream(), self.stream("unit:JY-GJ")]
        session = Session(self.daemon)
        late = int(session.run(self.insert(1000 + kept)))
        for n in range(5):
            self.note(f"早提交 {n}")
        younger = [i for i in self.ids()[known:] if i != late]
        self.assertEqual(len(younger), 5)
        # nobody may see the younger ones yet: a reader whose place is behind them would never see the late one
        self.assertEqual(self.poll_all(self.desk, here)[0], [])
        page = self.unit.get(f"/v1/events?after={self.unit_place()}&wait=1")
        self.assertEqual(page["items"], [])
        self.assertEqual([s.ids() for s in streams], [[], []])
        self.assertEqual(session.run(f"{end}; SELECT 1;"), "1")
        session.close()
        wanted = ([late] if kept else []) + younger
        self.assertEqual(self.ids()[known:], wanted)
        for stream in streams:
            self.assertEqual(stream.wait_for(len(wanted)).ids(), wanted)
        self.assertEqual(self.poll_all(self.desk, here, 2)[0], wanted)

    # ---- what belongs to no ticket ---------------------------------------------------------------------

    def desk_event(self, agent, n):
        value = f"'{agent}'" if agent else "NULL"
        return int(self.daemon.sql("INSERT INTO desk_event (type, at, agent, detail) VALUES ('door.refused', now(), "
                                   f"{value}, '{{\"door\": \"d\", \"name\": \"{n}\", \"reason\": \"r\"}}') RETURNING id")[0][0])

    def test_desk_events_reach_whom_they_are_for(self):
        """In one order with the events of tickets; an agent's own go to that agent alone, units hear of none."""
        self.admin.post("/v1/admin/accounts/desk2/agent", {"agent": "2002"})
        self.addCleanup(self.admin.post, "/v1/admin/accounts/desk2/agent", {"agent": None})
        desk2 = self.daemon.client("desk2")
        self.addCleanup(desk2.close)
        place, place2, unit_place = (c.get("/v1/events")["next"] for c in (self.desk, desk2, self.unit))
        streams = {who: self.stream(who) for who in ("desk", "desk2", "supervisor", "unit:JY-GJ")}
        wanted = {who: [] for who in streams}
        of_tickets = len(self.ids("seq > 0"))
        for n in range(4):
            self.note(f"工单 {n}")
            everybody, own = self.desk_event(None, n), self.desk_event("2002", n)
            note = self.since(of_tickets, "seq > 0")[n]
            for who in ("desk", "desk2", "supervisor"):
                wanted[who] += [note, everybody] + ([own] if who == "desk2" else [])
            wanted["unit:JY-GJ"].append(note)
        for who, stream in streams.items():
            self.assertEqual(stream.wait_for(len(wanted[who])).ids(), wanted[who], who)
        for client, at, who in ((self.desk, place, "desk"), (desk2, place2, "desk2"), (self.unit, unit_place, "unit:JY-GJ")):
            self.assertEqual(self.poll_all(client, at, 3)[0], wanted[who], "from memory: " + who)
            whole = self.poll_all(client, "start", 3)[0]
            self.assertEqual([i for i in whole if i in wanted["desk2"]], wanted[who], "from the table: " + who)
            self.assertEqual(len(whole), len(set(whole)))
        page = self.desk.get(f"/v1/events?after={place}")["items"]
        event = next(e for e in page if "seq" not in e)
        self.assertEqual({k: event[k] for k in ("type", "door", "name", "reason")},
                         {"type": "door.refused", "door": "d", "name": "0", "reason": "r"})

    def test_desk_events_commit_late(self):
        here = self.desk.get("/v1/events")["next"]
        session = Session(self.daemon)
        late = int(session.run("BEGIN; INSERT INTO desk_event (type, at, detail) VALUES ('door.refused', now(), "
                               "'{\"door\": \"d\", \"name\": \"late\", \"reason\": \"r\"}') RETURNING id;"))
        known = len(self.ids("seq > 0"))
        self.note("早提交")
        self.assertEqual(self.poll_all(self.desk, here)[0], [])
        session.run("COMMIT; SELECT 1;")
        session.close()
        self.assertEqual(self.poll_all(self.desk, here)[0], [late] + self.since(known, "seq > 0"))

    def test_agent_ids(self):
        def agents():
            return {a["name"]: a["agent"] for a in self.admin.get("/v1/admin/accounts")["items"] if a["agent"]}
        made = self.admin.post("/v1/admin/accounts", {"accounts": [{"name": "wang", "role": "desk", "agent": "3001"}]})
        self.assertEqual(made["items"][0]["agent"], "3001")
        self.assertEqual(agents(), {"wang": "3001"})
        taken = self.admin.call("POST", "/v1/admin/accounts", {"accounts": [{"name": "li", "role": "desk", "agent": "3001"}]})
        self.assertEqual((taken.status, taken.json["errors"]), (409, [{"field": "accounts[0].agent", "reason": "duplicate"}]))
        self.admin.post("/v1/admin/accounts/desk2/agent", {"agent": "3001"})
        self.assertEqual(agents(), {"desk2": "3001"}, "it moves")
        self.admin.post("/v1/admin/accounts/desk2/agent", {"agent": None})
        self.assertEqual(agents(), {})
        for name, body, status in (("nobody", {"agent": "1"}, 404), ("phone", {"agent": "1"}, 409),
                                   ("desk2", {"agent": "a b"}, 400), ("desk2", {"agent": 5}, 400)):
            self.assertEqual(self.admin.call("POST", f"/v1/admin/accounts/{name}/agent", body).status, status, body)
        for account, reason in (({"name": "x1", "role": "web", "agent": "1"}, "not_allowed"),
                                ({"name": "x2", "role": "desk", "agent": "1 2"}, "format")):
            answer = self.admin.call("POST", "/v1/admin/accounts", {"accounts": [account]})
            self.assertEqual((answer.status, answer.json["errors"]),
                             (400, [{"field": "accounts[0].agent", "reason": reason}]))
        self.daemon.hotline("admin", "account", "agent", "desk2", "3003")
        self.assertEqual(agents(), {"desk2": "3003"})
        self.daemon.hotline("admin", "account", "agent", "desk2")
        self.assertEqual(agents(), {})

    def unit_place(self):
        return self.unit.get("/v1/events")["next"]

    def test_commit_late(self):
        self.late_commit("COMMIT", True)

    def test_roll_back_late(self):
        self.late_commit("ROLLBACK", False)

    def test_many_writers_many_readers(self):
        numbers = [self.new_ticket(**GOOD)["number"] for _ in range(6)]
        other = self.new_ticket(**GOOD)["number"]
        self.desk.post(f"/v1/tickets/{other}/dispatch", {"lead_unit": "JY-CGJ"})
        known, known_unit = len(self.ids()), len(self.ids("'JY-CGJ' = ANY (audience)"))
        here = self.desk.get("/v1/events")["next"]
        whole, of_unit = self.stream(), self.stream("unit:JY-CGJ")
        poller, hopper = Poller(self, here), Hopper(self)
        writers = [threading.Thread(target=self.write, args=(n, numbers + [other])) for n in range(8)]
        holders = [threading.Thread(target=self.hold, args=(n,)) for n in range(3)]
        for thread in writers + holders:
            thread.start()
        for thread in writers + holders:
            thread.join(120)
        wanted = self.since(known)
        self.assertEqual(len(wanted), 8 * 30 + 3 * 5)
        self.assertEqual(whole.wait_for(len(wanted)).ids(), wanted)
        self.assertEqual(poller.finish(len(wanted)), wanted)
        self.assertEqual(hopper.finish(len(wanted)), wanted)
        own = self.since(known_unit, "'JY-CGJ' = ANY (audience)")
        self.assertGreater(len(own), 0)
        self.assertLess(len(own), len(wanted))
        self.assertEqual(of_unit.wait_for(len(own)).ids(), own, "a unit sees its own, all of it, and nothing else")
        self.assertEqual({e["number"] for e in of_unit.events}, {other})
        print(f"{len(wanted)} events, {hopper.hops} reconnections", flush=True)

    def write(self, n, numbers):
        client = self.daemon.client("desk")
        for i in range(30):
            path = f"/v1/tickets/{numbers[(n * 7 + i) % len(numbers)]}/note"
            client.post(path, {"text": f"{n}.{i}"})
        client.close()

    def hold(self, n):
        """Transactions of other programs that are open for a while."""
        session = Session(self.daemon)
        for i in range(5):
            session.run(self.insert(2000 + 100 * n + i))
            session.run("SELECT pg_sleep(0.05); SELECT 1;")
            session.run("COMMIT; SELECT 1;")
        session.close()

    def test_from_the_start(self):
        """Everything there ever was: memory does not reach, pages of the table do."""
        for n in range(30):
            self.note(f"很早 {n}")
        wanted = self.ids()
        self.assertEqual(self.stream(after="start").wait_for(len(wanted)).ids(), wanted)
        self.assertEqual(self.poll_all(self.desk, "start", 9)[0], wanted)
        own = self.ids("'JY-GJ' = ANY (audience)")
        self.assertEqual(self.poll_all(self.unit, "start", 9)[0], own)
        self.assertEqual(self.stream("unit:JY-GJ", after="start").wait_for(len(own)).ids(), own)

    # ---- waiting -----------------------------------------------------------------------------------------

    def polls(self):
        """Long polls that wait now; streams of earlier tests may still be ending."""
        text = self.desk.call("GET", "/metrics").body.decode()
        count = {name: int(value) for name, value in
                 (line.split() for line in text.splitlines() if line.startswith(("hotlined_waiting ", "hotlined_event_streams ")))}
        return count["hotlined_waiting"] - count["hotlined_event_streams"]

    def wait_and(self, calls, act):
        """All calls wait in threads; act() has to wake them long before their time is over. The answers."""
        answers = [None] * len(calls)
        threads = [threading.Thread(target=lambda i=i, c=c: answers.__setitem__(i, c()), daemon=True)
                   for i, c in enumerate(calls)]
        for thread in threads:
            thread.start()
        wait_until(lambda: self.polls() == len(calls), "all of them to wait")
        started = time.monotonic()
        act()
        for thread in threads:
            thread.join(40)
        self.assertTrue(all(answers), "asleep")
        print(f"woken after {time.monotonic() - started:.3f} s", flush=True)
        return answers

    def caller(self, who, method, target, body=None):
        client = self.daemon.client(who)
        self.addCleanup(client.close)
        return lambda: client.ok(method, target, body)

    def test_long_poll_wakes(self):
        calls = [self.caller("desk", "GET", "/v1/events?wait=55"), self.caller("unit:JY-GJ", "GET", "/v1/events?wait=55")]
        for page in self.wait_and(calls, self.note):
            self.assertEqual([e["text"] for e in page["items"]], ["备注"])
            self.assertTrue(page["next"])

    def lister(self):
        return self.caller("unit:JY-ZZB", "GET", "/v1/queue?state=unsigned&wait=55")

    def claimer(self):
        return self.caller("unit:JY-ZZB", "POST", "/v1/queue/claim", {"wait": 55, "lease_seconds": 60})

    def dispatch(self, number):
        self.desk.post(f"/v1/tickets/{number}/dispatch", {"lead_unit": "JY-ZZB"})

    def release(self, item):
        self.caller("unit:JY-ZZB", "POST", f"/v1/assignments/{item['assignment']}/release", {"lease": item["lease"]})()

    def sign(self, items):
        """So that the queue of the unit is as empty as it was."""
        for item in items:
            self.caller("unit:JY-ZZB", "POST", f"/v1/assignments/{item['assignment']}/sign", {"lease": item["lease"]})()

    def queued(self, answer):
        return [i["ticket"]["number"] for i in answer["items"]]

    def test_queue_wakes(self):
        """Work for an idle unit: whoever waits for its queue is told, by list and by claim."""
        listed = self.wait_and([self.lister()], lambda: self.dispatch(self.number))[0]
        self.assertEqual(self.queued(listed), [self.number])
        first = self.claimer()()["items"]
        self.assertEqual([i["deliveries"] for i in first], [1])
        released = self.wait_and([self.claimer()], lambda: self.release(first[0]))[0]
        self.assertEqual([i["deliveries"] for i in released["items"]], [2])
        ended = self.wait_and([self.claimer()], lambda: self.daemon.advance(61))[0]
        self.assertEqual([i["deliveries"] for i in ended["items"]], [3])
        other = self.new_ticket(**GOOD)["number"]
        claimed = self.wait_and([self.claimer()], lambda: self.dispatch(other))[0]
        self.assertEqual((self.queued(claimed), claimed["items"][0]["deliveries"]), ([other], 1))
        self.sign(ended["items"] + claimed["items"])

    def test_list_beside_a_claim(self):
        """What is leased is nobody else's work: a list that comes too late waits on, until it is given back."""
        claim = self.claimer()

        def claim_and_release():
            answer = claim()
            self.release(answer["items"][0])
            return answer

        listed, claimed = self.wait_and([self.lister(), claim_and_release], lambda: self.dispatch(self.number))
        self.assertEqual((self.queued(listed), self.queued(claimed)), ([self.number], [self.number]))
        leased = self.claimer()()["items"]
        late = self.wait_and([self.lister()], lambda: self.release(leased[0]))[0]
        self.assertEqual(self.queued(late), [self.number])
        self.sign(self.claimer()()["items"])

    def test_claim_passes_a_lock_by(self):
        """What another claim holds at that moment and then does not take: no event tells, it is found all the same."""
        session = Session(self.daemon)
        self.dispatch(self.number)
        locked = session.run(f"BEGIN; SELECT number FROM queue_item WHERE number = {self.number} AND unit = 'JY-ZZB' FOR UPDATE;")
        self.assertEqual(locked, self.number)
        claimed = self.wait_and([self.claimer()], lambda: session.run("ROLLBACK; SELECT 1;"))[0]
        session.close()
        self.assertEqual((self.queued(claimed), claimed["items"][0]["deliveries"]), ([self.number], 1))
        self.sign(claimed["items"])

    def test_wait_ends(self):
        page = self.unit.get("/v1/events?wait=1")
        self.assertEqual(page["items"], [])
        self.assertEqual(self.daemon.unit("JY-XFJY").get("/v1/queue?wait=1")["items"], [])

    # ---- a reader that does not read -------------------------------------------------------------------------

    slow = None
    CUT = 'hotlined_http_closed_total{reason="write_timeout"}'

    def begin_slow(self):
        cls = type(self)
        cls.slow, cls.cut_before = socket.socket(), self.metric(self.CUT)
        cls.addClassCleanup(cls.slow.close)
        cls.slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        cls.slow.connect(("127.0.0.1", self.daemon.port))
        cls.slow.sendall(b"GET /v1/events HTTP/1.1\r\nHost: city\r\nAccept: text/event-stream\r\nAuthorization: Bearer "
                         + self.daemon.tokens["desk"].encode() + b"\r\n\r\n")
        wait_until(lambda: self.metric("hotlined_event_streams"), "the slow stream")

    def test_a_slow_reader(self):
        """Who reads nothing at all does not keep the others from anything."""
        self.begin_slow()
        fast, writer = self.stream(), self.daemon.client("desk")
        writer.recorded = False
        for n in range(500):  # 6 MB, more than the kernel takes for the slow one
            self.note(f"{n:04d}" + "长" * 3990, client=writer)
        writer.close()
        self.assertEqual([e["text"][:4] for e in fast.wait_for(500).events], [f"{n:04d}" for n in range(500)])

    def test_y_slow_reader_is_cut(self):
        """The deadline of writing ends a stream that has not moved; runs late, since that takes a while."""
        if not self.slow:
            self.test_a_slow_reader()
        wait_until(lambda: self.metric(self.CUT) > self.cut_before, "the slow reader to be cut", 120)
        fast = self.stream()
        self.note("还在")
        fast.wait_for(1)

    def metric(self, name):
        text = self.desk.call("GET", "/metrics").body.decode()
        return int(next(line.rsplit(" ", 1)[1] for line in text.splitlines() if line.startswith(name)))

    # ---- two daemons on one database -----------------------------------------------------------------------------

    def test_two_daemons(self):
        second = Daemon(self.CLOCK, options=["--instance", "1", "--database",
                                             f"host={self.daemon.socket_dir()} user=hotline dbname=hotline"])
        self.addCleanup(second.clean)
        shutil.copy(os.path.join(self.daemon.data, "secret.key"), second.data)
        second.tokens = self.daemon.tokens
        second.start()
        beyond = second.client("desk")
        self.addCleanup(beyond.close)
        known, here = len(self.ids()), self.desk.get("/v1/events")["next"]
        streams = [self.stream(), Stream(second.port, second.tokens["desk"])]
        self.addCleanup(streams[1].close)
        for n in range(20):
            self.note(f"{n}", client=(self.desk, beyond)[n % 2])
        made = self.new_ticket(beyond, **GOOD)
        self.assertNotEqual(made["number"][-2], self.number[-2], "the instance's own digit")
        wanted = self.since(known)
        for stream in streams:
            self.assertEqual(stream.wait_for(len(wanted)).ids(), wanted)
        self.assertEqual(self.poll_all(beyond, here)[0], wanted, "a place of one daemon means the same to the other")
        self.two_with_one_key(beyond)
        self.revoked_elsewhere(second)

    def two_with_one_key(self, beyond):
        key = {"Idempotency-Key": "two-daemons"}
        first = self.desk.call("POST", "/v1/tickets", GOOD, key)
        again = beyond.call("POST", "/v1/tickets", GOOD, key)
        self.assertEqual((first.status, again.status, again.json["number"]), (201, 200, first.json["number"]))

    def revoked_elsewhere(self, second):
        made = self.admin.post("/v1/admin/accounts", {"accounts": [{"name": "elsewhere", "role": "desk"}]})
        there = Client(second.port, made["items"][0]["token"])
        self.addCleanup(there.close)
        wait_until(lambda: there.call("GET", "/v1/tickets").status == 200, "the other daemon to hear of the account")
        self.admin.post("/v1/admin/accounts/elsewhere/disable")
        wait_until(lambda: there.call("GET", "/v1/tickets").status == 401, "the other daemon to hear of its end")

    # ---- the end; runs last -----------------------------------------------------------------------------------------

    def test_z_goodbye_and_again(self):
        """Stopping ends streams and waits with an answer, and after it everybody goes on where he was."""
        known = len(self.ids())
        stream = self.stream()
        self.note("停机前")
        stream.wait_for(1)
        calls = [self.caller("desk", "GET", "/v1/events?wait=55"), self.caller("unit:JY-XFJY", "GET", "/v1/queue?wait=55"),
                 self.caller("unit:JY-XFJY", "POST", "/v1/queue/claim", {"wait": 55})]
        answers = self.wait_and(calls, self.daemon.stop)
        self.assertEqual([a["items"] for a in answers], [[], [], []])
        stream.thread.join(30)
        self.assertTrue(stream.said_bye)
        self.assertTrue(stream.is_over, f"cut: {stream.error}")
        self.daemon.start()
        for client in (self.desk, self.admin, self.supervisor):
            client.close()
            client.port = self.daemon.port
        self.note("停机后 1")
        self.note("停机后 2")
        again = self.stream(last=stream.last).wait_for(2)
        self.assertEqual([e["text"] for e in again.events], ["停机后 1", "停机后 2"])
        self.assertEqual(stream.ids() + again.ids(), self.since(known))
        page = self.desk.get(f"/v1/events?after={answers[0]['next']}")
        self.assertEqual([e["text"] for e in page["items"]], ["停机后 1", "停机后 2"])


class Poller(threading.Thread):
    """Long polls with a small page, one after the other."""

    def __init__(self, test, after):
        super().__init__(daemon=True)
        self.client, self.after, self.got, self.over = test.daemon.client("desk"), after, [], threading.Event()
        self.start()

    def run(self):
        while not self.over.is_set():
            page = self.client.get(f"/v1/events?after={self.after}&limit=7&wait=1")
            self.got += [int(e["id"]) for e in page["items"]]
            self.after = page["next"]

    def finish(self, count):
        wait_until(lambda: len(self.got) >= count, f"{count} polled events, {len(self.got)} came")
        self.over.set()
        self.join(60)
        self.client.close()
        return self.got


class Hopper(threading.Thread):
    """A stream that is cut off again and again, and comes back with Last-Event-ID."""

    def __init__(self, test):
        super().__init__(daemon=True)
        self.daemon_, self.got, self.over, self.hops = test.daemon, [], threading.Event(), 0
        self.stream = Stream(test.daemon.port, test.daemon.tokens["desk"])
        wait_until(lambda: self.stream.last, "the place of the stream")
        self.start()

    def run(self):
        while not self.over.is_set():
            if len(self.stream.events) < 10:
                time.sleep(0.005)
                continue
            self.hop()

    def hop(self):
        self.stream.close()
        self.got += self.stream.ids()
        self.hops += 1
        self.stream = Stream(self.daemon_.port, self.daemon_.tokens["desk"], last=self.stream.last)

    def finish(self, count):
        wait_until(lambda: len(self.got) + len(self.stream.events) >= count, f"{count} events, {len(self.got)} came")
        self.over.set()
        self.join(60)
        self.stream.close()
        return self.got + self.stream.ids()


del DaemonTest

if __name__ == "__main__":
    main()
