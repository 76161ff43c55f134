"""Terms that change rows. Row-level failures are counted in the answer, as the server does."""

from . import spelling, values
from .errors import Reql, LOGIC
from .query import Function, Single, term, to_datum
from .streams import Scan, Stream

COUNTS = ("deleted", "errors", "inserted", "replaced", "skipped", "unchanged")


class Tally:
    """The counts object of a write."""

    def __init__(self):
        self.counts = dict.fromkeys(COUNTS, 0.0)
        self.made_keys, self.changes = [], []

    def note(self, outcome):
        self.counts[outcome] += 1

    def fail(self, text):
        self.counts["errors"] += 1
        self.counts.setdefault("first_error", text)

    def answer(self, with_changes):
        if self.made_keys:
            self.counts["generated_keys"] = self.made_keys
        if with_changes:
            self.counts["changes"] = self.changes
        return self.counts


def _target(call):
    """The table of a write, its stream or single row, and the permission checked."""
    found = call.arg(0)
    table = getattr(found, "table", None)
    if table is None:
        raise Reql(LOGIC, "Expected type SELECTION but found DATUM.").at(call.path + (0,))
    call.evaluator.need("read", table)
    call.evaluator.need("write", table)
    return table, found


@term(56)
def insert(call):
    found = call.arg(0)
    if not isinstance(found, Scan):
        raise Reql(LOGIC, "Expected type TABLE but found DATUM.").at(call.path + (0,))
    call.evaluator.need("write", found.table)
    given = call.arg(1)
    rows = given.values() if isinstance(given, Stream) else to_datum(given)
    rows = [rows] if type(rows) is dict else rows
    conflict = _conflict(call)
    tally = Tally()
    for row in rows:
        _insert_one(call.world, found.table, row, conflict, tally)
    return tally.answer(call.opt("return_changes") is True)


def _conflict(call):
    node = call.opts.get("conflict", "error")
    if type(node) is list:
        return call.evaluator.eval(node, call.scope, call.path + ("conflict",))
    return node


def _insert_one(world, table, row, conflict, tally):
    """Stores one document; a key that is taken is an error unless `conflict` says otherwise."""
    try:
        row = values.normalise(row)
        if table.primary_key not in row:
            row[table.primary_key] = world.new_uuid()
            tally.made_keys.append(row[table.primary_key])
        key = table.key_of(row)
    except Reql as error:
        tally.fail(error.text)
        return
    old = table.rows.get(key)
    if old is None:
        table.put(key, spelling.encode(row))
        tally.changes.append({"new_val": row, "old_val": None})
        tally.note("inserted")
        return
    if conflict == "error":
        both = f"{spelling.pretty(old.value)}\n{spelling.pretty(row)}"
        tally.fail(f"Duplicate primary key `{table.primary_key}`:\n{both}")
        return
    if conflict == "update":
        row = {**old.value, **row}
    elif isinstance(conflict, Function):
        row = conflict(row[table.primary_key], old.value, row)
    _store(table, key, old, row, tally)


def _store(table, key, old, row, tally):
    """Writes a changed row, or counts it as unchanged."""
    text = spelling.encode(row)
    if text == old.text:
        tally.note("unchanged")
        return
    tally.changes.append({"new_val": row, "old_val": old.value})
    table.put(key, text)
    tally.note("replaced")


def _selected(table, found):
    """The (order key, row) pairs of a selection, collected before anything changes."""
    if isinstance(found, Single):
        return [(found.key, found.row)]
    return [(values.order_key(item.value[table.primary_key]), item) for item in list(found.items())]


def _change_each(call, change):
    """Applies `change(old value)` to each selected row; None deletes it."""
    table, found = _target(call)
    tally = Tally()
    for key, row in _selected(table, found):
        try:
            _change_one(table, key, row, change, tally)
        except Reql as error:
            tally.fail(error.text)
    return tally.answer(call.opt("return_changes") is True)


def _change_one(table, key, row, change, tally):
    if row is None:
        made = change(None)
        if made is None:
            tally.note("skipped")
        else:
            table.put(table.key_of(made), spelling.encode(values.normalise(made)))
            tally.note("inserted")
        return
    made = change(row.value)
    if made is None:
        tally.changes.append({"new_val": None, "old_val": row.value})
        table.remove(key)
        tally.note("deleted")
        return
    made = values.normalise(made)
    if table.key_of(made) != key:
        raise Reql(LOGIC, f"Primary key `{table.primary_key}` cannot be changed "
                          f"(`{spelling.pretty(row.value)}` -> `{spelling.pretty(made)}`).")
    _store(table, key, row, made, tally)


@term(53)
def update(call):
    function = call.function(1)

    def change(old):
        from .reads import merged
        return None if old is None else merged(old, function(old))
    return _change_each(call, change)


@term(55)
def replace(call):
    return _change_each(call, call.function(1))


@term(54)
def delete(call):
    return _change_each(call, lambda old: None)


@term(68)
def for_each(call):
    """FOR_EACH: runs a write for each element and adds up the counts."""
    function = call.function(1)
    total = Tally().counts
    for value in call.stream(0).values():
        for name, count in function(value).items():
            total[name] = total.get(name, 0.0) + count if type(count) is float else count
    return total
