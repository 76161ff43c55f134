"""The official Python client, streaming a collection into a file: URL DATABASE COLLECTION FILE."""

import json
import sys
import time

from ravendb import DocumentStore


def main():
    url, database, collection, path = sys.argv[1:]
    began = time.monotonic()
    store = DocumentStore([url], database)
    store.initialize()
    rows = 0
    with store.open_session() as session, open(path, "w", encoding="utf-8") as out:
        query = session.query_collection(collection, dict)
        for result in session.advanced.stream(query):
            out.write(json.dumps(result.document, default=vars) + "\n")
            rows += 1
    store.close()
    print(json.dumps({"seconds": time.monotonic() - began, "rows": rows}))


main()
