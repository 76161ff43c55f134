#!/usr/bin/env python3
"""The demonstration behind `./do demo`: demo.py PROGRAM FOLDER

Shows each command as one would type it, and what it says. What arrived stays in FOLDER.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from rethinksim import control, plant  # noqa: E402
from rethinksim.server import Clock, Server  # noqa: E402

TABLES = {"devices": 500, "readings": 60000, "alarms": 300, "sites": 40, "oddrows": 0, "oddkeys": 0}
CHANGED = 100
SYNC_SECONDS_MAX = 100
KILL_SHARES = (0.4, 0.2, 0.1, 0.05)  # of what a whole sync delivers: then the sync is killed


def say(text):
    print(f"\n== {text}", flush=True)


class Simulated:
    """The bundled simulator with a small plant."""

    flag, unit, known, rows = "--rethinkdb", "rows", True, TABLES["readings"]

    def __init__(self):
        self.server = Server(seed=1)
        self.server.clock = self.server.world.clock = Clock(None)
        self.server.start()
        self.server.world.create_database("plant")
        for name, rows in TABLES.items():
            plant.build(self.server.world, "plant", name, rows)
        self.settings = {"host": "127.0.0.1", "port": str(self.server.port), "database": "plant",
                         "username": "", "password": "", "use_ssl": "false"}
        print(f"the bundled simulator plays a RethinkDB on port {self.server.port}")

    def change(self, count):
        answer = control.run(self.server, {"do": "change", "table": "plant.readings",
                                           "count": count})
        if not answer["ok"]:
            sys.exit(f"the simulator did not change its rows: {answer}")

    def keys(self):
        """The primary keys of every table that has rows, a set a stream."""
        return {f"rethinkdb/plant/{name}": {spelled(json.loads(row.text)[table.primary_key])
                                            for row in table.rows.values()}
                for name, table in self.server.world.databases["plant"].items() if table.keys}


class Real:
    """A server of the user's own; it is only read."""

    flag, unit, known, rows = "--rethinkdb", "rows", False, None

    def __init__(self, address):
        host, _, port = address.rpartition(":")
        environment = os.environ.get
        self.settings = {"host": host or address, "port": port if host else "28015",
                         "database": environment("RETHINKDB_DATABASE", "test"),
                         "username": environment("RETHINKDB_USER", ""),
                         "password": environment("RETHINKDB_PASSWORD", ""), "use_ssl": "false"}
        print(f"reading {self.settings['database']} of {address}; nothing in it is changed")


