#!/usr/bin/env python3
"""Every disk and network call of a sync to an HTTP endpoint fails, tears or is the last one."""

import sys

import walk

if __name__ == "__main__":
    sys.exit(walk.main("https", batch_records=7))
