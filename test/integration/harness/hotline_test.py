"""Runs a real hotlined with a private PostgreSQL for a test, and speaks HTTP with it.

Standard library only. A test file starts one daemon (usually with a test clock), imports a demo city
and gets clients for every role:

    class Lifecycle(DaemonTest):
        CLOCK = "2026-02-13T10:00:00+08:00"
        def test_sign(self):
            ticket = self.desk.ok("POST", "/v1/tickets", {...})

Every exchange is appended to the file named by HOTLINE_RECORD, if set; the OpenAPI check reads it.
The programs come from HOTLINE_BIN (folder with hotlined and hotline). Waiting is polling with a deadline.
"""
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
SHARED = ROOT.parent / "shared"
BIN = pathlib.Path(os.environ.get("HOTLINE_BIN", ROOT / "build" / "bin"))
DEADLINE = float(os.environ.get("HOTLINE_DEADLINE", "60"))


def wait_until(condition, what, deadline=DEADLINE):
    """Polls until condition() is true and returns its value."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline} s for {what}")
        time.sleep(0.01)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body) if self.body else None

    def __repr__(self):
        return f"{self.status} {self.body[:2000].decode('utf-8', 'replace')}"


def record(method, target, request_body, answer):
    path = os.environ.get("HOTLINE_RECORD")
    if not path or len(answer.body) > 200000:
        return
    line = json.dumps({
        "method": method, "target": target, "status": answer.status,
        "type": answer.headers.get("content-type"),
        "request": request_body if isinstance(request_body, (dict, list)) else None,
        "body": answer.body.decode("utf-8", "replace"),
    })
    # in one write: tests that run side by side append to the same file
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(fd, line.encode() + b"\n")
    finally:
        os.close(fd)


class Client:
    """One keep-alive connection with one token (None = nobody)."""

    recorded = True  # storms of the same request over and over need not be
    def __init__(self, port, token=None):
        self.port, self.token, self.connection = port, token, None

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def call(self, method, target, body=None, headers=None, timeout=DEADLINE + 60):
        """body: dict/list (JSON), bytes (as they are) or None. Never raises for a status."""
        sent = dict(headers or {})
        if self.token:
            sent.setdefault("Authorization", "Bearer " + self.token)
        data = body
        if isinstance(body, (dict, list)):
            data = json.dumps(body, ensure_ascii=False).encode()
            sent.setdefault("Content-Type", "application/json")
        for attempt in (0, 1):
            try:
                if not self.connection:
                    self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
                    attempt = 1  # a fresh connection is not tried twice
                self.connection.request(method, target, body=data, headers=sent)
                response = self.connection.getresponse()
                answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
                if response.will_close:
                    self.close()
                if self.recorded:
                    record(method, target, body, answer)
                return answer
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                self.close()
                if attempt:
                    raise

    def ok(self, method, target, body=None, headers=None, status=None):
        """The JSON of a 2xx; anything else fails the test."""
        answer = self.call(method, target, body, headers)
        wanted = [status] if status else [200, 201, 202]
        if answer.status not in wanted:
            raise AssertionError(f"{method} {target} {body!r}: {answer}")
        return answer.json

    def get(self, target):
        return self.ok("GET", target)

    def post(self, target, body=None, headers=None):
        return self.ok("POST", target, {} if body is None else body, headers)


def pages(client, target):
    """Every item of a list."""
    after, mark = None, "&" if "?" in target else "?"
    while True:
        page = client.get(target + (f"{mark}after={after}" if after else ""))
        yield from page["items"]
        after = page["next"]
        if not after:
            return


class Daemon:
    """hotlined with its own data folder. `clock`: an instant for --test-clock, None = real time."""

    def __init__(self, clock=None, city="jiangyin", options=(), keep=False):
        # under a short path: unix sockets have 107 characters
        self.data = tempfile.mkdtemp(prefix="hotline-", dir=os.environ.get("HOTLINE_TMP"))
        os.chmod(self.data, 0o755)
        self.clock, self.city, self.options, self.keep = clock, city, list(options), keep
        self.process, self.port, self.tokens = None, None, {}

    def run(self, *arguments):
        done = subprocess.run([str(BIN / "hotlined"), *arguments, "--data", self.data], capture_output=True,
                              text=True, timeout=180, check=False)
        if done.returncode != 0:
            raise AssertionError(f"hotlined {arguments}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout.strip()

    def hotline(self, *arguments, who="admin", code=0):
        """The command-line client against this daemon; its standard output."""
        done = subprocess.run([str(BIN / "hotline"), *arguments], capture_output=True, text=True, timeout=180,
                              check=False, env={**os.environ, "HOTLINE_URL": f"http://127.0.0.1:{self.port}",
                                                "HOTLINE_TOKEN": self.tokens[who]})
        if done.returncode != code:
            raise AssertionError(f"hotline {arguments}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    @property
    def log_path(self):
        return os.path.join(self.data, "log")

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def start(self):
        command = [str(BIN / "hotlined"), "--data", self.data, "--port", "0", *self.options]
        if self.clock:
            command += ["--test-clock", self.clock]
        with open(self.log_path, "ab") as log:
            offset = log.tell()
            self.process = subprocess.Popen(command, stderr=log, stdout=log, stdin=subprocess.DEVNULL)

        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"hotlined ended with {self.process.returncode}\n{self.log()[-4000:]}")
            found = re.search(r"ready address=\S+ port=(\d+)", self.log()[offset:])
            return found and int(found.group(1))

        self.port = wait_until(ready, "hotlined to listen")
        return self

    def set_up(self):
        """Migrates, starts, imports the city, makes an account for every role and unit."""
        self.run("migrate")
        self.tokens["admin"] = self.run("token", "--role", "admin", "--name", "admin")
        self.start()
        admin = self.client("admin")
        if self.city:
            self.hotline("admin", "import", *(str(ROOT / "daemon" / "cities" / c) for c in self.city.split("+")))
        roles = {"desk": "desk", "supervisor": "supervisor", "phone": "gateway", "web": "web", "desk2": "desk"}
        made = admin.post("/v1/admin/accounts", {"accounts": [
            {"name": name, "role": role} for name, role in roles.items()]})
        self.tokens.update({item["name"]: item["token"] for item in made["items"]})
        if self.city:
            units = admin.post("/v1/admin/accounts/units")
            self.tokens.update({"unit:" + item["unit"]: item["token"] for item in units["items"]})
        admin.close()
        return self

    def client(self, who=None):
        return Client(self.port, self.tokens[who] if who else None)

    def unit(self, code):
        return self.client("unit:" + code)

    def move_clock(self, instant):
        client = self.client()
        answer = client.ok("POST", "/v1/test/clock", {"now": instant})
        client.close()
        return answer["now"]

    def advance(self, seconds):
        client = self.client()
        answer = client.ok("POST", "/v1/test/clock", {"advance_seconds": seconds})
        client.close()
        return answer["now"]

    def kill(self):
        """As kill -9 does it; the cluster stays and is taken over by the next start."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)
        self.process = None

    def stop(self):
        if self.process:
            self.process.terminate()
            try:
                code = self.process.wait(90)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise AssertionError(f"hotlined did not stop\n{self.log()[-4000:]}") from None
            self.process = None
            if code != 0:
                raise AssertionError(f"hotlined ended with {code}\n{self.log()[-6000:]}")

    def sql(self, text):
        """Rows of a query as lists of text, through psql as the cluster's own user."""
        command = ["psql", "-h", self.socket_dir(), "-d", "hotline", "-U", "hotline", "-X", "-A", "-t", "-F", "\t",
                   "-v", "ON_ERROR_STOP=1", "-c", text]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode != 0:
            raise AssertionError(f"psql: {done.stderr}")
        return [line.split("\t") for line in done.stdout.splitlines()]

    def socket_dir(self):
        with open(os.path.join(self.data, "pg", "data", "postmaster.pid"), encoding="utf-8") as f:
            return f.read().splitlines()[4]

    def clean(self):
        try:
            self.stop()
        finally:
            if self.process:
                self.kill()
            if not self.keep:
                shutil.rmtree(self.data, ignore_errors=True)


