"""Bad input: the right 4xx that names the field, counted, nothing stored, nobody else delayed.

And the other direction: what we accept, PostgreSQL accepts, and gives back byte for byte.
"""
import concurrent.futures
import json
import os
import random
import socket
import threading
import urllib.parse

from hotline_test import DaemonTest, main, wait_until

GOOD = {"channel": "web", "kind": "help", "category": "010206", "region": "320281001001", "title": "标题", "text": "正文"}
TABLES = ("ticket", "requester", "assignment", "queue_item", "ticket_clock", "ticket_event", "callback", "intake_key",
          "tally", "account", "token", "config_version", "device")
RANDOM_TICKETS = int(os.environ.get("HOTLINE_RANDOM", "2000"))


class Bystander(threading.Thread):
    """Somebody else, who is served all the time."""

    def __init__(self, client):
        super().__init__(daemon=True)
        self.client, self.served, self.failed, self.over = client, 0, None, threading.Event()

    def run(self):
        try:
            while not self.over.is_set():
                answer = self.client.call("GET", "/v1/tickets?limit=1")
                if answer.status != 200:
                    self.failed = answer
                    return
                self.served += 1
        except OSError as error:
            self.failed = error


class BadInputTest(DaemonTest):
    def setUp(self):
        self.nobody = self.daemon.client()
        self.unit = self.daemon.unit("JY-GJ")
        self.other = self.daemon.unit("JY-CGJ")

    def tearDown(self):
        for client in (self.nobody, self.unit, self.other):
            client.close()

    # ---- what must not change, what must grow ---------------------------------------------------

    def stored(self):
        return self.daemon.sql("SELECT " + ", ".join(f"(SELECT count(*) FROM {t})" for t in TABLES) +
                               ", (SELECT sum(version) FROM ticket)")

    def metrics(self):
        text = self.nobody.call("GET", "/metrics").body.decode()
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                if line and line[0] != "#"}

    def harmless(self, work):
        """Runs work(): nothing may be stored, a bystander is served, and it says how many were refused as what."""
        before, counted = self.stored(), self.metrics()
        bystander = Bystander(self.daemon.client("desk2"))
        bystander.client.recorded = False
        bystander.start()
        wait_until(lambda: bystander.served or bystander.failed, "the bystander")
        at_start = bystander.served
        expected = work() or {}
        wait_until(lambda: bystander.served > at_start or bystander.failed, "the bystander to be served meanwhile")
        bystander.over.set()
        bystander.join(30)
        bystander.client.close()
        self.assertIsNone(bystander.failed)
        self.assertEqual(self.stored(), before, "something was stored")
        grown = self.metrics()
        for name, count in expected.items():
            self.assertEqual(grown[name] - counted[name], count, name)

    def refused(self, answer, status, field=None, reason=None):
        self.assertEqual(answer.status, status, answer)
        self.assertTrue(answer.headers["content-type"].startswith("application/problem+json"), answer.headers)
        if field is not None:
            named = [(e["field"], e["reason"]) for e in answer.json["errors"]]
            self.assertTrue(any(f == field and reason in (None, r) for f, r in named), f"{field} {reason}: {named}")

    def invalid(self, cases):
        """Cases (client, method, target, body, headers, field, reason), all 400."""
        for client, method, target, body, headers, field, reason in cases:
            with self.subTest(target=target, field=field, reason=reason):
                self.refused(client.call(method, target, body, headers), 400, field, reason)
        return {'hotlined_refused_total{problem="invalid"}': len(cases)}

    def ticket_cases(self, cases):
        return [(self.desk, "POST", "/v1/tickets", {**GOOD, **change}, None, field, reason)
                for change, field, reason in cases]


