"""One-key devices over HTTPS: signatures, repeats, coalescing, confirm timers, silence, batteries, keys, hostile input.

The signature is computed here by Python's hmac, from the text of PROTOCOL.md alone.
"""
import datetime as dt
import hashlib
import hmac
import http.client
import json
import subprocess
import tempfile
import threading
import time

from hotline_test import DaemonTest, main, wait_until

REGION = "320281001001"


class Device:
    """A one-key device that speaks HTTPS."""

    def __init__(self, test, device, key):
        self.client, self.id, self.key = test.daemon.client(), device, key
        self.boot, self.seq = "boot-1", 0

    def headers(self, path, body, seq, key=None, timestamp=None):
        timestamp = str(int(time.time()) if timestamp is None else timestamp)
        text = "\n".join(["POST", path, self.id, self.boot, str(seq), timestamp, hashlib.sha256(body).hexdigest()])
        mac = hmac.new((key or self.key).encode(), text.encode(), hashlib.sha256).hexdigest()
        return {"Hotline-Timestamp": timestamp, "Hotline-Signature": "v1=" + mac, "Content-Type": "application/json"}

    def send(self, what, fields, seq=None, key=None, timestamp=None):
        if seq is None:
            self.seq += 1
            seq = self.seq
        path = f"/v1/devices/{self.id}/{what}"
        body = json.dumps({"boot_id": self.boot, "seq": seq, **fields}, ensure_ascii=False).encode()
        return self.client.call("POST", path, body, self.headers(path, body, seq, key, timestamp))

    def press(self, key="emergency", **more):
        given = {name: more.pop(name) for name in ("seq", "timestamp") if name in more}
        answer = self.send("presses", {"key": key, **more}, **given)
        if answer.status != 200:
            raise AssertionError(answer)
        if len(answer.body) > 200:
            raise AssertionError(f"{len(answer.body)} bytes")
        return answer.json

    def beat(self, **fields):
        answer = self.send("heartbeats", fields)
        if answer.status != 200:
            raise AssertionError(answer)
        return answer.json


class DevicesTest(DaemonTest):
    CITY = "jiangyin"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.made = 0

    def devices(self, count, **fields):
        ids = [f"T-{type(self).made + i:06d}" for i in range(count)]
        type(self).made += count
        items = []
        for start in range(0, count, 1000):
            items += self.admin.post("/v1/admin/devices", {"devices": [
                {"id": i, "name": f"一键通 {i}", "region": REGION, "address": "福民社区 1 号", **fields}
                for i in ids[start:start + 1000]]})["items"]
        keys = {item["id"]: item["key"] for item in items}
        return [Device(self, i, keys[i]) for i in ids]

    def device(self, **fields):
        return self.devices(1, **fields)[0]

    def events(self, after="start"):
        """Events of devices behind a place, and the place behind them."""
        found = []
        while True:
            page = self.desk.get(f"/v1/events?after={after}&limit=500")
            after = page["next"] or after
            found += [e for e in page["items"] if e["type"].startswith(("device.", "door."))]
            if not page["items"]:
                return found, after

    def place(self):
        return self.events()[1]

    def told(self, place, type_, device):
        return [e for e in self.events(place)[0] if e["type"] == type_ and e.get("device") == device.id]

    def tickets_of(self, device, key):
        return [row[0] for row in self.daemon.sql(
            f"SELECT number FROM device_matter WHERE device = '{device.id}' AND key = '{key}' ORDER BY id")]


