"""Presses of one-key devices have a lane of their own: whatever else stands still, a press is stored, answered and on the desks.

HOTLINE_DEVICES=18000 plays the silence at the size of a city; the suite plays a small one.
"""
import concurrent.futures
import os
import subprocess
import threading

from hotline_test import Client, DaemonTest, main, wait_until
from test_devices import REGION, Device
from test_events import Stream
from test_mqtt import Wire, connect_packet, free_port, password, press_body, publish_packet

DEVICES = int(os.environ.get("HOTLINE_DEVICES", "1000"))
SILENT = 300
AT_ONCE = 32


class LaneTest(DaemonTest):
    @classmethod
    def setUpClass(cls):
        cls.mqtt_port = free_port()
        cls.OPTIONS = ("--mqtt-port", str(cls.mqtt_port), *cls.OPTIONS_MORE)
        super().setUpClass()
        cls.made = 0

    def devices(self, count):
        ids = [f"L-{type(self).made + i:06d}" for i in range(count)]
        type(self).made += count
        items = []
        for start in range(0, count, 1000):
            items += self.admin.post("/v1/admin/devices", {"devices": [
                {"id": i, "region": REGION} for i in ids[start:start + 1000]]})["items"]
        return [Device(self, item["id"], item["key"]) for item in items]

    def number(self, sql):
        return int(self.daemon.sql(sql)[0][0])

    def metric(self, name):
        body = self.daemon.client().call("GET", "/metrics").body.decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in body.splitlines() if line.startswith(name))


