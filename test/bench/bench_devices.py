#!/usr/bin/env python3
"""18,000 one-key devices with a heartbeat a minute each while 20 presses a second arrive: how long until a desk sees a press?

    test/bench/bench_devices.py [--seconds 60] [--devices 18000] [--presses 20] [--via https|mqtt] [--beat-every 60]

It starts a daemon of its own with a private cluster and the city Jiangyin, registers the devices, and plays them open loop:
what is due is sent at its instant, whatever became of what went before, and times count from that instant. Each press is of
another device, one of four an emergency. A desk reads GET /v1/events as text/event-stream in another process. Over HTTPS's
plain half the devices share 64 keep-alive connections, as behind a city's gateway; over MQTT each holds a connection of its
own (descriptors: `ulimit -n` above the number of devices). Signatures are made while the load runs. Ends with 1 if anything
was refused, lost, or not told to the desk.
"""
import argparse
import asyncio
import hashlib
import hmac
import http.client
import json
import multiprocessing
import os
import pathlib
import random
import socket
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test" / "integration" / "harness"))
from hotline_test import Daemon, wait_until  # noqa: E402  (the path above comes first)

REGION, GATEWAY_CONNECTIONS = "320281001001", 64
KEYS = ("emergency", "service", "health", "family")


def share(times, part):
    return times[min(len(times) - 1, int(len(times) * part))] * 1000 if times else float("nan")


def line(name, times):
    times = sorted(times)
    print(f"{name:34} {len(times):6}   p50 {share(times, 0.5):7.1f}   p99 {share(times, 0.99):7.1f}   "
          f"most {share(times, 1):7.1f} ms", flush=True)


class Device:
    def __init__(self, name, key):
        self.id, self.key, self.seq, self.wire = name, key.encode(), 0, None

    def mac(self, text):
        return hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()

    def body(self, **fields):
        self.seq += 1
        return json.dumps({"boot_id": "b1", "seq": self.seq, **fields}).encode()


