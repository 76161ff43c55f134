#!/usr/bin/env python3
"""RethinkDB to RavenDB, the card's own path: each row one document, odd keys and values too.

The bundled simulator plays the RethinkDB; where TIDEGATE_RETHINKDB names a real one, that as well.
"""

import os
import sys
import unittest

import raven
import witness

sys.path.insert(0, str(raven.TESTS / "e2e"))

import audit  # noqa: E402
import real  # noqa: E402
import reql  # noqa: E402
from rethinksim import control, plant  # noqa: E402
from rethinksim.server import Server  # noqa: E402

ROWS = {"devices": 300, "readings": 5000, "alarms": 300, "sites": 40, "events": 400, "big": 4}
ODD = {"oddkeys": 0, "oddrows": 0}


def stored(value):
    """A value as RavenDB keeps it: no -0 among the integers, no half of a surrogate pair."""
    if isinstance(value, tuple):
        return ("#", "0") if value[1] == "-0" else value
    if isinstance(value, list):
        return [stored(part) for part in value]
    if isinstance(value, dict):
        return {stored(name): stored(part) for name, part in value.items()}
    if isinstance(value, str):
        return "".join("\ufffd" if "\ud800" <= letter <= "\udfff" else letter for letter in value)
    return value


class Simulated:
    """The simulator; its rows change through its control commands."""

    def __init__(self, sizes):
        self.server = Server(seed=5).start()
        self.server.world.create_database("plant")
        for name, count in sizes.items():
            plant.build(self.server.world, "plant", name, count)
        self.port, self.database = self.server.port, "plant"

    def stop(self):
        self.server.stop()

    def change(self):
        for what, table in (("change", "readings"), ("delete", "alarms"), ("delete", "oddkeys"),
                            ("grow", "events")):
            answer = control.run(self.server, {"do": what, "table": f"plant.{table}", "count": 20,
                                               **({"start": 90000} if what == "grow" else {})})
            if not answer["ok"]:
                raise AssertionError(answer)

    def tables(self):
        """{table: (primary key, rows)}"""
        return {name: (table.primary_key, [audit.parse(table.rows[key].text)
                                           for key in table.keys])
                for name, table in self.server.world.databases["plant"].items()}


class Real:
    """A server of its own."""

    def __init__(self, sizes):
        self.rethink = real.Rethink(os.environ["TIDEGATE_RETHINKDB"])
        self.server, self.database = self.rethink.connect(), "plant"
        real.fill(self.server, self.database, sizes)
        self.port = self.rethink.port

    def stop(self):
        self.server.close()
        self.rethink.stop()

    def change(self):
        table = reql.table_term(self.database, "readings")
        self.server.run([53, [[71, [table, 25]], {"changed": 1.5}], {"durability": "soft"}])
        self.server.run([54, [[71, [[41, [table], {"index": "id"}], 17]]]])
        self.server.insert(self.database, "alarms", real.texts("alarms", 90000, 20))

    def tables(self):
        return {name: (self.server.primary_key(self.database, name),
                       list(self.server.rows(self.database, name)))
                for name in self.server.tables(self.database)}


class RethinkTest(raven.Case):
    def begin(self, kind, sizes):
        self.rethink = kind(sizes)
        self.addCleanup(self.rethink.stop)
        self.sinks = [self.raven_sink(self.database)]
        self.sources = [{"name": "rethinkdb", "type": "rethinkdb", "host": "127.0.0.1",
                         "port": self.rethink.port, "database": self.rethink.database}]

    def run_once(self, code=0):
        return self.sync(code, sources=self.sources)

    def check_tables(self):
        """Each row is one document of its table's collection, and nothing else is there."""
        wanted = self.rethink.tables()
        for name, (key, rows) in wanted.items():
            found = self.documents(name)
            self.assertEqual(len({raven.metadata(one)["@id"].lower() for one in found}),
                             len(found))
            left = {}
            for row in rows:
                at = audit.identity(stored(audit.converted(row[key])))
                left.setdefault(at, []).append(row)
            for one in found:
                self.take(name, left, key, one)
            self.assertEqual({at: rest for at, rest in left.items() if rest}, {}, name)
        collections = {name for name, (_, rows) in wanted.items() if rows}
        self.assertEqual(set(self.client.collections(self.database)),
                         collections | {raven.MARKER_COLLECTION})

    def take(self, table, left, key, document):
        """Takes the document's row away from those that are left."""
        rest = left.get(audit.identity(document[key]), [])
        plain = {name: value for name, value in document.items() if name != "@metadata"}
        for row in rest:
            if plain == stored({name: audit.converted(value) for name, value in row.items()}):
                rest.remove(row)
                return
        self.fail(f"{table}: no row is {plain}; with that key: {rest}")

    def test_plant_then_changes(self):
        self.begin(Simulated, {**ROWS, **ODD})
        self.run_once()
        self.check_tables()
        self.rethink.change()
        self.run_once()
        self.check_tables()
        self.assertEqual(self.run_once()["records_delivered"], 0)

    @unittest.skipUnless(os.environ.get("TIDEGATE_RETHINKDB"), "TIDEGATE_RETHINKDB names no binary")
    def test_real_rethinkdb(self):
        self.begin(Real, ROWS)
        self.run_once()
        self.check_tables()
        self.rethink.change()
        self.run_once()
        self.check_tables()

    def test_keys_that_differ_in_case_or_kind_alone(self):
        """`abc` beside `ABC`, 1 beside "1": two rows each, so two documents each."""
        self.begin(Simulated, {"oddkeys": 0})
        table = self.rethink.server.world.databases["plant"]["oddkeys"]
        self.run_once()
        self.assertEqual(len(self.documents("oddkeys")), len(table.keys))

    def test_each_batch_once_though_answers_are_lost(self):
        self.begin(Simulated, {"readings": 3000})
        with witness.Witness(self.server.port) as seen:
            self.sinks = [self.raven_sink(self.database, ravendb_urls=seen.url, batch_records=100)]
            seen.lose(3)
            with self.start(sources=self.sources) as process:
                process.communicate(timeout=raven.SECONDS_MAX)
            self.assertIn(process.returncode, (0, 4))
            self.run_once()
            self.assertEqual(list(seen.judge().values()), [3000])
        self.check_tables()


if __name__ == "__main__":
    raven.main()
