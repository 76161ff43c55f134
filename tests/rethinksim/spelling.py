"""JSON as RethinkDB writes and reads it: number spelling, escapes, member order, doubles only.

A whole number up to 2^53 is written as an integer. Everything else goes through Grisu2, whose last
digit is not always the nearest one: the server sends 0.30000000000000004 as 0.30000000000000007.
The digits are reproduced here exactly, because hashes of rows are taken over these bytes.
"""

import json
import math
import re
import struct

U64 = (1 << 64) - 1
INTEGER_MAX = float(1 << 53)

# Characters that the server escapes. \b \t \n \f \r have short forms, the rest is upper-case hex.
ESCAPES = {chr(code): f"\\u{code:04X}" for code in range(0x20)}
ESCAPES.update({"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r",
                '"': '\\"', "\\": "\\\\"})
LONE_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*(?:\\u[dD][89abAB]..(?!\\u[dD][c-fC-F])"
                         r"|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F]..)")
TO_ESCAPE = re.compile(r'[\x00-\x1f"\\]')

# The server's rounding step multiplies by a table of ten powers but is asked for up to eighteen of
# them; what lies behind the table in its memory is zero, which is why some last digits come out
# odd.
TEN_POWERS = [10**index for index in range(10)] + [0] * 12


class BadJson(ValueError):
    """Text that the server's own JSON reader refuses."""


class TwiceNamed(BadJson):
    """An object that names a member twice."""


