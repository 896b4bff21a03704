"""Open311 in a test: asks in XML and in JSON, brings both into one shape, and they have to say the same.

The tables of fields are those of the specification, written down here once more on purpose.
"""
import json
import re
import urllib.parse
import xml.parsers.expat

from hotline_test import DaemonTest

BASE = "/open311/v2"
FORMATS = ("xml", "json")
SERVICE = ("service_code", "service_name", "description", "metadata", "type", "keywords", "group")
REQUEST = ("service_request_id", "status", "status_notes", "service_name", "service_code", "description",
           "agency_responsible", "service_notice", "requested_datetime", "updated_datetime", "expected_datetime", "address",
           "address_id", "zipcode", "lat", "long", "media_url")
ATTRIBUTE = ("variable", "code", "datatype", "required", "datatype_description", "order", "description", "values")
# XML list element -> its items
ITEMS = {"services": "service", "service_requests": "request", "errors": "error", "endpoints": "endpoint",
         "formats": "format", "attributes": "attribute", "values": "value"}
INTS, BOOLS, FLOATS = ("code", "order"), ("metadata", "variable", "required"), ("lat", "long")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d")
CODE = "010206"


class Element:
    def __init__(self, name):
        self.name, self.children, self.text = name, [], ""


def parse_xml(data):
    """Well-formed as expat sees it, no DOCTYPE, no attributes, no mixed content."""
    stack, root = [Element(None)], None
    parser = xml.parsers.expat.ParserCreate()

    def start(name, attributes):
        assert not attributes, (name, attributes)
        e = Element(name)
        stack[-1].children.append(e)
        stack.append(e)

    def end(_):
        e = stack.pop()
        assert not (e.children and e.text.strip()), e.name

    def doctype(*_):
        raise AssertionError("a DOCTYPE")

    def text(data):
        stack[-1].text += data

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = text, doctype
    parser.Parse(data, True)
    (root,) = stack[0].children
    return root


def value_of(e):
    """The JSON an element stands for."""
    if e.name in ITEMS:
        assert all(c.name == ITEMS[e.name] for c in e.children), [c.name for c in e.children]
        return [value_of(c) for c in e.children]
    if e.children:
        return {c.name: value_of(c) for c in e.children}
    if not e.text:
        return None
    if e.name in BOOLS:
        return {"true": True, "false": False}[e.text]
    if e.name in FLOATS:
        return float(e.text)
    if e.name in INTS and e.text.isdigit() and len(e.text) < 4:
        return int(e.text)
    return e.text


def named(root, name):
    assert root.name == name, root.name
    return value_of(root)


class Open311Test(DaemonTest):
    CLOCK = "2026-02-13T10:00:00+08:00"
    raw_xml = []  # every XML answer, for whoever wants to look at them as a whole

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.anyone = cls.daemon.client()
        cls.key = cls.daemon.tokens["web"]

    @classmethod
    def tearDownClass(cls):
        cls.anyone.close()
        super().tearDownClass()

    # ---- helpers

    def call(self, path, form=None, headers=None, query=None):
        target = BASE + path + ("?" + urllib.parse.urlencode(query) if query else "")
        if form is None:
            return self.anyone.call("GET", target, headers=headers)
        body = form if isinstance(form, bytes) else urllib.parse.urlencode(form).encode()
        return self.anyone.call("POST", target, body,
                                {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})})

    def read(self, answer, fmt, root):
        if fmt == "json":
            self.assertEqual(answer.headers["content-type"], "application/json; charset=utf-8")
            # two signs that XML 1.0 cannot hold go out as U+FFFD there
            return json.loads(answer.body.decode().replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd"))
        self.assertEqual(answer.headers["content-type"], "text/xml; charset=utf-8")
        self.raw_xml.append(answer.body)
        return named(parse_xml(answer.body), root)

    def get(self, path, root, query=None):
        """Asks in both formats, which have to agree."""
        said = []
        for fmt in FORMATS:
            answer = self.call(f"{path}.{fmt}", query=query)
            self.assertEqual(answer.status, 200, answer)
            said.append(self.read(answer, fmt, root))
        self.assertEqual(*said)
        return said[1]

    def refused(self, path, status, form=None, query=None, headers=None):
        for fmt in FORMATS:
            answer = self.call(f"{path}.{fmt}", form, headers, query)
            self.assertEqual(answer.status, status, answer)
            (error,) = self.read(answer, fmt, "errors")
            self.assertEqual(set(error), {"code", "description"})
            self.assertEqual(error["code"], status)
            self.assertTrue(error["description"])

    def post(self, fmt="json", headers=None, **form):
        fields = {"api_key": self.key, "service_code": CODE, "address_string": "江苏省无锡市江阴市澄江街道",
                  "description": "路灯不亮", **form}
        answer = self.call(f"/requests.{fmt}", {k: v for k, v in fields.items() if v is not None}, headers)
        self.assertEqual(answer.status, 200, answer)
        (item,) = self.read(answer, fmt, "service_requests")
        self.assertEqual(set(item), {"service_request_id", "service_notice", "account_id"})
        return item

    def one(self, number):
        (item,) = self.get(f"/requests/{number}", "service_requests")
        return item

    def ids(self, **query):
        return [r["service_request_id"] for r in self.get("/requests", "service_requests", query)]

    def unrecorded(self):
        """What is not in our own document on purpose."""
        self.anyone.recorded = False
        self.addCleanup(setattr, self.anyone, "recorded", True)
