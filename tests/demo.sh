#!/usr/bin/env bash
# demo.sh - a plant's database into files: read, changed, killed on the way, and nothing is missing.
#
# With RETHINKDB=HOST:PORT that server is read instead of the simulator, nothing in it is changed;
# RETHINKDB_DATABASE (test), RETHINKDB_USER and RETHINKDB_PASSWORD say what and as whom.
set -euo pipefail
cd "$(dirname "$0")/.."
exec python3 tests/demo.py "${TIDEGATE:-build/host/tidegate}" build/demo
