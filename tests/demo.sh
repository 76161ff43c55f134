#!/usr/bin/env bash
# demo.sh - a plant's database into files: read, changed, killed on the way, and nothing is missing.
#
# With RETHINKDB=HOST:PORT that server is read instead of the simulator, nothing in it is changed;
# RETHINKDB_DATABASE (test), RETHINKDB_USER and RETHINKDB_PASSWORD say what and as whom.
#
# demo.sh ravendb: the same with a real RavenDB 6.2 as the source, then one as the target.
set -euo pipefail
cd "$(dirname "$0")/.."
program=${TIDEGATE:-build/host/tidegate}
case ${1:-} in
"") exec python3 tests/demo.py "$program" build/demo ;;
ravendb) exec python3 tests/demo_ravendb.py "$program" build/demo-ravendb ;;
*) echo "demo.sh: $1 is no demonstration: ravendb, or nothing" >&2 && exit 2 ;;
esac
