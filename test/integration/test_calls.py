"""Phone gateways: three doors, one call that only goes forward, the screen pop, missed callers."""
import base64
import datetime
import hashlib
import hmac
import itertools
import json
import random
import re
import threading
import time
import unittest
import urllib.parse
import xml.etree.ElementTree

import call_bridges
from hotline_test import ROOT, SHARED, Client, DaemonTest, main, wait_until
from test_events import Session, Stream

CAPTURES = SHARED / "data" / "captures"
AT = "2026-02-13T10:00:00+08:00"


def capture(name):
    """Head (one JSON line) and body of a recorded request."""
    path = CAPTURES / name
    if not path.exists():
        raise unittest.SkipTest(f"{path} is not here")
    head, body = path.read_bytes().split(b"\n", 1)
    return json.loads(head), body.rstrip(b"\n")


def lines(name):
    """Lines of a capture."""
    path = CAPTURES / name
    if not path.exists():
        raise unittest.SkipTest(f"{path} is not here")
    return path.read_text(encoding="utf-8").splitlines()


def expand(text, variables):
    """What a dialplan makes of ${X}, ${URIENCODE(${X})} and ${url_encode(${X})}."""
    def value(name):
        return variables[name]  # a name that the gateway does not have is a fault of the example
    text = re.sub(r"\$\{(?:URIENCODE|url_encode)\(\$\{([^{}]+)\}\)\}",
                  lambda m: urllib.parse.quote(value(m.group(1)), safe=""), text)
    return re.sub(r"\$\{([^{}]+)\}", lambda m: value(m.group(1)), text)


