#!/usr/bin/env python3
"""A simulated RethinkDB into a real RavenDB: each record applied once, whatever happens."""

import json
import os
import pathlib
import random
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "e2e"), str(pathlib.Path(__file__).resolve().parent)]

import audit  # noqa: E402
import kills  # noqa: E402
import relay as relays  # noqa: E402
import raven  # noqa: E402
import world  # noqa: E402
from servers import ravendb  # noqa: E402

VERSION = os.environ.get("TIDEGATE_RAVENDB", "6.2.4")
PROGRAM = os.environ.get("TIDEGATE", "")
SECONDS_MAX = 120
KILLS = 20
KILLS_SOAK = 200
SHARED = {}


def setUpModule():
    SHARED["server"] = ravendb.shared(VERSION)


def tearDownModule():
    SHARED["server"].stop()


class Raven(world.World):
    """A world whose target is a database of the shared server."""

    def __init__(self, tables, **sink):
        self.raven = {}
        super().__init__("https", tables, **sink)

    def aim(self, url, database):
        self.raven = {"type": "ravendb", "ravendb_urls": url, "database_name": database}
        self.configure()

    def configure(self):
        super().configure()
        path = self.root / "tidegate.json"
        whole = json.loads(path.read_text(encoding="utf-8"))
        whole["sinks"] = [{"name": "target", **self.raven, **self.sink}]
        path.write_text(json.dumps(whole), encoding="utf-8")


class SinkCase(unittest.TestCase):
    def here(self, tables, relayed=True, **sink):
        """A world, a database of its own, and a relay in front of it unless told otherwise."""
        here = Raven(tables, **sink)
        self.addCleanup(here.close)
        self.server = SHARED["server"]
        self.database = ravendb.own_name(self.id().rsplit(".", 1)[1])
        self.client = self.server.connect(decoder=audit.DECODER)
        self.addCleanup(self.client.close)
        self.client.create(self.database)
        self.addCleanup(self.client.drop, self.database)
        self.relay = relays.Relay(self.server.port)
        self.relay.__enter__()
        self.addCleanup(self.relay.__exit__)
        here.aim(self.relay.url if relayed else self.server.url, self.database)
        return here

    def stored(self):
        """{id: document}, without the markers."""
        return {document["@metadata"]["@id"]: document
                for document in self.client.documents(self.database)
                if document["@metadata"].get("@collection") != "Tidegate"}

    def members(self, document):
        """A document as the auditor compares a line."""
        return {"_tidegate": None, **{name: value for name, value in document.items()
                                      if name != "@metadata"}}

    def audited(self, here):
        """Nothing lost, doubled or out of order on the way in, and the database holds the rows."""
        arrived = audit.Arrived()
        for number, line in enumerate(self.relay.lines()):
            arrived.add(line.encode("utf-8"), str(number))
        truth = here.truth()
        report = audit.audit(arrived, truth, "document")
        self.assertEqual(report.faults(), 0, str(report))
        stored = self.stored()
        rows = {(stream.rsplit("/", 1)[1], key): row
                for stream, keys in truth.streams.items() for key, row in keys.items()}
        self.assertEqual(len(stored), len(rows))
        for document in stored.values():
            table = document["@metadata"]["@collection"]
            row = rows.pop((table, audit.identity(document["id"])))
            self.assertTrue(audit.same(row, self.members(document), "document"), document)
        return report


