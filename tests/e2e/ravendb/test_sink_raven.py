#!/usr/bin/env python3
"""One RavenDB database into another: documents arrive as they are, under their own ids."""

import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "e2e"), str(pathlib.Path(__file__).resolve().parent)]

import audit  # noqa: E402
import cli  # noqa: E402
import raven  # noqa: E402
from servers import ravendb  # noqa: E402
from test_sink import VERSION  # noqa: E402

RECORDINGS = ROOT / "replay" / "ravendb"
MADE_BY_SERVER = ("@change-vector", "@id", "@last-modified", "@flags", "@etag", "@index-score")
OURS = ("Tidegate-Instance", "Tidegate-Stream", "Tidegate-Seq", "Tidegate-Hash",
        "Source-Modified")
SHARED = {}


def setUpModule():
    SHARED["server"] = ravendb.shared(VERSION)


def tearDownModule():
    SHARED["server"].stop()


def recorded_batches():
    """The bodies of recorded batches that the server took, of ids and values that are hard."""
    for name in ("odd_ids_6.2.4.jsonl", "odd_values_6.2.4.jsonl"):
        asked = None
        for line in (RECORDINGS / name).read_bytes().splitlines():
            part = json.loads(line)
            if part.get("kind") == "request":
                asked = part
            elif part.get("status") == 201 and '"Type":"PUT"' in asked["body"]:
                yield asked["body"].encode("utf-8", "surrogatepass")


class RavenToRaven(cli.Case):
    def setUp(self):
        super().setUp()
        self.client = SHARED["server"].connect(decoder=audit.DECODER)
        self.addCleanup(self.client.close)
        name = ravendb.own_name(self.id().rsplit(".", 1)[1])
        self.names = [f"{name}-{end}" for end in ("from", "to")]
        for name in self.names:
            self.client.create(name)
            self.addCleanup(self.client.drop, name)

    def sync(self, code=0, **sink):
        url = SHARED["server"].url
        path = self.write("tidegate.json", {
            "name": "pair", "store": {"path": str(self.folder / "store")},
            "sources": [{"name": "raven", "type": "ravendb", "ravendb_urls": url,
                         "database_name": self.names[0], "collection_name": "*"}],
            "sinks": [{"name": "up", "type": "ravendb", "ravendb_urls": url,
                       "database_name": self.names[1], **sink}]})
        done = cli.run("sync", "--config", path, seconds=120)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stderr

    def documents(self, which):
        """{id: (document, metadata of the user's)}, without markers."""
        found = {}
        for document in self.client.documents(self.names[which]):
            metadata = document.pop("@metadata")
            if metadata.get("@collection") in ("Tidegate", "@hilo"):
                continue
            own = {name: value for name, value in metadata.items()
                   if name not in MADE_BY_SERVER + OURS}
            found[metadata["@id"]] = (document, own)
        return found

    def same(self):
        first, second = self.documents(0), self.documents(1)
        self.assertEqual(sorted(first), sorted(second))
        for name, (document, own) in first.items():
            self.assertEqual(document, second[name][0], name)
            self.assertEqual(own, second[name][1], name)
        return len(first)

    def test_odd_ids_and_values(self):
        for body in recorded_batches():
            self.client.bulk(self.names[0], body)
        self.client.remove(self.names[0], "deep/2000")  # deeper than a source takes
        self.sync()
        self.assertGreater(self.same(), 30)

    def test_changes_and_deletes(self):
        name = self.names[0]
        self.client.fill(name, "Orders", ((f"Orders/{i}-A", {"Total": i}) for i in range(300)))
        self.sync()
        self.assertEqual(self.same(), 300)
        self.client.bulk(name, [ravendb.put("ORDERS/7-a", {"Total": "x"}, "Orders"),
                                ravendb.remove("orders/8-a"), ravendb.remove("Orders/9-A"),
                                ravendb.put("new/1", {"a": 1}, "Others")])
        self.sync()
        self.assertEqual(self.same(), 299)

    def test_a_document_moves_to_another_collection(self):
        name = self.names[0]
        self.client.fill(name, "Orders", ((f"orders/{i}", {"Total": i}) for i in range(20)))
        self.sync()
        self.client.bulk(name, [ravendb.remove("orders/3"),
                                ravendb.put("orders/3", {"Total": 3}, "Archive")])
        for _ in range(3):
            self.sync()
        self.assertEqual(self.same(), 20)

    def test_what_a_tidegate_wrote_is_not_sent_back(self):
        self.client.fill(self.names[0], "Orders", [("orders/1", {"Total": 1})])
        self.sync()
        before = self.client.stats(self.names[1])["LastDatabaseEtag"]
        self.names.reverse()
        self.write("tidegate.json", "{}")
        self.folder = self.folder / "back"
        self.folder.mkdir()
        self.sync()
        self.names.reverse()
        self.assertEqual(self.client.stats(self.names[1])["LastDatabaseEtag"], before)
        self.assertEqual(len(self.documents(0)), 1)


if __name__ == "__main__":
    raven.main()
