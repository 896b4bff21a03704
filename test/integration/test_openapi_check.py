"""Does .ci/openapi see what is wrong? Exchanges that are right pass; each of them, spoilt in one way, is told."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOTLINED = str(pathlib.Path(os.environ.get("HOTLINE_BIN", ROOT / "build" / "bin")) / "hotlined")
JSON, PROBLEM = "application/json; charset=utf-8", "application/problem+json"


def said(method, target, status, body, request=None, kind=None):
    return {"method": method, "target": target, "status": status, "request": request,
            "type": kind or (PROBLEM if status >= 400 else JSON), "body": json.dumps(body)}


def problem(word, status, **more):
    return {"type": "urn:hotline:" + word, "title": "t", "status": status, "detail": "d", **more}


RELEASE = "/v1/assignments/260213100000000107-1/release"
GOOD = [
    said("GET", "/healthz", 200, {"status": "ok"}),
    said("GET", "/v1/queue?limit=3", 200, {"items": [], "next": None}),
    said("POST", RELEASE, 200, {"assignment": "260213100000000107-1", "released": True}, {"lease": "0" * 32}),
    said("GET", "/v1/tickets?limit=0", 400, problem("invalid", 400, errors=[{"field": "limit", "reason": "range"}])),
    said("GET", "/nowhere", 404, problem("not_found", 404)),
    said("DELETE", "/v1/tickets", 405, problem("method", 405)),
    said("GET", "/v1/tickets", 400, problem("http", 400)),
]
BAD = [
    ("/v1/nowhere", said("GET", "/v1/nowhere", 200, {"status": "ok"})),
    ("members", said("GET", "/healthz", 200, {"status": "ok", "more": 1})),
    ("missing", said("GET", "/healthz", 200, {})),
    ("type", said("GET", "/healthz", 200, {"status": "ok"}, kind="text/html")),
    ("status", said("GET", "/healthz", 201, {"status": "ok"})),
    ("word", said("GET", "/healthz", 200, {"status": "fine"})),
    ("parameter", said("GET", "/v1/queue?limit=501", 200, {"items": [], "next": None})),
    ("unknown parameter", said("GET", "/v1/queue?colour=red", 200, {"items": [], "next": None})),
    ("request", said("POST", RELEASE, 200, {"assignment": "260213100000000107-1", "released": True}, {"lease": "0"})),
    ("action", said("POST", "/v1/tickets/260213100000000107/juggle", 200, {})),
    ("no faults", said("GET", "/v1/tickets?limit=0", 400, problem("invalid", 400))),
    ("unknown reason", said("GET", "/v1/tickets", 400, problem("invalid", 400, errors=[{"field": "x", "reason": "odd"}]))),
    ("other status", said("GET", "/v1/tickets", 403, problem("forbidden", 401))),
    ("no such refusal", said("GET", "/healthz", 409, problem("conflict", 409))),
    ("no problem", said("GET", "/v1/tickets", 500, {"error": "?"}, kind=JSON)),
]


class OpenApiCheck(unittest.TestCase):
    def check(self, record):
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as f:
            f.write(record)
            f.flush()
            done = subprocess.run([str(ROOT / ".ci" / "openapi"), HOTLINED, f.name], capture_output=True,
                                  text=True, timeout=120, check=False)
        if done.returncode == 77:
            self.skipTest(done.stdout)
        self.assertEqual((done.returncode, done.stderr), (1, ""))  # not every operation is in so short a record
        return done

    def failures(self, lines):
        """Line numbers that are complained about, and all that was printed."""
        done = self.check("".join(json.dumps(line) + "\n" for line in lines))
        return {int(line.split()[1].rstrip(":")) for line in done.stdout.splitlines() if line.startswith("line ")}, done.stdout

    def test_what_is_right_passes(self):
        lines, text = self.failures(GOOD)
        self.assertEqual(lines, set(), text)
        self.assertIn("createTicket: no test had a success of it", text)
        self.assertNotIn("getHealth: no test", text)

    def test_what_is_wrong_is_told(self):
        lines, text = self.failures([line for _, line in BAD])
        missed = [name for n, (name, _) in enumerate(BAD, 1) if n not in lines]
        self.assertEqual(missed, [], text)

    def test_what_is_no_record_is_told(self):
        self.assertIn("line 1: not a record", self.check('{"method": "GE\n').stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
