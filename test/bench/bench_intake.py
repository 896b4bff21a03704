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


# Where a parameter's name says too little: what gives back the values that the daemon sent for it.
OF_TICKET = {"open311": "NULL::text", 
    "numbers": "x.number", "urgencies": "urgency", "categories": "category", "addresses": "address", "policies": "policy",
    "received": "received_at", "received_by": "received_by", "deepest": "deepest_tier", "confidential": "is_confidential",
    "anonymous": "r.is_anonymous", "names": "r.name", "phones": "r.phone", "phone_indexes": "r.phone_index",
    "event_counts": "event_count", "event_hashes": "event_hash", "key_accounts": "NULL", "keys": "NULL",
    "fingerprints": "NULL", "answers": "NULL", "versions": "unnest(ARRAY[rule_set, sla_set, calendar_set])",
}
OF_CHILD = {
    "number": "x.number", "pausable": "is_pausable", "provisional": "is_provisional", "started": "started_at",
    "due": "due_at", "warn": "warn_at", "met": "met_at", "next": "next_at", "detail": "detail_text",
    "audience": "array_to_string(audience, chr(31))",
}
# prefix of the parameters: rows of which table, in which order
CHILDREN = {"assignment": ("assignment a JOIN queue_item x USING (number, ordinal, unit)", "ordinal"),
            "clock": ("ticket_clock x", "ordinal"), "event": ("ticket_event x", "seq"), "tally": ("tally x", "id")}


def source(name):
    """(rows, order, expression) of the parameter `name`."""
    prefix, _, column = name.partition("_")
    if name in OF_TICKET or prefix not in CHILDREN:
        return "ticket x LEFT JOIN requester r USING (number)", "1", OF_TICKET.get(name, name.removesuffix("s"))
    return (*CHILDREN[prefix], OF_CHILD.get(column, column))


def literal(value, kind):
    return "NULL" if value is None else "'" + value.replace("'", "''") + f"'::{kind}"


def pgbench_script(daemon):
    """The intake statement with one ticket's values in place of its parameters; the number is pgbench's."""
    number = daemon.client("desk").ok("POST", "/v1/tickets", TICKET)["number"]
    text = (ROOT / "daemon" / "sql" / "ticket_intake.sql").read_text(encoding="utf-8")
    declared = re.search(r"-- in: (.*?)-- out:", text, re.S).group(1).replace("\n--", "")
    names = re.findall(r"(\w+)\s+(\w+)\[\]", declared)
    values = []
    for name, kind in names:
        table, order, value = source(name)
        rows = json.loads(daemon.sql(
            f"SELECT coalesce(json_agg(v), '[]') FROM (SELECT ({value})::text AS v FROM {table} "
            f"WHERE x.number = {number} ORDER BY {order}) AS y")[0][0])
        if value == "x.number":
            values.append(f"ARRAY[{', '.join([':number::bigint'] * len(rows))}]")
        else:
            values.append(f"ARRAY[{', '.join(literal(row, kind) for row in rows)}]::{kind}[]")
    statement = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    statement = re.sub(r"\$(\d+)(::\w+\[\])?", lambda m: values[int(m.group(1)) - 1], statement)
    # 64-bit random numbers do not meet; real ones have 18 digits
    return "\\set number random(100000000000000000, 899999999999999999)\n" + " ".join(statement.split()) + ";\n"


def pgbench(daemon, script, clients, seconds):
    """(tickets/s, p50 ms, p99 ms)"""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = pathlib.Path(folder) / "intake.sql"
        path.write_text(script, encoding="utf-8")
        done = subprocess.run(
            ["pgbench", "-h", daemon.socket_dir(), "-U", "hotline", "-n", "-M", "prepared", "-c", str(clients), "-j", "1",
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
