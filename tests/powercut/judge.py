"""What a cut has left, and whether it goes on from there: the judge of one image after another.

    with Judge(recording, program, folder) as judge:
        judge.judge(Cut(at=4711, seed=3))       raises world.Broken where a promise was not kept

The image is mounted here, which replays its journal, and the host's own build opens the store. The
endpoint begins with exactly the batches that had come before the cut, the plant as it was at the
recording's end. Root and loop devices are wanted, and a mount namespace of the process' own.
"""

import collections
import dataclasses
import json
import pathlib
import random
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import audit  # noqa: E402
import recording  # noqa: E402
import world  # noqa: E402
import writelog  # noqa: E402
from rethinksim import values, spelling  # noqa: E402

FINISHED = re.compile(r"^.+\.(?P<first>\d+)-(?P<last>\d+)\.ndjson$")
REMEMBERED_MAX = 50000  # lines
SETTLING_SYNCS = 2      # a pass that goes on has not seen what changed before its place


class Loss(world.Broken):
    """Records that were acknowledged, or reported as delivered, are gone."""


@dataclasses.dataclass(frozen=True)
class Cut:
    """The power goes before entry `at` of the log; `seed` decides what becomes of open writes."""

    at: int
    seed: int

    def __str__(self):
        return f"{self.at}:{self.seed}"


class Aftermath(world.World):
    """The plant at the recording's end, and an endpoint whose memory is set for each cut."""

    def __init__(self, recorded, folder):
        super().__init__("https", {}, recorded.seed, folder)
        for name, primary_key in recorded.tables:
            table = self.server.world.create_table(world.DATABASE, name, primary_key)
            table.load((values.order_key(spelling.decode(text)[primary_key]), text)
                       for text in recorded.rows(name))

    def begin(self, recorded, count):
        """The endpoint knows the first `count` batches; returns {stream: last sequence}."""
        self.receiver.store.close()
        shutil.rmtree(self.root / "received", ignore_errors=True)
        highest = recorded.upstream(count, self.root / "received")
        self._open_receiver(str(self.root / "received"))
        return highest

    def configure(self):
        """The store's place is the mounted image."""
        (self.root / "tidegate.json").write_text(recording.configuration(
            self.root / "mounted", {"host": "127.0.0.1", "port": self.server.port},
            {"url": self.receiver.url}))


class Cached(audit.Arrived):
    """Lines that come again with every cut are parsed once."""

    read = {}

    def add(self, raw, where):
        line = self.read.get(raw)
        if line is None:
            super().add(raw, where)
            if self.lines and self.lines[-1].raw == raw:
                remember(self.read, raw, self.lines[-1])
        else:
            self.lines.append(line)


class Truth(audit.Truth):
    """The plant no longer changes: a line that was held against its row need not be again."""

    def __init__(self, streams):
        super().__init__()
        self.streams, self.known = streams, {}

    def holds(self, row, line, shape):
        known = self.known.get(line.raw)
        if known is None:
            known = super().holds(row, line, shape)
            remember(self.known, line.raw, known)
        return known


def remember(known, raw, what):
    """What was sent after a cut never comes again: it must not pile up."""
    if len(known) >= REMEMBERED_MAX:
        known.clear()
    known[raw] = what


def run(*words):
    """A tool of the system; its words are shown when it fails."""
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise world.Broken(f"{words[0]} ended with {done.returncode}: {done.stderr[-500:]}")


