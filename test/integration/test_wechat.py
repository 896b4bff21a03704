"""WeChat's door: verification, plain and safe mode, WeCom; conversations that make, query, rate and withdraw tickets;
repeats, races, crashes; the outbox; what is hostile.

The other side is Node with @wecom/crypto and wechat-crypto from the npm registry, or with its own AES where that cannot be
reached. HOTLINE_WECHAT=10000 sends as many messages in the storm (300 otherwise).
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
import tempfile
import threading
import time
import unittest
import urllib.parse
import xml.etree.ElementTree as ElementTree

from hotline_test import Client, DaemonTest, main, wait_until

HERE = pathlib.Path(__file__).resolve().parent
STORM = int(os.environ.get("HOTLINE_WECHAT", "300"))
TOKEN, APP_ID, KEY = "hotlineToken1", "wx12345ab67cd89ef01", "Q7mE0vN3xT9kWcB5yJ2hLs8dRfU6aGpZ1oIqXnVtM4w"
TOKEN2, KEY2 = "hotlineToken2", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
CATEGORY = "010206"
WENDING = "320281001001"
NUMBER = re.compile(r"[0-9]{18}")
SLOWEST = 5.0


def element(name, value):
    return f"<{name}>{value}</{name}>" if isinstance(value, int) else f"<{name}><![CDATA[{value}]]></{name}>"


class Peer:
    """Node beside us."""

    libs = ("node",)

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="hotline-npm-")
        done = subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix",
                               self.folder, "@wecom/crypto@1.0.1", "wechat-crypto@0.0.2"], capture_output=True, text=True,
                              timeout=120, check=False) if shutil.which("npm") else None
        if done and done.returncode == 0:
            self.libs = ("wecom", "wechat", "node")
        else:
            print("npm cannot be reached: Node's own AES is the only peer")
        self.lock = threading.Lock()
        self.process = subprocess.Popen(["node", str(HERE / "wechat" / "sender.js"), self.folder], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

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
        self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)


class Sender:
    """WeChat's server for one account. push() gives the text of the reply, "" for `success`."""

    def __init__(self, test, account, mode="plain", token=TOKEN, key=KEY, app_id=APP_ID, lib="node"):
        self.test, self.account, self.mode = test, account, mode
        self.token, self.key, self.app_id, self.lib = token, key, app_id, lib
        self.client = Client(test.daemon.port)
        self.nonce = random.randrange(10 ** 9)

    def sign(self, timestamp, nonce):
        return hashlib.sha1("".join(sorted([self.token, timestamp, nonce])).encode()).hexdigest()

    def target(self, query):
        return f"/v1/wechat/{self.account}?{urllib.parse.urlencode(query)}"

    def request(self, xml, skew=0, nonce=None):
        self.nonce += 1
        timestamp, nonce = str(self.test.now() + skew), nonce or str(self.nonce)
        query = {"signature": self.sign(timestamp, nonce), "timestamp": timestamp, "nonce": nonce}
        if self.mode != "plain":
            sealed = self.test.peer.ask(op="encrypt", lib=self.lib, token=self.token, key=self.key, id=self.app_id,
                                        timestamp=timestamp, nonce=nonce, xml=xml)
            query["msg_signature"] = sealed["msg_signature"]
            if self.mode == "wecom":
                del query["signature"]
            else:
                query["encrypt_type"] = "aes"
            xml = "<xml>" + element("ToUserName", "gh_1") + element("Encrypt", sealed["encrypt"]) + "</xml>"
        return self.target(query), xml

    def call(self, xml, client=None, **more):
        target, body = self.request(xml, **more)
        return (client or self.client).call("POST", target, body.encode(), {"Content-Type": "text/xml"})

    def read(self, answer):
        if answer.status != 200:
            raise AssertionError(answer)
        if answer.body in (b"success", b""):
            return ""
        root = ElementTree.fromstring(answer.body)
        if self.mode != "plain":
            parts = {e.tag: e.text for e in root}
            opened = self.test.peer.ask(op="decrypt", lib=self.lib, token=self.token, key=self.key, id=self.app_id,
                                        encrypt=parts["Encrypt"], timestamp=parts["TimeStamp"], nonce=parts["Nonce"])
            self.test.assertEqual(opened["msg_signature"], parts["MsgSignature"])
            self.test.assertEqual(opened["id"], self.app_id)
            root = ElementTree.fromstring(opened["message"])
        self.test.assertEqual(root.findtext("MsgType"), "text")
        return root.findtext("Content")

    def message(self, user, kind, msg_id=None, **fields):
        self.test.msg_id += 1
        fields = {"ToUserName": "gh_1", "FromUserName": user, "CreateTime": self.test.now(), "MsgType": kind, **fields}
        if kind != "event":
            fields["MsgId"] = msg_id or self.test.msg_id
        return "<xml>" + "".join(element(k, v) for k, v in fields.items()) + "</xml>"

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

    def test_hostile_bodies(self):
        self.account("hostile", mode="plain")
        sender = Sender(self, "hostile")
        good = sender.message("oH", "text", Content="路灯")
        for body, status in ((good.replace("<xml>", "<!DOCTYPE xml [<!ENTITY a 'x'>]><xml>"), 400), ("", 400), ("{}", 200), ("[]", 400), ("{", 400),
                             ("<xml>" + "<a>" * 20 + "</a>" * 20 + "</xml>", 400), ("<xml/>", 200), (good[:-1], 400),
                             ("<xml>" + "<a/>" * 1000 + "</xml>", 400)):
            self.assertEqual(sender.call(body).status, status, body[:80])
        for size in range(0, len(good) - 1, 7):
            self.assertEqual(sender.call(good[:size]).status, 400)
        big = Client(self.daemon.port)
        try:
            self.assertEqual(sender.call("<xml>" + "x" * (1 << 20) + "</xml>", client=big).status, 413)
        except (ConnectionError, http.client.HTTPException):
            pass  # refused before it was sent whole
        big.close()
        self.assertEqual(sender.call(good, skew=-301).status, 403)
        self.assertEqual(sender.call(good, skew=301).status, 403)
        self.assertIn("第1条", sender.read(sender.call(good, nonce="fixed")))
        self.assertIn("第1条", sender.read(sender.call(good, nonce="fixed")))
        self.assertEqual(sender.call(sender.message("oH", "text", Content="另一条"), nonce="fixed").status, 403)
        metrics = self.admin.call("GET", "/metrics").body.decode()
        self.assertRegex(metrics, r'hotlined_wechat_bad_xml_total\{reason="doctype"\} [1-9]')
        self.assertRegex(metrics, r"hotlined_door_refusals_total [1-9]")


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

    def test_every_message_is_answered_and_kept(self):
        for kind, fields in (("text", {"Content": "x"}), ("image", {"PicUrl": "http://p", "MediaId": "m"}),
                             ("voice", {"MediaId": "m", "Format": "amr", "Recognition": "路灯"}), ("voice", {"MediaId": "m"}),
                             ("video", {"MediaId": "m", "ThumbMediaId": "t"}), ("shortvideo", {"MediaId": "m"}),
                             ("location", {"Location_X": "1", "Location_Y": "2", "Label": ""}),
                             ("link", {"Title": "t", "Description": "d", "Url": "http://u"}), ("file", {"Title": "f"}),
                             ("miniprogrampage", {"Title": "x"}), ("text", {"Content": ""}), ("text", {"Content": "]]>"[:2]})):
            self.assertNotEqual(self.sender.push(self.user, kind, **fields), "", kind)
        for event in ("LOCATION", "VIEW", "MASSSENDJOBFINISH", "subscribe_msg_popup_event", "scancode_push", "pic_weixin",
                      "location_select", "brand_new_event"):
            self.assertEqual(self.sender.push(self.user, "event", Event=event, EventKey="k"), "", event)
        self.assertIn("12345", self.sender.push(self.user, "event", Event="SCAN", EventKey="s", Ticket="t"))
        kept = self.daemon.sql("SELECT count(*) FROM wechat_message WHERE content IS NOT NULL AND key LIKE 'm:%'")
        self.assertGreaterEqual(int(kept[0][0]), 12)
        self.assertEqual(self.daemon.sql("SELECT count(*) FROM wechat_message WHERE type IN ('event.LOCATION', 'event.VIEW')"),
                         [["0"]])

    def test_outbox(self):
        self.sender.push(self.user, "image", PicUrl="http://p", MediaId="fetch-me")
        item = next(i for i in self.outbox() if i["to"] == self.user)
        path = f"/v1/wechat/talk/outbox/{item['id']}/result"
        self.assertEqual(self.gateway.call("POST", path, {"lease": "0" * 32, "result": "sent"}).status, 409)
        self.assertEqual(self.gateway.post(path, {"lease": item["lease"], "result": "retry", "outcome": "45015",
                                                  "retry_seconds": 30})["state"], "queued")
        self.assertEqual([i for i in self.outbox() if i["id"] == item["id"]], [])
        self.daemon.advance(30)
        item = next(i for i in self.outbox() if i["id"] == item["id"])
        self.assertEqual(item["attempts"], 2)
        sent = {"lease": item["lease"], "result": "sent", "remote_id": "200163836"}
        for _ in range(2):  # a report that is repeated
            self.assertEqual(self.gateway.post(path, sent)["state"], "sent")
        self.assertEqual(self.sender.push("o", "event", Event="TEMPLATESENDJOBFINISH", MsgID=200163836,
                                          Status="failed: system failed"), "")
        state = self.daemon.sql(f"SELECT state, outcome FROM wechat_outbox WHERE id = {item['id']}")
        self.assertEqual(state, [["failed", "failed: system failed"]])
        self.assertEqual(self.sender.push("o", "event", Event="TEMPLATESENDJOBFINISH", MsgID=1, Status="success"), "")
        self.assertEqual(self.gateway.call("POST", "/v1/wechat/nobody/outbox/claim", {}).status, 404)
        self.assertEqual(self.gateway.call("POST", "/v1/wechat/talk/outbox/0/result", sent).status, 404)