def _cached_powers():
    """10^-348, 10^-340 .. 10^340 as rounded 64-bit significands with binary exponents."""
    powers = []
    for exponent in range(-348, 341, 8):
        top, bottom = (10**exponent, 1) if exponent >= 0 else (1, 10**-exponent)
        shift = top.bit_length() - bottom.bit_length() - 64
        while True:
            scaled = ((top << -shift) // bottom if shift < 0 else top // (bottom << shift))
            if scaled.bit_length() <= 64:
                break
            shift += 1
        if scaled.bit_length() < 64:
            shift -= 1
        doubled = (top << (1 - shift)) // bottom if shift < 1 else top // (bottom << (shift - 1))
        powers.append(((doubled + 1) >> 1, shift))
    return powers


POWERS = _cached_powers()


def _multiply(left, right):
    """The upper 64 bits of a product of two 64-bit significands, rounded; exponents add up."""
    product = left[0] * right[0]
    return (product + (1 << 63)) >> 64, left[1] + right[1] + 64


def _normalise(significand, exponent):
    shift = 64 - significand.bit_length()
    return significand << shift, exponent - shift


def _split(number):
    """A positive double as (significand, exponent)."""
    bits = struct.unpack("<Q", struct.pack("<d", number))[0]
    biased, fraction = bits >> 52, bits & ((1 << 52) - 1)
    return (fraction | 1 << 52, biased - 1075) if biased else (fraction, -1074)


def _round(digits, delta, rest, ten_kappa, distance):
    """Walks the last digit down while that comes closer to the number itself."""
    while rest < distance and delta - rest >= ten_kappa and (
            rest + ten_kappa < distance
            or distance - rest > (rest + ten_kappa - distance) & U64):
        digits[-1] -= 1
        rest += ten_kappa


def _digits(low, value, high):
    """Digits between `low` and `high` (of one exponent), and the power of the last one."""
    shift = -high[1]
    delta = high[0] - low[0]
    distance = high[0] - value[0]
    whole, part = high[0] >> shift, high[0] & ((1 << shift) - 1)
    digits = []
    for kappa in range(len(str(whole)) - 1, -1, -1):
        digit, whole = divmod(whole, 10**kappa)
        if digit or digits:
            digits.append(digit)
        rest = (whole << shift) + part
        if rest <= delta:
            _round(digits, delta, rest, TEN_POWERS[kappa] << shift, distance)
            return digits, kappa
    kappa = 0
    while True:
        part, delta = part * 10, (delta * 10) & U64
        digit, part = part >> shift, part & ((1 << shift) - 1)
        if digit or digits:
            digits.append(digit)
        kappa -= 1
        if part < delta:
            _round(digits, delta, part, 1 << shift, distance * TEN_POWERS[-kappa] & U64)
            return digits, kappa


def _grisu(number):
    """Decimal digits of a positive double as text, and the power of ten of the last digit."""
    significand, exponent = _split(number)
    upper = _normalise(2 * significand + 1, exponent - 1)
    if significand == 1 << 52:
        lower = (4 * significand - 1, exponent - 2)
    else:
        lower = (2 * significand - 1, exponent - 1)
    lower = (lower[0] << (lower[1] - upper[1]), upper[1])
    index = (math.ceil((-61 - upper[1]) * 0.30102999566398114 + 347) >> 3) + 1
    power = POWERS[index]
    value = _multiply(_normalise(significand, exponent), power)
    high, low = _multiply(upper, power), _multiply(lower, power)
    digits, kappa = _digits((low[0] + 1, low[1]), value, (high[0] - 1, high[1]))
    return "".join(map(str, digits)), kappa + 348 - 8 * index


def spell_number(number):
    """The server's text for a double."""
    if number.is_integer() and abs(number) <= INTEGER_MAX:
        return str(int(number)) if number or math.copysign(1, number) > 0 else "-0.0"
    if number < 0:
        return "-" + spell_number(-number)
    digits, power = _grisu(number)
    point = len(digits) + power
    if power >= 0 and point <= 21:
        return digits + "0" * power + ".0"
    if 0 < point <= 21:
        return digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    return digits[0] + ("." + digits[1:] if digits[1:] else "") + f"e{point - 1}"


def spell_string(text):
    """A string in quotes, escaped as the server does; everything above 0x1F goes out as it is."""
    return '"' + TO_ESCAPE.sub(lambda found: ESCAPES[found[0]], text) + '"'


def spell(value):
    """The server's text for any value: compact, members sorted bytewise."""
    kind = type(value)
    if kind is str:
        return spell_string(value)
    if kind is float:
        return spell_number(value)
    if kind is dict:
        members = (spell_string(name) + ":" + spell(value[name]) for name in sorted(value))
        return "{" + ",".join(members) + "}"
    if kind is list:
        return "[" + ",".join(map(spell, value)) + "]"
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    raise TypeError(f"no JSON value: {kind.__name__}")


def pretty(value, depth=0):
    """The spread-out form that the server uses inside error texts."""
    if type(value) is dict:
        inner = "\t" * (depth + 1)
        members = (f"{inner}{spell_string(name)}:\t{pretty(value[name], depth + 1)}"
                   for name in sorted(value))
        return "{\n" + ",\n".join(members) + "\n" + "\t" * depth + "}" if value else "{}"
    if type(value) is list:
        return "[" + ", ".join(pretty(part, depth + 1) for part in value) + "]"
    return spell(value)


def encode(value):
    """spell() as bytes; lone surrogates, which the server stores, pass as three bytes each."""
    return spell(value).encode("utf-8", "surrogatepass")


def _read_int(text):
    return 0.0 if text == "-0" else _read_float(text)


def _read_float(text):
    number = float(text)
    if math.isinf(number):
        raise BadJson("Number too big to be stored in double.")
    return number


def _refuse_word(word):
    raise BadJson(f"Invalid value: {word}")


def _members(pairs):
    """An object from its members; a name given twice is refused as the server does."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise TwiceNamed(f"Duplicate object key: {twice}.")
    return found


_DECODER = json.JSONDecoder(parse_int=_read_int, parse_float=_read_float,
                            parse_constant=_refuse_word, object_pairs_hook=_members)
_QUICK = json.JSONDecoder(parse_int=float)


def decode(data):
    """Foreign JSON bytes as a value; every number becomes a float. Raises BadJson."""
    try:
        text = data.decode("utf-8", "surrogatepass")
        if LONE_ESCAPE.search(text):
            raise BadJson("The surrogate pair in string is invalid.")
        return _DECODER.decode(text)
    except BadJson:
        raise
    except (ValueError, RecursionError) as error:
        raise BadJson(str(error)) from error


def decode_row(data):
    """JSON that spell() wrote, read back without the checks."""
    return _QUICK.decode(data.decode("utf-8", "surrogatepass"))