class Arrives(SinkCase):
    def test_everything_once(self):
        here = self.here({"devices": 50, "readings": 3000})
        here.settle()
        self.audited(here)
        here.do("change", table="plant.readings", start=100, count=300)
        here.do("delete", table="plant.readings", start=0, count=50)
        here.do("grow", table="plant.devices", start=1000, count=20)
        here.settle()
        self.audited(here)
        before = len(self.relay.applied)
        here.settle()
        self.assertEqual(len(self.relay.applied), before)

    def test_answers_get_lost(self):
        here = self.here({"devices": 50, "readings": 3000}, batch_records=60)
        self.relay.chances = {"before": 0.1, "after": 0.15, "cut": 0.1, "late": 0.05}
        for _ in range(3):
            here.sync()
            here.do("change", table="plant.readings", start=100, count=300)
            here.do("delete", table="plant.readings", start=0, count=20)
        self.relay.chances = {}
        here.settle()
        self.audited(here)
        for what in ("before", "after", "cut", "late"):
            self.assertGreater(self.relay.faults.get(what, 0), 0, self.relay.faults)

    def test_killed_at_any_moment(self):
        chance = random.Random(int(os.environ.get("TIDEGATE_SEED", "1")))
        here = self.here({"readings": 20000, "devices": 1000, "alarms": 2000}, batch_records=100)
        self.relay.chances = {"before": 0.02, "after": 0.05, "cut": 0.02, "late": 0.02}
        count = int(os.environ.get("TIDEGATE_KILLS", KILLS_SOAK if os.environ.get(
            "TIDEGATE_SOAK") else KILLS))
        hits = 0
        for number in range(count):
            hits += kills.kill_one(here, chance, number)
        self.relay.chances = {}
        self.relay.await_late()
        here.settle()
        self.audited(here)
        self.assertGreater(hits, count // 2)

    def test_several_sinks_into_one_database(self):
        here = self.here({"devices": 200})
        path = here.root / "tidegate.json"
        whole = json.loads(path.read_text(encoding="utf-8"))
        whole["sinks"] = [{**whole["sinks"][0], "name": name, "id": template} for name, template in
                          (("up", "{table}/{key}"), ("UP", "second/{gateway}/{key}"))]
        path.write_text(json.dumps(whole), encoding="utf-8")
        here.settle()
        self.assertEqual(self.client.collections(self.database), {
            "Tidegate": audit.number("2"), "devices": audit.number("400")})


def escaped(text, slash=True):
    """The id's spelling of a string key: a second writing of drivers/raven/ident.c."""
    kept = [(0xdf, 0xf6), (0xf8, 0xfe), (0x3b1, 0x3c1), (0x3c3, 0x3c9), (0x430, 0x45f),
            (0x5d0, 0x5ea), (0x621, 0x64a), (0x904, 0x939), (0xe01, 0xe2e), (0x3041, 0x3096),
            (0x30a1, 0x30fa), (0x4e00, 0x9fff), (0xac00, 0xd7a3)]
    made = ""
    for at, letter in enumerate(text):
        last = at == len(text) - 1
        if "A" <= letter <= "Z":
            made += "~" + letter.lower()
        elif (letter in "~|\x7f" or letter < " " or (letter == "/" and (last or not slash))
              or (letter == " " and (last or at == 0))
              or (letter > "\x7f" and not any(a <= ord(letter) <= b for a, b in kept))):
            made += "".join(f"~0{byte:02x}" for byte in letter.encode("utf-8", "surrogatepass"))
        else:
            made += letter
    return made


class Values(SinkCase):
    """Keys and rows that are hard to carry."""

    def test_odd_keys_stay_apart(self):
        here = self.here({"oddkeys": 0}, relayed=False)
        here.settle()
        rows = here.truth().streams["rethinkdb/plant/oddkeys"]
        stored = self.stored()
        self.assertEqual(len(stored), len(rows))
        strings = 0
        for key, row in rows.items():
            text = key[1] if key[:1] == ("str",) else ""
            mark = "~1" if text in ("true", "false", "null") else ""
            if text.strip("0123456789.eE+-") and len(escaped(text)) < 400:
                strings += 1
                self.assertTrue(f"oddkeys/{mark}{escaped(text)}" in stored, text)
        self.assertGreater(strings, 10)
        here.do("delete", table="plant.oddkeys", start=0, count=len(rows))
        here.source = {"delete_when_empty": True}
        here.configure()
        here.settle()
        self.assertEqual(self.stored(), {})

    def test_odd_rows_keep_their_values(self):
        here = self.here({"oddrows": 0, "big": 3}, relayed=False)
        here.settle()
        truth = here.truth().streams
        by_id = {(document["@metadata"]["@collection"], audit.identity(document["id"])): document
                 for document in self.stored().values()}
        unlike = [key for table in ("oddrows", "big")
                  for key, row in truth[f"rethinkdb/plant/{table}"].items()
                  if not audit.same(row, self.members(by_id[(table, key)]), "document")]
        # Only what is no Unicode may differ, and -0, which RavenDB keeps as 0.
        for key in unlike:
            text = json.dumps(by_id[("oddrows", key)], ensure_ascii=False, default=str)
            self.assertIn("\ufffd", text, key)


class Targets(SinkCase):
    """What the database may come to."""

    def test_missing_and_disabled_database(self):
        here = self.here({"devices": 20})
        here.aim(self.server.url, "nosuch")
        done = subprocess.run([PROGRAM, "check", "--config", here.root / "tidegate.json"],
                              capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
        self.assertEqual(done.returncode, 24, done.stdout)
        self.assertIn("there is no such database", done.stdout)
        here.aim(self.server.url, self.database)
        self.client.disable(self.database)
        done = subprocess.run([PROGRAM, "check", "--config", here.root / "tidegate.json"],
                              capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
        self.assertEqual(done.returncode, 25, done.stdout)
        self.assertIn("is disabled", done.stdout)
        self.client.enable(self.database)
        here.settle()
        self.assertEqual(len(self.stored()), 20)

    def test_a_document_changes_its_collection(self):
        here = self.here({"devices": 40}, collection="First")
        here.settle()
        here.sink["collection"] = "Second"
        here.configure()
        here.do("change", table="plant.devices", start=3, count=2)
        here.settle()
        self.assertEqual(self.client.collections(self.database), {
            "Tidegate": audit.number("1"), "First": audit.number("38"),
            "Second": audit.number("2")})
        self.audited_rows(here)

    def audited_rows(self, here):
        rows = here.truth().streams["rethinkdb/plant/devices"]
        for document in self.stored().values():
            row = rows[audit.identity(document["id"])]
            self.assertTrue(audit.same(row, self.members(document), "document"))

    def test_a_delete_takes_only_its_own_streams_document(self):
        """Without {table} in the id two streams can mean one document."""
        here = self.here({"devices": 40}, relayed=False, id="{key}")
        here.settle()
        table = here.tables["devices"]
        first = audit.parse(table.rows[table.keys[0]].text)
        moved = next(document for document in self.stored().values()
                     if document["id"] == first["id"])
        with self.server.connect() as client:
            found = client.get(self.database, moved["@metadata"]["@id"])
            found["@metadata"] = {"@collection": "devices", "Tidegate-Stream": "another/one/here"}
            client.put(self.database, moved["@metadata"]["@id"], found)
        here.do("delete", table="plant.devices", start=0, count=5)
        here.settle()
        stored = self.stored()
        self.assertEqual(len(stored), 36)
        self.assertIn(moved["@metadata"]["@id"], list(stored))

    def test_the_database_is_made_anew(self):
        here = self.here({"devices": 40}, relayed=False)
        here.settle()
        self.client.drop(self.database)
        self.client.create(self.database)
        here.do("change", table="plant.devices", start=0, count=5)
        done = here.sync()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"ravendb.behind", done.stderr)
        self.assertIn(b"tidegate resync rethinkdb/plant/devices --sink target", done.stderr)
        self.assertEqual(len(self.stored()), 5)
        subprocess.run([PROGRAM, "resync", "rethinkdb/plant/devices", "--sink", "target",
                        "--config", here.root / "tidegate.json"], check=True,
                       capture_output=True, timeout=SECONDS_MAX)
        here.settle()
        self.assertEqual(len(self.stored()), 40)

    def test_the_marker_is_deleted(self):
        here = self.here({"devices": 40})
        here.settle()
        for document in list(self.client.documents(self.database, "Tidegate")):
            self.client.remove(self.database, document["@metadata"]["@id"])
        here.do("change", table="plant.devices", start=0, count=5)
        here.settle()
        self.audited(here)

    def test_a_bad_record_is_set_aside_alone(self):
        """A number beyond a double, which no RethinkDB holds: the simulator does."""
        here = self.here({"devices": 40}, relayed=False)
        table = here.tables["devices"]
        key = table.keys[17]
        table.rows[key].text = table.rows[key].text[:-1] + b',"huge":1e400}'
        done = here.sync()
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertEqual(len(self.stored()), 39)
        self.assertIn(b"InvalidDataException", done.stderr)


if __name__ == "__main__":
    raven.main()
