#!/usr/bin/env python3
"""Searching words over HTTP, next to a plain LIKE scan in PostgreSQL over the same tickets.

    test/bench/bench_search.py [--tickets 100000] [--rounds 5]

Copies the messages of ../shared/data until there are as many tickets as asked for (straight into the tables: intake is
measured elsewhere), each copy with words of its own, lets the daemon index them, and asks for common, rare and absent words,
for words of one place, and for likely duplicates. Printed: how long indexing took, medians in milliseconds, and the ratio of
the scan's time to ours. Only the ratio means something on a shared machine.
"""
import argparse
import json
import pathlib
import statistics
import sys
import time
from urllib.parse import quote

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test" / "integration" / "harness"))
from hotline_test import SHARED, Daemon, wait_until  # noqa: E402  (the path above comes first)

SAMPLE = 500  # messages that are received over HTTP and then copied


def load():
    with open(SHARED / "data" / "messages.jsonl", encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    return rows[:: len(rows) // SAMPLE][:SAMPLE]


def receive(daemon):
    desk = daemon.client("desk")
    regions = [row[0] for row in daemon.sql("SELECT code FROM region WHERE level = 'village' ORDER BY code")]
    for i, row in enumerate(load()):
        desk.ok("POST", "/v1/tickets", {"channel": "web", "kind": "complaint", "category": "010206", "title": row["title"][:200],
                                        "text": row["text"], "region": regions[i % len(regions)]})
    desk.close()


def copy(daemon, tickets):
    """Older copies of every ticket: the same words, and the number of the copy in Chinese digits."""
    columns = [row[0] for row in daemon.sql(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'ticket' ORDER BY ordinal_position")]
    own = {"number": "t.number - g::bigint * 1000000000", "text": "t.text || ' 第' || translate(g::text, '0123456789', '零壹贰叁肆伍陆柒捌玖') || '号'"}
    values = ", ".join(own.get(c, f"t.{c}") for c in columns)
    daemon.sql(f"INSERT INTO ticket ({', '.join(columns)}) SELECT {values} FROM ticket t, generate_series(1, "
               f"{tickets // SAMPLE - 1}) AS g; "
               "INSERT INTO ticket_event (number, seq, type, at, actor, role, detail, detail_text, hash) "
               "SELECT number, 1, 'received', received_at, 'bench', 'desk', '{}', '{}', '' FROM ticket t "
               "WHERE NOT EXISTS (SELECT FROM ticket_event e WHERE e.number = t.number)")


def median_ms(rounds, what):
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        what()
        times.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times)


def scan_ms(daemon, word, rounds):
    """A newest page by LIKE, timed by the server."""
    times = []
    for _ in range(rounds):
        plan = daemon.sql("EXPLAIN (ANALYZE, TIMING off) SELECT number FROM ticket WHERE title LIKE "
                          f"'%{word}%' OR text LIKE '%{word}%' ORDER BY number DESC LIMIT 51")
        times.append(float(plan[-1][0].split()[2]))
    return statistics.median(times)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tickets", type=int, default=100000)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    daemon = Daemon(clock="2026-02-13T10:00:00+08:00")
    try:
        daemon.set_up()
        receive(daemon)
        begun = time.monotonic()
        copy(daemon, args.tickets)
        wait_until(lambda: daemon.sql("SELECT count(*) FROM ticket_text_tail") == [["0"]], "the index", 3600)
        print(f"{args.tickets} tickets copied and indexed in {time.monotonic() - begun:.0f} s")
        daemon.sql("VACUUM ANALYZE")
        sizes = daemon.sql("SELECT pg_size_pretty(pg_relation_size('ticket_text_grams')), "
                           "pg_size_pretty(pg_table_size('ticket_text')), pg_size_pretty(pg_table_size('ticket'))")[0]
        print(f"index of pairs {sizes[0]}, folded words and pairs {sizes[1]}, tickets {sizes[2]}")
        desk = daemon.client("desk")
        print(f"{'words':32} | {'found':>5} | {'ours ms':>8} | {'LIKE ms':>8} | ratio")
        for name, word in (("common", "小区"), ("in the copies of one message", "魑魅魍魉"), ("in one of 200", "第壹壹柒号"),
                           ("absent", "渝长厦"), ("absent, of common pairs", "区小区别")):
            target = f"/v1/tickets?q={quote(word)}"
            found = len(desk.get(target)["items"])
            ours = median_ms(args.rounds, lambda t=target: desk.get(t))
            theirs = scan_ms(daemon, word, args.rounds)
            print(f"{name:32} | {found:5} | {ours:8.1f} | {theirs:8.1f} | {theirs / ours:.1f}", flush=True)
        village = daemon.sql("SELECT region FROM ticket ORDER BY number LIMIT 1")[0][0]
        print(f"{'one village':32} | {'':5} | {median_ms(args.rounds, lambda: desk.get('/v1/tickets?region=' + village)):8.1f} |")
        newest = desk.get("/v1/tickets?limit=1")["items"][0]["number"]
        took = median_ms(args.rounds, lambda: desk.get(f"/v1/tickets/{newest}/duplicates"))
        print(f"{'likely duplicates of a ticket':32} | {'':5} | {took:8.1f} |")
        desk.close()
    finally:
        daemon.clean()


if __name__ == "__main__":
    main()
