#!/usr/bin/env python3
"""SIGKILL at random moments of a RavenDB source: nothing lost, nothing doubled."""

import kills
import raven


class KillTest(kills.Case):
    def test_source(self):
        self.kill_often()
        print(self.check())


if __name__ == "__main__":
    raven.main()
