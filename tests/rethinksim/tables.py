"""What the simulated server holds: databases, tables, rows as ready JSON text, indexes.

      keys   [k0 < k1 < k2 < ...]       sorted order keys (values.order_key)
      rows   {k: Row(text, shard)}      the row's exact bytes on the wire; parsed only when asked

An index keeps a sorted list of (index key, primary key); it is built when first read and kept up
to date by single writes, thrown away by bulk ones.
"""

import bisect
import struct
import threading
import time
import uuid
import zlib

from . import spelling, values
from .errors import Reql, LOGIC, OP_FAILED

SHARDS = 8
BULK_ROWS = 2000  # more rows than this in one write rebuild the sorted lists


class Row:
    """One document: its bytes as they go out, and the hash shard it lies in."""

    __slots__ = ("text", "shard")

    def __init__(self, text, shard):
        self.text, self.shard = text, shard

    @property
    def value(self):
        """The parsed document; parsed anew each time, since most scans never look inside."""
        return spelling.decode_row(self.text)


def make_row(key, text):
    """A Row for an order key; the shard depends on nothing but the key."""
    return Row(text, zlib.crc32(repr(key).encode("utf-8", "surrogatepass")) % SHARDS)


class Index:
    """A secondary index: a field's name, or any function of the row as a ReQL term."""

    def __init__(self, name, term=None, multi=False, geo=False, keys_of=None):
        self.name, self.term, self.multi, self.geo = name, term, multi, geo
        self.keys_of = keys_of or self._field_keys
        self.entries = None
        self.recorded_status = None  # a recorded INDEX_STATUS object, served as it is
        self.ready = True

    def _field_keys(self, row):
        value = row.get(self.name)
        return self.listed(value)

    def listed(self, value):
        """The index keys of one value: none, one, or one for each element of a multi index."""
        parts = value if self.multi and type(value) is list else [value]
        return [values.order_key(part) for part in parts if values.is_key(part)]

    def build(self, table):
        """Fills the sorted entries from every row."""
        if self.entries is None:
            self.entries = sorted((found, key) for key, row in table.rows.items()
                                  for found in self.keys_of(row.value))
        return self.entries

    def drop_row(self, key, row):
        for found in self.keys_of(row.value):
            at = bisect.bisect_left(self.entries, (found, key))
            del self.entries[at]

    def add_row(self, key, row):
        for found in self.keys_of(row.value):
            bisect.insort(self.entries, (found, key))

    def status(self):
        """The INDEX_STATUS object."""
        if self.recorded_status:
            return self.recorded_status
        call = f'function(_var19) {{ return _var19.getField("{self.name}"); }}'
        multi = ", {multi: true}" if self.multi else ""
        return {
            "function": values.make_binary(self._function()), "geo": self.geo, "index": self.name,
            "multi": self.multi, "outdated": False, "ready": self.ready,
            "query": f"indexCreate('{self.name}', {call}{multi})"}

    def _function(self):
        """The server's serialised index function (reference 5.5)."""
        name = spelling.spell_string(self.name)
        text = f"[31,[[10,[[1,-19,0]],0],[1,{name},0]],0]"
        if self.term is not None:
            text = annotate(self.term[1][1])
        body = text.encode() + b"\0"
        variable = -19 if self.term is None else int(self.term[1][0][1][0])
        return (b"$reql_index_function$" + bytes([9, 7, 7, 7, 0, 0, 0, 0, 0, 0, 1])
                + struct.pack("<qI", variable, len(body)) + body
                + bytes([0, 0, 0, 0, self.multi, self.geo]))


def annotate(term):
    """A term with the trailing integer that the server stores behind each one."""
    if type(term) is not list:
        return f"[1,{spelling.spell(term)},0]"
    arguments = term[1] if len(term) > 1 else []
    return f"[{int(term[0])},[" + ",".join(map(annotate, arguments)) + "],0]"


