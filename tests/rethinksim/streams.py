"""Row streams that are pulled a batch at a time, in batches shaped like the server's.

A table is split into eight hash shards. Each fills its own part of a batch and stops behind the
row that crosses the part's limit. An unordered batch is all parts behind each other; an ordered
one ends where the first part to be full ends, since beyond that row the merge cannot know what
comes next.
"""

import bisect
import dataclasses

from . import spelling, values
from .errors import Reql, NON_EXISTENCE, LOGIC, OP_FAILED
from .tables import SHARDS

BATCH_BYTES = 1 << 20
SCALE_DOWN = 4
ROWS_UNLIMITED = 1 << 62


class Item:
    """A row that a query made: its text is written when it is sent."""

    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value

    @property
    def text(self):
        return spelling.encode(self.value)


@dataclasses.dataclass
class Batch:
    """The limits of one cursor's batches; the first one is scaled down (reference 3.4)."""

    rows: int = ROWS_UNLIMITED
    size: int = BATCH_BYTES
    scale: int = SCALE_DOWN
    first: bool = True

    def parts(self):
        """The rows and bytes at which each hash shard's part stops."""
        rows = min(self.rows, self.rows // 7 + 32)
        size = min(self.size, self.size // 7 + 32)
        if self.first:
            return max(1, rows // self.scale), max(1, size // self.scale)
        return rows, size


class Stream:
    """Something rows can be pulled from. An empty pull means the end, and `done` is true."""

    kind = "STREAM"
    done = False
    table = None
    is_array = False

    def pull(self, batch):
        raise NotImplementedError

    def items(self):
        """Every item that is left."""
        batch = Batch(first=False)
        while True:
            yield from self.pull(batch)
            if self.done:
                return

    def values(self):
        return (item.value for item in self.items())


class Listed(Stream):
    """An array or a made sequence as a stream."""

    def __init__(self, found, is_array=True, table=None):
        self._left = [part if hasattr(part, "text") else Item(part) for part in found]
        self.is_array, self.table = is_array, table
        self.kind = "SELECTION<ARRAY>" if table else "ARRAY"

    def pull(self, batch):
        rows = ROWS_UNLIMITED if self.is_array else max(1, min(batch.rows, 4096))
        taken, self._left = self._left[:rows], self._left[rows:]
        self.done = not self._left
        return taken


class Scan(Stream):
    """A table, or a range of it, in no order or in an index's."""

    def __init__(self, table, path=()):
        self.table = table
        self.path = path                # of the TABLE term, where the server puts some errors
        self.kind = "TABLE"
        self.index = None               # None: the primary key
        self.order = None               # None, "asc", "desc"
        self.low, self.high = (values.MINVAL, True), (values.MAXVAL, True)
        self.ranged = False
        self._last = None               # the entry that was given last
        self._shards = None             # what an unordered scan has left, shard by shard
        self._given = 0

    def between(self, low, high, index):
        """This scan, bounded; each bound is (value, closed)."""
        self.low, self.high, self.ranged = low, high, True
        self.kind = "TABLE_SLICE"
        self.use(index)
        return self

    def use(self, index):
        """Reads through the named index."""
        name = None if index in (None, self.table.primary_key) else index
        if name is not None:
            self.table.index(name)
        self.index = name

    def ordered(self, index, order):
        if self.ranged and self.index != (None if index == self.table.primary_key else index):
            raise Reql(LOGIC, f"Cannot order by index `{index}` after calling BETWEEN on index "
                              f"`{self.index or self.table.primary_key}`.").at(self.path)
        self.use(index)
        self.order = order
        self.kind = "TABLE_SLICE"
        return self

    def _entries(self):
        """The sorted list that is walked: keys, or (index key, key) pairs."""
        if not self.table.alive:
            raise Reql(OP_FAILED, "Cannot perform read: Failed to retrieve the table configuration")
        if self.index is None:
            return self.table.keys
        return self.table.index(self.index).build(self.table)

    def span(self):
        """The entries and the first and behind-last position in them, not regarding progress."""
        entries = self._entries()
        low, high = values.order_key(self.low[0]), values.order_key(self.high[0])
        if self.index is not None:
            low = (low,) if self.low[1] else (low, values.TOP_KEY)
            high = (high, values.TOP_KEY) if self.high[1] else (high,)
            return entries, bisect.bisect_left(entries, low), bisect.bisect_left(entries, high)
        pick = bisect.bisect_left if self.low[1] else bisect.bisect_right
        end = bisect.bisect_right if self.high[1] else bisect.bisect_left
        return entries, pick(entries, low), end(entries, high)

    def count(self):
        _, start, end = self.span()
        return max(0, end - start)

    def pull(self, batch):
        found = self._pull_ordered(batch) if self.order else self._pull_shards(batch)
        return self._faulted(found)

    def _pull_ordered(self, batch):
        entries, start, end = self.span()
        step, at, stop = 1, start, end
        if self._last is not None:
            at = bisect.bisect_right(entries, self._last)
        if self.order == "desc":
            step, at, stop = -1, end - 1, start - 1
            self.table.descents += 1
            if self._last is not None:
                at = min(at, bisect.bisect_left(entries, self._last) - 1)
        taken, at = self._walk(entries, at, stop, step, batch.parts())
        self.done = (at >= stop) if step > 0 else (at <= stop)
        return taken

    def _walk(self, entries, at, stop, step, parts):
        """Takes rows from position `at` on until one shard's part is full."""
        rows_max, bytes_max = parts
        counts, sizes = [0] * SHARDS, [0] * SHARDS
        rows, taken, keyed = self.table.rows, [], self.index is None
        while (at < stop) if step > 0 else (at > stop):
            entry = entries[at]
            row = rows[entry if keyed else entry[1]]
            taken.append(row)
            at += step
            shard = row.shard
            counts[shard] += 1
            sizes[shard] += len(row.text)
            if counts[shard] >= rows_max or sizes[shard] > bytes_max:
                break
        if taken:
            self._last = entry
        return taken, at

    def _pull_shards(self, batch):
        if self._shards is None:
            self._shards = self._split()
        self._entries()  # a dropped table or index ends the cursor
        taken = []
        while not taken and any(self._shards):
            for shard in self._shards:
                self._take_part(shard, batch.parts(), taken)
        self.done = not any(self._shards)
        return taken

    def _split(self):
        """The keys of the range by shard, the next one last so that it can be popped."""
        entries, start, end = self.span()
        rows, shards = self.table.rows, [[] for _ in range(SHARDS)]
        for at in range(end - 1, start - 1, -1):
            key = entries[at] if self.index is None else entries[at][1]
            shards[rows[key].shard].append(key)
        return shards

    def _take_part(self, shard, parts, taken):
        rows_left, bytes_left = parts
        while shard and rows_left > 0 and bytes_left >= 0:
            row = self.table.rows.get(shard.pop())
            if row is not None:
                taken.append(row)
                rows_left -= 1
                bytes_left -= len(row.text)

    def _faulted(self, found):
        """Applies the faults a test has set on the table: an error or a drop behind n rows."""
        table = self.table
        limits = [limit for limit in (table.drop_after, table.error_after and table.error_after[0])
                  if limit is not None]
        if limits:
            rows_left = min(limits) - self._given
            if rows_left <= 0:
                self._fail(table)
            if len(found) >= rows_left:
                found, self.done = found[:rows_left], False
        self._given += len(found)
        if table.drop_after is not None and self._given >= table.drop_after:
            table.alive = False
        return found

    def _fail(self, table):
        """Ends the cursor as the test asked."""
        if table.error_after:
            raise Reql(table.error_after[1], table.error_after[2])
        table.alive = False
        self._entries()


class Wrapped(Stream):
    """A stream made from another one, item by item."""

    def __init__(self, source):
        self.source = source
        self.table, self.is_array = source.table, source.is_array
        self.kind = "ARRAY" if self.is_array else "STREAM"

    def change(self, found):
        """The items that a pulled batch becomes."""
        raise NotImplementedError

    def pull(self, batch):
        while True:
            found = self.change(self.source.pull(batch))
            self.done = self.done or self.source.done
            if found or self.done:
                return found


def selection_kind(source):
    """The type of a table's or a slice's rows picked out; any other stream keeps its own."""
    return "SELECTION<STREAM>" if isinstance(source, Scan) else source.kind


class Filter(Wrapped):
    """Rows for which the predicate is neither false nor null."""

    def __init__(self, source, predicate, default):
        super().__init__(source)
        self._predicate, self._default = predicate, default
        self.kind = selection_kind(source)

    def change(self, found):
        return [item for item in found if self._keeps(item)]

    def _keeps(self, item):
        try:
            return self._predicate(item.value) not in (False, None)
        except Reql as error:
            if error.code != NON_EXISTENCE:
                raise
            return self._default()


class Map(Wrapped):
    """Each row put through a function."""

    def __init__(self, source, function):
        super().__init__(source)
        self.function = function

    def change(self, found):
        return [Item(self.function(item.value)) for item in found]


class Slice(Wrapped):
    """SKIP and LIMIT: rows `start` up to `end` of the source."""

    def __init__(self, source, start, end):
        super().__init__(source)
        self.kind = selection_kind(source)
        self._skip, self._left = start, end - start
        self.done = self._left <= 0

    def pull(self, batch):
        return [] if self._left <= 0 else super().pull(batch)

    def change(self, found):
        found = found[self._skip:] if self._skip < len(found) else self._skipped(found)
        if found:
            self._skip = 0
        found = found[:self._left]
        self._left -= len(found)
        self.done = self._left <= 0
        return found

    def _skipped(self, found):
        self._skip -= len(found)
        return []


class Concat(Wrapped):
    """CONCAT_MAP and UNION: each item gives a list of values."""

    def __init__(self, source, function):
        super().__init__(source)
        self._function = function

    def change(self, found):
        return [Item(part) for item in found for part in self._function(item.value)]
