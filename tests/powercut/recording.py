"""One life of a gateway, recorded: what it asked its disk to write, what arrived upstream and when.

    record(folder, program, seed)        boots the machine and lets it work; minutes of a plant
    recorded = Recording(folder)         what is left of that, for any number of cuts

The machine syncs a simulated plant, which changes meanwhile, into files on its own disk and into an
HTTPS endpoint of the host. The endpoint notes how long the write log is when it has a batch, before
it answers: a cut behind that place has the batch upstream, a cut before it has not. In the same way
the end of each sync is noted: what it reported as done must be on the disk in every later cut.

    base.img  disk.log  recording.json  upstream/{lines,keys}.ndjson  rows/TABLE.ndjson
"""

import json
import os
import pathlib
import random
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), *(str(HERE.parent / name) for name in (".", "e2e", "vm", "servers"))]

import disk  # noqa: E402
import machine  # noqa: E402
import receiver  # noqa: E402
import world  # noqa: E402
import writelog  # noqa: E402
from ravendb.certificates import Certificates  # noqa: E402

TABLES = {"devices": 40, "alarms": 120, "sites": 40, "readings": 600}
LARGE_BYTES = 70000     # more than the 64 KiB that a record may take in one piece
FS_MIB = 48
ROUNDS = 12
AWAY = (4, 5, 6)        # rounds in which the endpoint answers 503
FILL, CLEAR = 6, 8      # before these rounds large rows come, more than the store takes, and go
FILL_ROWS = 70
STORE_BYTES_MAX = 4 << 20
CHANGES_MAX = 40
CHANGE_SECONDS = 0.15   # between two changes beside a running sync
CODE_DONE, CODE_UNDELIVERED = 0, 4
CONFIG, AUTHORITY = "/etc/tidegate.json", "/etc/ca.crt"
NAME = "host"           # of the host in the machine's /etc/hosts, and in the certificates


def configuration(folder, source, upstream):
    """The same store, files and names, in the machine and on the host."""
    return json.dumps({
        "name": "gateway",
        "store": {"path": f"{folder}/store", "bytes_max": STORE_BYTES_MAX},
        "sources": [{"name": "rethinkdb", "type": "rethinkdb", "database": world.DATABASE,
                     **source}],
        "sinks": [{"name": "files", "type": "file", "path": f"{folder}/out",
                   "rotate_bytes": 60000},
                  {"name": "upstream", "type": "https", "batch_records": 100, **upstream}]})


class Witness(receiver.Store):
    """Notes with each new batch how long the write log was when it had come."""

    def __init__(self, folder, write_log):
        super().__init__(folder)
        self.write_log, self.sizes, self.highest = write_log, [], {}

    def take(self, key, raw, plain, lines):
        size = os.path.getsize(self.write_log)
        if not super().take(key, raw, plain, lines):
            return False
        self.sizes.append(size)
        for line in lines:
            envelope = json.loads(line)["_tidegate"]
            self.highest[envelope["stream"]] = envelope["seq"]
        return True


class Plant(world.World):
    """The plant and the endpoint that the machine meets."""

    def __init__(self, folder, seed):
        self.write_log = folder / "disk.log"
        self.write_log.write_bytes(b"")
        made = Certificates(folder / "certificates", host=NAME)
        super().__init__("https", TABLES, seed, folder, certificates=made)
        self.do("oversize", table="plant.devices", key="large", bytes=LARGE_BYTES)

    def close(self):
        """Everything stays on the disk: it is the recording."""
        self.receiver.__exit__()
        self.server.stop()

    def _open_receiver(self, folder):
        super()._open_receiver(folder)
        self.receiver.store.close()
        self.witness = Witness(folder, self.write_log)
        self.receiver.store = self.receiver.server.store = self.witness

    def configure(self):
        """The machine's configuration is written there."""

    def machine_configuration(self):
        return configuration(
            "/data", {"host": NAME, "port": self.server.port, "use_ssl": True,
                      "ca_file": AUTHORITY},
            {"url": f"https://{NAME}:{self.receiver.port}/ingest", "ca_file": AUTHORITY})

    def change(self, chance, serial):
        """Some rows are changed, some go, some come, one is large."""
        name = chance.choice(("devices", "alarms", "sites", "readings", "readings"))
        what = chance.choice(("change", "change", "delete", "grow"))
        count = chance.randrange(1, CHANGES_MAX)
        start = chance.randrange(max(1, len(self.tables[name].keys)))
        if what == "grow":
            start = 10**6 + serial * CHANGES_MAX
        self.do(what, table=f"plant.{name}", count=count, start=start)
        if chance.random() < 0.2:
            self.do("oversize", table="plant.devices", key="large",
                    bytes=LARGE_BYTES + chance.randrange(1000))

    def begin_round(self, number):
        """What happens in the plant, and to the endpoint, before a sync."""
        self.receiver.set(**({"status": 503} if number in AWAY else {}))
        keys = [f"heap {at}" for at in range(FILL_ROWS)]
        if number == FILL:
            for key in keys:
                self.do("oversize", table="plant.sites", key=key, bytes=LARGE_BYTES)
        if number == CLEAR:
            self.do("delete", table="plant.sites", keys=keys)


