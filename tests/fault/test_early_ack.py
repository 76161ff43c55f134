#!/usr/bin/env python3
"""The auditor is shown to fail: an acknowledgement that precedes the sync loses lines.

The files' syncs do nothing (nosync), so that the outbox forgets what no disk has; then the power
goes at its end. With the syncs in their place the same cuts lose nothing.
"""

import sys

import walk
import world

SEEDS = 12
POWER_CODE = 87     # plan.h


def cut(here, seed, nosync):
    """A sync that ends in a power cut, and another; the auditor's findings."""
    here.restore()
    here.clear()
    extra = f",nosync={here.out}/*" if nosync else ""
    if here.sync(f"do=power,seed={seed}{extra}").returncode != POWER_CODE:
        raise world.Broken("the power did not go")
    code = here.sync().returncode
    return here.report().faults(), code


def main():
    world.program("TIDEGATE_FAULT")
    found = 0
    with walk.make_world("file", rotate_bytes=6000) as here:
        for seed in range(1, SEEDS + 1):
            faults, code = cut(here, seed, nosync=True)
            found += faults > 0
            print(f"seed {seed}: {faults} faults without the syncs, exit status {code}")
            faults, code = cut(here, seed, nosync=False)
            if faults or code:
                print(f"FAILED: seed {seed}: {faults} faults, exit status {code}, syncs in place")
                return 1
    print(f"the auditor found it in {found} of {SEEDS} cuts")
    return 0 if found > SEEDS // 2 else 1


if __name__ == "__main__":
    sys.exit(main())
