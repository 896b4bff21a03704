"""WeChat's door: verification, plain and safe mode, WeCom, XML and JSON; conversations that make, query, rate and withdraw
tickets; every kind of push; repeats, races, crashes; the outbox with its bridge; what is hostile.

The other side is Node with @wecom/crypto and wechat-crypto, installed from the npm registry into the build folder by the lock file
in wechat/. Without them Node's own AES is the other side, and the storm of WeChat's server (wechat/server.js) is skipped.
HOTLINE_WECHAT=10000 sends as many messages in it (300 otherwise).
"""
import concurrent.futures
import datetime
import hashlib
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import threading
import unittest
import urllib.parse
import xml.etree.ElementTree as ElementTree

from hotline_test import BIN, Client, DaemonTest, main, wait_until

HERE = pathlib.Path(__file__).resolve().parent
STORM = int(os.environ.get("HOTLINE_WECHAT", "300"))
TOKEN, APP_ID, KEY = "hotlineToken1", "wx12345ab67cd89ef01", "Q7mE0vN3xT9kWcB5yJ2hLs8dRfU6aGpZ1oIqXnVtM4w"
TOKEN2, KEY2 = "hotlineToken2", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
CATEGORY = "010206"
WENDING = "320281001001"
NUMBER = re.compile(r"[0-9]{18}")


def element(name, value):
    if isinstance(value, dict):
        return f"<{name}>" + "".join(element(k, v) for k, v in value.items()) + f"</{name}>"
    return f"<{name}>{value}</{name}>" if isinstance(value, int) else f"<{name}><![CDATA[{value}]]></{name}>"


def install_peers():
    """The folder that has the packages, None if no registry can be reached. What is not the locked package fails."""
    source, folder = HERE / "wechat", BIN.parent / "wechat-peers"
    lock = (source / "package-lock.json").read_bytes()
    done = folder / "installed-lock.json"
    if done.is_file() and done.read_bytes() == lock:
        return folder
    if not shutil.which("npm"):
        print("npm is not installed: the packages of others cannot be had")
        return None
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(source / name, folder)
    run = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, capture_output=True, text=True,
                         timeout=180, check=False)
    if run.returncode == 0:
        done.write_bytes(lock)
        return folder
    reached = subprocess.run(["npm", "view", "@wecom/crypto@1.0.1", "version"], capture_output=True, timeout=60, check=False)
    if reached.returncode == 0:
        raise AssertionError("npm reaches its registry but could not install the locked packages\n" + run.stderr)
    print("npm reaches no registry: the packages of others cannot be had")
    return None


