#!/usr/bin/env python3
"""SIGKILL at random moments of 50,000 rows on their way to an HTTP endpoint."""

import sys

import kills

if __name__ == "__main__":
    sys.exit(kills.main("https", batch_records=500))
