#!/usr/bin/env python3
"""The write log and the cut, on logs made by hand: what a flush saved stays, what it did not may
be dropped or torn, and each of that is seen to happen."""

import os
import pathlib
import random
import struct
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import writelog  # noqa: E402

SECTOR = writelog.SECTOR_BYTES
DISK_SECTORS = 64
SEEDS = 80


def fill(number, count=1):
    """The content of `count` sectors that carry this number."""
    return bytes([number]) * SECTOR * count


class Case(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="tidegate-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        self.base = self.folder / "base.img"
        with open(self.base, "wb") as file:
            file.truncate(DISK_SECTORS * SECTOR)
        self.path = self.folder / "log"
        self.parts = [struct.pack("<QQQI", writelog.MAGIC, 1, 0, SECTOR).ljust(SECTOR, b"\0")]

    def entry(self, sector, data=b"", flags=0, count=None):
        count = len(data) // SECTOR if count is None else count
        self.parts.append(struct.pack("<QQQQ", sector, count, flags, 0).ljust(SECTOR, b"\0") + data)

    def flush(self):
        self.entry(0, flags=writelog.FLUSH)

    def log(self, extra=b""):
        self.path.write_bytes(b"".join(self.parts) + extra)
        log = writelog.Log(self.path)
        self.addCleanup(log.close)
        return log

    def count(self, content):
        """How many entries a file of these bytes has."""
        self.path.write_bytes(content)
        with writelog.Log(self.path) as log:
            return len(log.entries)

    def cut(self, at, seed=1, log=None):
        """The sectors of the image, by the number they carry; -1 where a sector is mixed."""
        target = self.folder / "cut.img"
        disk = writelog.Disk(log or self.log(), self.base, self.folder)
        self.fates = disk.cut(at, random.Random(seed), target)
        image = target.read_bytes()
        self.assertEqual(len(image), DISK_SECTORS * SECTOR)
        return [image[at] if image[at:at + SECTOR] == fill(image[at]) else -1
                for at in range(0, len(image), SECTOR)]

    def cuts(self, at):
        log = self.log()
        return [self.cut(at, seed, log) for seed in range(SEEDS)]


class Reading(Case):
    def test_entries_and_their_data(self):
        self.entry(3, fill(7, 2))
        self.flush()
        self.entry(9, flags=writelog.DISCARD, count=4)
        self.entry(1, fill(8), writelog.FUA)
        log = self.log()
        self.assertEqual([(e.sector, e.count, e.flags) for e in log.entries],
                         [(3, 2, 0), (0, 0, 1), (9, 4, 4), (1, 1, 2)])
        self.assertEqual(log.data(log.entries[0]), fill(7, 2))
        self.assertEqual(log.data(log.entries[2]), fill(0, 4))
        self.assertEqual(log.data(log.entries[3]), fill(8))

    def test_the_end_of_a_log_that_was_cut_off(self):
        self.entry(3, fill(7, 2))
        whole = len(b"".join(self.parts))
        self.entry(5, fill(7, 4))
        self.assertEqual(self.count(b"".join(self.parts)[:-1]), 1)
        self.assertEqual(self.count(b"".join(self.parts)[:whole] + bytes(3 * SECTOR)), 1)

    def test_no_log(self):
        for content in (b"", b"x" * SECTOR, bytes(SECTOR)):
            self.assertRaises(writelog.Malformed, self.count, content)

    def test_a_size_is_a_number_of_entries(self):
        self.entry(3, fill(7, 2))
        size = sum(map(len, self.parts))
        self.flush()
        log = self.log()
        self.assertEqual([log.count_at(n) for n in (0, SECTOR, size - 1, size, size + 1,
                                                    size + SECTOR)], [0, 0, 0, 1, 1, 2])

    def test_moments_are_anywhere_and_often_before_a_flush(self):
        for _ in range(10):
            self.entry(3, fill(7))
        self.flush()
        self.entry(3, fill(7))
        log, chance = self.log(), random.Random(1)
        self.assertEqual(log.moments(4), (range(4, 13), [10]))
        self.assertEqual(log.moments(11), (range(11, 13), range(11, 13)))
        found = [writelog.a_moment(chance, log.moments(4)) for _ in range(SEEDS)]
        self.assertEqual(set(found), set(range(4, 13)))
        self.assertGreater(found.count(10), SEEDS // 3)


class Cutting(Case):
    def test_what_was_flushed_stays(self):
        self.entry(3, fill(7, 2))
        self.flush()
        self.entry(20, fill(9, 8))
        for sectors in self.cuts(3):
            self.assertEqual(sectors[3:5], [7, 7])

    def test_what_was_not_flushed_is_kept_dropped_and_torn(self):
        self.entry(2, fill(1))
        self.flush()
        self.entry(20, fill(9, 8))
        found = {tuple(sectors[20:28]) for sectors in self.cuts(3)}
        self.assertIn((9,) * 8, found)
        self.assertIn((0,) * 8, found)
        self.assertGreater(len(found), 10)  # torn in many ways
        self.assertTrue(all(set(part) <= {0, 9} for part in found))

    def test_the_fates_are_told(self):
        self.entry(20, fill(9, 8))
        self.entry(30, fill(9, 8))
        told = set()
        for sectors in range(SEEDS):
            self.cut(2, sectors)
            self.assertEqual(self.fates.total(), 2)
            told |= set(self.fates)
        self.assertEqual(told, {writelog.KEPT, writelog.DROPPED, writelog.TORN})

    def test_writes_are_dropped_out_of_order(self):
        self.entry(20, fill(1))
        self.entry(21, fill(2))
        found = {tuple(sectors[20:22]) for sectors in self.cuts(2)}
        self.assertEqual(found, {(1, 2), (0, 2), (1, 0), (0, 0)})

    def test_of_two_writes_to_a_sector_the_later_wins(self):
        self.entry(20, fill(1))
        self.entry(20, fill(2))
        found = {sectors[20] for sectors in self.cuts(2)}
        self.assertEqual(found, {0, 1, 2})
        self.flush()
        self.assertEqual({sectors[20] for sectors in self.cuts(3)}, {2})

    def test_a_flush_saves_only_what_came_before_it(self):
        self.entry(20, fill(1))
        self.entry(21, fill(2), writelog.FLUSH)  # a write that asks for a flush before itself
        self.assertEqual({tuple(sectors[20:22]) for sectors in self.cuts(2)}, {(1, 2), (1, 0)})

    def test_forced_writes_stay(self):
        self.entry(20, fill(1, 2))
        self.entry(30, fill(2, 2), writelog.FUA)
        found = {(sectors[20], *sectors[30:32]) for sectors in self.cuts(2)}
        self.assertEqual(found, {(0, 2, 2), (1, 2, 2)})

    def test_nothing_behind_the_cut(self):
        self.entry(20, fill(1))
        self.entry(21, fill(2))
        self.flush()
        for sectors in self.cuts(1):
            self.assertEqual(sectors[21], 0)
        for sectors in self.cuts(0):
            self.assertEqual(set(sectors), {0})

    def test_one_disk_for_rising_cuts(self):
        for number in range(1, 9):
            self.entry(number, fill(number))
            self.flush()
        log, target = self.log(), self.folder / "cut.img"
        disk = writelog.Disk(log, self.base, self.folder)
        for at in (0, 2, 3, 7, 16):
            disk.cut(at, random.Random(at), target)
            alone = self.cut(at, at, log)
            image = target.read_bytes()
            self.assertEqual([image[n * SECTOR] for n in range(DISK_SECTORS)], alone)
        self.assertRaises(ValueError, disk.cut, 3, random.Random(1), target)

    def test_one_seed_one_image(self):
        for number in range(1, 20):
            self.entry(number, fill(number, 8))
        self.assertEqual(self.cut(19, 5), self.cut(19, 5))
        self.assertNotEqual(self.cut(19, 5), self.cut(19, 6))

    def test_a_copy_keeps_the_holes(self):
        wide, copy = self.folder / "wide", self.folder / "copy"
        with open(wide, "wb") as file:
            file.truncate(1 << 26)
            file.seek(1 << 25)
            file.write(fill(3, 100))
        writelog.copy_sparse(wide, copy)
        self.assertEqual(os.stat(copy).st_size, 1 << 26)
        self.assertLess(os.stat(copy).st_blocks * SECTOR, 1 << 20)
        self.assertEqual(copy.read_bytes()[1 << 25:(1 << 25) + 100 * SECTOR], fill(3, 100))


if __name__ == "__main__":
    unittest.main()