class Demo:
    """The steps, one method each. `source` is read through the flat file of its `settings`; one
    that is `known` has change(count) and keys()."""

    def __init__(self, program, folder, source):
        self.program, self.folder, self.source = program, folder, source
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.file = folder / "configuration.json"
        self.file.write_text(json.dumps(source.settings, indent=2) + "\n", encoding="utf-8")
        self.file.chmod(0o600)

    def words(self, command, *more):
        return [self.program, *command.split(), *map(str, more)]

    def show(self, command, *more, lines=None):
        """Runs a command as a newcomer would, and shows what it says; its whole output."""
        words = self.words(command, *more)
        print("$ tidegate " + " ".join(words[1:]), flush=True)
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, timeout=SYNC_SECONDS_MAX,
                              check=False)
        shown = done.stdout.splitlines() if lines != 0 else []
        for line in shown[:lines]:
            print("    " + line)
        if lines and len(shown) > lines:
            print(f"    ... and {len(shown) - lines} more lines")
        if done.returncode != 0:
            sys.exit(f"tidegate ended with {done.returncode}: see `tidegate help exit-codes`")
        return done.stdout

    def sync(self, out):
        """A whole sync into `out`; its summary."""
        text = self.show("sync --json --log-level warning", self.source.flag, self.file, "--to",
                         out, lines=0)
        summary = json.loads(text)
        print(f"    {summary['records_read']} {self.source.unit} read, "
              f"{summary['records_delivered']} delivered in {summary['seconds']} s, "
              f"exit code {summary['exit_code']}")
        return summary

    def read(self):
        say("Can everything be reached?")
        self.show("check", self.source.flag, self.file, "--to", self.folder / "out")
        say("What is there?")
        self.show("discover", self.source.flag, self.file, lines=24)
        say("All of it, into a folder of NDJSON")
        self.sync(self.folder / "out")
        for path in sorted((self.folder / "out").glob("*.ndjson")):
            print(f"    {path.stat().st_size:>10}  {path}")
        first = next(iter(sorted((self.folder / "out").glob("*.ndjson"))), None)
        if first:
            with first.open(encoding="utf-8") as file:
                print(f"    its lines: {file.readline().rstrip()[:300]} ...")

    def change(self):
        if not self.source.known:
            say("Nothing is changed in a server of your own; the second sync shows what changed")
            self.sync(self.folder / "out")
            return
        say(f"{CHANGED} {self.source.unit} change in the database: {CHANGED} arrive, not "
            f"{self.source.rows}")
        self.source.change(CHANGED)
        summary = self.sync(self.folder / "out")
        if summary["records_delivered"] != CHANGED:
            sys.exit(f"{summary['records_delivered']} arrived, not {CHANGED}")

    def kill(self):
        say("A sync is killed with SIGKILL on its way, into another folder")
        whole = size_of(self.folder / "out")
        for share in KILL_SHARES:
            out = self.folder / "killed"
            shutil.rmtree(out, ignore_errors=True)
            if self.killed_at(out, whole * share):
                break
        else:
            print("    this database is too small for that: each sync was over first")
        self.sync(out)
        say("What arrived, compared with what should have")
        self.compare(out)

    def killed_at(self, out, size):
        """Starts a sync and kills it once `size` bytes lie there; False when it was over first."""
        words = self.words("sync --log-level error", self.source.flag, self.file, "--to", out)
        child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + SYNC_SECONDS_MAX
        while child.poll() is None and time.monotonic() < until:
            if size_of(out) >= size:
                child.send_signal(signal.SIGKILL)
                break
            time.sleep(0.001)
        if child.wait() != -signal.SIGKILL:
            return False
        print(f"    killed with {size_of(out)} bytes in {len(delivered(out))} files; the next "
              "sync goes on:")
        return True

    def compare(self, out):
        now, doubled = state_of(out)
        known = self.source.known
        wanted = self.source.keys() if known else state_of(self.folder / "out")[0]
        where = "in the database" if known else "in the sync that was not killed"
        missing = more = 0
        for stream in sorted(wanted):
            here = now.get(stream, set())
            missing += len(wanted[stream] - here)
            more += len(here - wanted[stream])
            print(f"    {stream}: {len(wanted[stream])} keys {where}, {len(here)} here")
        print(f"    missing: {missing}, too many: {more}, doubled lines: {doubled}")
        if known and missing + more + doubled != 0:
            sys.exit("a promise is broken: see tests/audit.py")


def delivered(out):
    """The files in `out`, finished or being written."""
    return [path for path in out.glob("*.*") if path.suffix in (".ndjson", ".open")]


def size_of(out):
    """How many bytes were delivered; a file may be renamed while we look."""
    size = 0
    for path in delivered(out):
        try:
            size += path.stat().st_size
        except FileNotFoundError:
            continue
    return size


def spelled(key):
    return json.dumps(key, sort_keys=True)


def state_of(out):
    """The keys that a consumer of `out` would hold, a set a stream; how many lines came twice."""
    keys, seen, doubled = {}, set(), 0
    for path in sorted(delivered(out)):
        with path.open(encoding="utf-8") as file:
            for line in file:
                head = json.loads(line)["_tidegate"]
                stream = keys.setdefault(head["stream"], set())
                doubled += (head["stream"], head["seq"]) in seen
                seen.add((head["stream"], head["seq"]))
                key = spelled(head["key"])
                (stream.discard if head["op"] == "delete" else stream.add)(key)
    return keys, doubled


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    if not os.access(program, os.X_OK):
        sys.exit(f"{program} is not there; `./do build` makes it")
    address = os.environ.get("RETHINKDB", "")
    demo = Demo(program, folder, Real(address) if address else Simulated())
    tell(demo)
    return 0


def tell(demo):
    """The whole story."""
    demo.read()
    demo.change()
    demo.kill()
    folder = demo.folder
    say("Where everything lies")
    print(f"    what arrived: {folder / 'out'}\n    the store:    {folder / 'out/.tidegate'}\n"
          f"    next:         {demo.program} status --store {folder / 'out/.tidegate'}")


if __name__ == "__main__":
    sys.exit(main())
