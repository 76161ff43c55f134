#!/usr/bin/env python3
"""Each server as the end-to-end tests use it; TIDEGATE_RAVENDB says which version.

This is also the fixture of those tests: it puts the server together.
"""

import http.client
import os
import pathlib
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent))

from servers import ravendb  # noqa: E402

VERSION = os.environ.get("TIDEGATE_RAVENDB") or "6.2.4"
ROWS = 3000


def rows(count):
    return ((f"orders/{i}", {"Total": i, "Text": "Łódź 😀" * 4}) for i in range(count))


class ServerTest(unittest.TestCase):
    """Both kinds of server, started at the same time."""

    @classmethod
    def setUpClass(cls):
        cls.holder = tempfile.TemporaryDirectory(prefix="tidegate-")
        started = {}
        ways = {"plain": {"data": pathlib.Path(cls.holder.name) / "data"},
                "secured": {"secured": True}}
        starters = [threading.Thread(target=lambda name=name: started.update(
            {name: ravendb.Server(VERSION, **ways[name])})) for name in ways]
        for starter in starters:
            starter.start()
        for starter in starters:
            starter.join()
        cls.plain, cls.secured = started["plain"], started["secured"]
        cls.files = set(ravendb.find(VERSION).parent.rglob("*"))

    @classmethod
    def tearDownClass(cls):
        for server in (cls.plain, cls.secured):
            server.stop()
            if server.folder.exists():
                raise AssertionError(f"{server.folder} is still there")
        cls.holder.cleanup()
        new = set(ravendb.find(VERSION).parent.rglob("*")) - cls.files
        if new:
            raise AssertionError(f"a server wrote into the folder that all share: {new}")

    def test_keeps_what_was_stored_over_a_kill_in_an_answer(self):
        with self.plain.connect() as client:
            client.create("plant")
            self.assertEqual(client.fill("plant", "Orders", rows(ROWS)), ROWS)
            client.bulk("plant", [ravendb.remove("orders/7"), ravendb.put("a", {"b": 1})])
            before = client.stats("plant")
            self.assertEqual([one["Id"] for one in client.tombstones("plant")], ["orders/7"])
            self.cut_an_answer(self.plain)
            self.plain.start()
            after = client.stats("plant")
            self.assertEqual(before["DatabaseId"], after["DatabaseId"])
            self.assertEqual(after["CountOfDocuments"], ROWS)
            self.assertEqual(client.collections("plant"), {"Orders": ROWS - 1, "@empty": 1})
            self.assertEqual(client.get("plant", "ORDERS/8")["Text"], "Łódź 😀" * 4)
            self.assertIsNone(client.get("plant", "orders/7"))
            self.assertEqual(len(list(client.documents("plant", "orders"))), ROWS - 1)
            self.check_databases(client)

    def cut_an_answer(self, server):
        with ravendb.Tap(server.port) as tap:
            tap.after(100000, server.kill)
            with ravendb.Client(f"http://127.0.0.1:{tap.port}") as cut:
                with self.assertRaises((http.client.HTTPException, OSError)):
                    cut.call("GET", "/databases/plant/docs", etag=0)
            self.assertTrue(tap.done.is_set())

    def check_databases(self, client):
        client.clean_tombstones("plant")
        client.disable("plant")
        with self.assertRaises(ravendb.Refused) as caught:
            client.stats("plant")
        self.assertEqual(caught.exception.status, 503)
        client.enable("plant")
        client.drop("plant")
        self.assertNotIn("plant", client.databases())

    def status(self, identity, path="/databases/plant/stats"):
        with self.secured.connect(identity) as client:
            return client.ask("GET", path)[0]

    def test_clearances(self):
        with self.secured.connect() as client:
            client.create("plant")
        mine = {"plant": "ReadWrite"}
        for key in ("p256", "rsa2048", "rsa4096"):
            one = self.secured.identity(key, permissions=mine, key=key)
            self.assertEqual(self.status(one), 200, key)
            self.assertEqual(self.status(one, "/admin/certificates"), 403, key)
        operator = self.secured.identity("operator", "Operator")
        self.assertEqual(self.status(operator, "/admin/certificates"), 200)
        for one in (self.secured.identity("nothing"),
                    self.secured.certificates.client("unknown", own=True),
                    self.secured.identity("expired", permissions=mine, expired=True)):
            self.assertEqual(self.status(one), 403, one.name)
        self.check_changed_permission(operator)

    def check_changed_permission(self, one):
        """An edited permission is in force on new connections; open ones keep the old."""
        with self.secured.connect() as admin:
            admin.permit(one, {})
            self.assertEqual(self.status(one), 403)
            admin.permit(one, {"plant": "ReadWrite"})
            self.assertEqual(self.status(one), 200)
            admin.forget(one)
            self.assertEqual(self.status(one), 403)


if __name__ == "__main__":
    ravendb.need(VERSION)
    unittest.main()
