"""ReQL values: pseudo-types, type names, and the one order that indexes and comparisons share.

Numbers are floats, strings str, the rest as json reads it. TIME, BINARY and GEOMETRY stay dicts
with their `$reql_type$`. Source of truth: reference sections 4.1, 4.4, 5.1.
"""

import base64
import binascii
import datetime
import math

from . import spelling
from .errors import Reql, LOGIC, NON_EXISTENCE

TAG = "$reql_type$"
TYPE_NAMES = {float: "NUMBER", str: "STRING", bool: "BOOL", list: "ARRAY", type(None): "NULL"}
RANKS = {list: 0, bool: 1, type(None): 2, float: 3, str: 8}
PSEUDO_RANKS = {"BINARY": 5, "GEOMETRY": 6, "TIME": 7}
BASE64_LINE = 76
STRING_KEY_BYTES_MAX = 127
BINARY_KEY_BYTES_MAX = 120


class Edge:
    """MINVAL or MAXVAL: below or above every value."""

    def __init__(self, name, rank):
        self.name, self.rank = name, rank


MINVAL, MAXVAL = Edge("MINVAL", -1), Edge("MAXVAL", 99)
TOP_KEY = (MAXVAL.rank,)


def pseudo(value):
    """The pseudo-type's name of a value, or None."""
    return value.get(TAG) if type(value) is dict else None


def type_name(value):
    """What TYPE_OF answers for a datum."""
    name = pseudo(value)
    if name:
        return f"PTYPE<{name}>"
    return "OBJECT" if type(value) is dict else TYPE_NAMES[type(value)]


def binary_bytes(value):
    """The bytes inside a BINARY."""
    return base64.b64decode("".join(value["data"].split()) + "==")


def order_key(value):
    """A tuple that compares as the server orders: array < bool < null < number < object < .."""
    kind = type(value)
    if kind is dict:
        return _object_key(value)
    if kind is list:
        return (0, tuple(map(order_key, value)))
    if kind is Edge:
        return (value.rank,)
    return (RANKS[kind], value)


def _object_key(value):
    name = pseudo(value)
    if name == "TIME":
        return (7, value["epoch_time"])
    if name == "BINARY":
        return (5, binary_bytes(value))
    if name == "GEOMETRY":
        return (6, repr(value["coordinates"]))
    return (4, tuple((member, order_key(value[member])) for member in sorted(value)))


def is_key(value, edges=False):
    """Whether the value can stand in an index."""
    kind = type(value)
    if kind is list:
        return all(is_key(part, edges) for part in value)
    if kind is dict:
        return pseudo(value) in ("TIME", "BINARY")
    return kind in (str, float, bool) or (edges and kind is Edge)


def check_primary_key(value):
    """Refuses what the server refuses as a primary key."""
    shown = spelling.pretty(value)
    if not is_key(value):
        code = NON_EXISTENCE if value is None else LOGIC
        raise Reql(code, "Primary keys must be either a number, string, bool, pseudotype or array "
                         f"(got type {type_name(value)}):\n{shown}")
    if type(value) is str and "\0" in value:
        at, shown = value.index("\0"), shown.replace("\\u0000", "\\x00")
        raise Reql(LOGIC, f"String {shown} (truncated) contains NULL byte at offset {at} "
                          "in index key.")
    if _key_bytes(value) > STRING_KEY_BYTES_MAX + 1:
        raise Reql(LOGIC, f"Primary key too long (max {STRING_KEY_BYTES_MAX} characters): {shown}")


def _key_bytes(value):
    """About how many bytes the server's encoding of a key takes, the type letter included."""
    if type(value) is str:
        return 1 + len(value.encode("utf-8", "surrogatepass"))
    if type(value) is list:
        return 2 + sum(_key_bytes(part) + 1 for part in value)
    if pseudo(value) == "BINARY":
        data = binary_bytes(value)
        return 128 - BINARY_KEY_BYTES_MAX + len(data) + data.count(0) + data.count(1)
    return 20


def make_time(epoch, zone="+00:00"):
    """A TIME, rounded to milliseconds as the server does."""
    rounded = math.floor(epoch * 1000 + 0.5) / 1000 if abs(epoch) < 1e15 else epoch
    return {TAG: "TIME", "epoch_time": float(rounded), "timezone": zone}


def make_binary(data):
    """A BINARY whose base64 has a CR LF after every 76 characters but the last."""
    text = base64.b64encode(data).decode()
    lines = [text[at:at + BASE64_LINE] for at in range(0, len(text), BASE64_LINE)]
    return {TAG: "BINARY", "data": "\r\n".join(lines)}


def parse_iso8601(text):
    """ISO 8601 with a zone as a TIME."""
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise Reql(LOGIC, f"Unable to parse ISO 8601 string: {text}") from error
    if moment.tzinfo is None:
        raise Reql(LOGIC, "ISO 8601 string has no time zone, and no default time zone was "
                          "provided.")
    day = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    epoch = (moment - day) / datetime.timedelta(microseconds=1) / 1e6
    return make_time(epoch, moment.isoformat()[-6:])


def iso8601(value):
    """A TIME as the server's own ISO text."""
    hours, minutes = value["timezone"][:3], value["timezone"][0] + value["timezone"][4:]
    zone = datetime.timezone(datetime.timedelta(hours=int(hours), minutes=int(minutes)))
    moment = datetime.datetime.fromtimestamp(0, zone)
    moment += datetime.timedelta(milliseconds=round(value["epoch_time"] * 1000))
    if not 1400 <= moment.year <= 9999:
        raise Reql(LOGIC, "Year is out of valid range: 1400..9999")
    spec = "seconds" if moment.microsecond == 0 else "milliseconds"
    return moment.isoformat(timespec=spec)


def normalise(value):
    """A literal from a query as the server stores it: pseudo-types checked and brought in form."""
    if type(value) is list:
        return [normalise(part) for part in value]
    if type(value) is not dict:
        return value
    name = pseudo(value)
    if name == "TIME":
        zone = value.get("timezone", "+00:00").replace("Z", "+00:00")
        return make_time(value["epoch_time"], zone)
    if name == "BINARY":
        return make_binary(_decode_base64(value["data"]))
    if name not in (None, "GEOMETRY"):
        raise Reql(LOGIC, f"Unknown $reql_type$ `PTYPE<{name}>`.")
    return {member: normalise(part) for member, part in value.items()}


def _decode_base64(text):
    stripped = "".join(text.split()).rstrip("=")
    try:
        return base64.b64decode(stripped + "=" * (-len(stripped) % 4), validate=True)
    except binascii.Error as error:
        raise Reql(LOGIC, "Invalid base64 character found.") from error
