#!/usr/bin/env python3
"""A RavenDB source: first walk, nothing new, changes, deletes, and a writer beside it."""

import os
import random
import threading

import raven
from servers import ravendb

ROWS = 5000 if raven.IS_SECOND else 30000
WRITES = int(os.environ.get("TIDEGATE_WRITES") or (10000 if raven.IS_SECOND else 50000))
ROWS_FEW, WRITES_FEW = 5000, 10000  # some twenty runs, each with tombstones gone
CLEAN_SECONDS = 0.1


class WalkTest(raven.Case):
    SOURCE = {"batch_size": 500}

    def test_first_walk_then_changes(self):
        self.sinks.append(self.files("columns", shape="columns"))
        self.client.fill(self.database, "Orders", raven.orders(3000))
        self.client.fill(self.database, "Others", (("others/1", {"a": 1}),))
        summary = self.sync()
        self.assertEqual(summary["records_read"], 3000)
        self.assertEqual(self.check().lines, 3000)
        self.assertEqual(self.sync()["records_delivered"], 0)
        self.client.bulk(self.database, [
            *(ravendb.put(f"orders/{i}", raven.order(i, 1), "Orders") for i in range(0, 3000, 7)),
            *(ravendb.remove(f"orders/{i}") for i in range(1, 3000, 7)),
            ravendb.put("ORDERS/2", raven.order(2, 1), "orders"),
            ravendb.put("others/1", {"a": 2}, "Others")])
        self.sync()
        report = self.check()
        self.assertEqual(report.lines, 3000 + 429 + 429 + 1)
        self.assertEqual(self.sync()["records_delivered"], 0)

    def test_columns(self):
        self.sinks = [self.files("files", shape="columns")]
        self.client.put(self.database, "orders/1", raven.order(2), "Orders")
        self.sync()
        arrived = raven.audit.Arrived().add_folders(self.folder / "files")
        line = raven.audit.parse(arrived.lines[0].raw)
        del line["_tidegate"]
        stamp = self.client.get(self.database, "orders/1")["@metadata"]["@last-modified"]
        self.assertEqual(line, {
            "Id": "orders/1", "LastModified": stamp, "Number": ("#", "2"), "Version": ("#", "0"),
            "Company": "companies/2", "Total": ("#", "14.25"), "Note": "Łódź \u2028 😀",
            "Empty": None, "Ship_City": "Łódź", "Ship_Geo_Lat": "51.77",
            "Ship_Geo_Lon": ("#", "19.46"),
            "Lines": '[{"Product":"products/2","Units":0},{"Product":"products/2","Units":1}]'})

    def test_a_deleted_one_made_again(self):
        self.client.fill(self.database, "Orders", raven.orders(20))
        self.sync()
        self.client.bulk(self.database, [ravendb.remove("orders/3"), ravendb.remove("orders/4")])
        self.client.put(self.database, "Orders/3", {"again": True}, "Orders")
        self.sync()
        self.check()


class BesideWriterTest(raven.Case):
    SOURCE = {"batch_size": 500}

    def walk_beside_writer(self, rows=ROWS, writes=WRITES):
        seed = int(os.environ.get("TIDEGATE_SEED") or random.SystemRandom().randrange(10**9))
        print(f"TIDEGATE_SEED={seed}", flush=True)
        self.client.fill(self.database, "Orders", raven.orders(rows))
        writer = raven.Writer(self.server, self.database, random.Random(seed), writes, rows)
        writer.start()
        runs = 0
        while writer.is_alive():
            self.sync()
            runs += 1
        writer.finish()
        self.sync()
        report = self.check()
        print(f"{runs} runs beside {writer.puts} puts and {writer.deletes} deletes: {report}")
        self.assertEqual(self.sync()["records_delivered"], 0)

    def test_beside_a_writer(self):
        self.walk_beside_writer()

    def test_tombstones_wiped_all_the_time(self):
        over = threading.Event()

        def clean():
            with self.server.connect() as client:
                while not over.wait(CLEAN_SECONDS):
                    client.clean_tombstones(self.database)
        cleaner = threading.Thread(target=clean)
        cleaner.start()
        try:
            self.walk_beside_writer(ROWS_FEW, WRITES_FEW)
        finally:
            over.set()
            cleaner.join()


if __name__ == "__main__":
    raven.main()
