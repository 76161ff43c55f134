#!/usr/bin/env python3
"""A sync of its own process for each look: an unchanged database costs one question."""

import time

import raven
from servers import ravendb

POLL = "/docs?etag=9223372036854775807&pageSize=1"
AT_ONCE_SECONDS = 30


class PollTest(raven.Case):
    COLLECTIONS = ("Orders", "Customers")
    SOURCE = {"batch_size": 500, "connect_seconds": 5}

    def setUp(self):
        super().setUp()
        self.fill()
        self.sync()
        self.check()

    def fill(self):
        self.client.fill(self.database, "Orders", raven.orders(300))
        self.client.fill(self.database, "Customers",
                         ((f"customers/{i}", {"n": i}) for i in range(40)))

    def tapped(self):
        """A sync whose questions are seen; they, their statuses and the summary."""
        with ravendb.Tap(self.server.port) as tap:
            self.source["ravendb_urls"] = f"http://127.0.0.1:{tap.port}"
            summary = self.sync()
        return tap.requests(), tap.statuses, summary

    def check_one_question(self):
        asked, statuses, summary = self.tapped()
        self.assertEqual(asked, [f"GET /databases/{self.database}{POLL}"])
        self.assertEqual(statuses, [304])
        self.assertEqual(summary["records_delivered"], 0)
        self.assertEqual([one["complete"] for one in summary["streams"]],
                         [True] * len(self.COLLECTIONS))

    def check_change(self, records):
        """The next sync brings so many records, and the one behind it has nothing to ask."""
        asked, _, summary = self.tapped()
        self.assertTrue(asked[0].endswith(POLL), asked)
        self.assertIn(f"GET /databases/{self.database}/collections/stats", asked)
        self.assertEqual(summary["records_delivered"], records)
        self.check()
        self.check_one_question()

    def test_one_question(self):
        self.check_one_question()
        self.check_one_question()

    def test_changes_and_deletes_are_noticed(self):
        self.client.put(self.database, "orders/7", {"new": True}, "Orders")
        self.client.bulk(self.database, [ravendb.remove("customers/8")])
        asked, _, summary = self.tapped()
        self.assertTrue(asked[0].endswith(POLL) and asked[1].endswith("/stats"), asked)
        self.assertEqual(summary["records_delivered"], 2)
        self.check()
        self.check_one_question()

    def test_a_collection_that_is_gone(self):
        self.client.bulk(self.database,
                         [ravendb.remove(f"customers/{i}") for i in range(40)])
        self.check_change(40)

    def test_another_collection_changes_the_state_once(self):
        self.client.put(self.database, "others/1", {"new": True}, "Others")
        asked, _, summary = self.tapped()
        self.assertGreater(len(asked), 1)
        self.assertEqual(summary["records_delivered"], 0)
        self.check_one_question()

    def test_a_database_made_anew(self):
        """As many documents under the same ids, one of them with other content."""
        self.client.drop(self.database)
        self.client.create(self.database)
        self.fill()
        self.client.put(self.database, "orders/7", {"new": True}, "Orders")
        asked, _, summary = self.tapped()
        self.assertGreater(len(asked), 1)
        self.assertEqual(summary["records_delivered"], 1)
        self.check()
        self.check_one_question()

    def test_a_full_pass_is_not_left_out(self):
        self.sinks.append(self.files("second"))
        asked, _, summary = self.tapped()
        self.assertGreater(len(asked), 1)
        self.assertEqual(summary["records_delivered"], 340)
        self.check("second", allowed=("gaps",))  # what the first sink had before
        self.check_one_question()

    def test_a_server_that_is_not_there_fails_at_once(self):
        with ravendb.Tap(self.server.port) as tap:
            pass
        self.source["ravendb_urls"] = f"http://127.0.0.1:{tap.port}"
        begun = time.monotonic()
        self.sync(10)
        self.assertLess(time.monotonic() - begun, AT_ONCE_SECONDS)
        self.source["ravendb_urls"] = self.server.url
        self.sync()
        self.check()

    def test_the_database_is_gone(self):
        self.client.drop(self.database)
        self.sync(2)
        self.create(self.database)

    def test_a_pattern(self):
        """What the store knows stands for the list of the collections."""
        self.source["collection_name"] = "*"
        self.assertTrue(self.tapped()[0][0].endswith("/stats"))  # another configuration
        self.check_one_question()
        self.client.put(self.database, "customers/8", {"new": True}, "Customers")
        self.check_change(1)
        self.client.put(self.database, "items/1", {"n": 1}, "Items")
        self.COLLECTIONS = (*self.COLLECTIONS, "Items")
        self.check_change(1)
        self.client.bulk(self.database,
                         [ravendb.remove(f"customers/{i}") for i in range(40)])
        self.check_change(40)
        self.source["collection_name"] = ["*", "!Orders"]
        self.COLLECTIONS = self.COLLECTIONS[1:]
        self.assertGreater(len(self.tapped()[0]), 1)
        self.check_one_question()

    def test_one_walk_serves_what_nothing_happened_to(self):
        self.source["collection_name"] = "*"
        more = [f"More{i}" for i in range(6)]
        for name in more:
            self.client.fill(self.database, name, ((f"{name}/{i}", {"n": i}) for i in range(5)))
        self.COLLECTIONS = (*self.COLLECTIONS, *more)
        self.sync()
        self.client.put(self.database, "More3/2", {"new": True}, "More3")
        asked, _, summary = self.tapped()
        self.assertEqual(summary["records_delivered"], 1)
        # Of the one that comes first, and of the one that changed.
        self.assertEqual(sum(one.endswith("/replication/tombstones") for one in asked), 2, asked)
        self.assertLessEqual(len(asked), 12, asked)
        self.check()
        self.check_one_question()


if __name__ == "__main__":
    raven.main()
