"""Real calls: sipp as citizens and desks' telephones, Kamailio between them with gateways/kamailio.cfg, pops on an event stream.

    sipp (citizen) -- SIP --> kamailio -- SIP --> sipp (desk 1001)
                                 | POST /v1/calls/events
                              hotlined -- SSE --> the desk's stream

Kamailio and sipp are Debian's; `.ci/peers` unpacks Kamailio below build-check/peers without installing it (its package
starts a SIP proxy for all the world). Everything listens on 127.0.0.1 alone. HOTLINE_SIP_CALLS=1000 plays more.
"""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import datetime
import unittest

from hotline_test import ROOT, Daemon, main, wait_until
from test_events import Stream

CALLS = int(os.environ.get("HOTLINE_SIP_CALLS", "100"))
RATE = int(os.environ.get("HOTLINE_SIP_RATE", "20"))
SCENARIOS = pathlib.Path(__file__).parent / "sip"
CONFIG = ROOT / "gateways" / "kamailio.cfg"


def find_kamailio():
    """(program, folder of its modules, its environment), or None: the unpacked packages first, then installed ones."""
    for root in (os.environ.get("HOTLINE_PEERS"), ROOT / "build-check" / "peers", "/"):
        program = pathlib.Path(root or "/nowhere") / "usr" / "sbin" / "kamailio"
        libraries = sorted(pathlib.Path(root or "/nowhere").glob("usr/lib/*/kamailio"))
        if program.exists() and libraries and (libraries[0] / "modules" / "http_client.so").exists():
            return program, libraries[0] / "modules", {**os.environ, "LD_LIBRARY_PATH": str(libraries[0])}
    return None


KAMAILIO, SIPP = find_kamailio(), shutil.which("sipp")


def free_ports(count, kind=socket.SOCK_DGRAM):
    held = [socket.socket(socket.AF_INET, kind) for _ in range(count)]
    for s in held:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return ports


class TimedStream(Stream):
    """Remembers when each screen pop came, by the same clock that sipp writes down."""

    def __init__(self, *arguments):
        self.came = {}
        super().__init__(*arguments)

    def take(self, block):
        super().take(block)
        if block.get("event") == "call.popped":
            self.came.setdefault(self.events[-1]["call_id"], time.time())


class Peer:
    """A program of somebody else; ended by its own pid, with its children."""

    def __init__(self, command, folder, env=None):
        self.command, self.log_path = command, os.path.join(folder, os.path.basename(str(command[0])) + ".out")
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([str(c) for c in command], cwd=folder, env=env, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()[-3000:]

    def children(self):
        try:
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as f:
                return [int(pid) for pid in f.read().split()]
        except OSError:
            return []

    def done(self, deadline=180):
        try:
            code = self.process.wait(deadline)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.command} does not end\n{self.log()}") from None
        if code != 0:
            raise AssertionError(f"{self.command} ended with {code}\n{self.log()}")

    def stop(self):
        if self.process.poll() is not None:
            return
        children = self.children()
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            for pid in (self.process.pid, *children):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.process.wait(30)


