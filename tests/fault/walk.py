"""Walks a fault through a whole small sync, call by call, and audits what arrives after each.

A job is PASS:N:MODE:SEED, for example 2:37:power:5: in the second pass the power goes before the
37th counted call. Then tidegate runs again without faults until all is delivered, and the auditor
counts: 0 lost, 0 doubled, nothing out of order, one instance. `test_walk_file.py 2:37:power:5`
repeats one.

`./do test` takes a sample, TIDEGATE_SOAK=1 all calls. Two processes share the jobs; each has its
own simulator, store and target.
"""

import multiprocessing
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import world  # noqa: E402

TABLES = {"devices": 20, "alarms": 20, "sites": 15, "readings": 20}
LARGE_BYTES = 70000     # more than the 64 KiB that a record may take in one piece
BATCH_BYTES = 1024      # so small that tables are read from both ends
WORKERS = 2
FAILURES_MAX = 5
PROGRESS_SECONDS = 10
WRITES = "pwrite+write+writev+send"
FULL_RUN_WORDS = ("--wait", "1")

# mode: (the calls that are counted, what happens, its share of a sample)
MODES = {
    "exit": ("", "at={n},do=exit", 4),
    "fail": ("", "at={n},do=fail,seed={seed}", 4),
    "tear": (WRITES, "at={n},do=tear,seed={seed}", 2),
    "tearexit": (WRITES, "at={n},do=tearexit", 2),
    "power": ("", "at={n},do=power,seed={seed}", 6),
    "tearpower": (WRITES, "at={n},do=tearpower,seed={seed}", 2),
    "interrupt": ("send+recv+poll", "at={n},do=fail,errno=EINTR", 1),
    "badsync": ("fdatasync+fsync", "at={n},do=fail,errno=EIO,cut={next},seed={seed}", 2),
    "full": ("disk", "at={n},for=1000000,do=fail,errno=ENOSPC", 1),
}


def make_world(kind, **sink):
    here = world.World(kind, TABLES, **sink)
    here.source = {"table": {"readings": {"mode": "auto"}}, "overlap_seconds": 31622400,
                   "batch_bytes": BATCH_BYTES}
    here.configure()
    here.do("oversize", table="plant.devices", key="large", bytes=LARGE_BYTES)
    here.save()
    return here


def change(here):
    """What happens in the plant between the two passes."""
    here.do("change", table="plant.devices", count=4, start=3)
    here.do("change", table="plant.readings", count=6, start=2)  # read in the order of their times
    here.do("oversize", table="plant.devices", key="large", bytes=LARGE_BYTES + 1)
    here.do("delete", table="plant.alarms", count=3, start=5)
    here.do("delete", table="plant.sites", count=1, start=0)
    here.do("grow", table="plant.sites", count=2, start=100)
    here.do("grow", table="plant.alarms", count=2, start=100)


def one_pass(here, fault, words):
    """A sync, cut short by a fault or not, a consumer, and as many more as it takes."""
    if fault:
        here.sync(fault, words)
        here.take()
    here.settle()
    here.check()
    here.take()


def run_job(here, job):
    number, n, mode, seed = job
    calls, fault, _ = MODES[mode]
    fault = fault.format(n=n, next=n + 1, seed=seed) + (f",calls={calls}" if calls else "")
    words = FULL_RUN_WORDS if mode == "full" else ()
    here.restore()
    here.clear()
    one_pass(here, fault if number == 1 else None, words)
    change(here)
    one_pass(here, fault if number == 2 else None, words)


def count_calls(here, calls):
    """How many counted calls each of the two passes makes."""
    path = here.root / "count"
    fault = f"count={path}" + (f",calls={calls}" if calls else "")
    here.restore()
    here.clear()
    found = []
    for number in (1, 2):
        here.sync(fault)
        found.append(int(path.read_text()))
        if number == 1:
            change(here)
    descents = sum(table.descents for table in here.tables.values())
    if os.environ.get("TIDEGATE_BOARD", "host") == "host" and not descents:
        raise SystemExit("no table was read from its end")
    return found


def sample(kind, **sink):
    """The jobs: all of them, or as many of each mode as its share of the sample."""
    jobs, soak = [], os.environ.get("TIDEGATE_SOAK")
    unit = 2 if is_second_build() else 8
    with make_world(kind, **sink) as here:
        for at, (mode, (calls, _, share)) in enumerate(MODES.items()):
            for number, count in enumerate(count_calls(here, calls), 1):
                step = 1 if soak and mode != "full" else max(1, count // (unit * share))
                jobs += [(number, n, mode, n) for n in range(1 + at % step, count + 1, step)]
    return jobs


def is_second_build():
    """tiny, asan and clang walk a smaller sample: they look for other faults."""
    return (os.environ.get("TIDEGATE_BOARD", "host") != "host"
            or os.environ.get("TIDEGATE_SANITIZE") == "1"
            or "clang" in os.environ.get("TIDEGATE_BUILD", ""))


def work(kind, sink, jobs, results):
    with make_world(kind, **sink) as here:
        for job in jobs:
            try:
                run_job(here, job)
                results.put((job, None))
            except Exception as error:  # whatever it was, the job is named with it
                results.put((job, f"{type(error).__name__}: {error}"))
    results.put((None, None))


def gather(jobs, results, workers):
    """Prints progress and failures; returns how many failed."""
    done, failed, left, said = 0, 0, workers, time.monotonic()
    while left and failed < FAILURES_MAX:
        job, error = results.get()
        left -= job is None
        done += job is not None
        if error:
            failed += 1
            print("FAILED", ":".join(map(str, job)), error, flush=True)
        if time.monotonic() - said > PROGRESS_SECONDS:
            said = time.monotonic()
            print(f"{done} of {len(jobs)} jobs, {failed} failed", flush=True)
    print(f"{done} of {len(jobs)} jobs, {failed} failed", flush=True)
    return failed


def main(kind, **sink):
    world.program("TIDEGATE_FAULT")
    if len(sys.argv) > 1:
        jobs = [(int(a), int(b), mode, int(c)) for a, b, mode, c in
                (text.split(":") for text in sys.argv[1:])]
    else:
        jobs = sample(kind, **sink)
    results = multiprocessing.Queue()
    workers = [multiprocessing.Process(target=work, args=(kind, sink, jobs[at::WORKERS], results))
               for at in range(min(WORKERS, len(jobs)))]
    for worker in workers:
        worker.start()
    failed = gather(jobs, results, len(workers))
    for worker in workers:
        if failed:
            worker.terminate()
        worker.join()
    return 1 if failed or not jobs else 0
