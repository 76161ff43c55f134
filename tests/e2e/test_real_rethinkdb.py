#!/usr/bin/env python3
"""Everything end to end against a real RethinkDB, where there is one."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

import real

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import audit  # noqa: E402
import receiver  # noqa: E402
import reql  # noqa: E402

SIZES = {"devices": 500, "readings": 20000, "alarms": 500, "sites": 40, "events": 400, "big": 6,
         "oddkeys": 0, "oddrows": 0, "empty": 0}
PROGRAM = os.environ.get("TIDEGATE", "")
SECONDS_MAX = 120
STORED_BYTES = 1 << 20  # by then the reading is well under way
SHARED = {}


def setUpModule():
    SHARED["rethink"] = real.Rethink()


def tearDownModule():
    SHARED["rethink"].stop()


class RealCase(unittest.TestCase):
    """A database of its own on the shared server, a folder of its own."""

    SIZES = SIZES

    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="tidegate-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        self.rethink = SHARED["rethink"]
        self.server = self.rethink.connect()
        self.addCleanup(lambda: self.server.close())
        self.database = self.id().rsplit(".", 1)[1]
        real.fill(self.server, self.database, self.SIZES)
        self.addCleanup(self.drop)
        self.source = {}
        self.sinks = [self.files("files")]

    def drop(self):
        with self.rethink.connect() as server:
            server.run([58, [self.database]])

    def files(self, name, **more):
        return {"name": name, "type": "file", "path": str(self.folder / name), **more}

    def sync(self, code=0, *words):
        """One run, which must end with `code`; its summary."""
        done = subprocess.run(self.command("--json", *words), capture_output=True, text=True,
                              timeout=SECONDS_MAX, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return json.loads(done.stdout) if done.stdout else {}

    def command(self, *words):
        """A run of the program, with the present configuration."""
        path = self.folder / "tidegate.json"
        path.write_text(json.dumps({
            "name": "real", "store": {"path": str(self.folder / "store")},
            "sources": [{"name": "rethinkdb", "type": "rethinkdb", "host": "127.0.0.1",
                         "port": self.rethink.port, "database": self.database, **self.source}],
            "sinks": self.sinks}))
        return [PROGRAM, "sync", "--config", str(path), *words]

    def table(self, name):
        return reql.table_term(self.database, name)

    def truth(self, *names):
        found = audit.Truth()
        for name in names or self.server.tables(self.database):
            found.add_rows(f"rethinkdb/{self.database}/{name}",
                           self.server.rows(self.database, name),
                           self.server.primary_key(self.database, name))
        return found

    def check(self, sink="files", shape="columns", allowed=(), tables=()):
        """The auditor finds nothing but what is allowed."""
        arrived = audit.Arrived().add_folders(self.folder / sink)
        report = audit.audit(arrived, self.truth(*tables), shape)
        self.assertEqual(report.faults(allowed), 0, str(report))
        return report

    def change(self):
        """Some rows of each table change, go and come."""
        for name in ("devices", "readings", "events"):
            some = [71, [self.table(name), 25]]
            self.server.run([53, [some, {"changed": 1.5}], {"durability": "soft"}])
            self.server.insert(self.database, name, real.texts(name, 50000, 30))
        self.server.run([54, [[71, [[41, [self.table("readings")], {"index": "id"}], 17]]]])
        self.server.run([54, [[71, [self.table("oddkeys"), 9]]]])
        self.server.run([53, [self.table("sites"), {"contact": "Łódź \u2028"}]])


class SnapshotTest(RealCase):
    def test_both_shapes_then_changes(self):
        self.sinks = [self.files("files"), self.files("whole", shape="document")]
        summary = self.sync()
        rows = sum(len(rows) for rows in self.truth().streams.values())
        self.assertEqual(summary["records_read"], rows)
        self.assertEqual(self.check().lines, rows)
        self.check("whole", "document")
        self.assertEqual(self.sync()["records_delivered"], 0)
        self.change()
        self.sync()
        self.assertGreater(self.check().lines, rows)
        self.check("whole", "document")

    def test_http_endpoint(self):
        with receiver.Receiver(str(self.folder / "received")) as target:
            self.sinks = [{"name": "up", "type": "https", "url": target.url, "gzip": True,
                           "batch_records": 700}]
            self.sync()
            self.change()
            self.sync()
            self.assertEqual(target.stats()["unequal"], 0)
        arrived = audit.Arrived().add_file(self.folder / "received" / "lines.ndjson")
        report = audit.audit(arrived, self.truth())
        self.assertEqual(report.faults(), 0, str(report))


class BothEndsTest(RealCase):
    """Batches so small that tables of a few rows are read from both ends, keys of all types too."""

    SIZES = {"readings": 3000, "oddkeys": 0, "oddrows": 0}

    def setUp(self):
        super().setUp()
        self.source = {"batch_bytes": 1024}

    def keys(self, table):
        """The keys of a stream in the order of their sequences."""
        lines = [json.loads(line)["_tidegate"] for path in (self.folder / "files").iterdir()
                 if f".{table}." in path.name for line in path.read_bytes().splitlines()]
        return [line["key"] for line in sorted(lines, key=lambda line: line["seq"])]

    def test_rows_of_both_ends_then_changes(self):
        self.sync()
        self.check()
        if os.environ.get("TIDEGATE_BOARD", "host") == "host":
            keys = self.keys("readings")
            self.assertNotEqual(keys, sorted(keys))
        self.assertEqual(self.sync()["records_delivered"], 0)
        self.server.run([54, [[71, [self.table("oddkeys"), 9]]]])
        ordered = [41, [self.table("readings")], {"index": "id"}]
        self.server.run([54, [[71, [[70, [ordered, 1400]], 200]]]])
        self.server.insert(self.database, "readings", real.texts("readings", 50000, 300))
        self.sync()
        self.check()

    def test_killed_again_and_again(self):
        for run in range(6):
            self.start_and_kill(0.05 + 0.05 * run)
        self.sync()
        self.assertEqual(self.check().lines,
                         sum(len(rows) for rows in self.truth().streams.values()))

    def start_and_kill(self, seconds):
        run = subprocess.Popen(self.command(), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
        try:
            run.wait(seconds)
        except subprocess.TimeoutExpired:
            run.kill()
            run.wait()


class SmallCase(RealCase):
    SIZES = {"readings": 3000, "alarms": 200, "sites": 20}


class TableTest(SmallCase):
    def recreate(self):
        self.server.run([61, [reql.database_term(self.database), "alarms"]])
        real.fill(self.server, self.database, {"alarms": 50})

    def test_recreated_table(self):
        self.sync()
        self.recreate()
        self.sync()
        self.check(allowed=("undeleted", "repeated"))

    def test_recreated_table_with_deletes(self):
        self.source = {"delete_when_recreated": True}
        self.sync()
        self.recreate()
        self.sync()
        self.check(allowed=("repeated",))

    def test_emptied_table(self):
        self.sync()
        self.server.run([54, [self.table("sites")]])
        self.sync()
        self.check(allowed=("undeleted",))
        self.source = {"delete_when_empty": True}
        self.sync()
        self.check()

    def test_dropped_table(self):
        self.sync()
        self.server.run([61, [reql.database_term(self.database), "alarms"]])
        self.sync()
        self.check(allowed=("unknown",))


class UserTest(SmallCase):
    def setUp(self):
        super().setUp()
        users = reql.table_term("rethinkdb", "users")
        self.server.run([56, [users, {"id": "gateway", "password": "s3cret"}],
                         {"conflict": "replace"}])
        self.source = {"username": "gateway", "password": "s3cret"}

    def grant(self, *tables):
        for name in tables:
            self.server.run([188, [self.table(name), "gateway", {"read": True}]])

    def test_denied_table_beside_good_ones(self):
        self.grant("readings", "sites")
        summary = self.sync(3)
        self.assertTrue(summary["partial"])
        self.check(tables=("readings", "sites"))
        self.grant("alarms")
        self.sync()
        self.check()

    def test_logins(self):
        self.grant("readings", "sites", "alarms")
        self.source = {"username": "gateway", "password": "wrong"}
        self.sync(18)
        self.source = {"username": "gateway"}
        self.sync(19)
        self.source = {"username": "nobody", "password": "s3cret"}
        self.sync(17)
        self.source = {"username": "gateway", "password": "s3cret", "database": "none"}
        self.sync(2)
        self.source = {"username": "gateway", "password": "s3cret", "use_ssl": True}
        self.sync(13)
        self.source = {"username": "gateway", "password": "s3cret", "port": real.free_port()}
        self.sync(10, "--wait", "1")
        self.source = {"username": "gateway", "password": "s3cret"}
        self.sync()
        self.check()


class TimestampTest(SmallCase):
    SIZES = {"readings": 3000, "alarms": 200, "events": 200}

    def stamp(self, name, field, value):
        """A few rows get a newer stamp and another value."""
        some = [71, [self.table(name), 20]]
        self.server.run([53, [some, {field: value, "changed": 7}]])

    def test_new_stamps_arrive_and_deletes_with_a_full_pass(self):
        self.source = {"mode": "timestamp"}
        self.sync()
        self.check()
        self.stamp("readings", "updated_at", [103, []])
        self.stamp("alarms", "modified_at", [100, [[103, []]]])
        self.stamp("events", "timestamp", [102, [[103, []]]])
        summary = self.sync()
        self.assertEqual(summary["records_delivered"], 60)
        self.check()
        self.server.run([54, [[71, [self.table("readings"), 5]]]])
        self.sync()
        self.assertEqual(self.check(allowed=("undeleted",)).counts["undeleted"], 5)
        self.source = {"mode": "snapshot"}
        self.sync()
        self.check()


class CrashTest(SmallCase):
    SIZES = {"readings": 20000, "alarms": 200}

    def test_server_killed_in_mid_read(self):
        self.server.run([138, [self.table("readings")]])
        self.server.run([138, [self.table("alarms")]])
        self.source = {"rows_per_second_max": 10000}
        self.source["port"] = self.rethink.port
        self.sync_until_killed()
        self.rethink.start()
        self.server.close()
        self.server = self.rethink.connect()
        self.source = {}
        self.sync()
        self.sync()
        self.check()

    def sync_until_killed(self):
        run = subprocess.Popen(self.command("--wait", "2"), stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + SECONDS_MAX
        store = self.folder / "store" / "data.mdb"
        while not store.exists() or store.stat().st_size < STORED_BYTES:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)
        self.rethink.kill()
        self.addCleanup(lambda: self.rethink.process.poll() is None or self.rethink.start())
        said = run.communicate(timeout=SECONDS_MAX)[1]
        self.assertIn(run.returncode, (3, 10), said)


if __name__ == "__main__":
    if not PROGRAM:
        print("SKIP: TIDEGATE does not name the program")
        sys.exit(77)
    real.find()
    unittest.main(verbosity=2)
