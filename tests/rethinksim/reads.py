"""Terms that find rows: tables, keys, ranges, order, filters, and the shapes made of them."""

from . import values
from .errors import Reql, denied, LOGIC, NON_EXISTENCE, OP_FAILED
from .query import Database, Function, Single, kind_of, missing, term, to_datum
from .spelling import pretty
from .streams import Concat, Filter, Listed, Map, Scan, Slice, Stream, ROWS_UNLIMITED

ASC, DESC = 73, 74


@term(14)
def database(call):
    name = call.typed(0, "STRING")
    if name not in call.world.databases:
        raise Reql(OP_FAILED, f"Database `{name}` does not exist.")
    return Database(name)


@term(15)
def table(call):
    call.need(1, 2)
    name = call.typed(len(call) - 1, "STRING")
    if len(call) == 2:
        holder = call.arg(0)
    else:
        holder = call.evaluator.optargs.get("db") or Database("test")
    if holder.name == "rethinkdb" and not call.user.may("read", "rethinkdb", name):
        raise denied(call.user.name, "read")
    return Scan(call.world.table(holder.name, name), call.path)


@term(16)
def get(call):
    found = call.table(0)
    call.evaluator.need_read(found)
    key = call.datum(1)
    values.check_primary_key(key)
    return Single(found, values.order_key(key))


@term(78)
def get_all(call):
    found = call.table(0)
    call.evaluator.need_read(found)
    index = call.opt("index")
    scans = []
    for at in range(1, len(call)):
        key = call.datum(at)
        scans.append(Scan(found).between((key, True), (key, True), index))
    rows = [row for scan in scans for row in scan.items()]
    made = Listed(rows, is_array=False, table=found)
    made.kind = "SELECTION<STREAM>"
    return made


@term(182)
def between(call):
    source = call.arg(0)
    if not isinstance(source, Scan):
        raise Reql(LOGIC, f"Expected type TABLE_SLICE but found {kind_of(source)}.")
    call.need_read(source.table)
    low, high = call.datum(1), call.datum(2)
    for at, bound in ((1, low), (2, high)):
        if bound is None:
            raise Reql(LOGIC, "Cannot use `null` in BETWEEN, use `r.minval` or `r.maxval` to "
                              "denote unboundedness.").at(call.path + (at,))
    left = call.opt("left_bound", "closed") == "closed"
    right = call.opt("right_bound", "open") == "closed"
    return source.between((low, left), (high, right), call.opt("index"))


@term(41)
def order_by(call):
    source = call.arg(0)
    index = call.opts.get("index")
    if index is not None:
        order = "desc" if type(index) is list and index[0] == DESC else "asc"
        if type(index) is list:
            index = to_datum(call.evaluator.eval(index[1][0], call.scope, call.path + ("index", 0)))
        if not isinstance(source, Scan):
            raise Reql(LOGIC, "Indexed order_by can only be performed on a TABLE or TABLE_SLICE.")
        call.need_read(source.table)
        return source.ordered(index, order)
    source = call.stream(0)
    items = list(source.items())
    for at in range(len(call) - 1, 0, -1):
        items = _sorted_by(call, at, items)
    made = Listed(items, table=source.table)
    made.kind = "SELECTION<ARRAY>" if source.table else "ARRAY"
    return made


def _sorted_by(call, at, items):
    """Sorts by one field or function; rows without it come first."""
    node, down = call.nodes[at], False
    if type(node) is list and node[0] in (ASC, DESC):
        down, node = node[0] == DESC, node[1][0]
    path = call.path + (at,)
    function = None
    if type(node) is list:
        found = call.evaluator.eval(node, call.scope, path)
        function = found if isinstance(found, Function) else None

    def key(item):
        try:
            row = item.value
            value = function(row) if function else row[node]
        except KeyError:
            return (-2,)
        except TypeError as error:
            raise no_bracket(row).at(path) from error
        except Reql as error:
            if error.code != NON_EXISTENCE:
                raise
            return (-2,)
        return values.order_key(value)
    return sorted(items, key=key, reverse=down)


