"""Hostile input at every door: one table of doors against inputs.

Each cell says what is answered. Beside it, for every cell: as many refusals were counted as were given, nothing was
stored, the daemon lives, and a bystander with requests of his own is served all the while. What is particular to a door is
tested with that door; malformed HTTP in test_bad_input.py.
"""
import base64
import collections
import hashlib
import hmac
import itertools
import json
import random
import socket
import subprocess
import threading
import time
import urllib.parse

from hotline_test import DaemonTest, main, wait_until

CLOCK = "2026-02-13T10:00:00+08:00"
NOW = 1770948000
STEPS = 12  # a message is cut at so many places, and at both ends
Request = collections.namedtuple("Request", "method target headers body")
WECHAT = {"token": "hostileToken1", "app_id": "wx12345ab67cd89ef01", "aes_key": "Q7mE0vN3xT9kWcB5yJ2hLs8dRfU6aGpZ1oIqXnVtM4w"}
FORM = "application/x-www-form-urlencoded"
# where a message may be kept; what desks are told of refusals is not one
TABLES = ("ticket", "call", "call_event", "device_press", "wechat_message", "wechat_matter", "open311_request", "intake_key")
REFUSALS = ("hotlined_refused_total", "hotlined_http_refused_total", "hotlined_door_refusals_total", "hotlined_call_unreadable_total",
            "hotlined_wechat_bad_xml_total", "hotlined_wechat_ignored_total")


# ---- doors -----------------------------------------------------------------------------------------------------------

class Door:
    """request(body) is a request that this door would take, if only the body is as fresh() makes it."""
    kind, content_type, target = "json", "application/json", None
    serial = itertools.count(1)

    def __init__(self, test):
        self.test = test

    def fields(self):
        raise NotImplementedError

    def fresh(self):
        n, fields = next(self.serial), self.fields
        return json.dumps(fields(n), ensure_ascii=False).encode()

    def credentials(self, body, sound=True):
        """Headers; sound=False: of somebody who does not know the secret."""
        return {"Authorization": "Bearer " + (self.test.daemon.tokens[self.who] if sound else "x" * 32)}

    def request(self, body, sound=True, **headers):
        return Request("POST", self.target, {"Content-Type": self.content_type, **self.credentials(body, sound), **headers}, body)

    def forged(self):
        return self.request(self.fresh(), sound=False)

    def anonymous(self):
        whole = self.request(self.fresh())
        return whole._replace(headers={"Content-Type": self.content_type})


class Tickets(Door):
    target, who = "/v1/tickets", "desk"

    def fields(self, n):
        return {"channel": "phone", "kind": "help", "category": "010206", "title": f"路灯 {n}", "text": "路灯不亮"}

    def request(self, body, sound=True, **headers):  # a repeat is known by its key
        key = hashlib.sha256(body).hexdigest()
        return super().request(body, sound, **{"Idempotency-Key": key, **headers})


class Calls(Door):
    target, who = "/v1/calls/events", "phone"

    def fields(self, n):
        return {"event_id": f"e{n}", "type": "offered", "occurred_at": CLOCK, "gateway_id": "g", "call_id": f"hostile-{n}",
                "ani": "13800138000", "dnis": "12345"}


class SignedCalls(Calls):
    """The same, by the signature of Standard Webhooks."""
    def credentials(self, body, sound=True):
        key = base64.b64decode(self.test.signing.removeprefix("whsec_")) if sound else b"x" * 32
        mac = hmac.new(key, b"m1.%d." % self.test.now + body, hashlib.sha256).digest()
        return {"webhook-id": "m1", "webhook-timestamp": str(self.test.now), "webhook-signature": "v1," + base64.b64encode(mac).decode()}


class Cti(Door):
    def __init__(self, test):
        super().__init__(test)
        self.target = "/v1/cti/" + test.daemon.tokens["phone"]

    def fields(self, n):
        return {"event": "newCall", "callId": f"cti-{n}", "from": "13800138000", "to": "12345", "direction": "in"}

    def credentials(self, body, sound=True):
        return {}

    def forged(self):
        return self.request(self.fresh())._replace(target="/v1/cti/" + "x" * 32)

    def anonymous(self):
        return self.request(self.fresh())._replace(target="/v1/cti/-")


