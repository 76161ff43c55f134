#!/usr/bin/env python3
"""RavenDB to RavenDB: what arrives is what was there, odd ids and values too, each batch once."""

import json

import raven
import witness
from servers import ravendb

DEEP = b"[" * 64  # such documents are set aside
RECORDINGS = raven.TESTS / "replay" / "ravendb"


def recorded(name):
    """The bodies of a recording's bulk_docs requests, byte for byte."""
    with open(RECORDINGS / name, encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            if line.get("kind") == "request" and "/bulk_docs " in line["head"].split("\r\n")[0]:
                yield line["body"].encode("utf-8", "surrogatepass")


class CopyTest(raven.Case):
    def setUp(self):
        super().setUp()
        self.copy = self.database + "_copy"
        self.create(self.copy)
        self.sinks = [self.files("files"), self.raven_sink(self.copy)]

    def test_changes_and_deletes(self):
        self.client.fill(self.database, "Orders", raven.orders(3000))
        self.sync()
        self.assertEqual(self.check_copy(self.copy), 3000)
        self.client.bulk(self.database, [
            *(ravendb.put(f"orders/{i}", raven.order(i, 1), "Orders") for i in range(0, 99, 3)),
            *(ravendb.remove(f"orders/{i}") for i in range(1, 99, 3)),
            ravendb.put("ORDERS/2", raven.order(2, 1), "Orders")])
        self.sync()
        self.check()
        self.check_copy(self.copy)

    def test_another_collection(self):
        """A document that changes its collection is deleted and made again."""
        self.COLLECTIONS = ("Orders", "Others")
        self.source["collection_name"] = list(self.COLLECTIONS)
        self.client.fill(self.database, "Orders", raven.orders(10))
        self.sync()
        self.client.bulk(self.database, [ravendb.remove("orders/3"),
                                         ravendb.put("orders/3", {"moved": True}, "Others")])
        self.sync()
        self.check_copy(self.copy)

    def test_answers_lost(self):
        self.client.fill(self.database, "Orders", raven.orders(3000))
        with witness.Witness(self.server.port) as seen:
            self.sinks = [self.raven_sink(self.copy, ravendb_urls=seen.url, batch_records=100)]
            seen.lose(3)
            with self.start() as process:
                process.communicate(timeout=raven.SECONDS_MAX)
            self.assertIn(process.returncode, (0, 4))
            self.sync()
            seen.judge()
        self.assertEqual(self.check_copy(self.copy), 3000)

    def test_is_not_read_back(self):
        """One agent each way: what came from there does not go back."""
        self.client.fill(self.database, "Orders", raven.orders(100))
        self.client.put(self.copy, "orders/there", {"made": "there"}, "Orders")
        here, back = self.folder, self.folder / "back"
        back.mkdir()
        for delivered in ((100, 1), (0, 0)):
            ways = ((here, self.database, self.copy), (back, self.copy, self.database))
            for count, (self.folder, source, sink) in zip(delivered, ways):
                self.source["database_name"] = source
                self.sinks = [self.raven_sink(sink)]
                self.assertEqual(self.sync()["records_delivered"], count)
        for database in (self.database, self.copy):
            self.assertEqual(len(self.documents("Orders", database)), 101)
        # A client there loads documents, changes them and saves them, with the metadata they have.
        for number in range(3):
            document = self.client.get(self.copy, f"orders/{number}")
            document["Note"] = "changed there"
            self.client.put(self.copy, f"orders/{number}", document)
        document["Note"] = "under another id"
        self.client.put(self.copy, "orders/another", document)
        for delivered in ((0, 4), (0, 0)):
            for count, (self.folder, source, sink) in zip(delivered, ways):
                self.source["database_name"] = source
                self.sinks = [self.raven_sink(sink)]
                self.assertEqual(self.sync()["records_delivered"], count)
        self.assertEqual(self.client.get(self.database, "orders/2")["Note"], "changed there")
        self.assertEqual(len(self.documents("Orders")), 102)


class OddTest(raven.Case):
    SOURCE = {"collection_name": "*"}

    def through_and_back(self, name):
        """What the recording's writer wrote goes to a second database, and on to a third."""
        written = 0
        for body in recorded(name):
            if DEEP in body:
                continue
            status, _, _ = self.client.ask(
                "POST", self.client.at(self.database, "bulk_docs"), body)
            written += status == 201
        self.assertGreater(written, 5)
        self.COLLECTIONS = [name for name in self.client.collections(self.database)
                            if name != "@hilo"]
        names = [self.database, self.database + "_2", self.database + "_3"]
        for there in names[1:]:
            self.create(there)
        self.sinks = [self.files("files"), self.raven_sink(names[1])]
        self.sync()
        self.assertGreater(self.check().lines, 5)
        count = self.check_copy(names[1])
        self.source.update(database_name=names[1], read_replicated=True)
        self.sinks = [self.raven_sink(names[2])]
        sources = [{"name": "second", "type": "ravendb", **self.source}]
        self.sync(sources=sources)
        self.assertEqual(self.check_copy(names[2]), count)
        # Whatever the server made of ids and values: all of it is known for an echo.
        self.source.update(database_name=names[2], read_replicated=False)
        sources = [{"name": "third", "type": "ravendb", **self.source}]
        self.sinks = [self.files("echoes")]
        self.assertEqual(self.sync(sources=sources)["records_delivered"], 0)

    def test_too_deep_is_set_aside_alone(self):
        self.COLLECTIONS = ("Odd",)
        self.client.fill(self.database, "Odd", ((f"odd/{i}", {"i": i}) for i in range(50)))
        deep = b'{"Commands":[{"Type":"PUT","Id":"odd/deep","ChangeVector":null,"Document":' \
            b'{"a":' + b"[" * 1900 + b"]" * 1900 + b',"@metadata":{"@collection":"Odd"}}}]}'
        self.client.bulk(self.database, deep)
        self.sync(3)
        self.client.remove(self.database, "odd/deep")
        self.assertEqual(self.check().lines, 50)

    def test_ids(self):
        self.through_and_back("odd_ids_6.2.4.jsonl")

    def test_values(self):
        self.through_and_back("odd_values_6.2.4.jsonl")


if __name__ == "__main__":
    raven.main()
