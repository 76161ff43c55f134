"""A small world for whole-program tests: a simulated plant, tidegate, a target, and the auditor.

    with world.World("file", {"devices": 20, "sites": 15}) as here:
        here.sync(fault="at=37,do=power")      one run of tidegate, with a fault if asked for
        here.settle()                          runs until all is delivered
        here.check()                           the auditor: nothing lost, nothing doubled

The simulator and the receiver run in this process, so that a test changes rows by calling them.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "e2e")]

import audit  # noqa: E402
import receiver  # noqa: E402
from rethinksim import control, plant  # noqa: E402
from rethinksim.server import Server, tls_context  # noqa: E402

DATABASE = "plant"
CODES_BROKEN = (1,)      # an error of tidegate's own
SYNC_SECONDS_MAX = 120
SETTLE_RUNS_MAX = 6
SCRATCH_BYTES, SCRATCH_BYTES_ROW = 2**25, 2**12


class Broken(Exception):
    """A promise that was not kept, with all that is needed to see it again."""


def program(name="TIDEGATE"):
    """The program under test; ends the test as skipped where none was built."""
    path = os.environ.get(name, "")
    if not path:
        print(f"SKIP: {name} does not name the program")
        sys.exit(77)
    return path


def scratch_folder(rows):
    """In memory where there is room: a walk syncs thousands of times. A container has 64 MB."""
    shared = "/dev/shm"
    roomy = (os.access(shared, os.W_OK)
             and shutil.disk_usage(shared).free >= SCRATCH_BYTES + rows * SCRATCH_BYTES_ROW)
    return tempfile.mkdtemp(prefix="tidegate-", dir=shared if roomy else None)


class World:
    """One plant, one store, one target of kind "file" or "https".

    With `certificates` (servers/ravendb/certificates.py) plant and target speak TLS."""

    def __init__(self, kind, tables, seed=1, folder=None, certificates=None, **sink):
        self.kind, self.seed = kind, seed
        self.root = pathlib.Path(folder or scratch_folder(sum(tables.values())))
        self.identity = certificates.server if certificates else None
        tls = tls_context(*self.pair()) if certificates else None
        self.server = Server(seed=seed, tls=tls).start()
        self.server.world.create_database(DATABASE)
        for name, rows in tables.items():
            plant.build(self.server.world, DATABASE, name, rows)
        self.saved = None
        self.receiver = None
        self.sink = sink
        self.source = {}
        self.store = {}
        self.takes = 0
        self.clear()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def pair(self):
        """The certificate and the key of plant and target."""
        return (self.identity.certificate, self.identity.key) if self.identity else (None, None)

    def close(self):
        if self.receiver:
            self.receiver.__exit__()
        self.server.stop()
        shutil.rmtree(self.root, ignore_errors=True)

    # --- the plant ---

    @property
    def tables(self):
        return self.server.world.databases[DATABASE]

    def do(self, what, **settings):
        """One command of the simulator's control port."""
        answer = control.run(self.server, {"do": what, **settings})
        if not answer["ok"]:
            raise Broken(answer["error"])
        return answer

    def save(self):
        """Remembers the rows, for restore()."""
        self.saved = {name: (list(table.keys), dict(table.rows))
                      for name, table in self.tables.items()}

    def restore(self):
        """Puts the rows back as they were, and takes away all faults."""
        self.do("clear")
        for name, (keys, rows) in self.saved.items():
            table = self.tables[name]
            table.keys, table.rows = list(keys), dict(rows)
            for index in table.indexes.values():
                index.entries = None

    # --- the target ---

    @property
    def out(self):
        return self.root / "out"

    @property
    def taken(self):
        return self.root / "taken"

    @property
    def store_path(self):
        return self.root / "store"

    def clear(self):
        """An empty store, an empty target."""
        if self.receiver:
            self.receiver.store.close()
        for name in ("store", "out", "taken", "received"):
            shutil.rmtree(self.root / name, ignore_errors=True)
        for extra in self.root.glob("store*"):
            shutil.rmtree(extra, ignore_errors=True)
        self.taken.mkdir(parents=True)
        if self.kind == "https":
            self._open_receiver(str(self.root / "received"))
        self.configure()

    def _open_receiver(self, folder):
        """The endpoint stays where it is; what it has seen begins anew."""
        if not self.receiver:
            certificate, key = self.pair()
            self.receiver = receiver.Receiver(folder, cert=certificate, key=key).__enter__()
            return
        fresh = receiver.Store(folder)
        self.receiver.store = self.receiver.server.store = fresh
        self.receiver.server.attempts = {}

    def configure(self):
        """Writes the configuration anew, after `sink`, `source` or `store` changed."""
        if self.kind == "https":
            sink = {"type": "https", "url": self.receiver.url, **self.sink}
        else:
            sink = {"type": "file", "path": str(self.out), **self.sink}
        text = json.dumps({
            "name": "walk", "store": {"path": str(self.store_path), **self.store},
            "sources": [{"name": "rethinkdb", "type": "rethinkdb", "host": "127.0.0.1",
                         "port": self.server.port, "database": DATABASE, **self.source}],
            "sinks": [{"name": "target", **sink}]})
        (self.root / "tidegate.json").write_text(text, encoding="utf-8")

    def take(self):
        """A consumer takes the files that were rotated."""
        if self.kind != "file" or not self.out.exists():
            return 0
        found = [path for path in self.out.iterdir() if path.name.endswith(".ndjson")]
        for path in found:
            target = self.taken / path.name
            if target.exists():
                raise Broken(f"{path.name} was written a second time")
            path.rename(target)
        self.takes += len(found)
        return len(found)

    # --- tidegate ---

    def command(self, *words):
        return ["sync", "--config", str(self.root / "tidegate.json"), *words]

    def sync(self, fault=None, words=(), binary=None):
        """One run to its end; Broken when it crashed. With a fault the wrapped program runs."""
        binary = binary or program("TIDEGATE_FAULT" if fault else "TIDEGATE")
        env = {**os.environ, "TG_FAULT": fault} if fault else None
        done = subprocess.run([binary, *self.command(*words)], capture_output=True, env=env,
                              timeout=SYNC_SECONDS_MAX, check=False)
        if done.returncode < 0 or done.returncode in CODES_BROKEN:
            raise Broken(f"tidegate ended with {done.returncode}\n{tail(done)}")
        return done

    def start(self, words=(), binary=None):
        """A run under way; the caller ends it."""
        return subprocess.Popen([binary or program(), *self.command(*words)],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def settle(self, binary=None, runs_max=SETTLE_RUNS_MAX):
        """Runs without faults until one delivers all; returns how many it took."""
        for run in range(1, runs_max + 1):
            done = self.sync(binary=binary)
            if done.returncode == 0:
                return run
        raise Broken(f"still {done.returncode} after {runs_max} runs\n{tail(done)}")

    # --- the audit ---

    def arrived(self):
        found = audit.Arrived()
        if self.kind == "file":
            folders = [folder for folder in (self.taken, self.out) if folder.exists()]
            return found.add_folders(*folders)
        return found.add_file(self.root / "received" / "lines.ndjson")

    def truth(self):
        found = audit.Truth()
        for name, table in self.tables.items():
            rows = (audit.parse(table.rows[key].text) for key in table.keys)
            found.add_rows(f"rethinkdb/{DATABASE}/{name}", rows, table.primary_key)
        return found

    def report(self):
        return audit.audit(self.arrived(), self.truth(), self.sink.get("shape", "columns"))

    def check(self, allowed=(), instances=1):
        """The audit; Broken with its report when it found anything."""
        arrived = self.arrived()
        report = audit.audit(arrived, self.truth(), self.sink.get("shape", "columns"))
        if report.faults(allowed):
            raise Broken(str(report))
        if len(arrived.instances()) > instances:
            raise Broken(f"the instance changed: {sorted(arrived.instances())}")
        if self.receiver and self.receiver.stats()["unequal"]:
            raise Broken("a batch was repeated with other bytes")
        return report


def tail(done):
    """The end of what a run said."""
    return done.stderr.decode(errors="replace")[-1500:]
