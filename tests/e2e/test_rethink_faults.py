#!/usr/bin/env python3
"""A sync through every fault that a RethinkDB connection can have, against the simulated plant."""

import datetime
import json
import pathlib
import sys
import unittest

from cli import Case, run, skip_without_program

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from rethinksim import control, plant  # noqa: E402
from rethinksim.server import Server  # noqa: E402

ROWS = {"readings": 3000, "devices": 50, "alarms": 200}
NOW_S = 1795262400  # 2026-11-21T12:00:00Z


class Faults(Case):
    """A plant in this process, synced into files by our own configuration."""

    def setUp(self):
        super().setUp()
        self.server = Server(seed=11).start()
        self.addCleanup(self.server.stop)
        self.server.world.create_database("plant")
        for name, rows in ROWS.items():
            plant.build(self.server.world, "plant", name, rows)

    def do(self, what, **settings):
        answer = control.run(self.server, {"do": what, **settings})
        self.assertTrue(answer["ok"], answer)
        return answer

    def sync(self, code=0, **source):
        """One sync; the summary that it prints."""
        config = self.config()
        config["sources"][0].update({"port": self.server.port, "batch_bytes": 65536, **source})
        done = run("sync", "--config", self.write("tidegate.json", config), "--json",
                   "--wait", "20", "--log-level", "error")
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertNotIn("outbox.damaged", done.stderr)
        self.errors = done.stderr
        return json.loads(done.stdout) if done.stdout else {}

    def delivered(self):
        """What a consumer of the files holds: per table, the last line of each key."""
        tables = {}
        for file in sorted((self.folder / "out").glob("*.ndjson")):
            for line in file.read_text(encoding="utf-8").split("\n")[:-1]:
                row = json.loads(line)
                head = row.pop("_tidegate")
                rows = tables.setdefault(head["stream"].rsplit("/", 1)[1], {})
                key = json.dumps(head["key"])
                if head["op"] == "delete":
                    del rows[key]
                else:
                    rows[key] = row
        return tables

    def whole(self, *names):
        """Every row of these tables arrived."""
        held = self.delivered()
        for name in names or ROWS:
            dump = self.server_rows(name)
            self.assertEqual(len(held.get(name, {})), len(dump), name)

    def server_rows(self, name):
        path = self.folder / "dump"
        self.do("dump", table=f"plant.{name}", path=str(path))
        return path.read_bytes().splitlines()


class Wire(Faults):
    def test_a_line_cut_in_many_places(self):
        """Each connection of a sync breaks a little later; together they bring everything."""
        for place, cut in enumerate((700, 1500, 5000, 40000, 150000, 400000)):
            self.do("fault", kind="cut", bytes=cut, times=1, skip=place, reset=place % 2 == 1)
        self.sync(answer_seconds=5)
        self.whole()

    def test_bytes_that_come_one_at_a_time(self):
        self.do("drop", table="plant.readings")
        self.do("fault", kind="drip")
        self.sync()
        self.whole("devices", "alarms")

    def test_a_server_that_stalls_in_mid_answer(self):
        self.do("fault", kind="stall", bytes=100000, times=1)
        self.sync(answer_seconds=2)
        self.whole()

    def test_answers_that_lie(self):
        """A wrong length, a foreign token, a byte that breaks the JSON: the line is made anew."""
        for place, fault in enumerate(({"kind": "length", "answer": 3, "by": 9},
                                       {"kind": "token", "answer": 2},
                                       {"kind": "corrupt", "answer": 4, "at": 40, "byte": 1})):
            self.do("fault", times=1, skip=place, **fault)
        self.sync(answer_seconds=2)
        self.whole()

    def test_answers_that_always_lie_cost_one_table_only(self):
        self.do("raw", table="plant.alarms", key="zzz", text="{\"id\":\"zzz\",}")
        summary = self.sync(code=3, answer_seconds=2)
        self.assertTrue(summary["partial"])
        self.whole("readings", "devices")


