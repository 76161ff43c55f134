#!/usr/bin/env python3
"""SIGKILL at random moments of 50,000 rows on their way into files, which a consumer takes away."""

import sys

import kills

if __name__ == "__main__":
    sys.exit(kills.main("file", rotate_bytes=200000))
