#!/usr/bin/env python3
"""The official Python driver, as its own documentation uses it: rows into a file, a line each.

    peer.py HOST PORT DATABASE TABLE FILE

Nothing is synced and nothing is kept between runs. Prints what tools/bench/reader.c prints.
"""

import json
import resource
import sys
import time

from rethinkdb import RethinkDB


def main():
    host, port, database, table, path = sys.argv[1:]
    r = RethinkDB()
    began, rows = time.monotonic(), 0
    with r.connect(host, int(port)) as server, open(path, "w", encoding="utf-8") as out:
        query = r.db(database).table(table).order_by(index="id")
        for row in query.run(server, time_format="raw", binary_format="raw"):
            out.write(json.dumps(row) + "\n")
            rows += 1
    use = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"seconds": time.monotonic() - began, "cpu": use.ru_utime + use.ru_stime,
                      "rows": rows}))


main()
