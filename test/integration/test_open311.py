"""Open311 GeoReport v2 through its life: what is sent, stored, published, found again and kept back.

Row by row of the specification: test_open311_conformance.py.
"""
import json
import socket
import subprocess
import threading

from hotline_test import ROOT, DaemonTest, main, wait_until
from open311_rig import ATTRIBUTE, BASE, CODE, FORMATS, INSTANT, REQUEST, SERVICE, Open311Test


class Life(Open311Test):
    OPTIONS = ("--open311_contact", "热线 <12345> & 网站")

    # ---- discovery, services, definitions

    def test_discovery(self):
        d = self.get("/discovery", "discovery")
        self.assertEqual(set(d), {"changeset", "contact", "key_service", "endpoints"})
        self.assertEqual(d["contact"], "热线 <12345> & 网站")
        (endpoint,) = d["endpoints"]
        self.assertEqual(set(endpoint), {"specification", "url", "changeset", "type", "formats"})
        self.assertEqual(endpoint["specification"], "http://wiki.open311.org/GeoReport_v2")
        self.assertEqual(endpoint["url"], f"http://127.0.0.1:{self.daemon.port}/open311/v2")
        self.assertEqual(endpoint["type"], "test")
        self.assertEqual(endpoint["formats"], ["text/xml", "application/json"])

    def test_services(self):
        services = self.get("/services", "services")
        self.assertGreater(len(services), 20)
        by_code = {s["service_code"]: s for s in services}
        self.assertEqual(len(by_code), len(services))
        for s in services:
            self.assertEqual(tuple(s), SERVICE)
            self.assertIs(s["metadata"], True)
            self.assertEqual(s["type"], "realtime")
            self.assertTrue(s["service_name"] and s["group"])
        self.assertIn(CODE, by_code)
        self.assertNotIn(CODE[:4], by_code, "a category with others below it is a group")
        self.assertIn(by_code[CODE]["service_name"], by_code[CODE]["keywords"].split(", "))

    def test_service_definition(self):
        d = self.get(f"/services/{CODE}", "service_definition")
        self.assertEqual(set(d), {"service_code", "attributes"})
        self.assertEqual(d["service_code"], CODE)
        self.assertEqual([a["order"] for a in d["attributes"]], [1, 2])
        for a in d["attributes"]:
            self.assertEqual(tuple(a), ATTRIBUTE)
            self.assertIn(a["datatype"], ("string", "number", "datetime", "text", "singlevaluelist", "multivaluelist"))
            for v in a["values"]:
                self.assertEqual(set(v), {"key", "name"})
        self.refused("/services/999999", 404)
        self.refused(f"/services/{CODE[:4]}", 404)

    def test_jurisdiction(self):
        for path, root in (("/discovery", "discovery"), ("/services", "services"),
                           (f"/services/{CODE}", "service_definition"), ("/requests", "service_requests")):
            self.assertEqual(self.get(path, root), self.get(path, root, {"jurisdiction_id": "320281"}))
            self.refused(path, 404, query={"jurisdiction_id": "nowhere.gov"})
        self.refused("/requests", 404, {"api_key": self.key, "service_code": CODE, "address_string": "x",
                                        "jurisdiction_id": "nowhere.gov"})
        self.refused("/requests/1", 404, query={"jurisdiction_id": "nowhere.gov"})

    def test_format(self):
        """The suffix decides; without one, Accept; XML if that says nothing."""
        for accept, wanted in ((None, "text/xml"), ("application/json", "application/json"),
                               ("text/xml,application/json", "text/xml")):
            answer = self.call(f"/services/{CODE}", headers={"Accept": accept} if accept else None)
            self.assertEqual(answer.status, 200)
            self.assertTrue(answer.headers["content-type"].startswith(wanted), answer.headers)
        self.unrecorded()
        for path in ("/services.html", f"/services/{CODE}.yaml", "/discovery.", "/nothing.xml", "/requests/1/2.json"):
            answer = self.call(path)
            self.assertEqual(answer.status, 404, path)
            self.assertNotIn("problem", answer.headers["content-type"])
        self.assertEqual(self.call("/services.json").headers["access-control-allow-origin"], "*")

    # ---- POST

    def test_post_and_read_back(self):
        for fmt in FORMATS:
            made = self.post(fmt, lat="31.9200001", long="-120.28500000123456", address_string=None, account_id="a-7",
                             description="路灯 <b> & \"不亮\"\n第二行", media_url="https://example.org/1.jpg?a=1&b=2",
                             email="someone@example.org", device_id="d1", first_name="三", last_name="张",
                             phone="138 0000 1234", **{"attribute[kind]": "complaint"})
            self.assertEqual(made["account_id"], "a-7")
            item = self.one(made["service_request_id"])
            self.assertEqual(tuple(item), REQUEST)
            self.assertEqual(item["description"], "路灯 <b> & \"不亮\"\n第二行")
            self.assertEqual((item["lat"], item["long"]), (31.9200001, -120.28500000123456))
            self.assertEqual(item["media_url"], "https://example.org/1.jpg?a=1&b=2")
            self.assertEqual((item["status"], item["service_code"]), ("open", CODE))
            for key in ("requested_datetime", "updated_datetime", "expected_datetime"):
                self.assertRegex(item[key], INSTANT)
            for secret in ("13800001234", "someone@example.org", "张三", "a-7"):
                self.assertNotIn(secret, json.dumps(item, ensure_ascii=False))
            ticket = self.desk.get(f"/v1/tickets/{made['service_request_id']}")
            self.assertEqual((ticket["channel"], ticket["kind"]), ("open311", "complaint"))
            self.assertIn("31.92", ticket["text"])
            self.assertIn("https://example.org/1.jpg", ticket["text"])
            self.assertEqual(ticket["requester"]["name"], "张三")
            self.assertEqual(ticket["requester"]["phone"], "138****1234")
        self.assertEqual(self.daemon.sql("SELECT count(*) FROM open311_request WHERE contact IS NOT NULL "
                                         "AND position('someone'::bytea IN contact) > 0"), [["0"]])

    def test_post_by_address(self):
        made = self.post(address_string="江苏省无锡市江阴市澄江街道")
        ticket = self.desk.get(f"/v1/tickets/{made['service_request_id']}")
        self.assertIsNotNone(ticket["region"], "a certain place is taken from the address")
        item = self.one(made["service_request_id"])
        self.assertEqual((item["address"], item["lat"], item["long"]), ("江苏省无锡市江阴市澄江街道", None, None))
        made = self.post(address_string=None, address_id="320281001001", description=None)
        ticket = self.desk.get(f"/v1/tickets/{made['service_request_id']}")
        self.assertEqual(ticket["region"], "320281001001")
        self.assertEqual(self.one(made["service_request_id"])["address_id"], "320281001001")

    def test_post_needs_a_key(self):
        form = {"service_code": CODE, "address_string": "x"}
        before = self.daemon.sql("SELECT count(*) FROM ticket")
        for key in (None, "wrong", self.daemon.tokens["desk"], self.daemon.tokens["unit:JY-GJ"], ""):
            self.refused("/requests", 403, {**form, **({} if key is None else {"api_key": key})})
        self.assertEqual(self.daemon.sql("SELECT count(*) FROM ticket"), before)
        answer = self.call("/requests.json", form, query={"api_key": self.key})
        self.assertEqual(answer.status, 200, answer)

    def test_post_refusals(self):
        good = {"api_key": self.key, "service_code": CODE, "address_string": "x"}
        cases = [(400, {"service_code": None}), (400, {"address_string": None}), (404, {"service_code": "999999"}),
                 (404, {"service_code": CODE[:4]}), (400, {"lat": "31"}), (400, {"lat": "91", "long": "1"}),
                 (400, {"lat": "1", "long": "nan"}), (400, {"media_url": "javascript:alert(1)"}),
                 (400, {"phone": "call me"}), (400, {"attribute[kind]": "x"}), (400, {"attribute[nothing]": "x"}),
                 (400, {"address_id": "999999999999", "address_string": None}), (400, {"description": "长" * 4001})]
        for status, change in cases:
            form = {k: v for k, v in {**good, **change}.items() if v is not None}
            with self.subTest(change=str(change)[:60]):
                self.refused("/requests", status, form)

    def test_post_hostile(self):
        self.refused("/requests", 400, b"service_code=%zz&api_key=" + self.key.encode())
        self.refused("/requests", 400, f"api_key={self.key}&service_code={CODE}&service_code={CODE}".encode())
        self.refused("/requests", 413, b"description=" + b"x" * (1 << 20))
        self.refused("/requests", 403, b"")
        self.refused("/requests", 403, b"&" * 60000)
        self.refused("/requests", 400, b"&".join(b"a%d=1" % i for i in range(5000)))
        self.refused("/requests", 415, b"{}", headers={"Content-Type": "application/json"})
        # what XML cannot hold does not break the document
        made = self.post(description="a\tb￾￿]]>&amp;<!DOCTYPE x>")
        self.assertEqual(self.one(made["service_request_id"])["service_code"], CODE)
        for cut in range(0, 60, 7):
            whole = (f"POST {BASE}/requests.xml HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded"
                     "\r\nContent-Length: 30\r\n\r\nservice_code=1&address_string=").encode()
            with socket.create_connection(("127.0.0.1", self.daemon.port)) as s:
                s.sendall(whole[:len(whole) - cut - 1])
        self.assertEqual(self.call("/services.json").status, 200)

    def test_idempotency(self):
        key = {"Idempotency-Key": "open311-1"}
        first = self.post(headers=key, description="同一件事")
        again = self.post(headers=key, description="同一件事")
        self.assertEqual(first, again)
        fields = {"api_key": self.key, "service_code": CODE, "address_string": "另一处"}
        self.refused("/requests", 422, fields, headers=key)

    def test_token(self):
        made = self.post()["service_request_id"]
        (token,) = self.get(f"/tokens/{made}", "service_requests")
        self.assertEqual(token, {"service_request_id": made, "token": made})
        self.refused("/tokens/1", 404)
        self.refused(f"/tokens/{int(made) + 1}", 404)

    # ---- what is published

    def test_only_public_requests(self):
        hidden = self.post(**{"attribute[confidential]": "yes"})["service_request_id"]
        phone = self.new_ticket()["number"]
        for number in (hidden, phone, "260213100000000000", "x"):
            self.refused(f"/requests/{number}", 404)
            self.refused(f"/tokens/{number}", 404)
            self.assertEqual(self.ids(service_request_id=number), [])
        self.assertFalse({hidden, phone} & set(self.ids()))
        code = self.post()["service_notice"]
        self.assertRegex(code, r"[0-9A-Z]{8}$")

    def test_life(self):
        number = self.post(address_string=None, address_id="320281001001")["service_request_id"]
        before = self.one(number)
        self.assertEqual((before["status"], before["status_notes"]), ("open", None))
        self.daemon.advance(60)
        self.desk.post(f"/v1/tickets/{number}/answer", {"reply": "已修复 <ok>"})
        after = self.one(number)
        self.assertEqual((after["status"], after["status_notes"]), ("closed", "已修复 <ok>"))
        self.assertGreater(after["updated_datetime"], before["updated_datetime"])
        self.assertIsNone(after["expected_datetime"])

    def test_agency(self):
        number = self.post(address_string=None, address_id="320281001001")["service_request_id"]
        ticket = self.desk.get(f"/v1/tickets/{number}")
        unit = ticket.get("lead_unit") or next((a["unit"] for a in ticket["assignments"]), None)
        item = self.one(number)
        if unit is None:
            self.desk.post(f"/v1/tickets/{number}/dispatch", {"lead_unit": "JY-GJ"})
            item = self.one(number)
        self.assertTrue(item["agency_responsible"])
        self.assertNotIn("JY-", item["agency_responsible"], "its name, not its code")

    # ---- lists

    def test_list_of_ids_overrides(self):
        a, b = self.post()["service_request_id"], self.post()["service_request_id"]
        self.assertEqual(set(self.ids(service_request_id=f"{a}, {b},,1", status="closed", service_code="999999",
                                      start_date="nonsense")), {a, b})
        self.refused("/requests", 400, query={"service_request_id": ",".join(["1"] * 101)})

    def test_filters(self):
        services = [s["service_code"] for s in self.get("/services", "services")][:3]
        made = {code: self.post(service_code=code)["service_request_id"] for code in services}
        self.assertEqual(set(self.ids(service_code=services[0])) & set(made.values()), {made[services[0]]})
        both = set(self.ids(service_code=f"{services[0]},{services[1]}"))
        self.assertEqual(both & set(made.values()), {made[services[0]], made[services[1]]})
        self.refused("/requests", 404, query={"service_code": "999999"})
        self.desk.post(f"/v1/tickets/{made[services[2]]}/withdraw", {})
        self.assertIn(made[services[2]], self.ids(status="closed"))
        self.assertNotIn(made[services[2]], self.ids(status="open"))
        self.assertIn(made[services[0]], self.ids(status="open"))
        self.assertEqual(set(self.ids(status="open,closed")), set(self.ids()))
        self.refused("/requests", 400, query={"status": "done"})

    def test_dates(self):
        number = self.post()["service_request_id"]
        day = self.one(number)["requested_datetime"]
        year = int(day[:4])
        self.assertIn(number, self.ids(start_date=day))
        self.assertIn(number, self.ids(end_date=day[:17] + "59" + day[19:]))
        self.assertNotIn(number, self.ids(end_date=f"{year - 1}-06-01T00:00:00Z"))
        self.assertIn(number, self.ids(start_date=day, end_date=f"{year}-03-01T00:00:00+08:00"))
        # a plus that was not encoded
        answer = self.call(f"/requests.json?start_date={day}")
        self.assertEqual(answer.status, 200, answer)
        for bad in ({"start_date": "2026-02-13"}, {"start_date": "2026-02-13T10:00:00"}, {"end_date": "x"},
                    {"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-06-01T00:00:00Z"},
                    {"start_date": "2026-02-01T00:00:00Z", "end_date": "2026-01-01T00:00:00Z"},
                    {"updated_after": "yesterday"}):
            self.refused("/requests", 400, query=bad)

    def test_ninety_days(self):
        number = self.post()["service_request_id"]
        self.daemon.advance(91 * 86400)
        self.assertNotIn(number, self.ids())
        self.assertIn(number, self.ids(service_request_id=number))
        fresh = self.post()["service_request_id"]
        self.assertIn(fresh, self.ids())

    def test_pages(self):
        made = [self.post()["service_request_id"] for _ in range(5)]
        listed = self.ids()
        self.assertEqual(listed[:5], made[::-1], "the newest first")
        self.assertEqual(self.ids(page=1, page_size=2) + self.ids(page=2, page_size=2), listed[:4])
        self.assertEqual(self.ids(page=21, page_size=1000), [])
        self.assertEqual(self.ids(page=1000, page_size=20), [])
        for bad in ({"page": 0}, {"page": "x"}, {"page_size": 1001}, {"page_size": 0}, {"page": 1001},
                    {"page": 22}, {"page": 1000, "page_size": 1000}):
            self.refused("/requests", 400, query=bad)

    def test_no_report_waits_for_who_reads(self):
        """Whoever makes the reads of everybody slow, here by a lock, holds none of the connections of the desks."""
        self.unrecorded()
        self.post()
        lock = subprocess.Popen(["psql", "-h", self.daemon.socket_dir(), "-d", "hotline", "-U", "hotline", "-X", "-A", "-t", "-q"],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        lock.stdin.write("BEGIN; LOCK TABLE open311_request; SELECT 'held';\n")
        lock.stdin.flush()
        self.assertEqual(lock.stdout.readline(), "held\n")
        answers = []

        def read(page):
            client = self.daemon.client()
            client.recorded = False
            answers.append(client.call("GET", f"{BASE}/requests.json?page={page}"))
            client.close()
        readers = [threading.Thread(target=read, args=(1 + n % 20,)) for n in range(110)]
        for reader in readers:
            reader.start()
        try:
            wait_until(lambda: answers, "those to be refused that are too many")
            self.assertEqual({(a.status, a.json[0]["code"]) for a in answers}, {(503, 503)})
            waiting = len(answers)
            self.desk.get("/v1/calls")
            self.desk.get("/v1/tickets?limit=1")
            self.assertLess(waiting, len(readers))
            self.assertTrue([reader for reader in readers if reader.is_alive()], "they wait; the desk did not")
        finally:
            lock.stdin.write("ROLLBACK;\n")
            lock.stdin.close()
            lock.wait(60)
            lock.stdout.close()
            for reader in readers:
                reader.join(60)

    def test_updated(self):
        old, other = self.post()["service_request_id"], self.post()["service_request_id"]
        self.daemon.advance(100 * 86400)
        self.desk.post(f"/v1/tickets/{old}/note", {"text": "看过"})
        self.desk.post(f"/v1/tickets/{old}/withdraw", {})
        changed = self.one(old)["updated_datetime"]
        self.assertIn(old, self.ids(updated_after=changed))
        self.assertNotIn(other, self.ids(updated_after=changed))
        self.assertNotIn(old, self.ids(updated_before="2026-02-14T00:00:00+08:00"))
        self.assertNotIn(old, self.ids(updated_after=changed, status="open"))

    def test_unknown_parameters_are_passed_over(self):
        self.unrecorded()
        self.assertEqual(self.ids(extensions="true", foo="bar"), self.ids())

    def test_statements_use_their_indexes(self):
        for name, index, arguments in (
                ("open311_list", "open311_requested", "'2026-01-01', '2026-03-01', NULL, NULL, NULL, NULL, 0, 1000"),
                ("open311_updated", "open311_updated", "'2026-01-01', '2026-03-01', NULL, NULL, 0, 1000"),
                ("open311_get", "number = ANY", "'{1,2}'")):
            text = "\n".join(line for line in self.statement(name).splitlines() if not line.startswith("--"))
            plan = "\n".join(r[0] for r in self.daemon.sql(
                f"SET enable_seqscan = off; SET enable_sort = {'on' if name == 'open311_get' else 'off'}; PREPARE p AS {text}; EXPLAIN EXECUTE p({arguments})"))
            self.assertIn(index, plan)

    @staticmethod
    def statement(name):
        return (ROOT / "daemon" / "sql" / f"{name}.sql").read_text(encoding="utf-8")


class Offered(DaemonTest):
    """A city that offers only a part of its categories."""
    OPTIONS = ("--open311_categories", "0102, 0301", "--public_url", "https://12345.example.cn")

    def test_offered(self):
        anyone = self.daemon.client()
        codes = [s["service_code"] for s in anyone.get(f"{BASE}/services.json")]
        self.assertTrue(codes and all(c.startswith(("0102", "0301")) for c in codes), codes)
        self.assertEqual(anyone.get(f"{BASE}/discovery.json")["endpoints"][0]["url"], "https://12345.example.cn/open311/v2")
        anyone.close()


if __name__ == "__main__":
    main()