class Peer:
    """Node beside us."""

    def __init__(self):
        self.folder = install_peers()
        self.libs = ("wecom", "wechat", "node") if self.folder else ("node",)
        self.lock = threading.Lock()
        self.process = subprocess.Popen(["node", str(HERE / "wechat" / "sender.js"), str(self.folder or "/nonexistent")],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def ask(self, **question):
        with self.lock:
            self.process.stdin.write(json.dumps(question) + "\n")
            self.process.stdin.flush()
            answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise AssertionError(answer["error"])
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(60)


class Sender:
    """WeChat's server for one account. push() gives the text of the reply, "" for `success`."""

    def __init__(self, test, account, mode="plain", token=TOKEN, key=KEY, app_id=APP_ID, lib="node", is_json=False):
        self.is_json = is_json
        self.test, self.account, self.mode = test, account, mode
        self.token, self.key, self.app_id, self.lib = token, key, app_id, lib
        self.client = Client(test.daemon.port)
        self.nonce = random.randrange(10 ** 9)

    def sign(self, timestamp, nonce):
        return hashlib.sha1("".join(sorted([self.token, timestamp, nonce])).encode()).hexdigest()

    def target(self, query):
        return f"/v1/wechat/{self.account}?{urllib.parse.urlencode(query)}"

    def request(self, xml, skew=0, nonce=None, **how):
        self.nonce += 1
        timestamp, nonce = str(self.test.now() + skew), nonce or str(self.nonce)
        query = {"signature": self.sign(timestamp, nonce), "timestamp": timestamp, "nonce": nonce}
        if self.mode != "plain":
            sealed = self.test.peer.ask(op="encrypt", lib=self.lib, token=self.token, key=self.key, id=self.app_id,
                                        timestamp=timestamp, nonce=nonce, xml=xml, **how)
            query["msg_signature"] = sealed["msg_signature"]
            if self.mode == "wecom":
                del query["signature"]
            else:
                query["encrypt_type"] = "aes"
            xml = self.body({"ToUserName": "gh_1", "Encrypt": sealed["encrypt"]})
        return self.target(query), xml

    def call(self, xml, client=None, **more):
        target, body = self.request(xml, **more)
        return (client or self.client).call("POST", target, body.encode(), {"Content-Type": "text/xml"})

    def read(self, answer):
        if answer.status != 200:
            raise AssertionError(answer)
        if answer.body in (b"success", b""):
            return ""
        self.test.assertTrue(answer.headers["content-type"].startswith("application/json" if self.is_json else "text/xml"))
        parts = self.parts(answer.body)
        if self.mode != "plain":
            opened = self.test.peer.ask(op="decrypt", lib=self.lib, token=self.token, key=self.key, id=self.app_id,
                                        encrypt=parts["Encrypt"], timestamp=str(parts["TimeStamp"]), nonce=parts["Nonce"])
            self.test.assertEqual(opened["msg_signature"], parts["MsgSignature"])
            self.test.assertEqual(opened["id"], self.app_id)
            parts = self.parts(opened["message"])
        self.test.assertEqual(parts["MsgType"], "text")
        return parts["Content"]

    def body(self, fields):
        if self.is_json:
            return json.dumps(fields, ensure_ascii=False)
        return "<xml>" + "".join(v if k == "" else element(k, v) for k, v in fields.items()) + "</xml>"

    def parts(self, body):
        return json.loads(body) if self.is_json else {e.tag: e.text for e in ElementTree.fromstring(body)}

    def message(self, user, kind, msg_id=None, **fields):
        self.test.msg_id += 1
        fields = {"ToUserName": "gh_1", "FromUserName": user, "CreateTime": self.test.now(), "MsgType": kind, **fields}
        if kind != "event":
            fields["MsgId"] = msg_id or self.test.msg_id
        return self.body(fields)

    def push(self, user, kind, **fields):
        return self.read(self.call(self.message(user, kind, **fields)))

    def say(self, user, text, **fields):
        return self.push(user, "text", Content=text, **fields)


class WechatTest(DaemonTest):
    msg_id = 24680135792468013

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not shutil.which("node"):
            super().tearDownClass()
            raise unittest.SkipTest("node is not installed")
        cls.peer = Peer()
        cls.gateway = cls.daemon.client("phone")

    @classmethod
    def tearDownClass(cls):
        cls.peer.close()
        cls.gateway.close()
        super().tearDownClass()

    @classmethod
    def now(cls):
        client = Client(cls.daemon.port)
        now = client.ok("POST", "/v1/test/clock", {"advance_seconds": 0})["now"]
        client.close()
        return int(datetime.datetime.fromisoformat(now).timestamp())

    def account(self, name, **fields):
        body = {"account": name, "app_id": APP_ID, "category": CATEGORY, "token": TOKEN, "aes_key": KEY, **fields}
        return self.admin.ok("POST", "/v1/admin/wechat", body, status=201)

    def number(self, text):
        found = NUMBER.search(text)
        self.assertIsNotNone(found, text)
        return found.group()

    def tickets(self, account):
        return int(self.daemon.sql(f"SELECT count(*) FROM ticket WHERE received_by = 'wechat-{account}'")[0][0])


class Doors(WechatTest):
    """Who comes in and how, and many at once."""

    @classmethod
    def now(cls):  # the clock stands
        return int(datetime.datetime.fromisoformat(cls.CLOCK).timestamp())

    def test_verification(self):
        self.account("verify", mode="plain")
        sender = Sender(self, "verify")
        now = str(self.now())
        good = {"signature": sender.sign(now, "n1"), "timestamp": now, "nonce": "n1", "echostr": "<b>5927782489442352469"}
        answer = self.gateway.call("GET", sender.target(good))
        self.assertEqual((answer.status, answer.body), (200, good["echostr"].encode()), answer)
        self.assertTrue(answer.headers["content-type"].startswith("text/plain"))
        for wrong in ({"signature": "0" * 40}, {"signature": good["signature"][:-1]}, {"nonce": "n2"},
                      {"timestamp": str(int(now) - 301)}, {"timestamp": "x"}):
            self.assertEqual(self.gateway.call("GET", sender.target({**good, **wrong})).status, 403, wrong)
        for absent in ("signature", "timestamp", "nonce", "echostr"):
            self.assertEqual(self.gateway.call("GET", sender.target({k: v for k, v in good.items() if k != absent})).status,
                             403, absent)
        self.assertEqual(self.gateway.call("GET", "/v1/wechat/nobody?signature=x").status, 404)

    def test_safe_mode_with_every_peer(self):
        self.account("safe")
        for lib in self.peer.libs:
            with self.subTest(lib):
                sender = Sender(self, "safe", "safe", lib=lib)
                user = "oSafe_" + lib
                self.assertIn("已记录（第1条）", sender.say(user, "小区路灯不亮，请尽快维修"))
                number = self.number(sender.say(user, "提交"))
                ticket = self.desk.get(f"/v1/tickets/{number}")
                self.assertEqual((ticket["channel"], ticket["title"], ticket["category"]),
                                 ("wechat", "小区路灯不亮", CATEGORY))
                for pad in range(33):  # every length of padding
                    self.assertIn("帮助", sender.say(user, "?" + " " * pad))
        plain = Sender(self, "safe")
        self.assertEqual(plain.call(plain.message("o1", "text", Content="x")).status, 403)

    def test_wecom(self):
        self.account("corp", kind="wecom", app_id="ww1234567890abcdef")
        for lib in self.peer.libs:
            with self.subTest(lib):
                sender = Sender(self, "corp", "wecom", app_id="ww1234567890abcdef", lib=lib)
                now = str(self.now())
                echo = self.peer.ask(op="encrypt", lib=lib, token=TOKEN, key=KEY, id=sender.app_id, timestamp=now, nonce="n",
                                     xml="1616140317555161061")
                query = {"msg_signature": echo["msg_signature"], "timestamp": now, "nonce": "n"}
                for text in (urllib.parse.quote(echo["encrypt"], safe=""), echo["encrypt"]):  # '+' as it is, too
                    answer = self.gateway.call("GET", sender.target(query) + "&echostr=" + text)
                    self.assertEqual((answer.status, answer.body), (200, b"1616140317555161061"), answer)
                user = "corp_" + lib
                sender.push(user, "event", Event="enter_agent", EventKey="", AgentID=1)
                self.assertIn("第1条", sender.push(user, "file", Title="附件.pdf", MediaId="f1", AgentID=1))
                self.number(sender.say(user, "提交", AgentID=1))
        wrong = Sender(self, "corp", "wecom", app_id="ww_other")
        self.assertEqual(wrong.call(wrong.message("o", "text", Content="x")).status, 403)

    def test_rotation(self):
        self.account("rotate")
        old, new = (Sender(self, "rotate", "safe", token=t, key=k) for t, k in ((TOKEN, KEY), (TOKEN2, KEY2)))
        self.assertEqual(new.call(new.message("o1", "text", Content="x")).status, 403)
        self.admin.post("/v1/admin/wechat/rotate", {"token": TOKEN2, "aes_key": KEY2})
        self.assertIn("第1条", old.say("o1", "旧密钥"))
        self.assertIn("第2条", new.say("o1", "新密钥"))
        self.admin.post("/v1/admin/wechat/rotate", {"retire": True})
        self.assertEqual(old.call(old.message("o1", "text", Content="x")).status, 403)
        self.assertIn("第3条", new.say("o1", "仍可用"))
        self.admin.post("/v1/admin/wechat/rotate", {"disabled": True})
        self.assertEqual(new.call(new.message("o1", "text", Content="x")).status, 404)
        listed = next(i for i in self.admin.get("/v1/admin/wechat")["items"] if i["account"] == "rotate")
        self.assertEqual((listed["tokens"], listed["disabled"]), (1, True))
        self.assertNotIn(TOKEN2, json.dumps(listed))
        made = self.admin.ok("POST", "/v1/admin/wechat", {"account": "made", "app_id": "wx1", "category": CATEGORY}, status=201)
        self.assertRegex(made["aes_key"], "^[A-Za-z0-9]{43}$")
        sender = Sender(self, "made", "safe", token=made["token"], key=made["aes_key"], app_id="wx1")
        self.assertIn("第1条", sender.say("o1", "生成的密钥"))
        self.assertEqual(self.daemon.sql("SELECT count(*) FROM wechat_account WHERE tokens::text LIKE '%hotlineToken%'"), [["0"]])

    def test_admin_refuses(self):
        body = {"account": "bad", "app_id": "wx", "category": CATEGORY}
        for wrong, field in (({"category": "999"}, "category"), ({"token": "a b"}, "token"), ({"aes_key": "=" * 43}, "aes_key"),
                             ({"account": "a/b"}, "account"), ({"menu": [{"kind": "help"}]}, "menu[0].key"),
                             ({"mode": "none"}, "mode"), ({"menu": [{"key": "k", "category": "999"}]}, "menu[0].category")):
            answer = self.admin.call("POST", "/v1/admin/wechat", {**body, **wrong})
            self.assertEqual((answer.status, [e["field"] for e in answer.json["errors"]]), (400, [field]), answer)
        self.account("twice")
        self.assertEqual(self.admin.call("POST", "/v1/admin/wechat", {**body, "account": "twice"}).status, 409)
        self.assertEqual(self.admin.call("POST", "/v1/admin/wechat/absent", {"retire": True}).status, 404)

    def metric(self, name):
        text = self.admin.call("GET", "/metrics").body.decode()
        return sum(float(n) for n in re.findall(rf"^{name}(?:{{[^}}]*}})? ([0-9.e+]+)$", text, re.M))

    def test_compatible_mode(self):
        self.account("both", mode="compatible")
        plain, safe = Sender(self, "both"), Sender(self, "both", "safe")
        self.assertIn("第1条", plain.say("oB", "明文"))
        self.assertIn("第2条", safe.say("oB", "密文"))
        self.account("open", mode="plain")
        self.assertIn("第1条", Sender(self, "open", "safe").say("oB", "密文"))

    def test_json(self):
        self.account("json", mode="compatible")
        for lib in self.peer.libs:
            for mode in ("plain", "safe"):
                with self.subTest(lib=lib, mode=mode):
                    sender = Sender(self, "json", mode, lib=lib, is_json=True)
                    user = f"oJson_{lib}_{mode}"
                    once = sender.message(user, "text", Content="路灯不亮\u0001<&]]>\"")
                    self.assertEqual([sender.read(sender.call(once)) for _ in range(3)].count(sender.read(sender.call(once))), 3)
                    self.assertIn("文定社区", sender.push(user, "location", Location_X=31.92, Location_Y=120.27, Scale=16,
                                                       Label="江阴市澄江街道文定社区3幢"))
                    ticket = self.desk.get(f"/v1/tickets/{self.number(sender.say(user, '提交'))}")
                    self.assertEqual((ticket["region"], ticket["address"]), (WENDING, "江阴市澄江街道文定社区3幢"))
                    self.assertIn("(GCJ-02 31.92,120.27)", ticket["text"])

    def test_hostile_bodies(self):
        self.account("hostile", mode="plain")
        sender = Sender(self, "hostile")
        good = sender.message("oH", "text", Content="路灯")
        bomb = '<!DOCTYPE lolz [<!ENTITY lol0 "lol">' + "".join(
            f'<!ENTITY lol{n} "{f"&lol{n - 1};" * 10}">' for n in range(1, 10)) + "]>"
        before = self.metric("hotlined_wechat_bad_xml_total")
        refused = ("<!DOCTYPE xml [<!ENTITY a 'x'>]>" + good, bomb + good.replace("<![CDATA[路灯]]>", "&lol9;"),
                   "<!DOCTYPE xml [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>" + good.replace("<![CDATA[路灯]]>", "&e;"),
                   "<!DOCTYPE xml SYSTEM 'http://127.0.0.1:1/x.dtd'>" + good,
                   "<!DOCTYPE xml [<!ENTITY % p SYSTEM 'http://127.0.0.1:1/x'> %p;]>" + good, "", "[]", "{", "nothing",
                   good.replace("<![CDATA[路灯]]>", "&lol;"), "<xml>" + "<a>" * 20 + "</a>" * 20 + "</xml>", good[:-1],
                   "<xml>" + "<a/>" * 1000 + "</xml>", "[" * 60000, '{"a":' * 10000)
        for body in refused:
            self.assertEqual(sender.call(body).status, 400, body[:80])
        self.assertEqual(self.metric("hotlined_wechat_bad_xml_total"), before + len(refused))
        for body in ("<xml/>", "{}"):  # from nobody
            self.assertEqual(sender.call(body).status, 200, body)
        self.assertIn("第1条", sender.read(sender.call(good)))
        self.assertIn("第2条", sender.say("oH", "控制\x08字符"))

    def test_truncated_at_every_byte(self):
        self.account("cut", mode="compatible")
        for is_json in (False, True):
            plain, safe = Sender(self, "cut", is_json=is_json), Sender(self, "cut", "safe", is_json=is_json)
            plain.client.recorded = safe.client.recorded = False
            good = plain.message(f"oCut{is_json}", "text", Content="路")
            for size in range(len(good.encode())):
                target, _ = plain.request(good)
                self.assertEqual(plain.client.call("POST", target, good.encode()[:size]).status, 400, size)
            target, body = safe.request(good)
            for size in range(0, len(body), 1 if STORM > 300 else 5):  # every one by hand: each is alike
                status = safe.client.call("POST", target, body[:size].encode()).status
                self.assertIn(status, (400, 403), size)
            self.assertIn("第1条", safe.read(safe.client.call("POST", target, body.encode())))

    def test_signed_but_wrong(self):
        self.account("signed")
        sender = Sender(self, "signed", "safe")
        good = sender.message("oS", "text", Content="路灯")
        before = self.metric("hotlined_door_refusals_total")
        for pad in (0, 33, 255):
            self.assertEqual(sender.call(good, pad=pad).status, 403, pad)
        other = Sender(self, "signed", "safe", app_id="wx_other")
        self.assertEqual(other.call(good).status, 403)
        self.assertEqual(Sender(self, "signed", "safe", key=KEY2).call(good).status, 403)
        self.assertEqual(Sender(self, "signed", "safe", token=TOKEN2).call(good).status, 403)
        target, body = sender.request(good)
        self.assertEqual(sender.client.call("POST", target.replace("msg_signature=", "msg_signature=0"), body.encode()).status, 403)
        self.assertEqual(sender.client.call("POST", re.sub("([?&])signature=..", r"\1signature=00", target), body.encode()).status,
                         403)
        self.assertEqual(self.metric("hotlined_door_refusals_total"), before + 8)
        inner = sender.call("<!DOCTYPE xml [<!ENTITY a 'x'>]>" + good)  # what is encrypted is trusted no more
        self.assertEqual(inner.status, 400)
        self.assertEqual(sender.call("not XML").status, 400)
        self.assertIn("第1条", sender.read(sender.call(good)))

    def test_replays(self):
        self.account("replay", mode="plain")
        sender = Sender(self, "replay")
        good, other = (sender.message("oR", "text", Content=text) for text in ("路灯", "另一条"))
        for skew in (-301, 301, -10 ** 6):
            self.assertEqual(sender.call(good, skew=skew).status, 403, skew)
        replies = {sender.read(sender.call(good, skew=skew, nonce=nonce)) for nonce in ("fixed", "fixed2", None)
                   for skew in (-300, 0, 300, 0)}
        self.assertEqual(replies, {sender.read(sender.call(good))})
        before = self.metric("hotlined_door_refusals_total")
        self.assertEqual(sender.call(other, nonce="fixed").status, 403)
        self.assertEqual(self.metric("hotlined_door_refusals_total"), before + 1)
        self.assertIn("第2条", sender.read(sender.call(other)))

    def test_unknown_and_too_big(self):
        self.account("here", mode="plain")
        sender = Sender(self, "here")
        before = self.metric("hotlined_wechat_unknown_accounts_total")
        for name in ("nobody", "a" * 200, "%00", "%2e%2e", "here%20", "%e8%b7%af"):
            for method in ("GET", "POST"):
                self.assertIn(self.gateway.call(method, f"/v1/wechat/{name}?signature=x&timestamp=1&nonce=1").status, (400, 404), name)
        self.assertGreaterEqual(self.metric("hotlined_wechat_unknown_accounts_total"), before + 6)
        for prefix in ("<xml><Content>", '{"Content":"'):
            big = Client(self.daemon.port)
            try:
                self.assertEqual(sender.call(prefix + "x" * (1 << 20), client=big).status, 413)
            except (ConnectionError, http.client.HTTPException):
                pass  # refused before it was sent whole
            big.close()
        self.assertIn("第1条", sender.say("oG", "别人的照样受理"))

    def test_nobody_waits_for_the_hostile(self):
        self.account("calm", mode="plain")
        stop = threading.Event()

        def harm(index):
            sender, done = Sender(self, "calm"), 0
            sender.client.recorded = False
            bodies = ("<!DOCTYPE x [<!ENTITY a 'b'>]><xml/>", "<xml>" + "<a>" * 500, "{" * 60000, "x" * 65000)
            while not stop.is_set():
                self.assertEqual(sender.call(bodies[(index + done) % len(bodies)]).status, 400)
                done += 1
            return done

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            jobs = [pool.submit(harm, i) for i in range(4)]
            try:
                sender = Sender(self, "calm")
                for n in range(1, 21):
                    self.assertIn(f"第{n}条", sender.say("oCalm", f"第{n}句"))
            finally:
                stop.set()
            self.assertGreater(sum(job.result() for job in jobs), 4)

    def test_storm_of_wechats_server(self):
        """WeChat's server of wechat/server.js: each matter exactly one ticket, each repeat the same reply, none over 5 s."""
        if not self.peer.folder:
            self.skipTest("no npm registry: @wecom/crypto and wechat-crypto cannot be had")
        self.account("server")
        count = -(-STORM // 3)
        order = {"port": self.daemon.port, "account": "server", "token": TOKEN, "key": KEY, "id": APP_ID, "timestamp": self.now(),
                 "matters": count, "at_once": 16, "seed": STORM}
        run = subprocess.run(["node", str(HERE / "wechat" / "server.js"), str(self.peer.folder)], input=json.dumps(order),
                             capture_output=True, text=True, timeout=3600, check=False)
        self.assertEqual(run.returncode, 0, run.stderr)
        result = json.loads(run.stdout)
        numbers = result.pop("numbers")
        print(json.dumps(result))
        self.assertEqual((result["unanswered"], result["differing"], result["over"]), ([], [], 0))
        self.assertEqual((len(numbers), len(set(numbers.values())), self.tickets("server")), (count,) * 3)
        texts = dict(self.daemon.sql("SELECT number, replace(text, E'\\n', '|') FROM ticket WHERE received_by = 'wechat-server'"))
        for user, number in numbers.items():
            self.assertEqual(sorted(texts[str(int(number))].split("|")), [f"事项{user[7:]}的第{n}段" for n in (1, 2)])

    def one(self, index):
        sender = Sender(self, "storm", "safe", lib=self.peer.libs[index % len(self.peer.libs)])
        user, replies = f"oStorm{index}", []
        chance = random.Random(index)
        parts = [sender.message(user, "text", Content=f"事项{index}第{n}段") for n in range(2)]
        chance.shuffle(parts)
        for xml in parts + [sender.message(user, "text", Content="提交")]:
            seen = set()
            for _ in range(3 + chance.randrange(3)):  # three tries, and repeats of what was answered
                try:
                    answer = sender.call(xml)
                except (OSError, http.client.HTTPException):
                    sender.client.close()
                    self.alive.wait(60)
                    sender.client = Client(self.daemon.port)
                    continue
                if answer.status == 200:
                    seen.add(sender.read(answer))
                    if chance.random() < 0.6:
                        break
            if not seen:  # what was never acknowledged is WeChat's to bring again
                wait_until(lambda: (a := sender.call(xml)).status == 200 and (seen.add(sender.read(a)) or True), "an answer")
            replies.append(seen)
        sender.client.close()
        return user, replies

    def test_killed_in_between(self):
        self.account("storm")
        self.alive = threading.Event()
        self.alive.set()
        count = 60
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            jobs = [pool.submit(self.one, i) for i in range(count)]
            wait_until(lambda: self.tickets("storm") > count // 4, "a part of the storm", 300)
            self.alive.clear()
            self.daemon.kill()
            self.daemon.start()
            self.alive.set()
            results = [job.result() for job in jobs]
        numbers = set()
        for user, replies in results:
            self.assertEqual([len(r) for r in replies], [1, 1, 1], (user, replies))
            numbers.add(self.number(replies[2].pop()))
        self.assertEqual(len(numbers), count)
        self.assertEqual(self.tickets("storm"), count)
        self.assertEqual(self.daemon.sql("SELECT count(*) FROM wechat_matter WHERE number IS NULL"), [["0"]])
        for who in ("desk", "supervisor", "admin"):
            setattr(type(self), who, self.daemon.client(who))
        type(self).gateway = self.daemon.client("phone")


class Talks(WechatTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin.ok("POST", "/v1/admin/wechat", {"account": "talk", "app_id": APP_ID, "category": CATEGORY, "token": TOKEN,
                                                  "aes_key": KEY, "mode": "plain",
                                                  "menu": [{"key": "V1_LAMP", "kind": "complaint", "category": "010206"}]},
                     status=201)

    def setUp(self):
        self.sender = Sender(self, "talk")
        self.addCleanup(self.sender.client.close)
        self.user = f"oUser_{self.id()}"

    def say(self, text, **fields):
        return self.sender.say(self.user, text, **fields)

    def outbox(self):
        return self.gateway.post("/v1/wechat/talk/outbox/claim", {"limit": 100, "lease_seconds": 60})["items"]

    def test_the_whole_life(self):
        self.assertIn("12345", self.sender.push(self.user, "event", Event="subscribe", EventKey=""))
        self.assertIn("投诉", self.sender.push(self.user, "event", Event="CLICK", EventKey="V1_LAMP"))
        self.say("路灯三天不亮。晚上很危险")
        self.sender.push(self.user, "image", PicUrl="http://mmbiz.qpic.cn/1", MediaId="media-1")
        self.assertIn("文定社区", self.sender.push(self.user, "location", Location_X="31.92", Location_Y="120.27", Scale="16",
                                               Label="江阴市澄江街道文定社区3幢"))
        number = self.number(self.say("提交"))
        ticket = self.desk.get(f"/v1/tickets/{number}")
        self.assertEqual((ticket["kind"], ticket["region"], ticket["title"], ticket["address"]),
                         ("complaint", WENDING, "路灯三天不亮", "江阴市澄江街道文定社区3幢"))
        self.assertIn("http://mmbiz.qpic.cn/1", ticket["text"])
        self.assertIn(number, self.say(f"查询 {number}"))
        self.assertIn(number, self.say("查询"))
        self.assertIn("没有找到", self.sender.say("oSomebodyElse", f"查询{number}"))
        self.assertIn("没有找到", self.sender.say("oSomebodyElse", f"取消{number}"))
        self.assertIn("没有找到", self.say("评价 5"))
        self.assertIn("不在待评价状态", self.say(f"评价 {number} 5"))
        self.desk.post(f"/v1/tickets/{number}/dispatch", {"lead_unit": "JY-GJ"})
        self.work(number)
        self.desk.post(f"/v1/tickets/{number}/review", {"pass": True})
        self.daemon.advance(1)
        sent = [i for i in self.outbox() if i["to"] == self.user]
        self.assertEqual([i["kind"] for i in sent], ["media", "text"])
        self.assertEqual(sent[0]["payload"], {"media_id": "media-1", "type": "image"})
        self.assertIn("评价", sent[1]["payload"]["text"])
        self.assertIn("已办结", self.say("评价 5 谢谢"))
        ticket = self.desk.get(f"/v1/tickets/{number}")
        self.assertEqual(ticket["state"], "closed")
        self.assertEqual(self.daemon.sql("SELECT satisfied, solved, text, account FROM callback WHERE number = "
                                         f"{int(number)}"), [["5", "t", "谢谢", "wechat-talk"]])

    def test_a_bad_grade_starts_a_redo(self):
        self.say("井盖坏了")
        number = self.number(self.say("提交"))
        self.desk.post(f"/v1/tickets/{number}/dispatch", {"lead_unit": "JY-GJ"})
        self.work(number)
        self.desk.post(f"/v1/tickets/{number}/review", {"pass": True})
        once = self.sender.message(self.user, "text", Content=f"评价 {number} 1 未解决")
        replies = {self.sender.read(self.sender.call(once)) for _ in range(3)}
        self.assertEqual(len(replies), 1)
        self.assertIn("重新办理", replies.pop())
        self.assertEqual(self.desk.get(f"/v1/tickets/{number}")["round"], 2)

    def test_withdrawal(self):
        self.say("弄错了")
        self.assertIn("已放弃", self.say("取消"))
        self.say("还是要说")
        number = self.number(self.say("提交"))
        once = self.sender.message(self.user, "text", Content=f"取消{number}")
        for _ in range(3):
            self.assertIn("已撤销", self.sender.read(self.sender.call(once)))
        self.assertEqual(self.desk.get(f"/v1/tickets/{number}")["state"], "withdrawn")

    def test_time_is_over(self):
        self.say("第一件")
        self.daemon.advance(599)
        self.say("还是第一件")
        self.daemon.advance(1)
        sent = [i for i in self.outbox() if i["to"] == self.user]
        number = self.number(sent[0]["payload"]["text"])
        self.assertEqual(self.desk.get(f"/v1/tickets/{number}")["text"], "第一件\n还是第一件")
        self.say("第二件")
        self.sender.push(self.user, "event", Event="unsubscribe", EventKey="")
        self.daemon.advance(1)
        texts = self.daemon.sql("SELECT count(*) FROM ticket WHERE text = '第二件' AND received_by = 'wechat-talk'")
        self.assertEqual(texts, [["1"]])
        self.assertEqual([i for i in self.outbox() if i["to"] == self.user], [])

    def test_repeats_and_races(self):
        first = self.sender.message(self.user, "text", Content="重复的消息")
        last = self.sender.message(self.user, "text", Content="提交")
        before = self.tickets("talk")
        replies = []
        for message in (first, last):
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                def push(_):
                    sender = Sender(self, "talk")
                    text = sender.read(sender.call(message))
                    sender.client.close()
                    return text
                replies.append(set(pool.map(push, range(8))))
        self.assertEqual([len(r) for r in replies], [1, 1], replies)
        self.assertEqual(self.tickets("talk"), before + 1)
        self.assertIn("第1条", replies[0].pop())
        event = self.sender.message(self.user, "event", Event="CLICK", EventKey="help")
        self.assertEqual(len({self.sender.read(self.sender.call(event)) for _ in range(3)}), 1)

    MESSAGES = (  # kind, fields, what the reply says, what the ticket says
        ("text", {"Content": "路灯"}, "已记录", "路灯"),
        ("text", {"Content": "路灯二", "MsgDataId": "d", "Idx": 1}, "已记录", "路灯二"),
        ("text", {"Content": ""}, "帮助", None),
        ("text", {"Content": "]]"}, "已记录", "]]"),
        ("image", {"PicUrl": "http://p/1", "MediaId": "mi"}, "已记录", "[图片] http://p/1"),
        ("voice", {"MediaId": "mv", "Format": "amr", "Recognition": "井盖坏了"}, "已记录", "[语音] 井盖坏了 mv"),
        ("voice", {"MediaId": "mw", "Format": "speex", "MediaId16K": "x"}, "已记录", "[语音] mw"),
        ("video", {"MediaId": "mx", "ThumbMediaId": "t"}, "已记录", "[视频] mx"),
        ("shortvideo", {"MediaId": "my", "ThumbMediaId": "t"}, "已记录", "[视频] my"),
        ("location", {"Location_X": "31.5", "Location_Y": "120.25", "Scale": "16", "Label": ""}, "街道", "[位置]  (GCJ-02 31.5,120.25)"),
        ("link", {"Title": "标题", "Description": "d", "Url": "http://u"}, "已记录", "[链接] 标题 http://u"),
        ("file", {"Title": "附件.pdf", "MediaId": "mf"}, "已记录", "[文件] 附件.pdf mf"),
        ("miniprogrampage", {"Title": "x", "AppId": "wx", "PagePath": "p"}, "已记录", "[其他消息] miniprogrampage"),
        ("of_tomorrow", {"Hologram": {"Depth": {"X": "1"}}}, "已记录", "[其他消息] of_tomorrow"),
    )
    EVENTS = (
        ("subscribe", {"EventKey": ""}, "12345"),
        ("subscribe", {"EventKey": "qrscene_123", "Ticket": "t"}, "12345"),
        ("SCAN", {"EventKey": "123", "Ticket": "t"}, "12345"),
        ("CLICK", {"EventKey": "V1_LAMP"}, "投诉"),
        ("CLICK", {"EventKey": "consult"}, "咨询"),
        ("CLICK", {"EventKey": "praise"}, "表扬"),
        ("CLICK", {"EventKey": "help"}, "帮助"),
        ("CLICK", {"EventKey": "no_such_key"}, "帮助"),
        ("CLICK", {}, "帮助"),
        ("scancode_waitmsg", {"EventKey": "k", "ScanCodeInfo": {"ScanType": "qrcode", "ScanResult": "灯杆0012"}}, "已记录"),
        ("LOCATION", {"Latitude": "31.9", "Longitude": "120.2", "Precision": "65.0"}, ""),
        ("VIEW", {"EventKey": "http://u", "MenuId": 1}, ""),
        ("view_miniprogram", {"EventKey": "pages/x", "MenuId": 1}, ""),
        ("TEMPLATESENDJOBFINISH", {"MsgID": 200163836, "Status": "success"}, ""),
        ("TEMPLATESENDJOBFINISH", {"MsgID": 200163837, "Status": "failed:user block"}, ""),
        ("TEMPLATESENDJOBFINISH", {"MsgID": 200163838, "Status": "failed: system failed"}, ""),
        ("TEMPLATESENDJOBFINISH", {}, ""),
        ("MASSSENDJOBFINISH", {"MsgID": 1000001625, "Status": "send success", "TotalCount": 100}, ""),
        ("PUBLISHJOBFINISH", {"PublishEventInfo": {"publish_id": 2247503051, "publish_status": 0}}, ""),
        ("scancode_push", {"EventKey": "k", "ScanCodeInfo": {"ScanType": "qrcode", "ScanResult": "1"}}, ""),
        ("pic_sysphoto", {"EventKey": "k", "SendPicsInfo": {"Count": 1}}, ""),
        ("pic_photo_or_album", {"EventKey": "k", "SendPicsInfo": {"Count": 1}}, ""),
        ("pic_weixin", {"EventKey": "k", "SendPicsInfo": {"Count": 1}}, ""),
        ("location_select", {"EventKey": "k", "SendLocationInfo": {"Location_X": "1", "Location_Y": "2", "Label": "x"}}, ""),
        ("subscribe_msg_popup_event", {"SubscribeMsgPopupEvent": {"List": {"TemplateId": "t", "SubscribeStatusString": "accept"}}}, ""),
        ("subscribe_msg_change_event", {"SubscribeMsgChangeEvent": {"List": {"TemplateId": "t"}}}, ""),
        ("subscribe_msg_sent_event", {"SubscribeMsgSentEvent": {"List": {"TemplateId": "t", "MsgID": "1", "ErrorCode": "0"}}}, ""),
        ("kf_create_session", {"KfAccount": "a@b"}, ""),
        ("enter_agent", {"EventKey": "", "AgentID": 1}, ""),
        ("brand_new_event", {"Whatever": {"Deep": {"Deeper": "x"}}}, ""),
        ("", {}, ""),
        ("unsubscribe", {"EventKey": ""}, ""),
    )

    def test_everything_that_is_pushed_is_answered_and_kept(self):
        self.admin.post("/v1/admin/wechat/talk", {"mode": "compatible"})
        self.addCleanup(self.admin.post, "/v1/admin/wechat/talk", {"mode": "plain"})
        for is_json, mode in ((False, "safe"), (True, "plain")):
            with self.subTest(is_json=is_json, mode=mode):
                self.everything(Sender(self, "talk", mode, is_json=is_json), f"oAll_{is_json}_{mode}")

    def everything(self, sender, user):
        count = f"SELECT count(*) FROM wechat_message WHERE content IS NOT NULL AND key LIKE '{{}}%'"
        before = [int(self.daemon.sql(count.format(kind))[0][0]) for kind in ("m:", "e:")]
        lines = []
        for kind, fields, says, line in self.MESSAGES:
            self.assertIn(says, self.twice(sender, sender.message(user, kind, **fields)), kind)
            lines += [line] if line else []
        ticket = self.desk.get(f"/v1/tickets/{self.number(sender.say(user, '提交'))}")
        for line in lines:
            self.assertIn(line, ticket["text"].split("\n"))
        for event, fields, says in self.EVENTS:
            reply = self.twice(sender, sender.message(user, "event", Event=event, **fields))
            self.assertEqual(bool(reply), bool(says), (event, reply))
            self.assertIn(says, reply, event)
        self.assertIn(says, self.twice(sender, sender.body({"FromUserName": user, "MsgType": "event"})))
        after = [int(self.daemon.sql(count.format(kind))[0][0]) for kind in ("m:", "e:")]
        self.assertEqual(after[0] - before[0], len(self.MESSAGES) + 1)
        apart = ("LOCATION", "VIEW", "view_miniprogram")  # not kept, on purpose
        kept = [e for e, f, _ in self.EVENTS if e not in apart and not (e == "TEMPLATESENDJOBFINISH" and f)]
        self.assertEqual(after[1] - before[1], len(kept) + 1)
        self.assertEqual(self.daemon.sql("SELECT count(*) FROM wechat_message WHERE type ~* 'event.(location|view.*)$'"), [["0"]])

    def twice(self, sender, message):
        first = sender.read(sender.call(message))
        self.assertEqual(sender.read(sender.call(message)), first)
        return first

    def report(self, item, result, **more):
        return self.gateway.call("POST", f"/v1/wechat/talk/outbox/{item['id']}/result",
                                 {"lease": item["lease"], "result": result, **more})

    def claim(self, kind=None):
        return [i for i in self.outbox() if i["to"] == self.user and kind in (None, i["kind"])]

    def state(self, item):
        return self.daemon.sql(f"SELECT state, outcome FROM wechat_outbox WHERE id = {item['id']}")[0]

    def in_callback(self, text):
        """A ticket that waits for its citizen's word."""
        self.say(text)
        number = self.number(self.say("提交"))
        self.desk.post(f"/v1/tickets/{number}/dispatch", {"lead_unit": "JY-GJ"})
        self.work(number)
        self.desk.post(f"/v1/tickets/{number}/review", {"pass": True})
        return number

    def news(self, by):
        text = self.admin.call("GET", "/metrics").body.decode()
        return int(re.search(rf'^hotlined_wechat_news_total{{by="{by}"}} ([0-9]+)$', text, re.M).group(1))

    def test_news_are_told_at_once(self):
        """No look of the sweep is waited for: the clock stands, and the event's own counter says who told it."""
        before = self.news("event")
        numbers = [self.in_callback(f"第{n}盏路灯不亮") for n in range(3)]
        texts = []

        def told():
            for item in self.claim("text"):
                texts.append(item["payload"]["text"])
                self.assertEqual(self.report(item, "sent").status, 200)
            return len(texts) >= len(numbers)
        wait_until(told, "news of three tickets")
        self.assertEqual(sorted(NUMBER.search(t).group() for t in texts), sorted(numbers))
        self.assertGreater(self.news("event"), before)
        self.daemon.advance(60)  # and the sweep finds nothing that was told already
        self.assertEqual(self.claim("text"), [])

    def test_outbox(self):
        self.sender.push(self.user, "image", PicUrl="http://p", MediaId="fetch-me")
        item = self.claim("media")[0]
        self.assertEqual(self.report({**item, "lease": "0" * 32}, "sent").status, 409)
        self.assertEqual(self.report(item, "retry", outcome="45015", retry_seconds=30).json["state"], "queued")
        self.assertEqual(self.claim(), [])
        self.daemon.advance(30)
        item = self.claim()[0]
        self.assertEqual(item["attempts"], 2)
        self.daemon.advance(60)  # the bridge died: its lease ends
        again = self.claim()[0]
        self.assertEqual((again["id"], again["attempts"]), (item["id"], 3))
        self.assertEqual(self.report(item, "sent").status, 409)
        for _ in range(2):  # a report that is repeated
            self.assertEqual(self.report(again, "sent").json["state"], "sent")
        self.assertEqual(self.gateway.call("POST", "/v1/wechat/nobody/outbox/claim", {}).status, 404)
        self.assertEqual(self.report({**item, "id": "0"}, "sent").status, 404)
        for wrong, field in (({"media": {}}, "media.url"), ({"media": {"url": "ftp://x/12345"}}, "media.url"),
                             ({"media": {"url": "https://x", "sha256": "z" * 64}}, "media.sha256"),
                             ({"media": {"url": "https://x", "bytes": -1}}, "media.bytes")):
            answer = self.report(again, "sent", **wrong)
            self.assertEqual((answer.status, answer.json["errors"][0]["field"]), (400, field), answer)
        self.assertEqual(self.report(again, "failed", media={"url": "https://x"}).status, 400)

    def metric(self, name):
        text = self.daemon.client().call("GET", "/metrics").body.decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))

    def test_what_comes_too_late_is_not_sent(self):
        """A text after 48 hours and media after three days have failed, bridge or not; nor is anything tried for ever."""
        self.sender.push(self.user, "image", PicUrl="http://p", MediaId="too-late")
        self.say("时间到了才提交")
        self.daemon.advance(600)
        waiting = lambda: self.daemon.sql("SELECT kind, state, outcome FROM wechat_outbox o WHERE openid = (SELECT openid "
                                          "FROM wechat_matter ORDER BY id DESC LIMIT 1) ORDER BY kind")
        self.assertEqual(waiting(), [["media", "queued", ""], ["text", "queued", ""]])
        before = self.metric('hotlined_wechat_outbox_failed_total{why="expired"}')
        self.daemon.advance(48 * 3600 + 61)
        self.assertEqual(waiting(), [["media", "queued", ""], ["text", "failed", "expired"]])
        self.daemon.advance(24 * 3600)
        self.assertEqual(waiting(), [["media", "failed", "expired"], ["text", "failed", "expired"]])
        self.assertGreaterEqual(self.metric('hotlined_wechat_outbox_failed_total{why="expired"}') - before, 2)
        self.sender.push(self.user, "image", PicUrl="http://p", MediaId="too-often")
        self.daemon.sql("UPDATE wechat_outbox SET attempts = 199 WHERE state = 'queued'")
        (item,) = [i for i in self.outbox() if i["payload"].get("media_id") == "too-often"]
        self.assertEqual(item["attempts"], 200)
        self.daemon.advance(61)
        self.assertEqual([i for i in self.outbox() if i["id"] == item["id"]], [])
        self.assertEqual(self.daemon.sql(f"SELECT state, outcome FROM wechat_outbox WHERE id = {item['id']}"),
                         [["failed", "attempts"]])

    def test_what_never_works_hinders_nobody(self):
        """More matters that cannot be read than one look takes: the next conversation and the clock go on all the same."""
        self.say("占位")
        self.say("取消")
        self.daemon.sql("""INSERT INTO wechat_matter (account, openid, draft, at)
            SELECT account, openid, '{"broken": true}', '2026-01-01' FROM wechat_conversation, generate_series(1, 250)
            WHERE account = 'talk' ORDER BY changed_at DESC LIMIT 250""")
        broken = "FROM wechat_matter WHERE draft ? 'broken'"
        self.addCleanup(self.daemon.sql, f"DELETE {broken}")
        before = self.metric("hotlined_wechat_put_off_total")
        self.say("后来的一件")
        self.daemon.advance(600)
        put_off = self.metric("hotlined_wechat_put_off_total")
        self.assertGreaterEqual(put_off - before, 250)
        self.assertEqual(self.daemon.sql(f"SELECT count(*) {broken} AND failures > 0 AND next_at IS NOT NULL"), [["250"]])
        self.assertEqual(self.daemon.sql("SELECT count(*) FROM ticket WHERE text = '后来的一件'"), [["1"]])
        self.daemon.advance(19)
        self.assertEqual(self.metric("hotlined_wechat_put_off_total"), put_off, "they are left in peace")

    def test_templates(self):
        template = {"id": "TM1", "url": "https://city.example/p?number={number}",
                    "fields": {"character_string1": "number", "thing2": "title", "phrase3": "state", "time4": "received",
                               "thing5": "reply"}}
        self.admin.post("/v1/admin/wechat/talk", {"template": template})
        self.addCleanup(self.admin.post, "/v1/admin/wechat/talk", {"template": {}})
        listed = next(i for i in self.admin.get("/v1/admin/wechat")["items"] if i["account"] == "talk")
        self.assertEqual(listed["template"], template)
        items = []
        for n in range(5):
            number = self.in_callback(f"{n}号楼的电梯坏了很久很久很久很久很久很久很久很久都没有人来修")
            item = wait_until(lambda: next(iter(self.claim("template")), None), "a template")
            self.assertEqual(item["payload"]["template_id"], "TM1")
            self.assertEqual(item["payload"]["url"], f"https://city.example/p?number={number}")
            data = {k: v["value"] for k, v in item["payload"]["data"].items()}
            self.assertEqual((data["character_string1"], len(data["thing2"]), data["phrase3"]), (number, 20, "待回访"))
            self.assertTrue(data["time4"] and data["thing5"])
            items.append(item)

        def finish(msg_id, status):
            self.assertEqual(self.sender.push("o", "event", Event="TEMPLATESENDJOBFINISH", MsgID=msg_id, Status=status), "")
        self.assertEqual(self.report(items[0], "sent", remote_id="9001").json["state"], "sent")
        finish(9001, "success")
        self.assertEqual(self.state(items[0]), ["closed", "success"])
        self.assertEqual(self.report(items[0], "sent", remote_id="9001").json["state"], "closed")  # repeated
        finish(9001, "failed:user block")  # the first word stands
        self.assertEqual(self.state(items[0]), ["closed", "success"])
        self.report(items[1], "sent", remote_id="9002")
        finish(9002, "failed: system failed")
        self.assertEqual(self.state(items[1]), ["failed", "failed: system failed"])
        finish(9003, "success")  # before the bridge has reported
        self.assertEqual(self.report(items[2], "sent", remote_id="9003").json["state"], "closed")
        finish(9004, "failed:user block")
        self.assertEqual(self.report(items[3], "sent", remote_id="9004").json["state"], "failed")
        self.assertEqual(self.report(items[4], "failed", outcome="43004").json["state"], "failed")
        self.race(finish)
        finish(4711, "success")  # of somebody else with the same account
        self.assertEqual(self.daemon.sql("SELECT outbox IS NULL FROM wechat_delivery WHERE remote_id = '4711'"), [["t"]])

    def race(self, finish):
        """The report and WeChat's word at the same time, again and again: none is lost."""
        for n in range(4):
            self.in_callback(f"竞争{n}")
            item = wait_until(lambda: next(iter(self.claim("template")), None), "a template")
            client = self.daemon.client("phone")
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                report = pool.submit(client.call, "POST", f"/v1/wechat/talk/outbox/{item['id']}/result",
                                     {"lease": item["lease"], "result": "sent", "remote_id": str(9100 + n)})
                pool.submit(finish, 9100 + n, "success").result()
                self.assertEqual(report.result().status, 200)
            client.close()
            self.assertEqual(self.state(item), ["closed", "success"])

    def test_template_is_refused(self):
        for wrong, field in (({"id": "T"}, "template.fields"), ({"fields": {}}, "template.id"), ([], "template"),
                             ({"id": "T", "fields": {"thing1": "weather"}}, "template.fields.thing1"),
                             ({"id": "T", "fields": {"a b": "title"}}, "template.fields.a b"),
                             ({"id": "T", "fields": {}, "url": "javascript:alert(1)"}, "template.url"),
                             ({"id": "T", "fields": {f"thing{n}": "title" for n in range(11)}}, "template.fields.thing10")):
            answer = self.admin.call("POST", "/v1/admin/wechat/talk", {"template": wrong})
            self.assertEqual((answer.status, answer.json["errors"][0]["field"]), (400, field), answer)

    def attachments(self, number):
        return self.desk.get(f"/v1/tickets/{number}/attachments")["items"]

    def test_media_come_to_their_ticket(self):
        sums = [hashlib.sha256(name.encode()).hexdigest() for name in ("early", "late")]
        self.sender.push(self.user, "image", PicUrl="http://p/0", MediaId="dropped")
        self.say("取消")
        self.assertEqual(self.claim("media"), [])  # nobody wants it any more
        self.say("井盖坏了")
        self.sender.push(self.user, "image", PicUrl="http://p/1", MediaId="early")
        self.sender.push(self.user, "voice", Format="amr", MediaId="late", Recognition="听得见吗")
        self.sender.push(self.user, "video", ThumbMediaId="t", MediaId="gone")
        items = {i["payload"]["media_id"]: i for i in self.claim("media")}
        self.assertEqual(sorted(items), ["early", "gone", "late"])
        stored = {"url": "https://media.city.example/1", "sha256": sums[0], "bytes": 1234, "content_type": "image/jpeg"}
        self.assertEqual(self.report(items["early"], "sent", media=stored).json["state"], "sent")  # before there is a ticket
        number = self.number(self.say("提交"))
        waiting = [a["state"] for a in self.attachments(number)]
        self.assertEqual(waiting, ["stored", "waiting", "waiting"])
        place = self.desk.get("/v1/events?after=&limit=1")["next"]
        self.report(items["late"], "sent", media={"url": "https://media.city.example/2", "sha256": sums[1]})  # after it
        self.report(items["gone"], "failed", outcome="40007")
        events = wait_until(lambda: [e for e in self.desk.get(f"/v1/events?after={place}&limit=100")["items"]
                                     if e["type"] == "media.stored"], "the event")
        self.assertEqual([(e["number"], e["attachment"], e["media"]) for e in events], [(number, items["late"]["id"], "voice")])
        found = self.attachments(number)
        self.assertEqual([(a["type"], a["state"], a["url"], a["sha256"], a["bytes"], a["content_type"]) for a in found],
                         [("image", "stored", stored["url"], sums[0], 1234, "image/jpeg"),
                          ("voice", "stored", "https://media.city.example/2", sums[1], None, None),
                          ("video", "failed", None, None, None, None)])
        self.sender.push(self.user, "image", PicUrl="http://p/3", MediaId="next")  # of another matter
        other = self.number(self.say("提交"))
        self.assertEqual([a["type"] for a in self.attachments(other)], ["image"])
        self.assertEqual(len(self.attachments(number)), 3)
        self.sender.push(self.user, "image", PicUrl="http://p/4", MediaId="by-itself")  # submitted by time
        self.daemon.advance(600)
        text = self.claim("text")[0]["payload"]["text"]
        self.assertEqual([a["state"] for a in self.attachments(self.number(text))], ["waiting"])


if __name__ == "__main__":
    main()
