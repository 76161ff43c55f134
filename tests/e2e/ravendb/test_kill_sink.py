#!/usr/bin/env python3
"""SIGKILL at random moments of a RavenDB sink: each batch is written exactly once."""

import kills
import raven
import witness


class KillTest(kills.Case):
    def test_sink(self):
        copy = self.database + "_copy"
        self.create(copy)
        with witness.Witness(self.server.port) as seen:
            self.sinks = [self.raven_sink(copy, ravendb_urls=seen.url, batch_records=200)]
            self.kill_often()
            print(f"{self.check_copy(copy)} documents, {len(seen.batches)} batches: "
                  f"{seen.judge()}")


if __name__ == "__main__":
    raven.main()