@unittest.skipUnless(KAMAILIO and SIPP, "kamailio with http_client, or sipp, is not here; .ci/peers and sip-tester")
class Sip(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="hotline-sip-", dir=os.environ.get("HOTLINE_TMP"))
        cls.port, = free_ports(1, socket.SOCK_STREAM)
        cls.daemon = Daemon(options=("--area-code", "0510", "--port", str(cls.port)))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.addClassCleanup(cls.daemon.clean)
        cls.daemon.set_up()
        admin = cls.daemon.client("admin")
        admin.post("/v1/admin/accounts/desk/agent", {"agent": "1001"})
        admin.post("/v1/admin/devices", {"devices": [{"id": "OKC-1", "region": "320281001001", "name": "一键通",
                                                      "person": "李奶奶", "phone": "13900000001"}]})
        admin.close()
        cls.desk = cls.daemon.client("desk")
        cls.addClassCleanup(cls.desk.close)
        cls.sip, cls.citizen, cls.telephone = free_ports(3)
        cls.kamailio = cls.start_kamailio()
        cls.addClassCleanup(cls.kamailio.stop)

    @classmethod
    def start_kamailio(cls):
        program, modules, env = KAMAILIO
        text = CONFIG.read_text(encoding="utf-8")
        for name, value in {"HOTLINE_URL": f"http://127.0.0.1:{cls.port}/v1/calls/events", "LISTEN_AT": f"udp:127.0.0.1:{cls.sip}",
                            "HOTLINE_TOKEN": cls.daemon.tokens["phone"], "DESKS_AT": f"sip:127.0.0.1:{cls.telephone}"}.items():
            text, found = re.subn(rf'(#!substdef "!{name}!)[^!]*!', lambda m, v=value: m.group(1) + v + "!", text)
            if found != 1:
                raise AssertionError(f"{CONFIG}: {name} is there {found} times")
        path = os.path.join(cls.folder, "kamailio.cfg")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        # in the foreground, messages to stderr, few processes
        return Peer([program, "-f", path, "-L", modules, "-Y", cls.folder, "-DD", "-E", "-n", "2", "-m", "32"], cls.folder, env)

    def sipp(self, scenario, *more):
        return Peer([SIPP, "-sf", SCENARIOS / f"{scenario}.xml", "-i", "127.0.0.1", "-nostdin", "-timeout", "300s",
                     "-timeout_error", "-trace_err", "-error_file", os.path.join(self.folder, scenario + ".err"),
                     "-error_overwrite", "true", "-trace_msg", "-message_file", os.path.join(self.folder, scenario + ".msg"),
                     "-message_overwrite", "true", *more], self.folder)

    def play(self, citizen, telephone, callers):
        """Every caller calls once; returns when every call went as its scenario says."""
        path = os.path.join(self.folder, "callers.csv")
        with open(path, "w", encoding="ascii") as f:
            f.write("SEQUENTIAL\n" + "".join((c + "@" if c else "") + ";\n" for c in callers))
        desk = self.sipp(telephone, "-p", self.telephone, "-key", "desk", "1001")
        self.addCleanup(desk.stop)
        wait_until(lambda: self.is_bound(self.telephone) and self.is_bound(self.sip), "the telephones and kamailio")
        citizens = self.sipp(citizen, f"127.0.0.1:{self.sip}", "-m", str(len(callers)), "-s", "12345", "-p", self.citizen,
                             "-r", RATE, "-inf", path)
        self.addCleanup(citizens.stop)
        try:
            citizens.done()
            desk.stop()  # it has no number of calls of its own: an INVITE that comes again late may look like one more
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.errors(citizen)}\n{self.errors(telephone)}\n{self.kamailio.log()}") from None

    def errors(self, scenario):
        try:
            with open(os.path.join(self.folder, scenario + ".err"), encoding="utf-8", errors="replace") as f:
                return f"{scenario}: {f.read()[-3000:]}"
        except FileNotFoundError:
            return f"{scenario}: no error"

    def is_bound(self, port):
        self.assertIsNone(self.kamailio.process.poll(), self.kamailio.log())
        with open("/proc/net/udp", encoding="ascii") as f:
            return f"0100007F:{port:04X} " in f.read()

    def rang(self, telephone):
        """When the telephone said 180, by Call-ID, from sipp's own record."""
        with open(os.path.join(self.folder, telephone + ".msg"), encoding="utf-8", errors="replace") as f:
            parts = re.split(r"^-{20,} (\S+ \S+)$", f.read(), flags=re.M)
        times = {}
        for at, text in zip(parts[1::2], parts[2::2]):
            if "message sent" in text and "SIP/2.0 180" in text:
                call = re.search(r"^Call-ID: (\S+)", text, re.M).group(1)
                times[call] = datetime.datetime.fromisoformat(at).timestamp()
        return times

    def calls(self, ids):
        items = {i["call_id"]: i for id_ in ids for i in self.desk.get(f"/v1/calls?call_id={id_}")["items"]}
        return [items[i] for i in ids if i in items]

    def stream(self, who="desk"):
        stream = TimedStream(self.port, self.daemon.tokens[who])
        self.addCleanup(stream.close)
        return stream

    def pops(self, stream):
        return [e for e in list(stream.events) if e["type"] == "call.popped"]

    def test_1_every_call_pops_once_at_its_desk(self):
        stream, other = self.stream(), self.stream("desk2")
        callers = [f"139{n:08}" for n in range(CALLS)]
        self.play("uac", "uas", callers)
        rang = self.rang("uas")
        self.assertEqual(len(rang), CALLS)
        wait_until(lambda: len(self.pops(stream)) >= CALLS, f"{CALLS} screen pops")
        wait_until(lambda: {c["state"] for c in self.calls(list(rang))} == {"ended"}, "the ends")
        pops = self.pops(stream)
        self.assertEqual(sorted(p["call_id"] for p in pops), sorted(rang), "each once")
        self.assertEqual(sorted(p["ani"] for p in pops), callers)
        self.assertEqual({(p["agent_id"], p["gateway_id"], p["dnis"]) for p in pops}, {("1001", "kamailio", "12345")})
        self.assertEqual([p["device"]["person"] for p in pops if "device" in p], ["李奶奶"] if CALLS > 1 else [])
        self.assertEqual(self.pops(other), [])
        for call in self.calls(list(rang)):
            self.assertEqual((call["fate"], call["agent_id"], call["cause"], call["direction"]), (None, "1001", "normal", "inbound"))
            self.assertTrue(all(call[k + "_at"] for k in ("offered", "ringing", "answered", "ended")), call)
        self.assertNotIn("ERROR", self.kamailio.log(), "of the configuration")
        took = sorted((stream.came[c] - at) * 1000 for c, at in rang.items())
        print(f"{CALLS} calls, {RATE} a second: telephone rings to screen pop p50 {took[len(took) // 2]:.1f} ms, "
              f"p99 {took[int((len(took) - 1) * 0.99)]:.1f} ms, worst {took[-1]:.1f} ms", flush=True)

    def test_2_who_gives_up_is_to_be_called_back(self):
        stream = self.stream()
        self.play("uac_cancel", "uas_cancel", [f"137{n:08}" for n in range(4)] + [""])
        ids = list(self.rang("uas_cancel"))
        wait_until(lambda: [c["state"] for c in self.calls(ids)] == ["ended"] * 5, "the ends")
        self.assertEqual({(c["fate"], c["cause"]) for c in self.calls(ids)}, {("missed", "cancelled")})
        self.assertEqual(sorted(c["ani"] for c in self.calls(ids)), [f"137****{n:04}" for n in range(4)] + ["anonymous"])
        missed = {i["call_id"] for i in self.desk.get("/v1/calls?missed=true")["items"]}
        self.assertEqual(missed & set(ids), set(ids))
        self.assertEqual(sorted(p["call_id"] for p in self.pops(stream)), sorted(ids))
        for call in ids:
            self.assertIn(call, self.daemon.hotline("call", "list", "--missed", who="desk"))
            self.daemon.hotline("call", "returned", "kamailio", call, who="desk")
        self.assertEqual({i["call_id"] for i in self.desk.get("/v1/calls?missed=true")["items"]} & set(ids), set())

    def test_3_nothing_is_lost_while_the_daemon_is_down(self):
        self.daemon.kill()
        self.play("uac", "uas", [f"136{n:08}" for n in range(5)])
        ids = list(self.rang("uas"))
        self.daemon.start()
        wait_until(lambda: [c["state"] for c in self.calls(ids)] == ["ended"] * 5, "kept by Kamailio and sent again")
        for call in wait_until(lambda: [c for c in self.calls(ids) if c["answered_at"]][4:] and self.calls(ids), "all of it"):
            self.assertEqual((call["fate"], call["agent_id"]), (None, "1001"))


if __name__ == "__main__":
    if not (KAMAILIO and SIPP):
        print("skipped: kamailio with http_client, or sipp, is not here; see .ci/peers and the package sip-tester")
        sys.exit(77)
    main()
