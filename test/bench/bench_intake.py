#!/usr/bin/env python3
"""Durable tickets a second over HTTP, next to pgbench storing the same rows with the same statement, one ticket per commit.

    test/bench/bench_intake.py [--seconds 5] [--rounds 3] [--clients 1,16,64]

Both run against the same daemon's private cluster in the same run, alternating, so that the ratio means something on a
shared machine; absolute figures do not. HTTP load is wrk with keep-alive connections; each request is a new ticket and
is answered after COMMIT. pgbench runs daemon/sql/ticket_intake.sql, prepared, with batches of one. Needs a Release build
(HOTLINE_BIN, default build/bin), wrk and pgbench. Prints medians over the rounds.
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test" / "integration" / "harness"))
from hotline_test import Daemon  # noqa: E402  (the path above comes first)

TICKET = {
    "channel": "phone", "kind": "complaint", "category": "010206", "region": "320281001001",
    "address": "澄江街道文定社区3幢", "title": "公交站牌损坏", "requester": {"name": "张三", "phone": "13800138000"},
    "text": "文定社区门口公交站牌被大风吹倒，已经三天没有人来修，老人出行很不方便，请尽快派人处理并回复。" * 4,
}


def wrk(port, token, clients, seconds):
    """(tickets/s, p50 ms, p99 ms) of `clients` keep-alive connections."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua", encoding="utf-8") as script:
        body = json.dumps(TICKET, ensure_ascii=False).replace("\\", "\\\\").replace("'", "\\'")
        script.write(f"""
wrk.method = "POST"
wrk.path = "/v1/tickets"
wrk.body = '{body}'
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer {token}"
local bad = 0
function response(status) if status ~= 201 then bad = bad + 1; wrk.thread:set("bad", bad) end end
local threads = {{}}
function setup(thread) table.insert(threads, thread); thread:set("bad", 0) end
function done(summary, latency)
  local bad = 0
  for _, t in ipairs(threads) do bad = bad + t:get("bad") end
  io.write(string.format("RESULT %d %d %d %d %d %d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), bad, summary.errors.timeout + summary.errors.read))
end
""")
        script.flush()
        done = subprocess.run(["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--latency", "-s", script.name,
                               f"http://127.0.0.1:{port}/"], capture_output=True, text=True, check=True)
    found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)", done.stdout)
    requests, micros, p50, p99, bad, lost = map(int, found.groups())
    if bad or lost:
        raise SystemExit(f"{bad} answers were not 201, {lost} were lost: nothing to measure\n{done.stdout}")
    return requests / (micros / 1e6), p50 / 1000, p99 / 1000


def literal(value):
    return "NULL" if value is None else "'" + str(value).replace("'", "''") + "'"


