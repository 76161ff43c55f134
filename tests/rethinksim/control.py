"""The control port: one JSON command a line, one JSON answer a line.

    {"do": "change", "table": "plant.readings", "count": 100, "start": 0}
    {"do": "insert", "table": T, "rows": [..]}          raw documents; an existing key is replaced
    {"do": "grow", "table": T, "count": n}              n more rows of the plant's own recipe
    {"do": "raw", "table": T, "key": K, "text"|"base64": ..}  any bytes as the row
    {"do": "oversize", "table": T, "key": K, "bytes": n}      a document of n bytes
    {"do": "delete", "table": T, "keys": [..]} or {"count": n, "start": s}
    {"do": "create", "table": T, "kind": .., "count": n, "primary_key": ..}
    {"do": "drop", "table": T}
    {"do": "index", "table": T, "name": .., "multi": .., "geo": .., "drop": .., "ready": ..}
    {"do": "dump", "table": T, "path": P}               NDJSON in key order
    {"do": "tables"}, {"do": "counters"}, {"do": "log", "on": true}, {"do": "queries"}
    {"do": "clock", "now": 1795262400.5}
    {"do": "fault", "kind": .., ...}                    see faults.py
    {"do": "clear"}                                     takes all faults away
    {"do": "table_fault", "table": T, "error_after": n, "code": e, "text": ..}
    {"do": "table_fault", "table": T, "drop_after": n}
    {"do": "table_fault", "table": T, "unready_seconds": s, "deny": ["read", "info"]}
    {"do": "user", "name": .., "password": .., "iterations": n, "read": ["db", "db.table", ""]}
    {"do": "hang_up"}, {"do": "stop_listening"}, {"do": "listen_again"}

An answer is {"ok": true, ...} or {"ok": false, "error": ".."}.
"""

import base64
import json
import socket
import threading
import time

from . import faults, plant, scram, spelling, values
from .errors import Reql
from .tables import Index

COMMANDS = {}
OVERSIZE_FILLER = "0123456789abcdef"


def command(handler):
    """Registers a handler under its own name."""
    COMMANDS[handler.__name__.rstrip("_")] = handler
    return handler


def run(server, message):
    """Runs one command and gives its answer; every failure is an answer too."""
    handler = COMMANDS.get(message.get("do"))
    if handler is None:
        return {"ok": False, "error": f"no command called {message.get('do')}"}
    try:
        with server.world.lock:
            return {"ok": True, **(handler(server, message) or {})}
    except (Reql, ValueError, KeyError, TypeError, OSError) as error:
        return {"ok": False, "error": f"{type(error).__name__}: {error}"}


def _table(server, message):
    database, name = message["table"].split(".", 1)
    return server.world.table(database, name)


def _floats(value):
    """A value from the command's JSON with every number a float."""
    return spelling.decode(json.dumps(value).encode())


def _key(value):
    return values.order_key(values.normalise(_floats(value)))


@command
def change(server, message):
    table = _table(server, message)
    return {"changed": plant.change(server.world, table, message["count"], message.get("start", 0))}


@command
def insert(server, message):
    table = _table(server, message)
    rows = [values.normalise(_floats(row)) for row in message["rows"]]
    table.load((table.key_of(row), spelling.encode(row)) for row in rows)


@command
def grow(server, message):
    table = _table(server, message)
    start = message.get("start", len(table.keys))
    table.load(plant.pairs_of(server.world.seed, table.kind, start, message["count"]))
    return {"rows": len(table.keys)}


@command
def raw(server, message):
    text = message.get("text", "").encode() or base64.b64decode(message["base64"])
    table = _table(server, message)
    for index in table.indexes.values():
        index.entries = None
    table.put(_key(message["key"]), text)


@command
def oversize(server, message):
    table = _table(server, message)
    key = values.normalise(_floats(message["key"]))
    row = {"filler": "", table.primary_key: key}
    short = message["bytes"] - len(spelling.encode(row))
    row["filler"] = (OVERSIZE_FILLER * (short // 16 + 1))[:max(0, short)]
    table.put(values.order_key(key), spelling.encode(row))


@command
def delete(server, message):
    table = _table(server, message)
    keys = [_key(key) for key in message.get("keys", [])]
    if "count" in message:
        start = message.get("start", 0)
        keys = table.keys[start:start + message["count"]]
    return {"deleted": sum(table.remove(key) for key in keys)}


@command
def create(server, message):
    database, name = message["table"].split(".", 1)
    if "kind" in message:
        made = plant.build(server.world, database, name, message.get("count", 0), message["kind"])
    else:
        made = server.world.create_table(database, name, message.get("primary_key", "id"))
    return {"id": made.identity}


@command
def drop(server, message):
    return {"dropped": server.world.drop_table(*message["table"].split(".", 1))}


@command
def index(server, message):
    table = _table(server, message)
    if message.get("drop"):
        del table.indexes[message["name"]]
        return
    made = Index(message["name"], multi=message.get("multi", False), geo=message.get("geo", False))
    made.ready = message.get("ready", True)
    table.indexes[message["name"]] = made


@command
def dump(server, message):
    table = _table(server, message)
    with open(message["path"], "wb") as target:
        for key in table.keys:
            target.write(table.rows[key].text + b"\n")
    return {"rows": len(table.keys)}


@command
def tables(server, message):
    found = {table.full_name: {"rows": len(table.keys), "id": table.identity}
             for holder in server.world.databases.values() for table in holder.values()
             if table.alive}
    return {"tables": found}


@command
def counters(server, message):
    return dict(server.counters)


@command
def log(server, message):
    server.query_log = [] if message.get("on", True) else None


@command
def queries(server, message):
    return {"queries": list(server.query_log or [])}


@command
def clock(server, message):
    server.clock.set(float(message["now"]))


@command
def fault(server, message):
    settings = {name: value for name, value in message.items() if name != "do"}
    server.faults.append(faults.Fault(**settings))


@command
def clear(server, message):
    server.faults.clear()
    for holder in server.world.databases.values():
        for table in holder.values():
            table.error_after = table.drop_after = None
            table.unready_until, table.denied = 0.0, set()


@command
def table_fault(server, message):
    table = _table(server, message)
    if "error_after" in message:
        table.error_after = (message["error_after"], message.get("code", 4100000),
                             message.get("text", "Read aborted by unshard operation."))
    table.drop_after = message.get("drop_after", table.drop_after)
    if "unready_seconds" in message:
        table.unready_until = time.monotonic() + message["unready_seconds"]
    table.denied = set(message.get("deny", table.denied))


@command
def user(server, message):
    made = scram.User(message["name"], message.get("password", ""), message.get("iterations", 4096))
    made.grants = {scope: {"read"} for scope in message.get("read", [])}
    server.world.users[made.name] = made


@command
def hang_up(server, message):
    server.hang_up()


@command
def stop_listening(server, message):
    server.stop_listening()


@command
def listen_again(server, message):
    server.listen_again()


def _converse(server, sock):
    with sock, sock.makefile("rwb") as lines:
        for line in lines:
            try:
                answer = run(server, json.loads(line))
            except ValueError as error:
                answer = {"ok": False, "error": f"not JSON: {error}"}
            lines.write(json.dumps(answer).encode() + b"\n")
            lines.flush()


def listen(server, port):
    """Opens the control port on loopback; returns its number."""
    listener = socket.create_server(("127.0.0.1", port))

    def accept():
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=_converse, args=(server, sock), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]
