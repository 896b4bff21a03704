"""Webhooks: a receiver that checks signatures by itself, misbehaves in every way, and must miss nothing in the end."""
import base64
import hashlib
import hmac
import http.server
import json
import os
import socket
import subprocess
import tempfile
import threading
import time

from hotline_test import ROOT, DaemonTest, main, wait_until
from node_peer import NodePeer

UNIT = "JY-GJ"


class Receiver(http.server.ThreadingHTTPServer):
    """Keeps what came; `answer(request)` says the status, a number, or does something worse."""
    daemon_threads = True

    def __init__(self, tls=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock, self.got, self.answer = threading.Lock(), [], lambda _: 200
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        pass

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/hook?a=1"

    def taken(self):
        with self.lock:
            return [g for g in self.got if g["status"] == 200]

    def numbers(self):
        return [g["body"]["data"]["number"] for g in self.taken()]

    def close(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        got = {"path": self.path, "id": self.headers["webhook-id"], "at": self.headers["webhook-timestamp"],
               "signature": self.headers["webhook-signature"], "type": self.headers["Content-Type"], "raw": raw,
               "body": json.loads(raw), "when": time.monotonic()}
        got["status"] = self.server.answer(got)
        with self.server.lock:
            self.server.got.append(got)
        if got["status"] == "cut":
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(got["status"])
        if got["status"] in (301, 302, 307):
            self.send_header("Location", self.server.url + "&redirected=1")
        self.send_header("Content-Length", "0")
        self.end_headers()


def sign(secret, got):
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = f"{got['id']}.{got['at']}.".encode() + got["raw"]
    return "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


class Webhooks(DaemonTest):
    CLOCK = "2026-02-13T10:00:00+08:00"
    OPTIONS = ("--webhook_private", "yes", "--webhook_timeout_seconds", "2", "--webhook_tries", "4")

    def setUp(self):
        self.receiver = Receiver()
        self.hooks = []

    def tearDown(self):
        for hook in self.hooks:
            self.admin.post(f"/v1/admin/webhooks/{hook['id']}/disable")
        self.receiver.close()

    def hook(self, unit=UNIT, url=None, **more):
        body = {"unit": unit, "url": url or self.receiver.url, **more}
        made = self.admin.ok("POST", "/v1/admin/webhooks", {k: v for k, v in body.items() if v is not None}, status=201)
        self.hooks.append(made)
        return made

    def listed(self, hook):
        return next(w for w in self.admin.get("/v1/admin/webhooks")["items"] if w["id"] == hook["id"])

    def events_of(self, number):
        """What GET /v1/events tells the unit about this ticket."""
        unit, found, after = self.daemon.unit(UNIT), [], "start"
        while True:
            page = unit.get(f"/v1/events?after={after}&limit=500")
            found += [e for e in page["items"] if e["number"] == number]
            if not page["items"]:
                unit.close()
                return found
            after = page["next"]

    def wait_taken(self, count, what):
        wait_until(lambda: len(self.receiver.taken()) >= count, what)

    def until_quiet(self, hook, step=600, most=60):
        """Lets the test clock run until nothing is pending; the back-off is in its time."""
        for _ in range(most):
            wait_until(lambda: self.idle(), "attempts to end")
            if self.listed(hook)["pending"] == 0:
                return
            self.daemon.advance(step)
            before = self.attempts()
            end = time.monotonic() + 3
            while self.attempts() == before and time.monotonic() < end and self.listed(hook)["pending"]:
                time.sleep(0.02)
        self.fail("still pending")

    def attempts(self):
        return int(self.daemon.sql("SELECT coalesce(sum(attempts), 0) FROM webhook_delivery")[0][0])

    def idle(self):
        return self.metric("hotlined_webhook_in_flight") == 0

    def metric(self, name):
        client = self.daemon.client()
        client.recorded = False
        text = client.call("GET", "/metrics").body.decode()
        client.close()
        return sum(int(line.split()[-1]) for line in text.splitlines() if line.startswith(name + " "))

    # ---- the ordinary way

    def test_delivers_what_the_unit_would_hear(self):
        hook = self.hook()
        number = self.new_ticket()["number"]
        self.work(number)
        self.new_ticket(category="0901", region=None, text="与他们无关")
        wanted = self.events_of(number)
        self.wait_taken(len(wanted), "the unit's events")
        got = [g for g in self.receiver.taken() if g["body"]["data"]["number"] == number]
        self.assertEqual([g["body"]["data"] for g in got], wanted, "the same, and in order")
        for g, event in zip(got, wanted):
            self.assertEqual(set(g["body"]), {"type", "timestamp", "data"})
            self.assertEqual((g["body"]["type"], g["body"]["timestamp"]), (event["type"], event["at"]))
            self.assertEqual((g["path"], g["type"]), ("/hook?a=1", "application/json"))
            self.assertEqual(g["signature"], sign(hook["secret"], g))
        self.assertEqual(len({g["id"] for g in got}), len(got))
        wait_until(lambda: self.listed(hook)["pending"] == 0, "all to be noted")
        self.assertEqual(self.listed(hook)["last_status"], 200)

    def test_only_the_events_it_wants(self):
        self.hook(events=["assignment.signed"])
        number = self.new_ticket()["number"]
        self.work(number)
        self.wait_taken(1, "the signature")
        self.assertEqual({g["body"]["type"] for g in self.receiver.taken()}, {"assignment.signed"})

    def test_of_all_units(self):
        self.hook(unit=None, events=["ticket.received"])
        numbers = {self.new_ticket()["number"] for _ in range(20)}
        self.wait_taken(20, "every ticket")
        self.assertLessEqual(numbers, set(self.receiver.numbers()))

    # ---- receivers that misbehave

    def check_retries(self, answer, error=None):
        """Fails twice, then takes it: same id, a fresh timestamp, one delivery."""
        self.receiver.answer = lambda g: answer(g) if sum(x["id"] == g["id"] for x in self.receiver.got) < 2 else 200
        hook = self.hook(events=["ticket.dispatched"])
        self.new_ticket()
        wait_until(lambda: self.listed(hook)["failures"] >= 1, "a failure")
        wait_until(lambda: self.listed(hook)["last_error"] == error, f"last_error {error}")
        self.until_quiet(hook)
        self.assertEqual(len(self.receiver.got), 3)
        self.assertEqual(len({g["id"] for g in self.receiver.got}), 1)
        self.assertEqual(len({g["at"] for g in self.receiver.got}), 3)
        for g in self.receiver.got:
            self.assertEqual(g["signature"], sign(hook["secret"], g))
        self.assertEqual(self.listed(hook)["failures"], 0)
        self.assertFalse([g for g in self.receiver.got if "redirected" in g["path"]])

    def test_500(self):
        self.check_retries(lambda _: 500)

    def test_429(self):
        self.check_retries(lambda _: 429)

    def test_redirects_are_not_followed(self):
        self.check_retries(lambda _: 302)

    def test_cut_connections(self):
        self.check_retries(lambda _: "cut", "broken")

    def test_slow(self):
        def slow(_):
            time.sleep(3)
            return 500
        self.check_retries(slow, "timeout")

    def test_nobody_listens_and_nobody_else_is_delayed(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            dead = self.hook(url=f"http://127.0.0.1:{s.getsockname()[1]}/")
            self.hook(events=["ticket.received"])
            for _ in range(10):
                self.new_ticket()
            self.wait_taken(10, "the other webhook")
            wait_until(lambda: self.listed(dead)["last_error"] == "unreachable", "the refusal")

    def test_order_per_ticket(self):
        """While one ticket's event is refused, its later ones wait and other tickets go on."""
        stuck = self.new_ticket()["number"]
        self.receiver.answer = lambda g: 500 if g["body"]["data"]["number"] == stuck and self.refuse else 200
        self.refuse = True
        hook = self.hook()
        self.work(stuck)
        other = self.new_ticket()["number"]
        wait_until(lambda: other in self.receiver.numbers() or not self.daemon.advance(2), "the other ticket's event")
        self.refuse = False
        self.until_quiet(hook)
        types = [g["body"]["type"] for g in self.receiver.taken() if g["body"]["data"]["number"] == stuck]
        seqs = [g["body"]["data"]["seq"] for g in self.receiver.taken() if g["body"]["data"]["number"] == stuck]
        self.assertEqual(seqs, sorted(seqs), types)
        self.assertGreaterEqual(len(seqs), 2)

    # ---- dead letters, replay

    def test_dead_letters_and_replay(self):
        self.receiver.answer = lambda _: 503
        hook = self.hook(events=["ticket.dispatched"])
        number = self.new_ticket()["number"]
        wait_until(lambda: self.listed(hook)["last_status"] == 503, "an attempt")
        self.until_quiet(hook, step=4000)
        self.assertEqual(self.listed(hook)["dead"], 1)
        self.assertEqual(len(self.receiver.got), 4, "as many attempts as the setting says")
        self.receiver.answer = lambda _: 200
        self.assertEqual(self.admin.post(f"/v1/admin/webhooks/{hook['id']}/replay"), {"replayed": 1})
        self.wait_taken(1, "the replay")
        self.assertEqual(self.receiver.numbers(), [number])
        self.assertEqual(len({g["id"] for g in self.receiver.got}), 1, "receivers tell a replay by its id")
        wait_until(lambda: self.listed(hook)["dead"] == 0, "the dead letter to be gone")
        self.assertEqual(self.admin.post(f"/v1/admin/webhooks/{hook['id']}/replay"), {"replayed": 0})
        again = self.admin.post(f"/v1/admin/webhooks/{hook['id']}/replay", {"after": "2026-01-01T00:00:00+08:00"})
        self.assertEqual(again, {"replayed": 1})
        self.wait_taken(2, "all of it once more")
        self.assertEqual(self.admin.post(f"/v1/admin/webhooks/{hook['id']}/replay",
                                         {"after": "2199-01-01T00:00:00+08:00"}), {"replayed": 0})

    def test_what_waits_too_long_is_dead(self):
        """Also what was never tried: three days are the bound of what waits for a webhook that is off, or down."""
        off, down = self.hook(events=["ticket.dispatched"]), self.hook(events=["ticket.dispatched"])
        self.admin.post(f"/v1/admin/webhooks/{off['id']}/disable")
        now = self.daemon.advance(1)
        for hook in (off, down):
            self.daemon.sql(f"""UPDATE webhook SET failures = 6, retry_at = '2199-01-01' WHERE id = {down['id']};
                INSERT INTO webhook_delivery (webhook, event_xid, event, number, type, state, created_at, next_at)
                SELECT {hook['id']}, '1', -n, n, 'ticket.dispatched', 'pending',
                       timestamptz '{now}' + CASE WHEN n <= 10 THEN interval '2 days' ELSE interval '0' END, '{now}'
                FROM generate_series(1, 2500) n""")
        before = self.metric("hotlined_webhook_dead_total")
        self.daemon.advance(3 * 86400 + 1)
        for hook in (off, down):
            wait_until(lambda hook=hook: self.listed(hook)["pending"] == 10, "the old ones to be given up")
            self.assertEqual(self.daemon.sql(f"SELECT attempts, last_error, count(*) FROM webhook_delivery WHERE webhook = "
                                             f"{hook['id']} AND state = 'dead' GROUP BY 1, 2"), [["0", "expired", "2490"]])
        self.assertGreaterEqual(self.metric("hotlined_webhook_dead_total") - before, 4980)

    def test_failures_side_by_side_are_one(self):
        """Eight in hand when the receiver stumbles make the pause of one failure."""
        self.receiver.answer = lambda _: 500
        hook = self.hook(events=["ticket.dispatched"])
        self.daemon.sql(f"UPDATE webhook SET retry_at = '2199-01-01' WHERE id = {hook['id']}")
        for _ in range(8):
            self.new_ticket()
        wait_until(lambda: self.listed(hook)["pending"] == 8, "eight to wait")
        self.daemon.sql(f"UPDATE webhook SET retry_at = NULL WHERE id = {hook['id']}")
        noted = f"SELECT count(*) FROM webhook_delivery WHERE webhook = {hook['id']} AND last_status = 500"
        wait_until(lambda: self.daemon.sql(noted) == [["8"]], "eight failures")
        self.assertEqual(self.listed(hook)["failures"], 1)

    def test_gone_disables(self):
        self.receiver.answer = lambda _: 410
        hook = self.hook(events=["ticket.dispatched"])
        self.new_ticket()
        wait_until(lambda: self.listed(hook)["disabled"], "410 to disable it")
        self.assertEqual(self.listed(hook)["reason"], "gone")
        self.new_ticket()
        self.admin.post(f"/v1/admin/webhooks/{hook['id']}/enable")
        self.receiver.answer = lambda _: 200
        number = self.new_ticket()["number"]
        self.wait_taken(1, "what comes after it was switched on")
        self.assertEqual(self.receiver.numbers(), [number], "what it missed is not made up")

    def test_rotation(self):
        hook = self.hook(events=["ticket.dispatched"])
        new = self.admin.post(f"/v1/admin/webhooks/{hook['id']}/rotate")
        self.assertNotEqual(new["secret"], hook["secret"])
        self.new_ticket()
        self.wait_taken(1, "a delivery under two secrets")
        (g,) = self.receiver.taken()
        self.assertEqual(g["signature"].split(" "), [sign(new["secret"], g), sign(hook["secret"], g)])
        self.daemon.advance(86401)
        self.new_ticket()
        self.wait_taken(2, "a delivery under one")
        g = self.receiver.taken()[1]
        self.assertEqual(g["signature"], sign(new["secret"], g))
        stored = self.daemon.sql("SELECT count(*) FROM webhook WHERE position('whsec'::bytea IN secret) > 0")
        self.assertEqual(stored, [["0"]])

    # ---- crashes

    def test_kill(self):
        """Nothing is lost when the daemon dies with deliveries in hand; what comes twice has the same id."""
        hook = self.hook(unit=None, events=["ticket.received"])
        gate = threading.Event()
        self.receiver.answer = lambda _: 200 if gate.wait(5) else 500
        numbers = [self.new_ticket()["number"] for _ in range(12)]
        wait_until(lambda: not self.idle(), "deliveries in hand")
        for client in (self.desk, self.admin, self.supervisor):
            client.close()
        self.daemon.kill()
        gate.set()
        self.daemon.clock = "2026-12-01T10:00:00+08:00"
        self.daemon.start()
        for client in (self.desk, self.admin, self.supervisor):
            client.port = self.daemon.port
        self.until_quiet(hook, step=200)
        self.assertLessEqual(set(numbers), set(self.receiver.numbers()))
        ids = {}
        for g in self.receiver.taken():
            ids.setdefault(g["body"]["data"]["id"], set()).add(g["id"])
        self.assertTrue(all(len(i) == 1 for i in ids.values()))

    # ---- who may

    def test_a_unit_sees_its_own(self):
        hook, other = self.hook(), self.hook(unit="JY-CGJ")
        unit = self.daemon.unit(UNIT)
        mine = [w["id"] for w in unit.get("/v1/admin/webhooks")["items"]]
        self.assertIn(hook["id"], mine)
        self.assertNotIn(other["id"], mine)
        self.assertNotIn("secret", json.dumps(unit.get("/v1/admin/webhooks")))
        unit.close()

    def test_client(self):
        """hotline webhook ...: made, listed, rotated, switched, replayed by hand."""
        run = lambda *a: self.daemon.hotline("webhook", *a)
        secret = run("add", "--to", self.receiver.url, "--unit", UNIT, "--events", "ticket.dispatched").strip()
        hook = max(self.admin.get("/v1/admin/webhooks")["items"], key=lambda w: w["id"])
        self.hooks.append(hook)
        self.new_ticket()
        self.wait_taken(1, "a delivery")
        (g,) = self.receiver.taken()
        self.assertEqual(g["signature"], sign(secret, g))
        self.assertIn(self.receiver.url, run("list"))
        number = str(hook["id"])
        self.assertTrue(run("rotate", number).startswith("whsec_"))
        run("disable", number)
        self.assertTrue(self.listed(hook)["disabled"])
        run("enable", number)
        self.assertFalse(self.listed(hook)["disabled"])
        run("replay", number, "--after", "2026-01-01T00:00:00+08:00")
        self.wait_taken(2, "the replay")

    def test_input(self):
        for body, field in (({"url": "ftp://x/"}, "url"), ({"url": "https://u:p@x/"}, "url"), ({"url": "https:///x"}, "url"),
                            ({"url": "https://x/#a"}, "url"), ({"url": "https://x/\r\nEvil: 1"}, "url"),
                            ({"url": "https://x:99999999/"}, "url"), ({}, "url"),
                            ({"url": "https://x/", "unit": "nobody"}, "unit"),
                            ({"url": "https://x/", "events": ["nothing"]}, "events[0]"),
                            ({"url": "https://x/", "secret": "mine"}, "secret")):
            answer = self.admin.call("POST", "/v1/admin/webhooks", body)
            self.assertEqual(answer.status, 400, answer)
            self.assertEqual(answer.json["errors"][0]["field"], field)
        for action in ("rotate", "disable", "enable", "replay"):
            for name in ("999999999", "x", "99999999999999999999"):
                self.assertEqual(self.admin.call("POST", f"/v1/admin/webhooks/{name}/{action}", {}).status, 404)


class Peers(DaemonTest):
    """The receiving side as others wrote it; they look at the real time, so the daemon does."""
    CLOCK = None
    OPTIONS = ("--webhook_private", "yes")
    PACKAGES = {"standardwebhooks": "1.1.1", "svix": "2.5.0"}

    @classmethod
    def setUpClass(cls):
        cls.peer = NodePeer(ROOT / "test" / "integration" / "webhooks" / "receiver.js", cls.PACKAGES)
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        cls.peer.close()
        super().tearDownClass()

    def setUp(self):
        self.receiver = Receiver()
        self.hook = self.admin.post("/v1/admin/webhooks", {"unit": UNIT, "url": self.receiver.url,
                                                           "events": ["ticket.dispatched"]})

    def tearDown(self):
        self.admin.post(f"/v1/admin/webhooks/{self.hook['id']}/disable")
        self.receiver.close()

    def verify(self, secret, got, **change):
        """What each package says; the headers as they came, or changed."""
        headers = {"webhook-id": got["id"], "webhook-timestamp": got["at"], "webhook-signature": got["signature"],
                   **{k.replace("_", "-"): v for k, v in change.items() if k != "body"}}
        body = change.get("body", got["raw"].decode())
        return [self.peer.ask(lib=lib, secret=secret, headers=headers, body=body) for lib in self.PACKAGES]

    def taken(self, count):
        wait_until(lambda: len(self.receiver.taken()) >= count, f"{count} deliveries")
        return self.receiver.taken()

    def test_signature(self):
        number = self.new_ticket(text="路灯不亮 \" \\ \u2028 \U0001f4a1")["number"]
        (got,) = self.taken(1)
        for said in self.verify(self.hook["secret"], got):
            self.assertEqual(said.get("ok"), got["body"], said)
            self.assertEqual(said["ok"]["data"]["number"], number)
        last = "A" if got["signature"][-2] != "A" else "B"
        forged = {"body": got["raw"].decode().replace(number, number[:-1] + "0" * (number[-1] != "0") + "1" * (number[-1] == "0")),
                  "webhook_id": got["id"] + "1", "webhook_timestamp": str(int(got["at"]) - 1),
                  "webhook_signature": got["signature"][:-2] + last + "="}
        for name, value in forged.items():
            for said in self.verify(self.hook["secret"], got, **{name: value}):
                self.assertIn("refused", said, name)

    def test_a_retry_is_as_good(self):
        self.receiver.answer = lambda g: 503 if not self.receiver.got else 200
        self.new_ticket()
        self.taken(1)
        first, second = self.receiver.got
        self.assertEqual(first["id"], second["id"])
        self.assertGreater(int(second["at"]), int(first["at"]))
        self.assertEqual(first["raw"], second["raw"])
        for got in (first, second):
            for said in self.verify(self.hook["secret"], got):
                self.assertIn("ok", said)

    def test_rotation(self):
        """Receivers with the old secret and with the new one both read it; with another they do not."""
        new = self.admin.post(f"/v1/admin/webhooks/{self.hook['id']}/rotate")["secret"]
        self.new_ticket()
        (got,) = self.taken(1)
        for secret in (self.hook["secret"], new):
            for said in self.verify(secret, got):
                self.assertIn("ok", said)
        other = "whsec_" + base64.b64encode(b"x" * 32).decode()
        for said in self.verify(other, got):
            self.assertIn("refused", said)

    def test_replay(self):
        self.receiver.answer = lambda _: 410
        self.new_ticket()
        wait_until(lambda: next(w for w in self.admin.get("/v1/admin/webhooks")["items"]
                                if w["id"] == self.hook["id"])["dead"], "a dead letter")
        self.receiver.answer = lambda _: 200
        self.admin.post(f"/v1/admin/webhooks/{self.hook['id']}/enable")
        self.assertEqual(self.admin.post(f"/v1/admin/webhooks/{self.hook['id']}/replay"), {"replayed": 1})
        (got,) = self.taken(1)
        self.assertEqual(got["id"], self.receiver.got[0]["id"])
        for said in self.verify(self.hook["secret"], got):
            self.assertIn("ok", said)


class Public(DaemonTest):
    """As a city runs it: TLS only, and nowhere that is not public."""

    def test_private_addresses_are_refused(self):
        self.assertEqual(self.admin.call("POST", "/v1/admin/webhooks", {"url": "http://example.org/"}).status, 400)
        receiver = Receiver()
        port = receiver.server_address[1]
        for host in ("127.0.0.1", "localhost", "[::1]", "10.0.0.1", "169.254.169.254", "[::ffff:127.0.0.1]", "0.0.0.0"):
            self.admin.ok("POST", "/v1/admin/webhooks", {"url": f"https://{host}:{port}/", "events": ["ticket.received"]},
                          status=201)
        self.new_ticket()

        def all_failed():
            items = self.admin.get("/v1/admin/webhooks")["items"]
            return items if all(w["last_error"] for w in items) else None
        for w in wait_until(all_failed, "every webhook to be refused"):
            self.assertIn(w["last_error"], ("private_address", "unresolved"), w)
        self.assertEqual(receiver.got, [])
        receiver.close()


class Tls(DaemonTest):
    """Certificates are checked, and so is the name."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="hotline-tls-")
        os.chmod(cls.folder, 0o755)
        cls.cert, key = os.path.join(cls.folder, "cert.pem"), os.path.join(cls.folder, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=receiver",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cls.cert],
                       check=True, capture_output=True)
        import ssl
        cls.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        cls.context.load_cert_chain(cls.cert, key)
        cls.OPTIONS = ("--webhook_private", "yes", "--webhook_ca", cls.cert)
        super().setUpClass()

    def test_tls(self):
        receiver = Receiver(self.context)
        port = receiver.server_address[1]
        good = self.admin.post("/v1/admin/webhooks", {"url": f"https://127.0.0.1:{port}/"})
        bad = self.admin.post("/v1/admin/webhooks", {"url": f"https://localhost:{port}/"})
        self.new_ticket()
        wait_until(lambda: receiver.taken(), "a delivery over TLS")

        def refused():
            items = {w["id"]: w for w in self.admin.get("/v1/admin/webhooks")["items"]}
            return items[bad["id"]]["last_error"]
        self.assertEqual(wait_until(refused, "the wrong name to be refused"), "untrusted")
        self.assertEqual({g["id"].split("_")[1] for g in receiver.taken()}, {str(good["id"])})
        receiver.close()


if __name__ == "__main__":
    main()
