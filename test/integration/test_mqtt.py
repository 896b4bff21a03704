"""One-key devices over MQTT 3.1.1, with Debian's mosquitto_pub and mosquitto_sub and npm's mqtt as devices, and with bytes of
our own.

HOTLINE_MQTT_PRESSES=10000 HOTLINE_MQTT_DEVICES=200 HOTLINE_MQTT_KILLS=8 plays the whole storm with kill -9, of each of the
three; the suite plays short ones. npm's mqtt is installed into a folder of the run; where npm cannot be reached, or
HOTLINE_NPM=no, its tests are skipped.
"""
import atexit
import hashlib
import hmac
import json
import os
import pathlib
import random
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from hotline_test import DaemonTest, main, wait_until

REGION = "320281001001"
PRESSES = int(os.environ.get("HOTLINE_MQTT_PRESSES", "240"))
DEVICES = int(os.environ.get("HOTLINE_MQTT_DEVICES", "12"))
KILLS = int(os.environ.get("HOTLINE_MQTT_KILLS", "2"))
DEVICE_JS = pathlib.Path(__file__).resolve().parent / "mqtt" / "device.js"
MOSQUITTO = shutil.which("mosquitto_pub") and shutil.which("mosquitto_sub")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


NPM = {}


def npm_folder(test):
    """A folder with npm's mqtt, installed once; skips the test where it cannot be had."""
    if "folder" not in NPM:
        NPM["folder"] = None
        if shutil.which("npm") and shutil.which("node") and os.environ.get("HOTLINE_NPM") != "no":
            folder = tempfile.mkdtemp(prefix="hotline-npm-")
            done = subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix",
                                   folder, "mqtt@5.10.1"], capture_output=True, text=True, timeout=180, check=False)
            NPM["folder"] = folder if done.returncode == 0 else None
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
    if not NPM["folder"]:
        test.skipTest("npm or node is not there, or npm cannot be reached: no mqtt of npm")
    return NPM["folder"]


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
    OPTIONS_MORE = ()

    @classmethod
    def setUpClass(cls):
        cls.mqtt_port = free_port()
        cls.OPTIONS = ("--mqtt-port", str(cls.mqtt_port), *cls.OPTIONS_MORE)
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

    def test_repeats_with_other_content(self):
        """The same (boot_id, seq) is the same press, whatever is said of it the second time."""
        device, key = self.devices(1)[0]
        wire, before = self.wire(device, key), self.metric("hotlined_device_repeats_total")
        topic = f"hotline/v1/{device}/up/press"
        wire.send(publish_packet(topic, press_body(1, "service", note="first"), 5))
        self.assertEqual(wire.read(), (0x40, b"\0\5"))
        for dup in (True, False):
            wire.send(publish_packet(topic, press_body(1, "emergency", note="second"), 5, dup=dup))
            self.assertEqual(wire.read(), (0x40, b"\0\5"))
        self.assertEqual(self.daemon.sql(f"SELECT key, note FROM device_press WHERE device = '{device}'"), [["service", "first"]])
        self.assertEqual(self.metric("hotlined_device_repeats_total") - before, 2)
        wait_until(lambda: self.daemon.sql(f"SELECT key, count FROM device_matter WHERE device = '{device}'") ==
                   [["service", "1"]], "one matter")

    def test_a_refusal_is_heard(self):
        """CONNACK arrives though more than the CONNECT was sent."""
        device, key = self.devices(1)[0]
        more = b"".join(publish_packet(f"hotline/v1/{device}/up/press", press_body(n), n) for n in range(1, 50))
        wire = Wire(self.mqtt_port).send(connect_packet(device, password(device, "x" * 20)) + more)
        self.assertEqual(wire.read(), (0x20, b"\0\4"))
        self.assertIsNone(wire.read())
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


    def test_a_session_does_not_outlive_its_key(self):
        """Whoever had logged in with a stolen key went on pressing after the key had been changed."""
        device, key = self.devices(1)[0]
        topic = f"hotline/v1/{device}/up/press"
        thief = self.wire(device, key)
        fresh = self.admin.post(f"/v1/admin/devices/{device}/rotate", {"sudden": True})["key"]
        thief.send(publish_packet(topic, press_body(1)))
        self.assertIsNone(thief.read())
        self.assertEqual(self.stored(device), 0)
        self.assertEqual(Wire(self.mqtt_port).send(connect_packet(device, password(device, key))).read(), (0x20, b"\0\4"))
        owner = self.wire(device, fresh)
        owner.send(publish_packet(topic, press_body(1)))
        self.assertEqual(owner.read(), (0x40, b"\0\1"))
        self.assertEqual(self.stored(device), 1)


