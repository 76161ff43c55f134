#!/usr/bin/env python3
"""Every disk and network call of a sync into files fails, tears or is the last one. See walk.py."""

import sys

import walk

if __name__ == "__main__":
    sys.exit(walk.main("file", rotate_bytes=6000))