class Changing:
    """Changes beside a running sync."""

    def __init__(self, here, chance, serial):
        self.here, self.chance, self.serial = here, chance, serial
        self.end = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.end.wait(CHANGE_SECONDS):
            self.serial += 1
            self.here.change(self.chance, self.serial)

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.end.set()
        self.thread.join()


def sync(vm, number):
    """One sync in the machine; returns its exit code."""
    away = number in AWAY
    done = vm.run("/bin/tidegate", "sync", "--config", CONFIG, *(("--wait", "1") if away else ()))
    if done.code != (CODE_UNDELIVERED if away else CODE_DONE):
        raise vm.lost(f"sync {number} in the machine ended with {done.code}\n{done.err}")
    return done.code


def work(vm, here, seed, rounds):
    """Returns the log's length at the start and [length, {stream: last sequence}] of
    each sync that delivered everything."""
    chance, promised = random.Random(seed), []
    vm.network()
    vm.mount()
    start = here.write_log.stat().st_size
    for number in range(rounds):
        here.begin_round(number)
        here.change(chance, 1000 * number)
        with Changing(here, chance, 1000 * number):
            code = sync(vm, number)
        if code == CODE_DONE:
            promised.append([here.write_log.stat().st_size, dict(here.witness.highest)])
    return start, promised


def save(here, folder, **facts):
    """What a judge needs beside the log."""
    (folder / "rows").mkdir()
    tables = []
    for name, table in here.tables.items():
        here.do("dump", table=f"plant.{name}", path=str(folder / "rows" / f"{name}.ndjson"))
        tables.append([name, table.primary_key])
    with writelog.Log(here.write_log) as log:
        facts["start"] = log.count_at(facts["start"])
        facts["promised"] = [[log.count_at(size), highest] for size, highest in facts["promised"]]
        facts["batches"] = [log.count_at(size) for size in here.witness.sizes]
    (folder / "recording.json").write_text(json.dumps({"tables": tables, **facts}),
                                           encoding="utf-8")


def record(folder, program, seed, rounds=ROUNDS):
    """Makes a recording in a new folder; returns it."""
    folder = pathlib.Path(folder)
    folder.mkdir()
    base, image = folder / "base.img", folder / "disk.img"
    disk.make(base, FS_MIB)
    writelog.copy_sparse(base, image)
    here = Plant(folder, seed)
    files = {"/bin/tidegate": pathlib.Path(program), CONFIG: here.machine_configuration(),
             AUTHORITY: folder / "certificates/ca.crt"}
    try:
        with machine.Machine(files, image, here.write_log) as vm:
            start, promised = work(vm, here, seed, rounds)
            vm.cut()
        save(here, folder, seed=seed, start=start, promised=promised)
    finally:
        here.close()
    image.unlink()
    return Recording(folder)


class Recording:
    """`batches[n]`: from this place of the log on the n-th batch is upstream. `promised`: [place,
    {stream: sequence}], what a sync said to be delivered."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        facts = json.loads((self.folder / "recording.json").read_text(encoding="utf-8"))
        self.seed, self.tables, self.start = facts["seed"], facts["tables"], facts["start"]
        self.batches, self.promised = facts["batches"], facts["promised"]
        self.keys = (self.folder / "received/keys.ndjson").read_text().splitlines(keepends=True)
        self.lines = (self.folder / "received/lines.ndjson").read_bytes().splitlines(keepends=True)
        self.counts = [json.loads(key)["lines"] for key in self.keys]
        envelopes = [json.loads(line)["_tidegate"] for line in self.lines]
        self.numbers = [(envelope["stream"], envelope["seq"]) for envelope in envelopes]

    def rows(self, name):
        return (self.folder / "rows" / f"{name}.ndjson").read_bytes().splitlines()

    def promise(self, at):
        """{stream: sequence} that must lie in finished files when the power goes at this place."""
        highest = {}
        for place, promised in self.promised:
            if place <= at:
                highest = promised
        return highest

    def upstream(self, count, folder):
        """The endpoint's own files as they were after `count` batches; {stream: last sequence}."""
        line_count = sum(self.counts[:count])
        folder.mkdir(parents=True)
        (folder / "keys.ndjson").write_text("".join(self.keys[:count]))
        (folder / "lines.ndjson").write_bytes(b"".join(self.lines[:line_count]))
        return dict(self.numbers[:line_count])