class Strangers(MqttTest):
    """Connections that never say who they are, many of them."""

    OPTIONS_MORE = ("--mqtt_max_strangers", "300")

    def test_a_thousand_say_nothing(self):
        (device, key), (other, other_key) = self.devices(2)
        early, before = self.wire(device, key), self.metric("hotlined_mqtt_strangers_cut_total")
        strangers = []
        self.addCleanup(lambda: [s.close() for s in strangers])
        for n in range(1000):
            strangers.append(socket.create_connection(("127.0.0.1", self.mqtt_port), timeout=60))
            if n % 3 == 1:
                strangers[-1].sendall(connect_packet(device, "x")[:n % 20 + 1])
            elif n % 3 == 2:
                strangers[-1].sendall(connect_packet("nobody", "x"))
            if n == 2:  # later ones may be cut, as the oldest of too many, before they are read
                self.assertEqual(strangers[-1].recv(100), b"\x20\x02\0\4")
        late = self.wire(other, other_key)
        for wire, name in ((early, device), (late, other)):
            wire.send(publish_packet(f"hotline/v1/{name}/up/press", press_body(1), 3))
            self.assertEqual(wire.read(), (0x40, b"\0\3"))
        wait_until(lambda: self.metric("hotlined_mqtt_connections{") + self.metric("hotlined_mqtt_connections ") <= 302,
                   "the oldest strangers to be closed")
        self.assertGreaterEqual(self.metric("hotlined_mqtt_strangers_cut_total") - before, 1000 * 2 // 3 - 310)


@unittest.skipUnless(MOSQUITTO, "mosquitto-clients is not installed")
class Tls(MqttTest):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="hotline-tls-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        os.chmod(cls.folder, 0o755)
        cls.tls_port = free_port()
        for name in ("devices", "stranger"):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=" + name,
                            "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{cls.folder}/{name}.key",
                            "-out", f"{cls.folder}/{name}.pem"], check=True, capture_output=True)
            os.chmod(f"{cls.folder}/{name}.key", 0o644)
        cls.OPTIONS_MORE = ("--mqtt_tls_port", str(cls.tls_port), "--mqtt_tls_cert", f"{cls.folder}/devices.pem",
                            "--mqtt_tls_key", f"{cls.folder}/devices.key")
        super().setUpClass()

    def publish(self, device, key, seq, ca, *more):
        return subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.tls_port), "--cafile", ca, "-V", "mqttv311",
                               "-i", device, "-u", device, "-P", password(device, key), "-q", "1", "-t",
                               f"hotline/v1/{device}/up/press", "-m", press_body(seq).decode(), *more],
                              capture_output=True, text=True, timeout=60, check=False)

    def test_mosquitto(self):
        device, key = self.devices(1)[0]
        done = self.publish(device, key, 1, f"{self.folder}/devices.pem")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        done = self.publish(device, key, 2, f"{self.folder}/devices.pem", "--tls-alpn", "mqtt")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        before = self.metric("hotlined_mqtt_tls_failed_total")
        self.assertNotEqual(self.publish(device, key, 3, f"{self.folder}/stranger.pem").returncode, 0)
        self.assertNotEqual(self.publish(device, "wrong" * 5, 4, f"{self.folder}/devices.pem").returncode, 0)
        self.assertEqual(self.stored(device), 2)
        self.assertIsNone(Wire(self.tls_port).send(connect_packet(device, password(device, key))).read())  # without TLS
        wait_until(lambda: self.metric("hotlined_mqtt_tls_failed_total") - before == 2, "both to be counted")

    def test_another_certificate(self):
        device, key = self.devices(1)[0]
        files = {name: pathlib.Path(self.folder, name).read_bytes()
                 for name in ("devices.pem", "devices.key", "stranger.pem", "stranger.key")}

        def install(cert, private):
            pathlib.Path(self.folder, "devices.pem").write_bytes(files[cert])
            pathlib.Path(self.folder, "devices.key").write_bytes(files[private])
            told = len(self.daemon.log())
            self.daemon.process.send_signal(signal.SIGHUP)
            wait_until(lambda: "settings reloaded" in self.daemon.log()[told:], "the reload")
            return self.daemon.log()[told:]

        self.assertIn("the old certificate stays", install("stranger.pem", "devices.key"))
        pathlib.Path(self.folder, "first.pem").write_bytes(files["devices.pem"])
        self.assertEqual(self.publish(device, key, 1, f"{self.folder}/first.pem").returncode, 0)
        self.assertNotIn("certificate stays", install("stranger.pem", "stranger.key"))
        self.assertNotEqual(self.publish(device, key, 2, f"{self.folder}/first.pem").returncode, 0)
        self.assertEqual(self.publish(device, key, 2, f"{self.folder}/stranger.pem").returncode, 0)
        install("devices.pem", "devices.key")

    def test_npm(self):
        folder = npm_folder(self)
        devices = self.devices(2)
        job = {"url": f"mqtts://127.0.0.1:{self.tls_port}", "presses": 10, "pause_ms": 5,
               "devices": [{"id": d, "key": k} for d, k in devices],
               "options": {"ca": pathlib.Path(self.folder, "devices.pem").read_text(encoding="utf-8")}}
        done = subprocess.run(["node", str(DEVICE_JS), folder], input=json.dumps(job), capture_output=True, text=True,
                              timeout=120, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual((len(lines), lines[-1]), (21, {"done": True}), lines)
        self.assertEqual([self.stored(d) for d, _ in devices], [10, 10])


class Player(threading.Thread):
    """A peer in a thread; what it knows to be acknowledged goes into acked[device]."""

    def __init__(self, run, *arguments):
        super().__init__(daemon=True)
        self.run_it, self.arguments, self.fault = run, arguments, None

    def run(self):
        try:
            self.run_it(*self.arguments)
        except Exception as fault:  # told by the test that waits for it
            self.fault = fault


class Killed(MqttTest):
    """Presses at QoS 1 while the daemon is killed at random: what was acknowledged is stored once, the rest is taken later."""

    def test_own_bytes(self):
        self.storm("own bytes", self.bytes_players)

    @unittest.skipUnless(MOSQUITTO, "mosquitto-clients is not installed")
    def test_mosquitto(self):
        self.storm("mosquitto_pub", self.mosquitto_players)

    def test_npm(self):
        self.folder = npm_folder(self)
        self.storm("npm mqtt", self.npm_players)

    def storm(self, name, players):
        for who in ("desk", "supervisor", "admin"):
            setattr(type(self), who, self.daemon.client(who))
        devices = self.devices(DEVICES)
        each = PRESSES // DEVICES
        total = each * DEVICES
        acked, stop = {device: set() for device, _ in devices}, threading.Event()
        self.addCleanup(stop.set)
        threads = [Player(*what) for what in players(devices, each, acked, stop)]
        chance, kills = random.Random(7), 0
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads) and kills < KILLS:
            target = min(total, sum(len(a) for a in list(acked.values())) + max(1, total // (KILLS + 2)))
            wait_until(lambda target=target: sum(len(a) for a in list(acked.values())) >= target
                       or not any(thread.is_alive() for thread in threads), "presses", 600)
            if sum(len(a) for a in acked.values()) >= total:
                break
            time.sleep(chance.random() * 0.01)
            self.daemon.kill()
            self.daemon.start()
            kills += 1
        for thread in threads:
            thread.join(600)
            self.assertFalse(thread.is_alive())
            if thread.fault:
                raise thread.fault
        self.assertGreater(kills, 1)
        self.assertEqual({device: len(a) for device, a in acked.items()}, {device: each for device, _ in devices})
        mine = ", ".join(f"'{device}'" for device, _ in devices)
        rows = self.daemon.sql("SELECT device, count(*), count(DISTINCT seq), count(DISTINCT boot_id) FROM device_press"
                               f" WHERE device IN ({mine}) GROUP BY device")
        self.assertEqual({row[0]: row[1:] for row in rows}, {device: [str(each)] * 2 + ["1"] for device, _ in devices})
        wait_until(lambda: self.daemon.sql("SELECT count(*) FROM device_matter WHERE number IS NULL") == [["0"]], "the tickets")
        self.assertEqual(self.daemon.sql(f"SELECT sum(count) FROM device_matter WHERE device IN ({mine})"), [[str(total)]])
        print(f"{name}: {total} presses of {DEVICES} devices, killed {kills} times", file=sys.stderr)

    # ---- bytes of our own

    def bytes_players(self, devices, each, acked, stop):
        return [(self.play, device, key, each, acked[device], stop) for device, key in devices]

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

    # ---- mosquitto_pub: ends with 0 when all of its lines are acknowledged

    def mosquitto_players(self, devices, each, acked, stop):
        return [(self.publish_all, devices[n::8], each, acked, stop) for n in range(8)]

    def publish_all(self, devices, each, acked, stop):
        chunk = max(1, each // 10)
        for start in range(1, each + 1, chunk):
            for device, key in devices:
                seqs = range(start, min(each + 1, start + chunk))
                while not stop.is_set() and not self.publish(device, key, seqs):
                    stop.wait(0.05)
                acked[device].update(seqs)

    def publish(self, device, key, seqs):
        command = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.mqtt_port), "-V", "mqttv311", "-i", device, "-u", device,
                   "-P", password(device, key), "-q", "1", "-t", f"hotline/v1/{device}/up/press", "-l"]
        lines = "".join(press_body(seq, "service").decode() + "\n" for seq in seqs)
        try:
            done = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=30, check=False)
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0 and not done.stderr

    # ---- npm mqtt: connects again and sends again by itself

    def npm_players(self, devices, each, acked, stop):
        return [(self.npm, devices, each, acked, stop)]

    def npm(self, devices, each, acked, stop):
        job = {"url": f"mqtt://127.0.0.1:{self.mqtt_port}", "presses": each, "pause_ms": 12000 / each,
               "devices": [{"id": device, "key": key} for device, key in devices]}
        with subprocess.Popen(["node", str(DEVICE_JS), self.folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as node:
            node.stdin.write(json.dumps(job))
            node.stdin.close()
            errors = []
            for line in node.stdout:
                said = json.loads(line)
                if "seq" in said:
                    acked[said["id"]].add(said["seq"])
                elif "error" in said:
                    errors.append(said["error"])
                if stop.is_set():
                    node.kill()
        if sum(len(acked[device]) for device, _ in devices) < each * len(devices):
            raise AssertionError(f"the peer gave up: {errors[:5]}")


if __name__ == "__main__":
    main()