class CtiForm(Cti):
    kind, content_type = "form", FORM

    def fresh(self):
        return urllib.parse.urlencode(self.fields(next(self.serial))).encode()


class FreeSwitch(Door):
    target, who = "/v1/calls/freeswitch", "phone"

    def fields(self, n):
        return {"variables": {"uuid": f"fs-{n}", "direction": "inbound", "start_uepoch": f"{self.test.now}000000", "end_uepoch": f"{self.test.now + 9}000000"},
                "callflow": [{"caller_profile": {"uuid": f"fs-{n}", "ani": "13800138000", "destination_number": "12345"}}]}

    def credentials(self, body, sound=True):
        secret = "hotline:" + (self.test.daemon.tokens["phone"] if sound else "wrong")
        return {"Authorization": "Basic " + base64.b64encode(secret.encode()).decode()}


class Wechat(Door):
    """Plain mode: what vouches is the query."""
    kind, content_type = "xml", "text/xml"

    def fresh(self):
        n = next(self.serial)
        return (f"<xml><ToUserName>gh_1</ToUserName><FromUserName>user{n}</FromUserName><CreateTime>{self.test.now}</CreateTime>"
                f"<MsgType>text</MsgType><Content>路灯 {n}</Content><MsgId>{n}</MsgId></xml>").encode()

    def credentials(self, body, sound=True):
        return {}

    def query(self, sound, *more):
        """The nonce is new each time, so that a message is refused for itself."""
        token, nonce = WECHAT["token"] if sound else "wrong", f"n{next(self.serial)}"
        sign = lambda *parts: hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()
        query = {"timestamp": str(self.test.now), "nonce": nonce, "signature": sign(token, str(self.test.now), nonce)}
        if more:
            query.update(encrypt_type="aes", msg_signature=sign(token, str(self.test.now), nonce, *more))
        return query

    def account(self):
        return "/v1/wechat/plain"

    def request(self, body, sound=True, **headers):
        target = self.account() + "?" + urllib.parse.urlencode(self.query(sound))
        return Request("POST", target, {"Content-Type": self.content_type, **headers}, body)

    def anonymous(self):
        return self.request(self.fresh())._replace(target=self.account())


class WechatJson(Wechat):
    """数据格式 JSON in the console; the same account."""
    kind, content_type = "json", "application/json"

    def fresh(self):
        n = next(self.serial)
        return json.dumps({"ToUserName": "gh_1", "FromUserName": f"user{n}", "CreateTime": self.test.now, "MsgType": "text",
                           "Content": f"路灯 {n}", "MsgId": n}, ensure_ascii=False).encode()


class SafeWechat(Wechat):
    """Safe mode: what is hostile stands inside the envelope, under a good signature."""
    def seal(self, message):
        key = base64.b64decode(WECHAT["aes_key"] + "=")
        bare = random.randbytes(16) + len(message).to_bytes(4, "big") + message + WECHAT["app_id"].encode()
        pad = 32 - len(bare) % 32
        done = subprocess.run(["openssl", "enc", "-aes-256-cbc", "-nopad", "-K", key.hex(), "-iv", key[:16].hex()],
                              input=bare + bytes([pad]) * pad, capture_output=True, check=True)
        return base64.b64encode(done.stdout).decode()

    def account(self):
        return "/v1/wechat/safe"

    def request(self, body, sound=True, **headers):
        sealed = self.seal(body)
        target = self.account() + "?" + urllib.parse.urlencode(self.query(sound, sealed))
        return Request("POST", target, {"Content-Type": self.content_type, **headers},
                       f"<xml><ToUserName>gh_1</ToUserName><Encrypt>{sealed}</Encrypt></xml>".encode())


class Presses(Door):
    what = "presses"

    def fields(self, n):
        return {"boot_id": "b", "seq": n, "key": "service"}

    def credentials(self, body, sound=True):
        device, key = self.test.device if sound else (self.test.device[0], "0" * 32)
        try:
            seq = json.loads(body)["seq"]
        except (ValueError, KeyError, TypeError, RecursionError):
            seq = 0
        text = "\n".join(["POST", self.target_of(device), device, "b", str(seq), str(self.test.now), hashlib.sha256(body).hexdigest()])
        return {"Hotline-Timestamp": str(self.test.now), "Hotline-Signature": "v1=" + hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()}

    def target_of(self, device):
        return f"/v1/devices/{device}/{self.what}"

    def request(self, body, sound=True, **headers):
        self.target = self.target_of(self.test.device[0])
        return super().request(body, sound, **headers)


