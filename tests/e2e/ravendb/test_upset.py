#!/usr/bin/env python3
"""What happens to a RavenDB source in the middle of its walk: wiped tombstones, a database made
again, a server that is killed or frozen, a database that is disabled."""

import threading

import raven
from servers import ravendb

ROWS = 8000             # sixteen pages
MIDDLE_BYTES = 800000   # of some 4 MB that these rows are as answered


class UpsetTest(raven.Case):
    KEPT = True
    SOURCE = {"batch_size": 500}

    def setUp(self):
        super().setUp()
        self.client.fill(self.database, "Orders", raven.orders(ROWS))

    def through(self, tap):
        self.source["ravendb_urls"] = f"http://127.0.0.1:{tap.port}"

    def test_tombstones_wiped_in_mid_walk(self):
        self.sync()

        def wipe():
            with self.server.connect() as client:
                client.bulk(self.database, [ravendb.remove(f"orders/{i}") for i in range(50)])
                client.clean_tombstones(self.database)
        self.client.bulk(self.database, [
            *(ravendb.remove(f"orders/{i}") for i in range(100, 200)),
            *(ravendb.put(f"orders/{i}", raven.order(i, 1), "Orders")
              for i in range(ROWS // 4, ROWS * 3 // 4))])
        with ravendb.Tap(self.server.port) as tap:
            self.through(tap)
            tap.after(MIDDLE_BYTES, wipe)
            self.sync()
            self.assertTrue(tap.done.is_set(), "it was not wiped in the middle")
            self.sync()
        self.check()

    def test_deletes_of_which_no_tombstone_was_ever_seen(self):
        self.sync()
        self.client.bulk(self.database, [ravendb.remove(f"orders/{i}") for i in range(300)])
        self.client.clean_tombstones(self.database)
        self.sync()
        self.assertEqual(self.check().lines, ROWS + 300)
        self.assertEqual(self.sync()["records_delivered"], 0)

    def made_again(self, rows):
        """Deletes the database and makes it again with other rows."""
        with self.server.connect() as client:
            client.drop(self.database)
            client.create(self.database)
            client.fill(self.database, "Orders", rows)

    def test_made_again_under_the_cursor(self):
        self.source["delete_when_recreated"] = True
        with ravendb.Tap(self.server.port) as tap:
            self.through(tap)
            tap.after(MIDDLE_BYTES, lambda: self.made_again(raven.orders(2000, ROWS - 1000)))
            with self.start() as process:
                process.communicate(timeout=raven.SECONDS_MAX)
            self.assertTrue(tap.done.is_set(), "it was not made again in the middle")
            self.assertIn(process.returncode, (0, 3))
            self.sync()
            self.sync()
        self.check(allowed=("repeated",))

    def test_made_again_between_two_runs(self):
        self.source["delete_when_recreated"] = True
        self.sync()
        self.made_again(raven.orders(ROWS - 10))
        self.sync()
        report = self.check()
        # Of what is the same nothing goes out again: only the ten that are gone.
        self.assertEqual(report.lines, ROWS + 10)

    def test_killed_and_restarted_in_mid_page(self):
        with ravendb.Tap(self.server.port) as tap:
            self.through(tap)
            up = threading.Thread(target=self.server.start)

            def kill():
                self.server.kill()
                up.start()
            tap.after(MIDDLE_BYTES, kill)
            with self.start() as process:
                process.communicate(timeout=raven.SECONDS_MAX)
            self.assertTrue(tap.done.is_set(), "it was not killed in the middle")
            self.assertIn(process.returncode, (0, 3, 10))
            up.join()
            self.sync()
        self.assertEqual(self.check().lines, ROWS)

    def test_disabled_and_enabled_again(self):
        self.sync()
        self.client.disable(self.database)
        try:
            with self.start() as process:
                _, errors = process.communicate(timeout=raven.SECONDS_MAX)
            self.assertNotEqual(process.returncode, 0)
            self.assertIn("disabled", errors)
        finally:
            self.client.enable(self.database)
        self.client.put(self.database, "orders/7", raven.order(7, 1), "Orders")
        self.sync()
        self.assertEqual(self.check().lines, ROWS + 1)


if __name__ == "__main__":
    raven.main()
