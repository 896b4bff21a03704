"""Finding tickets in 5,100 real messages: words against a plain scan, known repeated matters against what is offered.

The messages of ../shared/data become tickets along their own dates; a real reply becomes the answer at the desk. Then
hundreds of random pieces of these texts are searched for, and what the daemon finds is held against strpos() over the folded
texts of all tickets, ticket by ticket. The texts stay where they are; without them the test is skipped.
"""
import collections
import datetime as dt
import json
import os
import random
import re
import subprocess
import sys
import unicodedata
import unittest
from urllib.parse import quote

from hotline_test import SHARED, DaemonTest, main, pages, wait_until

MOST = int(os.environ.get("HOTLINE_REPLAY", "0"))  # messages of each file; 0 = all
SEED = 12345
ELSEWHERE, OTHER = "320281107213", "050302"  # another town, another matter


def load(name):
    with open(SHARED / "data" / name, encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    return rows[-MOST:] if MOST else rows


def instant(text):
    return dt.datetime.fromisoformat(text)


def known_matter(message):
    """Matters that many of the messages report, by the words that name them; None = none of these."""
    title, words = message["title"], message["title"] + message["text"]
    if "伊景园" in words:
        return "parking spaces forced on buyers"
    if "丽发新城" in words and "搅拌" in words:
        return "concrete plant beside homes"
    if "58车贷" in words:
        return "loan company"
    if "魅力之城" in words and any(w in words for w in ("油烟", "夜宵", "烧烤", "噪音")):
        return "fumes and noise of food stalls"
    if "诺亚山林" in words and "医院" in words:
        return "hospital at the gate"
    if "海外滩" in words and "高铁" in words:
        return "high-speed railway too near"
    if "月亮岛路" in words and ("高压" in words or "万伏" in words):
        return "power line"
    if "凉塘路" in title and "改造" in words:
        return "old quarter waits for renewal"
    return None


def is_same(a, b):
    return ((a["matter"] and a["matter"] == b["matter"]) or a["title"].strip() == b["title"].strip()
            or a["text"].strip() == b["text"].strip())


class Finding(DaemonTest):
    CLOCK = "2010-01-01T00:00:00+08:00"

    folded = None  # of every ticket, once they are all there

    def new_ticket(self, *args, **fields):
        type(self).folded = None
        return super().new_ticket(*args, **fields)

    def work(self, number, **report):
        type(self).folded = None
        return super().work(number, **report)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.messages = []
        cls.offered = {}
        regions = [row[0] for row in cls.daemon.sql("SELECT code FROM region WHERE level = 'town' ORDER BY code")]
        now = instant(cls.CLOCK)
        rows = load("replies.jsonl") + load("labelled.jsonl")
        for row in load("messages.jsonl"):
            row["is_message"] = True
            rows.append(row)
        times = collections.Counter(text for row in rows for text in {row["title"].strip(), row["text"].strip()})
        for row in rows:
            row["copied"] = times[row["title"].strip()] > 1 or times[row["text"].strip()] > 1
        for row in sorted(rows, key=lambda row: instant(row["posted_at"])):
            if instant(row["posted_at"]) > now:
                now = instant(row["posted_at"])
                cls.daemon.move_clock(now.isoformat())
            cls.create(row, regions)
        cls.daemon.advance(1)
        print(f"{len(cls.messages)} tickets", flush=True)

    @classmethod
    def create(cls, row, towns):
        # places are masked in the sample: A3区 stands for a district, which becomes a town here; categories are not known
        place = re.search(r"A(\d+)[区县市]", row["title"] + row["text"])
        row["matter"] = known_matter(row)
        answer = cls.desk.ok("POST", "/v1/tickets", {
            "channel": "web", "kind": "complaint", "category": "010206", "title": row["title"][:200], "text": row["text"],
            "region": towns[int(place.group(1)) % len(towns)] if place else None})
        row["number"], row["region"] = answer["number"], answer["region"]
        if row.get("reply"):
            cls.desk.post(f"/v1/tickets/{row['number']}/answer", {"reply": row["reply"][:4000]})
        cls.messages.append(row)
        # of each known matter, of what stands in for copies, and of every fifth of the others
        if row.get("is_message") and (row["matter"] or row["copied"] or len(cls.messages) % 5 == 0):
            cls.offered[row["number"]] = cls.desk.get(f"/v1/tickets/{row['number']}/duplicates")["items"]

    def numbers(self, target, client=None):
        return [item["number"] for item in pages(client or self.desk, target)]

    def search(self, q, more=""):
        return self.numbers(f"/v1/tickets?limit=200&q={quote(q)}{more}")

    def indexed(self):
        """Waits until the index has followed all events."""
        wait_until(lambda: self.daemon.sql("SELECT count(*) FROM ticket_text_tail") == [["0"]], "the index of words")

    # ---- words ------------------------------------------------------------------------------------

    def scan(self, words):
        """What a scan over everything finds: folded words in texts that the database folded."""
        if self.folded is None:
            type(self).folded = self.daemon.sql("SELECT number, search_fold(words) FROM ticket_words ORDER BY number DESC")
        return [number for number, text in self.folded if all(word in text for word in words)]

    def fold(self, text):
        return self.daemon.sql("SELECT search_fold($x$" + text.replace("\\", "") + "$x$)")[0][0]

    def pieces(self, count):
        """Random pieces of the texts, 2..12 characters, as somebody may type them."""
        dice = random.Random(SEED)
        while count:
            row = dice.choice(self.messages)
            text = dice.choice([row["title"], row["text"], row.get("reply") or row["text"]])[:4000]
            length = dice.choice((2, 2, 3, 4, 5, 8, 12))
            at = dice.randrange(max(1, len(text) - length))
            piece = text[at:at + length]
            if "$" not in piece and len(piece.strip()) >= 2 and all(unicodedata.category(c)[0] != "C" for c in piece):
                count -= 1
                yield piece

    def test_words_are_found_as_by_a_scan(self):
        self.indexed()
        asked = found = 0
        for piece in self.pieces(300 if not MOST else 100):
            words = self.fold(piece).split()
            if not words:
                self.assertEqual(self.desk.call("GET", f"/v1/tickets?q={quote(piece)}").status, 400)
                continue
            wanted = self.scan(words)
            got = self.search(piece)
            self.assertEqual(got, wanted, piece)
            self.assertTrue(wanted, piece)  # it was cut out of a ticket
            asked += 1
            found += len(wanted)
        print(f"{asked} random pieces: {found} tickets found, as many as by a scan", flush=True)
        self.assertGreater(asked, 90)

    def test_like_finds_nothing_that_search_does_not(self):
        """The plain LIKE on the texts as they are, without folding."""
        self.indexed()
        for piece in self.pieces(60):
            if not self.fold(piece).split():
                continue
            like = piece.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            wanted = {row[0] for row in self.daemon.sql(
                f"SELECT number FROM ticket WHERE title LIKE $x$%{like}%$x$ OR text LIKE $x$%{like}%$x$ "
                f"OR public_reply LIKE $x$%{like}%$x$")}
            self.assertLessEqual(wanted, set(self.search(piece)), piece)

    def test_unknown_words_find_nothing(self):
        for q in ("魑魅魍魉甲乙丙", "zzqqzz", "0000000000001"):
            self.assertEqual(self.search(q), [], q)

    def test_words_combine_with_the_other_conditions(self):
        self.indexed()
        common = "小区"
        for more, condition in ((f"&region={self.messages[-1]['region']}",
                                 f"region = '{self.messages[-1]['region']}'"),
                                ("&state=closed", "state = 'closed'"), ("&state=handling", "state = 'handling'"),
                                ("&overdue=true", "is_overdue"), ("&kind=praise", "false"), ("&channel=web", "true")):
            fits = {row[0] for row in self.daemon.sql(f"SELECT number FROM ticket WHERE {condition}")}
            self.assertEqual(self.search(common, more), [n for n in self.scan([common]) if n in fits], more)

    def test_words_in_any_order_and_any_width(self):
        ticket = self.new_ticket(title="ＡＢＣ大厦　Ｄ座", text="电梯（３号）停运，第7天。")
        for q in ("abc大厦", "ABC大厦", "ａｂｃ大厦", "电梯 大厦", "大厦，电梯", "3号", "３号）停运", "停运 第7天", "bc"):
            self.assertIn(ticket["number"], self.search(q), q)
        for q in ("大厦电梯", "d座电梯", "4号 电梯"):
            self.assertNotIn(ticket["number"], self.search(q), q)

    def test_a_single_character_is_looked_for_page_by_page(self):
        ticket = self.new_ticket(title="㵘", text="㵘㵘")
        self.assertEqual(self.search("㵘"), [ticket["number"]])

    def test_blanks_and_signs_alone_are_no_words(self):
        for q in ("%20", quote("，。！"), "%25", "_"):
            answer = self.desk.call("GET", f"/v1/tickets?q={q}")
            self.assertEqual((answer.status, answer.json["errors"][0]["reason"]), (400, "too_short"), q)

    def test_pages_neither_skip_nor_repeat(self):
        self.indexed()
        for q in ("小区", "物业", "噪音扰民"):
            for limit in (1, 7, 200):
                if limit == 1 and q == "小区":
                    continue  # a thousand calls
                self.assertEqual(self.numbers(f"/v1/tickets?limit={limit}&q={quote(q)}"), self.scan([q]), (q, limit))

    # ---- what was just said -----------------------------------------------------------------------------

    def test_nothing_is_missing_before_it_is_indexed(self):
        """A transaction that stays open holds the index back: what is behind it is found all the same."""
        self.indexed()
        held = subprocess.Popen(["psql", "-h", self.daemon.socket_dir(), "-d", "hotline", "-U", "hotline", "-X", "-q", "-A", "-t"],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            held.stdin.write("BEGIN; INSERT INTO tally (at, number, unit, tier, region, category, kind, channel, received, desk, "
                             "dispatched, open, closed, on_time, overdue) SELECT at, number, unit, tier, region, category, kind, "
                             "channel, 0, 0, 0, 0, 0, 0, 0 FROM tally LIMIT 1;\nSELECT 'begun';\n")
            held.stdin.flush()
            self.assertEqual(held.stdout.readline(), "begun\n")
            new = self.new_ticket(title="饕餮广场喷泉漏水", text="已经漏了三天")
            self.assertEqual(self.search("饕餮广场"), [new["number"]])
            old = self.daemon.sql("SELECT number FROM ticket t WHERE state = 'handling' AND NOT EXISTS (SELECT FROM assignment a "
                                  "WHERE a.number = t.number AND a.state <> 'unsigned') ORDER BY number LIMIT 1")[0][0]
            self.assertEqual(self.search("貔貅大厅"), [])
            type(self).folded = None
            self.desk.post(f"/v1/tickets/{old}/answer", {"reply": "请到貔貅大厅办理"})
            self.assertEqual(self.search("貔貅大厅"), [old])
            self.assertNotEqual(self.daemon.sql("SELECT count(*) FROM ticket_text_tail"), [["0"]])
        finally:
            held.stdin.close()
            held.wait(30)
        self.indexed()
        self.assertEqual(self.search("饕餮广场"), [new["number"]])

    def test_replies_are_found_by_those_who_may_read_them(self):
        ticket = self.new_ticket(title="獬豸路口积水", text="下雨就积水")
        lead = self.desk.get(f"/v1/tickets/{ticket['number']}")["assignments"][0]["unit"]
        self.work(ticket["number"], internal="系狴犴泵房故障", public_reply="狻猊泵站已修复")
        self.assertEqual(self.search("狻猊泵站"), [ticket["number"]])
        self.assertEqual(self.search("狴犴泵房"), [])  # internal texts are in no index
        unit = self.daemon.unit(lead)
        self.assertEqual(self.numbers(f"/v1/tickets?q={quote('狻猊')}", unit), [ticket["number"]])
        other = next(code for (code,) in map(tuple, self.daemon.sql("SELECT code FROM unit ORDER BY code")) if code != lead)
        stranger = self.daemon.unit(other)
        self.assertEqual(self.numbers(f"/v1/tickets?q={quote('狻猊')}", stranger), [])
        self.assertEqual(stranger.call("GET", f"/v1/tickets/{ticket['number']}/duplicates").status, 403)
        unit.close()
        stranger.close()
        self.indexed()
        self.assertEqual(self.search("狻猊泵站"), [ticket["number"]])

    def test_units_search_their_own(self):
        self.indexed()
        units = self.daemon.sql("SELECT unit, count(*) FROM assignment GROUP BY unit ORDER BY 2 DESC LIMIT 2")
        for code, _ in units:
            unit = self.daemon.unit(code)
            for q in ("小区", "垃圾"):
                own = {row[0] for row in self.daemon.sql(f"SELECT number FROM assignment WHERE unit = '{code}'")}
                self.assertEqual(self.numbers(f"/v1/tickets?limit=100&q={quote(q)}", unit),
                                 [n for n in self.scan([q]) if n in own], (code, q))
            unit.close()

    # ---- folding ------------------------------------------------------------------------------------------

    def test_the_daemon_folds_as_the_database(self):
        """Every character of the basic plane that a text may have, and some beyond."""
        points = [chr(c) for c in range(0x20, 0x10000) if not 0xD800 <= c < 0xE000 and not 0x7F <= c < 0xA0]
        points += [chr(c) for c in (0x1F600, 0x20000, 0x2A6D6, 0x30000, 0x10FFFF)]
        for at in range(0, len(points), 7900):
            self.new_ticket(title="字符", text="甲" + "".join(points[at:at + 7900]) + "乙")
        self.indexed()
        differing = self.daemon.sql("SELECT number FROM ticket_text JOIN ticket_words USING (number) "
                                    "WHERE folded <> search_fold(words) LIMIT 5")
        self.assertEqual(differing, [])
        missing = self.daemon.sql("SELECT number FROM ticket t WHERE NOT EXISTS (SELECT FROM ticket_text x "
                                  "WHERE x.number = t.number) LIMIT 5")
        self.assertEqual(missing, [])

    # ---- numbers and places ---------------------------------------------------------------------------------

    def test_a_number_is_found_as_words(self):
        number = self.messages[0]["number"]
        self.assertEqual(self.search(number), [number])
        self.assertEqual(self.search(number, "&kind=praise"), [])
        quoted = self.new_ticket(title="重复来电", text=f"此前工单{number[:17]}的事还没解决")
        self.assertEqual(self.search(number[:17]), [quoted["number"]])

    def test_a_place_stands_for_what_is_below(self):
        rare = self.daemon.sql("SELECT region FROM ticket WHERE region IS NOT NULL GROUP BY region ORDER BY count(*) LIMIT 1")[0][0]
        for region in {rare, "320281000000", self.messages[-1]["region"] or rare}:
            wanted = [row[0] for row in self.daemon.sql(
                f"SELECT number FROM ticket WHERE region IN (SELECT region_below('{region}')) ORDER BY number DESC")]
            self.assertEqual(self.numbers(f"/v1/tickets?limit=200&region={region}"), wanted, region)

    # ---- duplicates -----------------------------------------------------------------------------------------

    @unittest.skipIf(0 < MOST < 400, "too few messages to judge by")
    def test_known_repeated_matters_are_offered(self):
        by_number = {row["number"]: row for row in self.messages}
        before, needed, found, offers, right = [], 0, 0, 0, 0
        for row in (r for r in self.messages if r.get("is_message")):
            before.append(row)
            if row["number"] not in self.offered:
                continue
            since = instant(row["posted_at"]) - dt.timedelta(days=90)
            earlier = [e for e in before[:-1] if instant(e["posted_at"]) >= since]
            same = {e["number"] for e in earlier if is_same(e, row)}
            items = self.offered[row["number"]]
            if same:
                needed += 1
                hit = same & {item["number"] for item in items}
                found += bool(hit)
            offers += len(items)
            right += sum(is_same(by_number[item["number"]], row) for item in items)
        recall = found / needed
        print(f"known repeated matters: {needed} messages have an earlier one within 90 days, {found} were offered one "
              f"({recall:.1%}); {offers} offers over {len(self.offered)} messages, {right} of them known ({right / max(1, offers):.1%}, "
              "the others were never looked at by anybody)", flush=True)
        self.assertGreater(needed, 20)
        self.assertGreaterEqual(recall, 0.9)
        self.assertLess(offers, 2 * len(self.offered) if not MOST else 12 * len(self.offered))

    def test_a_copy_comes_first(self):
        row = max((r for r in self.messages if r.get("is_message")), key=lambda r: r["posted_at"])
        draft = {"channel": "phone", "kind": "complaint", "category": "010206", "title": row["title"][:200],
                 "text": row["text"], "region": row["region"]}
        items = self.desk.post("/v1/duplicates", {k: v for k, v in draft.items() if v})["items"]
        copies = {r["number"] for r in self.messages if r["title"].strip() == row["title"].strip()}
        self.assertIn(items[0]["number"], copies)
        self.assertGreaterEqual(items[0]["score"], 65)
        self.assertEqual(items[0]["reasons"]["category"], "same")
        self.assertEqual(items[0]["reasons"]["text"], 100)
        self.assertEqual(items, sorted(items, key=lambda i: (-i["score"], -int(i["number"]))))
        self.assertLessEqual(len(self.desk.post("/v1/duplicates?limit=1", {k: v for k, v in draft.items() if v})["items"]), 1)


class Duplicates(DaemonTest):
    CLOCK = "2026-02-13T10:00:00+08:00"

    def test_the_same_caller_is_found_by_phone(self):
        caller = {"name": "张三", "phone": "13912345678"}
        first = self.new_ticket(title="楼下烧烤摊半夜吵闹", text="每天到两点", requester=caller)
        self.daemon.advance(86400)
        second = self.new_ticket(title="又来反映那个摊位", text="还是没有人管", requester={"phone": "139 1234 5678"})
        items = self.desk.get(f"/v1/tickets/{second['number']}/duplicates")["items"]
        self.assertEqual([item["number"] for item in items], [first["number"]])
        self.assertEqual(items[0]["reasons"], {"same_caller": True, "place": "same", "category": "same", "days": 1,
                                               "text": items[0]["reasons"]["text"]})
        other = self.new_ticket(title="又来反映那个摊位了", text="还是没有人管", requester={"phone": "13700000000"},
                                region=ELSEWHERE, category=OTHER)
        draft = {"channel": "phone", "kind": "help", "category": "010206", "region": "320281001001", "title": "咨询",
                 "text": "社保怎么办", "requester": caller}
        offered = self.desk.post("/v1/duplicates", draft)["items"]
        self.assertTrue(all(item["reasons"]["same_caller"] for item in offered), offered)
        self.assertEqual({item["number"] for item in offered}, {first["number"], second["number"]})
        self.assertNotIn(other["number"], [item["number"] for item in offered])
        # the phone stands in no table readably, and who asked is written down
        self.assertEqual(self.daemon.sql("SELECT count(*) FROM requester WHERE position('13912345678' IN encode(phone, 'escape')) > 0"),
                         [["0"]])
        wait_until(lambda: self.daemon.sql("SELECT count(*) FROM audit WHERE action = 'ticket.search'") != [["0"]], "the audit")

    def test_nothing_is_merged_by_it(self):
        a = self.new_ticket(title="香樟苑二期停水", text="从早上开始停水")
        b = self.new_ticket(title="香樟苑二期停水", text="从早上开始停水")
        events = self.daemon.sql("SELECT count(*) FROM ticket_event")
        items = self.desk.get(f"/v1/tickets/{b['number']}/duplicates")["items"]
        self.assertEqual((items[0]["number"], items[0]["score"]), (a["number"], 80))
        self.assertEqual(self.supervisor.get(f"/v1/tickets/{a['number']}/duplicates")["items"][0]["number"], b["number"])
        self.assertEqual(self.daemon.sql("SELECT count(*) FROM ticket_event"), events)
        for number in (a["number"], b["number"]):
            self.assertEqual(self.desk.get(f"/v1/tickets/{number}")["state"], "handling")

    def test_what_is_long_ago_or_elsewhere_is_not_offered(self):
        old = self.new_ticket(title="松鹤里三号楼漏水", text="屋顶漏水")
        self.daemon.advance(91 * 86400)
        new = self.new_ticket(title="松鹤里三号楼漏水", text="屋顶漏水")
        numbers = [item["number"] for item in self.desk.get(f"/v1/tickets/{new['number']}/duplicates")["items"]]
        self.assertNotIn(old["number"], numbers)
        far = self.new_ticket(title="公交改线", text="希望恢复", region=ELSEWHERE, category=OTHER)
        numbers = [item["number"] for item in self.desk.get(f"/v1/tickets/{far['number']}/duplicates")["items"]]
        self.assertEqual(numbers, [])

    def test_bad_drafts(self):
        draft = {"channel": "phone", "kind": "help", "category": "010206", "title": "标题", "text": "内容"}
        for change, field, reason in (({"category": "99"}, "category", "not_found"), ({"region": "1"}, "region", "not_found"),
                                      ({"title": None}, "title", "required"), ({"merge": True}, "merge", "unknown")):
            body = {k: v for k, v in {**draft, **change}.items() if v is not None}
            answer = self.desk.call("POST", "/v1/duplicates", body)
            self.assertEqual((answer.status, answer.json["errors"][0]), (400, {"field": field, "reason": reason}), change)
        self.assertEqual(self.desk.call("POST", "/v1/duplicates?limit=51", draft).status, 400)
        self.assertEqual(self.desk.call("GET", "/v1/tickets/260213100000000107/duplicates").status, 404)


class OldNumbers(DaemonTest):
    def test_the_number_of_another_platform(self):
        a = self.new_ticket(external_number="110-2026/0017")
        b = self.new_ticket(external_number="110-2026/0017", kind="complaint")  # sent twice: not unique
        self.new_ticket(external_number="110-2026/001")
        self.assertEqual(self.desk.get(f"/v1/tickets/{a['number']}")["external_number"], "110-2026/0017")
        self.assertIsNone(self.desk.get(f"/v1/tickets/{self.new_ticket()['number']}")["external_number"])

        def found(more=""):
            return [item["number"] for item in pages(self.desk, "/v1/tickets?limit=1&external_number=" + quote("110-2026/0017", "") + more)]

        self.assertEqual(found(), [b["number"], a["number"]])
        self.assertEqual(found("&kind=complaint"), [b["number"]])
        self.assertEqual(found("&q=" + quote("路灯")), [b["number"], a["number"]])
        self.assertEqual(found("&q=" + quote("井盖")), [])
        phone = {"phone": "13612345678"}
        c = self.new_ticket(external_number="110-2026/0017", requester=phone)
        self.assertEqual(found("&phone=13612345678"), [c["number"]])

    def test_an_old_number_that_looks_like_ours(self):
        ours = self.new_ticket()["number"]
        theirs = self.new_ticket(external_number=ours, channel="upstream")["number"]
        self.assertEqual([i["number"] for i in self.desk.get(f"/v1/tickets?q={ours}")["items"]], [theirs, ours])
        self.assertEqual([i["number"] for i in self.desk.get(f"/v1/tickets?q={ours}&channel=upstream")["items"]], [theirs])

    def test_bad_numbers(self):
        for number, reason in (("", "too_short"), ("a b", "format"), ("é", "format"), ("1" * 65, "too_long")):
            answer = self.desk.call("GET", "/v1/tickets?external_number=" + quote(number))
            self.assertEqual((answer.status, answer.json["errors"]), (400, [{"field": "external_number", "reason": reason}]), number)
            answer = self.desk.call("POST", "/v1/tickets", {"channel": "web", "kind": "help", "category": "010206", "title": "题",
                                                            "text": "文", "external_number": number})
            self.assertEqual((answer.status, answer.json["errors"]), (400, [{"field": "external_number", "reason": reason}]), number)

    def test_overdue_ones_by_their_index(self):
        late = [self.new_ticket(kind="consult", title="逾期的咨询")["number"] for _ in range(3)]
        self.daemon.advance(30 * 86400)
        for number in late:
            wait_until(lambda n=number: self.desk.get(f"/v1/tickets/{n}")["overdue"], "the sweeper")
        fresh = self.new_ticket()["number"]
        overdue = [item["number"] for item in pages(self.desk, "/v1/tickets?overdue=true&limit=2")]
        self.assertEqual(overdue, [row[0] for row in self.daemon.sql("SELECT number FROM ticket WHERE is_overdue ORDER BY number DESC")])
        self.assertLessEqual(set(late), set(overdue))
        self.assertNotIn(fresh, overdue)
        self.assertIn(fresh, [item["number"] for item in pages(self.desk, "/v1/tickets?overdue=false")])

    def test_the_client(self):
        a = self.new_ticket(title="银杏路口信号灯故障", text="一直是红灯", external_number="X-77")
        b = self.new_ticket(title="银杏路口信号灯故障", text="一直是红灯")
        self.assertIn(a["number"], self.daemon.hotline("ticket", "list", "--q", "银杏路口", who="desk"))
        self.assertIn(a["number"], self.daemon.hotline("ticket", "list", "--external-number", "X-77", who="desk"))
        shown = self.daemon.hotline("ticket", "duplicates", b["number"], "--lang", "zh", who="desk")
        self.assertIn(a["number"], shown)
        self.assertIn("文字 100%，地点相同，类别相同，相隔 0 天", shown)
        self.assertIn("text 100 %, place: same", self.daemon.hotline("ticket", "duplicates", b["number"], "--lang", "en", who="desk"))


class Restart(DaemonTest):
    """The index goes on where it stopped, whoever is killed."""

    def test_kill_in_between(self):
        numbers = [self.new_ticket(title=f"鸱吻{i}号井盖", text="缺失")["number"] for i in range(30)]
        self.daemon.kill()
        self.daemon.start()
        desk = self.daemon.client("desk")
        self.assertEqual([i["number"] for i in pages(desk, f"/v1/tickets?q={quote('鸱吻')}")], numbers[::-1])
        wait_until(lambda: self.daemon.sql("SELECT count(*) FROM ticket_text_tail") == [["0"]], "the index of words")
        self.assertEqual(self.daemon.sql("SELECT count(*) FROM ticket_text"), [["30"]])
        # from the beginning again: the same rows
        before = self.daemon.sql("SELECT number, md5(folded), md5(grams::text) FROM ticket_text ORDER BY number")
        self.daemon.sql("UPDATE ticket_text_cursor SET xid = '0', id = 0")
        wait_until(lambda: self.daemon.sql("SELECT count(*) FROM ticket_text_tail") == [["0"]], "the index of words")
        self.assertEqual(self.daemon.sql("SELECT number, md5(folded), md5(grams::text) FROM ticket_text ORDER BY number"), before)
        desk.close()
        for name in ("desk", "supervisor", "admin"):
            setattr(type(self), name, self.daemon.client(name))


if __name__ == "__main__":
    if not (SHARED / "data" / "replies.jsonl").exists():
        print("skipped: no real input beside the project (../shared/data)")
        sys.exit(77)
    main()