class Heartbeats(Presses):
    what = "heartbeats"

    def fields(self, n):
        return {"boot_id": "b", "seq": n, "battery": 80}


class Onenet(Door):
    """The envelope is hostile: what vouches for it stands inside."""
    account, serials = "onenet", itertools.count(1)

    def message(self):
        return json.dumps({"type": 1, "dev_id": "c-1", "ds_id": "key", "at": self.test.now * 1000 - next(self.serials), "value": "路灯"},
                          ensure_ascii=False).encode()

    def envelope(self, message, sound=True):
        token = self.test.clouds[self.account]["token"] if sound else "wrong"
        signature = base64.b64encode(hashlib.md5(token.encode() + b"ZKbK0lGH" + message).digest()).decode()
        return {"msg": message.decode(), "nonce": "ZKbK0lGH", "signature": signature, "time": self.test.now * 1000, "id": "1"}

    def fresh(self):
        return json.dumps(self.envelope(self.message()), ensure_ascii=False).encode()

    def credentials(self, body, sound=True):
        return {}

    def request(self, body, sound=True, **headers):
        self.target = f"/v1/clouds/onenet/{self.account}"
        return super().request(body, sound, **headers)

    def forged(self):
        return self.request(json.dumps(self.envelope(self.message(), False)).encode())

    def anonymous(self):
        whole = self.envelope(self.message())
        del whole["signature"]
        return self.request(json.dumps(whole).encode())


class SealedOnenet(Onenet):
    """The message inside is hostile, encrypted and signed as it has to be."""
    account = "sealed"

    def fresh(self):
        return self.message()

    def seal(self, message):
        key = self.test.clouds["sealed"]["aes_key"].encode().hex()
        done = subprocess.run(["openssl", "enc", "-aes-128-cbc", "-K", key, "-iv", key], input=message, capture_output=True, check=True)
        return base64.b64encode(done.stdout)

    def request(self, body, sound=True, **headers):
        return super().request(json.dumps(self.envelope(self.seal(body), sound)).encode(), sound, **headers)

    def forged(self):
        return self.request(self.message(), False)

    def anonymous(self):
        whole = self.envelope(self.seal(self.message()))
        del whole["signature"]
        return Onenet.request(self, json.dumps(whole).encode())


class Ctwing(Door):
    """Nothing is signed; the path is secret."""
    def fields(self, n):
        return {"deviceId": "c-1", "IMEI": "", "timestamp": self.test.now * 1000 - n, "messageType": "dataReport", "productId": "1",
                "payload": {"key": f"路灯 {n}"}}

    def credentials(self, body, sound=True):
        return {}

    def request(self, body, sound=True, **headers):
        self.target = self.test.clouds["ctwing"]["path"]
        return super().request(body, sound, **headers)

    def forged(self):
        return self.request(self.fresh())._replace(target="/v1/clouds/ctwing/" + "x" * 32)

    def anonymous(self):
        return self.request(self.fresh())._replace(target="/v1/clouds/ctwing/-")


class Open311(Door):
    kind, content_type, fmt = "form", FORM, "xml"

    def fresh(self):
        n = next(self.serial)
        return urllib.parse.urlencode({"api_key": self.test.daemon.tokens["web"], "service_code": "010206", "lat": "31.92",
                                       "long": "120.28", "description": f"路灯 {n}"}).encode()

    def credentials(self, body, sound=True):
        return {"Idempotency-Key": hashlib.sha256(body).hexdigest()}

    def request(self, body, sound=True, **headers):
        self.target = f"/open311/v2/requests.{self.fmt}"
        return super().request(body if sound else body.replace(self.test.daemon.tokens["web"].encode(), b"wrong"), sound, **headers)

    def anonymous(self):
        return self.request(b"service_code=010206&lat=31.92&long=120.28")


class Open311Json(Open311):
    fmt = "json"


