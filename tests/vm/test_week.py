"""A week in a minute: the gateway syncs while its upstream is away, until its store is at its cap
and reading stops; the power goes there; then the upstream is back and everything drains.

`./do test` has a sync each seven hours, 24 in all. TIDEGATE_SOAK=1, as `./do soak vm` sets it, has
one each hour, and more cuts. TIDEGATE_SEED repeats the cuts.

Every write of the disk is recorded. QEMU is killed in a sync at the cap, and the power goes at some
moment since the cap came near (powercut/writelog.py): what was not flushed by then is kept, dropped
or torn, and the machine goes on from the disk that is left.
"""

import dataclasses
import json
import os
import pathlib
import random
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "powercut"))

import disk
import gateway
import skips
import writelog

TABLE, STREAM = "plant.events", "rethinkdb/plant/events"
DEVICES = 30
ROWS_HOUR, ROW_BYTES = 16, 2000  # that come: 5 MB in a week
CAP_BYTES = 4 << 20
RESERVE_BYTES = 1 << 20  # that the file may have beyond its cap, so that it can be emptied
# What one commit takes, TG_COMMIT_BLOCKS_MAX blocks: so much is read when it finds no room.
BEYOND_ROWS_MAX = 44 * 16384 // ROW_BYTES
SAMPLE_MS = 50
EXIT_DONE, EXIT_UNDELIVERED = 0, 4
AT_THE_CAP = f"has reached its store.bytes_max of {CAP_BYTES} bytes; reading pauses"
CUT_SECONDS_MAX = 60
DRAINS_MAX = 5


@dataclasses.dataclass(frozen=True)
class Form:
    """How long the week is."""

    hours: int      # between two syncs
    syncs: int      # the first one, with the upstream there, is not counted
    cut_after: int  # so many syncs at the cap the power goes in the next one
    looks: int      # disks that are made and looked at for each cut


SHORT, WHOLE = Form(7, 24, 4, 1), Form(1, 168, 12, 5)


class Life:
    """The machine from a start to a cut: each write of its disk, and what it said meanwhile."""

    def __init__(self, here):
        self.here, self.base, self.path = here, here.folder / "base", here.folder / "log"
        writelog.copy_sparse(here.image, self.base)
        self.machine = here.machine(self.path)
        # [(bytes of the log, {stream: records})] at the start and at the end of each sync
        self.stored = []
        self.near = 0       # bytes of the log when the sync before the first at the cap began

    def log_bytes(self):
        return self.path.stat().st_size

    def promise(self, place, log):
        """What was said to be stored before that place of the log."""
        return [stored for size, stored in self.stored if log.count_at(size) <= place][-1]

    def cuts(self, chance, count):
        """Makes `count` disks, each at a later moment than the one before; yields what each must
        still hold. The last one is the machine's from then on."""
        with writelog.Log(self.path) as log:
            left = writelog.Disk(log, self.base, self.here.folder)
            moments = log.moments(log.count_at(self.near))
            for place in sorted(writelog.a_moment(chance, moments) for _ in range(count)):
                fates = left.cut(place, chance, self.here.image)
                print(f"cut at {place} of {len(log.entries)}: {dict(fates)}", flush=True)
                disk.mend(self.here.image)
                yield self.promise(place, log)


