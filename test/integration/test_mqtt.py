"""One-key devices over MQTT 3.1.1, with Debian's mosquitto_pub and mosquitto_sub as devices, and with bytes of our own.

HOTLINE_MQTT_PRESSES=10000 HOTLINE_MQTT_DEVICES=200 plays the whole storm with kill -9; the suite plays a short one.
"""
import hashlib
import hmac
import json
import os
import random
import select
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest

from hotline_test import DaemonTest, main, wait_until

REGION = "320281001001"
PRESSES = int(os.environ.get("HOTLINE_MQTT_PRESSES", "500"))
DEVICES = int(os.environ.get("HOTLINE_MQTT_DEVICES", "20"))
MOSQUITTO = shutil.which("mosquitto_pub") and shutil.which("mosquitto_sub")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def password(device, key, timestamp=1760000000):
    mac = hmac.new(key.encode(), f"mqtt\n{device}\n{timestamp}".encode(), hashlib.sha256).hexdigest()
    return f"{timestamp}:{mac}"


def text(value):
    data = value.encode() if isinstance(value, str) else value
    return struct.pack(">H", len(data)) + data


def packet(first, body):
    out, n = bytes([first]), len(body)
    while True:
        digit, n = n & 127, n >> 7
        out += bytes([digit | 128 if n else digit])
        if not n:
            return out + body


def connect_packet(device, secret, keep_alive=60, client=None, user=None, flags=0xC2, will=b""):
    return packet(0x10, text("MQTT") + bytes([4, flags]) + struct.pack(">H", keep_alive) + text(client or device) + will
                  + text(user or device) + text(secret))


def publish_packet(topic, body, identifier=1, qos=1, dup=False):
    head = 0x30 | qos << 1 | (8 if dup else 0)
    return packet(head, text(topic) + (struct.pack(">H", identifier) if qos else b"") + body)


def press_body(seq, key="emergency", boot="b1", **more):
    return json.dumps({"boot_id": boot, "seq": seq, "key": key, **more}).encode()


