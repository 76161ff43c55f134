"""What the tests on real RavenDB servers share: a server, databases, configurations, the auditor.

    class WalkTest(raven.Case):
        def test_one(self):
            self.client.fill(self.database, "Orders", rows)
            self.sync()
            self.check()

Test programs share a server, unless KEPT; each test has a database of its own, named after it.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest

TESTS = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TESTS))

import audit  # noqa: E402
from servers import ravendb  # noqa: E402

VERSION = os.environ.get("TIDEGATE_RAVENDB") or "6.2.4"
PROGRAM = os.environ.get("TIDEGATE", "")
SECONDS_MAX = 300
# The other versions and the other builds look for other faults: they write and kill less.
IS_SECOND = (VERSION != "6.2.4" or os.environ.get("TIDEGATE_BOARD", "host") != "host"
             or os.environ.get("TIDEGATE_SANITIZE") == "1")
# What the server makes of each write, or makes up: another server's copy has its own.
SYSTEM = ("@change-vector", "@last-modified", "@flags", "@index-score", "@etag")
# What the sink adds, so that a source can tell what a tidegate wrote.
MARKS = ("Tidegate-Instance", "Tidegate-Stream", "Tidegate-Seq", "Tidegate-Hash",
         "Source-Modified")
MARKER_COLLECTION = "Tidegate"


def skip_without():
    """Ends the test program as skipped where there is no program or no server."""
    if not PROGRAM:
        print("SKIP: TIDEGATE does not name the program")
        sys.exit(77)
    ravendb.need(VERSION)


def main():
    skip_without()
    unittest.main()


def metadata(document):
    return document.get("@metadata", {})


def plain(document, without=SYSTEM):
    """The document as its user stored it."""
    kept = {name: value for name, value in metadata(document).items() if name not in without}
    return {**document, "@metadata": kept}


def ours(document):
    """Whether a tidegate wrote it."""
    return "Tidegate-Instance" in metadata(document)


class Documents(audit.Truth):
    """Documents by collection. Ids are the same in any case, and a delete's may be spelled so."""

    def key(self, found):
        return (found[0], found[1].lower()) if isinstance(found[1], str) else found

    def add_documents(self, stream, documents):
        self.streams[stream] = {self.key(audit.identity(metadata(one)["@id"])): plain(one)
                                for one in documents}
        return self

    def same(self, row, line, shape):
        return audit.same(row, plain(line), shape)