class Week(unittest.TestCase):
    def setUp(self):
        self.form = WHOLE if os.environ.get("TIDEGATE_SOAK") else SHORT
        seed = int(os.environ.get("TIDEGATE_SEED") or random.randrange(10**9))
        print(f"\nTIDEGATE_SEED={seed}", flush=True)
        self.chance = random.Random(seed)
        self.here = gateway.Gateway({"devices": DEVICES}, store={"bytes_max": CAP_BYTES})
        self.addCleanup(self.here.close)
        self.here.do("create", table=TABLE, kind="empty")
        self.count, self.rows, self.now = 0, 0, time.time()
        self.promise, self.cut_count = {}, 0
        self.at_the_cap, self.read = [], []  # records of the stream, and read, in each sync there

    # --- the plant and the syncs ---

    def hours_pass(self, vm):
        """Rows come, some change, and it is hours later."""
        names = [f"{self.rows + at:08d}" for at in range(ROWS_HOUR * self.form.hours)]
        self.here.do("insert", table=TABLE, rows=[
            {"id": name, "at": name, "text": name[-1] * ROW_BYTES} for name in names])
        self.here.do("change", table="plant.devices", count=3, start=self.rows % 20)
        self.rows += len(names)
        self.count += 1
        self.now += self.form.hours * 3600
        vm.set_clock(self.now)

    def sync(self, vm, *words):
        """One sync; returns its exit code, its errors and what it says of itself."""
        done = self.here.sync(vm, "--json", *words)
        self.here.within_budget(done.stats)
        return done.code, done.err, json.loads(done.out)

    def store_bytes(self, vm):
        return vm.size(f"{gateway.STORE}/data.mdb")["bytes"]

    def stored(self, vm):
        """{stream: how many records it has ever had}, as the store says."""
        done = vm.run(*self.here.command("status", "--json"))
        self.assertEqual(done.code, 0, done)
        return {stream["stream"]: stream["records"] for stream in json.loads(done.out)["streams"]}

    def sync_away(self, vm, life):
        """A sync that reaches nobody. Until the cap it has stored every row; then reading stops."""
        began = life.log_bytes()
        code, errors, said = self.sync(vm, "--wait", "1")
        stored = self.stored(vm)
        life.stored.append((life.log_bytes(), stored))
        self.assertEqual(code, EXIT_UNDELIVERED, errors)
        if AT_THE_CAP in errors:
            self.reading_stopped(vm, said, stored)
            return
        self.assertFalse(self.at_the_cap, "nothing made room, but rows were read again")
        self.assertEqual((stored[STREAM], said["partial"]), (self.rows, False), errors)
        life.near = began

    def reading_stopped(self, vm, said, stored):
        """It has read one commit beyond what fits at most, stored none of that, and says so."""
        self.at_the_cap.append(stored[STREAM])
        self.read.append(said["records_read"])
        self.assertTrue(said["partial"], said)
        self.assertFalse([one for one in said["streams"] if one["stream"] == STREAM
                          and one["complete"]], "a table was read to its end")
        self.assertLessEqual(said["records_changed"], BEYOND_ROWS_MAX)
        self.assertLessEqual(stored[STREAM] - min(self.at_the_cap), BEYOND_ROWS_MAX)
        self.assertLess(stored[STREAM], self.rows)
        self.assertLessEqual(self.store_bytes(vm), CAP_BYTES)

    # --- the power ---

    def cut_in_a_sync(self, vm):
        """The power goes while rows come in."""
        before = self.here.server.counters["rows"]
        vm.send("run", *self.here.command("sync", "--wait", "30"))
        until = time.monotonic() + CUT_SECONDS_MAX
        while self.here.server.counters["rows"] <= before:
            self.assertLess(time.monotonic(), until, "no row was read")
            time.sleep(0.002)
        vm.cut()

    def live(self, vm, life):
        """Syncs until the power goes, or until the week is over; returns whether it is."""
        begun = len(self.at_the_cap)
        while self.count < self.form.syncs:
            self.hours_pass(vm)
            if len(self.at_the_cap) - begun == self.form.cut_after:
                self.cut_in_a_sync(vm)
                return False
            self.sync_away(vm, life)
        return True

    def start(self, vm):
        """Every record that was said to be stored is there, and all of the store is sound. Returns
        {stream: records}."""
        self.here.ready(vm)
        vm.limit(sample_ms=SAMPLE_MS)
        vm.set_clock(self.now)
        if not self.promise:
            return {}
        found = self.stored(vm)
        self.assertFalse({name: (found.get(name), least) for name, least in self.promise.items()
                          if found.get(name, 0) < least}, "lost in a power cut")
        done = vm.run(gateway.PROGRAM, "outbox", "verify", "--config", gateway.CONFIG)
        self.assertEqual(done.code, 0, done)
        return found

    def power_is_back(self, life):
        """Looks at what several moments would have left of the disk; the last one is what is."""
        self.cut_count += 1
        for at, self.promise in enumerate(life.cuts(self.chance, self.form.looks)):
            self.assertTrue(self.promise)
            if at + 1 < self.form.looks:
                with self.here.machine() as vm:
                    self.start(vm)

    # --- the week ---

    def drain(self, vm):
        """The upstream is back: what is stored goes, and what could not be read is read."""
        self.here.back()
        for drains in range(1, DRAINS_MAX + 1):
            code, errors, said = self.sync(vm)
            if code == EXIT_DONE:
                break
        self.assertEqual(code, EXIT_DONE, errors)
        self.assertTrue(all(one["complete"] for one in said["streams"]), said)
        self.assertEqual(self.stored(vm)[STREAM], self.rows)
        self.assertLessEqual(self.store_bytes(vm), CAP_BYTES + RESERVE_BYTES)
        vm.power_off()
        return drains

    def test_nothing_is_lost_and_nothing_comes_twice(self):
        over = False
        while not over:
            life = Life(self.here)
            with life.machine as vm:
                life.stored.append((0, self.start(vm)))
                if self.count == 0:
                    self.assertEqual(self.sync(vm)[0], EXIT_DONE)
                    self.here.away()
                over = self.live(vm, life)
                if over:
                    drains = self.drain(vm)
            if not over:
                self.power_is_back(life)
        disk.check(self.here.image)
        print(f"{self.count} syncs, {self.rows} rows; at the cap {self.at_the_cap} of them stored, "
              f"{self.read} read; {self.cut_count} cuts, {drains} to drain: {self.here.check()}")
        self.assertGreater(len(self.at_the_cap), self.form.cut_after, "the cap came too late")
        self.assertGreater(self.cut_count, 0)


if __name__ == "__main__":
    skips.main()
