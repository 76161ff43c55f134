"""Kills tidegate at random moments while the plant changes, and audits what arrived in the end.

TIDEGATE_KILLS says how many kills (40; TIDEGATE_SOAK=1: 400), TIDEGATE_SEED repeats a run's moments
as far as the machine's own timing allows.
"""

import os
import pathlib
import random
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import world  # noqa: E402

ROWS = {"readings": 45000, "alarms": 4000, "devices": 1000}
KILLS = 40
KILLS_SOAK = 400
LIFE_SECONDS = 0.35     # mean; a whole pass takes a few seconds
CHANGES_MAX = 60
TAKE_SECONDS = 0.15


def kill_count():
    default = KILLS_SOAK if os.environ.get("TIDEGATE_SOAK") else KILLS
    return int(os.environ.get("TIDEGATE_KILLS", default))


def change(here, chance, serial):
    """Some rows are changed, some go, some come."""
    name = chance.choice(list(ROWS))
    table = f"plant.{name}"
    size = len(here.tables[name].keys)
    start = chance.randrange(size)
    what = chance.choice(("change", "change", "delete", "grow"))
    count = chance.randrange(1, CHANGES_MAX)
    if what == "grow":
        here.do("grow", table=table, count=count, start=10**6 + serial * CHANGES_MAX)
    else:
        here.do(what, table=table, count=count, start=start)


def kill_one(here, chance, number):
    """One run that is killed, unless it was faster; true when the kill hit."""
    process = here.start()
    life = min(chance.expovariate(1 / LIFE_SECONDS), 5 * LIFE_SECONDS)
    end = time.monotonic() + life
    while time.monotonic() < end and process.poll() is None:
        change(here, chance, number * 1000 + chance.randrange(1000))
        time.sleep(min(0.05, max(0.0, end - time.monotonic())))
    hit = process.poll() is None
    process.kill()
    code = process.wait()
    if code not in (-9, 0):
        raise world.Broken(f"run {number} ended with {code} before it was killed")
    return hit


def consume(here, stop):
    """Takes rotated files away all the time, as a consumer does."""
    while not stop.wait(TAKE_SECONDS):
        here.take()


def run(here, seed):
    chance = random.Random(seed)
    stop = threading.Event()
    consumer = threading.Thread(target=consume, args=(here, stop))
    consumer.start()
    hits = runs = 0
    try:
        while hits < kill_count():
            runs += 1
            hits += kill_one(here, chance, runs)
    finally:
        stop.set()
        consumer.join()
    # A pass that goes on where the killed one stopped has not seen what changed before that key.
    here.settle()
    here.settle()
    print(f"{hits} kills in {runs} runs: {here.check()}")


def main(kind, **sink):
    world.program()
    seed = int(os.environ.get("TIDEGATE_SEED") or random.SystemRandom().randrange(10**9))
    print(f"TIDEGATE_SEED={seed}", flush=True)
    with world.World(kind, ROWS, seed=seed % 1000 + 1, **sink) as here:
        try:
            run(here, seed)
        except world.Broken as error:
            print(f"FAILED with TIDEGATE_SEED={seed}: {error}")
            return 1
    return 0