def pgbench_script(daemon):
    """The intake statement with one ticket's values in place of its parameters; the number is pgbench's."""
    number = daemon.client("desk").ok("POST", "/v1/tickets", TICKET)["number"]

    def json_rows(sql):
        return json.loads(daemon.sql(sql)[0][0].replace(number, "0"))

    rows = {
        "assignments": f"SELECT json_agg(json_build_object('number', number, 'ordinal', ordinal, 'unit', unit, 'role', role, "
                       f"'due', (SELECT due_at FROM queue_item q WHERE q.number = a.number LIMIT 1))) FROM assignment a WHERE number = {number}",
        "clocks": f"SELECT json_agg(json_build_object('number', number, 'ordinal', ordinal, 'assignment', assignment, 'clock', clock, "
                  f"'round', round, 'state', state, 'stop', stop, 'unit', unit, 'pausable', is_pausable, 'provisional', is_provisional, "
                  f"'started', started_at, 'due', due_at, 'warn', warn_at, 'met', met_at, 'next', next_at)) FROM ticket_clock WHERE number = {number}",
        "events": f"SELECT json_agg(json_build_object('number', number, 'seq', seq, 'type', type, 'at', at, 'actor', actor, 'role', role, "
                  f"'assignment', assignment, 'detail', detail_text, 'hash', encode(hash, 'hex'), 'audience', audience)) FROM ticket_event WHERE number = {number}",
        "tallies": f"SELECT json_agg(json_build_object('number', number, 'at', at, 'unit', unit, 'tier', tier, 'received', received, 'desk', desk, "
                   f"'dispatched', dispatched, 'open', open, 'closed', closed, 'on_time', on_time, 'overdue', overdue)) FROM tally WHERE number = {number}",
    }
    children = json.dumps({name: json_rows(sql) for name, sql in rows.items()}, ensure_ascii=False)
    children = children.replace('"number": 0', '"number": NUMBER')
    ticket = daemon.sql(
        "SELECT row_to_json(x) FROM (SELECT t.*, encode(event_hash, 'hex') AS hash, encode(r.name, 'hex') AS rname, "
        "encode(r.phone, 'hex') AS rphone, encode(r.phone_index, 'hex') AS rindex FROM ticket t JOIN requester r USING (number) "
        f"WHERE number = {number}) x")
    t = json.loads(ticket[0][0])
    values = [":number", *(literal(t[k]) for k in (
        "query_code", "state", "channel", "kind", "urgency", "category", "region", "address", "title", "text", "call_id",
        "received_at", "received_by", "lead_unit", "rule", "route_reason", "policy", "deepest_tier")),
        "false", "false", f"decode('{t['rname']}','hex')", f"decode('{t['rphone']}','hex')", f"decode('{t['rindex']}','hex')",
        str(t["event_count"]), f"decode('{t['hash']}','hex')", "NULL", "NULL", "''::bytea", "NULL"]
    statement = (ROOT / "daemon" / "sql" / "ticket_intake.sql").read_text(encoding="utf-8")
    statement = "\n".join(line for line in statement.splitlines() if not line.startswith("--"))
    versions = f"ARRAY[{t['rule_set']},{t['sla_set']},{t['calendar_set']}]"
    texts = {i + 1: f"ARRAY[{value}]" for i, value in enumerate(values)}
    texts[31] = versions
    texts[32] = f"replace({literal(children)}, 'NUMBER', :number::text)"
    statement = re.sub(r"\$(\d+)", lambda m: texts[int(m.group(1))], statement)
    # 64-bit random numbers do not meet; real ones have 18 digits
    return "\\set number random(100000000000000000, 899999999999999999)\n" + " ".join(statement.split()) + ";\n"


def pgbench(daemon, script, clients, seconds):
    """(tickets/s, p50 ms, p99 ms)"""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = pathlib.Path(folder) / "intake.sql"
        path.write_text(script, encoding="utf-8")
        done = subprocess.run(
            ["pgbench", "-h", daemon.socket_dir(), "-U", "hotline", "-n", "-M", "simple", "-c", str(clients), "-j", "1",
             "-T", str(seconds), "-f", str(path), "-l", "--log-prefix", folder + "/log", "hotline"],
            capture_output=True, text=True, check=False, cwd=folder)
        if done.returncode != 0:
            raise SystemExit(f"pgbench: {done.stderr[-2000:]}")
        rate = float(re.search(r"tps = ([0-9.]+)", done.stdout).group(1))
        times = sorted(int(line.split()[2]) for log in pathlib.Path(folder).glob("log*")
                       for line in log.read_text().splitlines())
    return rate, times[len(times) // 2] / 1000, times[len(times) * 99 // 100] / 1000


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", default="1,16,64")
    args = parser.parse_args()
    daemon = Daemon(clock=None)
    try:
        daemon.set_up()
        script = pgbench_script(daemon)
        print(f"{'clients':>7} | {'HTTP tickets/s':>14} {'p50 ms':>7} {'p99 ms':>7} | {'pgbench/s':>9} {'p50 ms':>7} "
              f"{'p99 ms':>7} | ratio")
        for clients in map(int, args.clients.split(",")):
            ours, theirs = [], []
            for _ in range(args.rounds):
                ours.append(wrk(daemon.port, daemon.tokens["desk"], clients, args.seconds))
                theirs.append(pgbench(daemon, script, clients, args.seconds))
            a, b = ([statistics.median(column) for column in zip(*side)] for side in (ours, theirs))
            print(f"{clients:7} | {a[0]:14.0f} {a[1]:7.2f} {a[2]:7.2f} | {b[0]:9.0f} {b[1]:7.2f} {b[2]:7.2f} | "
                  f"{a[0] / b[0]:.2f}", flush=True)
        stored = int(daemon.sql("SELECT count(*) FROM ticket")[0][0])
        print(f"{stored} tickets stored; {os.cpu_count()} cores shared by load, daemon and database")
    finally:
        daemon.clean()


if __name__ == "__main__":
    main()
