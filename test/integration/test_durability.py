"""What was acknowledged is stored exactly once, whoever is killed: the daemon, its connections, PostgreSQL.

Writers with idempotency keys go on through everything; a key is given up only when it has its number.
"""
import collections
import http.client
import os
import random
import signal
import threading
import time

from hotline_test import Client, DaemonTest, main, wait_until

GOOD = {"channel": "phone", "kind": "help", "category": "010206", "region": "320281001001", "title": "标题", "text": "正文"}
WRITERS = 8
KILLS = 10
PATIENCE = 120


class Storm:
    """Writers that insist. `answers` counts what they heard."""

    def __init__(self, daemon, name):
        self.daemon, self.name, self.over, self.lock = daemon, name, threading.Event(), threading.Lock()
        self.numbers, self.answers, self.wrong = {}, collections.Counter(), []
        self.threads = [threading.Thread(target=self.write, args=(n,), daemon=True) for n in range(WRITERS)]
        for thread in self.threads:
            thread.start()

    def write(self, n):
        client, i = None, 0
        try:
            while not self.over.is_set():
                client = self.insist(client, f"{self.name}-{n}-{i}")
                i += 1
        except Exception as error:  # pylint: disable=broad-except
            self.wrong.append(repr(error))
        finally:
            if client:
                client.close()

    def insist(self, client, key):
        """Until the key has its number; the client that did it."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if not client or client.port != self.daemon.port:
                client = Client(self.daemon.port, self.daemon.tokens["phone"])
                client.recorded = False
            status, number = self.once(client, key)
            with self.lock:
                self.answers[status] += 1
                if number:
                    self.numbers[key] = number
                    return client
            if status == 503 or status == "no answer":
                time.sleep(0.02)
        raise AssertionError(f"{key} has found nobody for {PATIENCE} s: {self.answers}")

    def once(self, client, key):
        try:
            answer = client.call("POST", "/v1/tickets", {**GOOD, "title": key}, {"Idempotency-Key": key}, timeout=PATIENCE)
        except (OSError, http.client.HTTPException):
            client.close()
            return "no answer", None
        if answer.status in (200, 201):
            return answer.status, answer.json["number"]
        if answer.status == 503 and not answer.headers.get("retry-after"):
            self.wrong.append("503 without Retry-After")
        if answer.status not in (503, 409):
            self.wrong.append(repr(answer))
        return answer.status, None

    def acknowledged(self):
        with self.lock:
            return dict(self.numbers)

    def wait_for(self, more):
        """Until that many more keys have their numbers."""
        aim = len(self.acknowledged()) + more
        wait_until(lambda: len(self.acknowledged()) >= aim or self.wrong, f"{more} more tickets: {self.answers}", PATIENCE)

    def finish(self):
        self.over.set()
        for thread in self.threads:
            thread.join(PATIENCE + 30)
        return self.acknowledged()


class Durability(DaemonTest):
    CLOCK = None

    def again(self):
        """After a restart: the port is another one."""
        for client in (self.desk, self.admin, self.supervisor):
            client.close()
            client.port = self.daemon.port

    def check(self, storm):
        """Everything acknowledged is there, once, whole, and the same key still gives the same number."""
        numbers = storm.finish()
        self.assertEqual(storm.wrong, [])
        self.assertGreater(len(numbers), WRITERS)
        rows = self.daemon.sql(f"SELECT title, number FROM ticket WHERE title LIKE '{storm.name}-%'")
        stored = collections.Counter(title for title, _ in rows)
        self.assertEqual([t for t, count in stored.items() if count > 1], [], "stored twice")
        self.assertEqual({title: number for title, number in rows}, numbers)
        keys = dict(self.daemon.sql(f"SELECT key, number FROM intake_key WHERE key LIKE '{storm.name}-%'"))
        self.assertEqual(keys, numbers)
        self.check_whole()
        client = self.daemon.client("phone")
        for key in random.Random(1).sample(sorted(numbers), min(50, len(numbers))):
            answer = client.call("POST", "/v1/tickets", {**GOOD, "title": key}, {"Idempotency-Key": key})
            self.assertEqual((answer.status, answer.json["number"]), (200, numbers[key]))
            self.assertTrue(self.desk.get(f"/v1/tickets/{numbers[key]}/events")["chain_ok"])
        client.close()
        print(f"{len(numbers)} tickets, {dict(storm.answers)}", flush=True)

    def check_whole(self):
        """No ticket without its children, and the count is that of the tickets."""
        parts = self.daemon.sql(
            "SELECT t.number FROM ticket t WHERE t.event_count <> (SELECT count(*) FROM ticket_event e WHERE e.number = t.number)"
            " OR NOT EXISTS (SELECT FROM assignment a WHERE a.number = t.number)"
            " OR NOT EXISTS (SELECT FROM queue_item q WHERE q.number = t.number)"
            " OR (SELECT count(*) FROM ticket_clock c WHERE c.number = t.number) < 4")
        self.assertEqual(parts, [])
        self.assertTrue(self.supervisor.post("/v1/admin/recount")["equal"])

    def metrics(self):
        text = self.desk.call("GET", "/metrics").body.decode()
        return dict(line.rsplit(" ", 1) for line in text.splitlines() if line[:1] != "#")

    # ---- the daemon ---------------------------------------------------------------------------------

    def test_killed(self):
        storm = Storm(self.daemon, "killed")
        dice = random.Random(9)
        for _ in range(KILLS):
            storm.wait_for(dice.randint(10, 60))
            self.daemon.kill()
            self.daemon.start()
        storm.wait_for(20)
        self.again()
        self.check(storm)
        self.assertGreater(storm.answers["no answer"], 0, "nobody noticed the deaths")

    def test_stopped_under_load(self):
        """SIGTERM: what runs is finished, and the end is clean (stop() fails for any other exit code than 0)."""
        storm = Storm(self.daemon, "stopped")
        for _ in range(3):
            storm.wait_for(50)
            self.daemon.stop()
            self.daemon.start()
        storm.wait_for(20)
        self.again()
        self.check(storm)
        self.assertNotIn(500, storm.answers)

    # ---- its connections ----------------------------------------------------------------------------------

    def test_connections_cut(self):
        """Backends ended in the middle of batches: what is uncertain is settled, nobody hears of it as an error."""
        storm = Storm(self.daemon, "cut")
        for _ in range(15):
            storm.wait_for(10)
            self.daemon.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                            " WHERE usename = 'hotline' AND pid <> pg_backend_pid()")
        storm.wait_for(50)
        self.check(storm)
        self.assertLessEqual(set(storm.answers), {200, 201, 409, 503})

    def backends(self):
        """All of the daemon, once they are more than three; psql's own is not among them."""
        pids = [int(row[0]) for row in self.daemon.sql(
            "SELECT pid FROM pg_stat_activity WHERE usename = 'hotline' AND pid <> pg_backend_pid()")]
        return pids if len(pids) > 3 else None

    def test_database_freezes(self):
        """Backends that answer no more: the batch is sent again after its deadline, and there is one ticket a key."""
        storm = Storm(self.daemon, "frozen")
        storm.wait_for(20)
        resent = int(self.metrics()["hotlined_intake_resent_total"])
        pids = wait_until(self.backends, "the connections")
        try:
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            self.assertEqual(self.nobody("/healthz").status, 200, "the daemon itself does not freeze")
            wait_until(lambda: int(self.metrics()["hotlined_intake_resent_total"]) > resent, "a batch to be sent again")
        finally:
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGCONT)
                except ProcessLookupError:
                    pass
        storm.wait_for(50)
        self.check(storm)

    def not_ready(self):
        answer = self.nobody("/readyz")
        return answer if answer.status == 503 else None

    def nobody(self, target):
        client = self.daemon.client()
        try:
            return client.call("GET", target)
        finally:
            client.close()

    # ---- PostgreSQL -------------------------------------------------------------------------------------------

    def postmaster(self):
        with open(os.path.join(self.daemon.data, "pg", "data", "postmaster.pid"), encoding="utf-8") as f:
            return int(f.readline())

    def has_another(self, before):
        """Another postmaster, and it takes connections. Until then the backends of the old one may go on answering."""
        try:
            return self.postmaster() != before and self.daemon.sql("SELECT 1") == [["1"]]
        except (OSError, ValueError, IndexError, AssertionError):  # its file is not there yet, not whole, or it starts
            return False

    def test_postgresql_killed(self):
        """kill -9 of the postmaster: the daemon lives on, and has its private cluster back by itself."""
        storm = Storm(self.daemon, "crashed")
        storm.wait_for(50)
        process, before = self.daemon.process.pid, self.postmaster()
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: self.has_another(before), "another postmaster", PATIENCE)
        storm.wait_for(100)
        wait_until(lambda: self.nobody("/readyz").status == 200, "the daemon to be ready")
        self.assertEqual((self.daemon.process.pid, self.daemon.process.poll()), (process, None))
        self.check(storm)
        self.assertLessEqual(set(storm.answers), {200, 201, 409, 503})

    def test_postgresql_stays_away(self):
        """While the cluster cannot start: 503 with Retry-After. When it can again nobody has to lift a finger."""
        storm = Storm(self.daemon, "away")
        storm.wait_for(50)
        needed = os.path.join(self.daemon.data, "pg", "data", "global", "pg_control")
        before = self.postmaster()
        os.rename(needed, needed + ".away")  # first, so that nobody is quick enough to start it once more
        try:
            os.kill(before, signal.SIGKILL)
            wait_until(lambda: storm.answers[503] > 0, "somebody to be refused")
            # the backends of the dead one end one after the other
            ready = wait_until(self.not_ready, "the daemon to know", PATIENCE)
            self.assertEqual(self.nobody("/healthz").status, 200)
            self.assertTrue(ready.headers.get("retry-after"))
            read = self.desk.call("GET", "/v1/tickets")
            self.assertEqual((read.status, bool(read.headers.get("retry-after"))), (503, True))
        finally:
            os.rename(needed + ".away", needed)
        storm.wait_for(50)
        self.check(storm)
        self.assertLessEqual(set(storm.answers), {200, 201, 409, 503})


del DaemonTest

if __name__ == "__main__":
    main()