DOORS = {"tickets": Tickets, "calls": Calls, "calls, signed": SignedCalls, "cti": Cti, "cti, form": CtiForm,
         "freeswitch": FreeSwitch, "wechat": Wechat, "wechat, JSON": WechatJson,
         "wechat, safe": SafeWechat, "presses": Presses, "heartbeats": Heartbeats,
         "onenet": Onenet, "onenet, sealed": SealedOnenet, "ctwing": Ctwing, "open311, xml": Open311, "open311, json": Open311Json}


# ---- inputs: each gives requests -------------------------------------------------------------------------------------

def bomb(door):
    """Entities that would be gigabytes, one of a file, one of another host, and a DOCTYPE that does nothing."""
    bodies = [b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "' + b"x" * 500 + b'">' +
              b"".join(b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(9)) + b"]><xml>&j;</xml>",
              b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><xml><Content>&f;</Content></xml>',
              b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><xml></xml>', b"<!DOCTYPE xml><xml></xml>"]
    return [door.request(b) for b in bodies]


def megabyte(door):
    whole = {"json": b'{"text":"' + b"x" * (1 << 20) + b'"}', "form": b"description=" + b"x" * (1 << 20),
             "xml": b"<xml><Content>" + b"x" * (1 << 20) + b"</Content></xml>"}[door.kind]
    return [door.request(whole)]


def deep(door):
    return [door.request(b) for b in {
        "json": [b"[" * 1900 + b"]" * 1900, b'{"a":' * 600 + b"1" + b"}" * 600, b"[" * 3000],
        "form": [door.fresh() + b"&attribute[kind]" + b"[x]" * 1000 + b"=1", b"event" + b"[" * 3000 + b"=1&attribute[=1&" + door.fresh()[:50]],
        "xml": [b"<xml>" + b"<a>" * 3000 + b"</a>" * 3000 + b"</xml>", b"<xml>" + b"<a>" * 9000]}[door.kind]]


def truncated(door):
    """The message ends early and is vouched for as it stands."""
    requests = []
    whole = door.fresh()
    for cut in sorted({0, 1, len(whole) - 1, *range(0, len(whole), max(1, len(whole) // STEPS))}):
        requests.append(door.request(whole[:cut]))
    return requests


def nul(door):
    middle = len(door.fresh()) // 2
    insert = lambda whole, what: whole[:middle] + what + whole[middle:]
    return [door.request(insert(door.fresh(), b"%00" if door.kind == "form" else b"\0"))]


def bad_utf8(door):
    """Overlong, a surrogate, cut off, Latin-1; in the middle of what was good."""
    bodies = []
    for bad in (b"\xc0\xaf", b"\xed\xa0\x80", b"\xe8\xb7", b"\xff"):
        whole = door.fresh()
        at = {"json": whole.rfind(b'"'), "form": len(whole), "xml": whole.find("路".encode())}[door.kind]
        bodies.append(whole[:at] + bad + whole[at:])
    return [door.request(b) for b in bodies]


def huge_numbers(door):
    digits = b"9" * 400
    if door.kind == "json":
        return [door.request(b) for b in (b"[" + digits + b"]", b'{"seq":' + digits + b',"boot_id":"b","key":"service"}',
                                          b'{"seq":1e999,"boot_id":"b","key":"service"}', b'{"seq":-' + digits + b"}", b"1e999")]
    if door.kind == "form":
        token = door.test.daemon.tokens["web"].encode()
        return [door.request(b"api_key=%s&service_code=010206&lat=%s&long=1&event=%s" % (token, n, n)) for n in (digits, b"1e999", b"-" + digits)]
    return [door.request(door.fresh().replace(b"<CreateTime>%d" % door.test.now, b"<CreateTime>" + n).replace(b"<MsgType>text", b"<MsgType>"))
            for n in (digits, b"-" + digits)]


def wrong_type(door):
    return [door.request(door.fresh(), **{"Content-Type": t}) for t in ("image/png", "multipart/form-data; boundary=x", "x" * 2000)]


def nonsense(door):
    return [door.request(b) for b in (b"\x16\x03\x01\x02\x00", b"null", b"<", b"{}}", b"&&&=&=", bytes(range(1, 128)))]


def unknown(door):
    """Of things that are not there."""
    known = door.request(door.fresh())
    swap = lambda old, new: [known._replace(target=known.target.replace(old, new), headers=door.request(known.body).headers)]
    if isinstance(door, Presses):
        return swap(door.test.device[0], "T-nobody") + swap(door.test.device[0], "x" * 300) + swap(door.test.device[0], "%F0%9F%92%A1")
    if isinstance(door, Wechat):
        return swap(door.account(), "/v1/wechat/nobody")
    if isinstance(door, Open311):
        return [door.request(known.body.replace(b"010206", b"999999"))]
    if isinstance(door, Tickets):
        return [door.request(known.body.replace(b"010206", b"999999"))]
    return [known._replace(target=known.target + "/nobody")]


INPUTS = {"no signature": lambda d: [d.anonymous()], "wrong signature": lambda d: [d.forged()], "unknown": unknown,
          "DOCTYPE": bomb, "1 MB": megabyte, "deep nesting": deep, "NUL": nul, "bad UTF-8": bad_utf8, "huge numbers": huge_numbers,
          "nonsense": nonsense, "wrong content type": wrong_type, "truncated": truncated}


# What is answered, by input and door; None: by all others. 4xx alone: nothing is stored, and each is counted.
PBX = ("cti", "cti, form", "freeswitch")  # JSON that cannot be read is 422 there, which says what to change
WECHATS = ("wechat", "wechat, JSON", "wechat, safe")
FORMS = ("open311, xml", "open311, json")
SEALED = "onenet, sealed"  # what the cloud vouches for is kept and told to the desks: sending it again would help nobody
ANSWERS = {
    "no signature": {None: {401}, **dict.fromkeys(WECHATS + FORMS, {403}), "onenet": {400}, SEALED: {400}, "ctwing": {404}},
    "wrong signature": {None: {401}, **dict.fromkeys(WECHATS + FORMS, {403}), "onenet": {403}, SEALED: {403}, "ctwing": {404}},
    "unknown": {None: {404}, "tickets": {400}, "presses": {401}, "heartbeats": {401}},
    "DOCTYPE": {None: {400}, **dict.fromkeys(PBX, {422}), **dict.fromkeys(FORMS, {400, 403}), SEALED: {403}},
    "1 MB": {None: {413}},
    "deep nesting": {None: {400}, **dict.fromkeys(PBX, {422}), "cti, form": {200, 422}, SEALED: {200, 403}},
    # a PBX's forms are taken as far as they go: NUL and what is no UTF-8 are left out of them
    "NUL": {None: {400}, **dict.fromkeys(PBX, {422}), "cti, form": {200}, SEALED: {200, 403}},
    "bad UTF-8": {None: {400}, **dict.fromkeys(PBX, {422}), "cti, form": {200}, SEALED: {200, 403}},
    # in WeChat's XML numbers are read as far as they are numbers: a message is never refused for its time
    "huge numbers": {None: {400}, **dict.fromkeys(PBX, {422}), "wechat": {200}, "wechat, safe": {200}, SEALED: {200, 403}},
    "nonsense": {None: {400}, **dict.fromkeys(PBX, {422}), **dict.fromkeys(FORMS, {400, 403}), SEALED: {200, 403}, "ctwing": {200, 400}},
    # gateways lie about it, so their doors look at the body
    "wrong content type": {None: {415}, **dict.fromkeys(PBX + WECHATS, {200}), "onenet": {200}, SEALED: {200}, "ctwing": {200}},
    # a form may end anywhere and still be one
    "truncated": {None: {400}, **dict.fromkeys(PBX, {422}), "cti, form": {200, 422}, **dict.fromkeys(FORMS, {200, 400, 403, 404}),
                  SEALED: {200, 403}},
}
TELLS_DESKS = set(DOORS) - {"tickets", "open311, xml", "open311, json"}  # a wrong signature there is an attack on the door


class Bystander(threading.Thread):
    """Somebody with requests of his own; nobody may keep him from an answer."""

    def __init__(self, client):
        super().__init__(daemon=True)
        self.client, self.served, self.failed, self.over = client, 0, None, threading.Event()
        self.slowest_s = 0
        client.recorded = False
        self.start()
        wait_until(lambda: self.served or self.failed, "the bystander to be served")

    def run(self):
        try:
            while not self.over.wait(0.005):
                asked = time.monotonic()
                answer = self.client.call("GET", "/v1/tickets?limit=1")
                if answer.status != 200:
                    self.failed = answer
                    return
                self.served += 1
                self.slowest_s = max(self.slowest_s, time.monotonic() - asked)
        except OSError as error:
            self.failed = error

    def end(self):
        self.over.set()
        self.join(60)
        self.client.close()


# ---- receivers of webhooks -------------------------------------------------------------------------------------------

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
# what a receiver answers -> what is noted; None: delivered
ANSWERED = {
    "good": (OK, None), "nothing": (b"", "broken"), "garbage": (bytes(range(256)) * 4, "broken"), "html": (b"<!DOCTYPE html><html>", "broken"),
    "no status": (b"HTTP/1.1 OK\r\n\r\n", "broken"), "status 999": (b"HTTP/1.1 999 X\r\n\r\n", "broken"),
    "status 0": (b"HTTP/1.1 000 X\r\n\r\n", "broken"), "old": (b"HTTP/0.9 200 OK\r\n\r\n", "broken"), "HTTP/2": (b"HTTP/2 200\r\n\r\n", "broken"),
    "two lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "broken"),
    "negative length": (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "broken"),
    "NUL": (b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", "broken"), "bare LF": (b"HTTP/1.1 200 OK\nX: a\n\n", "broken"),
    "long head": (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200000 + b"\r\n\r\n", "broken"),
    "many headers": (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000 + b"\r\n", "broken"),
    "endless body": (b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n" + b"x" * 1000000, None),
    "bomb": (b"HTTP/1.1 500 X\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n\x1f\x8b\x08\0\0", 500),
    "redirect": (b"HTTP/1.1 307 X\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n", 307),
    "silence": ("wait", "timeout"), "drip": ("drip", "timeout"),
    **{f"cut at {n}": (OK[:n], "broken") for n in range(1, len(OK), 7)},
}


class Receivers(threading.Thread):
    """One port; the path says how to behave."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener, self.over = socket.create_server(("127.0.0.1", 0), backlog=128), threading.Event()
        self.start()

    def run(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        with peer:
            try:
                head = peer.recv(65536).decode()
                answer = ANSWERED[urllib.parse.unquote(head.split()[1][1:])][0]
                if answer == "wait":
                    self.over.wait(60)
                elif answer == "drip":
                    while not self.over.wait(0.05):
                        peer.sendall(b"H")
                else:
                    peer.sendall(answer)
            except OSError:
                pass

    def close(self):
        self.over.set()
        self.listener.close()


class Hostile(DaemonTest):
    CLOCK = CLOCK
    OPTIONS = ("--webhook_private", "yes", "--webhook_timeout_seconds", "2")
    now = NOW  # what senders believe

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        accounts = cls.admin.post("/v1/admin/accounts", {"accounts": [{"name": "pbx", "role": "gateway"}]})["items"]
        cls.signing = accounts[0]["signing_secret"]
        (device,) = cls.admin.post("/v1/admin/devices", {"devices": [
            {"id": "T-1", "name": "一键通", "region": "320281001001", "address": "福民社区 1 号"}]})["items"]
        cls.device = (device["id"], device["key"])
        for mode in ("plain", "safe"):
            cls.admin.ok("POST", "/v1/admin/wechat", {"account": mode, "category": "010206", "mode": mode, **WECHAT},
                         status=201)

        cls.clouds = {}
        for account, kind, more in (("onenet", "onenet", {}), ("sealed", "onenet", {"encrypted": True}),
                                    ("ctwing", "ctwing", {"addresses": ["127.0.0.1"]})):
            cls.clouds[account] = cls.admin.post("/v1/admin/clouds", {"account": account, "kind": kind, **more})
            cls.admin.post(f"/v1/admin/clouds/{account}/mappings", {"mappings": [{"cloud_device": "c-1", "device": "T-1"},
                                                                                 {"stream": "key", "key": "service"}]})

    def setUp(self):
        self.peer = self.daemon.client()
        self.peer.recorded = False
        self.doors = {name: door(self) for name, door in DOORS.items()}
        self.bystander = Bystander(self.daemon.client("desk2"))

    def tearDown(self):
        self.bystander.end()
        self.peer.close()
        self.assertIsNone(self.bystander.failed)
        self.assertIsNone(self.daemon.process.poll())

    def send(self, request):
        return self.peer.call(request.method, request.target, request.body, request.headers)

    def stored(self):
        return self.daemon.sql("SELECT " + ", ".join(f"(SELECT count(*) FROM {t})" for t in TABLES))

    def counted(self):
        """Refusals by counter, and their sum by problem: one for each that is given."""
        text = self.peer.call("GET", "/metrics").body.decode()
        found = collections.Counter()
        for line in text.splitlines():
            name = line.split("{")[0].split(" ")[0]
            if name in REFUSALS:
                found[name] += int(float(line.rsplit(" ", 1)[1]))
        return found

    def served(self):
        """The bystander goes on."""
        before = self.bystander.served
        wait_until(lambda: self.bystander.served > before or self.bystander.failed, "the bystander to be served")
        self.assertIsNone(self.bystander.failed)

    # ---- the table -------------------------------------------------------------------------------

    def wanted(self, name, what):
        return ANSWERS[what].get(name, ANSWERS[what][None])

    def cell(self, name, what):
        before, statuses = self.counted(), collections.Counter()
        for request in INPUTS[what](self.doors[name]):
            answer = self.send(request)
            statuses[answer.status] += 1
            self.assertIn(answer.status, self.wanted(name, what), f"{request} {answer}")
            if answer.status >= 400:
                self.assertTrue(answer.body, "a refusal says why")
        self.assertTrue(statuses)
        grown = self.counted() - before
        refused = sum(n for status, n in statuses.items() if status >= 400)
        self.assertEqual(grown["hotlined_refused_total"], refused, grown)
        if what == "wrong signature" and name in TELLS_DESKS:
            self.assertEqual(grown["hotlined_door_refusals_total"], refused, grown)

    def row(self, what):
        strict = [name for name in self.doors if min(self.wanted(name, what)) >= 400]
        before = self.stored()
        for name in strict:
            with self.subTest(what=what, door=name):
                self.cell(name, what)
        self.assertEqual(self.stored(), before, f"{what}: something was stored")
        for name in self.doors.keys() - strict:
            with self.subTest(what=what, door=name):
                self.cell(name, what)
        self.served()

    def test_matrix(self):
        self.assertEqual(set(INPUTS), set(ANSWERS))
        for answers in ANSWERS.values():
            self.assertLessEqual(set(answers) - {None}, set(DOORS))
        for what in INPUTS:
            self.row(what)
        print(f"{len(DOORS)} doors, {len(INPUTS)} inputs, {self.counted()['hotlined_refused_total']} refusals, "
              f"the bystander was served {self.bystander.served} times, in {1000 * self.bystander.slowest_s:.0f} ms at most")
        for name, door in self.doors.items():  # as open as before
            with self.subTest(door=name):
                self.assertIn(self.send(door.request(door.fresh())).status, (200, 201))

    # ---- the same bytes again --------------------------------------------------------------------

    def test_replay(self):
        """Whoever recorded a request gains nothing by it: the same answer, nothing new."""
        for name, door in self.doors.items():
            with self.subTest(door=name):
                request = door.request(door.fresh())
                first = self.send(request)
                self.assertIn(first.status, (200, 201), first)
                stored = self.stored()
                for _ in range(3):
                    again = self.send(request)
                    self.assertEqual(again.status, 200, again)
                    if name not in ("wechat, safe", "calls", "calls, signed"):  # sealed anew; says that it is a repeat
                        self.assertEqual(again.body, first.body)
                self.assertEqual(self.stored(), stored)
        self.served()

    def test_too_late(self):
        """What was recorded and comes later, or comes before its time."""
        for name, status in {"calls, signed": 401, "wechat": 403, "wechat, safe": 403}.items():
            door = self.doors[name]
            for skew, wanted in ((-299, 200), (299, 200), (-301, status), (301, status)):
                with self.subTest(door=name, skew=skew):
                    self.now = NOW + skew
                    request, before = door.request(door.fresh()), self.counted()
                    answer = self.send(request)
                    self.assertEqual(answer.status, wanted, answer)
                    self.assertEqual((self.counted() - before)["hotlined_refused_total"], int(wanted != 200))

    # ---- the wire --------------------------------------------------------------------------------

    def raw(self, request, length, body=None, extra=()):
        head = [f"{request.method} {request.target} HTTP/1.1", "Host: city", *extra]
        head += [f"{k}: {v}" for k, v in request.headers.items()]
        head += [f"Content-Length: {n}" for n in (length if isinstance(length, (list, tuple)) else [length]) if n is not None]
        return "\r\n".join(head).encode() + b"\r\n\r\n" + (request.body if body is None else body)

    def speak(self, data):
        """First status that is answered, 0 if none, when we say no more."""
        with socket.create_connection(("127.0.0.1", self.daemon.port), timeout=60) as s:
            try:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
                answer = b""
                while part := s.recv(65536):
                    answer += part
            except ConnectionError:
                return 0
            return int(answer.split()[1]) if answer else 0

    def test_wrong_lengths(self):
        stored = self.stored()
        for name, door in self.doors.items():
            request = door.request(door.fresh())
            size = len(request.body)
            cases = [(self.raw(request, size + 1), {0}), (self.raw(request, 1 << 40), {413}), (self.raw(request, "-1"), {400}),
                     (self.raw(request, f"+{size}"), {400}), (self.raw(request, "9" * 40), {400, 413}), (self.raw(request, "0x10"), {400}),
                     (self.raw(request, [size, size + 1]), {400}), (self.raw(request, None, b"zz\r\n", ["Transfer-Encoding: chunked"]), {400}),
                     (self.raw(request, None, b"ffffffffffffffffff\r\n", ["Transfer-Encoding: chunked"]), {400, 413}),
                     (self.raw(request, size, extra=["Transfer-Encoding: chunked"]), {400})]
            for data, wanted in cases:
                with self.subTest(door=name, data=data[-60:]):
                    self.assertIn(self.speak(data), wanted)
        self.assertEqual(self.stored(), stored)
        self.served()

    def test_cut_connections(self):
        """At every Nth byte of head and body: no answer, nothing stored, no connection left behind."""
        stored = self.stored()
        for name, door in self.doors.items():
            request = door.request(door.fresh())
            data = self.raw(request, len(request.body))
            for cut in {1, len(data) - 1, *range(0, len(data), max(1, len(data) // STEPS))}:
                with self.subTest(door=name, cut=cut):
                    self.assertEqual(self.speak(data[:cut]), 0)
            self.assertIn(self.speak(data), (0, 200, 201), "whole, and gone before the answer")
        self.served()
        for before, after in zip(stored[0], self.stored()[0]):
            self.assertLessEqual(int(after) - int(before), len(self.doors), "at most what was whole")

    # ---- the other way round: receivers of webhooks ----------------------------------------------

    def test_webhook_receivers(self):
        receivers, before = Receivers(), self.failed_webhooks()
        base = f"http://127.0.0.1:{receivers.listener.getsockname()[1]}/"
        hooks = {name: self.admin.ok("POST", "/v1/admin/webhooks", {"url": base + urllib.parse.quote(name), "events": ["ticket.received"]},
                                     status=201)["id"] for name in ANSWERED}
        self.new_ticket()

        def listed():
            items = {w["id"]: w for w in self.admin.get("/v1/admin/webhooks")["items"]}
            mine = {name: items[hook] for name, hook in hooks.items()}
            return mine if all(w["last_status"] or w["last_error"] for w in mine.values()) else None
        ends = wait_until(listed, "every receiver to be tried")
        for name, (_, wanted) in ANSWERED.items():
            with self.subTest(name):
                w = ends[name]
                self.assertEqual((w["last_status"], w["last_error"]),
                                 (200, None) if wanted is None else (wanted, None) if isinstance(wanted, int) else (None, wanted))
                self.assertEqual(w["pending"], 0 if wanted is None else 1)
        self.assertEqual(self.failed_webhooks() - before, sum(wanted is not None for _, wanted in ANSWERED.values()))
        for hook in hooks.values():
            self.admin.post(f"/v1/admin/webhooks/{hook}/disable")
        receivers.close()
        self.served()

    def failed_webhooks(self):
        text = self.peer.call("GET", "/metrics").body.decode()
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("hotlined_webhook_failed_total "))


if __name__ == "__main__":
    main()
