"""Open311 GeoReport v2, row by row: each call, parameter, field, error and extension, in XML and in JSON.

A case asks once in each format; both answers are brought into one shape, have to be equal, and are then judged. Every XML
answer is held against a RelaxNG of our own (open311/georeport.rng) by xmllint. Then a client that others wrote goes
through the whole service.
"""
import collections
import datetime
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
import urllib.parse

from hotline_test import ROOT, main
from node_peer import NodePeer
from open311_rig import ATTRIBUTE, BASE, CODE, FORMATS, INSTANT, REQUEST, SERVICE, Open311Test

HERE = ROOT / "test" / "integration" / "open311"
MIRROR = {"DISCOVERY": "discovery", "SERVICES": "services", "DEFINITION": "service_definition", "REQUESTS": "service_requests"}

# One row of the specification's table, what of it, the call, and what has to come back. `path` and values may name
# requests of the fixture in braces. check(t, value) sees the answer in the shape of the JSON.
Case = collections.namedtuple("Case", "row what path root query form headers status check", defaults=(None, None, None, 200, None))


def get(row, what, path, root, query=None, check=None, status=200, headers=None):
    return Case(row, what, path, root, query, None, headers, status, check)


def post(row, what, form, status=200, check=None, query=None, headers=None):
    """form: changes of one that is good; None takes a field away."""
    return Case(row, what, "/requests", "service_requests", query, form, headers, status, check)


def fields(names, *path):
    """Exactly these, in this order, in every item of the list."""
    def check(t, v):
        for p in path:
            v = v[p]
        t.assertTrue(v)
        for item in v if isinstance(v, list) else [v]:
            t.assertEqual(tuple(item), tuple(names))
    return check


def ids(*wanted, without=()):
    """These requests are in the list and those are not."""
    def check(t, v):
        found = [r["service_request_id"] for r in v]
        t.assertEqual(len(found), len(set(found)))
        t.assertLessEqual({t.world[w] for w in wanted}, set(found))
        t.assertFalse({t.world[w] for w in without} & set(found))
    return check


def exactly(*wanted):
    return lambda t, v: t.assertEqual({r["service_request_id"] for r in v}, {t.world[w] for w in wanted})


def each(**wanted):
    """Every item has these values, or what a function says yes to; and there is an item."""
    def check(t, v):
        t.assertTrue(v)
        for item in v:
            for name, value in wanted.items():
                t.assertTrue(value(item[name]) if callable(value) else item[name] == value, f"{name}: {item[name]!r}")
    return check


def nothing(t, v):
    t.assertEqual(v, [])


def newest_first(t, v):
    when = [r["requested_datetime"] for r in v]
    t.assertEqual(when, sorted(when, reverse=True))


def discovery(t, v):
    (endpoint,) = v["endpoints"]
    t.assertEqual(endpoint["specification"], "http://wiki.open311.org/GeoReport_v2")
    t.assertTrue(endpoint["url"].endswith(BASE))
    t.assertIn(endpoint["type"], ("production", "test"))
    t.assertEqual(sorted(endpoint["formats"]), ["application/json", "text/xml"])
    datetime.datetime.fromisoformat(endpoint["changeset"])


def definition(t, v):
    t.assertEqual(v["service_code"], CODE)
    t.assertEqual([a["order"] for a in v["attributes"]], list(range(1, len(v["attributes"]) + 1)))
    for a in v["attributes"]:
        t.assertEqual(tuple(a), ATTRIBUTE)
        t.assertIn(a["datatype"], ("string", "number", "datetime", "text", "singlevaluelist", "multivaluelist"))
        t.assertIs(a["variable"], True)
        t.assertIsInstance(a["required"], bool)
        t.assertTrue(all(tuple(v) == ("key", "name") for v in a["values"]))


def receipt(t, v):
    (item,) = v
    t.assertEqual(tuple(item), ("service_request_id", "service_notice", "account_id"))
    t.assertRegex(item["service_request_id"], r"^[0-9]{18}$")


def of_one(**wanted):
    """What was sent comes back when it is asked for."""
    def check(t, v):
        receipt(t, v)
        (item,) = t.get(f"/requests/{v[0]['service_request_id']}", "service_requests")
        t.assertEqual({k: item[k] for k in wanted}, wanted)
    return check