class Storm(WechatTest):
    """Many people at once; WeChat pushes again what was not answered; the daemon is killed in between."""

    @classmethod
    def now(cls):  # the clock stands, before and after the kill
        return int(datetime.datetime.fromisoformat(cls.CLOCK).timestamp())

    def one(self, index):
        sender = Sender(self, "storm", "safe", lib=self.peer.libs[index % len(self.peer.libs)])
        user, replies = f"oStorm{index}", []
        chance = random.Random(index)
        parts = [sender.message(user, "text", Content=f"事项{index}第{n}段") for n in range(2)]
        chance.shuffle(parts)
        for xml in parts + [sender.message(user, "text", Content="提交")]:
            seen = set()
            for attempt in range(3 + chance.randrange(3)):  # three tries, and repeats of what was answered
                begun = time.monotonic()
                try:
                    answer = sender.call(xml)
                except (OSError, http.client.HTTPException):
                    sender.client.close()
                    self.alive.wait(60)
                    sender.client = Client(self.daemon.port)
                    continue
                self.slowest = max(self.slowest, time.monotonic() - begun)
                if answer.status == 200:
                    seen.add(sender.read(answer))
                    if chance.random() < 0.6:
                        break
            if not seen:  # what was never acknowledged is WeChat's to bring again
                wait_until(lambda: (a := sender.call(xml)).status == 200 and (seen.add(sender.read(a)) or True), "an answer")
            replies.append(seen)
        sender.client.close()
        return user, replies

    def test_storm(self):
        self.account("storm")
        self.slowest, self.alive = 0.0, threading.Event()
        self.alive.set()
        count = STORM // 3
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
        print(f"{3 * count} messages, slowest answer {self.slowest:.2f} s")
        type(self).desk, type(self).supervisor, type(self).admin = (self.daemon.client(w) for w in
                                                                    ("desk", "supervisor", "admin"))


if __name__ == "__main__":
    main()
