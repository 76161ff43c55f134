#!/usr/bin/env python3
"""Runs a test program in a network namespace with a TAP and a name server: inside.py COMMAND..."""

import os
import subprocess
import sys

import names
import netns


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if not os.path.exists(sys.argv[1]):
        netns.skip(f"{sys.argv[1]} was not built; lwip.build says why")
    netns.enter()
    names.serve(netns.KERNEL)
    sys.exit(subprocess.run(sys.argv[1:], check=False).returncode)


if __name__ == "__main__":
    main()
