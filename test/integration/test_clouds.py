"""Operators' clouds: OneNET's signed pushes and CTWing's unsigned ones, mappings, repeats, hostile input; guardians' notices.

Signatures are made here with Python's hashlib and ciphertexts with the openssl command.
"""
import base64
import datetime
import hashlib
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

from hotline_test import ROOT, DaemonTest, main, wait_until

REGION = "320281001001"
NOW_MS = 1770948000000  # of the test clock's start
SAMPLE = {"upPacketSN": -1, "upDataSN": -1, "topic": "v1/up/ad", "timestamp": NOW_MS, "tenantId": "10000000",
          "serviceId": "", "protocol": "lwm2m", "productId": "10000001", "messageType": "dataReport", "deviceType": "",
          "assocAssetId": "", "IMSI": "undefined", "IMEI": ""}


class Onenet:
    """OneNET as a server: it signs, pushes, and says what it was answered."""

    def __init__(self, test, name, token, key=None):
        self.client, self.path, self.token, self.key = test.daemon.client(), f"/v1/clouds/onenet/{name}", token, key

    def sign(self, nonce, text):
        return base64.b64encode(hashlib.md5((self.token + nonce + text).encode()).digest()).decode()

    def encrypt(self, text):
        key = self.key.encode().hex()
        done = subprocess.run(["openssl", "enc", "-aes-128-cbc", "-K", key, "-iv", key], input=text.encode(),
                              capture_output=True, check=True)
        return base64.b64encode(done.stdout).decode()

    def envelope(self, message, nonce="ZKbK0lGH", **more):
        text = message if isinstance(message, str) else json.dumps(message, ensure_ascii=False)
        if self.key:
            text = self.encrypt(text)
        return {"msg": text, "nonce": nonce, "signature": self.sign(nonce, text), "time": NOW_MS, "id": "1", **more}

    def push(self, message, **more):
        return self.client.call("POST", self.path, self.envelope(message, **more))

    def value(self, device, stream, value, at=NOW_MS, **more):
        return self.push({"type": 1, "dev_id": device, "ds_id": stream, "at": at, "value": value}, **more)


class CloudsTest(DaemonTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.made, cls.at = 0, NOW_MS

    @classmethod
    def serial(cls):
        cls.made += 1
        return cls.made

    def reconnect(self):
        for client in (self.desk, self.admin, self.supervisor):
            client.close()
            client.port = self.daemon.port

    def moment(self):
        """Milliseconds that no message before had, not in the future and not old."""
        type(self).at -= 1
        return self.at

    def devices(self, count, **fields):
        ids = [f"C-{self.serial():05d}" for _ in range(count)]
        self.admin.post("/v1/admin/devices", {"devices": [{"id": i, "region": REGION, **fields} for i in ids]})
        return ids

    def onenet(self, **fields):
        name = f"onenet{self.serial()}"
        made = self.admin.post("/v1/admin/clouds", {"account": name, "kind": "onenet", **fields})
        return name, Onenet(self, name, made["token"], made.get("aes_key"))

    def map(self, account, *mappings):
        return self.admin.post(f"/v1/admin/clouds/{account}/mappings", {"mappings": list(mappings)})

    def presses(self, device):
        return self.daemon.sql(f"SELECT key, via, flags FROM device_press WHERE device = '{device}' ORDER BY received_at, key")

    def unmapped(self, account):
        return self.admin.get(f"/v1/admin/clouds/{account}/unmapped")["items"]

    def told(self, type_, after="start"):
        found = []
        while True:
            page = self.desk.get(f"/v1/events?after={after}&limit=500")
            after = page["next"] or after
            found += [e for e in page["items"] if e["type"] == type_]
            if not page["items"]:
                return found, after

    def metric(self, name):
        text = self.daemon.client().call("GET", "/metrics").body.decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))


