#!/usr/bin/env python3
"""Documents in conflict, at the source and at the target; a server without a cluster has them by
import."""

import json

import raven
from servers import ravendb

OTHER = ("B:7-AAAAAAAAAAAAAAAAAAAAAA", "C:9-BBBBBBBBBBBBBBBBBBBBBA")
BOUNDARY = "tidegate-conflict"


def form(parts):
    text = ""
    for name, more, value in parts:
        text += (f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'
                 f"{json.dumps(value)}\r\n")
    return (text + f"--{BOUNDARY}--\r\n").encode()


class ConflictTest(raven.Case):
    def conflict(self, database, key):
        """Two versions of other nodes': the document can be read no more."""
        versions = [{"Id": key, "Collection": "Orders", "Flags": "None", "ChangeVector": vector,
                     "Etag": 9, "LastModified": "2026-11-21T10:00:00.0000000",
                     "Doc": {"from": vector, "@metadata": {"@collection": "Orders", "@id": key}}}
                    for vector in OTHER]
        body = form((("importOptions", "", {"OperateOnTypes": "Documents,Conflicts"}),
                     ("file", '; filename="d"', {"BuildVersion": 62028, "Docs": [],
                                                 "Conflicts": versions})))
        status, _, answer = self.client.ask(
            "POST", self.client.at(database, "smuggler/import"), body,
            {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"})
        self.assertEqual(status, 200, answer[:500])
        self.assertEqual(self.stats(database)["CountOfDocumentsConflicts"], 1)

    def stats(self, database):
        return json.loads(self.client.ask("GET", self.client.at(database, "stats"))[2])

    def test_at_the_source(self):
        self.client.fill(self.database, "Orders", raven.orders(300))
        self.sync()
        self.conflict(self.database, "orders/5")
        self.client.remove(self.database, "orders/8")
        self.client.put(self.database, "orders/9", raven.order(9, 1), "Orders")
        self.assertEqual(self.sync()["records_delivered"], 2)
        self.client.ask("POST", self.client.at(self.database, "admin/tombstones/cleanup"))
        self.client.put(self.database, "orders/10", raven.order(10, 1), "Orders")
        self.assertEqual(self.sync()["records_delivered"], 1)
        self.client.put(self.database, "orders/5", raven.order(5, 1), "Orders")
        self.assertEqual(self.sync()["records_delivered"], 1)
        self.check()

    def test_at_the_target(self):
        """With ids of {key} a delete takes only what its stream wrote: not run on a conflict."""
        self.create("conflict_copy")
        self.sinks = [self.raven_sink("conflict_copy")]
        self.client.fill(self.database, "Orders", raven.orders(300))
        self.sync()
        self.conflict("conflict_copy", "orders/5")
        for number in range(10):
            self.client.remove(self.database, f"orders/{number}")
        self.client.put(self.database, "orders/20", raven.order(20, 1), "Orders")
        self.sync(3)
        self.assertEqual(self.stats("conflict_copy")["CountOfDocumentsConflicts"], 1)
        self.client.bulk("conflict_copy", [ravendb.remove("orders/5")])
        self.assertEqual(self.check_copy("conflict_copy"), 290)


if __name__ == "__main__":
    raven.main()
