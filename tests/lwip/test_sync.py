#!/usr/bin/env python3
"""The whole program over lwIP: a simulated RethinkDB into files and to an HTTP endpoint, an idle
wait, a signal, and what is said of wrong settings."""

import os
import pathlib
import subprocess
import sys
import time
import unittest

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(pathlib.Path(__file__).resolve().parent)]

import names  # noqa: E402
import netns  # noqa: E402
import world  # noqa: E402

TABLES = {"devices": 60, "readings": 4000}
IDLE_SECONDS = 2.0
IDLE_CPU_SECONDS_MAX = 0.1
STOP_SECONDS_MAX = 10
TRY_SECONDS_MAX = 30


def frames():
    """How many frames the TAP has carried to lwIP."""
    for line in pathlib.Path("/proc/net/dev").read_text(encoding="ascii").splitlines():
        name, _, numbers = line.partition(":")
        if name.strip() == netns.TAP:
            return int(numbers.split()[9])
    raise AssertionError("the TAP is not in /proc/net/dev")


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Sync(unittest.TestCase):
    def here(self, kind, **sink):
        here = world.World(kind, TABLES, **sink)
        self.addCleanup(here.close)
        return here

    def change(self, here):
        here.do("change", table="plant.readings", count=200, start=100)
        here.do("delete", table="plant.readings", count=50, start=1000)
        here.do("grow", table="plant.devices", count=20, start=10**6)

    def delivers(self, here):
        for _ in range(2):
            done = here.sync()
            self.assertEqual(done.returncode, 0, done.stderr[-2000:])
            here.settle()
            here.check()
            self.change(here)

    def test_into_files(self):
        before = frames()
        here = self.here("file")
        self.delivers(here)
        self.assertGreater(frames() - before, 100)

    def test_to_an_endpoint(self):
        self.delivers(self.here("https", batch_records=500))

    def test_by_name(self):
        here = self.here("file")
        here.source["host"] = "local.test"
        here.configure()
        self.delivers(here)


class Waiting(unittest.TestCase):
    """The endpoint refuses everything: tidegate waits for it, and sleeps meanwhile."""

    def test_sleeps_and_ends_at_a_signal(self):
        with world.World("https", {"devices": 20}) as here:
            here.receiver.set(status=503)
            process = here.start()
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
            end = time.monotonic() + TRY_SECONDS_MAX
            while here.receiver.stats()["statuses"].get("503", 0) < 2:
                self.assertLess(time.monotonic(), end, "it does not try")
                self.assertIsNone(process.poll())
                time.sleep(0.01)
            began = cpu_seconds(process.pid)
            time.sleep(IDLE_SECONDS)
            self.assertLess(cpu_seconds(process.pid) - began, IDLE_CPU_SECONDS_MAX)
            process.terminate()
            self.assertEqual(process.wait(STOP_SECONDS_MAX), 3)


class Sentences(unittest.TestCase):
    def says(self, code, sentence, **environment):
        here = world.World("file", {"devices": 5})
        self.addCleanup(here.close)
        done = subprocess.run([world.program(), "check", "--config", here.root / "tidegate.json"],
                              env={**os.environ, **environment}, capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertIn(sentence, done.stdout + done.stderr)

    def test_no_such_address(self):
        self.says(2, 'TIDEGATE_LWIP_ADDRESS is "10.77.0.2": is it an address?',
                  TIDEGATE_LWIP_ADDRESS="10.77.0.2")
        self.says(2, "TIDEGATE_LWIP_GATEWAY", TIDEGATE_LWIP_GATEWAY="the router")


def main():
    world.program()
    netns.enter()
    names.serve(netns.KERNEL)
    unittest.main()


if __name__ == "__main__":
    main()
