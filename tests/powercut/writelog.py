"""What a disk was asked to write, in order, and what may be left of it when the power goes.

    log = Log(path)                      the file that QEMU's blklogwrites made
    disk = Disk(log, base, folder)       the disk as it was before the log began
    at = a_moment(chance, log.moments(0))
    disk.cut(at, chance, target)         an image of it: only log.entries[:at] were ever asked for

    entries   0 1 2 3 F 5 6 7 | 8 9 ...        F: the last flush before the cut
              \\-------/ \\---/ ^at
               all of   each kept, dropped, or torn sector by sector, unless it is FUA

The log is that of dm-log-writes, version 1: a sector with magic, version, entry count and sector
size, then per entry a sector with (sector, count, flags, bytes) and the data. The count lies
behind when QEMU ends suddenly, so that the entries themselves are read to the file's end.

QEMU writes an entry before the guest hears that its request is done: whoever measures the log's
length at some moment (Log.count_at) knows that all the guest relied upon lies before it.
"""

import bisect
import collections
import dataclasses
import os
import struct

MAGIC, VERSION = 0x6A736677736872, 1
FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8
SECTOR_BYTES = 512
HEAD = struct.Struct("<QQQI")
ENTRY = struct.Struct("<QQQQ")
COPY_BYTES = 1 << 20

# How a disk may behave in a cut, and how often it does: torn writes are the hardest to survive, a
# prefix is what a disk without a cache leaves.
MANNERS = (("each", 6), ("none", 1), ("all", 1), ("prefix", 2))
KEPT, DROPPED, TORN = "kept", "dropped", "torn"


@dataclasses.dataclass(slots=True)
class Entry:
    sector: int
    count: int      # sectors
    flags: int
    data_at: int    # in the log's file
    end: int        # of the entry in the log's file


class Malformed(Exception):
    """The file is no such log."""


class Log:
    """The entries of a log, without their data."""

    def __init__(self, path):
        self.file = open(path, "rb")
        try:
            self.sector_bytes = self._read_head()
        except Malformed:
            self.file.close()
            raise
        self.entries = list(self._read_entries(os.fstat(self.file.fileno()).st_size))
        self._ends = [entry.end for entry in self.entries]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.file.close()

    def _read_head(self):
        head = self.file.read(HEAD.size)
        if len(head) < HEAD.size:
            raise Malformed("the log is empty")
        magic, version, _, sector_bytes = HEAD.unpack(head)
        if (magic, version) != (MAGIC, VERSION) or sector_bytes % SECTOR_BYTES:
            raise Malformed(f"magic {magic:#x}, version {version}, sectors of {sector_bytes} bytes")
        return sector_bytes

    def _read_entries(self, size):
        at = self.sector_bytes
        while at + self.sector_bytes <= size:
            self.file.seek(at)
            sector, count, flags, _ = ENTRY.unpack(self.file.read(ENTRY.size))
            if flags & ~(FLUSH | FUA | DISCARD | MARK) or not (count or flags):
                return  # a hole: its request was under way when QEMU ended
            data_at = at + self.sector_bytes
            at = data_at + (0 if flags & DISCARD else count * self.sector_bytes)
            if at > size:
                return
            yield Entry(sector, count, flags, data_at, at)

    def count_at(self, size):
        """How many entries were whole when the log's file had `size` bytes."""
        return bisect.bisect_right(self._ends, size)

    def data(self, entry):
        """The bytes that were written; what was discarded reads as zeros."""
        if entry.flags & DISCARD:
            return bytes(entry.count * self.sector_bytes)
        return os.pread(self.file.fileno(), entry.count * self.sector_bytes, entry.data_at)

    def last_flush(self, at):
        """The index of the last flush among entries[:at]; 0 when there was none."""
        for index in range(at - 1, -1, -1):
            if self.entries[index].flags & FLUSH:
                return index
        return 0

    def moments(self, start):
        """Where the power may go from entries[start] on: (anywhere, just before a flush)."""
        anywhere = range(start, len(self.entries) + 1)
        flushes = [at for at in anywhere[:-1] if self.entries[at].flags & FLUSH]
        return anywhere, flushes or anywhere


def a_moment(chance, moments):
    """One of Log.moments(): half of all are where the most is open, just before a flush."""
    return chance.choice(chance.choice(moments))


def copy_sparse(source, target):
    """Copies a file without its holes."""
    with open(source, "rb") as wide, open(target, "wb") as narrow:
        size = os.fstat(wide.fileno()).st_size
        narrow.truncate(size)
        end = 0
        while end < size:
            try:
                start = os.lseek(wide.fileno(), end, os.SEEK_DATA)
            except OSError:
                return  # nothing but a hole is left
            end = os.lseek(wide.fileno(), start, os.SEEK_HOLE)
            for at in range(start, end, COPY_BYTES):
                piece = os.pread(wide.fileno(), min(COPY_BYTES, end - at), at)
                os.pwrite(narrow.fileno(), piece, at)


def choose(chance, weighted):
    """One of ((name, weight), ...)."""
    names, weights = zip(*weighted)
    return chance.choices(names, weights)[0]


class Disk:
    """The disk at rising moments of its log. Every cut is an image of its own; cuts must be asked
    for in rising order, since the part that no cut can take away is written only once."""

    def __init__(self, log, base, folder):
        self.log = log
        self.steady = os.path.join(folder, "steady.img")
        copy_sparse(base, self.steady)
        self.flushed = 0    # entries[:flushed] are in `steady`

    def _apply(self, fd, entry, sectors=None):
        """Writes an entry, or only these of its sectors."""
        data, start = self.log.data(entry), entry.sector * self.log.sector_bytes
        if sectors is None:
            os.pwrite(fd, data, start)
            return
        for number in sectors:
            at = number * SECTOR_BYTES
            os.pwrite(fd, data[at:at + SECTOR_BYTES], start + at)

    def _advance(self, flush):
        """All that was asked for before the flush is on the disk for ever."""
        if flush < self.flushed:
            raise ValueError("cuts must rise")
        fd = os.open(self.steady, os.O_RDWR)
        for entry in self.log.entries[self.flushed:flush]:
            self._apply(fd, entry)
        os.close(fd)
        self.flushed = flush

    def cut(self, at, chance, target):
        """Writes the image that is left when the power goes before entries[at]. Returns how many
        writes of each fate there were behind the last flush."""
        flush = self.log.last_flush(at)
        self._advance(flush)
        copy_sparse(self.steady, target)
        fd = os.open(target, os.O_RDWR)
        try:
            return self._settle(fd, self.log.entries[flush:at], chance)
        finally:
            os.close(fd)

    def _settle(self, fd, entries, chance):
        manner = choose(chance, MANNERS)
        prefix = chance.randrange(len(entries) + 1)
        fates = collections.Counter()
        for number, entry in enumerate(entries):
            if entry.count == 0:
                continue
            fate = self._fate(entry, chance, manner, number < prefix)
            fates[fate] += 1
            if fate == KEPT:
                self._apply(fd, entry)
            elif fate == TORN:
                sectors = range(entry.count * self.log.sector_bytes // SECTOR_BYTES)
                self._apply(fd, entry, [one for one in sectors if chance.random() < 0.5])
        return fates

    @staticmethod
    def _fate(entry, chance, manner, within):
        if entry.flags & FUA or manner == "all":
            return KEPT
        if manner == "none":
            return DROPPED
        if manner == "prefix":
            return KEPT if within else DROPPED
        return choose(chance, ((KEPT, 2), (DROPPED, 2), (TORN, 1)))
