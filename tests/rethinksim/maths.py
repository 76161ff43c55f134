"""Terms on plain values: comparing, counting, logic, time, text, UUIDs."""

import math
import uuid as uuids

from . import spelling, values
from .errors import Reql, LOGIC, NON_EXISTENCE, USER
from .query import kind_of, term, to_datum
from .streams import Stream

# The namespace of r.uuid(string), see reference trap 28.
NAMESPACE = uuids.UUID("91461c99-f89d-49d2-af96-d8e2e14e9b58")


@term(180)
def minval(call):
    return values.MINVAL


@term(181)
def maxval(call):
    return values.MAXVAL


def _compared(call, holds):
    """A chain of comparisons: true when `holds` for each neighbouring pair."""
    keys = [values.order_key(call.datum(at)) for at in range(len(call))]
    return all(holds(left, right) for left, right in zip(keys, keys[1:]))


@term(17)
def equal(call):
    return _compared(call, lambda left, right: left == right)


@term(18)
def unequal(call):
    return not _compared(call, lambda left, right: left == right)


@term(19)
def less(call):
    return _compared(call, lambda left, right: left < right)


@term(20)
def at_most(call):
    return _compared(call, lambda left, right: left <= right)


@term(21)
def greater(call):
    return _compared(call, lambda left, right: left > right)


@term(22)
def at_least(call):
    return _compared(call, lambda left, right: left >= right)


@term(23)
def negate(call):
    return call.datum(0) in (False, None)


@term(66)
def any_of(call):
    found = False
    for at in range(len(call)):
        found = call.datum(at)
        if found not in (False, None):
            return found
    return found


@term(67)
def all_of(call):
    found = True
    for at in range(len(call)):
        found = call.datum(at)
        if found in (False, None):
            return found
    return found


@term(65)
def branch(call):
    for at in range(0, len(call) - 1, 2):
        if call.datum(at) not in (False, None):
            return call.arg(at + 1)
    return call.arg(len(call) - 1)


def _finite(number):
    if not math.isfinite(number):
        raise Reql(LOGIC, f"Non-finite number: {number}")
    return number


def _time_of(value):
    return values.pseudo(value) == "TIME"


@term(24)
def add(call):
    found = call.datum(0)
    for at in range(1, len(call)):
        other = call.datum(at)
        if _time_of(found) and type(other) is float:
            found = values.make_time(found["epoch_time"] + other, found["timezone"])
        elif type(found) is not type(other) or type(found) not in (float, str, list):
            raise Reql(LOGIC, f"Expected type {kind_of(found)} but found {kind_of(other)}.")
        else:
            found = found + other
    return _finite(found) if type(found) is float else found


@term(25)
def subtract(call):
    found = call.datum(0)
    for at in range(1, len(call)):
        other = call.datum(at)
        if _time_of(found):
            found = (found["epoch_time"] - other["epoch_time"] if _time_of(other) else
                     values.make_time(found["epoch_time"] - other, found["timezone"]))
        else:
            found = _finite(found - call.typed(at, "NUMBER"))
    return found


@term(26)
def multiply(call):
    return _finite(math.prod(call.typed(at, "NUMBER") for at in range(len(call))))


@term(27)
def divide(call):
    found = call.typed(0, "NUMBER")
    for at in range(1, len(call)):
        other = call.typed(at, "NUMBER")
        if other == 0:
            raise Reql(LOGIC, "Cannot divide by zero.")
        found = _finite(found / other)
    return found


@term(28)
def modulo(call):
    left, right = int(call.typed(0, "NUMBER")), int(call.typed(1, "NUMBER"))
    if right == 0:
        raise Reql(LOGIC, "Cannot take a number modulo 0.")
    return math.fmod(left, right)


@term(64)
def call_function(call):
    """FUNCALL: r.do puts the function first and its arguments behind it."""
    return call.function(0)(*[call.datum(at) for at in range(1, len(call))])


@term(92)
def default(call):
    try:
        found = call.arg(0)
        found = found if isinstance(found, Stream) else to_datum(found)
        if found is not None:
            return found
    except Reql as error:
        if error.code != NON_EXISTENCE and error.code != USER:
            raise
    return call.arg(1)