class DaemonTest(unittest.TestCase):
    """One daemon for all tests of a class."""

    CLOCK = "2026-02-13T10:00:00+08:00"
    CITY = "jiangyin"
    OPTIONS = ()

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(cls.CLOCK, cls.CITY, cls.OPTIONS)
        try:
            cls.daemon.set_up()
        except BaseException:
            print(cls.daemon.log()[-4000:] if os.path.exists(cls.daemon.log_path) else "", file=sys.stderr)
            cls.daemon.clean()
            raise
        cls.desk = cls.daemon.client("desk")
        cls.supervisor = cls.daemon.client("supervisor")
        cls.admin = cls.daemon.client("admin")

    @classmethod
    def tearDownClass(cls):
        for client in (cls.desk, cls.supervisor, cls.admin):
            client.close()
        try:
            cls.check_orphans()
        finally:
            cls.daemon.clean()

    @classmethod
    def check_orphans(cls):
        """No foreign keys on the hot tables (migration 0005): whatever the tests did, every child has its parent."""
        process = cls.daemon.process
        if not process or process.poll() is not None:
            return  # a test has stopped it
        orphans = cls.daemon.sql("SELECT child, parent, number, missing FROM orphan LIMIT 20")
        if orphans:
            raise AssertionError(f"rows without their parent: {orphans}")

    def new_ticket(self, client=None, headers=None, **fields):
        body = {"channel": "phone", "kind": "help", "category": "010206", "region": "320281001001",
                "title": "路灯不亮", "text": "小区门口路灯连续三天不亮，请尽快处理。"}
        body.update(fields)
        return (client or self.desk).ok("POST", "/v1/tickets", {k: v for k, v in body.items() if v is not None},
                                        headers)

    def work(self, number, **report):
        """Signs and reports for every unit of the present round, co-units first."""
        ticket = self.desk.get(f"/v1/tickets/{number}")
        live = [a for a in ticket["assignments"] if a["round"] == ticket["round"] and a["state"] == "unsigned"]
        for a in sorted(live, key=lambda a: a["role"] == "lead"):
            unit = self.daemon.unit(a["unit"])
            unit.post(f"/v1/assignments/{a['id']}/sign")
            unit.post(f"/v1/assignments/{a['id']}/report",
                      {"solved": True, "internal": "已处理", "public_reply": "您好，已处理。", **report})
            unit.close()
        return self.desk.get(f"/v1/tickets/{number}")


def main():
    unittest.main(verbosity=2)
