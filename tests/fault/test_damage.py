#!/usr/bin/env python3
"""A store damaged at rest: the next sync says so, saves what it can, and delivers every row.

For each of some seeds: everything is delivered once, the plant changes while the sink is away, so
that the store holds unsent records, and then the file is flipped, zeroed or cut. What may follow is
at least once (a new instance, repeats, gaps where records were lost and their rows read anew); what
may not is a lost row.
"""

import os
import random
import sys

import walk
import world

SEEDS = 2
SEEDS_SOAK = 60
SECTOR_BYTES = 512
PAGE_BYTES = 4096
# A delete that was lost with the whole store stays lost.
ALLOWED = ("gaps", "repeated", "undeleted")


def flip(chance, data):
    at = chance.randrange(len(data))
    data[at] ^= 1 << chance.randrange(8)
    return f"bit flipped at {at}"


def zero_sector(chance, data):
    at = chance.randrange(len(data) // SECTOR_BYTES) * SECTOR_BYTES
    data[at:at + SECTOR_BYTES] = bytes(SECTOR_BYTES)
    return f"sector zeroed at {at}"


def zero_page(chance, data):
    at = chance.randrange(len(data) // PAGE_BYTES) * PAGE_BYTES
    data[at:at + PAGE_BYTES] = bytes(PAGE_BYTES)
    return f"page zeroed at {at}"


def noise_page(chance, data):
    at = chance.randrange(len(data) // PAGE_BYTES) * PAGE_BYTES
    data[at:at + PAGE_BYTES] = chance.randbytes(PAGE_BYTES)
    return f"page of noise at {at}"


def truncate(chance, data):
    del data[chance.randrange(len(data)):]
    return f"cut to {len(data)} bytes"


def lose_metas(chance, data):
    data[:2 * PAGE_BYTES] = bytes(2 * PAGE_BYTES)
    return "both metas zeroed"


DAMAGES = (flip, zero_sector, zero_page, noise_page, truncate, lose_metas)


def run(here, seed, damage):
    chance = random.Random(seed)
    here.restore()
    here.clear()
    here.settle()
    walk.change(here)
    here.receiver.set(status=503)
    code = here.sync(words=("--wait", "1")).returncode
    if code != 4:
        raise world.Broken(f"exit status {code} with the sink away")
    path = here.store_path / "data.mdb"
    data = bytearray(path.read_bytes())
    what = damage(chance, data)
    path.write_bytes(data)
    here.receiver.set()
    runs = [here.sync()]
    while runs[-1].returncode != 0 and len(runs) < 4:
        runs.append(here.sync())
    codes, said = [run.returncode for run in runs], runs[0]
    if codes[-1] != 0:
        raise world.Broken(f"{what}: exit status {codes}\n{world.tail(said)}")
    runs.append(here.sync())  # the full pass that a late find has scheduled
    moved = len(list(here.store_path.glob("*damaged*")))
    # Not every start looks at every page: a later one may be the one that finds it.
    if moved and not any(b"damaged" in run.stderr for run in runs):
        raise world.Broken(f"{what}: moved aside without a word\n{world.tail(said)}")
    report = here.report()
    # The records themselves are whole when only the metas are gone: the deletes among them too.
    if report.faults(ALLOWED[:2] if damage is lose_metas else ALLOWED):
        raise world.Broken(f"{what}, exit status {codes}\n{report}\n{world.tail(said)}")
    print(f"seed {seed}: {what}, {'moved aside' if moved else 'went on'}: {report}")
    return moved


def break_index(data):
    """Flips a bit of every leaf of an index, live or freed: a run of one page, whose value begins
    with a checksum, kind 1, version 1. Returns how many there were."""
    found = 0
    for at in range(2 * PAGE_BYTES, len(data) - PAGE_BYTES + 1, PAGE_BYTES):
        overflow = data[at + 10] == 4 and data[at + 12:at + 16] == b"\1\0\0\0"
        if overflow and data[at + 20:at + 22] == b"\1\1":
            data[at + 60] ^= 1
            found += 1
    return found


def forget_keys(here):
    """A clean start looks at no index page: the pass meets the damage, and the sync is partial."""
    here.restore()
    here.clear()
    here.settle()
    path = here.store_path / "data.mdb"
    data = bytearray(path.read_bytes())
    found = break_index(data)
    path.write_bytes(data)
    said = here.sync()
    if found == 0 or said.returncode != 3 or b"outbox.index_mended" not in said.stderr:
        raise world.Broken(f"{found} leaves, exit status {said.returncode}\n{world.tail(said)}")
    here.settle(runs_max=1)
    report = here.report()
    if report.faults(("repeated",)):
        raise world.Broken(f"{found} leaves\n{report}")
    print(f"{found} leaves of indexes: {report}")


def main():
    world.program()
    moved = 0
    seeds = SEEDS_SOAK if os.environ.get("TIDEGATE_SOAK") else SEEDS
    with walk.make_world("https", batch_records=7) as here:
        try:
            forget_keys(here)
        except world.Broken as error:
            print(f"FAILED: forgotten keys: {error}")
            return 1
        for seed in range(1, seeds + 1):
            for damage in DAMAGES:
                try:
                    moved += run(here, seed, damage)
                except world.Broken as error:
                    print(f"FAILED: seed {seed}, {damage.__name__}: {error}")
                    return 1
    print(f"{moved} stores were moved aside")
    return 0 if moved else 1


if __name__ == "__main__":
    sys.exit(main())