class Presses(DevicesTest):
    def test_press_is_a_ticket_and_on_the_desks(self):
        d = self.device(person="王大爷", phone="13812345678", guardians=[{"name": "王小明", "phone": "13900001111"}],
                        notes="高血压")
        place = self.place()
        answer = d.press("emergency", battery=80, note="胸口疼",
                         location={"lat": 31.9, "lon": 120.3, "datum": "gcj02"})
        self.assertEqual(set(answer), {"n", "s", "t"})
        ticket = self.desk.get(f"/v1/tickets/{answer['n']}")
        self.assertEqual((ticket["channel"], ticket["urgency"], ticket["region"]), ("device", "critical", REGION))
        self.assertEqual(ticket["state"], answer["s"])
        self.assertEqual(ticket["requester"]["phone"], "138****5678")
        self.assertIn("胸口疼", ticket["text"])
        told = self.told(place, "device.pressed", d)
        self.assertEqual([(e["number"], e["key"], e["count"]) for e in told], [(answer["n"], "emergency", 1)])

    def test_keys_differ_in_urgency(self):
        for key, urgency in (("fall", "critical"), ("health", "urgent"), ("service", "normal"), ("family", "normal")):
            ticket = self.desk.get(f"/v1/tickets/{self.device().press(key)['n']}")
            self.assertEqual(ticket["urgency"], urgency, key)

    def test_repeat_gets_the_same_answer(self):
        d = self.device()
        first = d.send("presses", {"key": "emergency"})
        self.daemon.advance(300)
        again = d.send("presses", {"key": "emergency"}, seq=d.seq)
        self.assertEqual((first.status, again.status), (200, 200))
        self.assertEqual(first.body, again.body)
        self.assertNotIn("idempotent-replay", first.headers)
        self.assertEqual(again.headers["idempotent-replay"], "true")
        self.assertEqual(len(self.tickets_of(d, "emergency")), 1)

    def test_presses_within_a_minute_are_one_matter(self):
        d = self.device()
        place = self.place()
        numbers = [d.press()["n"]]
        for seconds in (20, 40):
            self.daemon.advance(seconds)
            numbers.append(d.press()["n"])
        self.assertEqual(len(set(numbers)), 1)
        self.assertNotEqual(d.press("service")["n"], numbers[0])
        self.daemon.advance(1)
        self.assertNotEqual(d.press()["n"], numbers[0])
        counts = [(e["number"], e["count"]) for e in self.told(place, "device.pressed", d) if e["key"] == "emergency"]
        self.assertEqual(counts[:3], [(numbers[0], 1), (numbers[0], 2), (numbers[0], 3)])
        self.assertEqual(counts[3][1], 1)

    def test_a_press_after_the_end_of_its_ticket_is_a_new_matter(self):
        d = self.device()
        first = d.press()["n"]
        self.desk.post(f"/v1/tickets/{first}/false-alarm")
        self.assertNotEqual(d.press()["n"], first)

    def test_cancel_belongs_to_the_press_and_decides_nothing(self):
        d = self.device()
        self.assertEqual(d.press("cancel"), {"n": None, "s": "noted", "t": d.press("cancel", seq=d.seq)["t"]})
        number = d.press()["n"]
        place = self.place()
        self.assertEqual(d.press("cancel")["n"], number)
        self.assertEqual([(e["number"], e["key"]) for e in self.told(place, "device.pressed", d)], [(number, "cancel")])
        self.assertIn(self.desk.get(f"/v1/tickets/{number}")["state"], ("accepted", "handling"))
        self.daemon.advance(601)
        self.assertIsNone(d.press("cancel")["n"])

    def test_odd_clocks_and_sequences_are_flagged_not_refused(self):
        d = self.device()
        now = int(self.daemon.sql("SELECT extract(epoch FROM max(received_at))::bigint FROM ticket")[0][0] or 0) \
            if self.daemon.sql("SELECT count(*) FROM ticket")[0][0] != "0" else int(time.time())
        cases = [({"timestamp": 5, "seq": 10}, 1), ({"timestamp": now, "seq": 10 ** 15}, 0),
                 ({"timestamp": now, "seq": 7}, 2), ({"timestamp": now, "seq": -3}, 2),
                 ({"timestamp": now, "seq": 2 * 10 ** 15, "battery": 900}, 4),
                 ({"timestamp": now, "seq": 3 * 10 ** 15, "pressed_at": "1999-01-01T00:00:00Z"}, 1),
                 ({"timestamp": now, "seq": 4 * 10 ** 15, "pressed_at": "half past ten"}, 1)]
        self.daemon.advance(1)
        for fields, flags in cases:
            d.press("health", **fields)
            stored = self.daemon.sql(f"SELECT flags FROM device_press WHERE device = '{d.id}' AND seq = {fields['seq']}")
            self.assertEqual(int(stored[0][0]), flags, fields)

    def test_many_at_once_are_each_stored_once(self):
        devices = self.devices(40)
        numbers = [d.press("service")["n"] for d in devices]
        self.assertEqual(len(set(numbers)), 40)
        self.assertEqual(self.daemon.sql("SELECT count(*) FROM device_matter WHERE number IS NULL")[0][0], "0")


    def test_a_battery_low_by_key_and_by_figure_in_one_batch(self):
        """The two made two rows of one matter, and every press of the batch was refused with them."""
        held, second, low = self.devices(3)
        stranger = self.device()
        lock = subprocess.Popen(["psql", "-h", self.daemon.socket_dir(), "-d", "hotline", "-U", "hotline", "-X", "-q", "-A", "-t"],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        answers = []

        def press(device, *args, **fields):
            answers.append(device.press(*args, **fields)["s"])

        def start(device, *args, **fields):
            threads.append(threading.Thread(target=press, args=(device, *args), kwargs=fields))
            threads[-1].start()

        threads = []
        twin = Device(self, low.id, low.key)  # the same device on a second connection
        twin.boot = "boot-2"
        try:
            lock.stdin.write(f"BEGIN; SELECT device FROM device_state WHERE device IN ('{held.id}', '{second.id}') FOR UPDATE;\n")
            lock.stdin.flush()
            self.assertEqual(lock.stdout.readline(), held.id + "\n")
            self.assertEqual(lock.stdout.readline(), second.id + "\n")
            for device in (held, second):  # two batches that stand at the lock
                start(device, "service")
                wait_until(lambda: self.daemon.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
                           == [[str(len(threads))]], "a batch at the lock")
            start(low, "low_battery")
            start(twin, "emergency", battery=3)
            start(stranger, "emergency")
            wait_until(lambda: "hotlined_device_queued 3\n" in self.desk.call("GET", "/metrics").body.decode(), "the third batch")
        finally:
            lock.stdin.close()
            lock.wait(30)
            for thread in threads:
                thread.join(60)
        self.assertEqual(len(answers), 5)
        self.assertEqual(self.daemon.sql(f"SELECT key, count FROM device_matter WHERE device = '{low.id}' ORDER BY key"),
                         [["emergency", "1"], ["low_battery", "1"]])


class Watch(DevicesTest):
    def test_nobody_answers(self):
        d = self.device()
        number = d.press()["n"]
        place = self.place()
        self.daemon.advance(14)
        self.assertEqual(self.told(place, "device.unanswered", d), [])
        self.daemon.advance(1)
        first = self.told(place, "device.unanswered", d)
        self.assertEqual([(e["number"], e["step"], e["to"]) for e in first], [(number, 1, ["desk"])])
        self.daemon.advance(44)
        self.assertEqual(len(self.told(place, "device.unanswered", d)), 1)
        self.daemon.advance(1)
        steps = self.told(place, "device.unanswered", d)
        self.assertEqual([(e["step"], e["to"]) for e in steps], [(1, ["desk"]), (2, ["supervisor", "guardians"])])
        self.daemon.advance(3600)
        self.assertEqual(len(self.told(place, "device.unanswered", d)), 2)

    def test_a_press_without_a_ticket_is_unanswered_too(self):
        """Nobody was told of an emergency that was stored and whose ticket could not be made."""
        d = self.device()
        place = self.place()
        self.daemon.sql("ALTER TABLE ticket ADD CONSTRAINT none_now CHECK (number < 0) NOT VALID")
        try:
            self.assertNotEqual(d.send("presses", {"key": "emergency"}).status, 200)
            self.desk.call("POST", "/v1/test/clock", {"advance_seconds": 15})  # 503: what is owed cannot be done
            wait_until(lambda: self.told(place, "device.unanswered", d), "the desk hears of it")
            told = self.told(place, "device.unanswered", d)
            self.assertEqual([(e["number"], e["step"]) for e in told], [(None, 1)])
        finally:
            self.daemon.sql("ALTER TABLE ticket DROP CONSTRAINT none_now")
        number = d.press(seq=d.seq)["n"]
        self.daemon.advance(45)
        self.assertEqual([(e["number"], e["step"]) for e in self.told(place, "device.unanswered", d)], [(None, 1), (number, 2)])

    def test_somebody_answers(self):
        for seconds, events in ((0, 0), (20, 1)):
            d = self.device()
            number = d.press("fall")["n"]
            place = self.place()
            if seconds:
                self.daemon.advance(seconds)
            self.desk.post(f"/v1/tickets/{number}/note", {"text": "已接通，老人无碍"})
            self.daemon.advance(120)
            self.assertEqual(len(self.told(place, "device.unanswered", d)), events)

    def test_a_notice_that_is_of_no_use_is_not_handed_out(self):
        """Guardians are not called about an alarm that is old or that somebody sees to, nor again and again."""
        bridge = self.daemon.client("phone")
        claim = lambda: [n["device"] for n in bridge.post("/v1/notices/claim", {"limit": 100, "lease_seconds": 5})["items"]]
        old, answered, false, tried, fresh = devices = self.devices(5, guardians=[{"name": "王小明", "phone": "13900001111"}])
        numbers = {d.id: d.press()["n"] for d in (old, answered, false)}
        place = self.place()
        self.daemon.advance(61)
        self.desk.post(f"/v1/tickets/{numbers[answered.id]}/note", {"text": "已接通"})  # at second 61
        self.desk.post(f"/v1/tickets/{numbers[false.id]}/false-alarm")
        self.assertEqual(claim(), [old.id])
        self.daemon.advance(3600 - 2)
        self.assertEqual(claim(), [old.id], "an hour after the notice")
        self.daemon.advance(6)
        self.assertEqual(claim(), [])
        tried.press()
        self.daemon.advance(61)
        self.daemon.sql(f"UPDATE device_notice SET attempts = 49 WHERE device = '{tried.id}'")
        self.assertEqual(claim(), [tried.id])
        self.daemon.advance(6)
        self.assertEqual(claim(), [])
        fresh.press()
        self.daemon.advance(61)
        self.assertEqual(claim(), [fresh.id])
        ends = self.daemon.sql("SELECT device, state, coalesce(outcome, '') FROM device_notice WHERE device IN "
                               f"({', '.join(repr(d.id) for d in devices)}) ORDER BY device")
        self.assertEqual(ends, [[old.id, "failed", "expired"], [answered.id, "failed", "answered"],
                                [false.id, "failed", "answered"], [tried.id, "failed", "attempts"], [fresh.id, "taken", ""]])
        self.assertEqual([len(self.told(place, "device.untold", d)) for d in devices], [1, 0, 0, 1, 0])
        text = self.daemon.client().call("GET", "/metrics").body.decode()
        for outcome, count in (("expired", 1), ("answered", 2), ("attempts", 1)):
            self.assertIn(f'hotlined_notices_ended_total{{outcome="{outcome}"}} {count}\n', text)

    def test_both_steps_in_one_leap(self):
        d = self.device()
        place = self.place()
        d.press()
        self.daemon.advance(600)
        self.assertEqual([e["step"] for e in self.told(place, "device.unanswered", d)], [1, 2])

    def test_other_keys_are_not_watched(self):
        d = self.device()
        place = self.place()
        d.press("service")
        self.daemon.advance(600)
        self.assertEqual(self.told(place, "device.unanswered", d), [])

    def test_low_battery_is_one_open_ticket(self):
        d = self.device()
        d.beat(battery=80)
        d.beat(battery=15)
        d.beat(battery=3)
        d.press("low_battery")
        wait_until(lambda: all(self.tickets_of(d, "low_battery")), "the ticket")
        numbers = self.tickets_of(d, "low_battery")
        self.assertEqual(len(numbers), 1)
        self.desk.post(f"/v1/tickets/{numbers[0]}/answer", {"reply": "已换电池"})
        d.beat(battery=90)
        self.assertEqual(len(self.tickets_of(d, "low_battery")), 1)
        self.assertNotEqual(d.press("low_battery")["n"], numbers[0])
        d.press("emergency", battery=1)
        self.assertEqual(len(self.tickets_of(d, "low_battery")), 2)


class Silence(DevicesTest):
    OPTIONS = ("--device-heartbeat-seconds", "60")

    def test_300_devices_fall_silent(self):
        devices = self.devices(320)
        self.devices(5)  # registered, never heard
        for d in devices:
            d.beat(battery=70, signal=-80)
        self.daemon.advance(100)
        for d in devices[:20]:
            d.beat()
        self.daemon.advance(80)
        self.assertEqual(self.silent(), 0)  # three periods, not more
        self.daemon.advance(1)
        self.assertEqual(self.silent(), 300)
        for _ in range(3):
            self.daemon.advance(20)
        self.assertEqual(self.silent(), 300)
        tickets = self.daemon.sql("SELECT count(*), count(DISTINCT number) FROM ticket JOIN device_matter USING (number)"
                                  " WHERE key = 'silence'")
        self.assertEqual(tickets, [["300", "300"]])
        self.daemon.stop()
        self.daemon.start()
        self.assertEqual(self.silent(), 300)
        self.heard_again(devices[20])

    def test_nobody_is_silent_because_we_were_away(self):
        """After an outage of three periods every device was taken for silent before it could be heard."""
        self.admin = self.daemon.client("admin")  # the daemon was started again
        before = self.silent()
        devices = self.devices(4)
        for d in devices:
            d.beat()
        clock = self.daemon.clock
        later = dt.datetime.fromisoformat(self.daemon.advance(0)) + dt.timedelta(seconds=3600)
        self.daemon.stop()
        self.daemon.clock = later.isoformat()
        self.daemon.start()
        self.daemon.clock = clock
        self.daemon.advance(0)
        self.assertEqual(self.silent(), before)
        devices[0].client = self.daemon.client()
        devices[0].beat()
        self.daemon.advance(59)
        self.assertEqual(self.silent(), before)
        self.daemon.advance(1)
        known = {row[0] for row in self.daemon.sql("SELECT device FROM device_matter WHERE key = 'silence'")}
        self.assertEqual([d.id in known for d in devices], [False, True, True, True])

    def silent(self):
        return int(self.daemon.sql("SELECT count(*) FROM device_matter WHERE key = 'silence' AND number IS NOT NULL")[0][0])

    def heard_again(self, d):
        """While its ticket is open another silence is no other matter; after it, it is."""
        desk = self.daemon.client("desk")
        d.client = self.daemon.client()
        d.beat()
        self.daemon.advance(181)
        self.assertEqual(len(self.tickets_of(d, "silence")), 1)
        desk.post(f"/v1/tickets/{self.tickets_of(d, 'silence')[0]}/answer", {"reply": "已更换"})
        d.beat()
        self.daemon.advance(181)
        self.assertEqual(len(self.tickets_of(d, "silence")), 2)
        desk.close()


class Keys(DevicesTest):
    def test_rotation(self):
        d = self.device()
        old = d.key
        fresh = self.admin.post(f"/v1/admin/devices/{d.id}/rotate")["key"]
        for key in (fresh, old):
            self.assertEqual(d.send("heartbeats", {}, key=key).status, 200)
        third = self.admin.post(f"/v1/admin/devices/{d.id}/rotate", {})["key"]
        self.assertEqual([d.send("heartbeats", {}, key=k).status for k in (third, fresh, old)], [200, 200, 401])
        last = self.admin.post(f"/v1/admin/devices/{d.id}/rotate", {"sudden": True})["key"]
        self.assertEqual([d.send("heartbeats", {}, key=k).status for k in (last, third, fresh)], [200, 401, 401])
        self.assertEqual(len({old, fresh, third, last}), 4)

    def test_key_as_its_bytes(self):
        d = self.device()
        body, path = b'{"boot_id":"b","seq":1}', f"/v1/devices/{d.id}/heartbeats"
        text = "\n".join(["POST", path, d.id, "b", "1", "0", hashlib.sha256(body).hexdigest()]).encode()
        mac = hmac.new(bytes.fromhex(d.key), text, hashlib.sha256).hexdigest()
        answer = d.client.call("POST", path, body, {"Hotline-Timestamp": "0", "Hotline-Signature": "v1=" + mac})
        self.assertEqual(answer.status, 200)

    def test_retired(self):
        d = self.device()
        self.assertEqual(d.send("presses", {"key": "fall"}).status, 200)
        self.admin.post(f"/v1/admin/devices/{d.id}/retire")
        self.assertEqual(d.send("presses", {"key": "fall"}).status, 401)
        self.assertEqual(self.admin.call("POST", f"/v1/admin/devices/{d.id}/retire", {}).status, 404)
        self.assertEqual(self.admin.call("POST", f"/v1/admin/devices/{d.id}/rotate", {}).status, 404)

    def test_import_again_keeps_the_key(self):
        d = self.device()
        again = self.admin.post("/v1/admin/devices", {"devices": [
            {"id": d.id, "region": REGION, "person": "李奶奶", "key": "another-key-of-16"}]})["items"]
        self.assertEqual(again, [{"id": d.id, "new": False}])
        self.assertEqual(d.send("heartbeats", {}).status, 200)
        seen = self.desk.get(f"/v1/devices/{d.id}")
        self.assertEqual((seen["person"], seen["keys"]), ("李奶奶", 1))

    def test_registry_is_sealed_and_masked(self):
        d = self.device(person="张秀英", phone="13700002222", notes="心脏支架",
                        guardians=[{"name": "张军", "phone": "13600003333", "relation": "儿子"}])
        seen = self.desk.get(f"/v1/devices/{d.id}")
        self.assertEqual(seen["guardians"], [{"name": "张军", "phone": "136****3333", "relation": "儿子"}])
        self.assertEqual(seen["phone"], "137****2222")
        row = self.daemon.sql(f"SELECT encode(person, 'escape') || encode(notes, 'escape') || encode(key_new, 'escape')"
                              f" FROM device WHERE id = '{d.id}'")[0][0]
        self.assertNotIn(d.key, row)
        for secret in (d.key, "13700002222", "张秀英"):
            self.assertNotIn(secret, self.daemon.log())

    def test_import_is_checked(self):
        bad = [({"id": "a/b", "region": REGION}, "devices[0].id", "format"),
               ({"id": "ok", "region": "000000000000"}, "devices[0].region", "not_found"),
               ({"id": "ok", "region": REGION, "key": "short"}, "devices[0].key", "too_short"),
               ({"id": "ok", "region": REGION, "phone": "none"}, "devices[0].phone", "format"),
               ({"id": "ok", "region": REGION, "guardians": {}}, "devices[0].guardians", "wrong_type"),
               ({"id": "ok", "region": REGION, "guardians": [{"name": "x"}]}, "devices[0].guardians[0].phone", "required"),
               ({"id": "ok", "region": REGION, "colour": "red"}, "devices[0].colour", "unknown")]
        for device, field, reason in bad:
            answer = self.admin.call("POST", "/v1/admin/devices", {"devices": [device]})
            self.assertEqual(answer.status, 400)
            self.assertIn({"field": field, "reason": reason}, answer.json["errors"])
        twice = [{"id": "same", "region": REGION}] * 2
        self.assertEqual(self.admin.call("POST", "/v1/admin/devices", {"devices": twice}).json["errors"],
                         [{"field": "devices[1].id", "reason": "duplicate"}])
        many = [{"id": f"m{i}", "region": REGION} for i in range(1001)]
        self.assertEqual(self.admin.call("POST", "/v1/admin/devices", {"devices": many}).status, 400)
        self.assertEqual(self.daemon.sql("SELECT count(*) FROM device WHERE id IN ('ok', 'same', 'm1')")[0][0], "0")

    def test_client(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump({"devices": [{"id": "CLI-1", "region": REGION}]}, file)
            file.flush()
            made = json.loads(self.daemon.hotline("device", "import", file.name))["items"]
        d = Device(self, "CLI-1", made[0]["key"])
        self.assertEqual(d.send("heartbeats", {"battery": 71}).status, 200)
        self.assertIn("CLI-1", self.daemon.hotline("device", "list"))
        d.key = json.loads(self.daemon.hotline("device", "rotate", "CLI-1"))["key"]
        self.assertEqual(d.send("heartbeats", {}).status, 200)

    def test_list_by_pages(self):
        made = {d.id for d in self.devices(25)}
        seen, after = set(), ""
        while after is not None:
            page = self.admin.get(f"/v1/admin/devices?limit=7{'&after=' + after if after else ''}")
            self.assertLessEqual(len(page["items"]), 7)
            seen |= {item["id"] for item in page["items"]}
            after = page["next"]
        self.assertLessEqual(made, seen)

    def test_another_import_of_the_city_leaves_the_registry(self):
        d = self.device()
        bundle = self.admin.get("/v1/admin/export")
        self.assertNotIn(d.id, json.dumps(bundle))
        self.admin.post("/v1/admin/import", bundle)
        self.assertEqual(d.send("heartbeats", {}).status, 200)


class Hostile(DevicesTest):
    def metric(self, name):
        text = self.daemon.client().call("GET", "/metrics").body.decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))

    def test_signatures(self):
        d, other = self.devices(2)
        before, place = self.metric("hotlined_device_refused_total"), self.place()
        good = d.headers(f"/v1/devices/{d.id}/presses", b"{}", 1)
        body = json.dumps({"boot_id": "boot-1", "seq": 1, "key": "fall"}).encode()
        path = f"/v1/devices/{d.id}/presses"
        good = d.headers(path, body, 1)
        other_path = f"/v1/devices/{other.id}/presses"
        flipped = good["Hotline-Signature"][:-1] + ("0" if good["Hotline-Signature"][-1] != "0" else "1")
        bad = [(path, body, {}), (path, body, {**good, "Hotline-Signature": flipped}),
               (path, body, {**good, "Hotline-Signature": "v1="}), (path, body, {**good, "Hotline-Timestamp": "x"}),
               (path, body, {**good, "Hotline-Timestamp": str(int(good["Hotline-Timestamp"]) + 1)}),
               (path, body + b" ", good), (other_path, body, good),
               ("/v1/devices/no-such/presses", body, good), ("/v1/devices/a+b/presses", body, good),
               (path, body.replace(b"fall", b"cancel"), good),
               (path, body, {k: v for k, v in good.items() if k != "Hotline-Timestamp"})]
        for target, sent, headers in bad:
            answer = d.client.call("POST", target, sent, headers)
            self.assertEqual(answer.status, 401, (target, sent, headers, answer))
        self.assertEqual(self.metric("hotlined_device_refused_total") - before, len(bad))
        self.assertEqual(self.daemon.sql(f"SELECT count(*) FROM device_press WHERE device IN ('{d.id}', '{other.id}')"),
                         [["0"]])
        refused = wait_until(lambda: [e for e in self.events(place)[0] if e["type"] == "door.refused"
                                      and e.get("name") == d.id], "the desk to hear of it")
        self.assertEqual(len(refused), 1)
        self.assertEqual(d.client.call("POST", path, body, good).status, 200)
        replayed = d.client.call("POST", path, body, good)
        self.assertEqual((replayed.status, replayed.headers["idempotent-replay"]), (200, "true"))

    def test_desks_are_not_flooded(self):
        """Names that nobody has are only counted; of those that exist ten a minute are told; what is old goes."""
        devices, place = self.devices(14), self.place()
        self.daemon.advance(61)
        body = json.dumps({"boot_id": "boot-1", "seq": 1, "key": "fall"}).encode()

        def refuse(device):
            path = f"/v1/devices/{device}/presses"
            self.assertEqual(devices[0].client.call("POST", path, body,
                                                    devices[0].headers(path, body, 1, key="x" * 32)).status, 401)

        def told():
            return {e["name"] for e in self.events(place)[0] if e["type"] == "door.refused"}
        counted, untold = self.metric("hotlined_door_refusals_total"), self.metric("hotlined_door_refusals_untold_total")
        for i in range(30):
            refuse(f"invented-{i}")
        self.assertEqual(self.metric("hotlined_door_refusals_total") - counted, 30)
        self.assertEqual(self.metric("hotlined_door_refusals_untold_total"), untold)
        for d in devices:
            refuse(d.id)
        self.assertEqual(self.metric("hotlined_door_refusals_untold_total") - untold, 4)
        wait_until(lambda: told() == {d.id for d in devices[:10]}, "ten to be told")
        self.daemon.sql("UPDATE desk_event SET at = at - interval '31 days' WHERE type = 'door.refused'")
        press = devices[0].press("fall")
        self.daemon.sql("UPDATE desk_event SET at = at - interval '31 days' WHERE type = 'device.pressed'")
        self.daemon.advance(61)
        refuse(devices[12].id)
        wait_until(lambda: told() == {devices[12].id}, "the old ones to go")
        self.assertIn(press["n"], [e.get("number") for e in self.events(place)[0]])

    def test_bodies(self):
        d = self.device()
        path = f"/v1/devices/{d.id}/presses"
        for body, status in ((b"", 400), (b"{", 400), (b"[]", 400), (b"\xff", 400), (b"{}" + b" " * 5000, 413),
                             (b'{"boot_id":"b","seq":1,"key":"boom"}', 400), (b"x" * (1 << 20), 413)):
            try:
                answer = d.client.call("POST", path, body, d.headers(path, body, 1))
            except (http.client.HTTPException, OSError):
                self.assertEqual(status, 413)
                d.client.close()
                continue
            self.assertEqual(answer.status, status, body[:40])

    def test_every_cut_of_a_press(self):
        d = self.device()
        path = f"/v1/devices/{d.id}/presses"
        body = json.dumps({"boot_id": "boot-1", "seq": 1, "key": "service"}).encode()
        for n in range(len(body)):
            self.assertIn(d.client.call("POST", path, body[:n], d.headers(path, body[:n], 1)).status, (400, 401))
        self.assertEqual(d.client.call("POST", path, body, d.headers(path, body, 1)).status, 200)


