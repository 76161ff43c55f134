"""A week in a minute: the gateway syncs every seven hours while its upstream is away, until its
store is at its cap; the power goes there too; then the upstream is back and everything drains."""

import time
import unittest

import disk
import gateway
import skips

HOURS, SYNCS = 7, 24  # a week; each sync is a process of its own
CUT_AT = 20           # the sync in which the power goes: the store is full by then
ROWS, ROW_BYTES = 110, 2000  # that come in those hours: 5 MB in a week
CAP_BYTES = 4 << 20
RESERVE_BYTES = 1 << 20  # that the file may have beyond its cap, so that it can be emptied
TABLE = "plant.events"
EXIT_DONE, EXIT_UNDELIVERED = 0, 4
CUT_SECONDS_MAX = 60
DRAINS_MAX = 5


class Week(unittest.TestCase):
    def setUp(self):
        self.here = gateway.Gateway({"devices": 30}, store={"bytes_max": CAP_BYTES})
        self.addCleanup(self.here.close)
        self.here.do("create", table=TABLE, kind="empty")
        self.codes, self.rows, self.now = [], 0, time.time()

    def hours_pass(self, vm):
        """Rows come, some change, and it is seven hours later."""
        names = [f"{self.rows + i:08d}" for i in range(ROWS)]
        self.here.do("insert", table=TABLE, rows=[
            {"id": name, "at": name, "text": name[-1] * ROW_BYTES} for name in names])
        self.here.do("change", table="plant.devices", count=3, start=self.rows % 20)
        self.rows += ROWS
        self.now += HOURS * 3600
        vm.set_clock(self.now)

    def sync(self, vm):
        done = self.here.sync(vm, "--wait", "1")
        self.codes.append(done.code)
        self.here.within_budget(done.stats)
        return done

    def store_bytes(self, vm):
        return vm.size(f"{gateway.STORE}/data.mdb")["bytes"]

    def cut_in_a_sync(self, vm):
        """The power goes while rows come in."""
        before = self.here.server.counters["rows"]
        vm.send("run", *self.here.command("sync", "--wait", "30"))
        until = time.monotonic() + CUT_SECONDS_MAX
        while self.here.server.counters["rows"] <= before:
            self.assertLess(time.monotonic(), until, "no row was read")
            time.sleep(0.002)
        vm.cut()

    def test_nothing_is_lost_and_nothing_comes_twice(self):
        here = self.here
        with here.machine() as vm:
            here.ready(vm)
            self.assertEqual(self.sync(vm).code, EXIT_DONE)
            here.away()
            for _ in range(CUT_AT):
                self.hours_pass(vm)
                self.sync(vm)
            self.assertLessEqual(self.store_bytes(vm), CAP_BYTES + RESERVE_BYTES)
            self.hours_pass(vm)
            self.cut_in_a_sync(vm)
        with here.machine() as vm:
            here.ready(vm)
            for _ in range(CUT_AT + 1, SYNCS):
                self.hours_pass(vm)
                self.sync(vm)
            self.assertLessEqual(self.store_bytes(vm), CAP_BYTES + RESERVE_BYTES)
            print("codes", self.codes, self.store_bytes(vm))
            here.back()
            drains = 1
            while self.sync(vm).code != EXIT_DONE:
                drains += 1
                self.assertLess(drains, DRAINS_MAX, self.codes)
            vm.power_off()
        disk.check(here.image)
        self.assertEqual(set(self.codes[1:-drains]), {EXIT_UNDELIVERED}, "the store stopped a sync")
        print(f"{SYNCS} syncs, {self.rows} rows, {drains} to drain: {here.check()}")


if __name__ == "__main__":
    skips.main()
