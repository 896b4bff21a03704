#!/usr/bin/env python3
"""From a gateway's event to the screen pop on the desk's stream, alone and beside what else a daemon does.

    test/bench/bench_pop.py [--calls 200] [--tickets 5000]

A call every 25 ms tells `ringing` for one desk; the delay is from before the POST is sent until the line is read from the
stream, by one clock. Beside it, in turn: nothing; clients that take in tickets; one order to urge all those tickets.
Prints p50, p99 and the worst of each, and the ratios to the first. HOTLINE_BIN, default build/bin.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "test" / "integration" / "harness"), str(ROOT / "test" / "integration")]
from hotline_test import Client, Daemon, wait_until  # noqa: E402  (the path above comes first)
from test_events import Stream  # noqa: E402

LOAD = """
import sys
sys.path.insert(0, sys.argv[1])
from hotline_test import Client
client = Client(int(sys.argv[2]), sys.argv[3])
for n in range(int(sys.argv[4])):
    answer = client.call("POST", "/v1/tickets", {"channel": "phone", "kind": "help", "category": "010206",
                         "region": "320281001001", "title": "路灯不亮", "text": "小区门口路灯连续三天不亮。" * 8})
    print(answer.json["number"])
"""


class TimedStream(Stream):
    def __init__(self, *arguments):
        self.came = {}
        super().__init__(*arguments)

    def take(self, block):
        if block.get("event") == "call.popped":
            now = time.monotonic()
            super().take(block)
            self.came.setdefault(self.events[-1]["call_id"], now)


def calls(daemon, stream, name, count, until=None):
    """Delays in ms of `count` calls, or of as many as there is time for: until the gateway is answered, until the pop."""
    gateway, told, answered, n = daemon.client("phone"), {}, [], 0
    while n < count if until is None else not until():
        call = f"{name}-{n}"
        told[call] = time.monotonic()
        gateway.post("/v1/calls/events", {"event_id": call, "type": "ringing", "occurred_at": "2026-02-13T10:00:00+08:00",
                                          "gateway_id": "bench", "call_id": call, "direction": "inbound", "agent_id": "1001",
                                          "ani": f"138{n:08}", "dnis": "12345"})
        answered.append((time.monotonic() - told[call]) * 1000)
        time.sleep(max(0, told[call] + 0.025 - time.monotonic()))
        n += 1
    gateway.close()
    wait_until(lambda: set(told) <= set(stream.came), f"{len(told)} screen pops")
    return sorted((stream.came[c] - at) * 1000 for c, at in told.items()), sorted(answered)


def shown(name, measured, first):
    took, answered = measured
    p50, p99 = took[len(took) // 2], took[int((len(took) - 1) * 0.99)]
    print(f"{name:26} {len(took):5} calls  answered p50 {answered[len(answered) // 2]:6.1f} ms  pop p50 {p50:6.1f} ms"
          f"  p99 {p99:6.1f} ms  worst {took[-1]:6.1f} ms  p50 ratio {p50 / (first or p50):.2f}", flush=True)
    return p50


def intake(daemon, tickets, clients=8):
    command = [sys.executable, "-c", LOAD, str(ROOT / "test" / "integration" / "harness"), str(daemon.port),
               daemon.tokens["desk2"], str(tickets // clients)]
    return [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(clients)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--tickets", type=int, default=5000)
    given = parser.parse_args()
    daemon = Daemon("2026-02-13T10:00:00+08:00", options=("--area-code", "0510")).set_up()
    try:
        admin = daemon.client("admin")
        admin.post("/v1/admin/accounts/desk/agent", {"agent": "1001"})
        admin.close()
        stream = TimedStream(daemon.port, daemon.tokens["desk"])
        first = shown("alone", calls(daemon, stream, "alone", given.calls), None)
        running, numbers = intake(daemon, given.tickets), []
        readers = [threading.Thread(target=lambda p=p: numbers.extend(p.stdout.read().split())) for p in running]
        for reader in readers:
            reader.start()
        shown("beside 8 clients' intake", calls(daemon, stream, "intake", 0, lambda: not any(r.is_alive() for r in readers)), first)
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("\n".join(numbers) + "\n")
            file.flush()
            order = threading.Thread(target=daemon.hotline, args=("ticket", "urge", "--batch", file.name, "--text", "请尽快办理"),
                                     kwargs={"who": "desk2"})
            order.start()
            shown(f"beside urging {len(numbers)}", calls(daemon, stream, "urge", 0, lambda: not order.is_alive()), first)
            order.join()
    finally:
        daemon.clean()


if __name__ == "__main__":
    main()