def of_ticket(**wanted):
    def check(t, v):
        receipt(t, v)
        ticket = t.desk.get(f"/v1/tickets/{v[0]['service_request_id']}")
        for name, value in wanted.items():
            where = ticket
            for step in name.split("__"):
                where = where[step]
            t.assertEqual(where, value, name)
    return check


DAY = "2026-06-01T10:00:00+08:00"
CASES = [
    # ---- common to all
    get("Common", "text is UTF-8", "/services", "services", check=each(service_name=lambda n: re.search("[\u4e00-\u9fff]", n))),
    get("Common", "instants have a zone", "/requests", "service_requests",
        check=each(requested_datetime=INSTANT.fullmatch, updated_datetime=INSTANT.fullmatch)),
    get("Common", "jurisdiction_id may be left out where there is one", "/services", "services"),
    get("Common", "jurisdiction_id may be given", "/services", "services", {"jurisdiction_id": "320281"}),
    get("Common", "an empty jurisdiction_id is none", "/services", "services", {"jurisdiction_id": ""}),
    get("Common", "reading needs no api_key", "/requests", "service_requests", {"api_key": "wrong"}),
    get("Common", "a format that is neither", "/services.yaml", "errors", status=404),
    get("Common", "no format at all in a list", "/services.", "errors", status=404),
    post("Common", "a body is a form", {}, headers={"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}, check=receipt),
    post("Common", "another body is refused", {}, 415, headers={"Content-Type": "multipart/form-data; boundary=x"}),
    # ---- GET discovery
    get("GET discovery", "fields", "/discovery", "discovery", check=fields(("changeset", "contact", "key_service", "endpoints"))),
    get("GET discovery", "fields of an endpoint", "/discovery", "discovery",
        check=fields(("specification", "url", "changeset", "type", "formats"), "endpoints")),
    get("GET discovery", "values", "/discovery", "discovery", check=discovery),
    # ---- GET services
    get("GET services", "fields", "/services", "services", check=fields(SERVICE)),
    get("GET services", "metadata is a boolean, type a word", "/services", "services", check=each(metadata=True, type="realtime")),
    get("GET services", "keywords are a comma list", "/services", "services", check=each(keywords=lambda k: "," in k)),
    get("GET services", "group", "/services", "services", check=each(group=bool)),
    get("GET services", "jurisdiction_id", "/services", "errors", {"jurisdiction_id": "sf.gov"}, status=404),
    # ---- GET services/{code}
    get("GET services/{code}", "fields", f"/services/{CODE}", "service_definition", check=fields(("service_code", "attributes"))),
    get("GET services/{code}", "attributes", f"/services/{CODE}", "service_definition", check=definition),
    get("GET services/{code}", "unknown", "/services/999999", "errors", status=404),
    get("GET services/{code}", "a group is no service", f"/services/{CODE[:4]}", "errors", status=404),
    get("GET services/{code}", "jurisdiction_id", f"/services/{CODE}", "errors", {"jurisdiction_id": "sf.gov"}, status=404),
    # ---- POST requests
    post("POST requests", "receipt", {}, check=receipt),
    post("POST requests", "api_key is missing", {"api_key": None}, 403),
    post("POST requests", "api_key is wrong", {"api_key": "x"}, 403),
    post("POST requests", "api_key is empty", {"api_key": ""}, 403),
    post("POST requests", "service_code is missing", {"service_code": None}, 400),
    post("POST requests", "service_code is unknown", {"service_code": "999999"}, 404),
    post("POST requests", "no place", {"address_string": None}, 400),
    post("POST requests", "lat and long", {"address_string": None, "lat": "31.92", "long": "120.28"}, check=of_one(lat=31.92, long=120.28)),
    post("POST requests", "lat without long", {"lat": "31.92"}, 400),
    post("POST requests", "long without lat", {"long": "120.28"}, 400),
    post("POST requests", "lat is no latitude", {"lat": "120.28", "long": "31.92"}, 400),
    post("POST requests", "long is no number", {"lat": "31.92", "long": "1e2"}, 400),
    post("POST requests", "address_string", {"address_string": "澄江街道 人民路 1 号"}, check=of_one(address="澄江街道 人民路 1 号", lat=None, long=None)),
    post("POST requests", "address_id", {"address_string": None, "address_id": "320281001001"}, check=of_one(address_id="320281001001")),
    post("POST requests", "address_id is unknown", {"address_string": None, "address_id": "1"}, 400),
    post("POST requests", "all three places", {"lat": "31.92", "long": "120.28", "address_id": "320281001001"},
         check=of_one(lat=31.92, address_id="320281001001")),
    post("POST requests", "attribute[CODE]", {"attribute[kind]": "complaint"}, check=of_ticket(kind="complaint")),
    post("POST requests", "attribute[CODE][]", {"attribute[kind][]": "praise"}, check=of_ticket(kind="praise")),
    post("POST requests", "attribute[CODE] of no such attribute", {"attribute[colour]": "red"}, 400),
    post("POST requests", "attribute[CODE] with no such value", {"attribute[kind]": "red"}, 400),
    post("POST requests", "first_name, last_name, phone", {"first_name": "三", "last_name": "张", "phone": "13800001234"},
         check=of_ticket(requester__name="张三", requester__phone="138****1234")),
    post("POST requests", "phone is none", {"phone": "call me"}, 400),
    post("POST requests", "email, device_id", {"email": "a@example.org", "device_id": "d-1"}, check=receipt),
    post("POST requests", "account_id comes back", {"account_id": "a-7"}, check=lambda t, v: t.assertEqual(v[0]["account_id"], "a-7")),
    post("POST requests", "no account_id is null", {}, check=lambda t, v: t.assertIsNone(v[0]["account_id"])),
    post("POST requests", "description of 4,000 characters", {"description": "长" * 4000}, check=of_one(description="长" * 4000)),
    post("POST requests", "description is longer", {"description": "长" * 4001}, 400),
    post("POST requests", "description with signs of XML and lines", {"description": "<a> & ]]>\n\"第二行\""},
         check=of_one(description="<a> & ]]>\n\"第二行\"")),
    post("POST requests", "media_url", {"media_url": "https://example.org/1.jpg?a=1&b=2"}, check=of_one(media_url="https://example.org/1.jpg?a=1&b=2")),
    post("POST requests", "media_url is none", {"media_url": "file:///etc/passwd"}, 400),
    post("POST requests", "jurisdiction_id in the form", {"jurisdiction_id": "320281"}, check=receipt),
    post("POST requests", "jurisdiction_id is another", {"jurisdiction_id": "sf.gov"}, 404),
    post("POST requests", "jurisdiction_id is another, in the query", {}, 404, query={"jurisdiction_id": "sf.gov"}),
    post("POST requests", "empty fields are not given", {"email": "", "lat": "", "long": "", "phone": "", "attribute[kind]": ""}, check=receipt),
    # ---- GET tokens/{token}
    get("GET tokens/{token}", "fields", "/tokens/{open}", "service_requests", check=fields(("service_request_id", "token"))),
    get("GET tokens/{token}", "values", "/tokens/{open}", "service_requests", check=exactly("open")),
    get("GET tokens/{token}", "unknown", "/tokens/1", "errors", status=404),
    get("GET tokens/{token}", "jurisdiction_id", "/tokens/{open}", "errors", {"jurisdiction_id": "sf.gov"}, status=404),
    # ---- GET requests
    get("GET requests", "fields", "/requests", "service_requests", check=fields(REQUEST)),
    get("GET requests", "only what was sent here to be published", "/requests", "service_requests",
        check=ids("open", "closed", "other", without=("confidential", "phone", "old"))),
    get("GET requests", "the last 90 days", "/requests", "service_requests", check=ids("open", without=("old",))),
    get("GET requests", "the newest first", "/requests", "service_requests", check=newest_first),
    get("GET requests", "service_request_id", "/requests", "service_requests", {"service_request_id": "{old}"}, exactly("old")),
    get("GET requests", "service_request_id is a comma list", "/requests", "service_requests",
        {"service_request_id": "{old}, {closed},,{open}"}, exactly("old", "closed", "open")),
    get("GET requests", "service_request_id overrides all", "/requests", "service_requests",
        {"service_request_id": "{open}", "status": "closed", "service_code": "999999", "start_date": "x"}, exactly("open")),
    get("GET requests", "service_request_id of nobody", "/requests", "service_requests", {"service_request_id": "1,x"}, nothing),
    get("GET requests", "service_request_id that is not published", "/requests", "service_requests",
        {"service_request_id": "{confidential},{phone}"}, nothing),
    get("GET requests", "service_code", "/requests", "service_requests", {"service_code": "{other_service}"}, exactly("other")),
    get("GET requests", "service_code is a comma list", "/requests", "service_requests", {"service_code": "{other_service}," + CODE},
        ids("other", "open")),
    get("GET requests", "service_code is unknown", "/requests", "errors", {"service_code": "999999"}, status=404),
    get("GET requests", "status open", "/requests", "service_requests", {"status": "open"}, ids("open", without=("closed",))),
    get("GET requests", "status open: the word", "/requests", "service_requests", {"status": "open"}, each(status="open")),
    get("GET requests", "status closed", "/requests", "service_requests", {"status": "closed"}, exactly("closed")),
    get("GET requests", "status closed: the word", "/requests", "service_requests", {"status": "closed"}, each(status="closed")),
    get("GET requests", "status is a comma list", "/requests", "service_requests", {"status": "open,closed"}, ids("open", "closed")),
    get("GET requests", "status is no such word", "/requests", "errors", {"status": "done"}, status=400),
    get("GET requests", "start_date", "/requests", "service_requests", {"start_date": DAY}, ids("open", without=("old",))),
    get("GET requests", "end_date", "/requests", "service_requests", {"end_date": "2026-02-20T00:00:00Z"}, exactly("old", "old_changed")),
    get("GET requests", "both dates", "/requests", "service_requests",
        {"start_date": "2026-02-01T00:00:00Z", "end_date": "2026-03-01T00:00:00-05:00"}, exactly("old", "old_changed")),
    get("GET requests", "90 days apart", "/requests", "service_requests",
        {"start_date": "2026-02-01T00:00:00Z", "end_date": "2026-05-02T00:00:00Z"}, exactly("old", "old_changed")),
    get("GET requests", "more than 90 days apart", "/requests", "errors",
        {"start_date": "2026-02-01T00:00:00Z", "end_date": "2026-05-02T00:00:01Z"}, status=400),
    get("GET requests", "the wrong way round", "/requests", "errors",
        {"start_date": "2026-03-01T00:00:00Z", "end_date": "2026-02-01T00:00:00Z"}, status=400),
    get("GET requests", "a date without a zone", "/requests", "errors", {"start_date": "2026-02-01T00:00:00"}, status=400),
    get("GET requests", "a day alone", "/requests", "errors", {"end_date": "2026-02-01"}, status=400),
    get("GET requests", "another zone is the same instant", "/requests", "service_requests",
        {"start_date": "2026-05-31T22:00:00-04:00"}, ids("open", without=("old",))),
    get("GET requests", "fractions of a second", "/requests", "service_requests", {"start_date": "2026-06-01T02:00:00.000Z"}, ids("open")),
    get("GET requests", "zero results", "/requests", "service_requests",
        {"start_date": "2020-01-01T00:00:00Z", "end_date": "2020-02-01T00:00:00Z"}, nothing),
    get("GET requests", "jurisdiction_id", "/requests", "errors", {"jurisdiction_id": "sf.gov"}, status=404),
    # ---- GET requests/{id}
    get("GET requests/{id}", "a list of one", "/requests/{open}", "service_requests", check=exactly("open")),
    get("GET requests/{id}", "fields", "/requests/{open}", "service_requests", check=fields(REQUEST)),
    get("GET requests/{id}", "open", "/requests/{open}", "service_requests",
        check=each(status="open", status_notes=None, service_code=CODE, service_name=bool, agency_responsible=bool,
                   expected_datetime=INSTANT.fullmatch, zipcode=None, service_notice=None)),
    get("GET requests/{id}", "closed", "/requests/{closed}", "service_requests",
        check=each(status="closed", status_notes="已修复", expected_datetime=None)),
    get("GET requests/{id}", "however old", "/requests/{old}", "service_requests", check=exactly("old")),
    get("GET requests/{id}", "confidential", "/requests/{confidential}", "errors", status=404),
    get("GET requests/{id}", "of another channel", "/requests/{phone}", "errors", status=404),
    get("GET requests/{id}", "unknown", "/requests/638344", "errors", status=404),
    get("GET requests/{id}", "no number", "/requests/abc", "errors", status=404),
    get("GET requests/{id}", "jurisdiction_id", "/requests/{open}", "errors", {"jurisdiction_id": "sf.gov"}, status=404),
    # ---- errors
    get("Errors", "400", "/requests", "errors", {"status": "x"}, status=400),
    post("Errors", "403", {"api_key": "x"}, 403),
    get("Errors", "404", "/nothing/at/all", "errors", status=404),
    post("Errors", "405 where there is nothing to send to", None, 405),
    post("Errors", "422 a key for another body", {"description": "另一件"}, 422, headers={"Idempotency-Key": "taken"}),
    # ---- extensions in the wild
    get("Extensions", "page_size", "/requests", "service_requests", {"page_size": 2}, lambda t, v: t.assertEqual(len(v), 2)),
    get("Extensions", "page", "/requests", "service_requests", {"page_size": 1, "page": 2},
        lambda t, v: t.assertEqual(v, t.get("/requests", "service_requests", {"page_size": 2})[1:])),
    get("Extensions", "a page behind the last", "/requests", "service_requests", {"page": 20}, nothing),
    get("Extensions", "page is none", "/requests", "errors", {"page": 0}, status=400),
    get("Extensions", "page_size is too large", "/requests", "errors", {"page_size": 1001}, status=400),
    get("Extensions", "updated_after", "/requests", "service_requests", {"updated_after": "2026-06-01T00:00:00Z"}, ids("old_changed", without=("old",))),
    get("Extensions", "updated_before", "/requests", "service_requests", {"updated_before": "2026-06-01T01:00:00Z"}, ids("old", without=("open", "old_changed"))),
    get("Extensions", "both, and a status", "/requests", "service_requests",
        {"updated_after": "2026-02-01T00:00:00Z", "updated_before": "2026-03-01T00:00:00Z", "status": "closed"}, nothing),
    get("Extensions", "unknown parameters are passed over", "/requests", "service_requests",
        {"extensions": "true", "lat": "31", "long": "120", "radius": "500"}, ids("open")),
    post("Extensions", "sent twice with one Idempotency-Key", {}, headers={"Idempotency-Key": "taken"}, check=exactly("keyed")),
]
ROWS = ("Common", "GET discovery", "GET services", "GET services/{code}", "POST requests", "GET tokens/{token}", "GET requests",
        "GET requests/{id}", "Errors", "Extensions")


class Conformance(Open311Test):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        t = cls("setUp")
        t.anyone.recorded = False  # the fixture; each case is recorded
        services = [s["service_code"] for s in t.get("/services", "services")]
        other = next(s for s in services if s != CODE)
        cls.world = {"other_service": other}
        make = lambda name, **form: cls.world.update({name: t.post(**form)["service_request_id"]})
        place = {"address_string": None, "address_id": "320281001001"}
        make("old")
        make("old_changed")
        t.daemon.move_clock(DAY)
        make("open", **place)
        make("closed", **place)
        make("other", service_code=other)
        make("confidential", **{"attribute[confidential]": "yes"})
        make("keyed", headers={"Idempotency-Key": "taken"})
        cls.world["phone"] = t.new_ticket()["number"]
        t.daemon.advance(60)
        t.desk.post(f"/v1/tickets/{cls.world['closed']}/answer", {"reply": "已修复"})
        t.desk.post(f"/v1/tickets/{cls.world['old_changed']}/note", {"text": "看过"})
        if not t.one(cls.world["open"])["agency_responsible"]:
            t.desk.post(f"/v1/tickets/{cls.world['open']}/dispatch", {"lead_unit": "JY-GJ"})
        t.anyone.recorded = True
        cls.raw_xml.clear()

    def ask(self, case, fmt):
        fill = lambda text: text.format(**self.world) if isinstance(text, str) else text
        path = fill(case.path)
        path = path if re.search(r"\.\w*$", path) else f"{path}.{fmt}"
        query = {k: fill(v) for k, v in case.query.items()} if case.query else None
        form = None
        if case.form is not None:
            good = {"api_key": self.key, "service_code": CODE, "address_string": "江苏省无锡市江阴市澄江街道", "description": "路灯不亮"}
            form = {k: v for k, v in {**good, **case.form}.items() if v is not None}
        if case.status == 405:
            path, form = f"/services.{fmt}", {"a": "b"}
        self.anyone.recorded = case.status not in (405,) and "/nothing" not in path and "." not in case.path
        return self.call(path, form, case.headers, query)

    def refusal(self, case, fmt, answer):
        if "." in case.path:  # no format that could be spoken: XML
            fmt = "xml"
        (error,) = self.read(answer, fmt, "errors")
        self.assertEqual(tuple(error), ("code", "description"))
        self.assertEqual(error["code"], case.status)
        self.assertTrue(error["description"])
        return [{"code": error["code"]}]

    def test_rows(self):
        count = 0
        for case in CASES:
            said = {}
            with self.subTest(row=case.row, what=case.what):
                for fmt in FORMATS:
                    answer = self.ask(case, fmt)
                    self.assertEqual(answer.status, case.status, answer)
                    self.assertEqual(answer.headers["access-control-allow-origin"], "*")
                    if case.status != 200:
                        said[fmt] = self.refusal(case, fmt, answer)
                        continue
                    said[fmt] = self.read(answer, fmt, case.root)
                    if case.check:
                        case.check(self, said[fmt])
                if case.form is None or case.status != 200:  # two requests are two numbers
                    self.assertEqual(said["xml"], said["json"])
                count += 2
        print(f"{count} of {2 * len(CASES)} answers in {len(ROWS)} rows, {len(self.raw_xml)} XML documents")
        self.assertEqual({c.row for c in CASES}, set(ROWS))
        self.assertEqual(len({(c.row, c.what) for c in CASES}), len(CASES))
        self.check_schema()

    def check_schema(self):
        """All XML, as libxml2 sees it."""
        if not shutil.which("xmllint"):
            print("xmllint is not installed: the XML was held against no schema")
            return
        with tempfile.TemporaryDirectory() as folder:
            for i, text in enumerate([b"<?xml version='1.0'?><services><service><service_code>1</service_code></service></services>",
                                      *set(self.raw_xml)]):
                pathlib.Path(folder, f"{i}.xml").write_bytes(text)
            run = lambda names: subprocess.run(["xmllint", "--noout", "--nonet", "--relaxng", str(HERE / "georeport.rng"), *names],
                                               capture_output=True, text=True, cwd=folder, check=False)
            self.assertNotEqual(run(["0.xml"]).returncode, 0, "a schema that takes anything proves nothing")
            names = sorted(p.name for p in pathlib.Path(folder).glob("*.xml") if p.name != "0.xml")
            self.assertGreater(len(names), 50)
            done = run(names)
            self.assertEqual(done.returncode, 0, done.stderr[-3000:])

    # ---- what a table cannot say

    def test_json_lists_are_bare(self):
        for path in ("/services.json", "/requests.json", f"/requests/{self.world['open']}.json", "/requests.json?status=x"):
            self.assertIsInstance(json.loads(self.call(path).body), list, path)

    def test_nothing_known(self):
        """Null in JSON, an empty element in XML; an empty list is a list."""
        path = f"/requests/{self.world['open']}"
        self.assertIn(b'"zipcode":null', self.call(path + ".json").body.replace(b" ", b""))
        self.assertIn(b"<zipcode/>", self.call(path + ".xml").body)
        empty = {"service_request_id": "1"}
        self.assertEqual(self.call("/requests.json", query=empty).body.strip(), b"[]")
        self.assertIn(b"<service_requests></service_requests>", self.call("/requests.xml", query=empty).body)

    def test_a_plus_that_was_not_encoded(self):
        answer = self.call("/requests.json?start_date=2026-06-01T10:00:00+08:00")
        self.assertEqual(answer.status, 200)
        self.assertIn(self.world["open"], answer.body.decode())

    def test_accept(self):
        for accept, kind in ((None, "text/xml"), ("*/*", "text/xml"), ("application/json", "application/json"),
                             ("text/xml", "text/xml"), ("application/json, text/xml", "application/json")):
            answer = self.call(f"/services/{CODE}", headers={"Accept": accept} if accept else None)
            self.assertEqual(answer.headers["content-type"], kind + "; charset=utf-8")

    def test_more_than_a_thousand(self):
        """The list ends at 1,000; the rest is behind it. Copies of a ticket, long before everything else here."""
        self.anyone.recorded = False
        self.daemon.sql(f"""
            CREATE TEMP TABLE one AS SELECT * FROM ticket WHERE number = {self.world["other"]};
            DO $$ BEGIN
                FOR g IN 1..1200 LOOP
                    UPDATE one SET number = 900000000000000000 + g;
                    INSERT INTO ticket SELECT * FROM one;
                END LOOP;
            END $$;
            INSERT INTO open311_request (number, requested_at, updated_at)
            SELECT 900000000000000000 + g, '2025-06-01T01:00:00Z', '2025-06-01T01:00:00Z' FROM generate_series(1, 1200) g;""")
        query = {"start_date": "2025-06-01T01:00:00Z", "end_date": "2025-06-01T01:00:00Z"}
        first, second = self.ids(**query), self.ids(page=2, **query)
        self.assertEqual((len(first), len(second)), (1000, 200))
        self.assertEqual(len(set(first + second)), 1200)
        self.anyone.recorded = True


class Client(Open311Test):
    """npm open311 (codeforamerica/node-open311) goes through it, in JSON and in XML."""
    PACKAGES = {"open311": "0.0.12", "xml-js": "1.6.11"}
    # what it wants of 2012 cannot be had any more, or not from a registry
    OVERRIDES = {"request": "2.88.2", "sparkxml": "npm:xml-js@1.6.11", "xml2json": "npm:xml-js@1.6.11"}

    @classmethod
    def setUpClass(cls):
        cls.peer = NodePeer(HERE / "client.js", cls.PACKAGES, cls.OVERRIDES)
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        cls.peer.close()
        super().tearDownClass()

    def ask(self, fmt, call, *args, key=None):
        return self.peer.ask(discovery=f"http://127.0.0.1:{self.daemon.port}{BASE}/discovery.json", format=fmt,
                             key=key or self.key, call=call, args=args)

    def test_discovery(self):
        said = [self.peer.ask(discovery=f"http://127.0.0.1:{self.daemon.port}{BASE}/discovery.{fmt}", call="serviceDiscovery",
                              format=fmt)["ok"] for fmt in FORMATS]
        self.assertEqual(*said)
        self.assertEqual(said[0]["endpoints"][0]["type"], "test")

    def test_a_request(self):
        for fmt in FORMATS:
            with self.subTest(fmt=fmt):
                services = self.ask(fmt, "serviceList")["ok"]
                self.assertGreater(len(services), 20)
                code = services[0]["service_code"]
                definition = self.ask(fmt, "serviceDefinition", code)["ok"]
                self.assertEqual(definition["service_code"], code)
                kind = next(a for a in definition["attributes"] if a["code"] == "kind")
                (made,) = self.ask(fmt, "submitRequest", {
                    "service_code": code, "lat": 31.92, "long": 120.28, "description": "路灯 <b> & 不亮",
                    "attributes": {"kind": kind["values"][-1]["key"]}})["ok"]
                number = made["service_request_id"]
                self.assertEqual(self.desk.get(f"/v1/tickets/{number}")["kind"], kind["values"][-1]["key"])
                (token,) = self.ask(fmt, "token", number)["ok"]
                self.assertEqual(token["service_request_id"], number)
                (item,) = self.ask(fmt, "serviceRequest", number)["ok"]
                self.assertEqual((item["service_request_id"], item["description"], float(item["lat"])), (number, "路灯 <b> & 不亮", 31.92))
                self.assertTrue(item["requested_datetime"].startswith("2026-02-13T02:00:"), item)  # a Date in UTC
                many = self.ask(fmt, "serviceRequests", [number, "1"], {})["ok"]
                self.assertEqual([r["service_request_id"] for r in many], [number])
                listed = self.ask(fmt, "serviceRequests", {"status": "open", "service_code": code})["ok"]
                self.assertIn(number, [r["service_request_id"] for r in listed])

    def test_refusals(self):
        for fmt in FORMATS:
            said = self.ask(fmt, "submitRequest", {"service_code": CODE, "address_string": "x"}, key="wrong")
            self.assertIn("403", said["refused"])
            self.assertIn("404", self.ask(fmt, "serviceDefinition", "999999")["refused"])


if __name__ == "__main__":
    main()
