"""Terms about databases, tables and indexes: lists, info, status, creation."""

import time

from . import values
from .errors import Reql, denied, OP_FAILED
from .query import Database, term
from .streams import Scan
from .tables import Index


@term(59)
def db_list(call):
    return sorted(call.world.databases)


def _database_name(call):
    if len(call):
        return call.arg(0).name
    return "test"


@term(62)
def table_list(call):
    return call.world.table_names(_database_name(call))


@term(57)
def db_create(call):
    name = call.typed(0, "STRING")
    if name in call.world.databases:
        raise Reql(OP_FAILED, f"Database `{name}` already exists.")
    call.world.create_database(name)
    return {"config_changes": [], "dbs_created": 1.0}


@term(58)
def db_drop(call):
    name = call.typed(0, "STRING")
    if name not in call.world.databases:
        raise Reql(OP_FAILED, f"Database `{name}` does not exist.")
    tables = list(call.world.databases[name])
    for table in tables:
        call.world.drop_table(name, table)
    del call.world.databases[name]
    return {"config_changes": [], "dbs_dropped": 1.0, "tables_dropped": float(len(tables))}


def _database_and_name(call):
    call.need(1, 2)
    holder = call.arg(0).name if len(call) == 2 else "test"
    if not call.user.may("config", holder, ""):
        raise denied(call.user.name, "config")
    return holder, call.typed(len(call) - 1, "STRING")


@term(60)
def table_create(call):
    holder, name = _database_and_name(call)
    if name in call.world.databases[holder]:
        raise Reql(OP_FAILED, f"Table `{holder}.{name}` already exists.")
    made = call.world.create_table(holder, name, call.opt("primary_key", "id"))
    change = {"new_val": config_of(call.world, made), "old_val": None}
    return {"config_changes": [change], "tables_created": 1.0}


@term(61)
def table_drop(call):
    holder, name = _database_and_name(call)
    old = config_of(call.world, call.world.table(holder, name))
    call.world.drop_table(holder, name)
    return {"config_changes": [{"new_val": None, "old_val": old}], "tables_dropped": 1.0}


@term(79)
def info(call):
    found = call.arg(0)
    if isinstance(found, Database):
        return {"id": call.world.database_ids[found.name], "name": found.name, "type": "DB"}
    if not isinstance(found, Scan):
        return {"type": values.type_name(call.datum(0))}
    table = found.table
    if "info" in table.denied:
        raise denied(call.user.name, "read")
    call.evaluator.need_read(table)
    holder = table.database
    estimate = len(table.rows) if table.estimate is None else table.estimate
    return {
        "db": {"id": call.world.database_ids[holder], "name": holder, "type": "DB"},
        "doc_count_estimates": [float(estimate)], "id": table.identity,
        "indexes": sorted(table.indexes), "name": table.name, "primary_key": table.primary_key,
        "type": "TABLE"}


def config_of(world, table):
    """The CONFIG object of a table."""
    return {
        "db": table.database, "durability": "hard", "id": table.identity,
        "indexes": sorted(table.indexes), "name": table.name, "primary_key": table.primary_key,
        "shards": [{"nonvoting_replicas": [], "primary_replica": world.name,
                    "replicas": [world.name]}],
        "write_acks": "majority", "write_hook": None}


@term(174)
def config(call):
    table = call.table(0)
    if not call.user.may("config", table.database, table.name):
        raise denied(call.user.name, "config")
    return config_of(call.world, table)


@term(175)
def status(call):
    table = call.table(0)
    ready = time.monotonic() >= table.unready_until
    name = call.world.name
    return {
        "db": table.database, "id": table.identity, "name": table.name,
        "raft_leader": name if ready else None,
        "shards": [{"primary_replicas": [name] if ready else [], "replicas": [
            {"server": name, "state": "ready" if ready else "waiting_for_primary"}]}],
        "status": {"all_replicas_ready": ready, "ready_for_outdated_reads": ready,
                   "ready_for_reads": ready, "ready_for_writes": ready}}


@term(177)
def wait(call):
    """WAIT: sleeps outside the world's lock until the tables are ready or the timeout passes."""
    found = call.arg(0)
    tables = ([found.table] if isinstance(found, Scan)
              else list(call.world.databases[found.name].values()))
    end = time.monotonic() + call.opt("timeout", float("inf"))
    while any(time.monotonic() < table.unready_until for table in tables):
        if time.monotonic() >= end:
            raise Reql(OP_FAILED, "Timed out while waiting for tables.")
        call.world.pause(0.01)
    return {"ready": float(len(tables))}


@term(77)
def index_list(call):
    return sorted(call.table(0).indexes)


def _wanted_indexes(call):
    table = call.table(0)
    table.check_ready()
    wanted = [call.typed(at, "STRING") for at in range(1, len(call))] or sorted(table.indexes)
    for name in wanted:
        if name not in table.indexes:
            raise Reql(OP_FAILED, f"Index `{name}` was not found on table `{table.full_name}`.")
    return [table.indexes[name] for name in wanted]


@term(139)
def index_status(call):
    return [index.status() for index in _wanted_indexes(call)]


@term(140)
def index_wait(call):
    return index_status(call)


@term(75)
def index_create(call):
    table = call.table(0)
    if not call.user.may("config", table.database, table.name):
        raise denied(call.user.name, "config")
    name = call.typed(1, "STRING")
    if name in table.indexes:
        raise Reql(OP_FAILED, f"Index `{name}` already exists on table `{table.full_name}`.")
    multi, geo = call.opt("multi") is True, call.opt("geo") is True
    if len(call) < 3:
        table.indexes[name] = Index(name, multi=multi, geo=geo)
    else:
        function = call.function(2)
        made = Index(name, term=_as_term(call.nodes[2]), multi=multi, geo=geo)
        made.keys_of = lambda row: _keys_by(made, function, row)
        table.indexes[name] = made
    return {"created": 1.0}


def _as_term(node):
    """An index function as a FUNC term, also when it was written around r.row."""
    if type(node) is list and node[0] == 69:
        return node
    return [69.0, [[2.0, [1.0]], node]]


def _keys_by(index, function, row):
    try:
        return index.listed(function(row))
    except Reql:
        return []


@term(76)
def index_drop(call):
    table = call.table(0)
    name = call.typed(1, "STRING")
    table.index(name)
    del table.indexes[name]
    return {"dropped": 1.0}


@term(138)
def sync(call):
    table = call.table(0)
    call.evaluator.need("write", table)
    return {"synced": 1.0}


@term(188)
def grant(call):
    """GRANT on a table, a database or everything; only the admin of a test does this."""
    if call.user.name != "admin":
        raise denied(call.user.name, "config")
    found = call.arg(0) if len(call) > 2 else None
    scope = ""
    if isinstance(found, Database):
        scope = found.name
    elif isinstance(found, Scan):
        scope = found.table.full_name
    name, given = call.datum(len(call) - 2), call.datum(len(call) - 1)
    account = call.world.users.get(name)
    if account is None:
        raise Reql(OP_FAILED, f"User `{name}` not found.")
    old = account.grants.get(scope, set())
    granted = (old | {key for key, on in given.items() if on}) - {
        key for key, on in given.items() if not on}
    account.grants[scope] = granted
    return {"granted": 1.0, "permissions_changes": []}
