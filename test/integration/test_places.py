"""Places from words: candidates for the operator, and regions that machines take when they are certain."""
import json
import uuid
import urllib.parse

from hotline_test import DaemonTest, main

WENDING, CHENGJIANG = "320281001001", "320281001000"
MATTER = {"channel": "web", "kind": "complaint", "category": "010201", "title": "噪音", "text": "很吵"}


class Places(DaemonTest):
    CLOCK = "2026-02-13T10:00:00+08:00"

    def find(self, text, client=None):
        return (client or self.desk).get("/v1/places?q=" + urllib.parse.quote(text))["items"]

    def refused(self, target, field, reason):
        answer = self.desk.call("GET", target)
        self.assertEqual(answer.status, 400, answer)
        self.assertIn({"field": field, "reason": reason}, answer.json["errors"])

    def test_candidates(self):
        best, = self.find("江阴市澄江街道文定社区３幢")
        self.assertEqual(best, {
            "region": WENDING, "name": "文定社区居委会", "level": "village", "score": 95, "certain": True,
            "path": [{"code": "320281000000", "name": "江阴市"}, {"code": CHENGJIANG, "name": "澄江街道"},
                     {"code": WENDING, "name": "文定社区居委会"}],
            "matched": ["江阴市", "澄江街道", "文定社区"]})
        several = self.find("君山3号")
        self.assertEqual([(p["region"], p["certain"]) for p in several], [("320281001061", False), ("320281001225", False)])
        contradiction = self.find("南闸街道文定社区")
        self.assertEqual([p["certain"] for p in contradiction], [False, False])
        self.assertEqual(self.find("北京市长安街1号"), [])
        self.assertEqual(self.find("高新区")[0]["region"], "320281400000")
        for name in ("web", "phone", "supervisor"):
            client = self.daemon.client(name)
            self.addCleanup(client.close)
            self.assertEqual(self.find("文定社区", client)[0]["region"], WENDING)

    def test_refusals(self):
        self.refused("/v1/places", "q", "required")
        self.refused("/v1/places?q=", "q", "too_short")
        self.refused("/v1/places?q=" + urllib.parse.quote("址" * 301), "q", "too_long")
        self.refused("/v1/places?q=x&limit=3", "limit", "unknown")
        self.assertEqual(self.find("址" * 300), [])

    def receive(self, **fields):
        return self.desk.post("/v1/tickets", {**MATTER, **fields})

    def test_intake_takes_what_is_certain(self):
        certain = self.receive(address="澄江街道文定社区3幢")
        self.assertEqual((certain["region"], certain["region_from"]), (WENDING, "address"))
        given = self.receive(region=WENDING)
        self.assertNotIn("region_from", given)
        self.assertEqual(certain["route"], given["route"])  # routed by the place, as if it had been given
        self.assertEqual(self.desk.get(f"/v1/tickets/{certain['number']}")["region"], WENDING)
        for doubtful in ("君山3号", "南闸街道文定社区", "靖江市滨江社区", "街西村", "花园路3号", "江阴市", ""):
            answer = self.receive(address=doubtful)
            self.assertIsNone(answer["region"], doubtful)
            self.assertNotIn("region_from", answer)
        said = self.receive(region="320281004000", address="澄江街道文定社区3幢")  # who says it is right
        self.assertEqual(said["region"], "320281004000")
        self.assertNotIn("region_from", said)

    def test_replay_says_the_same(self):
        """The first answer is what is replayed, even if the address means something else by then."""
        key = {"Idempotency-Key": str(uuid.uuid4())}
        body = {**MATTER, "address": "老城厢5号"}
        before = self.desk.post("/v1/tickets", body, headers=key)
        self.assertIsNone(before["region"])
        bundle = self.admin.get("/v1/admin/export")
        village, = (r for r in bundle["regions"] if r["code"] == WENDING)
        self.assertNotIn("aliases", village)
        village["aliases"] = ["老城厢", "文定坊"]
        self.admin.post("/v1/admin/import", bundle)
        self.assertEqual(self.receive(address="老城厢5号")["region"], WENDING)
        again = self.desk.call("POST", "/v1/tickets", body, headers=key)
        self.assertEqual((again.status, again.headers["idempotent-replay"]), (200, "true"))
        self.assertEqual(again.json, before)
        exported = self.admin.get("/v1/admin/export")
        self.assertEqual({r["code"]: r for r in exported["regions"]}, {r["code"]: r for r in bundle["regions"]})
        town, = (r for r in exported["regions"] if r["code"] == "320281400000")
        self.assertEqual(town["aliases"], ["高新区", "江阴高新区"])

    def test_aliases_are_checked(self):
        bundle = self.admin.get("/v1/admin/export")
        bundle["regions"][3]["aliases"] = ["x"]
        report = self.admin.post("/v1/admin/validate", bundle)
        code = bundle["regions"][3]["code"]
        self.assertEqual([(e["field"], e["reason"]) for e in report["errors"]], [(f"regions[{code}].aliases", "range")])
        bundle["regions"][3]["aliases"] = ["别名"] * 17
        report = self.admin.post("/v1/admin/validate", bundle)
        self.assertEqual([e["reason"] for e in report["errors"]], ["too_long"])

    def test_explain(self):
        case = {"channel": "web", "kind": "complaint", "category": "010201"}
        why = self.desk.post("/v1/explain", {**case, "address": "澄江街道文定社区"})
        self.assertEqual((why["region"], why["region_from"]), (WENDING, "address"))
        self.assertEqual([p["region"] for p in why["places"]], [WENDING])
        self.assertEqual(why["route"], self.desk.post("/v1/explain", {**case, "region": WENDING})["route"])
        doubtful = self.desk.post("/v1/explain", {**case, "address": "君山3号"})
        self.assertIsNone(doubtful["region"])
        self.assertNotIn("region_from", doubtful)
        self.assertEqual(len(doubtful["places"]), 2)
        given = self.desk.post("/v1/explain", {**case, "address": "君山3号", "region": CHENGJIANG})
        self.assertEqual(given["region"], CHENGJIANG)
        self.assertNotIn("region_from", given)
        self.assertEqual(self.desk.post("/v1/explain", case)["places"], [])

    def test_client(self):
        table = self.daemon.hotline("place", "澄江街道文定社区3幢", who="desk")
        self.assertIn("江阴市 / 澄江街道 / 文定社区居委会", table)
        self.assertIn("90", table)
        raw = json.loads(self.daemon.hotline("--json", "place", "澄江街道文定社区3幢", who="desk"))
        self.assertEqual(raw["items"][0]["region"], WENDING)


if __name__ == "__main__":
    main()
