"""The web's doors: who guesses query codes, or sends too many tickets, is slowed down, and nobody else is."""
import json
import pathlib
import socket
import subprocess

from hotline_test import BIN, DaemonTest, main, wait_until

OPEN311 = "/open311/v2"
CODE = "010206"


class Throttle(DaemonTest):
    """We are the reverse proxy on 127.0.0.1, and 198.51.100.0/24 has further ones."""
    CLOCK = "2026-02-13T10:00:00+08:00"
    OPTIONS = ("--trusted_proxies", "127.0.0.1, 198.51.100.0/24", "--public_misses_per_hour", "5",
               "--web_tickets_per_hour", "3")

    def setUp(self):
        self.anyone, self.web = self.daemon.client(), self.daemon.client("web")
        made = self.new_ticket()
        self.number, self.code = made["number"], made["query_code"]
        self.daemon.advance(3600)  # every bucket is full

    def tearDown(self):
        self.anyone.close()
        self.web.close()

    def metric(self, name):
        text = self.anyone.call("GET", "/metrics").body.decode()
        return next(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name + " "))

    def look_up(self, address, code="WRONG234", number=None):
        return self.anyone.call("GET", f"/v1/public/tickets/{number or self.number}?code={code}",
                                headers={"X-Forwarded-For": address} if address else None)

    def misses(self, address, count, **what):
        for _ in range(count):
            self.assertEqual(self.look_up(address, **what).status, 404)

    def too_fast(self, answer, most_s=3600):
        self.assertEqual(answer.status, 429, answer)
        wait_s = int(answer.headers["retry-after"])
        self.assertTrue(0 < wait_s <= most_s, wait_s)
        return wait_s

    # ---- public look-ups

    def test_guessing(self):
        before = self.metric('hotlined_throttled_total{door="public"}')
        for _ in range(30):
            self.assertEqual(self.look_up("203.0.113.1", self.code).status, 200, "who is right may ask as often as he likes")
        for wrong in ({"code": "WRONG234"}, {"code": ""}, {"number": "1"}, {"number": "260213100000000000"}, {"code": "X" * 9}):
            self.misses("203.0.113.1", 1, **wrong)
        answer = self.look_up("203.0.113.1")
        wait_s = self.too_fast(answer)
        self.assertEqual(answer.headers["content-type"], "application/problem+json")
        self.assertEqual(answer.json["type"], "urn:hotline:too_fast")
        self.assertIn(" / ", answer.json["detail"])
        self.too_fast(self.look_up("203.0.113.1", self.code))  # a right guess is not told either
        self.assertEqual(self.look_up("203.0.113.2", self.code).status, 200, "somebody else")
        self.assertEqual(self.metric('hotlined_throttled_total{door="public"}'), before + 2)
        self.daemon.advance(wait_s - 1)
        self.too_fast(self.look_up("203.0.113.1", self.code), 1)
        self.daemon.advance(1)
        self.assertEqual(self.look_up("203.0.113.1", self.code).status, 200)
        self.misses("203.0.113.1", 1)
        self.too_fast(self.look_up("203.0.113.1"))

    def test_our_failures_cost_nothing(self):
        self.daemon.sql("ALTER TABLE ticket RENAME COLUMN ground TO ground_away")
        try:
            for code in (self.code, "WRONG234") * 4:
                self.assertEqual(self.look_up("203.0.113.60", code).status, 500)
        finally:
            self.daemon.sql("ALTER TABLE ticket RENAME COLUMN ground_away TO ground")
        self.misses("203.0.113.60", 5)
        self.too_fast(self.look_up("203.0.113.60"))

    def test_who_hangs_up_was_told_nothing(self):
        lock = subprocess.Popen(["psql", "-h", self.daemon.socket_dir(), "-d", "hotline", "-U", "hotline", "-X", "-A", "-t", "-q"],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        lock.stdin.write("BEGIN; LOCK TABLE ticket; SELECT 'held';\n")
        lock.stdin.flush()
        self.assertEqual(lock.stdout.readline(), "held\n")
        try:
            gone = self.metric("hotlined_requests_gone_total")
            for i in range(8):
                with socket.create_connection(("127.0.0.1", self.anyone.port)) as s:
                    s.sendall(f"GET /v1/public/tickets/{self.number}?code=WRONG234 HTTP/1.1\r\nHost: h\r\n"
                              "X-Forwarded-For: 203.0.113.61\r\n\r\n".encode())
                    wait_until(lambda: self.metric("hotlined_requests_running") >= 2, "it waits; the other one asks")
                wait_until(lambda: self.metric("hotlined_requests_gone_total") > gone + i, "it is gone")
        finally:
            lock.stdin.write("ROLLBACK;\n")
            lock.stdin.close()
            lock.wait(60)
            lock.stdout.close()
        self.misses("203.0.113.61", 5)
        self.too_fast(self.look_up("203.0.113.61"))

    def test_a_subscriber_of_ipv6_is_one(self):
        for i in range(5):
            self.misses(f"2001:db8:1:2::{i + 1:x}", 1)
        self.too_fast(self.look_up("2001:db8:1:2:ffff::9"))
        self.misses("2001:db8:1:3::1", 1)
        self.misses("::ffff:203.0.113.7", 5)
        self.too_fast(self.look_up("203.0.113.7"))

    def test_only_what_trusted_proxies_wrote_counts(self):
        """What the citizen's own header says stands on the left, and is worth nothing."""
        for i in range(5):
            self.misses(f"10.9.9.{i}, 203.0.113.9", 1)
        self.too_fast(self.look_up("10.9.9.77, 203.0.113.9"))
        self.too_fast(self.look_up("203.0.113.9:51000, 198.51.100.7"))  # through a second proxy
        self.too_fast(self.look_up("203.0.113.9,198.51.100.7,   198.51.100.8"))
        self.misses("198.51.100.7", 5)  # a proxy that asks by itself
        self.too_fast(self.look_up("198.51.100.7"))
        self.misses("unknown, 198.51.100.20", 5)  # no further than what can be read
        self.too_fast(self.look_up("_hidden, 198.51.100.20"))
        for nonsense in (",,,", "x" * 3000, "\t", "1.2.3.4.5", "[::1"):  # then it is the connection's own
            self.misses(nonsense, 1)
        self.too_fast(self.look_up(None))

    def test_two_headers(self):
        """A proxy may add a header of its own behind what came."""
        def ask(first, second):
            c = self.anyone
            if not c.connection:
                c.call("GET", "/healthz")
            c.connection.putrequest("GET", f"/v1/public/tickets/{self.number}?code=WRONG234")
            c.connection.putheader("X-Forwarded-For", first)
            c.connection.putheader("X-Forwarded-For", second)
            c.connection.endheaders()
            response = c.connection.getresponse()
            response.read()
            return response.status
        self.assertEqual([ask(f"10.1.1.{i}", "203.0.113.44") for i in range(6)], [404] * 5 + [429])

    # ---- tickets of the web

    def send(self, client=None, address=None, headers=None, **change):
        body = {"channel": "web", "kind": "help", "category": CODE, "title": "路灯不亮", "text": "路灯不亮", **change}
        told = {"Hotline-Client-Address": address} if address else {}
        return (client or self.web).call("POST", "/v1/tickets", body, {**told, **(headers or {})})

    def test_tickets(self):
        before = self.metric('hotlined_throttled_total{door="web"}')
        self.assertEqual(self.send(address="203.0.113.1", category="999999").status, 400)  # costs nothing
        key = {"Idempotency-Key": "one"}
        for status in (201, 200, 200, 200, 200):
            self.assertEqual(self.send(address="203.0.113.1", headers=key).status, status)
        self.assertEqual([self.send(address="203.0.113.1").status for _ in range(2)], [201, 201])
        stored = self.daemon.sql("SELECT count(*) FROM ticket")
        answer = self.send(address="203.0.113.1")
        wait_s = self.too_fast(answer)
        self.assertIn("12345", answer.json["detail"])
        self.assertEqual(self.daemon.sql("SELECT count(*) FROM ticket"), stored)
        self.assertEqual(self.metric('hotlined_throttled_total{door="web"}'), before + 1)
        # nobody else: another citizen, another channel, the front by itself, the desk
        self.assertEqual(self.send(address="203.0.113.2").status, 201)
        self.assertEqual(self.send(address="203.0.113.1", channel="wechat").status, 201)
        self.assertEqual([self.send().status for _ in range(20)], [201] * 20)
        self.assertEqual(self.send(self.desk, channel="phone").status, 201)
        self.daemon.advance(wait_s)
        self.assertEqual(self.send(address="203.0.113.1").status, 201)

    def test_the_address_is_one(self):
        stored = self.daemon.sql("SELECT count(*) FROM ticket")
        for bad in ("somebody", "203.0.113.1, 203.0.113.2", "203.0.113", "x" * 200):
            answer = self.send(address=bad)
            self.assertEqual(answer.status, 400, answer)
            self.assertEqual(answer.json["errors"], [{"field": "Hotline-Client-Address", "reason": "format"}])
        self.assertEqual(self.daemon.sql("SELECT count(*) FROM ticket"), stored)

    def test_open311(self):
        form = (f"api_key={self.daemon.tokens['web']}&service_code={CODE}&address_string=x").encode()
        head = {"Content-Type": "application/x-www-form-urlencoded", "Hotline-Client-Address": "203.0.113.61"}
        post = lambda fmt, **more: self.anyone.call("POST", f"{OPEN311}/requests.{fmt}", form, {**head, **more})
        self.assertEqual([post("json").status for _ in range(3)], [200] * 3)
        answer = post("json")
        self.too_fast(answer)
        (error,) = json.loads(answer.body)
        self.assertEqual(error["code"], 429)
        answer = post("xml")
        self.too_fast(answer)
        self.assertIn(b"<errors><error><code>429</code>", answer.body)
        self.assertEqual(post("json", **{"Hotline-Client-Address": "203.0.113.62"}).status, 200)
        del head["Hotline-Client-Address"]
        self.assertEqual([post("json").status for _ in range(10)], [200] * 10)


class Defaults(DaemonTest):
    """Without a trusted proxy the header is anybody's word: it neither helps nor harms."""

    def test_a_list_that_is_none(self):
        """Rather no daemon than one that believes everybody, or nobody, by mistake."""
        for wrong in ("proxy.example", "10.0.0.0/33", "10.0.0.1, x"):
            done = subprocess.run([str(BIN / "hotlined"), "--data", self.daemon.data + "-none", "--trusted_proxies", wrong],
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("trusted_proxies", done.stderr)
            self.assertFalse(pathlib.Path(self.daemon.data + "-none").exists())

    def test_the_header_is_not_believed(self):
        anyone, made = self.daemon.client(), self.new_ticket()
        anyone.recorded = False
        ask = lambda i, code: anyone.call("GET", f"/v1/public/tickets/{made['number']}?code={code}",
                                          headers={"X-Forwarded-For": f"203.0.113.{i % 250}"}).status
        self.assertEqual({ask(i, "WRONG234") for i in range(600)}, {404})
        self.assertEqual(ask(1, "WRONG234"), 429)
        wait_until(lambda: "trusted_proxies" in self.daemon.log(), "the operator to be told")
        web = self.daemon.client("web")
        body = {"channel": "web", "kind": "help", "category": CODE, "title": "x", "text": "x"}
        web.recorded = False
        statuses = {web.call("POST", "/v1/tickets", body).status for _ in range(200)}
        self.assertEqual(statuses, {201}, "a web front stands for the whole city")
        anyone.close()
        web.close()


if __name__ == "__main__":
    main()