class Calls(DaemonTest):
    CLOCK = AT
    OPTIONS = ("--area-code", "0510")
    serial = itertools.count(1)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.phone = cls.daemon.client("phone")
        cls.nobody = cls.daemon.client()
        cls.admin.post("/v1/admin/accounts/desk/agent", {"agent": "1001"})
        cls.admin.post("/v1/admin/accounts/desk2/agent", {"agent": "1002"})

    @classmethod
    def tearDownClass(cls):
        cls.phone.close()
        cls.nobody.close()
        super().tearDownClass()

    def event(self, call, kind, second=0, **more):
        return {"event_id": f"e{next(self.serial)}", "type": kind, "occurred_at": f"2026-02-13T09:59:{second:02}+08:00",
                "gateway_id": "g", "call_id": call, "direction": "inbound", "ani": "13800138000", "dnis": "12345", **more}

    def tell(self, call, kind, second=0, **more):
        return self.phone.post("/v1/calls/events", self.event(call, kind, second, **more))

    def call(self, call):
        """As it is: what the list masks is revealed."""
        items = self.desk.get(f"/v1/calls?call_id={call}")["items"]
        self.assertEqual(len(items), 1, items)
        return {**items[0], **self.reveal(items[0])}

    def reveal(self, call, reason="回拨"):
        return self.desk.post("/v1/calls/reveal", {"gateway_id": call["gateway_id"], "call_id": call["call_id"], "reason": reason})

    def stream(self, who):
        stream = Stream(self.daemon.port, self.daemon.tokens[who])
        self.addCleanup(stream.close)
        return stream

    def pops(self, stream):
        return [e for e in list(stream.events) if e["type"] == "call.popped"]

    # ---- one call ---------------------------------------------------------------------------------------

    def story(self, call):
        return [self.event(call, "offered", 1), self.event(call, "queued", 2, queue="q1"),
                self.event(call, "ringing", 5, agent_id="1001", extension="8001"),
                self.event(call, "answered", 9, agent_id="1001", extension="8001"),
                self.event(call, "held", 20), self.event(call, "transferred", 30, agent_id="1002", extension="8002"),
                self.event(call, "ended", 50, cause="normal"),
                self.event(call, "recording", 51, recording={"ref": "r/1.wav", "duration_ms": 41000}),
                self.event(call, "recording", 51, recording={"ref": "r/2.wav", "url": "https://rec/2", "sha256": "a" * 64})]

    def test_any_order_and_repeats_come_to_the_same(self):
        rng, ends = random.Random(20260213), []
        for n in range(30):
            call = f"order-{n}"
            told = self.story(call)
            if n:
                told += rng.sample(told, 4)
                rng.shuffle(told)
            known = set()
            for event in told:
                answer = self.phone.post("/v1/calls/events", event)
                self.assertEqual(answer["repeated"], event["event_id"] in known)
                known.add(event["event_id"])
            end = self.call(call)
            self.assertEqual(end.pop("call_id"), call)
            ends.append(end)
        self.assertEqual(ends, [ends[0]] * len(ends))
        self.assertEqual((ends[0]["state"], ends[0]["agent_id"], ends[0]["extension"], ends[0]["queue"], ends[0]["ani"],
                          ends[0]["fate"], ends[0]["cause"]),
                         ("ended", "1002", "8002", "q1", "13800138000", None, "normal"))
        self.assertEqual([r["ref"] for r in ends[0]["recordings"]], ["r/1.wav", "r/2.wav"])
        self.assertEqual([ends[0][k + "_at"][11:19] for k in ("offered", "queued", "ringing", "answered", "ended")],
                         ["09:59:01", "09:59:02", "09:59:05", "09:59:09", "09:59:50"])

    def test_side_by_side(self):
        """The same story told by many at once, everything twice."""
        told = self.story("beside") * 2
        random.Random(7).shuffle(told)
        answers = []

        def tell(part):
            client = self.daemon.client("phone")
            answers.extend(self.patient(client, event) for event in part)
            client.close()

        threads = [threading.Thread(target=tell, args=(told[n::6],)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual(sum(not a["repeated"] for a in answers), 9)
        for event in self.story("alone"):
            self.phone.post("/v1/calls/events", event)
        self.assertEqual({**self.call("beside"), "call_id": ""}, {**self.call("alone"), "call_id": ""})

    def patient(self, client, event):
        while True:
            answer = client.call("POST", "/v1/calls/events", event)
            if answer.status != 503:
                self.assertEqual(answer.status, 200, answer)
                return answer.json

    def test_never_back(self):
        states = [self.tell("back", kind)["state"] for kind in ("ended", "answered", "ringing", "offered")]
        self.assertEqual(states, ["ended"] * 4)
        self.assertIsNotNone(self.call("back")["answered_at"])

    def test_gateways_are_apart(self):
        self.tell("same", "ringing")
        self.tell("same", "ended", gateway_id="h")
        items = self.desk.get("/v1/calls?call_id=same")["items"]
        self.assertEqual({i["gateway_id"]: i["state"] for i in items}, {"g": "ringing", "h": "ended"})

    # ---- the screen pop -----------------------------------------------------------------------------------

    def test_pop_reaches_that_desk_alone(self):
        name, phone = "王小明", "0510-8680 1234"
        requester = {"name": name, "phone": phone}
        open_one = self.new_ticket(requester=requester)["number"]
        closed = self.new_ticket(requester=requester)["number"]
        self.desk.post(f"/v1/tickets/{closed}/withdraw", {"text": "撤"})
        streams = {who: self.stream(who) for who in ("desk", "desk2", "supervisor", "unit:JY-GJ")}
        took = []
        for n in range(20):
            started = time.monotonic()
            self.tell(f"pop-{n}", "ringing", agent_id="1001", ani="+86 510 86801234" if n % 2 else "86801234")
            wait_until(lambda: len(self.pops(streams["desk"])) > n, "the pop")
            took.append((time.monotonic() - started) * 1000)
        took.sort()
        print(f"screen pop after {took[10]:.1f} ms (median of 20, worst {took[-1]:.1f} ms)", flush=True)
        self.tell("pop-0", "answered", agent_id="1001")
        self.tell("pop-end", "ringing", agent_id="1002")
        wait_until(lambda: self.pops(streams["desk2"]), "the pop of the other desk")
        pops = self.pops(streams["desk"])
        self.assertEqual([p["call_id"] for p in pops], [f"pop-{n}" for n in range(20)], "once a call")
        self.assertEqual([p["call_id"] for p in self.pops(streams["desk2"])], ["pop-end"])
        self.assertEqual(self.pops(streams["supervisor"]) + self.pops(streams["unit:JY-GJ"]), [])
        for pop in pops[:2]:
            self.assertEqual([t["number"] for t in pop["open_tickets"]], [open_one])
            self.assertEqual([t["number"] for t in pop["recent_tickets"]], [closed])
            self.assertEqual(pop["requester"]["name"], name)
        self.assertEqual((pops[0]["ani"], pops[1]["ani"]), ("86801234", "+86 510 86801234"))

    def test_pop_of_a_one_key_device(self):
        """Who calls with a device is known by its number, and so is the person."""
        self.admin.post("/v1/admin/devices", {"devices": [
            {"id": "OKC-9", "region": "320281001001", "name": "一键通", "person": "李奶奶", "phone": "13612340009", "address": "3幢"}]})
        stream = self.stream("desk")
        self.tell("of-device", "ringing", agent_id="1001", ani="+8613612340009")
        wait_until(lambda: self.pops(stream), "the pop")
        self.assertEqual(self.pops(stream)[0]["device"], {
            "id": "OKC-9", "name": "一键通", "person": "李奶奶", "region": "320281001001", "address": "3幢"})

    def test_desk_unknown_every_desk(self):
        streams = {who: self.stream(who) for who in ("desk", "desk2", "supervisor")}
        self.tell("everybody", "ringing", ani="anonymous")
        self.tell("everybody", "ringing", ani="anonymous", agent_id="7777")
        self.tell("everybody", "answered", ani="anonymous", agent_id="1002")
        self.tell("marker", "ringing", agent_id="1001")
        self.tell("marker", "transferred", 1, agent_id="1002")
        wait_until(lambda: self.pops(streams["desk"])[-1:] and self.pops(streams["desk"])[-1]["call_id"] == "marker", "marker")
        wait_until(lambda: self.pops(streams["desk2"])[-1:] and self.pops(streams["desk2"])[-1]["call_id"] == "marker", "marker")
        wait_until(lambda: self.pops(streams["supervisor"]), "everybody's")
        self.assertEqual([(p["call_id"], p["agent_id"]) for p in self.pops(streams["desk"])],
                         [("everybody", None), ("marker", "1001")])
        self.assertEqual([(p["call_id"], p["agent_id"]) for p in self.pops(streams["desk2"])],
                         [("everybody", None), ("everybody", "1002"), ("marker", "1002")])
        self.assertEqual([(p["call_id"], p["ani"], p["open_tickets"]) for p in self.pops(streams["supervisor"])],
                         [("everybody", "anonymous", [])])

    def test_no_pop_where_nobody_rings(self):
        stream = self.stream("desk")
        self.tell("quiet-1", "offered")
        self.tell("quiet-1", "queued")
        self.tell("quiet-2", "ended")
        self.tell("quiet-2", "ringing", agent_id="1001")
        self.tell("quiet-3", "ringing", direction="outbound", agent_id="1001")
        self.tell("loud", "offered", agent_id="1001")
        wait_until(lambda: self.pops(stream), "the pop")
        self.assertEqual([p["call_id"] for p in self.pops(stream)], ["loud"])

    def test_pop_waits_for_no_other_transaction(self):
        """The order of events waits for the oldest transaction; a telephone that rings does not."""
        stream, other = self.stream("desk"), self.stream("desk2")
        self.tell("before", "ringing", agent_id="1001")
        wait_until(lambda: self.pops(stream), "the pop before")
        session = Session(self.daemon)
        session.run("BEGIN; SELECT pg_current_xact_id();")
        for n in range(20):  # more than a stream takes ahead: the others come in their order
            self.tell(f"ahead-{n}", "ringing", agent_id="1001")
        wait_until(lambda: len(self.pops(stream)) >= 17, "pops ahead of their order")
        self.assertEqual([p["call_id"] for p in self.pops(stream)], ["before"] + [f"ahead-{n}" for n in range(16)])
        held = stream.last
        late = Stream(self.daemon.port, self.daemon.tokens["desk"], last=held)
        self.addCleanup(late.close)
        session.run("COMMIT; SELECT 1;")
        session.close()
        self.tell("after", "ringing", agent_id="1001")
        everyone = sorted(["after"] + [f"ahead-{n}" for n in range(20)])

        def told(reader):
            return sorted(p["call_id"] for p in self.pops(reader) if p["call_id"] != "before")
        for reader in (stream, late):  # `late`: who lost the connection meanwhile hears of them again
            wait_until(lambda r=reader: len(told(r)) >= len(everyone), "the others in their order")
        self.tell("marker-1", "ringing", agent_id="1001")
        everyone = sorted(everyone + ["marker-1"])
        for reader in (stream, late):
            wait_until(lambda r=reader: len(told(r)) >= len(everyone), "the marker")
            self.assertEqual(told(reader), everyone, "each once")
        # every event has come by: whoever comes back now is told of nothing again
        wait_until(lambda: not self.desk.get("/v1/events?after=" + stream.last)["items"], "the stream's last place")
        back = Stream(self.daemon.port, self.daemon.tokens["desk"], last=stream.last)
        self.addCleanup(back.close)
        self.tell("marker-2", "ringing", agent_id="1001")
        wait_until(lambda: self.pops(back), "the marker")
        self.assertEqual(told(back), ["marker-2"])
        self.assertEqual(self.pops(other), [])

    # ---- the ticket ---------------------------------------------------------------------------------------

    def test_ticket_of_a_call(self):
        self.tell("bound", "answered", agent_id="1001")
        number = self.new_ticket(call_id="bound")["number"]
        self.tell("bound", "recording", recording={"ref": "2026/02/bound.wav", "duration_ms": 5000})
        call = self.desk.get(f"/v1/tickets/{number}")["call"]
        self.assertEqual((call["gateway_id"], call["agent_id"], call["recordings"][0]["ref"]), ("g", "1001", "2026/02/bound.wav"))
        self.assertEqual(self.call("bound")["tickets"], [number])
        shown = self.daemon.hotline("ticket", "show", number, who="desk")
        self.assertRegex(shown, r"(录音|recording)\s+2026/02/bound\.wav")
        late = self.new_ticket(call_id="later")["number"]
        self.assertIsNone(self.desk.get(f"/v1/tickets/{late}")["call"])
        self.tell("later", "ended")
        self.assertEqual(self.desk.get(f"/v1/tickets/{late}")["call"]["state"], "ended")
        unit = self.daemon.unit("JY-CGJ")
        self.addCleanup(unit.close)
        self.desk.post(f"/v1/tickets/{number}/dispatch", {"lead_unit": "JY-CGJ"})
        self.assertNotIn("call", unit.get(f"/v1/tickets/{number}"), "a recording is the desk's")

    # ---- nobody answered ----------------------------------------------------------------------------------

    def missed(self):
        return [(i["call_id"], i["fate"]) for i in self.desk.get("/v1/calls?missed=true&limit=200")["items"]
                if i["call_id"].startswith("m-")]

    def test_missed_and_abandoned(self):
        def lost(call, ani, rang=True, **more):
            for kind in ("queued", "ringing", "ended") if rang else ("queued", "ended"):
                self.tell(call, kind, 10, ani=ani, **more)
        lost("m-1", "13900000001")
        lost("m-2", "13900000002", rang=False)
        lost("m-3", "anonymous")
        lost("m-4", "13900000004", direction="outbound")
        self.tell("m-5", "answered", 9)
        self.tell("m-5", "ended", 10)
        self.assertEqual(self.missed(), [("m-3", "missed"), ("m-2", "abandoned"), ("m-1", "missed")])
        self.tell("m-6", "answered", 30, ani="013900000001")
        self.assertEqual(self.missed(), [("m-3", "missed"), ("m-2", "abandoned")], "got through later")
        self.tell("m-7", "answered", 40, direction="outbound", ani="8001", dnis="13900000002")
        self.assertEqual(self.missed(), [("m-3", "missed")], "was called")
        self.assertIn("m-3", self.daemon.hotline("call", "list", "--missed", who="desk"))
        first = self.desk.post("/v1/calls/returned", {"gateway_id": "g", "call_id": "m-3"})
        again = self.supervisor.post("/v1/calls/returned", {"gateway_id": "g", "call_id": "m-3"})
        self.assertEqual((first, first["returned_by"]), (again, "desk"))
        self.assertEqual(self.missed(), [])
        for call, status in (("m-5", 409), ("m-4", 409), ("m-none", 404)):
            self.assertEqual(self.desk.call("POST", "/v1/calls/returned", {"gateway_id": "g", "call_id": call}).status, status)
        shown = self.daemon.hotline("call", "list", who="desk")
        self.assertIn("m-5", shown)

    def test_numbers_are_masked(self):
        """The citizen's number, whichever way the call went and however it was written; whoever needs it says why."""
        cases = (("inbound", "13800138000", "12345", "138****8000", "12345"),
                 ("inbound", "+86 510 86801234", "12345", "051*****1234", "12345"),
                 ("inbound", "anonymous", "12345", "anonymous", "12345"),
                 ("inbound", "sip:13800138000@10.0.0.1", "12345", "sip:***********@**.*.*.*", "12345"),
                 ("outbound", "8001", "13900000002", "8001", "139****0002"))
        for n, (direction, ani, dnis, shown_ani, shown_dnis) in enumerate(cases):
            self.tell(f"mask-{n}", "ringing", direction=direction, ani=ani, dnis=dnis)
            (listed,) = self.desk.get(f"/v1/calls?call_id=mask-{n}")["items"]
            self.assertEqual((listed["ani"], listed["dnis"]), (shown_ani, shown_dnis))
            before = self.daemon.sql("SELECT count(*) FROM audit WHERE action = 'call.reveal'")[0][0]
            self.assertEqual(self.reveal(listed, f"回拨 {n}"),
                             {"gateway_id": "g", "call_id": f"mask-{n}", "ani": ani, "dnis": dnis})
            self.assertEqual(self.daemon.sql("SELECT count(*) FROM audit WHERE action = 'call.reveal'")[0][0], str(int(before) + 1))
        self.assertEqual(self.daemon.sql("SELECT account, detail FROM audit WHERE action = 'call.reveal' ORDER BY id DESC LIMIT 1"),
                         [["desk", '{"reason": "回拨 4", "call_id": "mask-4", "gateway": "g"}']])
        self.assertEqual(self.daemon.hotline("call", "reveal", "g", "mask-0", "--reason", "回拨", who="desk"), "13800138000\t12345\n")
        self.assertNotIn("13800138000", self.daemon.hotline("call", "list", "--call", "mask-0", who="desk"))
        wrong = self.desk.call("POST", "/v1/calls/reveal", {"gateway_id": "g", "call_id": "mask-0"})
        self.assertEqual((wrong.status, wrong.json["errors"][0]["field"]), (400, "reason"))
        self.assertEqual(self.desk.call("POST", "/v1/calls/reveal", {"gateway_id": "g", "call_id": "no", "reason": "x"}).status, 404)

    def test_whom_to_call_back_goes_back_a_month(self):
        for n in range(4):
            self.tell(f"m-old-{n}", "ended", 10, ani=f"1390000100{n}")
        listed = lambda: [call for call, _ in self.missed() if call.startswith("m-old")]
        self.assertEqual(listed(), [f"m-old-{n}" for n in (3, 2, 1, 0)])
        self.daemon.sql("UPDATE call SET reached[7] = reached[7] - interval '31 days' "
                        "WHERE call_id IN ('m-old-0', 'm-old-2')")
        self.assertEqual(listed(), ["m-old-3", "m-old-1"])
        for call in ("m-old-0", "m-old-1", "m-old-2", "m-old-3"):
            self.desk.post("/v1/calls/returned", {"gateway_id": "g", "call_id": call})
        self.assertEqual(listed(), [])

    def test_pages(self):
        for n in range(7):
            self.tell(f"page-{n}", "offered")
        got, after = [], None
        while True:
            page = self.desk.get("/v1/calls?limit=3" + (f"&after={after}" if after else ""))
            got += [i["call_id"] for i in page["items"]]
            after = page["next"]
            if not after:
                break
        self.assertEqual(got[:7], [f"page-{n}" for n in reversed(range(7))])
        self.assertEqual(len(got), len(set((c, i) for i, c in enumerate(got))))

    # ---- who may ------------------------------------------------------------------------------------------

    def signed(self, secret, body, at, message="m1", signature=None):
        at = str(at)
        key = base64.b64decode(secret.removeprefix("whsec_"))
        mac = base64.b64encode(hmac.new(key, f"{message}.{at}.".encode() + body, hashlib.sha256).digest()).decode()
        return self.nobody.call("POST", "/v1/calls/events", body, {
            "Content-Type": "application/json", "webhook-id": message, "webhook-timestamp": at,
            "webhook-signature": signature or f"v1,AAAA v1,{mac}"}).status

    def test_signature_instead_of_a_token(self):
        made = self.admin.post("/v1/admin/accounts", {"accounts": [{"name": "pbx", "role": "gateway"},
                                                                   {"name": "portal", "role": "web"}]})["items"]
        self.assertNotIn("signing_secret", made[1])
        secret = made[0]["signing_secret"]
        body = json.dumps(self.event("signed", "ringing")).encode()
        now = int(datetime.datetime.fromisoformat(self.daemon.advance(0)).timestamp())
        self.assertEqual(self.signed(secret, body, now), 200)
        self.assertEqual(self.signed(secret, body, now), 200, "a replay in time is a repeat")
        self.assertEqual(self.signed(secret, body, now - 299), 200)
        self.assertEqual([self.signed(secret, body, now - 301), self.signed(secret, body, now + 301)], [401, 401])
        self.assertEqual(self.signed(secret, body + b" ", now, signature="v1,AAAA"), 401)
        self.assertEqual(self.signed("whsec_" + base64.b64encode(b"x" * 32).decode(), body, now), 401)
        newer = self.admin.post("/v1/admin/accounts/pbx/rotate")["signing_secret"]
        self.assertNotEqual(newer, secret)
        self.assertEqual([self.signed(newer, body, now), self.signed(secret, body, now)], [200, 200], "two live")
        self.admin.post("/v1/admin/accounts/pbx/disable")
        self.assertEqual(self.signed(newer, body, now), 401)

    def test_wrong_tokens_are_told_to_the_desks(self):
        self.daemon.advance(61)  # the desks hear of the same door once a minute
        stream = self.stream("desk")
        basic = base64.b64encode(b"hotline:wrong").decode()
        event = self.event("x", "ringing")
        self.assertEqual(self.nobody.call("POST", "/v1/calls/events", event).status, 401)
        answer = self.nobody.call("POST", "/v1/cti/wrong", {"event": "newCall", "callId": "1"})
        self.assertEqual((answer.status, bool(answer.json["error"])), (401, True))
        for header in ({}, {"Authorization": "Basic " + basic}, {"Authorization": "Basic !!"}):
            self.assertEqual(self.nobody.call("POST", "/v1/calls/freeswitch", b"{}", header).status, 401)
        desk = base64.b64encode(b"hotline:" + self.daemon.tokens["desk"].encode()).decode()
        self.assertEqual(self.nobody.call("POST", "/v1/calls/freeswitch", b"{}", {"Authorization": "Basic " + desk}).status, 403)
        self.assertEqual(self.desk.call("POST", "/v1/calls/events", event).status, 403)
        self.assertEqual(self.nobody.call("POST", f"/v1/cti/{self.daemon.tokens['desk']}", {}).status, 403)
        wait_until(lambda: len([e for e in stream.events if e["type"] == "door.refused"]) == 3, "three doors")
        self.assertEqual({e["door"] for e in stream.events if e["type"] == "door.refused"}, {"calls", "cti", "freeswitch"})

    # ---- CTI ----------------------------------------------------------------------------------------------

    def cti(self, body, kind="application/json"):
        return self.nobody.call("POST", "/v1/cti/" + self.daemon.tokens["phone"], body, {"Content-Type": kind})

    def test_cti(self):
        stream = self.stream("desk2")
        form = "application/x-www-form-urlencoded"
        self.assertEqual(self.cti(b"event=newCall&from=013800138000&to=12345&direction=in&callId=cti%2F1&user%5B%5D=1002", form).json, {})
        wait_until(lambda: self.pops(stream), "the pop")
        self.assertEqual(self.pops(stream)[0]["call_id"], "cti/1")
        self.assertEqual(self.cti(b'{"event":"answer","callId":"cti/1","answeringNumber":"1002"}').status, 200)
        self.assertEqual(self.cti(b'{"event":"hangup","callId":"cti/1","cause":"normalClearing"}', "text/plain").status, 200)
        call = self.call("cti/1")
        self.assertEqual((call["gateway_id"], call["state"], call["agent_id"], call["cause"], call["fate"]),
                         ("phone", "ended", "1002", "normalClearing", None))
        for body in (b"", b"[]", b"event=ring&callId=1", b'{"event":"newCall"}', b'{"event":"newCall","callId":"1","direction":"up"}'):
            answer = self.cti(body)
            self.assertEqual((answer.status, bool(answer.json["error"])), (422, True), body)

    def test_kamailio_as_captured(self):
        path = CAPTURES / "kamailio_5.6.3_webhook_posts.txt"
        if not path.exists():
            self.skipTest(f"{path} is not here")
        stream, told, calls = self.stream("supervisor"), 0, set()
        for line in path.read_text().splitlines():
            if " POST " not in line:
                continue
            body = line[line.rindex("} {") + 2:]
            answer = self.cti(body.encode(), json.loads(line[line.index("{"):line.rindex("} {") + 1])["content-type"])
            self.assertEqual((answer.status, answer.json), (200, {}), body)
            calls.add(json.loads(body)["callId"])
            told += 1
        self.assertEqual((told, len(calls)), (9, 3))
        wait_until(lambda: len(self.pops(stream)) == 3, "three pops")
        for call in calls:
            self.assertEqual((self.call(call)["state"], self.call(call)["fate"]), ("ended", None))

    # ---- FreeSWITCH ---------------------------------------------------------------------------------------

    def freeswitch(self, body, kind="application/json", target="/v1/calls/freeswitch"):
        basic = base64.b64encode(b"hotline:" + self.daemon.tokens["phone"].encode()).decode()
        return self.nobody.call("POST", target, body, {"Authorization": "Basic " + basic, "Content-Type": kind})

    def test_freeswitch_every_encoding(self):
        for name in ("1.10.12_json_cdr_caller_leg", "json_cdr_base64", "json_cdr_encode_false_values_true",
                     "json_cdr_encode_true_values_false"):
            head, body = capture(f"freeswitch_{name}.txt")
            uuid = head["u"].rpartition("=")[2]
            for kind in (head["h"]["content-type"], "application/x-www-form-urlencoded"):  # it may lie
                answer = self.freeswitch(body, kind, "/v1/calls/freeswitch?uuid=" + uuid)
                self.assertEqual((answer.status, answer.json), (200, {}), name)
            call = self.call(uuid)
            self.assertEqual((call["state"], call["ani"], call["dnis"], call["queue"], call["agent_id"], call["fate"]),
                             ("ended", "13800138000", "12345", "hotline", "8001", None), name)
            self.assertEqual([r["ref"] for r in call["recordings"]], [f"/tmp/rec_{uuid}.wav"])
        _, body = capture("freeswitch_1.10.12_json_cdr_agent_leg.txt")
        self.freeswitch(body)
        call = self.call("837bbe2f-ad67-4077-9c77-b287f03ebf0c")
        self.assertEqual((call["extension"], call["ringing_at"][11:19]), (None, "03:16:12"), "of the desk's leg")
        _, body = capture("freeswitch_json_cdr_encode_true_values_true_BROKEN.txt")
        answer = self.freeswitch(body, "application/x-www-form-urlencoded")
        self.assertEqual(answer.status, 422)
        self.assertIn("encode-values=false", answer.json["detail"])

    def test_freeswitch_by_its_examples(self):
        """gateways/freeswitch_*.xml: what the dialplan posts when a call begins, and the record of it, are one call."""
        settings = {p.get("name"): p.get("value") for p in
                    xml.etree.ElementTree.parse(ROOT / "gateways" / "freeswitch_json_cdr.conf.xml").iter("param")}
        self.assertEqual((settings["encode"], settings["encode-values"], settings["auth-scheme"]), ("false", "false", "basic"))
        self.assertTrue(settings["url"].endswith("/v1/calls/freeswitch"))
        self.assertEqual(settings["cred"].partition(":")[0], "hotline")
        _, body = capture("freeswitch_1.10.12_json_cdr_caller_leg.txt")
        record = json.loads(body)
        record["variables"]["uuid"] = uuid = "example-" + record["variables"]["uuid"]
        actions = xml.etree.ElementTree.parse(ROOT / "gateways" / "freeswitch_dialplan.xml").iter("action")
        data = {a.get("application"): a.get("data") for a in actions}
        known = {"uuid": uuid, "caller_id_number": "+86 138", "destination_number": "12345"}
        record["variables"]["hotline_recording"] = expand(data["set"], known).partition("=")[2]
        url, method, form = expand(data["curl"], known).split(" ", 2)
        self.assertEqual((urllib.parse.urlsplit(url).path, method), ("/v1/cti/TOKEN", "post"))
        self.assertEqual(self.cti(form.encode(), "application/x-www-form-urlencoded").status, 200)
        self.assertEqual((self.call(uuid)["state"], self.call(uuid)["ani"]), ("queued", "+86 138"))
        self.assertEqual(self.freeswitch(json.dumps(record).encode()).status, 200)
        call = self.call(uuid)
        self.assertEqual((call["state"], call["gateway_id"], [r["ref"] for r in call["recordings"]]),
                         ("ended", "phone", [f"calls/{uuid}.wav"]))

    # ---- bridges and dialplans ------------------------------------------------------------------------------

    def named_desk(self, agent):
        """The supervisor's screen is that of this agent, until the test is over."""
        self.admin.post("/v1/admin/accounts/supervisor/agent", {"agent": agent})
        self.addCleanup(self.admin.post, "/v1/admin/accounts/supervisor/agent", {"agent": None})
        return self.stream("supervisor")

    def check_bridge(self, told, call, pop):
        """In their order; then all of it again in any other: no change, no second pop."""
        stream = self.named_desk(pop["agent_id"])
        for event in told:
            self.phone.post("/v1/calls/events", event)
        end = self.call(call)
        again = told * 3
        random.Random(call).shuffle(again)
        self.assertEqual({self.phone.post("/v1/calls/events", event)["repeated"] for event in again}, {True})
        shuffled = [{**e, "call_id": call + "-shuffled", "event_id": e["event_id"] + "-shuffled"} for e in again]
        for event in shuffled:
            self.phone.post("/v1/calls/events", event)
        self.assertEqual(self.call(call), end)
        self.assertEqual({**self.call(call + "-shuffled"), "call_id": call}, end)
        self.tell("bridge-marker-" + call, "ringing", agent_id=pop["agent_id"])
        wait_until(lambda: [p for p in self.pops(stream) if p["call_id"].startswith("bridge-marker")], "the marker")
        pops = [p for p in self.pops(stream) if p["call_id"] == call]
        self.assertEqual([{k: p[k] for k in pop} for p in pops], [pop])
        return end

    def test_asterisk_manager_events_as_captured(self):
        told = list(call_bridges.ami(json.loads(line) for line in lines("asterisk_20.20.1_ami_events.jsonl")))
        self.assertEqual([e["type"] for e in told], ["offered", "queued", "ringing", "answered", "ended"])
        end = self.check_bridge(told, "1795287665.0", {"agent_id": "8001", "ani": "13800138000", "dnis": "12345"})
        self.assertEqual((end["state"], end["queue"], end["agent_id"], end["fate"], end["cause"]),
                         ("ended", "hotline", "8001", None, "ANSWERED"))

    def test_asterisk_rest_events_as_captured(self):
        # the recorder cut long lines behind what matters
        whole = (line if line.endswith("}") else line[:line.rindex(',"asterisk_id"')] + "}"
                 for line in lines("asterisk_20.20.1_ari_events.jsonl"))
        told = list(call_bridges.ari(json.loads(line) for line in whole))
        self.assertEqual([e["type"] for e in told], ["offered", "ringing", "answered", "ended"])
        told = [{**e, "call_id": "ari-" + e["call_id"]} for e in told]
        end = self.check_bridge(told, "ari-1795287665.0", {"agent_id": "8001", "ani": "13800138000", "dnis": "12345"})
        self.assertEqual((end["state"], end["agent_id"], end["fate"]), ("ended", "8001", None))

    def test_callcenter_events_as_captured(self):
        """The listener's events and the records of both legs, under one account, are one call."""
        events = [json.loads(line.partition(" ")[2].replace("837bbe2f", "bridged0"))
                  for line in lines("freeswitch_mod_callcenter_esl_events.txt") if line.startswith("CUSTOM:")]
        told = list(call_bridges.callcenter(events, "phone", "2026-11-21T19:16:12Z"))
        self.assertEqual([e["type"] for e in told], ["queued", "ringing", "answered", "ended"])
        uuid = told[0]["call_id"]
        self.assertTrue(uuid.startswith("bridged0"))
        listener = self.daemon.client("phone")
        self.addCleanup(listener.close)
        for event in told:
            self.assertEqual(listener.call("POST", "/v1/calls/events", event).status, 200)
        for leg in ("agent", "caller"):
            body = capture(f"freeswitch_1.10.12_json_cdr_{leg}_leg.txt")[1]
            body = body.replace(b"837bbe2f", b"bridged0").replace(b"c43c7520", b"bridged1")
            self.assertEqual(self.freeswitch(body).status, 200)
        call = self.call(uuid)
        self.assertEqual((call["state"], call["queue"], call["agent_id"], call["fate"], call["dnis"], len(call["recordings"])),
                         ("ended", "hotline", "8001", None, "12345", 1))

    def test_asterisk_by_its_example(self):
        """gateways/extensions.conf: its posts, with the numbers of the captured call."""
        plan = (ROOT / "gateways" / "extensions.conf").read_text(encoding="utf-8")
        posts = re.findall(r"^(?:exten =>| same =>).*\$\{CURL\(\$\{HOTLINE\},(.*)\)\}\)$", plan, re.M)
        self.assertEqual(len(posts), 4)
        created = json.loads(lines("asterisk_20.20.1_ami_events.jsonl")[0])
        call = "dialplan-" + created["uniqueid"]
        known = {"UNIQUEID": call, "HOTLINE_CALL": call, "CALLERID(num)": created["calleridnum"], "EXTEN": "8001", "ARG1": "8001",
                 "HANGUPCAUSE": "16"}
        form = {tuple(k for k in ("newCall", "answer", "hangup", "user=") if k in p): expand(p, known).encode() for p in posts}
        stream, states = self.named_desk("8001"), []
        for kind in (("newCall",), ("newCall", "user="), ("answer",), ("hangup",)):
            answer = self.cti(form[kind], "application/x-www-form-urlencoded")
            self.assertEqual((answer.status, answer.json), (200, {}))
            states.append(self.call(call)["state"])
        self.assertEqual(states, ["queued", "ringing", "answered", "ended"])
        wait_until(lambda: self.pops(stream), "the pop")
        self.assertEqual([(p["call_id"], p["agent_id"], p["ani"]) for p in self.pops(stream)], [(call, "8001", "13800138000")])
        end = self.call(call)
        self.assertEqual((end["agent_id"], end["queue"], end["cause"], end["fate"], [r["ref"] for r in end["recordings"]]),
                         ("8001", "hotline", "16", None, [f"calls/{call}.wav"]))

    # ---- hostile ------------------------------------------------------------------------------------------

    def metric(self, name):
        text = self.nobody.call("GET", "/metrics").body.decode()
        return sum(float(v) for v in re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", text, re.M))

    def counted(self, name, calls):
        """The metric rises by one for every call that is made here."""
        before = self.metric(name)
        for call in calls:
            call()
        self.assertEqual(self.metric(name) - before, len(calls), name)

    def test_an_event_id_that_comes_again(self):
        first = self.event("again", "ringing", 1)
        self.phone.post("/v1/calls/events", first)

        def told(status, **more):
            answer = self.phone.call("POST", "/v1/calls/events", {**first, **more})
            self.assertEqual(answer.status, status, answer)
            return answer
        before = self.call("again")
        self.counted("hotlined_call_repeats_total", [lambda: told(200), lambda: told(200, ani="13711111111"),
                                                     lambda: told(200, occurred_at="2026-02-13T09:00:00+08:00")])
        self.counted("hotlined_call_conflicts_total", [
            lambda: told(409, call_id="not-again"), lambda: told(409, type="ended"), lambda: told(409, call_id="x", type="ended")])
        self.assertEqual(self.call("again"), before, "the first stands")
        self.assertEqual(self.desk.get("/v1/calls?call_id=not-again")["items"], [])
        told(200, gateway_id="another")  # ids are a gateway's own
        self.assertEqual(len(self.desk.get("/v1/calls?call_id=again")["items"]), 2)

    def test_every_refusal_is_counted(self):
        event = json.dumps(self.event("no", "ringing")).encode()
        refused = [
            lambda: self.nobody.call("POST", "/v1/calls/events", event),
            lambda: self.signed("whsec_" + base64.b64encode(b"x" * 32).decode(), event, 0),
            lambda: self.nobody.call("POST", "/v1/cti/wrong", b"{}"),
            lambda: self.nobody.call("POST", "/v1/cti/" + "x" * 4000, b"{}"),
            lambda: self.nobody.call("POST", "/v1/calls/freeswitch", b"{}", {"Authorization": "Basic " + "A" * 2000}),
            lambda: self.nobody.call("POST", "/v1/calls/freeswitch", b"{}", {"Authorization": "Digest x"}),
        ]
        self.counted("hotlined_door_refusals_total", refused)
        good = json.dumps(self.event("unread", "ringing"))
        self.counted("hotlined_call_unreadable_total", [
            lambda: self.phone.call("POST", "/v1/calls/events", {**json.loads(good), "type": "flown"}),
            lambda: self.cti(b"event=newCall"), lambda: self.cti(b'{"event":"newCall","callId":"1"'),
            lambda: self.freeswitch(b"cdr=%7B"), lambda: self.freeswitch(b"cdr=*"), lambda: self.freeswitch(b'{"variables":{}}')])

    def test_a_megabyte_and_a_cut_body_at_every_door(self):
        big = b'{"event":"' + b"x" * (1 << 20) + b'"}'
        basic = {"Authorization": "Basic " + base64.b64encode(b"hotline:" + self.daemon.tokens["phone"].encode()).decode()}
        for target, header in (("/v1/cti/" + self.daemon.tokens["phone"], {}), ("/v1/calls/freeswitch", basic),
                               ("/v1/calls/events", {"Authorization": "Bearer " + self.daemon.tokens["phone"]})):
            client = self.daemon.client()
            self.addCleanup(client.close)
            try:
                self.assertEqual(client.call("POST", target, big, header).status, 413)
            except (BrokenPipeError, ConnectionResetError):
                pass  # closed while we were still sending: refused too
        _, body = capture("freeswitch_json_cdr_base64.txt")
        for size in range(0, len(body), 997):
            self.assertEqual(self.freeswitch(body[:size]).status, 422)
        form = b"event=hangup&direction=in&callId=cut-form"
        for size in range(form.index(b"callId=") + 7):
            self.assertEqual(self.cti(form[:size], "application/x-www-form-urlencoded").status, 422)
        self.assertEqual(self.desk.get("/v1/calls?call_id=cut-form")["items"], [])

    def test_hostile_bodies(self):
        token = "/v1/cti/" + self.daemon.tokens["phone"]
        good = json.dumps(self.event("cut", "ringing")).encode()
        for size in range(len(good)):
            self.assertEqual(self.phone.call("POST", "/v1/calls/events", good[:size], {"Content-Type": "application/json"}).status, 400)
        for body in (b"\xff\xfe", b'{"a":' * 2000, b"null", b'{"type":"ringing","type":"ended"}'):
            self.assertEqual(self.phone.call("POST", "/v1/calls/events", body, {"Content-Type": "application/json"}).status, 400)
            self.assertEqual(self.nobody.call("POST", token, body).status, 422)
            self.assertEqual(self.freeswitch(body).status, 422)
        for body, field in (({"ani": 5}, "ani"), ({"type": "flown"}, "type"), ({"occurred_at": "now"}, "occurred_at"),
                            ({"more": 1}, "more"), ({"call_id": "x" * 251}, "call_id"), ({"gateway_id": ""}, "gateway_id"),
                            ({"recording": {"ref": ""}}, "recording.ref")):
            answer = self.phone.call("POST", "/v1/calls/events", {**self.event("bad", "ringing"), **body})
            self.assertEqual((answer.status, answer.json["errors"][0]["field"]), (400, field))
        big = Client(self.daemon.port, self.daemon.tokens["phone"])
        self.addCleanup(big.close)
        self.assertEqual(big.call("POST", "/v1/calls/events", b" " * (1 << 20)).status, 413)
        self.assertEqual(self.daemon.sql("SELECT count(*) FROM call WHERE call_id IN ('cut', 'bad')"), [["0"]])

    def test_numbers_are_sealed(self):
        self.tell("sealed", "ringing", ani="13712345678", agent_id="1001")
        for table in ("call", "call_event", "call_pop", "desk_event"):
            rows = self.daemon.sql(f"SELECT count(*) FROM {table} t WHERE t::text LIKE '%13712345678%'")
            self.assertEqual(rows, [["0"]], table)


if __name__ == "__main__":
    main()