class Saturated(LaneTest):
    """Every pool but that of the presses is held up by locks in the database, with requests queued behind each."""

    OPTIONS_MORE = ("--work_connections", "1", "--intake_connections", "1", "--bulk_connections", "1",
                    "--report_connections", "1")

    def hold(self, statements):
        """A session that has these locks until it is told to end."""
        session = subprocess.Popen(["psql", "-h", self.daemon.socket_dir(), "-d", "hotline", "-U", "hotline", "-X", "-q", "-A",
                                    "-t", "-v", "ON_ERROR_STOP=1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        session.stdin.write("BEGIN;\n" + statements + "\nSELECT 'held';\n")
        session.stdin.flush()
        while "held" not in (line := session.stdout.readline()):
            self.assertTrue(line, "the session ended")
        return session

    def blocked(self):
        return self.number("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")

    def begin(self, jobs):
        """Each (token, method, target, body, headers) in a thread; a list that their answers come into."""
        answers = []

        def ask(token, *what):
            client = Client(self.daemon.port, token)
            try:
                answers.append(client.call(*what).status)
            finally:
                client.close()
        threads = [threading.Thread(target=ask, args=job, daemon=True) for job in jobs]
        for thread in threads:
            thread.start()
        return threads, answers

    def test_a_press_goes_through(self):
        d, beating, wired, later = self.devices(4)
        number = self.new_ticket()["number"]
        desk, admin = self.daemon.tokens["desk"], self.daemon.tokens["admin"]
        stream = Stream(self.daemon.port, desk)
        wire = Wire(self.mqtt_port).send(connect_packet(wired.id, password(wired.id, wired.key)))
        self.assertEqual(wire.read(), (0x20, b"\0\0"))
        session = self.hold(
            f"SELECT 1 FROM ticket WHERE number = {number} FOR UPDATE;\n"
            f"SELECT 1 FROM device_state WHERE device = '{beating.id}' FOR UPDATE;\n"
            "LOCK TABLE tally_day IN ACCESS EXCLUSIVE MODE;")
        try:
            jobs = [(desk, "POST", f"/v1/tickets/{number}/note", {"text": f"{n}"}) for n in range(20)]
            jobs += [(admin, "GET", "/v1/reports/tiers?from=2026-01-01&to=2026-02-01") for n in range(5)]
            body = b'{"boot_id": "boot-1", "seq": 1}'
            path = f"/v1/devices/{beating.id}/heartbeats"
            jobs += [(None, "POST", path, body, beating.headers(path, body, 1))]
            threads, answers = self.begin(jobs)
            wait_until(lambda: self.blocked() >= 2, "work and heartbeats to stand still")
            self.press_while_blocked(d, wire, wired, later, stream)
            self.assertGreaterEqual(self.blocked(), 2)
            self.assertLess(len(answers), len(jobs))
        finally:
            session.communicate("ROLLBACK;\n", timeout=60)
        for thread in threads:
            thread.join(180)
            self.assertFalse(thread.is_alive())
        self.assertEqual(len(answers), len(jobs))
        self.assertNotIn(429, answers)
        self.assertGreater(answers.count(200), 0)
        wire.close()
        stream.close()

    def press_while_blocked(self, d, wire, wired, later, stream):
        answer = d.send("presses", {"key": "emergency"})
        self.assertEqual(answer.status, 200, answer)
        self.assertIsNotNone(answer.json["n"])
        wire.send(publish_packet(f"hotline/v1/{wired.id}/up/press", press_body(1), 9))
        self.assertEqual(wire.read(), (0x40, b"\0\x09"))
        late = Wire(self.mqtt_port).send(connect_packet(later.id, password(later.id, later.key)))
        self.assertEqual(late.read(), (0x20, b"\0\0"))
        late.close()

        def told():
            return {e["device"] for e in list(stream.events) if e["type"] == "device.pressed"}
        wait_until(lambda: {d.id, wired.id} <= told(), "the desk to hear of both presses")


class Silence(LaneTest):
    """DOMAIN 6: three periods without a sign of life are one ticket of maintenance, and presses do not stand behind them."""

    OPTIONS_MORE = ("--device-heartbeat-seconds", "60")

    def beat(self, devices):
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            lanes = [devices[n::AT_ONCE] for n in range(AT_ONCE)]
            for _ in pool.map(lambda lane: [d.beat(battery=70) for d in lane], lanes):
                pass

    def silent(self):
        return self.number(f"SELECT count(DISTINCT number) FROM device_matter WHERE key = 'silence' AND {self.ours}")

    def marked(self):
        return self.number(f"SELECT count(*) FROM device_state WHERE silent_since IS NOT NULL AND {self.ours}")

    def test_silent_devices_are_maintenance_and_no_more(self):
        devices = self.devices(DEVICES)
        Client.recorded = False
        self.addCleanup(setattr, Client, "recorded", True)
        gateway = [self.daemon.client() for _ in range(AT_ONCE)]
        for n, d in enumerate(devices):
            d.client = gateway[n % AT_ONCE]
        self.ours = f"device LIKE 'L-%' AND device >= '{devices[0].id}'"
        self.devices(5)  # registered, never heard of
        self.assertEqual(self.silent(), 0)
        self.beat(devices)
        self.daemon.advance(100)
        self.beat(devices[SILENT:])
        self.daemon.advance(80)
        self.assertEqual(self.silent(), 0)  # three periods, not more
        self.daemon.advance(1)
        self.assertEqual(self.silent(), SILENT)
        for _ in range(4):
            self.daemon.advance(19)
        self.assertEqual(self.silent(), SILENT)
        self.assertEqual(self.number("SELECT count(*) FROM ticket JOIN device_matter m USING (number)"
                                     f" WHERE {self.ours.replace('device', 'm.device')}"), SILENT)
        self.assertEqual(self.marked(), SILENT)
        self.returned(devices)

    def returned(self, devices):
        """Who is heard again is not silent any more; a second silence is a matter once the first one's ticket is closed."""
        back, closed = devices[0], devices[1]
        number = self.daemon.sql(f"SELECT number FROM device_matter WHERE device = '{closed.id}'")[0][0]
        self.daemon.client("desk").post(f"/v1/tickets/{number}/answer", {"reply": "已更换电池"})
        self.beat([back, closed])
        self.assertEqual(self.marked(), SILENT - 2)
        self.beat(devices[SILENT:])
        self.daemon.advance(181)
        self.assertEqual(self.number(f"SELECT count(*) FROM device_matter WHERE device = '{back.id}' AND key = 'silence'"), 1)
        self.assertEqual(self.number(f"SELECT count(*) FROM device_matter WHERE device = '{closed.id}' AND key = 'silence'"), 2)

    def test_a_press_does_not_stand_behind_maintenance(self):
        """Thousands of matters of maintenance wait; emergencies are taken up before they are through."""
        many = 1500
        devices = self.devices(5)
        self.daemon.kill()
        self.daemon.sql("INSERT INTO device (id, name, region, is_bundled)"
                        f" SELECT 'S-' || n, 'S', '{REGION}', false FROM generate_series(1, {many}) n")
        self.daemon.sql("INSERT INTO device_matter (device, key, opened_at, count)"
                        f" SELECT 'S-' || n, 'silence', now(), 1 FROM generate_series(1, {many}) n")
        self.daemon.start()
        for name in ("desk", "supervisor", "admin"):
            setattr(type(self), name, self.daemon.client(name))
        left = []
        for d in devices:
            d.client = self.daemon.client()
            self.assertEqual(d.send("presses", {"key": "emergency"}).status, 200)
            left.append(self.number("SELECT count(*) FROM device_matter WHERE number IS NULL AND key = 'silence'"))
        print(f"maintenance left after each of {len(devices)} presses: {left}")
        wait_until(lambda: self.number("SELECT count(*) FROM device_matter WHERE number IS NULL") == 0, "every ticket", 300)
        later = self.number("SELECT count(*) FROM device_matter m JOIN device_matter s ON s.key = 'silence' AND s.number > m.number"
                            f" AND s.device LIKE 'S-%' WHERE m.device = '{devices[0].id}' AND m.key = 'emergency'")
        self.assertGreater(later, many // 2)


if __name__ == "__main__":
    main()