class Wire:
    """A connection of bytes; reads whole packets."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.data = b""

    def send(self, data):
        self.socket.sendall(data)
        return self

    def read(self):
        """(first byte, body) of the next packet, or None at the end."""
        while True:
            found = self.cut()
            if found:
                return found
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError:
                return None
            if not more:
                return None
            self.data += more

    def cut(self):
        n, shift, at = 0, 0, 1
        while True:
            if at >= len(self.data):
                return None
            n |= (self.data[at] & 127) << shift
            shift, at = shift + 7, at + 1
            if not self.data[at - 1] & 128:
                break
        if len(self.data) < at + n:
            return None
        found = self.data[0], self.data[at:at + n]
        self.data = self.data[at + n:]
        return found

    def close(self):
        self.socket.close()


class MqttTest(DaemonTest):
    CLOCK = None

    @classmethod
    def setUpClass(cls):
        cls.mqtt_port = free_port()
        cls.OPTIONS = ("--mqtt-port", str(cls.mqtt_port))
        super().setUpClass()
        cls.made = 0

    def devices(self, count):
        ids = [f"M-{type(self).made + i:06d}" for i in range(count)]
        type(self).made += count
        made = self.admin.post("/v1/admin/devices", {"devices": [{"id": i, "region": REGION} for i in ids]})["items"]
        return [(item["id"], item["key"]) for item in made]

    def wire(self, device, key, **more):
        wire = Wire(self.mqtt_port).send(connect_packet(device, password(device, key), **more))
        self.assertEqual(wire.read(), (0x20, b"\0\0"))
        return wire

    def stored(self, device):
        return int(self.daemon.sql(f"SELECT count(*) FROM device_press WHERE device = '{device}'")[0][0])

    def metric(self, name):
        body = self.daemon.client().call("GET", "/metrics").body.decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in body.splitlines() if line.startswith(name))


@unittest.skipUnless(MOSQUITTO, "mosquitto-clients is not installed")
class Mosquitto(MqttTest):
    def command(self, program, device, key, *more):
        return [program, "-h", "127.0.0.1", "-p", str(self.mqtt_port), "-V", "mqttv311", "-i", device, "-u", device,
                "-P", password(device, key), *more]

    def test_publish(self):
        device, key = self.devices(1)[0]
        done = subprocess.run(self.command("mosquitto_pub", device, key, "-q", "1", "-t", f"hotline/v1/{device}/up/press",
                                           "-m", press_body(1).decode()), capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.stored(device), 1)
        done = subprocess.run(self.command("mosquitto_pub", device, key, "-t", f"hotline/v1/{device}/up/heartbeat", "-m",
                                           '{"boot_id":"b1","seq":2,"battery":66}'), timeout=60, check=False)
        self.assertEqual(done.returncode, 0)
        wait_until(lambda: self.daemon.sql(f"SELECT battery FROM device_state WHERE device = '{device}'") == [["66"]],
                   "the heartbeat of QoS 0")

    def test_wrong_password(self):
        device, _ = self.devices(1)[0]
        done = subprocess.run(self.command("mosquitto_pub", device, "wrong" * 5, "-q", "1", "-t",
                                           f"hotline/v1/{device}/up/press", "-m", press_body(1).decode()),
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(self.stored(device), 0)

    def test_subscribe(self):
        (device, key), (other, _) = self.devices(2)
        for topic, is_denied in ((f"hotline/v1/{device}/down/ack", False), (f"hotline/v1/{other}/down/ack", True)):
            done = subprocess.run(self.command("mosquitto_sub", device, key, "-E", "-q", "1", "-t", topic),
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual((done.returncode, "denied" in done.stderr), (0, is_denied), done)

    def test_many_lines(self):
        device, key = self.devices(1)[0]
        lines = "".join(press_body(n, "service").decode() + "\n" for n in range(1, 301))
        done = subprocess.run(self.command("mosquitto_pub", device, key, "-q", "1", "-t", f"hotline/v1/{device}/up/press",
                                           "-l"), input=lines, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(self.stored(device), 300)


class Protocol(MqttTest):
    def test_press_answer_and_repeat(self):
        device, key = self.devices(1)[0]
        wire, topic = self.wire(device, key), f"hotline/v1/{device}"
        wire.send(packet(0x82, struct.pack(">H", 5) + text(topic + "/down/ack") + b"\1" + text("#") + b"\0"))
        self.assertEqual(wire.read(), (0x90, b"\0\5\0\x80"))
        answers = []
        for identifier in (7, 8):
            wire.send(publish_packet(topic + "/up/press", press_body(1), identifier, dup=identifier == 8))
            self.assertEqual(wire.read(), (0x40, struct.pack(">H", identifier)))
            first, body = wire.read()
            self.assertEqual(first, 0x30)
            answers.append(json.loads(body[2 + len(topic + "/down/ack"):]))
        self.assertEqual(answers[0], answers[1])
        self.assertEqual(set(answers[0]), {"boot_id", "seq", "n", "s", "t"})
        self.assertEqual(self.desk.get(f"/v1/tickets/{answers[0]['n']}")["channel"], "device")
        wire.send(b"\xc0\0" + packet(0xa2, struct.pack(">H", 6) + text(topic + "/down/ack")))
        self.assertEqual([wire.read(), wire.read()], [(0xd0, b""), (0xb0, b"\0\6")])
        wire.send(b"\xe0\0")
        self.assertIsNone(wire.read())
        self.assertEqual(self.stored(device), 1)

    def test_every_split(self):
        device, key = self.devices(1)[0]
        topic = f"hotline/v1/{device}/up/press"
        login = connect_packet(device, password(device, key))
        stream = login + publish_packet(topic, press_body(1, "family"), 9) + b"\xc0\0"
        for cut in range(1, len(stream)):
            wire = Wire(self.mqtt_port).send(stream[:cut])
            wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            wire.send(stream[cut:])
            self.assertEqual([wire.read(), wire.read(), wire.read()][0], (0x20, b"\0\0"))
            wire.close()
        self.assertEqual(self.stored(device), 1)

    def test_acks_come_in_order_and_a_flood_waits(self):
        device, key = self.devices(1)[0]
        wire, topic, count = self.wire(device, key), f"hotline/v1/{device}/up/", 700
        flood = b""
        for n in range(1, count + 1):
            body = press_body(n, "service") if n % 3 else json.dumps({"boot_id": "b1", "seq": n}).encode()
            flood += publish_packet(topic + ("press" if n % 3 else "heartbeat"), body, n)
        wire.send(flood)
        self.assertEqual([wire.read() for _ in range(count)], [(0x40, struct.pack(">H", n)) for n in range(1, count + 1)])
        self.assertEqual(self.stored(device), count - count // 3)

    def test_log_in(self):
        (device, key), (other, other_key) = self.devices(2)
        good = password(device, key)
        wrong = [(connect_packet(device, good[:-1] + ("0" if good[-1] != "0" else "1")), 4),
                 (connect_packet(device, password(other, key)), 4), (connect_packet(other, good), 4),
                 (connect_packet("no-such", password("no-such", key)), 4), (connect_packet(device, ""), 4),
                 (connect_packet(device, good, user=other), 4), (connect_packet("a/b", good), 2),
                 (packet(0x10, text("MQTT") + b"\x04\2\0\x3c" + text("")), 2),
                 (packet(0x10, text("MQTT") + b"\x05\2\0\x3c" + text("x")), 1),
                 (packet(0x10, text("MQIsdp") + b"\x03\2\0\x3c" + text("x")), 1),
                 (connect_packet(device, good, flags=0xC6, will=text(f"hotline/v1/{other}/up/press") + text("x")), 5)]
        for data, code in wrong:
            wire = Wire(self.mqtt_port).send(data)
            self.assertEqual(wire.read(), (0x20, bytes([0, code])), data)
            self.assertIsNone(wire.read())
        first, second = self.wire(device, key), None
        second = self.wire(device, key)
        self.assertIsNone(first.read())  # taken over
        second.send(b"\xc0\0")
        self.assertEqual(second.read(), (0xd0, b""))
        self.wire(other, other_key).close()

    def test_only_own_topics(self):
        (device, key), (other, _) = self.devices(2)
        for topic in (f"hotline/v1/{other}/up/press", f"hotline/v1/{device}/down/ack", "x"):
            wire = self.wire(device, key)
            wire.send(publish_packet(topic, press_body(1)))
            self.assertIsNone(wire.read(), topic)
        wire = self.wire(device, key)
        for topic in (f"hotline/v1/{other}/down/ack", "hotline/v1/+/down/ack", "#", "$SYS/#"):
            wire.send(packet(0x82, b"\0\1" + text(topic) + b"\1"))
            self.assertEqual(wire.read(), (0x90, b"\0\1\x80"), topic)
        self.assertEqual((self.stored(device), self.stored(other)), (0, 0))

    def test_hostile_packets(self):
        device, key = self.devices(1)[0]
        before = self.metric("hotlined_mqtt_bad_packets_total")
        topic = f"hotline/v1/{device}/up/press"
        bad = [b"\x00\x00", b"\xf0\x00", b"\x30\xff\xff\xff\xff\x01", b"\x30\xff\xff\xff\x7f", b"\x20\x02\0\0", b"\xc1\0",
               publish_packet(topic, press_body(1), 0), publish_packet(topic, press_body(1), qos=2),
               publish_packet(topic, press_body(1), qos=3), publish_packet("a/#", b""), publish_packet(b"\xff", b""),
               publish_packet(b"a\0", b""), packet(0x82, b"\0\1"), packet(0x80, b"\0\1" + text("a") + b"\0"),
               packet(0x30, b"\0\x09abc"), publish_packet(topic, b"x" * (1 << 20)), connect_packet(device, "x")]
        for data in bad:
            wire = self.wire(device, key)
            try:
                wire.send(data)
            except (ConnectionResetError, BrokenPipeError):
                pass
            self.assertIsNone(wire.read(), data[:40])
        for data in (b"\x30\x03\0\1a", b"\xc0\0", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\0"):
            self.assertIsNone(Wire(self.mqtt_port).send(data).read(), data)
        self.assertGreaterEqual(self.metric("hotlined_mqtt_bad_packets_total") - before, len(bad))
        self.assertEqual(self.stored(device), 0)

    def test_unreadable_messages_are_acknowledged_and_told(self):
        device, key = self.devices(1)[0]
        wire, before = self.wire(device, key), self.metric("hotlined_device_mqtt_unreadable_total")
        bodies = (b"", b"{", b"[]", b"\xff", press_body(1, "boom"), b'{"boot_id":"b"}', b" " * 5000)
        for n, body in enumerate(bodies, 1):
            wire.send(publish_packet(f"hotline/v1/{device}/up/press", body, n))
            self.assertEqual(wire.read(), (0x40, struct.pack(">H", n)))
        self.assertEqual(self.metric("hotlined_device_mqtt_unreadable_total") - before, len(bodies))
        self.assertEqual(self.stored(device), 0)

    def test_keep_alive(self):
        device, key = self.devices(1)[0]
        wire = self.wire(device, key, keep_alive=1)
        started = time.monotonic()
        wire.send(b"\xc0\0")
        self.assertEqual(wire.read(), (0xd0, b""))
        self.assertIsNone(wire.read())
        self.assertGreater(time.monotonic() - started, 1.2)

    def test_will(self):
        (device, key), (other, other_key) = self.devices(2)
        for name, secret, is_clean in ((device, key, False), (other, other_key, True)):
            will = text(f"hotline/v1/{name}/up/press") + text(press_body(1, "low_battery"))
            wire = self.wire(name, secret, flags=0xC6, will=will)
            if is_clean:
                wire.send(b"\xe0\0")
                self.assertIsNone(wire.read())
            wire.close()
        wait_until(lambda: self.stored(device) == 1, "the will")
        self.assertEqual(self.stored(other), 0)

    def test_retired_device_is_let_go(self):
        device, key = self.devices(1)[0]
        wire = self.wire(device, key)
        self.admin.post(f"/v1/admin/devices/{device}/retire")
        wire.send(publish_packet(f"hotline/v1/{device}/up/press", press_body(1)))
        self.assertIsNone(wire.read())


class Killed(MqttTest):
    """Presses at QoS 1 while the daemon is killed at random: what was acknowledged is stored once, the rest is taken later."""

    def test_killed_at_random(self):
        devices = self.devices(DEVICES)
        each = PRESSES // DEVICES
        acked, stop = {device: set() for device, _ in devices}, threading.Event()
        threads = [threading.Thread(target=self.play, args=(device, key, each, acked[device], stop)) for device, key in devices]
        chance = random.Random(7)
        for thread in threads:
            thread.start()
        kills = 0
        while any(thread.is_alive() for thread in threads) and kills < 6:
            target = sum(len(a) for a in acked.values()) + max(1, PRESSES // 8)
            wait_until(lambda: sum(len(a) for a in acked.values()) >= min(target, PRESSES), "presses", 120)
            if sum(len(a) for a in acked.values()) >= PRESSES:
                break
            time.sleep(chance.random() * 0.01)
            self.daemon.kill()
            self.daemon.start()
            kills += 1
        for thread in threads:
            thread.join(300)
        stop.set()
        for name in ("desk", "supervisor", "admin"):
            setattr(type(self), name, self.daemon.client(name))
        self.assertGreater(kills, 2)
        self.assertEqual({device: len(a) for device, a in acked.items()}, {device: each for device, _ in devices})
        rows = self.daemon.sql("SELECT device, count(*), count(DISTINCT seq) FROM device_press GROUP BY device")
        self.assertEqual({row[0]: row[1:] for row in rows}, {device: [str(each)] * 2 for device, _ in devices})
        wait_until(lambda: self.daemon.sql("SELECT count(*) FROM device_matter WHERE number IS NULL") == [["0"]], "the tickets")
        self.assertEqual(self.daemon.sql("SELECT sum(count) FROM device_matter"), [[str(PRESSES // DEVICES * DEVICES)]])
        print(f"{PRESSES} presses of {DEVICES} devices, killed {kills} times", file=sys.stderr)

    def play(self, device, key, count, acked, stop):
        """As a device does: what is not acknowledged is sent again after the next connection."""
        topic, chance = f"hotline/v1/{device}/up/press", random.Random(device)
        while len(acked) < count and not stop.is_set():
            try:
                wire = Wire(self.mqtt_port).send(connect_packet(device, password(device, key)))
                if wire.read() != (0x20, b"\0\0"):
                    time.sleep(0.05)
                    continue
                for seq in [n for n in range(1, count + 1) if n not in acked]:
                    stop.wait(chance.random() * 6 / count)
                    wire.send(publish_packet(topic, press_body(seq, "service"), seq))
                    if chance.random() < 0.5:  # the next one before the answer
                        continue
                    self.take(wire, acked, False)
                while len(acked) < count and self.take(wire, acked, True):
                    pass
                wire.close()
            except OSError:
                time.sleep(0.05)

    @staticmethod
    def take(wire, acked, may_wait):
        while may_wait or select.select([wire.socket], [], [], 0)[0]:
            found = wire.read()
            if not found:
                raise ConnectionResetError
            acked.add(struct.unpack(">H", found[1])[0])
            if may_wait:
                return True
        return False


if __name__ == "__main__":
    main()