class Wire:
    """Malformed HTTP; the whole matrix is the parser's own test, this is the daemon's behaviour on a sample."""

    HOST = b"Host: city\r\n"
    PROBES = [
        (b"GET / HTTP/1.1\r\n\r\n", 400), (b"GET / HTTP/1.1\nHost: city\n\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"Host: evil\r\n\r\n", 400), (b"BREW /pot HTTP/1.1\r\n" + HOST + b"\r\n", 501),
        (b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", 505), (b"GET /%00 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET /a/../b HTTP/1.1\r\n" + HOST + b"\r\n", 400), (b"GET /%c0%af HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X-A: b\r\n c\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X-A: b\0c\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X A: b\r\n\r\n", 400),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X-A: " + b"a" * 20000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n" * 200 + b"\r\n", 431),
        (b"POST /v1/tickets HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
        (b"POST /v1/tickets HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /v1/tickets HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (b"POST /v1/tickets HTTP/1.1\r\n" + HOST + b"Content-Length: +5\r\n\r\nhello", 400),
        (b"POST /v1/tickets HTTP/1.1\r\n" + HOST + b"Expect: 200-ok\r\nContent-Length: 2\r\n\r\nok", 417),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400), (b"\r\n\r\n\r\n", 400),
    ]

    def send(self, data):
        """What is answered until the peer closes."""
        with socket.create_connection(("127.0.0.1", self.daemon.port), timeout=60) as s:
            s.sendall(data)
            answer = b""
            while part := s.recv(65536):
                answer += part
            return answer

    def check(self, data, status):
        answer = self.send(data)
        head, _, body = answer.partition(b"\r\n\r\n")
        self.assertEqual(int(head.split()[1]), status, f"{data[:80]} {answer[:300]}")
        self.assertIn(b"connection: close", head.lower())
        self.assertIn(b"application/problem+json", head.lower())
        self.assertEqual(json.loads(body)["status"], status)

    def test_probes(self):
        def work():
            for data, status in self.PROBES:
                self.check(data, status)
            malformed = sum(status == 400 for _, status in self.PROBES)
            return {'hotlined_http_refused_total{reason="malformed"}': malformed,
                    'hotlined_refused_total{problem="http"}': len(self.PROBES)}

        self.harmless(work)

    def post(self, headers, body, token="desk"):
        return (b"POST /v1/tickets HTTP/1.1\r\n" + self.HOST + b"Authorization: Bearer "
                + self.daemon.tokens[token].encode() + b"\r\n" + headers + b"\r\n" + body)

    def test_too_large(self):
        big = json.dumps({**GOOD, "text": "x" * 70000}).encode()
        chunks = b"".join(b"4000\r\n" + b"x" * 0x4000 + b"\r\n" for _ in range(5))

        def work():
            self.check(self.post(b"Content-Length: %d\r\n" % len(big), big), 413)
            self.check(self.post(b"Content-Length: 99999999999\r\n", b""), 413)
            self.check(self.post(b"Content-Length: 70000\r\nExpect: 100-continue\r\n", b""), 413)
            self.check(self.post(b"Transfer-Encoding: chunked\r\n", chunks + b"0\r\n\r\n"), 413)
            return {'hotlined_http_refused_total{reason="body_too_large"}': 4}

        self.harmless(work)

    def test_half_a_request_holds_nobody_up(self):
        """A body that never ends: others are answered while it is open, and its end stores nothing."""
        body = json.dumps(GOOD).encode()

        def work():
            with socket.create_connection(("127.0.0.1", self.daemon.port), timeout=60) as s:
                s.sendall(self.post(b"Content-Length: %d\r\n" % len(body), body[:-1]))
                for _ in range(50):
                    self.desk.get("/v1/tickets?limit=1")
                s.setblocking(False)
                with self.assertRaises(BlockingIOError):
                    s.recv(1)

        self.harmless(work)

    def test_refused_before_the_body(self):
        """Who may not post is told so at the head; what he sends all the same is dropped, and the connection goes on."""
        body = b"x" * 60000

        def work():
            for token, path, status in (("web", b"/v1/nothing", 404), ("unit:JY-GJ", b"/v1/tickets", 403)):
                with socket.create_connection(("127.0.0.1", self.daemon.port), timeout=60) as s:
                    head = self.post(b"Content-Length: %d\r\n" % len(body), b"", token).replace(b"/v1/tickets", path)
                    s.sendall(head)
                    self.assertEqual(self.status(s), status)
                    s.sendall(body + b"GET /healthz HTTP/1.1\r\n" + self.HOST + b"\r\n")
                    self.assertEqual(self.status(s), 200)

        self.harmless(work)

    @staticmethod
    def status(s):
        """Of one answer with a length."""
        text = b""
        while b"\r\n\r\n" not in text:
            text += s.recv(1)
        length = int(next(line for line in text.lower().split(b"\r\n") if line.startswith(b"content-length")).split()[1])
        while length:
            length -= len(s.recv(length))
        return int(text.split()[1])


class Documents:
    """Bodies that are no JSON, or JSON that is no order."""

    def raw(self, text):
        return text if isinstance(text, bytes) else text.encode()

    def test_not_json(self):
        good = json.dumps(GOOD)
        deep = '{"a":' * 17 + "1" + "}" * 17
        texts = [
            (b'{"title":"\xff"}', None, "utf8"), (b'{"title":"\xc0\xaf"}', None, "utf8"),
            (b'{"title":"\xe0\x80\xaf"}', None, "utf8"), (b'{"title":"\xf0\x80\x80\xaf"}', None, "utf8"),
            (b'{"title":"\xed\xa0\x80"}', None, "utf8"), (b'{"title":"\xf4\x90\x80\x80"}', None, "utf8"),
            (b'{"title":"\xe4\xb8"}', None, "utf8"), (b'{"title":"a\0b"}', None, "nul"),
            ('{"title":"\\ud800"}', "title", "utf8"), ('{"title":"\\udc00\\ud800"}', "title", "utf8"),
            ('{"title":"a\\u0000b"}', "title", "nul"), ('{"title":"a","title":"b"}', "title", "duplicate"),
            ('{"requester":{"name":"a","na\\u006de":"b"}}', None, "duplicate"),
            (deep, None, "depth"), ("[" * 100000 + "]" * 100000, None, None), ('{"title":NaN}', "title", "syntax"),
            ('{"title":Infinity}', "title", "syntax"), ("{'title':'a'}", None, "syntax"), ('{"title":"a",}', None, "syntax"),
            ('{"title":"a"} x', None, "syntax"), ("// a\n{}", None, "syntax"), ('{"title":01}', "title", "syntax"),
            ('{"title":"a\nb"}', "title", "syntax"), ('{"title":"\\x41"}', "title", "syntax"), ("{", None, "syntax"),
            (good[:-1], None, "syntax"), ("\ufeff" + good, None, "syntax"), ("tru", None, "syntax"),
        ]

        def work():
            count = 0
            for text, field, reason in texts:
                answer = self.desk.call("POST", "/v1/tickets", self.raw(text), {"Content-Type": "application/json"})
                if len(text) > 65536:
                    self.refused(answer, 413)
                    continue
                count += 1
                with self.subTest(text=text[:60]):
                    self.refused(answer, 400)
                    fault = answer.json["errors"][0]
                    self.assertEqual(fault["reason"], reason)
                    self.assertTrue(field is None or fault["field"] == field, fault)
            return {'hotlined_refused_total{problem="invalid"}': count}

        self.harmless(work)

    def test_wrong_shape(self):
        texts = ["[]", "null", '"x"', "12", "true", "[{}]"]
        self.harmless(lambda: self.invalid([(self.desk, "POST", "/v1/tickets", t.encode(),
                                             {"Content-Type": "application/json"}, "", "wrong_type") for t in texts]))

    def test_content_type(self):
        body = json.dumps(GOOD).encode()

        def work():
            types = ("text/plain", "application/xml", "application/x-www-form-urlencoded", "application/jsonx",
                     "multipart/form-data; boundary=x", "*/*", "")
            for kind in types:
                self.refused(self.desk.call("POST", "/v1/tickets", body, {"Content-Type": kind}), 415)
            return {'hotlined_refused_total{problem="media_type"}': len(types)}

        self.harmless(work)
        for kind in ("application/json", "Application/JSON; charset=utf-8"):
            self.assertEqual(self.desk.call("POST", "/v1/tickets", body, {"Content-Type": kind}).status, 201)

    def test_fields(self):
        missing = [({name: None}, name, "required") for name in ("channel", "kind", "category", "title", "text")]
        wrong = [({name: value}, name, "wrong_type") for name in ("channel", "kind", "category", "region", "title", "text",
                                                                  "address", "call_id", "urgency", "requester")
                 for value in (12, True, ["x"], 1.5)]
        values = [
            ({"channel": "fax"}, "channel", "not_allowed"), ({"kind": "Help"}, "kind", "not_allowed"),
            ({"urgency": ""}, "urgency", "not_allowed"), ({"category": "999999"}, "category", "not_found"),
            ({"category": "010206 "}, "category", "not_found"), ({"region": "320281999999"}, "region", "not_found"),
            ({"region": "x" * 65}, "region", "too_long"), ({"title": ""}, "title", "too_short"),
            ({"title": " \u3000\u200b"}, "title", "too_short"), ({"text": " \n\t"}, "text", "too_short"),
            ({"title": "题" * 201}, "title", "too_long"), ({"text": ""}, "text", "too_short"),
            ({"text": "文" * 8001}, "text", "too_long"), ({"address": "址" * 301}, "address", "too_long"),
            ({"title": "a\tb"}, "title", "format"), ({"title": "a\nb"}, "title", "format"),
            ({"text": "a\x07b"}, "text", "format"), ({"text": "a\x7fb"}, "text", "format"),
            ({"number": "1"}, "number", "unknown"), ({"Title": "x"}, "Title", "unknown"),
            ({"requester": {"nme": "x"}}, "requester.nme", "unknown"),
            ({"requester": {"name": ""}}, "requester.name", "too_short"),
            ({"requester": {"anonymous": "yes"}}, "requester.anonymous", "wrong_type"),
            ({"题" * 300: 1}, None, None),
        ]
        self.harmless(lambda: self.invalid(self.ticket_cases(missing + wrong + values)))

    def test_all_faults_at_once(self):
        answer = self.desk.call("POST", "/v1/tickets", {"channel": "fax", "kind": 1, "title": "", "bogus": 1})
        named = {(e["field"], e["reason"]) for e in answer.json["errors"]}
        self.assertEqual(named, {("channel", "not_allowed"), ("kind", "wrong_type"), ("title", "too_short"),
                                 ("bogus", "unknown"), ("category", "required"), ("text", "required")})

    def test_long_texts(self):
        for count in (7000, 8000):
            for character in ("x", "文", "𠮷"):
                made = self.new_ticket(text=character * count, title="题" * 200, address="址" * 300)
                self.assertEqual(self.desk.get(f"/v1/tickets/{made['number']}")["text"], character * count)

    def test_phones(self):
        mobile = ("13800138000", "138 0013 8000", "138-0013-8000", "+86 138 0013 8000", "0086-13800138000", "013800138000",
                  "１３８００１３８０００", "（+86）138.0013.8000", "86 13800138000", "138–0013–8000")
        for phone in mobile:
            made = self.new_ticket(requester={"phone": phone})
            found = self.desk.get("/v1/tickets?limit=1&phone=" + urllib.parse.quote("13800138000"))["items"]
            self.assertEqual(found[0]["number"], made["number"], phone)
            found = self.desk.get("/v1/tickets?limit=1&phone=" + urllib.parse.quote(phone))["items"]
            self.assertEqual(found[0]["number"], made["number"], phone)
        line = self.new_ticket(requester={"phone": "(0510) 8686-1234"})["number"]
        for phone in ("051086861234", "+86 510 86861234", "0510 86861234"):
            found = self.desk.get("/v1/tickets?limit=1&phone=" + urllib.parse.quote(phone))["items"]
            self.assertEqual([t["number"] for t in found], [line], phone)
        self.assertEqual(self.new_ticket(requester={"phone": "110"})["state"], "handling")
        bad = [("12", "format"), ("abc", "format"), ("138 0013 800O", "format"), ("1" * 21, "format"), ("13800138000👍", "format"),
               ("138+00138000", "format"), ("", "too_short"), ("1 " * 21, "too_long"), (13800138000, "wrong_type")]
        self.harmless(lambda: self.invalid(self.ticket_cases(
            [({"requester": {"phone": p}}, "requester.phone", reason) for p, reason in bad])))
        self.harmless(lambda: self.invalid([(self.desk, "GET", "/v1/tickets?phone=" + urllib.parse.quote(p), None, None,
                                             "phone", "format") for p in ("12", "abc", "x" * 50)]))


class Orders:
    """Numbers, cursors, queries and bodies of everything that is not a new ticket."""

    def test_ticket_numbers(self):
        number = self.new_ticket()["number"]
        wrong = [number[:i] + d + number[i + 1:] for i in range(18) for d in "0123456789" if d != number[i]]
        swapped = [number[:i] + number[i + 1] + number[i] + number[i + 2:] for i in range(17) if number[i] != number[i + 1]]
        odd = [number[:-1], number + "0", "x", "-1", "1" * 30, number.replace("2", "２", 1), " " + number]

        def work():
            for text in wrong + swapped + odd:
                path = urllib.parse.quote(text)
                self.refused(self.desk.call("GET", f"/v1/tickets/{path}"), 404, "number", "format")
            for text in wrong[::5]:
                self.refused(self.desk.call("POST", f"/v1/tickets/{text}/note", {"text": "x"}), 404, "number", "format")
                self.refused(self.unit.call("POST", f"/v1/assignments/{text}-1/sign", {}), 404)
            for text in (f"{number}-0", f"{number}-2", f"{number}-01", f"{number}-", f"{number}", f"{number}-99999", "x-1"):
                self.refused(self.unit.call("POST", f"/v1/assignments/{text}/sign", {}), 404)

        self.harmless(work)

    def test_cursors(self):
        numbers = [self.new_ticket()["number"] for _ in range(3)]
        here = self.desk.get("/v1/tickets?state=handling&limit=1")["next"]
        queue = self.unit.get("/v1/queue?limit=1")["next"]
        history = self.desk.get(f"/v1/tickets/{numbers[0]}/events?limit=1")["next"]
        events = self.unit.get("/v1/events?after=start&limit=1")["next"]
        for cursor in (here, queue, history, events):
            self.assertTrue(cursor)
        strange = [here[:-1] + ("0" if here[-1] != "0" else "1"), here[:-2], here + "00", "zz" * (len(here) // 2), "1", ""]
        cases = [(self.desk, "/v1/tickets?state=accepted&", here), (self.desk, "/v1/tickets?", here),
                 (self.desk, "/v1/tickets?state=handling&q=x&", here), (self.unit, "/v1/tickets?state=handling&", here),
                 (self.desk, "/v1/tickets?state=handling&", queue), (self.other, "/v1/queue?", queue),
                 (self.unit, "/v1/queue?state=unsigned&", queue), (self.unit, "/v1/queue?", events),
                 (self.desk, f"/v1/tickets/{numbers[1]}/events?", history), (self.desk, "/v1/events?", events),
                 (self.other, "/v1/events?", events), (self.unit, "/v1/events?", here)]
        cases += [(self.desk, "/v1/tickets?state=handling&", s) for s in strange if s]
        self.harmless(lambda: self.invalid([(client, "GET", target + "after=" + cursor, None, None, "after", "format")
                                            for client, target, cursor in cases]))
        stream = {"Accept": "text/event-stream", "Last-Event-ID": here}
        self.harmless(lambda: self.invalid([(self.desk, "GET", "/v1/events", None, stream, "Last-Event-ID", "format")]))
        self.desk.get(f"/v1/tickets?state=handling&limit=1&after={here}")

    def test_queries(self):
        def bad(client, target, field, reason):
            return client, "GET", target, None, None, field, reason

        cases = [bad(self.desk, f"/v1/tickets?limit={v}", "limit", None)
                 for v in ("0", "201", "-1", "x", "1e2", "%2B5", "99999999999999999999", "", "1.0", "0x5", "%EF%BC%91")]
        cases += [bad(self.desk, f"/v1/tickets?{n}={v}", n, r) for n, v, r in (
            ("state", "open", "not_allowed"), ("unit", "JY-NONE", "not_found"), ("category", "x", "not_found"),
            ("region", "1", "not_found"), ("kind", "", "not_allowed"), ("overdue", "1", "not_allowed"), ("q", "", "too_short"),
            ("q", "x" * 101, "too_long"), ("bogus", "1", "unknown"), ("Limit", "1", "unknown"))]
        cases += [bad(self.desk, "/v1/tickets?limit=1&limit=2", "limit", "duplicate"),
                  bad(self.unit, "/v1/queue?wait=56", "wait", "range"), bad(self.unit, "/v1/queue?state=passed", "state", None),
                  bad(self.desk, "/v1/queue", "unit", "required"), bad(self.unit, "/v1/events?wait=56", "wait", "range"),
                  bad(self.unit, "/v1/events?limit=501", "limit", "range"),
                  bad(self.desk, "/v1/reports/tiers?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from", "range"),
                  bad(self.desk, "/v1/reports/tiers?from=yesterday", "from", "format"),
                  bad(self.desk, "/v1/reports/tiers?region=0", "region", "not_found"),
                  bad(self.desk, "/v1/reports/measures?by=planet", "by", "not_allowed"),
                  bad(self.nobody, "/healthz?x=1", "x", "unknown")]
        self.harmless(lambda: self.invalid(cases))

    def test_query_text(self):
        for raw in ("%ff", "%c0%af", "%00", "%ed%a0%80", "%", "%4", "%zz"):
            answer = self.desk.call("GET", f"/v1/tickets?q={raw}")
            self.assertEqual(answer.status, 400, f"{raw} {answer}")
        title = "打九折100%_\\'\"$1;--"
        number = self.new_ticket(title=title)["number"]
        # signs stand for nothing: they part words, each of which has to be there
        for q, found in ((title, True), ("100%_", True), ("100x_", False), ("九折_00", True), ("九折_20", False), ("九折%x", False)):
            items = self.desk.get("/v1/tickets?q=" + urllib.parse.quote(q))["items"]
            self.assertEqual(number in [t["number"] for t in items], found, q)
        answer = self.desk.call("GET", "/v1/tickets?q=" + urllib.parse.quote("\\'\""))
        self.assertEqual((answer.status, answer.json["errors"]), (400, [{"field": "q", "reason": "too_short"}]))

    def test_orders(self):
        number = self.new_ticket()["number"]
        ticket, assignment = f"/v1/tickets/{number}", f"/v1/assignments/{number}-1"
        huge = (10 ** 30, 1e300, -1, 0, 6, 1.5, "3", [3])
        cases = [(self.desk, ticket + "/callback", {"reached": True, "solved": True, "satisfied": v}, "satisfied") for v in huge]
        cases += [
            (self.desk, ticket + "/answer", {}, "reply"), (self.desk, ticket + "/answer", {"reply": "x" * 4001}, "reply"),
            (self.desk, ticket + "/answer", {"reply": "x", "text": "y"}, "text"), (self.desk, ticket + "/note", {}, "text"),
            (self.desk, ticket + "/review", {}, "pass"), (self.desk, ticket + "/review", {"pass": "true"}, "pass"),
            (self.desk, ticket + "/dispatch", {"lead_unit": "JY-NONE"}, "lead_unit"),
            (self.desk, ticket + "/dispatch", {"lead_unit": "JY-GJ", "co_units": "JY-CGJ"}, "co_units"),
            (self.desk, ticket + "/dispatch", {"lead_unit": "JY-GJ", "co_units": [1]}, "co_units[0]"),
            (self.desk, ticket + "/dispatch", {"lead_unit": "JY-GJ", "co_units": ["JY-CGJ"] * 100}, "co_units"),
            (self.desk, ticket + "/dispatch", {"lead_unit": "JY-GJ", "co_units": ["JY-NONE"]}, "co_units[0]"),
            (self.unit, assignment + "/sign", {"lease": 1}, "lease"), (self.unit, assignment + "/report", {}, "solved"),
            (self.unit, assignment + "/report", {"solved": True, "public_reply": ""}, "public_reply"),
            (self.unit, assignment + "/release", {}, "lease"), (self.unit, assignment + "/release", {"lease": "zz" * 16}, "lease"),
            (self.unit, assignment + "/release", {"lease": "00"}, "lease"),
        ]
        cases += [(self.unit, "/v1/queue/claim", {name: value}, name) for name, value in (
            ("limit", 0), ("limit", 101), ("limit", "5"), ("limit", 2 ** 70), ("lease_seconds", 29), ("lease_seconds", 3601),
            ("wait", 56), ("wait", -1), ("bogus", 1))]
        cases += [(self.desk, "/v1/explain", {"channel": "web", "kind": "help", "category": "x"}, "category"),
                  (self.admin, "/v1/admin/accounts", {}, "accounts"), (self.admin, "/v1/admin/accounts", {"accounts": {}}, "accounts"),
                  (self.admin, "/v1/admin/accounts", {"accounts": []}, "accounts")]
        self.harmless(lambda: self.invalid([(client, "POST", target, body, None, field, None)
                                            for client, target, body, field in cases]))

    def test_cities(self):
        """A bundle with faults is refused as a whole, and the one in force stays."""
        bundle = self.admin.get("/v1/admin/export")
        for spoil in (lambda b: b.pop("regions"), lambda b: b["units"][0].update(parent="JY-NONE"),
                      lambda b: b["rule_set"]["rules"][0].update(category="zz"), lambda b: b.update(bogus=1)):
            bad = json.loads(json.dumps(bundle))
            spoil(bad)

            def work(bad=bad):
                answer = self.admin.call("POST", "/v1/admin/import", bad)
                self.assertIn(answer.status, (400, 422), answer)
                self.assertTrue(answer.json["errors"])

            self.harmless(work)


class Accepted:
    """What we accept, PostgreSQL accepts: random texts over the code points that go wrong elsewhere."""

    POOLS = (
        range(0x20, 0x7f), range(0x4e00, 0x9fff), range(0x3400, 0x4dbf), range(0x20000, 0x2a6df), range(0x1f300, 0x1faff),
        range(0x300, 0x36f), range(0x80, 0xa0), range(0xe000, 0xe020), (0xfffe, 0xffff, 0x1fffe, 0x10ffff, 0xfdd0, 0xfdef),
        (0x200b, 0x200d, 0x200e, 0x202e, 0x2028, 0x2029, 0x2066, 0xfeff, 0xad, 0x61c), (0xfe0f, 0x1f1e8, 0x1f1f3, 0x20e3),
        (0x5c, 0x22, 0x27, 0x7b, 0x7d, 0x2c, 0x25, 0x5f, 0x24, 0x3b), (0xac00, 0x1100, 0x1161, 0x11a8),
        (0x590, 0x5d0, 0x627, 0x64b, 0xe01, 0xe31), range(0xf0000, 0xf0010), range(0x100000, 0x100010), (0x7ff, 0x800, 0xffff,
                                                                                                     0x10000))
    REFUSED_ALWAYS = tuple(range(0x00, 0x09)) + (0x0b, 0x0c) + tuple(range(0x0e, 0x20)) + (0x7f,)
    REFUSED_IN_LINES = (0x09, 0x0a, 0x0d)
    SURROGATES = (0xd800, 0xdbff, 0xdc00, 0xdfff)

    BLANKS = {0x20, 0x09, 0x0a, 0x0d, 0xa0, 0x2028, 0x2029, 0x3000, 0xfeff, *range(0x2000, 0x200e)}

    def is_blank(self, text):
        return set(map(ord, text)) <= self.BLANKS

    def text(self, dice, most):
        points = []
        for _ in range(dice.randint(1, most)):
            pool = dice.choice(self.POOLS)
            points.append(pool[dice.randrange(len(pool))])
        if dice.random() < 0.06:
            points.insert(dice.randint(0, len(points)), dice.choice(self.REFUSED_ALWAYS + self.REFUSED_IN_LINES + self.SURROGATES))
        return "".join(map(chr, points))[:most]

    def is_good(self, text, lines):
        points = set(map(ord, text))
        allowed = () if lines else self.REFUSED_IN_LINES
        return not points & set(self.REFUSED_ALWAYS + self.SURROGATES + tuple(allowed))

    def one(self, client, seed):
        """Posts one; returns what was wrong or None."""
        dice = random.Random(seed)
        body = {**GOOD, "title": self.text(dice, 60), "text": self.text(dice, 300), "address": self.text(dice, 80),
                "requester": {"name": self.text(dice, 20)}, "call_id": self.text(dice, 40)}
        good = self.is_good(body["text"], True) and all(self.is_good(t, False) for t in (
            body["title"], body["address"], body["requester"]["name"], body["call_id"]))
        good = good and not any(map(self.is_blank, (body["title"], body["text"], body["requester"]["name"], body["call_id"])))
        escaped = json.dumps(body, ensure_ascii=dice.random() < 0.5).encode("utf-8", "surrogatepass")
        answer = client.call("POST", "/v1/tickets", escaped, {"Content-Type": "application/json"})
        if answer.status != (201 if good else 400):
            return f"seed {seed}: {answer} for {body!r}"
        if not good:
            return None
        ticket = client.get(f"/v1/tickets/{answer.json['number']}")
        for name in ("title", "text", "address", "call_id"):
            if ticket[name] != body[name]:
                return f"seed {seed}: {name} came back as {ticket[name]!r}"
        if ticket["requester"]["name"] != body["requester"]["name"]:
            return f"seed {seed}: the name came back as {ticket['requester']['name']!r}"
        return self.orders(client, answer.json["number"], dice) if seed % 5 == 0 else None

    def orders(self, client, number, dice):
        """The same through the statements that change a ticket."""
        text = self.text(dice, 100)
        answer = client.call("POST", f"/v1/tickets/{number}/note", json.dumps({"text": text}).encode(),
                             {"Content-Type": "application/json"})
        if answer.status != (200 if self.is_good(text, True) and not self.is_blank(text) else 400):
            return f"note: {answer} for {text!r}"
        page = client.get(f"/v1/tickets/{number}/events")
        if not page["chain_ok"] or (answer.status == 200 and page["items"][-1]["text"] != text):
            return f"note {text!r}: {page}"
        q = urllib.parse.quote(text[:20].encode("utf-8", "surrogatepass"))
        found = client.call("GET", f"/v1/tickets?limit=1&q={q}")
        return f"q {q}: {found}" if found.status not in (200, 400) else None

    def many(self, seeds):
        client = self.daemon.client("desk")
        client.recorded = False
        try:
            return [wrong for wrong in (self.one(client, seed) for seed in seeds) if wrong]
        finally:
            client.close()

    def test_random_texts(self):
        name, before = 'hotlined_http_responses_total{class="5xx"}', self.metrics()
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            wrong = sum(pool.map(self.many, [range(i, RANDOM_TICKETS, 4) for i in range(4)]), [])
        self.assertEqual(wrong[:3], [], f"{len(wrong)} of {RANDOM_TICKETS}")
        metrics = self.metrics()
        self.assertEqual(metrics["hotlined_intake_bad_total"], 0)
        self.assertEqual(metrics[name], before[name])
        stored = int(self.daemon.sql("SELECT count(*) FROM ticket")[0][0])
        self.assertGreater(stored, RANDOM_TICKETS // 2)
        print(f"{stored} of {RANDOM_TICKETS} stored and read back", flush=True)

    def test_every_control_character(self):
        for point in list(range(0x20)) + [0x7f, 0x80, 0x85, 0x9f]:
            for field, lines in (("title", False), ("text", True)):
                body = {**GOOD, field: f"a{chr(point)}b"}
                answer = self.desk.call("POST", "/v1/tickets", body)
                wanted = 201 if self.is_good(body[field], lines) else 400
                self.assertEqual(answer.status, wanted, f"U+{point:04X} in {field}: {answer}")
                if wanted == 400:
                    self.assertEqual(answer.json["errors"][0]["field"], field)


class BadInput(Wire, Documents, Orders, Accepted, BadInputTest):
    """All of them on one daemon."""


del BadInputTest, DaemonTest

if __name__ == "__main__":
    main()