class Judge:
    def __init__(self, recorded, program, folder):
        self.recorded, self.program = recorded, program
        self.folder = pathlib.Path(folder)
        self.log = writelog.Log(recorded.folder / "disk.log")
        self.disk = writelog.Disk(self.log, recorded.folder / "base.img", folder)
        self.here = Aftermath(recorded, self.folder)
        self.mounted = self.folder / "mounted"
        self.mounted.mkdir()
        self.truth = Truth(self.here.truth().streams)
        self.counts = collections.Counter()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.log.close()
        self.here.close()

    # --- the image ---

    def judge(self, cut):
        """One cut from the disk to the audit."""
        chance, image = random.Random(cut.seed), self.folder / "cut.img"
        self.counts.update(self.disk.cut(cut.at, chance, image))
        self.mount(image)
        try:
            highest = self.here.begin(self.recorded, self.batches_before(cut.at, chance))
            self.look(cut.at, highest)
            self.go_on()
        finally:
            run("umount", self.mounted)

    def batches_before(self, at, chance):
        """How many batches had come; a batch at this very place may just have, or not."""
        least = sum(place < at for place in self.recorded.batches)
        return chance.randint(least, sum(place <= at for place in self.recorded.batches))

    def mount(self, image):
        """As a gateway's start does it: where the superblock is torn, fsck puts the copy back."""
        words = ("mount", "-o", "loop,noatime", image, self.mounted)
        if subprocess.run([*map(str, words)], capture_output=True, check=False).returncode == 0:
            return
        self.counts["fsck"] += 1
        subprocess.run(["e2fsck", "-y", str(image)], capture_output=True, check=False)
        run(*words)

    # --- before tidegate runs again ---

    def look(self, at, highest):
        """What lies on the disk, and what the store says of itself."""
        promise = self.recorded.promise(at)
        self.look_at_files(promise)
        if not (highest or promise or any((self.mounted / "out").glob("*"))):
            self.counts["nothing yet"] += 1  # the store may have been under way: not even begun
            return
        store = self.mounted / "store/data.mdb"
        if not store.exists() or store.stat().st_size == 0:
            raise Loss(f"there is no store, but {highest} is upstream")
        self.tidegate("outbox", "verify")
        self.look_at_store(json.loads(self.tidegate("status", "--json").stdout), highest, promise)

    def look_at_files(self, promise):
        """Finished files are whole, and hold all that a sync has reported as delivered."""
        found = collections.defaultdict(set)
        for path in (self.mounted / "out").glob("*.ndjson"):
            arrived = Cached().add_file(path)
            name = FINISHED.match(path.name)
            numbers = [line.seq for line in arrived.lines]
            if arrived.malformed or not name:
                raise world.Broken(f"{path.name} is not whole: {arrived.malformed[:2]}")
            if numbers != list(range(int(name["first"]), int(name["last"]) + 1)):
                raise world.Broken(f"{path.name} does not hold what its name says")
            found[arrived.lines[0].stream].update(numbers)
        for stream, last in promise.items():
            missing = set(range(1, last + 1)) - found[stream]
            if missing:
                raise Loss(f"{len(missing)} delivered records of {stream} are in no file")

    def look_at_store(self, status, highest, promise):
        """What is upstream was committed before it was sent; what was reported is acknowledged."""
        for stream in status["streams"]:
            name = stream["stream"]
            if stream["records"] < highest.pop(name, 0):
                raise Loss(f"{name}: upstream is further than the store: {stream}")
            for sink, position in stream["sinks"].items():
                if position["delivered_to"] < promise.get(name, 0):
                    raise Loss(f"{name}: {sink} was further: {stream}, {promise}")
        if highest:
            raise Loss(f"the store does not know what is upstream: {highest}")

    # --- and when it does ---

    def tidegate(self, *words):
        config = self.folder / "tidegate.json"
        done = subprocess.run([self.program, *words, "--config", config], capture_output=True,
                              timeout=world.SYNC_SECONDS_MAX, check=False)
        if done.returncode != 0:
            raise world.Broken(f"{' '.join(words)} ended with {done.returncode}\n"
                               f"{world.tail(done)}")
        return done

    def go_on(self):
        for _ in range(SETTLING_SYNCS):
            self.tidegate("sync")
        files = Cached().add_folders(self.mounted / "out")
        upstream = Cached().add_file(self.folder / "received/lines.ndjson")
        for where, arrived in (("files", files), ("upstream", upstream)):
            report = audit.audit(arrived, self.truth)
            if report.faults() or len(arrived.instances()) != 1:
                raise world.Broken(f"{where}, {sorted(arrived.instances())}: {report}")
        stats = self.here.receiver.stats()
        if stats["unequal"]:
            raise world.Broken("a batch was repeated with other bytes")
        self.counts["repeated"] += stats["repeats"]