@term(39)
def filter_rows(call):
    source = call.stream(0)
    node = call.nodes[1]
    if type(node) is dict:
        wanted = call.datum(1)
        return Filter(source, lambda row: matches(row, wanted), lambda: False)
    predicate = call.function(1)

    def default():
        if "default" not in call.opts:
            return False
        return call.opt("default")
    return Filter(source, predicate, default)


def matches(found, wanted):
    """FILTER with an object: every member wanted is there and equal, however deep."""
    if type(wanted) is dict and not values.pseudo(wanted):
        return type(found) is dict and all(
            name in found and matches(found[name], part) for name, part in wanted.items())
    return values.order_key(found) == values.order_key(wanted)


@term(71)
def limit(call):
    count = int(call.typed(1, "NUMBER"))
    return Slice(call.stream(0, 0), 0, count)


@term(70)
def skip(call):
    count = int(call.typed(1, "NUMBER"))
    return Slice(call.stream(0, 0), count, ROWS_UNLIMITED)


@term(30)
def slice_rows(call):
    start, end = int(call.typed(1, "NUMBER")), ROWS_UNLIMITED
    if len(call) > 2:
        end = int(call.typed(2, "NUMBER"))
    return Slice(call.stream(0), start, end + (call.opt("right_bound") == "closed"))


@term(45)
def nth(call):
    at = int(call.typed(1, "NUMBER"))
    found = list(call.stream(0).items())
    if not -len(found) <= at < len(found):
        raise Reql(NON_EXISTENCE, f"Index out of bounds: {at}")
    return found[at].value