@term(12)
def user_error(call):
    raise Reql(USER, call.typed(0, "STRING"))


@term(52)
def type_of(call):
    return kind_of(call.arg(0))


@term(51)
def coerce_to(call):
    wanted = call.typed(1, "STRING").upper()
    found = call.arg(0)
    if wanted == "ARRAY":
        return list(call.stream(0).values())
    found = to_datum(found)
    if wanted == "STRING":
        return _as_string(found)
    if wanted == "NUMBER" and type(found) is str:
        return _as_number(found)
    if wanted == "BINARY" and type(found) is str:
        return values.make_binary(found.encode("utf-8", "surrogatepass"))
    if wanted == "BOOL":
        return found not in (False, None)
    if wanted == "OBJECT" and type(found) is list:
        return dict(found)
    if wanted == values.type_name(found):
        return found
    raise Reql(LOGIC, f"Cannot coerce {values.type_name(found)} to {wanted}.")


def _as_string(found):
    """BINARY becomes its bytes as text, a string stays, everything else becomes JSON."""
    if values.pseudo(found) == "BINARY":
        return _utf8(values.binary_bytes(found))
    return found if type(found) is str else spelling.spell(found)


def _utf8(data):
    """Bytes as a string; the server takes surrogates but nothing else that is not UTF-8."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        start = data[:error.start].decode("utf-8", "surrogatepass")
        raise Reql(LOGIC, f"String `{start}` (truncated) is not a UTF-8 string; Invalid initial "
                          f"byte seen at position {error.start}.") from error


def _as_number(text):
    try:
        return _finite(float(text))
    except ValueError as error:
        raise Reql(LOGIC, f"Could not coerce `{text}` to NUMBER.") from error


@term(103)
def now(call):
    return values.make_time(call.evaluator.now)


@term(101)
def epoch_time(call):
    return values.make_time(call.typed(0, "NUMBER"))


@term(102)
def to_epoch_time(call):
    return call.typed(0, "PTYPE<TIME>")["epoch_time"]


@term(99)
def from_iso8601(call):
    try:
        return values.parse_iso8601(call.typed(0, "STRING"))
    except Reql as error:
        raise error.at(call.path + (0,))


@term(100)
def to_iso8601(call):
    return values.iso8601(call.typed(0, "PTYPE<TIME>"))


@term(169)
def uuid(call):
    if len(call):
        return str(_uuid5(call.typed(0, "STRING").encode("utf-8", "surrogatepass")))
    return call.world.new_uuid()


def _uuid5(data):
    """Version 5, over bytes: Python's own takes text only and refuses lone surrogates."""
    import hashlib
    digest = hashlib.sha1(NAMESPACE.bytes + data, usedforsecurity=False).digest()
    return uuids.UUID(bytes=digest[:16], version=5)


@term(172)
def to_json_string(call):
    return spelling.spell(call.datum(0))


@term(98)
def from_json(call):
    try:
        return values.normalise(spelling.decode(call.typed(0, "STRING").encode()))
    except spelling.BadJson as error:
        raise Reql(LOGIC, f"Failed to parse \"{call.datum(0)}\" as JSON: {error}") from error


@term(151)
def random_number(call):
    """RANDOM from the world's seed, so that a test repeats."""
    mixed = uuids.UUID(call.world.new_uuid()).int % (1 << 48) / (1 << 48)
    if not len(call):
        return mixed
    limits = [call.typed(at, "NUMBER") for at in range(len(call))]
    low, high = (0.0, limits[0]) if len(limits) == 1 else limits
    made = low + mixed * (high - low)
    return made if call.opt("float") else float(math.floor(made))


@term(155)
def binary(call):
    found = call.datum(0)
    if type(found) is not str:
        return found
    return values.make_binary(found.encode("utf-8", "surrogatepass"))


@term(141)
def upcase(call):
    return call.typed(0, "STRING").upper()


@term(142)
def downcase(call):
    return call.typed(0, "STRING").lower()
