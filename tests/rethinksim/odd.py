"""The awkward tables: a key of every type that the server takes, a row for every odd value.

Each of them was stored in a real 2.4.4 and read back in key order: the bytes were the same.
"""

import math

from .values import make_binary, make_time, parse_iso8601

MOMENT = "2023-11-14T22:13:20Z"
ODD_NUMBERS = [
    0.0, -0.0, 0.1, 0.30000000000000004, 48.300000000000004, 1 / 3, math.pi, 1e15, 1e16, 1e17,
    1e20, 1e21, 1.5e21, 1e-6, 1e-7, 1.5e-7, 5e-324, 1.7976931348623157e308, float(2**53),
    float(2**53 - 1), float(-2**53), float(2**63), 0.000123, -12345.678, 1e2, 123456789.125]
ODD_STRINGS = [
    "", "\0", "a\0b", "\b\t\n\f\r", "\u000b\u001f", "\x7f\u0080", "\"\\/", "é😀漢", "\u2028",
    "\ud800", "a" * 5000, "{\"not\":\"parsed\"}", "\ufeff"]
ODD_TIMES = [0.0, -1.0, 0.001, -0.001, 1e10, 253402300799.999, -62135596800.0, 1e13, -1e13,
             4294967295.5]
ODD_NAMES = {"": 1.0, "a b": 2.0, "é": 3.0, "Z": 4.0, "a": 5.0, "\u0001": 6.0, "_tidegate": 7.0,
             "a.b": 8.0, "a_b": 9.0, "error": 10.0, "$": 11.0}

NUMBER_KEYS = [1.0, -0.0, -1.0, 0.1, 0.30000000000000004, 1e21, 1.5e300, 5e-324, 1e-7, float(2**53),
               float(2**53 + 2), -1e17, 1e16, 123456789012345680.0, -1.5, 10.0, 100.0, 9.0]
STRING_KEYS = [
    "1", "", "a", "A", "\u0001" * 127, "\u001f", "\"", "\\", "/", "\x7f", "é", "e\u0301", "漢", "😀",
    "\ufffd", "\U0010ffff", "ue" * 63, "true", "null", "[1]", "QUJD", MOMENT,
    "\ud800",
    "aaaaaaaa-0000-4000-8000-000000000001", "AAAAAAAA-0000-4000-8000-000000000001",
    "aaaaaaaa-0000-4000-8000-00000000000"]
TIME_KEYS = [parse_iso8601(MOMENT), make_time(1.001, "+05:30"), make_time(-1.0),
             make_time(0.0, "-08:00"), make_time(253402300800.0)]
BINARY_KEYS = [make_binary(b"ABC"), make_binary(b""), make_binary(b"\0\1\2\xff"),
               make_binary(bytes(range(2, 60)) * 2)]
ARRAY_KEYS = [
    [], [1.0], ["1"], [1.0, "a"], [1.0, "a", []], [[1.0], [True, False]], [True],
    [False, -0.5], ["a", make_time(5.0)], [make_binary(b"x"), 1e100], ["a\u0001", "b"], ["a"]]


def keys():
    """(key, row) for every key."""
    found = NUMBER_KEYS + STRING_KEYS + [True, False] + TIME_KEYS + BINARY_KEYS + ARRAY_KEYS
    return [(key, {"id": key, "n": float(number)}) for number, key in enumerate(found)]


def rows():
    """(key, row) for every odd value, and one row with many members."""
    sizes = (0, 1, 2, 3, 56, 57, 58, 114, 115, 256)
    line = {"$reql_type$": "GEOMETRY", "type": "LineString",
            "coordinates": [[0.0, 0.0], [-122.4, 37.7]]}
    found = {
        "numbers": ODD_NUMBERS, "strings": ODD_STRINGS, "names": ODD_NAMES, "shapes": [line],
        "times": [make_time(at, zone) for at in ODD_TIMES for zone in ("+00:00", "-11:45")],
        "binaries": [make_binary(bytes(range(256))[:size]) for size in sizes],
        "empty": [{}, [], None, [[]], [{}]]}
    flat = {f"n{at}": number for at, number in enumerate(ODD_NUMBERS)}
    return [(name, {"id": name, "v": value}) for name, value in found.items()] + [
        ("flat", {"id": "flat", **flat})]