@term(81)
def sample(call):
    """SAMPLE: a fixed stride instead of chance, so that tests repeat."""
    count = int(call.typed(1, "NUMBER"))
    found = list(call.stream(0).items())
    stride = max(1, len(found) // count) if count else 1
    return Listed(found[::stride][:count])


@term(43)
def count_rows(call):
    source = call.stream(0)
    if isinstance(source, Scan) and len(call) == 1:
        return float(source.count())
    if len(call) > 1:
        wanted = call.datum(1)
        return float(sum(matches(value, wanted) for value in source.values()))
    return float(sum(1 for _ in source.items()))


@term(86)
def is_empty(call):
    return next(iter(call.stream(0, 0).items()), None) is None


@term(38)
def map_rows(call):
    return Map(call.stream(0), call.function(len(call) - 1))


@term(40)
def concat_map(call):
    return Concat(call.stream(0), call.function(1))


@term(44)
def union(call):
    parts = [item for at in range(len(call)) for item in call.stream(at).items()]
    return Listed(parts, is_array=False)


@term(42)
def distinct(call):
    found = {values.order_key(value): value for value in call.stream(0).values()}
    return [found[key] for key in sorted(found)]


@term(173)
def number_range(call):
    limits = [int(call.typed(at, "NUMBER")) for at in range(len(call))]
    return Listed([float(number) for number in range(*limits)], is_array=False)


def _extreme(call, order):
    """MIN or MAX, by index, by field or function, or of the values themselves."""
    index = call.opt("index")
    if index is not None:
        table_read = call.table(0)
        call.evaluator.need_read(table_read)
        found = next(iter(Scan(table_read).ordered(index, order).items()), None)
    else:
        items = list(call.stream(0).items())
        if len(call) > 1:
            items = [item for item in _sorted_by(call, 1, items) if _has(call, item)]
        else:
            items.sort(key=lambda item: values.order_key(item.value))
        found = (items[0] if order == "asc" else items[-1]) if items else None
    if found is None:
        name = "min" if order == "asc" else "max"
        raise Reql(NON_EXISTENCE, f"Cannot take the {name} of an empty stream.  (If you passed "
                                  f"`{name}` a field name, it may be that no elements of the "
                                  "stream had that field.)")
    return found.value


def _has(call, item):
    return type(call.nodes[1]) is not str or call.nodes[1] in item.value


@term(147)
def minimum(call):
    return _extreme(call, "asc")


@term(148)
def maximum(call):
    return _extreme(call, "desc")


def shaped(call, change):
    """Applies a change to one object or to each row of a sequence."""
    found = call.arg(0)
    if isinstance(found, Stream) or type(found) is list:
        return Map(call.stream(0), change)
    if isinstance(found, Single):
        call.evaluator.need_read(found.table)
    value = to_datum(found)
    if value is None:
        raise Reql(NON_EXISTENCE, "Cannot perform pluck on a non-object non-sequence `null`.")
    return change(value)


def pluck_of(value, picks):
    """The members that the pick names; an object in a pick looks deeper."""
    made = {}
    for pick in picks:
        if type(pick) is str and pick in value:
            made[pick] = value[pick]
        elif type(pick) is list:
            made.update(pluck_of(value, pick))
        elif type(pick) is dict:
            for name, deeper in pick.items():
                if name in value and deeper is True:
                    made[name] = value[name]
                elif name in value and type(value[name]) is dict:
                    made[name] = pluck_of(value[name], [deeper])
    return made


def without_of(value, picks):
    made = dict(value)
    for pick in picks:
        if type(pick) is str:
            made.pop(pick, None)
        elif type(pick) is dict:
            for name, deeper in pick.items():
                if deeper is True:
                    made.pop(name, None)
                elif type(made.get(name)) is dict:
                    made[name] = without_of(made[name], [deeper])
    return made


@term(33)
def pluck(call):
    picks = [call.datum(at) for at in range(1, len(call))]
    return shaped(call, lambda value: pluck_of(value, picks))


@term(34)
def without(call):
    picks = [call.datum(at) for at in range(1, len(call))]
    return shaped(call, lambda value: without_of(value, picks))


def merged(left, right):
    """MERGE of two objects: members of the right one win, objects are merged deeply."""
    if type(left) is not dict or type(right) is not dict or values.pseudo(right):
        return right
    made = dict(left)
    for name, part in right.items():
        made[name] = merged(made.get(name), part)
    return made


@term(35)
def merge(call):
    def change(value):
        for at in range(1, len(call)):
            value = merged(value, call.function(at)(value))
        return value
    return shaped(call, change)


def field_of(value, name):
    if type(value) is not dict:
        raise no_bracket(value)
    if name not in value:
        raise missing(name, value)
    return value[name]


def no_bracket(value):
    """The error for a member of something that has none."""
    code = NON_EXISTENCE if value is None else LOGIC
    return Reql(code, f"Cannot perform bracket on a non-object non-sequence `{pretty(value)}`.")


@term(31)
def get_field(call):
    return _bracket(call, call.arg(0), call.datum(1))


@term(170)
def bracket(call):
    return _bracket(call, call.arg(0), call.datum(1))


def _bracket(call, found, name):
    if isinstance(found, Single):
        call.evaluator.need_read(found.table)
        found = found.value
        if found is None:
            raise no_bracket(None).at(call.path + (0,))
    if type(name) is float:
        parts = found if type(found) is list else list(call.stream(0).values())
        if not -len(parts) <= int(name) < len(parts):
            raise Reql(NON_EXISTENCE, f"Index out of bounds: {int(name)}")
        return parts[int(name)]
    if isinstance(found, Stream) or type(found) is list:
        source = call.stream(0)
        return Map(Filter(source, lambda row: name in row, lambda: False), lambda row: row[name])
    if type(found) is not dict:
        raise no_bracket(found).at(call.path + (0,))
    return field_of(found, name)


@term(32)
def has_fields(call):
    picks = [call.datum(at) for at in range(1, len(call))]

    def has(value):
        return type(value) is dict and all(_has_pick(value, pick) for pick in picks)
    found = call.arg(0)
    if isinstance(found, Stream) or type(found) is list:
        return Filter(call.stream(0), has, lambda: False)
    return has(to_datum(found))


def _has_pick(value, pick):
    if type(pick) is str:
        return value.get(pick) is not None
    return all(type(value.get(name)) is dict and _has_pick(value[name], deeper)
               if deeper is not True else value.get(name) is not None
               for name, deeper in pick.items())


@term(94)
def keys(call):
    found = call.datum(0)
    if type(found) is not dict:
        raise Reql(LOGIC, "Cannot call `keys` on objects of type `"
                          f"{values.type_name(found)}`.")
    return sorted(found)


@term(152)
def changes(call):
    raise Reql(LOGIC, "rethinksim does not answer CHANGES.")
