#!/usr/bin/env python3
"""Builds the tree over lwIP into BUILD-lwip, for the tests of host: tools/lwip.py BUILD

The same as `cmake -DTG_NET=lwip` by hand, beside BUILD, whose objects it shares by ccache. Without
network, apt or dpkg-source and with nothing kept from before there is no source of lwIP, and this
is a skip.
"""

import os
import subprocess
import sys

import debian
import sysroot

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        sysroot.cached(("lwip",))
    except debian.Unavailable as why:
        print(f"SKIP: no source of lwIP: {why}")
        sys.exit(77)
    build = os.path.abspath(sys.argv[1]) + "-lwip"
    board = os.environ.get("TIDEGATE_BOARD", "host")
    subprocess.run(["cmake", "-S", ROOT, "-B", build, "-G", "Ninja", f"-DTG_BOARD={board}",
                    "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_C_COMPILER=gcc", "-DTG_NET=lwip"],
                   check=True, stdout=subprocess.DEVNULL)
    sys.exit(subprocess.run(["cmake", "--build", build], check=False).returncode)


if __name__ == "__main__":
    main()