class Table:
    """One table. All writes go through put, remove and load, so that indexes follow."""

    def __init__(self, database, name, identity, primary_key="id"):
        self.database, self.name, self.identity = database, name, identity
        self.primary_key = primary_key
        self.keys, self.rows, self.indexes = [], {}, {}
        self.alive = True
        self.unready_until = 0.0  # on the clock of time.monotonic()
        self.denied = set()       # permissions that nobody has on this table
        self.estimate = None      # a recorded row estimate, else the exact count
        self.error_after = None   # (rows, code, text): each cursor fails there
        self.drop_after = None    # rows served by one cursor until the table is dropped
        self.descents = 0         # batches given from the last key backwards
        self.stamp = None         # (field, form) of the plant's time stamp, see plant.py

    @property
    def full_name(self):
        return f"{self.database}.{self.name}"

    def check_ready(self):
        """Fails as the server does while a table has no primary replica, or is gone."""
        if time.monotonic() < self.unready_until:
            raise Reql(OP_FAILED, "Cannot perform read: primary replica for shard [\"\", +inf) "
                                  "not available")
        if not self.alive:
            raise Reql(OP_FAILED, f"Table `{self.full_name}` does not exist.")

    def key_of(self, document):
        """The order key of a document's primary key, checked."""
        value = document.get(self.primary_key)
        values.check_primary_key(value)
        return values.order_key(value)

    def put(self, key, text):
        """Stores one row's bytes under its order key, replacing what was there."""
        old = self.rows.get(key)
        row = make_row(key, text)
        built = [index for index in self.indexes.values() if index.entries is not None]
        for index in built:
            if old:
                index.drop_row(key, old)
            index.add_row(key, row)
        if old is None:
            if self.keys and key > self.keys[-1]:
                self.keys.append(key)
            else:
                bisect.insort(self.keys, key)
        self.rows[key] = row

    def remove(self, key):
        """Takes one row out; false when it was not there."""
        row = self.rows.pop(key, None)
        if row is None:
            return False
        del self.keys[bisect.bisect_left(self.keys, key)]
        for index in self.indexes.values():
            if index.entries is not None:
                index.drop_row(key, row)
        return True

    def load(self, pairs):
        """Stores many (order key, text) at once."""
        pairs = list(pairs)
        if len(pairs) < BULK_ROWS:
            for key, text in pairs:
                self.put(key, text)
            return
        for key, text in pairs:
            self.rows[key] = make_row(key, text)
        self.keys = sorted(self.rows)
        for index in self.indexes.values():
            index.entries = None

    def index(self, name):
        """The named index, or the error that the server gives."""
        found = self.indexes.get(name)
        if found is None:
            raise Reql(OP_FAILED, f"Index `{name}` was not found on table `{self.full_name}`.")
        if not found.ready:
            raise Reql(OP_FAILED, f"Index `{name}` on table `{self.full_name}` was accessed before "
                                  "its construction was finished.")
        if found.geo:
            raise Reql(LOGIC, f"Index `{name}` is a geospatial index.  "
                              "Only get_nearest and get_intersecting can use a geospatial index.")
        return found


class World:
    """Every database of one simulated server, its users and its clock."""

    def __init__(self, seed=1, clock=None):
        self.seed = seed
        self.clock = clock        # a function that gives seconds since 1970
        self.databases = {}       # name -> {table name: Table}
        self.database_ids = {}
        self.users = {}
        self.name = "gateway"
        self.lock = threading.RLock()  # held while a query or a control command runs
        self._made = 0
        for name in ("rethinkdb", "test"):
            self.create_database(name)
        self.identity = self.new_uuid()

    def new_uuid(self):
        """A version 4 UUID that depends on the seed and on how many were made."""
        self._made += 1
        mixed = uuid.uuid5(uuid.NAMESPACE_OID, f"{self.seed}/{self._made}")
        return str(uuid.UUID(bytes=mixed.bytes, version=4))

    def pause(self, seconds):
        """Sleeps inside a query without keeping the other connections waiting."""
        self.lock.release()
        try:
            time.sleep(seconds)
        finally:
            self.lock.acquire()

    def create_database(self, name):
        self.databases[name] = {}
        self.database_ids[name] = self.new_uuid()

    def create_table(self, database, name, primary_key="id"):
        """A new, empty table with a new UUID; an older one of that name dies."""
        if database not in self.databases:
            self.create_database(database)
        self.drop_table(database, name)
        table = Table(database, name, self.new_uuid(), primary_key)
        self.databases[database][name] = table
        return table

    def drop_table(self, database, name):
        """False when there is none. Cursors that read it fail from now on."""
        table = self.databases.get(database, {}).pop(name, None)
        if table:
            table.alive = False
        return table is not None

    def table_names(self, database):
        return sorted(name for name, table in self.databases[database].items() if table.alive)

    def table(self, database, name):
        """The table, or the error that the server gives."""
        if database not in self.databases:
            raise Reql(OP_FAILED, f"Database `{database}` does not exist.")
        found = self.databases[database].get(name)
        if found is None or not found.alive:
            raise Reql(OP_FAILED, f"Table `{database}.{name}` does not exist.")
        return found