class Durability(DevicesTest):
    """The daemon is killed between a press and its ticket, at random: what was answered is there, once."""

    CLOCK = None

    def test_killed_while_presses_come(self):
        devices = self.devices(30)
        answered, asked = {}, 0
        for life in range(4):
            for d in devices[life * 7:life * 7 + 9]:
                d.client = self.daemon.client()
                asked += 1
                body = {"key": "emergency"}
                try:
                    answer = d.send("presses", body)
                    answered[(d.id, d.seq)] = answer.body
                except (http.client.HTTPException, OSError):
                    pass
            self.daemon.kill()
            self.daemon.start()
        for (device, seq), first in answered.items():
            d = next(d for d in devices if d.id == device)
            d.client = self.daemon.client()
            self.assertEqual(d.send("presses", {"key": "emergency"}, seq=seq).body, first)
        wait_until(lambda: self.daemon.sql("SELECT count(*) FROM device_matter WHERE number IS NULL") == [["0"]],
                   "every matter to have its ticket")
        doubles = self.daemon.sql("SELECT number FROM device_matter GROUP BY number HAVING count(*) > 1")
        self.assertEqual(doubles, [])
        for name in ("desk", "supervisor", "admin"):
            setattr(type(self), name, self.daemon.client(name))

    def test_what_was_owed_is_made_at_the_start(self):
        d = self.device()
        self.daemon.kill()
        self.daemon.start()
        for name in ("desk", "supervisor", "admin"):
            setattr(type(self), name, self.daemon.client(name))
        self.daemon.kill()
        # as a daemon leaves it that died between the press and its ticket
        self.daemon.sql(f"INSERT INTO device_matter (device, key, opened_at, count, alert_at) VALUES"
                        f" ('{d.id}', 'emergency', now(), 1, now() + interval '15 s')")
        self.daemon.start()
        for name in ("desk", "supervisor", "admin"):
            setattr(type(self), name, self.daemon.client(name))
        number = wait_until(lambda: self.tickets_of(d, "emergency") != ["" ] and self.tickets_of(d, "emergency"), "the ticket")
        self.assertEqual(self.desk.get(f"/v1/tickets/{number[0]}")["channel"], "device")





if __name__ == "__main__":
    main()
