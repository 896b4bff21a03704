"""hotline simulate: a small day through every door, against the daemon's own figures; the same seed again; what is wrong in
the command line; a demo day that leaves the clock where it stands.
"""
import json
import os
import subprocess
import tempfile
import unittest

from hotline_test import BIN, Daemon, main, pages

DAY, FROM, TO = "2026-03-10", "2026-03-10T00:00:00+08:00", "2026-03-11T00:00:00+08:00"
DOORS = ("phone", "wechat", "device", "open311", "web", "grid", "upstream")
REGION = "320281001001"


class Town:
    """A daemon with everything that comes through its doors, and the credentials that ./up would write."""

    def __init__(self, clock=FROM):
        self.daemon = Daemon(clock).set_up()
        try:
            self.admin, self.desk = self.daemon.client("admin"), self.daemon.client("desk")
            self.path = os.path.join(self.daemon.data, "credentials.json")
            self.write_credentials()
        except BaseException:
            self.daemon.clean()
            raise

    def write_credentials(self):
        tokens = self.daemon.tokens
        self.admin.post("/v1/admin/accounts/desk/agent", {"agent": "1001"})
        devices = self.admin.post("/v1/admin/devices", {"devices": [
            {"id": f"SIM-{n}", "name": f"一键通 {n}", "region": REGION, "address": f"{n} 号"} for n in range(1, 9)]})["items"]
        wechat = self.admin.ok("POST", "/v1/admin/wechat",
                               {"account": "demo", "app_id": "wx00000000demo12345", "category": "010206"}, status=201)
        with open(self.path, "w", encoding="utf-8") as f:
            json.dump({
                "base_url": f"http://127.0.0.1:{self.daemon.port}",
                "tokens": {**{who: tokens[who] for who in ("admin", "desk", "supervisor", "phone", "web")},
                           "units": {who[5:]: token for who, token in tokens.items() if who.startswith("unit:")}},
                "devices": [{"id": d["id"], "key": d["key"]} for d in devices],
                "wechat": {"account": "demo", "app_id": "wx00000000demo12345",
                           "token": wechat["token"], "aes_key": wechat["aes_key"]},
                "agent": "1001", "mqtt_port": None}, f)

    def simulate(self, *options, code=0):
        done = simulate("--credentials", self.path, *options)
        if done.returncode != code:
            raise AssertionError(f"{options}: {done.returncode}\n{done.stdout}{done.stderr}\n{self.daemon.log()[-3000:]}")
        return done

    def day(self, *options):
        return json.loads(self.simulate("--json", *options).stdout)

    def clean(self):
        self.admin.close()
        self.desk.close()
        self.daemon.clean()


def simulate(*options, lang="en"):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HOTLINE_")}
    return subprocess.run([str(BIN / "hotline"), "--lang", lang, "simulate", *options], capture_output=True, text=True,
                          timeout=600, check=False, env=environment)


