"""The ReQL evaluator: terms to values, streams and errors with their place in the query.

Each term number has one handler, registered by @term in reads.py, maths.py, writes.py and admin.py.
"""

import dataclasses

from . import values
from .errors import Reql, denied, COMPILE, LOGIC, NON_EXISTENCE, OP_FAILED
from .spelling import pretty
from .streams import Batch, Listed, Scan, Stream

HANDLERS = {}
ARGS, FUNC, MAKE_ARRAY, IMPLICIT_VAR, DATUM = 154, 69, 2, 13, 1
GLOBAL_OPTARGS = {
    "db", "read_mode", "max_batch_rows", "min_batch_rows", "max_batch_bytes", "max_batch_seconds",
    "first_batch_scaledown_factor", "array_limit", "changefeed_queue_size", "durability", "noreply",
    "profile", "time_format", "binary_format", "group_format", "user_timezone", "identifier_format",
    "include_initial", "include_states", "include_types", "include_offsets", "squash", "index",
    "default", "conflict", "return_changes"}


def term(number):
    """Registers a handler for a term number; it takes a Call and returns a value or a stream."""
    def register(handler):
        HANDLERS[number] = handler
        return handler
    return register


class Database:
    """The value of a DB term."""

    def __init__(self, name):
        self.name = name


@dataclasses.dataclass
class Function:
    """A FUNC with the variables around it; calling it evaluates its body."""

    evaluator: object
    names: list
    body: object
    scope: dict
    path: tuple

    def __call__(self, *arguments):
        scope = dict(self.scope)
        scope.update(zip(self.names, arguments))
        scope["row"] = arguments[0] if arguments else None
        return to_datum(self.evaluator.eval(self.body, scope, self.path))


def as_term(value):
    """A plain value as a term that evaluates to it."""
    if type(value) is list:
        return [float(MAKE_ARRAY), [as_term(part) for part in value]]
    return [float(DATUM), value]


class Single:
    """The row under one primary key, there or not: what GET gives."""

    def __init__(self, table, key):
        self.table, self.key = table, key

    @property
    def row(self):
        if not self.table.alive:
            raise Reql(OP_FAILED, f"Table `{self.table.full_name}` does not exist.")
        return self.table.rows.get(self.key)

    @property
    def value(self):
        row = self.row
        return row.value if row else None


def to_datum(found):
    """A plain value from anything an evaluation gives."""
    if isinstance(found, Single):
        return found.value
    if isinstance(found, Stream):
        return list(found.values())
    if isinstance(found, (Database, Function)):
        raise Reql(LOGIC, f"Expected type DATUM but found {kind_of(found)}.")
    return found


def kind_of(found):
    """TYPE_OF's answer for anything."""
    if isinstance(found, Single):
        return "SELECTION<OBJECT>" if found.row else "NULL"
    if isinstance(found, Stream):
        return found.kind
    if isinstance(found, Database):
        return "DB"
    if isinstance(found, Function):
        return "FUNCTION"
    return found.name if isinstance(found, values.Edge) else values.type_name(found)


class Call:
    """One term being evaluated: its arguments and optional arguments, looked at when asked for."""

    def __init__(self, evaluator, node, scope, path):
        self.evaluator, self.scope, self.path = evaluator, scope, path
        self.world, self.user = evaluator.world, evaluator.user
        self.nodes = node[1] if len(node) > 1 and type(node[1]) is list else []
        self.opts = node[-1] if len(node) > 1 and type(node[-1]) is dict else {}
        if any(type(part) is list and part and part[0] == ARGS for part in self.nodes):
            self.nodes = self._spliced()

    def _spliced(self):
        found = []
        for at, part in enumerate(self.nodes):
            if type(part) is list and part and part[0] == ARGS:
                given = self.evaluator.eval(part[1][0], self.scope, self.path + (at,))
                found += [as_term(value) for value in to_datum(given)]
            else:
                found.append(part)
        return found

    def __len__(self):
        return len(self.nodes)

    def need(self, least, most=None):
        """Refuses a wrong number of arguments with the server's sentence."""
        most = least if most is None else most
        if least <= len(self.nodes) <= most:
            return
        wanted = f"{least} argument{'s' if least != 1 else ''}"
        raise Reql(LOGIC, f"Expected {wanted} but found {len(self.nodes)}.", COMPILE)

    def arg(self, at):
        return self.evaluator.eval(self.nodes[at], self.scope, self.path + (at,))

    def datum(self, at):
        return to_datum(self.arg(at))

    def typed(self, at, name):
        """Argument `at`, which must be of the named type."""
        found = self.datum(at)
        if type(found) is values.Edge or values.type_name(found) != name:
            raise Reql(LOGIC, f"Expected type {name} but found {kind_of(found)}.").at(
                self.path + (at,))
        return found

    def stream(self, at, place=None):
        """Argument `at` as a stream; a refused read is reported at `place`, else at this term."""
        found = self.arg(at)
        if isinstance(found, Stream):
            if isinstance(found, Scan):
                self.need_read(found.table, place)
            return found
        if isinstance(found, Single):
            found = found.value
        if type(found) is not list:
            raise Reql(LOGIC, f"Cannot convert {kind_of(found)} to SEQUENCE").at(self.path + (at,))
        return Listed(found)

    def table(self, at):
        """Argument `at`, which must be a whole table."""
        found = self.arg(at)
        if not isinstance(found, Scan) or found.kind != "TABLE":
            shown = f":\nSELECTION ON table({found.table.name})" if isinstance(found, Scan) else "."
            raise Reql(LOGIC, f"Expected type TABLE but found {kind_of(found)}{shown}").at(
                self.path + (at,))
        return found.table

    def need_read(self, table, place=None):
        """The permission to read, and that the table can be read at all."""
        try:
            self.evaluator.need_read(table)
        except Reql as error:
            raise error.at(self.path if place is None else self.path + (place,))

    def function(self, at):
        """Argument `at` as a function; a term around r.row or a plain value is one too."""
        node = self.nodes[at]
        path = self.path + (at,)
        if type(node) is list and node and node[0] == FUNC:
            return self.evaluator.eval(node, self.scope, path)
        return Function(self.evaluator, [], node, self.scope, path)

    def opt(self, name, default=None):
        """An optional argument, of the term or else of the whole query."""
        if name in self.opts:
            return to_datum(self.evaluator.eval(self.opts[name], self.scope, self.path + (name,)))
        return to_datum(self.evaluator.optargs.get(name, default))


