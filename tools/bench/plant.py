"""A real RethinkDB on loopback with a plant's readings in it, for tools/bench."""

import contextlib
import os
import pathlib
import random
import shutil
import subprocess
import sys
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

import reql  # noqa: E402

DATABASE = "plant"
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 600
ANSWER_SECONDS_MAX = 1800
SAY_SECONDS = 10
WRITERS, INSERTS_UNDER_WAY, INSERT_ROWS = 4, 2, 500
YEAR_SECONDS = 365 * 86400

ROW = ('{"id":"%s","alarm":%s,"batch":"A-2026-%07d","device_id":"press-%03d",'
       '"limits":{"high":%d.5,"low":-10,"unit":"C"},"pressure":%d.%02d,"serial":"SN-8812-%06d-XQ",'
       '"site":"Werk Nord, Halle %d","temperature":%d.%03d,"turns":%d,'
       '"updated_at":{"$reql_type$":"TIME","epoch_time":%d.%03d,"timezone":"+00:00"}}')


def program():
    """The server's path, or None."""
    return os.environ.get("TIDEGATE_RETHINKDB") or shutil.which("rethinkdb")


def row_text(dice, newest):
    """One reading as ReQL's JSON: about 330 bytes on the wire, keys in no order."""
    def pick(below):
        return int(dice.random() * below)
    key = uuid.UUID(int=dice.getrandbits(128), version=4)
    return ROW % (key, "true" if pick(50) == 0 else "false", pick(10**7), pick(1000), pick(90),
                  pick(200), pick(100), pick(10**6), pick(12), pick(80), pick(1000), pick(10**6),
                  newest - pick(YEAR_SECONDS), pick(1000))


def moment(seconds):
    """A TIME of ReQL."""
    return {"$reql_type$": "TIME", "epoch_time": seconds, "timezone": "+00:00"}


class Patient(reql.Connection):
    """A connection that waits while the server writes back gigabytes."""

    def __init__(self, host, port):
        super().__init__(host, port)
        self._sock.settimeout(ANSWER_SECONDS_MAX)


class Writer(Patient):
    """One that has a few inserts under way: enough to keep a server busy, few enough that it never
    has more to do than a slow disk takes in ANSWER_SECONDS_MAX."""

    _under_way = 0

    def write(self, query):
        """Sends an insert; the oldest one's answer is awaited when there are enough."""
        if self._under_way == INSERTS_UNDER_WAY:
            self.await_one()
        self._token += 1
        self._ask(query)
        self._under_way += 1

    def await_one(self):
        """The answer to the oldest insert, which must have taken all of its rows."""
        found = self._answer()[1][0]
        self._under_way -= 1
        if found["errors"] != reql.number("0"):
            raise reql.Failed(found["first_error"])

    def settle(self):
        """Returns once all is taken."""
        while self._under_way:
            self.await_one()


class Progress:
    """Says every few seconds how far a load has come."""

    def __init__(self, rows):
        self._rows, self._began = rows, time.monotonic()
        self._next = self._began + SAY_SECONDS

    def reached(self, count):
        now = time.monotonic()
        if now >= self._next:
            self._next = now + SAY_SECONDS
            print(f"bench: {count:,} of {self._rows:,} rows, "
                  f"{count / (now - self._began):,.0f} a second", file=sys.stderr, flush=True)


class Plant:
    """The server process; `with Plant(folder, port) as plant: plant.load("readings", 300000)`.
    Another `bind` is for a network namespace of its own."""

    def __init__(self, folder, port, bind="127.0.0.1"):
        self.folder, self.port, self.bind = pathlib.Path(folder), port, bind
        self.newest = int(time.time()) - 7 * 86400
        self.process = None

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        log = open(self.folder / "server.log", "wb")
        self.process = subprocess.Popen(
            [program(), "--directory", str(self.folder / "data"), "--bind", self.bind,
             "--driver-port", str(self.port), "--cluster-port", str(self.port + 1),
             "--no-http-admin", "--no-update-check", "--cache-size", "4096"],
            stdout=log, stderr=subprocess.STDOUT, cwd=self.folder)
        log.close()
        self.await_login()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(STOP_SECONDS_MAX)

    def connect(self):
        return Patient("127.0.0.1", self.port)

    def await_login(self):
        """Returns once the server lets us in."""
        ends = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                self.connect().close()
                return
            except (OSError, reql.Failed):
                if self.process.poll() is not None or time.monotonic() > ends:
                    raise
                time.sleep(0.1)

    def rows(self, table):
        """How many rows the table has; None: there is no such table."""
        with self.connect() as server:
            if DATABASE not in server.run([59, []]):
                server.run([57, [DATABASE]])
            if table not in server.run([62, [[14, [DATABASE]]]]):
                return None
            term = reql.table_term(DATABASE, table)
            server.run([177, [term], {"wait_for": "ready_for_reads", "timeout": 50}])
            return int(server.run([43, [term]])[1])

    def load(self, table, rows, seed=1):
        """Makes `table` and fills it; keys, values and times follow from `seed`."""
        with self.connect() as server:
            if self.rows(table) is not None:
                server.run([61, [[14, [DATABASE]], table]])
            server.run([60, [[14, [DATABASE]], table]])
            term = reql.table_term(DATABASE, table)
            server.run([75, [term, "updated_at"]])
            server.run([140, [term, "updated_at"]])
            self.pour(table, rows, seed)
            server.run([138, [term]])
            server.run([140, [term, "updated_at"]])

    def pour(self, table, rows, seed):
        """Inserts over a few connections in turn, since the server works off one by one thread."""
        dice, progress = random.Random(seed), Progress(rows)
        head = f'[1,[56,[[15,[[14,["{DATABASE}"]],"{table}"]],[2,['
        tail = ']]],{"durability":"soft"}]]'
        with contextlib.ExitStack() as stack:
            writers = [stack.enter_context(Writer("127.0.0.1", self.port)) for _ in range(WRITERS)]
            for turn, at in enumerate(range(0, rows, INSERT_ROWS)):
                count = min(INSERT_ROWS, rows - at)
                part = ",".join(row_text(dice, self.newest) for _ in range(count))
                writers[turn % WRITERS].write((head + part + tail).encode())
                progress.reached(at)
            for writer in writers:
                writer.settle()

    def recede(self, table):
        """Takes back the times that change() gave: they would lie in the overlap that every pass
        by time reads again."""
        term = reql.table_term(DATABASE, table)
        late = [182, [term, moment(self.newest + 1), [181, []]], {"index": "updated_at"}]
        with self.connect() as server:
            server.run([53, [late, {"updated_at": moment(self.newest - YEAR_SECONDS)}]])

    def change(self, table, count, seed):
        """Gives `count` rows another temperature, and a time one hour behind all others."""
        term = reql.table_term(DATABASE, table)
        with self.connect() as server:
            sample = server.run([33, [[81, [term, count]], "id"]])
            picked = [78, [term, *(row["id"] for row in sample)]]
            found = server.run([53, [picked, {"updated_at": moment(self.newest + 3600),
                                              "temperature": 900 + seed}]])
        if int(found["replaced"][1]) != count:
            raise SystemExit(f"bench: {found} when {count} rows were to change")
