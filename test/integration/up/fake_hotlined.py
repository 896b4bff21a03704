"""Stands in for build/bin/hotlined and build/bin/hotline in test_up_flow.sh, by the name it is called.

Every call is a line of $FAKE/calls. The file $FAKE/die_at_start makes it do so.
"""
import http.server
import json
import os
import pathlib
import pwd
import signal
import sys

FAKE = pathlib.Path(os.environ["FAKE"])
NAME = pathlib.Path(sys.argv[0]).name
ARGS = sys.argv[1:]


def option(name, default=""):
    return ARGS[ARGS.index(name) + 1] if name in ARGS else default


def tokens():
    try:
        return json.loads((FAKE / "tokens").read_text())
    except FileNotFoundError:
        return {}


def new_token(account):
    known = tokens()
    known[account] = f"{account}-{sum(map(len, known.values())) + len(known)}"
    (FAKE / "tokens").write_text(json.dumps(known))
    return known[account]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        # as the real one: not ready to acknowledge before it knows a city
        ready = (FAKE / "city").exists()
        body = b"" if ready else b'{"type":"urn:hotline:no_city"}'
        self.send_response(200 if ready else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = json.dumps({"account": "demo", "path": "/v1/wechat/demo", "token": "t" * 32, "aes_key": "k" * 43}).encode()
        self.send_response(201)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve(data):
    (data / "hotlined.pid").write_text(f"{os.getpid()}\nport=5432 dbname=hotline\n")
    print("hotlined: starting", file=sys.stderr, flush=True)
    if (FAKE / "die_at_start").exists():
        sys.exit("hotlined: cannot start: the test wants it so")
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    http.server.HTTPServer(("127.0.0.1", int(option("--port"))), Handler).serve_forever()


def hotlined():
    data = pathlib.Path(option("--data"))
    if ARGS[0] == "migrate":
        (data / "pg/data").mkdir(parents=True, exist_ok=True)
        (data / "pg/data/PG_VERSION").write_text(os.environ["FAKE_PG_VERSION"] + "\n")
        if os.getuid() == 0:
            os.chown(data / "pg", pwd.getpwnam("postgres").pw_uid, -1)
        print("migration 0001_first")
    elif ARGS[0] == "token":
        print(new_token(option("--name")))
    else:
        serve(data)


def hotline():
    credentials = os.environ.get("HOTLINE_CREDENTIALS")
    if credentials and "HOTLINE_TOKEN" not in os.environ:
        os.environ["HOTLINE_TOKEN"] = json.loads(pathlib.Path(credentials).read_text())["tokens"]["admin"]
    if os.environ.get("HOTLINE_TOKEN") != tokens().get("admin"):
        sys.exit("hotline: 401")
    if ARGS[:3] == ["admin", "account", "add"]:
        if option("--name") in tokens():
            sys.exit("hotline: 409")
        print(new_token(option("--name")))
    elif ARGS[:3] == ["admin", "account", "add-units"]:
        print(json.dumps({f"U{n:03}": f"unit-{n}" for n in range(300)}))
    elif ARGS[:2] == ["device", "import"]:
        devices = json.loads(pathlib.Path(ARGS[2]).read_text())["devices"]
        print(json.dumps({"items": [{"id": d["id"], "new": True, "key": "k" * 64} for d in devices]}))
    elif ARGS[:2] == ["admin", "import"]:
        (FAKE / "city").touch()
    elif ARGS[:2] == ["report", "tiers"]:
        print("tier closed")


with open(FAKE / "calls", "a", encoding="utf-8") as calls:
    calls.write(" ".join([NAME] + ARGS) + "\n")
hotlined() if NAME == "hotlined" else hotline()
