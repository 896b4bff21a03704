#!/usr/bin/env python3
"""Many open tickets in a running daemon: another calendar, a close of day, a batch; and what others feel of it.

    test/bench/bench_calendar.py [--tickets 100000] [--batch 10000]

Fills the daemon through its interface, then measures
  1. a holiday more comes into force: until every open deadline is computed again, and meanwhile GET /v1/queue and
     POST /v1/queue/claim of a unit, next to the same before;
  2. the test clock goes to an instant at which warnings and breaches of many tickets are due at once;
  3. a batch of tickets is urged.
Needs a Release build (HOTLINE_BIN, default build/bin) and wrk. Prints figures, asserts nothing but that all was done.
"""
import argparse
import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test" / "integration" / "harness"))
from hotline_test import Client, Daemon, wait_until  # noqa: E402  (the path above comes first)

CITY = ROOT / "daemon" / "cities" / "jiangyin"
START = "2026-02-11T10:00:00+08:00"


def rows(name):
    with open(CITY / name, encoding="utf-8") as f:
        return list(csv.DictReader(f))


def bodies():
    regions = [r["code"] for r in rows("regions.csv") if r["level"] == "village"]
    parents = {c["parent"] for c in rows("categories.csv")}
    leaves = [c["code"] for c in rows("categories.csv") if c["code"] not in parents]
    kinds = ["help", "complaint", "consult", "suggestion"]
    return [json.dumps({"channel": "phone", "kind": kinds[i % 4], "category": leaves[i * 7 % len(leaves)],
                        "region": regions[i % len(regions)], "title": "路灯不亮",
                        "text": "小区门口路灯连续三天不亮，老人出行不便，请尽快派人处理。"}, ensure_ascii=False)
            for i in range(997)]


def fill(daemon, wanted):
    """At least so many tickets; 64 connections."""
    have, begun = 0, time.monotonic()
    with tempfile.NamedTemporaryFile("w", suffix=".lua", encoding="utf-8") as script:
        quoted = ",\n".join("'" + b.replace("\\", "\\\\").replace("'", "\\'") + "'" for b in bodies())
        script.write(f"""
local bodies = {{{quoted}}}
local at = 0
function request()
  at = at % #bodies + 1
  return wrk.format("POST", "/v1/tickets", nil, bodies[at])
end
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer {daemon.tokens['desk']}"
""")
        script.flush()
        while have < wanted:
            rate = have / (time.monotonic() - begun) if have else 2000
            seconds = max(1, min(30, int((wanted - have) / rate)))
            subprocess.run(["wrk", "-t1", "-c64", f"-d{seconds}s", "-s", script.name, f"http://127.0.0.1:{daemon.port}/"],
                           capture_output=True, text=True, check=True)
            have = int(daemon.sql("SELECT count(*) FROM ticket")[0][0])
    daemon.sql("VACUUM ANALYZE")
    return have


class Felt(threading.Thread):
    """A unit that looks at its queue and claims, twenty times a second at most: milliseconds of each."""

    def __init__(self, daemon, unit):
        super().__init__(daemon=True)
        self.client = Client(daemon.port, daemon.tokens["unit:" + unit])
        self.client.recorded = False
        self.is_over, self.looks, self.claims = False, [], []

    def timed(self, into, *request):
        begun = time.perf_counter()
        answer = self.client.call(*request)
        into.append((time.perf_counter() - begun) * 1000)
        if answer.status != 200:
            raise SystemExit(f"{request}: {answer}")
        return answer.json

    def run(self):
        while not self.is_over:
            time.sleep(0.05)
            self.timed(self.looks, "GET", "/v1/queue?limit=20")
            for item in self.timed(self.claims, "POST", "/v1/queue/claim", {"limit": 1, "lease_seconds": 30})["items"]:
                self.client.call("POST", f"/v1/assignments/{item['assignment']}/release", {"lease": item["lease"]})

    def finish(self):
        self.is_over = True
        self.join()
        self.client.close()
        return self


def cpu_seconds(daemon):
    """Of the daemon and of all that runs in its database: wall time on a shared machine says little."""
    ticks, spent = os.sysconf("SC_CLK_TCK"), {"daemon": 0.0, "database": 0.0}
    postmaster = int(open(os.path.join(daemon.data, "pg", "data", "postmaster.pid"), encoding="utf-8").readline())
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text(encoding="utf-8")
        except OSError:
            continue  # ended meanwhile
        pid, fields = int(path.parent.name), text.rsplit(")", 1)[1].split()
        of = "daemon" if pid == daemon.process.pid else "database" if postmaster in (pid, int(fields[1])) else None
        if of:
            spent[of] += (int(fields[11]) + int(fields[12])) / ticks
    return spent


