#!/usr/bin/env python3
"""A full disk and a full store: reading waits, and all is delivered once there is room.

The disk is a small tmpfs, so that it really is full, at any page, for everything that writes to it.
"""

import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import world  # noqa: E402

TABLES = {"readings": 12000, "alarms": 1000}
DISK_BYTES = 24 << 20
ROOM_BYTES = 1 << 20         # what the ballast leaves
STORE_BYTES_MIN = 4 << 20    # the smallest that the configuration takes
ROUNDS = 4
ROUNDS_SOAK = 50
SECONDS_MAX = 20
FULL = b"outbox.paused error=nospc"


@contextlib.contextmanager
def small_disk(size):
    """A tmpfs; the test is skipped where we may not mount one."""
    folder = tempfile.mkdtemp(prefix="tidegate-disk-")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        os.rmdir(folder)
        print(f"SKIP: no tmpfs can be mounted here: {done.stderr.strip()}")
        sys.exit(77)
    try:
        yield pathlib.Path(folder)
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
        os.rmdir(folder)


def wait_for(condition, what):
    end = time.monotonic() + SECONDS_MAX
    while not condition():
        if time.monotonic() > end:
            raise world.Broken(what())
        time.sleep(0.01)


def full_disk():
    """The disk fills while tidegate reads; it waits, and goes on when there is room again."""
    with small_disk(DISK_BYTES) as disk, world.World("file", TABLES, folder=disk / "w") as here:
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(DISK_BYTES - ROOM_BYTES - used(disk)))
        log = pathlib.Path(tempfile.mkstemp(prefix="tidegate-log-")[1])
        with log.open("wb") as to:
            run = subprocess.Popen([world.program(), *here.command()], stderr=to, stdout=to)
        try:
            wait_for(lambda: FULL in log.read_bytes() or run.poll() is not None,
                     lambda: f"a full disk did not come\n{log.read_text()}")
            if run.poll() is not None:
                raise world.Broken(f"ended with {run.returncode}\n{log.read_text()}")
            ballast.unlink()
            code = run.wait(SECONDS_MAX)
            if code != 0:
                raise world.Broken(f"ended with {code} after there was room\n{log.read_text()}")
        finally:
            run.kill()
            run.wait()
            log.unlink()
        print("full disk, then room:", here.check())


def stays_full():
    """The disk stays full: the run ends with a code for it, and the next one loses nothing."""
    with small_disk(DISK_BYTES) as disk, world.World("file", TABLES, folder=disk / "w") as here:
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(DISK_BYTES - ROOM_BYTES - used(disk)))
        done = here.sync(words=("--wait", "2"))
        if done.returncode not in (4, 6):
            raise world.Broken(f"ended with {done.returncode}\n{world.tail(done)}")
        ballast.unlink()
        here.settle()
        print(f"full disk, exit status {done.returncode}, then room:", here.check())


def used(disk):
    found = os.statvfs(disk)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


def full_store():
    """The store at its cap with the sink away, drained, again and again, in a fragmented map."""
    rounds = ROUNDS_SOAK if os.environ.get("TIDEGATE_SOAK") else ROUNDS
    with world.World("https", TABLES, batch_records=500) as here:
        here.store["bytes_max"] = STORE_BYTES_MIN
        here.configure()
        for at in range(rounds):
            here.receiver.set(status=503)
            done = here.sync(words=("--wait", "1"))
            if done.returncode != 4:
                raise world.Broken(f"round {at}: {done.returncode}\n{world.tail(done)}")
            size = (here.store_path / "data.mdb").stat().st_size
            if size > STORE_BYTES_MIN * 1.1:
                raise world.Broken(f"round {at}: the store has {size} bytes")
            here.receiver.set()
            here.settle(runs_max=2)
            here.settle(runs_max=1)
            here.check()
            here.do("change", table="plant.readings", count=9000, start=at * 300)
            here.do("delete", table="plant.readings", count=50, start=at * 100)
            here.do("change", table="plant.alarms", count=500, start=0)
        here.settle()
        print(f"full store, {rounds} rounds:", here.check())


def main():
    world.program()
    for part in (full_store, full_disk, stays_full):
        try:
            part()
        except world.Broken as error:
            print(f"FAILED: {part.__name__}: {error}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
