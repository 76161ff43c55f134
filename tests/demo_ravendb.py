#!/usr/bin/env python3
"""The demonstration behind `./do demo ravendb`: demo_ravendb.py PROGRAM FOLDER

A real RavenDB 6.2 with HTTPS and client certificates, read into files as the other demonstration
reads RethinkDB; then a RethinkDB (the bundled simulator) into that RavenDB.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import demo  # noqa: E402
from demo import say  # noqa: E402
from servers import ravendb  # noqa: E402

VERSION = "6.2.4"
DOCUMENTS = {"Orders": 20000, "Readings": 40000, "Companies": 90}
UPSTREAM = "upstream"
KILL_SHARES = (0.4, 0.2, 0.1)


def document(collection, number, version=0):
    """One document of some 250 bytes."""
    return {"Number": number, "Version": version, "Company": f"companies/{number % 90}",
            "Note": "Łódź", "Total": number * 7 % 1000 + 0.25,
            "Ship": {"City": "Łódź", "Geo": {"Lat": 51.77, "Lon": 19.46}},
            "Lines": [{"Product": f"products/{number % 77}"}], "Of": collection}


class RavenDB:
    """The server with a database `plant`, and `gateway`, who may read and write it."""

    flag, unit, known, rows = "--ravendb", "documents", True, sum(DOCUMENTS.values())

    def __init__(self):
        self.server = ravendb.Server(VERSION, secured=True)
        self.client = self.server.connect()
        for database in ("plant", UPSTREAM):
            self.client.create(database)
        for name, count in DOCUMENTS.items():
            self.client.fill("plant", name, ((f"{name.lower()}/{i}", document(name, i))
                                             for i in range(count)))
        gateway = self.server.identity("gateway", key="rsa4096", permissions={
            "plant": "ReadWrite", UPSTREAM: "ReadWrite"})
        self.secured = {"ravendb_urls": self.server.url,
                        "certificate_base64": gateway.base64()}
        # The demonstration's own CA; a gateway has its CA in the system's store, or in ca_file.
        os.environ["SSL_CERT_FILE"] = str(self.server.certificates.ca)
        self.settings = {**self.secured, "database_name": "plant", "collection_name": "*"}
        print(f"a real RavenDB {VERSION} on {self.server.url}")

    def change(self, count):
        """One in ten of them is deleted."""
        self.client.bulk("plant", [
            ravendb.remove(f"readings/{i}") if i % 10 == 0 else
            ravendb.put(f"readings/{i}", document("Readings", i, 1), "Readings")
            for i in range(count)])

    def keys(self):
        found = {}
        for one in self.client.documents("plant"):
            metadata = one["@metadata"]
            found.setdefault(f"ravendb/plant/{metadata['@collection']}",
                             set()).add(demo.spelled(metadata["@id"]))
        return found


class Upstream(demo.Demo):
    """RethinkDB to RavenDB: the database is the target."""

    def __init__(self, program, folder, source, target):
        super().__init__(program, folder, source)
        self.target = target
        numbers = {"port": int(source.settings["port"])}
        wanted = {name: source.settings[name] for name in ("host", "database")}
        self.file.write_text(json.dumps({
            "name": "plant-7", "store": {"path": str(folder / "store")},
            "sources": [{"name": "rethinkdb", "type": "rethinkdb", **wanted, **numbers}],
            "sinks": [{"name": "ravendb", "type": "ravendb", "database_name": UPSTREAM,
                       **target.secured}]}, indent=2) + "\n", encoding="utf-8")

    def sync(self, *_):
        text = self.show("sync --json --log-level warning --config", self.file, lines=0)
        summary = json.loads(text)
        print(f"    {summary['records_read']} rows read, {summary['records_delivered']} delivered "
              f"in {summary['seconds']} s, exit code {summary['exit_code']}")
        return summary

    def stored(self):
        """How many documents there are, markers apart."""
        found = self.target.client.collections(UPSTREAM)
        return sum(count for name, count in found.items() if name != "Tidegate")

    def read(self):
        say("Can everything be reached?")
        self.show("check --config", self.file)
        say("A sync is killed with SIGKILL on its way into RavenDB, twice")
        rows = sum(len(keys) for keys in self.source.keys().values())
        for share in KILL_SHARES[:2]:
            self.killed_at(None, rows * share / 2)
        say("The next one goes on")
        self.sync()

    def killed_at(self, out, size):
        """Kills a sync once so many more documents are there."""
        until, wanted = time.monotonic() + demo.SYNC_SECONDS_MAX, self.stored() + size
        child = subprocess.Popen(self.words("sync --log-level error --config", self.file),
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while child.poll() is None and time.monotonic() < until and self.stored() < wanted:
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
        hit = child.wait() == -signal.SIGKILL
        print(f"    {'killed' if hit else 'it was over'} with {self.stored()} documents there")
        return hit

    def compare(self, out):
        """Each row is one document of its table's collection, and nothing else is there."""
        wanted = self.source.keys()
        found = self.target.client.collections(UPSTREAM)
        wrong = 0
        for stream, keys in sorted(wanted.items()):
            collection = stream.rsplit("/", 1)[1]
            count = found.get(collection, 0)
            wrong += abs(len(keys) - count)
            print(f"    {stream}: {len(keys)} rows, {count} documents in {collection}")
        if wrong:
            sys.exit(f"{wrong} too many or too few")

    def tell(self):
        self.read()
        self.change()
        say("What is there, compared with what should be")
        self.compare(None)
        say("One of the documents")
        page = self.target.client.call(
            "GET", self.target.client.at(UPSTREAM, "docs"), startsWith="readings/", pageSize=1)
        print("    " + json.dumps(page["Results"][0], ensure_ascii=False)[:600])


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    try:
        ravendb.find(VERSION)
    except ravendb.Unavailable as why:
        sys.exit(f"there is no RavenDB: {why}")
    source = RavenDB()
    try:
        demo.tell(demo.Demo(program, folder, source))
        say("And upstream: RethinkDB on the gateway, tidegate, RavenDB")
        Upstream(program, folder / "upstream", demo.Simulated(), source).tell()
    finally:
        source.server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