class Evaluator:
    """Evaluates the terms of one query for one user."""

    def __init__(self, world, user, optargs):
        self.world, self.user = world, user
        self.now = world.clock()
        self.optargs = {}
        for name, node in optargs.items():
            if name not in GLOBAL_OPTARGS:
                text = f"Unrecognized global optional argument `{name}`."
                raise Reql(LOGIC, text, COMPILE).at(())
            self.optargs[name] = self.eval(node, {}, (name,))

    def eval(self, node, scope, path):
        """The value of one term; errors leave with the path of the innermost term."""
        kind = type(node)
        if kind is dict:
            return self._object(node, scope, path)
        if kind is not list:
            return node
        if not node or type(node[0]) is not float:
            found = values.type_name(node[0]) if node else "nothing"
            text = f"Expected a TermType as a NUMBER but found {found}."
            raise Reql(LOGIC, text, COMPILE).at(path)
        if node[0] == DATUM:
            return self._literal(node, path)
        handler = HANDLERS.get(int(node[0]))
        if handler is None:
            raise Reql(LOGIC, f"Unrecognized TermType: {int(node[0])}.", COMPILE).at(path)
        try:
            return handler(Call(self, node, scope, path))
        except Reql as error:
            raise error.at(path)

    @staticmethod
    def _literal(node, path):
        """DATUM holds its value bare; an array there is no argument list and is refused."""
        if len(node) < 2 or type(node[1]) is list:
            raise Reql(LOGIC, "DATUM takes one value that is not an array.", COMPILE).at(path)
        try:
            return values.normalise(node[1])
        except Reql as error:
            raise error.at(path)

    def _object(self, node, scope, path):
        made = {name: to_datum(self.eval(part, scope, path + (name,)))
                for name, part in node.items()}
        return values.normalise(made) if values.TAG in made else made

    def need_read(self, table):
        self.need("read", table)
        table.check_ready()

    def need(self, permission, table):
        """Refuses a user who lacks the permission, or a table on which a test took it away."""
        may = self.user.may(permission, table.database, table.name)
        if not may or permission in table.denied:
            raise denied(self.user.name, permission)

    def batch(self):
        """The batch limits that the query's optional arguments ask for."""
        asked = {name: int(value) for name, value in self.optargs.items() if type(value) is float}
        return Batch(rows=asked.get("max_batch_rows", Batch.rows),
                     size=asked.get("max_batch_bytes", Batch.size),
                     scale=asked.get("first_batch_scaledown_factor", Batch.scale))


@term(MAKE_ARRAY)
def make_array(call):
    return [call.datum(at) for at in range(len(call))]


@term(10)
def variable(call):
    name = call.nodes[0]
    if name not in call.scope:
        raise Reql(LOGIC, "Variable name not found.", COMPILE)
    return call.scope[name]


@term(IMPLICIT_VAR)
def implicit_variable(call):
    if "row" not in call.scope:
        raise Reql(LOGIC, "r.row is not defined in this context.", COMPILE)
    return call.scope["row"]


@term(FUNC)
def function(call):
    names = call.nodes[0][1] if call.nodes[0][0] == MAKE_ARRAY else call.nodes[0]
    return Function(call.evaluator, names, call.nodes[1], call.scope, call.path + (1,))


def missing(name, found):
    """The error for a member that is not there."""
    return Reql(NON_EXISTENCE, f"No attribute `{name}` in object:\n{pretty(found)}")
