#!/usr/bin/env python3
"""The power goes at random moments of a gateway's life: nothing is lost, nothing is doubled.

    test_powercut.py [--cuts N] [--seed S]              records once, then cuts N times
    test_powercut.py --recording DIR --cut AT:SEED ...  these cuts of a recording that was kept

One arm64 machine is recorded (recording.py); each cut is an image made of its write log
(writelog.py) and judged on its own (judge.py), by two processes. A failure names the cut, and keeps
its recording. Then the same is done to a program whose LMDB does not sync: there losses must show.
"""

import argparse
import collections
import multiprocessing
import os
import pathlib
import random
import shutil
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), *(str(HERE.parent / name) for name in (".", "package", "vm"))]

import debs  # noqa: E402
import host  # noqa: E402
import judge  # noqa: E402
import machine  # noqa: E402
import recording  # noqa: E402
import world  # noqa: E402
import writelog  # noqa: E402

CUTS = 200
CUTS_TELLING = 100          # so many cuts must have torn something
UNSYNCED_ROUNDS, UNSYNCED_CUTS = 4, 24
WORKERS = 2
FAILURES_SHOWN = 5
PROGRESS_SECONDS = 10
FAILED = pathlib.Path(os.environ.get("TIDEGATE_BUILD", debs.ROOT / "build"), "powercut-failed")


# --- judging ------------------------------------------------------------------------------------

def work(recorded, cuts, results):
    """One process: its share of the cuts, in rising order."""
    counts = collections.Counter()
    try:
        with host.scratch() as folder, judge.Judge(recorded, world.program(), folder) as one:
            for cut in cuts:
                try:
                    one.judge(cut)
                    results.put((cut, None))
                except Exception as error:  # whatever it was, the cut is named with it
                    results.put((cut, f"{type(error).__name__}: {error}"))
            counts = one.counts
    finally:
        results.put((None, counts))


def gather(total, results):
    """Waits for all verdicts; returns {cut: what was broken} and what was counted."""
    failed, counts, done, left, said = {}, collections.Counter(), 0, WORKERS, time.monotonic()
    while left:
        cut, found = results.get()
        if cut is None:
            left -= 1
            counts.update(found)
            continue
        done += 1
        if found:
            failed[cut] = found
        if time.monotonic() - said > PROGRESS_SECONDS:
            said = time.monotonic()
            print(f"{done} of {total} cuts, {len(failed)} failed", flush=True)
    print(f"{done} of {total} cuts, {len(failed)} failed; writes and more: "
          + ", ".join(f"{count} {name}" for name, count in sorted(counts.items())), flush=True)
    if done != total:
        raise world.Broken(f"{total - done} cuts were not judged")
    return failed, counts


def judge_all(recorded, cuts):
    """Two processes judge these cuts."""
    cuts = sorted(cuts, key=lambda cut: cut.at)
    results = multiprocessing.Queue()
    workers = [multiprocessing.Process(target=work, args=(recorded, cuts[at::WORKERS], results))
               for at in range(WORKERS)]
    for worker in workers:
        worker.start()
    found = gather(len(cuts), results)
    for worker in workers:
        worker.join()
    return found


def random_cuts(recorded, count, seed):
    with writelog.Log(recorded.folder / "disk.log") as log:
        moments = log.moments(recorded.start)
    chance = random.Random(seed)
    return [judge.Cut(writelog.a_moment(chance, moments), chance.randrange(10**9))
            for _ in range(count)]


# --- the two programs ---------------------------------------------------------------------------

def synced(recorded, cuts, seed):
    """Whether all is kept in every cut."""
    print(f"--seed {seed}: {len(recorded.batches)} batches upstream, "
          f"{len(recorded.promised)} syncs that delivered all", flush=True)
    failed, counts = judge_all(recorded, cuts)
    for cut, found in list(failed.items())[:FAILURES_SHOWN]:
        print(f"FAILED --cut {cut}: {found}")
    if failed:
        shutil.rmtree(FAILED, ignore_errors=True)
        shutil.copytree(recorded.folder, FAILED)
        print(f"again: ./do powercut --recording {FAILED} --cut {next(iter(failed))}")
    if len(cuts) >= CUTS_TELLING and not (counts["torn"] and counts["dropped"]):
        print("FAILED: no write was torn or dropped, so that nothing was shown")
        return False
    return not failed


def unsynced(folder, seed):
    """Whether the judge sees what a program loses that does not sync."""
    program = arm64("tidegate-unsynced")
    recorded = recording.record(folder / "unsynced", program, seed % 1000 + 1, UNSYNCED_ROUNDS)
    failed, _ = judge_all(recorded, random_cuts(recorded, UNSYNCED_CUTS, seed))
    losses = [found for found in failed.values() if found.startswith("Loss")]
    print(f"without syncs: {len(failed)} of {UNSYNCED_CUTS} cuts failed; in {len(losses)} records "
          "were lost", flush=True)
    print(losses[0] if losses else f"FAILED: no loss was seen but {list(failed.values())[:1]}")
    return bool(losses)


def arm64(name):
    """The path of a program of the shipped build, built when it is not."""
    return debs.compile_program("arm64", target=name) / name


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cuts", type=int, default=CUTS)
    parser.add_argument("--seed", type=int,
                        default=int(os.environ.get("TIDEGATE_SEED") or random.randrange(10**9)))
    parser.add_argument("--recording", metavar="DIR", help="one that was kept")
    parser.add_argument("--cut", action="append", metavar="AT:SEED", help="this one alone")
    return parser.parse_args()


def run(options, folder):
    host.need(folder)
    machine.need()
    host.be_nobody(folder)
    if options.recording:
        recorded = recording.Recording(options.recording)
    else:
        recorded = recording.record(folder / "recording", arm64("tidegate"),
                                    options.seed % 1000 + 1)
    cuts = random_cuts(recorded, options.cuts, options.seed)
    if options.cut:
        cuts = [judge.Cut(*map(int, text.split(":"))) for text in options.cut]
    kept = synced(recorded, cuts, options.seed)
    return kept and (bool(options.recording) or unsynced(folder, options.seed))


def main():
    options = arguments()
    host.own_mounts()
    world.program()
    with host.scratch() as folder:
        return 0 if run(options, folder) else 1


if __name__ == "__main__":
    sys.exit(main())