class Onenets:
    def test_url_verification(self):
        name, cloud = self.onenet(token="abcdefghijkmlnopqrstuvwxyz")
        plus = next(m for m in (f"verify{i}" for i in range(500)) if "+" in cloud.sign("12345678", m))
        for message in ("hello 你好", plus):
            signature = cloud.sign("12345678", message)
            query = urllib.parse.urlencode({"msg": message, "nonce": "12345678", "signature": signature})
            for sent in (query, query.replace("%2B", "+")):
                answer = cloud.client.call("GET", f"{cloud.path}?{sent}")
                self.assertEqual((answer.status, answer.body.decode()), (200, message))
        self.assertEqual(cloud.client.call("GET", f"{cloud.path}?{query.replace('msg=', 'msg=x')}").status, 403)
        self.assertEqual(cloud.client.call("GET", cloud.path).status, 403)
        self.assertEqual(cloud.client.call("GET", f"/v1/clouds/onenet/none?{query}").status, 404)
        self.admin.post(f"/v1/admin/clouds/{name}", {"disabled": True})
        self.assertEqual(cloud.client.call("GET", f"{cloud.path}?{query}").status, 404)

    def test_published_vector(self):
        """The vector of the interface notes: token, nonce and message make this signature and this ciphertext."""
        text = ('{"type":7,"dev_id":2016617,"imei":"860000000000001","ds_id":"3200_0_5750","at":1760000000000,"value":"SOS"}')
        for key, msg, signature in (
                (None, text, "U2XLClwzcnkA2KiTATDLdQ=="),
                ("0123456789abcdef",
                 "HjZ44SbEnghCGWpaRWV5Bny7EIaz+IdpZVo9FE2p6uTMkJ8go6q0fSaTfd2N2jTkrb//+6WeEis4ZTTGbWVtjxghmv/mlFVRUcBKtcOonRA"
                 "IqI2S2GCoR82u1lhiTlYIQK0HSqGC99A1O4PRcs+0XQ==", "QvhSuBLOypkeF/n5GG2YOw==")):
            name, cloud = self.onenet(token="abcdefghijkmlnopqrstuvwxyz", **({"aes_key": key} if key else {}))
            device = self.devices(1)[0]
            self.map(name, {"cloud_device": "860000000000001", "device": device},
                     {"stream": "3200_0_5750", "value": "SOS", "key": "emergency"})
            answer = cloud.client.call("POST", cloud.path, {"msg": msg, "nonce": "ZKbK0lGH", "signature": signature})
            self.assertEqual((answer.status, answer.body), (200, b"ok"))
            self.assertEqual(self.presses(device), [["emergency", name, "1"]])  # months late: flagged, not dropped

    def test_a_press_is_a_ticket_once(self):
        name, cloud = self.onenet()
        device = self.devices(1, person="王大爷", phone="13812345678")[0]
        self.map(name, {"cloud_device": "7", "device": device}, {"stream": "key", "value": "1", "key": "emergency"},
                 {"stream": "key", "key": None})
        at = self.moment()
        for again in range(4):  # retries, also under another id and another nonce
            answer = cloud.value(7, "key", 1, at, id=str(again), nonce=f"nonce-{again}x")
            self.assertEqual(answer.status, 200, answer)
        self.assertEqual(cloud.value(7, "key", 0, self.moment()).status, 200)
        self.assertEqual(self.presses(device), [["emergency", name, "0"]])

        def ticket():
            rows = self.daemon.sql(f"SELECT number, count FROM device_matter WHERE device = '{device}' AND number IS NOT NULL")
            return rows and rows[0]

        number, count = wait_until(ticket, "the ticket")
        self.assertEqual(count, "1")
        made = self.desk.get(f"/v1/tickets/{number.zfill(16)}")
        self.assertEqual((made["channel"], made["urgency"], made["requester"]["phone"]), ("device", "critical", "138****5678"))
        self.assertEqual(self.unmapped(name), [])

    def test_batches_older_envelopes_and_studio(self):
        name, cloud = self.onenet()
        devices = self.devices(3)
        self.map(name, *({"cloud_device": f"d{i}", "device": d} for i, d in enumerate(devices)),
                 {"stream": "alarm.kind", "value": "fall", "key": "fall"}, {"stream": "sos", "value": "true", "key": "emergency"})
        batch = [{"type": 1, "dev_id": f"d{i}", "ds_id": "alarm", "at": self.moment(), "value": {"kind": "fall"}} for i in (0, 1)]
        self.assertEqual(cloud.push(batch).status, 200)
        text = '{ "notifyType":"property","deviceName":"d2" , "data":{"params":{"sos":{"time":%d,"value":true}}}}' % self.moment()
        body = '{"msg": %s , "nonce":"12345678","msg_signature":"%s"}' % (text, cloud.sign("12345678", text))
        answer = cloud.client.call("POST", cloud.path, body.encode())  # no content type at all
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual([self.presses(d)[0][0] for d in devices], ["fall", "fall", "emergency"])

    def test_life_battery_and_offline(self):
        name, cloud = self.onenet()
        device, quiet = self.devices(2)
        self.map(name, {"cloud_device": "a", "device": device}, {"cloud_device": "b", "device": quiet},
                 {"stream": "bat", "key": "battery"})

        def state(d):
            return self.daemon.sql(f"SELECT last_seen_at IS NOT NULL, battery FROM device_state WHERE device = '{d}'")[0]

        self.assertEqual(cloud.value("a", "bat", 62.5, self.moment()).status, 200)
        self.assertEqual(cloud.push([{"type": 2, "dev_id": "b", "status": 0, "at": self.moment()}]).status, 200)
        self.assertEqual((state(device), state(quiet)), (["t", "62"], ["f", ""]))
        self.assertEqual(cloud.push({"type": 2, "dev_id": "b", "status": 1, "at": NOW_MS - 86400000}).status, 200)
        self.assertEqual(state(quiet), ["f", ""])  # of yesterday: no sign of life
        self.assertEqual(cloud.push({"type": 2, "dev_id": "b", "status": 1, "at": self.moment()}).status, 200)
        self.assertEqual(state(quiet), ["t", ""])
        self.assertEqual(self.unmapped(name), [])

    def test_what_nobody_mapped_is_kept_and_told(self):
        name, cloud = self.onenet()
        device = self.devices(1)[0]
        place = self.told("device.unmapped")[1]
        self.map(name, {"cloud_device": "known", "device": device})
        for value in (36.5, 37.1):
            self.assertEqual(cloud.value("known", "temperature", value, self.moment()).status, 200)
        self.daemon.advance(11)
        self.assertEqual(cloud.value("stranger", "sos", 1, self.moment()).status, 200)
        self.assertEqual(cloud.push("no json at all").status, 200)
        found = {(i["cloud_device"], i["stream"]): (i["known"], i["count"], i["value"]) for i in self.unmapped(name)}
        self.assertEqual(found, {("known", "temperature"): (True, 2, "37.1"), ("stranger", "sos"): (False, 1, "1"),
                                 ("?", "unreadable"): (False, 1, "no json at all")})
        told = [(e["cloud"], e["cloud_device"], e["stream"], e["known"]) for e in self.told("device.unmapped", place)[0]]
        self.assertEqual(told, [(name, "known", "temperature", True), (name, "stranger", "sos", False)])
        self.map(name, {"cloud_device": "stranger", "device": device}, {"stream": "temperature"})
        self.assertEqual([i["stream"] for i in self.unmapped(name)], ["unreadable"])
        self.admin.post(f"/v1/admin/devices/{device}/retire")
        self.daemon.advance(11)
        self.assertEqual(cloud.value("stranger", "sos", 1, self.moment()).status, 200)  # a retired device is a stranger
        self.assertIn("sos", [i["stream"] for i in self.unmapped(name)])

    def test_rotation(self):
        name, old = self.onenet(encrypted=True)
        made = self.admin.post(f"/v1/admin/clouds/{name}", {"rotate": True})
        fresh = Onenet(self, name, made["token"], made["aes_key"])
        self.assertNotEqual((fresh.token, fresh.key), (old.token, old.key))
        self.assertEqual([c.value("x", "y", 1, self.moment()).status for c in (old, fresh)], [200, 200])
        item = next(i for i in self.admin.get("/v1/admin/clouds")["items"] if i["account"] == name)
        self.assertTrue(item["rotating"] and item["encrypted"])
        self.assertNotIn(made["token"], json.dumps(self.admin.get("/v1/admin/clouds")))
        self.admin.post(f"/v1/admin/clouds/{name}", {"retire": True})
        self.assertEqual([c.value("x", "y", 1, self.moment()).status for c in (old, fresh)], [403, 200])
        self.admin.post(f"/v1/admin/clouds/{name}", {"encrypted": False})
        self.assertEqual(Onenet(self, name, made["token"]).value("x", "y", 1, self.moment()).status, 200)

    def test_hostile(self):
        name, cloud = self.onenet(encrypted=True)
        place = self.told("door.refused")[1]
        before = self.metric("hotlined_door_refusals_total")
        good = cloud.envelope({"type": 1, "dev_id": "h", "ds_id": "s", "value": 1})
        bad_pad = base64.b64encode(b"\0" * 32).decode()
        refused = [{**good, "signature": good["signature"][::-1]}, {**good, "msg": good["msg"][4:]}, {**good, "nonce": "short"},
                   {**good, "nonce": ""}, {**good, "signature": ""}, {**good, "signature": "A" * 100000},
                   {**good, "msg": "!!!!", "signature": cloud.sign("ZKbK0lGH", "!!!!")},
                   {**good, "msg": bad_pad, "signature": cloud.sign("ZKbK0lGH", bad_pad)}]
        for body in refused:
            self.assertEqual(cloud.client.call("POST", cloud.path, body).status, 403, body)
        self.assertEqual(self.metric("hotlined_door_refusals_total") - before, len(refused))
        told = wait_until(lambda: self.told("door.refused", place)[0], "what the desks hear")
        self.assertEqual([(e["door"], e["name"]) for e in told], [("onenet", name)])  # once a minute
        text = json.dumps(good).encode()
        for end in list(range(0, len(text), 5)) + [len(text) - 1]:
            self.assertEqual(cloud.client.call("POST", cloud.path, text[:end]).status, 400)
        for body in (b"[]", b"null", b'{"msg":{},"nonce":1,"signature":2}', b"\xff\xfe", b"[" * 5000):
            self.assertEqual(cloud.client.call("POST", cloud.path, body).status, 400)
        self.assertEqual(cloud.client.call("POST", cloud.path, b"x" * (1 << 20)).status, 413)
        self.assertEqual(self.unmapped(name), [])
        self.assertEqual(cloud.client.call("POST", cloud.path, good).status, 200)

    def test_too_many_values(self):
        """Refused it would be repeated in vain: the first thousand are taken, and what is cut is counted."""
        name, cloud = self.onenet()
        device = self.devices(1)[0]
        self.map(name, {"cloud_device": "m", "device": device}, {"stream": "k0", "key": "fall"}, {"stream": "k999", "key": "service"},
                 {"stream": "k1000", "key": "emergency"})
        at, before = self.moment(), self.metric("hotlined_cloud_cut_total")
        push = lambda count: cloud.push({"notifyType": "property", "deviceName": "m", "data": {
            "params": {f"k{i}": {"value": 1, "time": at} for i in range(count)}}})
        for count, cut in ((1000, 0), (1001, 1), (1001, 2)):
            answer = push(count)
            self.assertEqual((answer.status, answer.body), (200, b"ok"))
            self.assertEqual(self.metric("hotlined_cloud_cut_total") - before, cut)
            self.assertEqual(sorted(p[0] for p in self.presses(device)), ["fall", "service"])

    def test_addresses(self):
        name, cloud = self.onenet(addresses=["192.0.2.0/24", "2001:db8::/32"])
        self.assertEqual(cloud.value("x", "y", 1).status, 403)
        self.admin.post(f"/v1/admin/clouds/{name}", {"addresses": ["127.0.0.0/8", "::1"]})
        self.assertEqual(cloud.value("x", "y", 1).status, 200)
        for wrong in ([""], ["10.0.0.0/33"], ["a"], ["1.2.3.4, 5.6.7.8"]):
            self.assertEqual(self.admin.call("POST", f"/v1/admin/clouds/{name}", {"addresses": wrong}).status, 400, wrong)

    def test_a_crash_loses_nothing(self):
        """A cloud that pushes until it is acknowledged, and kills at any moment of it: each press once."""
        name, cloud = self.onenet()
        device = self.devices(1)[0]
        self.map(name, {"cloud_device": "k", "device": device}, {"stream": "k", "key": "service"})
        moments, acknowledged, tries = [self.moment() for _ in range(30)], [], []

        def pushes():
            for at in moments:
                while True:
                    tries.append(at)
                    try:
                        if cloud.value("k", "k", 1, at).status == 200:
                            break
                    except (OSError, http.client.HTTPException):
                        cloud.client.close()
                        time.sleep(0.05)  # it is being started
                    cloud.client.port = self.daemon.port
                acknowledged.append(at)

        cloud_side = threading.Thread(target=pushes)
        cloud_side.start()
        for kill in (5, 15):
            wait_until(lambda: len(acknowledged) >= kill, "some pushes")
            self.daemon.kill()
            self.daemon.start()
        cloud_side.join(120)
        self.reconnect()
        self.assertEqual(len(acknowledged), len(moments))
        self.assertGreater(len(tries), len(moments))
        self.assertEqual(len(self.presses(device)), len(moments))

    def test_stopped_in_the_midst(self):
        """Stopped at once while a push waits for its mappings, its presses, its unmapped values: nothing leaks, it comes again."""
        for table in ("device_cloud_map", "device_press", "device_cloud_unmapped"):
            name, cloud = self.onenet()
            device = self.devices(1)[0]
            self.map(name, {"cloud_device": "s", "device": device}, {"stream": "sos", "key": "emergency"})
            message = [{"type": 1, "dev_id": "s", "ds_id": stream, "at": self.moment(), "value": 1} for stream in ("sos", "new")]
            locker = subprocess.Popen(["psql", "-h", self.daemon.socket_dir(), "-d", "hotline", "-U", "hotline", "-X", "-c",
                                       f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(300)"],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            locks = f"SELECT 1 FROM pg_locks WHERE relation = '{table}'::regclass AND "
            wait_until(lambda: self.daemon.sql(locks + "granted AND mode = 'AccessExclusiveLock'"), "the lock")
            answers = []
            pushing = threading.Thread(target=lambda: answers.append(self.push_once(cloud, message)))
            pushing.start()
            wait_until(lambda: self.daemon.sql(locks + "NOT granted"), "the push to wait")
            before = self.daemon.log().count(" stopping")
            self.daemon.process.terminate()
            wait_until(lambda: self.daemon.log().count(" stopping") > before, "the stop to begin")
            self.daemon.stop()  # the second signal: it waits for nobody; not 0 if anything leaks
            pushing.join(60)
            locker.wait(60)
            self.assertEqual(answers, [None], table)
            self.daemon.start()
            self.reconnect()
            cloud.client.port = self.daemon.port
            self.assertEqual(cloud.push(message).status, 200)
            self.assertEqual([p[0] for p in self.presses(device)], ["emergency"])
            self.assertIn("new", [i["stream"] for i in self.unmapped(name)])

    def push_once(self, cloud, message):
        """The status, or None if the connection went."""
        try:
            return cloud.push(message).status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            cloud.client.close()

    def test_without_a_time(self):
        """The same bytes are a repeat as long as a cloud tries again, and after that a press; last, since hours pass."""
        window = 3 * 3600
        name, cloud = self.onenet()
        device, other = self.devices(2)
        self.map(name, {"cloud_device": "t", "device": device}, {"stream": "sos", "key": "emergency"})
        registered, path = self.ctwing()
        self.map(registered, {"cloud_device": "u", "device": other}, {"stream": "sos", "key": "emergency"})
        now = datetime.datetime.fromisoformat(self.daemon.advance(0)).timestamp()
        self.daemon.advance(int(window - now % window) + 1)
        for presses in (1, 2):
            for _ in range(3):
                self.assertEqual(cloud.push({"type": 1, "dev_id": "t", "ds_id": "sos", "value": 1}).status, 200)
                self.assertEqual(self.send(path, deviceId="u", payload={"sos": 1}, timestamp=0).status, 200)
                self.daemon.advance(int(2.75 * 3600 / 3))
            for one in (device, other):
                self.assertEqual(len(self.presses(one)), presses)
                self.assertEqual(self.daemon.sql(f"SELECT count(*) FROM device_matter WHERE device = '{one}' AND key = 'emergency'"), [[str(presses)]])
            self.daemon.advance(window // 12)


class Registry:
    def ctwing(self, addresses=("127.0.0.1",)):
        name = f"ctwing{self.serial()}"
        made = self.admin.post("/v1/admin/clouds", {"account": name, "kind": "ctwing", "addresses": list(addresses)})
        return name, made["path"]

    def send(self, path, **fields):
        return self.daemon.client().call("POST", path, {**SAMPLE, **fields})

    def test_messages(self):
        name, path = self.ctwing()
        device, other = self.devices(2)
        ids = ["0123456789abcdef0123456789abcdef", "1" * 32]
        self.map(name, {"cloud_device": ids[0], "device": device}, {"cloud_device": "860000000000002", "device": other},
                 {"stream": "Alarm_Status", "value": "2", "key": "emergency"}, {"stream": "Battery_Level", "key": "battery"},
                 {"cloud_device": ids[0], "device": device, "stream": "APPdata", "value": "AQID", "key": "health"},
                 {"stream": "event", "value": "1001", "key": "fall"})
        at = self.moment()
        data = {"deviceId": ids[0], "timestamp": at,
                "payload": {"serviceId": "notification", "serviceData": {"Alarm_Status": 2, "Battery_Level": 80}}}
        for _ in range(3):
            answer = self.send(path, **data)
            self.assertEqual((answer.status, answer.body), (200, b"ok"))
        self.assertEqual(self.send(path, deviceId=ids[0], payload={"APPdata": "AQID"}, timestamp=self.moment()).status, 200)
        event = {"messageType": "eventReport", "eventType": 1, "serviceId": 1001, "eventContent": {"Battery_Level": 70}}
        self.assertEqual(self.send(path, deviceId=ids[1], IMEI="860000000000002", timestamp=self.moment(), **event).status, 200)
        online = {"messageType": "deviceOnlineOfflineReport", "eventType": 0, "deviceId": ids[1], "IMEI": "860000000000002"}
        self.assertEqual(self.send(path, timestamp=self.moment(), **online).status, 200)
        self.assertEqual(sorted(p[0] for p in self.presses(device)), ["emergency", "health"])
        self.assertEqual([p[0] for p in self.presses(other)], ["fall"])
        self.assertEqual(self.daemon.sql(f"SELECT battery FROM device_state WHERE device = '{other}'"), [["70"]])
        self.assertEqual(self.unmapped(name), [])
        answer = self.send(path, deviceId="f" * 32, messageType="commandResponse", timestamp=self.moment())
        self.assertEqual(answer.status, 200)
        self.assertEqual([(i["cloud_device"], i["stream"]) for i in self.unmapped(name)], [("f" * 32, "commandResponse")])

    def test_only_by_the_secret_and_from_there(self):
        name, path = self.ctwing(["192.0.2.1"])
        place, before = self.told("door.refused")[1], self.metric("hotlined_door_refusals_total")
        self.assertEqual(self.send(path).status, 403)
        self.assertEqual(self.send("/v1/clouds/ctwing/" + "0" * 32).status, 404)
        self.assertEqual(self.send(f"/v1/clouds/ctwing/{name}").status, 404)
        self.assertEqual(self.send(path.replace("ctwing", "onenet")).status, 404)
        self.assertEqual(self.metric("hotlined_door_refusals_total") - before, 3)
        told = lambda: {(e["door"], e["name"], e["reason"]) for e in self.told("door.refused", place)[0]}
        wait_until(lambda: told() == {("ctwing", name, "address"), ("ctwing", "?", "secret")}, "what the desks hear")
        self.assertNotIn(path.rsplit("/", 1)[1], self.daemon.log())
        self.admin.post(f"/v1/admin/clouds/{name}", {"addresses": ["0.0.0.0/0"]})
        self.assertEqual(self.send(path, deviceId="z").status, 200)
        fresh = self.admin.post(f"/v1/admin/clouds/{name}", {"rotate": True})["path"]
        self.assertEqual([self.send(p, deviceId="z").status for p in (path, fresh)], [200, 200])
        self.admin.post(f"/v1/admin/clouds/{name}", {"retire": True})
        self.assertEqual([self.send(p, deviceId="z").status for p in (path, fresh)], [404, 200])
        text = json.dumps(SAMPLE).encode()
        for end in range(0, len(text), 11):
            self.assertEqual(self.daemon.client().call("POST", fresh, text[:end]).status, 400)
        self.assertEqual(self.daemon.client().call("POST", fresh, b"x" * (1 << 20)).status, 413)

    def test_administration(self):
        post = lambda body: self.admin.call("POST", "/v1/admin/clouds", body).status
        self.assertEqual(post({"account": "c1", "kind": "ctwing"}), 400)
        self.assertEqual(post({"account": "c1", "kind": "ctwing", "addresses": []}), 400)
        self.assertEqual(post({"account": "c1", "kind": "ctwing", "addresses": ["::/0"], "token": "abcdefgh1"}), 400)
        self.assertEqual(post({"account": "c1", "kind": "onenet", "aes_key": "0123456789abcde "}), 400)
        self.assertEqual(post({"account": "c1", "kind": "onenet", "token": "no blanks"}), 400)
        self.assertEqual(post({"account": "c 1", "kind": "onenet"}), 400)
        self.assertEqual(post({"account": "c1", "kind": "onenet"}), 201)
        self.assertEqual(post({"account": "c1", "kind": "onenet"}), 409)
        self.assertEqual(self.admin.call("POST", "/v1/admin/clouds/none", {"retire": True}).status, 404)
        self.assertEqual(self.admin.call("POST", "/v1/admin/clouds/c1", {"retire": True, "rotate": True}).status, 400)
        mappings = lambda *m: self.admin.call("POST", "/v1/admin/clouds/c1/mappings", {"mappings": list(m)})
        device = self.devices(1)[0]
        wrong = [{}, {"stream": "s", "device": device}, {"cloud_device": "x"}, {"cloud_device": "x", "device": "none"},
                 {"stream": "s", "key": "no-such"}, {"cloud_device": "x", "device": "a b"}, {"value": "1"}]
        for one in wrong:
            self.assertEqual(mappings({"stream": "good", "key": "family"}, one).status, 400, one)
        self.assertEqual(mappings({"stream": "s"}, {"stream": "s", "remove": True}).status, 400)
        self.assertEqual(mappings().status, 400)
        self.assertEqual(self.admin.get("/v1/admin/clouds/c1/mappings")["items"], [])
        rows = [{"cloud_device": f"x{i}", "device": device} for i in range(5)] + [{"stream": "s", "value": "1", "key": "cancel"}]
        self.assertEqual(mappings(*rows).json, {"put": 6, "removed": 0})
        first = self.admin.get("/v1/admin/clouds/c1/mappings?limit=4")
        rest = self.admin.get(f"/v1/admin/clouds/c1/mappings?after={first['next']}")
        self.assertEqual((len(first["items"]), len(rest["items"]), rest["next"]), (4, 2, None))
        self.assertEqual(first["items"][0], {"cloud_device": "", "stream": "s", "value": "1", "device": None, "key": "cancel"})
        self.assertEqual(mappings({"cloud_device": "x1", "remove": True}).json, {"put": 0, "removed": 1})
        for path in ("mappings", "unmapped"):
            self.assertEqual(self.admin.call("GET", f"/v1/admin/clouds/none/{path}").status, 404)
        audit = self.daemon.sql("SELECT action FROM audit WHERE detail->>'name' = 'c1' ORDER BY id")
        self.assertEqual([a[0] for a in audit], ["cloud.create", "cloud.map", "cloud.map"])

    def test_commands(self):
        device = self.devices(1)[0]
        hotline = self.daemon.hotline
        made = json.loads(hotline("device", "cloud", "add", "cmd", "--kind", "ctwing", "--addresses", "127.0.0.1,::1"))
        with tempfile.NamedTemporaryFile("w", suffix=".csv", encoding="utf-8") as f:
            f.write(f"cloud_device,stream,value,device,key\r\nq,,,{device},\r\n,sos,1,,emergency\r\n")
            f.flush()
            hotline("device", "cloud", "map", "cmd", f.name)
        self.assertEqual(self.send(made["path"], deviceId="q", payload={"sos": 1}, timestamp=self.moment()).status, 200)
        self.assertEqual([p[0] for p in self.presses(device)], ["emergency"])
        self.assertEqual(self.send(made["path"], deviceId="r", payload={"sos": 1}, timestamp=self.moment()).status, 200)
        self.assertIn("cmd", hotline("device", "cloud", "list"))
        self.assertIn(device, hotline("device", "cloud", "mappings", "cmd"))
        self.assertIn("sos", hotline("device", "cloud", "unmapped", "cmd"))
        changed = json.loads(hotline("device", "cloud", "change", "cmd", "--rotate"))
        self.assertNotEqual(changed["path"], made["path"])
        with tempfile.NamedTemporaryFile("w", suffix=".csv", encoding="utf-8") as f:
            f.write("\ufeffid,name,region,address,person,phone,notes,guardians\r\n"
                    f'CSV-1,一键通,{REGION},"1 号, 2 室",王大爷,13812345678,,王小明 13900001111 儿子;李红 13900002222\r\n'
                    f"CSV-2,,{REGION},,,,,\r\n")
            f.flush()
            keys = json.loads(hotline("device", "import", f.name))["items"]
        self.assertEqual([(k["id"], len(k["key"])) for k in keys], [("CSV-1", 64), ("CSV-2", 64)])
        seen = self.desk.get("/v1/devices/CSV-1")
        self.assertEqual((seen["address"], seen["person"], seen["phone"]), ("1 号, 2 室", "王大爷", "138****5678"))
        self.assertEqual([(g["name"], g["phone"], g["relation"]) for g in seen["guardians"]],
                         [("王小明", "139****1111", "儿子"), ("李红", "139****2222", None)])


    def test_traccar_by_the_bridge_of_the_manual(self):
        manual = (ROOT / "OPERATIONS.md").read_text(encoding="utf-8")
        start = manual.index("    #!/usr/bin/env python3\n")
        lines = manual[start:].split("\n")
        length = next(i for i, line in enumerate(lines) if line and not line.startswith("    "))
        made = self.admin.post("/v1/admin/devices", {"devices": [{"id": "860000000000003", "region": REGION}]})["items"]
        with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
            with open(f"{folder}/bridge", "w", encoding="utf-8") as f:
                f.write("\n".join(line[4:] for line in lines[:length]))
            with open(f"{folder}/keys.json", "w", encoding="utf-8") as f:
                json.dump({made[0]["id"]: made[0]["key"]}, f)
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
            free.close()
            bridge = subprocess.Popen([sys.executable, f"{folder}/bridge", str(port)], stderr=subprocess.DEVNULL, env={
                **os.environ, "KEYS": f"{folder}/keys.json", "HOTLINE": f"http://127.0.0.1:{self.daemon.port}"})
            try:
                self.drive_bridge(port, made[0]["id"])
            finally:
                bridge.kill()
                bridge.wait()

    def drive_bridge(self, port, device):
        def forward(second, unique=device, **attributes):
            body = {"position": {"id": 0, "protocol": "gps103", "deviceTime": f"2026-02-13T01:59:{second}.000+00:00", "valid": True,
                                 "latitude": 31.9, "longitude": 120.3, "attributes": attributes}, "device": {"uniqueId": unique}}
            request = urllib.request.Request(f"http://127.0.0.1:{port}/", json.dumps(body).encode())
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return answer.status
            except OSError:
                return None

        wait_until(lambda: forward(10, batteryLevel=77, motion=False) == 200, "the bridge")
        self.assertEqual([forward(20, alarm="sos"), forward(20, alarm="sos"), forward(30, alarm="fallDown,overspeed"),
                          forward(40, unique="stranger", alarm="sos")], [200] * 4)
        self.assertEqual([p[:2] for p in self.presses(device)], [["emergency", "https"], ["fall", "https"]])
        stored = self.daemon.sql(f"SELECT battery, (SELECT place FROM device_press WHERE device = '{device}' AND key = 'emergency')"
                                 f" FROM device_state WHERE device = '{device}'")
        self.assertEqual(stored, [["77", "31.900000,120.300000 wgs84"]])

    # ---- guardians

    def press(self, **fields):
        name, cloud = self.onenet()
        device = self.devices(1, **fields)[0]
        self.map(name, {"cloud_device": "g", "device": device}, {"stream": "sos", "key": "emergency"})
        self.assertEqual(cloud.value("g", "sos", 1, self.moment()).status, 200)
        wait_until(lambda: self.daemon.sql(f"SELECT 1 FROM device_matter WHERE device = '{device}' AND number IS NOT NULL"),
                   "the ticket")
        return device

    def test_notices(self):
        bridge = self.daemon.client("phone")
        guardians = [{"name": "王小明", "phone": "13900001111", "relation": "儿子"}]
        device = self.press(guardians=guardians)
        self.press()  # nobody to tell
        claim = lambda: bridge.post("/v1/notices/claim", {"limit": 10, "lease_seconds": 60})["items"]
        self.daemon.advance(20)
        self.assertEqual(claim(), [])
        self.daemon.advance(41)
        first = claim()
        self.assertEqual([(n["device"], n["key"], n["guardians"], n["attempts"]) for n in first],
                         [(device, "emergency", guardians, 1)])
        self.assertEqual(self.desk.get(f"/v1/tickets/{first[0]['number']}")["channel"], "device")
        self.assertEqual(claim(), [])
        self.daemon.advance(61)  # the bridge died
        again = claim()
        path = f"/v1/notices/{again[0]['id']}/result"
        stale = bridge.call("POST", path, {"lease": first[0]["lease"], "result": "sent"})
        self.assertEqual((again[0]["attempts"], stale.status), (2, 409))
        self.assertEqual(bridge.post(path, {"lease": again[0]["lease"], "result": "retry", "retry_seconds": 5})["state"], "queued")
        self.daemon.advance(6)
        third = claim()[0]
        place = self.told("device.untold")[1]
        for _ in range(2):
            said = bridge.post(path, {"lease": third["lease"], "result": "failed", "outcome": "无人接听"})
            self.assertEqual(said["state"], "failed")
        self.assertEqual([(e["device"], e["number"]) for e in self.told("device.untold", place)[0]], [(device, third["number"])])
        self.daemon.advance(4000)
        self.assertEqual(claim(), [])
        self.assertEqual(bridge.call("POST", "/v1/notices/999999/result", {"lease": "0" * 32, "result": "sent"}).status, 404)
        taken = self.daemon.sql(f"SELECT account, number FROM audit WHERE action = 'notice.claim' AND detail->>'device' = '{device}'")
        self.assertEqual(taken, [["phone", third["number"].lstrip("0")]] * 3)

    def test_reveal(self):
        guardians = [{"name": "王小明", "phone": "13900001111", "relation": "儿子"}]
        device = self.devices(1, person="王大爷", phone="13812345678", guardians=guardians)[0]
        path = f"/v1/devices/{device}/reveal"
        seen = self.desk.get(f"/v1/devices/{device}")
        self.assertEqual((seen["phone"], seen["guardians"][0]["phone"]), ("138****5678", "139****1111"))
        self.assertEqual(self.desk.call("POST", path, {"field": "phone"}).status, 400)
        self.assertEqual(self.desk.post(path, {"field": "phone", "reason": "回拨"})["value"], "13812345678")
        self.assertEqual(self.desk.post(path, {"field": "guardians", "reason": "无人应答"})["value"], guardians)
        self.assertIsNone(self.desk.post(f"/v1/devices/{self.devices(1)[0]}/reveal", {"field": "guardians", "reason": "x"})["value"])
        audit = self.daemon.sql("SELECT account, detail->>'field', detail->>'reason' FROM audit WHERE action = 'device.reveal'"
                                f" AND detail->>'device' = '{device}' ORDER BY id")
        self.assertEqual(audit, [["desk", "phone", "回拨"], ["desk", "guardians", "无人应答"]])
        self.assertEqual(self.desk.call("POST", "/v1/devices/none/reveal", {"field": "phone", "reason": "x"}).status, 404)


class Clouds(Onenets, Registry, CloudsTest):
    """One daemon for all: setting one up takes longer than what is done with it."""


if __name__ == "__main__":
    main()