class WholeDay(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.town = Town()
        cls.said = cls.town.simulate("--json", "--day", DAY, "--tickets", "32", "--seed", "7")
        cls.summary = json.loads(cls.said.stdout)

    @classmethod
    def tearDownClass(cls):
        cls.town.clean()

    def test_every_door_was_used_and_nothing_refused(self):
        summary = self.summary
        self.assertEqual(set(summary["doors"]), set(DOORS))
        for door, counts in summary["doors"].items():
            self.assertGreater(counts["received"], 0, door)
            self.assertEqual(counts["received"], counts["ended"] + counts["open"], door)
        self.assertEqual((summary["refused_steps"], summary["overtaken"]), (0, 0))
        for figure in ("calls", "calls_lost", "called_back", "messages", "presses", "heartbeats", "looked_up", "screen_pops",
                       "silent_devices", "warned"):
            self.assertGreater(summary[figure], 0, figure)
        # 32 by citizens, one more of the device that fell silent
        self.assertEqual(summary["tickets"], 33)
        self.assertEqual((summary["from"], summary["to"]), (FROM, TO))

    def test_the_figures_are_the_daemons(self):
        daemon, summary = self.town.desk.get("/v1/reports/tiers?from=2026-03-10T00:00:00%2B08:00"), self.summary
        self.assertEqual(daemon["received"], summary["tickets"])
        self.assertEqual(daemon["desk"], summary["answered"])
        self.assertEqual(daemon["closed"], summary["answered"] + summary["closed"])
        self.assertEqual(daemon["in_hand"], summary["open"])
        self.assertEqual({t["tier"]: t["closed"] for t in daemon["tiers"] if t["closed"]}, summary["tiers"])
        self.assertGreater(summary["closed"], 0)

    def test_the_lists_are_the_same(self):
        states = {}
        for ticket in pages(self.town.desk, "/v1/tickets?limit=200"):
            states.setdefault(ticket["channel"], []).append(ticket["state"])
        self.assertEqual({channel: len(found) for channel, found in states.items()}, self.summary["channels"])
        ended = {"closed": self.summary["answered"] + self.summary["closed"], "rejected": self.summary["rejected"],
                 "referred": self.summary["referred"], "withdrawn": self.summary["withdrawn"],
                 "false_alarm": self.summary["false_alarms"]}
        every = sum(states.values(), [])
        self.assertEqual({state: every.count(state) for state in ended}, ended)

    def test_calls_belong_to_tickets_and_the_list_of_missed_ones_is_empty(self):
        calls = list(pages(self.town.desk, "/v1/calls?limit=200"))
        self.assertEqual(len(calls), self.summary["calls"])
        self.assertEqual(sum(c["fate"] is not None for c in calls), self.summary["calls_lost"])
        self.assertEqual(self.town.desk.get("/v1/calls?missed=true")["items"], [])
        ticket = next(t for t in pages(self.town.desk, "/v1/tickets?channel=phone"))
        call = self.town.desk.get(f"/v1/tickets/{ticket['number']}")["call"]
        self.assertEqual((call["gateway_id"], call["agent_id"], len(call["recordings"])), ("simulated-pbx", "1001", 1))

    def test_the_clock_went_along(self):
        self.assertEqual(self.town.daemon.advance(0), TO)
        # the curve: nobody sleeps at ten, nearly everybody at three
        hours = [int(t["received_at"][11:13]) for t in pages(self.town.desk, "/v1/tickets?limit=200")]
        self.assertGreater(sum(8 <= h < 18 for h in hours), sum(h < 7 for h in hours))

    def test_progress_is_lines_of_time_and_counts(self):
        lines = self.said.stderr.splitlines()
        self.assertGreater(len(lines), 5)
        for line in lines:
            self.assertRegex(line, r"^demo day \d\d:\d\d  in \d+  ended \d+  open \d+  \| phone \d+ wechat \d+ device \d+ ")

    def test_nothing_is_out_of_order_afterwards(self):
        after = {}
        while after is not None:
            page = self.town.admin.post("/v1/admin/verify", after)
            self.assertEqual((page["differing"], page["broken_chains"], page["samples"]), (0, 0, []))
            after = {"after": page["next"]} if page["next"] else None

    def test_yesterday_cannot_be_played(self):
        done = self.town.simulate("--day", "2026-03-09", code=2)
        self.assertIn("--day: the clock stands at 2026-03-11T00:00:00+08:00 already", done.stderr)

    def test_the_same_seed_is_the_same_day(self):
        """On another daemon; then a demo day, which happens at once and moves no clock."""
        town = Town()
        self.addCleanup(town.clean)
        summary = town.day("--day", DAY, "--tickets", "32", "--seed", "7", "--speed", "max", "--doors", ",".join(DOORS))
        received = {door: counts["received"] for door, counts in summary["doors"].items()}
        self.assertEqual(received, {door: counts["received"] for door, counts in self.summary["doors"].items()})
        done = town.simulate("--day", "--tickets", "14", "--shared")
        self.assertEqual(town.daemon.advance(0), TO)
        self.assertRegex(done.stdout, r"(?m)^14 tickets$")
        self.assertNotIn("not allowed", done.stdout)
        self.assertRegex(done.stdout, r"(?m)^one-key device +\d+ +\d+ +\d+$")

    def test_zz_a_refusal_is_a_failure(self):
        """Last: a web front whose token is no more."""
        with open(self.town.path, encoding="utf-8") as f:
            credentials = json.load(f)
        credentials["tokens"]["web"] = "0" * 32
        path = self.town.path + ".broken"
        with open(path, "w", encoding="utf-8") as f:
            json.dump(credentials, f)
        done = simulate("--credentials", path, "--doors", "web", "--tickets", "3")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(done.stderr.count("should not have been refused: POST /v1/tickets: "), 3, done.stderr)
        self.assertIn("3 steps were refused that should not have been", done.stderr)


class CommandLine(unittest.TestCase):
    """Nothing is asked of a daemon."""

    def refused(self, *options, lang="en"):
        done = simulate(*options, lang=lang)
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        return done.stderr

    def test_wrong_options_are_named(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
            json.dump({"tokens": {"desk": "x"}}, f)
            f.flush()
            for options, en, zh in (
                    (("--day", "today"), "--day has to be a date such as 2025-03-10", "--day 应为日期"),
                    (("--day=2026-02-30",), "--day has to be a date", "--day 应为日期"),
                    (("--speed", "0"), "--speed has to be 1..100000 or max", "--speed 应为 1..100000 或 max"),
                    (("--speed", "fast"), "--speed has to be 1..100000 or max", "--speed 应为"),
                    (("--tickets", "0"), "--tickets has to be a number 1..100000", "--tickets"),
                    (("--seed", "x"), "--seed has to be a number", "--seed"),
                    (("--doors", "grid,fax"), "--doors: there is no fax; there is: phone, wechat, device", "--doors 没有 fax"),
                    (("--doors", "grid,wechat"), "--doors wechat: the credentials do not have what it needs",
                     "--doors wechat: 凭据文件中没有所需内容"),
                    (("--doors", "grid", "--colour"), "--colour", "--colour")):
                self.assertIn(en, self.refused("--credentials", f.name, *options), options)
                self.assertIn(zh, self.refused("--credentials", f.name, *options, lang="zh"), options)


if __name__ == "__main__":
    main()