class Case(unittest.TestCase):
    """Server of the class's kind, a database and a folder of the test's own."""

    SECURED = False
    KEPT = False        # a server of its own, to be killed: it needs a folder for its data
    COLLECTIONS = ("Orders",)
    SOURCE = {}

    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.TemporaryDirectory(prefix="tidegate-")
        cls.addClassCleanup(cls.root.cleanup)
        data = pathlib.Path(cls.root.name) / "data"
        cls.server = ravendb.Server(VERSION, data=data, secured=cls.SECURED) if cls.KEPT \
            else ravendb.shared(VERSION, cls.SECURED)
        cls.addClassCleanup(cls.server.stop)

    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="tidegate-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        self.client = self.server.connect(decoder=audit.DECODER)
        self.addCleanup(self.client.close)
        self.database = ravendb.own_name(self.id().rsplit(".", 1)[1])
        self.create(self.database)
        self.source = {"ravendb_urls": self.server.url, "database_name": self.database,
                       "collection_name": list(self.COLLECTIONS), **self.SOURCE}
        self.sinks = [self.files("files")]

    def create(self, database):
        self.client.create(database)
        self.addCleanup(self.client.drop, database)

    # --- running tidegate ------------------------------------------------------------------------

    def files(self, name, **more):
        return {"name": name, "type": "file", "path": str(self.folder / name),
                "shape": "document", **more}

    def raven_sink(self, database, **more):
        return {"name": "raven", "type": "ravendb", "ravendb_urls": self.server.url,
                "database_name": database, **more}

    def config(self, sources=None):
        """Writes the configuration; its path."""
        path = self.folder / "tidegate.json"
        sources = sources or [{"name": "ravendb", "type": "ravendb", **self.source}]
        path.write_text(json.dumps({
            "name": "plant-7", "store": {"path": str(self.folder / "store")},
            "sources": sources, "sinks": self.sinks}))
        return path

    def start(self, *words, **how):
        return subprocess.Popen(
            [PROGRAM, "sync", "--config", str(self.config(**how)), "--json", *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def sync(self, code=0, *words, **how):
        """One run, which must end with `code`; its summary."""
        with self.start(*words, **how) as process:
            out, errors = process.communicate(timeout=SECONDS_MAX)
        self.said = errors
        self.assertEqual(process.returncode, code, errors[-3000:])
        return json.loads(out) if out else {}

    def run_check(self, code, *words):
        """`check`, which must end with `code`; all that it said."""
        done = subprocess.run([PROGRAM, "check", "--config", str(self.config()), *words],
                              capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    # --- what there is and what arrived ----------------------------------------------------------

    def documents(self, collection, database=None):
        return list(self.client.documents(database or self.database, collection))

    def truth(self):
        """What the source's collections hold of others than tidegate."""
        found = Documents()
        for name in self.COLLECTIONS:
            found.add_documents(f"ravendb/{self.database}/{name}",
                                (one for one in self.documents(name) if not ours(one)))
        return found

    def check(self, sink="files", allowed=()):
        """The auditor finds nothing but what is allowed in a file sink's folder."""
        arrived = audit.Arrived().add_folders(self.folder / sink)
        report = audit.audit(arrived, self.truth(), "document")
        self.assertEqual(report.faults(allowed), 0, str(report))
        return report

    def check_copy(self, database):
        """The database holds the same documents as the source, under the same ids."""
        copies = {}
        for one in self.documents(None, database):
            if metadata(one).get("@collection") != MARKER_COLLECTION:
                self.assertTrue(ours(one), one)
                copies[metadata(one)["@id"]] = plain(one, SYSTEM + MARKS)
        wanted = {metadata(one)["@id"]: plain(one, SYSTEM + MARKS) for name in self.COLLECTIONS
                  for one in self.documents(name) if not ours(one)}
        self.assertEqual(sorted(copies), sorted(wanted))
        for key, document in wanted.items():
            self.assertEqual(copies[key], document, key)
        return len(copies)


def order(number, version=0):
    """One document of some 300 bytes."""
    return {"Number": number, "Version": version, "Company": f"companies/{number % 90}",
            "Total": number * 7 % 1000 + 0.25, "Note": "Łódź \u2028 😀", "Empty": None,
            "Lines": [{"Product": f"products/{number % 77}", "Units": line}
                      for line in range(number % 4)],
            "Ship": {"City": "Łódź", "Geo": {"Lat": "51.77", "Lon": 19.46}}}


def orders(count, start=0):
    return ((f"orders/{number}", order(number)) for number in range(start, start + count))


class Writer(threading.Thread):
    """Puts and deletes beside the walk, in transactions of some thirty, until `count` are done.

    Of all kinds: new ones, changed ones, deleted ones, deleted ones made again, ids in another
    case, and documents of a collection that nobody reads.
    """

    def __init__(self, server, database, chance, count, known):
        super().__init__(daemon=True)
        self.client, self.database = server.connect(), database
        self.chance, self.count, self.known = chance, count, known
        self.puts = self.deletes = 0
        self.fault = None

    def one(self):
        number = self.chance.randrange(self.known)
        key, version = f"orders/{number}", self.puts + self.deletes
        what = self.chance.random()
        if what < 0.30:
            self.deletes += 1
            return ravendb.remove(key)
        self.puts += 1
        if what < 0.40:
            self.known += 1
            return ravendb.put(f"orders/{self.known}", order(self.known, version), "Orders")
        if what < 0.45:
            return ravendb.put(f"ORDERS/{number}", order(number, version), "Orders")
        if what < 0.50:
            return ravendb.put(f"others/{number}", order(number, version), "Others")
        return ravendb.put(key, order(number, version), "Orders")

    def run(self):
        try:
            with self.client:
                while self.puts + self.deletes < self.count:
                    batch = min(self.chance.randrange(1, 60),
                                self.count - self.puts - self.deletes)
                    self.client.bulk(self.database, [self.one() for _ in range(batch)])
        except BaseException as why:  # pylint: disable=broad-except
            self.fault = why

    def finish(self):
        """Waits for the last of them; what went wrong is raised here."""
        self.join()
        if self.fault:
            raise self.fault