class Tables(Faults):
    def test_an_error_in_mid_cursor(self):
        self.do("table_fault", table="plant.readings", error_after=1000, code=3100000,
                text="No attribute `x` in object:\n{\"secret\": 17}")
        self.assertTrue(self.sync(code=3)["partial"])
        self.assertIn("plant/readings", self.errors)
        self.assertNotIn("secret", self.errors)
        self.whole("devices", "alarms")
        self.do("clear")
        self.assertFalse(self.sync()["partial"])
        self.whole()

    def test_a_table_dropped_in_mid_cursor(self):
        self.do("table_fault", table="plant.readings", drop_after=1000)
        self.assertTrue(self.sync(code=3)["partial"])
        held = len(self.delivered()["readings"])
        self.assertGreaterEqual(held, 900)
        self.whole("devices", "alarms")
        # It is gone for good: nothing of it is deleted upstream.
        self.sync()
        self.assertEqual(len(self.delivered()["readings"]), held)

    def test_a_table_that_is_not_ready_is_waited_for(self):
        self.do("table_fault", table="plant.devices", unready_seconds=1)
        self.assertFalse(self.sync()["partial"])
        self.whole()

    def test_a_table_that_may_not_be_read(self):
        self.do("user", name="agent", password="right", read=["plant"])
        self.do("table_fault", table="plant.devices", deny=["read", "info"])
        self.assertTrue(self.sync(code=3, username="agent", password="right")["partial"])
        self.assertIn("grant the read permission", self.errors)
        self.whole("readings", "alarms")

    def test_the_pace_is_kept(self):
        seconds = self.sync(tables=["alarms"], rows_per_second_max=100)["seconds"]
        self.assertGreaterEqual(float(seconds), 0.9)
        self.whole("alarms")


class Times(Faults):
    """Reading by time: equal stamps, stamps of the future, each spelling, index or none."""

    COUNT = 1200

    def fill(self, stamp, index):
        self.do("create", table="plant.events")
        if index:
            self.do("index", table="plant.events", name=index)
        self.do("insert", table="plant.events",
                rows=[{"id": i, "ts": stamp(NOW_S - 5000)} for i in range(self.COUNT)])
        self.do("clock", now=NOW_S)
        self.sync(tables=["events"], mode="timestamp", timestamp_field="ts", batch_bytes=4096)
        self.assertEqual(len(self.delivered()["events"]), self.COUNT)

    def follow(self, stamp):
        """New rows at the old stamp, later, in 2099; then a late one that the overlap catches."""
        rows = [{"id": self.COUNT, "ts": stamp(NOW_S - 5000)},
                {"id": self.COUNT + 1, "ts": stamp(NOW_S - 100)},
                {"id": self.COUNT + 2, "ts": stamp(4070908800)}]
        self.do("insert", table="plant.events", rows=rows)
        self.sync(tables=["events"], mode="timestamp", timestamp_field="ts")
        self.assertEqual(len(self.delivered()["events"]), self.COUNT + 3)
        self.do("insert", table="plant.events", rows=[{"id": -1, "ts": stamp(NOW_S - 30)}])
        summary = self.sync(tables=["events"], mode="timestamp", timestamp_field="ts")
        self.assertEqual(len(self.delivered()["events"]), self.COUNT + 4)
        self.assertLess(summary["records_read"], 10)

    def test_many_changes_are_read_in_order_and_gone_on_with(self):
        """The first few in no order; since there are more, all in order, behind a break too."""
        self.fill(lambda s: s, "ts")
        self.do("insert", table="plant.events",
                rows=[{"id": self.COUNT + i, "ts": NOW_S - 4000 + i / 8} for i in range(9000)])
        self.do("log")
        self.do("fault", kind="cut", bytes=360_000, times=1)
        summary = self.sync(tables=["events"], mode="timestamp", timestamp_field="ts")
        self.assertEqual(len(self.delivered()["events"]), self.COUNT + 9000)
        self.assertEqual(summary["records_delivered"], 9000)
        rows = [query for query in map(str, self.do("queries")["queries"]) if "182" in query]
        brief = ["first_batch_scaledown_factor" in query for query in rows]
        self.assertEqual(brief, [True, False, True], rows)
        self.assertNotIn(str(NOW_S - 5060), rows[2])

    def both(self, stamp):
        for index in (None, "ts"):
            with self.subTest(index=index):
                self.setUp()
                self.fill(stamp, index)
                self.follow(stamp)

    def test_times(self):
        self.both(lambda s: {"$reql_type$": "TIME", "epoch_time": s, "timezone": "+00:00"})

    def test_seconds(self):
        self.both(lambda s: s)

    def test_milliseconds(self):
        self.both(lambda s: s * 1000)

    def test_iso_strings(self):
        self.both(lambda s: datetime.datetime.fromtimestamp(s, datetime.timezone.utc)
                  .isoformat(timespec="milliseconds").replace("+00:00", "Z"))


if __name__ == "__main__":
    skip_without_program()
    unittest.main(verbosity=2)