def felt_text(felt):
    parts = []
    for name, times in (("queue", sorted(felt.looks)), ("claim", sorted(felt.claims))):
        parts.append(f"{name} p50 {times[len(times) // 2]:.1f} p99 {times[len(times) * 99 // 100]:.1f} max {times[-1]:.1f} ms")
    return ", ".join(parts) + f" ({len(felt.looks)} rounds)"


def with_holiday(body, date):
    days = [d for d in body["calendars"][0]["days"] if d["date"] != date]
    body["calendars"][0]["days"] = sorted(days + [{"date": date, "kind": "off", "name": "临时放假"}], key=lambda d: d["date"])
    body["name"] = "bench " + date
    return body


def change_calendar(daemon, unit, date):
    admin = daemon.client("admin")
    draft = admin.post("/v1/admin/calendars/drafts", with_holiday(admin.get("/v1/admin/calendars/active")["body"], date))["draft"]
    begun = time.monotonic()
    preview = admin.post(f"/v1/admin/calendars/drafts/{draft}/preview", {"samples": 0})
    print(f"preview: {preview['open_tickets']} open tickets, {preview['changed']} of {preview['clocks']} clocks would move, "
          f"{time.monotonic() - begun:.2f} s")
    before = Felt(daemon, unit)
    before.start()
    time.sleep(5)
    before.finish()
    during = Felt(daemon, unit)
    during.start()
    begun, spent = time.monotonic(), cpu_seconds(daemon)
    admin.post(f"/v1/admin/calendars/drafts/{draft}/activate", {})

    def done():
        status = admin.get("/v1/admin/calendars/recompute")
        return status if status["state"] == "done" else None
    status = wait_until(done, "the recomputation", 600)
    seconds, after = time.monotonic() - begun, cpu_seconds(daemon)
    during.finish()
    events = int(daemon.sql("SELECT count(*) FROM ticket_event WHERE type = 'clock.recomputed'")[0][0])
    print(f"recompute: {status['moved']} tickets moved, {events} events so far, {seconds:.1f} s "
          f"({status['moved'] / seconds:.0f} tickets/s), processor time a ticket: "
          + ", ".join(f"{name} {(after[name] - spent[name]) / status['moved'] * 1e6:.0f} us" for name in spent)
          + f", load average {os.getloadavg()[0]:.1f}")
    print(f"  before: {felt_text(before)}")
    print(f"  during: {felt_text(during)}")
    admin.close()


def fall_due(daemon, unit, instant):
    before = int(daemon.sql("SELECT count(*) FROM ticket_event WHERE type LIKE 'clock.%'")[0][0])
    during = Felt(daemon, unit)
    during.start()
    begun = time.monotonic()
    daemon.move_clock(instant)
    seconds = time.monotonic() - begun
    during.finish()
    after = int(daemon.sql("SELECT count(*) FROM ticket_event WHERE type LIKE 'clock.%'")[0][0])
    print(f"due until {instant}: {after - before} warnings and breaches, {seconds:.1f} s ({(after - before) / seconds:.0f}/s)")
    print(f"  during: {felt_text(during)}")


def urge(daemon, count):
    numbers = [row[0] for row in daemon.sql(f"SELECT number FROM ticket WHERE closed_at IS NULL ORDER BY random() LIMIT {count}")]
    desk = daemon.client("desk")
    begun = time.monotonic()
    answer = desk.post("/v1/batches", {"action": "urge", "text": "请尽快办理并反馈。", "numbers": numbers})
    print(f"batch: {answer['done']} of {answer['total']} urged, {time.monotonic() - begun:.2f} s")
    desk.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tickets", type=int, default=100000)
    parser.add_argument("--batch", type=int, default=10000)
    parser.add_argument("--only", choices=["calendar", "due", "batch"])
    args = parser.parse_args()
    daemon = Daemon(clock=START)
    try:
        daemon.set_up()
        begun = time.monotonic()
        have = fill(daemon, args.tickets)
        print(f"{have} tickets stored in {time.monotonic() - begun:.0f} s; {os.cpu_count()} cores shared by all", flush=True)
        unit = daemon.sql("SELECT unit FROM queue_item GROUP BY unit ORDER BY count(*) DESC LIMIT 1")[0][0]
        if args.only in (None, "calendar"):
            change_calendar(daemon, unit, "2026-02-12")
        if args.only in (None, "batch"):
            urge(daemon, args.batch)
        if args.only in (None, "due"):
            fall_due(daemon, unit, "2026-02-13T17:30:01+08:00")
    finally:
        daemon.clean()


if __name__ == "__main__":
    main()