class Https:
    """Keep-alive connections that the devices share; a request takes one that is free."""

    def __init__(self, port):
        self.port, self.free = port, asyncio.Queue()

    async def start(self, _):
        for _ in range(GATEWAY_CONNECTIONS):
            self.free.put_nowait(await asyncio.open_connection("127.0.0.1", self.port))

    async def send(self, device, what, body):
        path = f"/v1/devices/{device.id}/{what}"
        stamp = str(int(time.time()))
        text = "\n".join(["POST", path, device.id, "b1", str(device.seq), stamp, hashlib.sha256(body).hexdigest()])
        head = (f"POST {path} HTTP/1.1\r\nHost: city\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
                f"Hotline-Timestamp: {stamp}\r\nHotline-Signature: v1={device.mac(text)}\r\n\r\n").encode()
        reader, writer = await self.free.get()
        writer.write(head + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        self.free.put_nowait((reader, writer))
        return answer.startswith(b"HTTP/1.1 200 ")


def mqtt_text(value):
    data = value.encode()
    return len(data).to_bytes(2, "big") + data


def mqtt_packet(first, body):
    out, left = bytes([first]), len(body)
    while True:
        digit, left = left & 127, left >> 7
        out += bytes([digit | 128 if left else digit])
        if not left:
            return out + body


class Mqtt:
    """A connection a device, QoS 1."""

    def __init__(self, port):
        self.port = port

    async def connect(self, device):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        stamp = str(int(time.time()))
        password = f"{stamp}:" + device.mac(f"mqtt\n{device.id}\n{stamp}")
        writer.write(mqtt_packet(0x10, mqtt_text("MQTT") + bytes([4, 0xC2, 0, 0]) + mqtt_text(device.id) + mqtt_text(device.id)
                                 + mqtt_text(password)))
        if await reader.readexactly(4) != b"\x20\x02\0\0":
            raise SystemExit(f"{device.id} could not log in")
        device.wire = reader, writer

    async def start(self, devices):
        begun = time.monotonic()
        for at in range(0, len(devices), 500):
            await asyncio.gather(*(self.connect(d) for d in devices[at:at + 500]))
        print(f"{len(devices)} devices logged in, in {time.monotonic() - begun:.1f} s", flush=True)

    async def send(self, device, what, body):
        reader, writer = device.wire
        topic = f"hotline/v1/{device.id}/up/{what.rstrip('s').replace('presse', 'press')}"
        identifier = (device.seq % 65535 + 1).to_bytes(2, "big")
        writer.write(mqtt_packet(0x32, mqtt_text(topic) + identifier + body))
        return await reader.readexactly(4) == b"\x40\x02" + identifier


class Load:
    def __init__(self, args, devices, door):
        self.args, self.devices, self.door = args, devices, door
        self.times = {"heartbeat": [], "press": []}
        self.sent, self.bad, self.tasks = {}, 0, set()

    async def one(self, due, kind, device, what, body):
        try:
            is_good = await self.door.send(device, what, body)
        except (OSError, asyncio.IncompleteReadError):
            is_good = False
        self.bad += not is_good
        self.times[kind].append(time.monotonic() - due)

    def begin(self, due, kind, device, what, body):
        task = asyncio.ensure_future(self.one(due, kind, device, what, body))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def run(self, measure):
        await self.door.start(self.devices)
        self.before = measure()
        args, chance = self.args, random.Random(12345)
        pressing = chance.sample(self.devices, args.presses * args.seconds)
        beats = len(self.devices) * args.seconds // args.beat_every
        plan = [(n * args.beat_every / len(self.devices), self.devices[n % len(self.devices)], None) for n in range(beats)]
        plan += [(n / args.presses, d, KEYS[n % len(KEYS)]) for n, d in enumerate(pressing)]
        plan.sort(key=lambda item: item[0])
        start = time.monotonic()
        for at, device, key in plan:
            due = start + at
            delay = due - time.monotonic()
            if delay > 0:
                await asyncio.sleep(delay)
            if key:
                self.sent[device.id] = due, key
                self.begin(due, "press", device, "presses", device.body(key=key, battery=80))
            else:
                self.begin(due, "heartbeat", device, "heartbeats", device.body(battery=80, signal=-70))
        while self.tasks:
            await asyncio.wait(set(self.tasks), timeout=60)
        self.took = time.monotonic() - start


def watch(port, token, ready, results):
    """A desk: (device, monotonic instant) of each press, until all was sent and the stream has nothing but a beat to say."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("GET", "/v1/events", headers={"Authorization": "Bearer " + token, "Accept": "text/event-stream"})
    answer, seen, kind, is_beat = connection.getresponse(), [], "", True
    ready.set()
    try:
        for raw in answer:
            if raw.startswith(b"event:"):
                kind, is_beat = raw[6:].strip(), False
            elif raw.startswith(b"data:") and kind == b"device.pressed":
                now = time.monotonic()
                seen.append((json.loads(raw[5:])["device"], now))
            elif raw == b"\n":
                if is_beat and results.poll():
                    break
                is_beat = True
    except (TimeoutError, socket.timeout):
        pass
    results.send(seen)


def cpu_seconds(pid, with_children=False):
    """User and system time of a process; with those that it has had and has."""
    def ticks(stat, *fields):
        return sum(int(stat[n]) for n in fields)

    def read(who):
        return (pathlib.Path("/proc") / str(who) / "stat").read_text().rsplit(")", 1)[1].split()
    total = ticks(read(pid), 11, 12, *((13, 14) if with_children else ()))
    for entry in os.listdir("/proc") if with_children else ():
        try:
            if entry.isdigit() and read(entry)[1] == str(pid):
                total += ticks(read(entry), 11, 12)
        except OSError:
            pass
    return total / os.sysconf("SC_CLK_TCK")


def register(daemon, count):
    admin, devices = daemon.client("admin"), []
    for start in range(0, count, 1000):
        batch = [{"id": f"B-{n:06d}", "region": REGION, "person": "王大爷", "phone": "13812345678", "address": "福民社区 1 号"}
                 for n in range(start, min(count, start + 1000))]
        devices += [Device(i["id"], i["key"]) for i in admin.post("/v1/admin/devices", {"devices": batch})["items"]]
    admin.close()
    return devices


def report(daemon, load, seen, used):
    first = {}
    for device, at in seen:
        first.setdefault(device, at)
    told = {kind: [first[d] - due for d, (due, key) in load.sent.items() if d in first and (key == "emergency") == kind]
            for kind in (True, False)}
    line("emergency press to event stream", told[True])
    line("other press to event stream", told[False])
    line("press to its answer", load.times["press"])
    line("heartbeat to its answer", load.times["heartbeat"])
    answers = len(load.times["press"]) + len(load.times["heartbeat"])
    print(f"{answers / load.took:.0f} answers a second over {load.took:.1f} s, {load.bad} of them bad; processor seconds: daemon "
          f"{used[0]:.2f}, PostgreSQL {used[1]:.2f}; {os.cpu_count()} cores shared with the load", flush=True)
    stored = daemon.sql("SELECT (SELECT count(*) FROM device_press), (SELECT count(*) FROM device_matter WHERE number IS NULL),"
                        " (SELECT count(*) FROM ticket)")[0]
    missing = len(load.sent) - len(told[True]) - len(told[False])
    print(f"{stored[0]} presses stored, {stored[2]} tickets; not told to the desk: {missing}")
    return load.bad or missing or int(stored[0]) != len(load.sent) or stored[1] != "0"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--devices", type=int, default=18000)
    parser.add_argument("--presses", type=int, default=20, help="a second")
    parser.add_argument("--beat-every", type=int, default=60, help="seconds")
    parser.add_argument("--via", choices=("https", "mqtt"), default="https")
    args = parser.parse_args()
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        mqtt_port = s.getsockname()[1]
    daemon = Daemon(clock=None, options=("--mqtt-port", str(mqtt_port), "--device_heartbeat_seconds", str(args.beat_every)))
    try:
        daemon.set_up()
        devices = register(daemon, args.devices)
        print(f"{len(devices)} devices registered; {args.via}, {args.seconds} s", flush=True)
        ready, (mine, theirs) = multiprocessing.Event(), multiprocessing.Pipe()
        desk = multiprocessing.Process(target=watch, args=(daemon.port, daemon.tokens["desk"], ready, theirs), daemon=True)
        desk.start()
        ready.wait(30)
        load = Load(args, devices, Mqtt(mqtt_port) if args.via == "mqtt" else Https(daemon.port))
        server = int(pathlib.Path(daemon.data, "pg", "data", "postmaster.pid").read_text().split()[0])

        def measure():
            return cpu_seconds(daemon.process.pid), cpu_seconds(server, True)
        asyncio.run(load.run(measure))
        used = [after - before for after, before in zip(measure(), load.before)]
        wait_until(lambda: daemon.sql("SELECT count(*) FROM device_matter WHERE number IS NULL") == [["0"]], "the tickets")
        mine.send("sent")
        failed = report(daemon, load, mine.recv(), used)
    except BaseException:
        print(daemon.log()[-3000:], file=sys.stderr)
        raise
    finally:
        daemon.clean()
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
