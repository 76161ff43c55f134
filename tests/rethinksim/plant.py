"""The plant: devices, readings, alarms, sites and a few awkward tables, made from a seed.

    table     key              time stamp                        what is special
    devices   UUID             installed (TIME, seldom changes)  nested, GEOMETRY, BINARY
    readings  UUID             updated_at TIME, indexed          about 330 bytes, the large one
    alarms    number           modified_at ISO string            unicode, escapes, no index
    sites     string `site`    none                              polygons, emoji, null members
    events    [line, number]   timestamp epoch number, indexed   compound keys
    ties      string           updated_at TIME, indexed          every stamp is the same
    big       number           none                              documents of 1, 2, 4 ... KiB
    oddkeys   every type       none                              see odd.py
    oddrows   string           none                              every odd value, see odd.py
    empty     -                none                              no rows

A row is a function of (seed, table, number, version), so that any test can make it again.
"""

import datetime
import functools

from . import odd, spelling, values
from .tables import Index

EPOCH = 1767225600  # 2026-01-01T00:00:00Z, the stamp of row 0
MASK = (1 << 64) - 1
DEVICES, MEASURED = 1000, 5003
UNITS = ("°C", "bar", "kW", "m³/h", "rpm")
STATES = ("ok", "warn", "fault", "maintenance")
TEXTS = ("Druck zu hoch \"Kessel 2\"", "pump stopped\nsee log\t#7", "温度异常 😀", "C:\\plant\\line",
         "zażółć \u2028 gęślą", "ok", "\u0001\u001f control", "e\u0301 and é")


def mixed(seed, table, number):
    """64 bits that look random and depend on all three (splitmix64)."""
    state = (seed * 0x9E3779B97F4A7C15 + number * 0xBF58476D1CE4E5B9 + TABLE_SALT[table]) & MASK
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & MASK
    return state ^ (state >> 31)


def uuid_text(seed, table, number):
    """A version 4 UUID for a row."""
    high, low = mixed(seed, table, 2 * number), mixed(seed, table, 2 * number + 1)
    text = f"{high:016x}{low:016x}"
    variant = "89ab"[low >> 62]
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"


@functools.lru_cache(maxsize=4096)
def _device_of(seed, number):
    """The key of the device that a reading or an alarm belongs to."""
    return uuid_text(seed, "devices", number % DEVICES)


@functools.lru_cache(maxsize=8192)
def _measured(bits):
    """One of some thousand values with long fractions: spelling each anew would cost too much."""
    return spelling.spell_number(bits % MEASURED / 7)


def _time(epoch):
    return f'{{"$reql_type$":"TIME","epoch_time":{epoch},"timezone":"+00:00"}}'


def _iso(number):
    moment = datetime.datetime.fromtimestamp(EPOCH + number * 60, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + f".{number % 1000:03d}Z"


def device(seed, number):
    bits = mixed(seed, "devices", number)
    serial = float(bits >> 4)
    return uuid_text(seed, "devices", number), {
        "enabled": bits % 7 != 0, "id": uuid_text(seed, "devices", number),
        "firmware": values.make_binary(bits.to_bytes(8, "big") * (bits % 13)),
        "installed": values.make_time(EPOCH - bits % 10**8),
        "limits": {"high": round(bits % 9973 / 7, 6), "low": -0.0, "ppm": 1e-7 * (bits % 90 + 10)},
        "location": {"$reql_type$": "GEOMETRY", "type": "Point",
                     "coordinates": [round(bits % 360 - 179.9, 3), round(bits % 180 - 89.3, 3)]},
        "name": f"device {number} {UNITS[bits % 5]}", "serial": serial,
        "tags": [STATES[bits % 4], float(number), None, {"nested": [True, {"deep": 1e21}]}]}


def reading_text(seed, number):
    """A reading's JSON, written directly: this table is the large one."""
    bits = mixed(seed, "readings", number)
    stamp = EPOCH + number / 8 if number % 8 else EPOCH + number // 8
    return (f'{{"batch":{bits >> 60},"device":"{_device_of(seed, number % DEVICES)}",'
            f'"id":"{uuid_text(seed, "readings", number)}",'
            f'"quality":{{"low":{bits % 997},"source":"line-{bits % 17}","valid":true}},'
            f'"raw":{{"$reql_type$":"BINARY","data":"{bits % 10**8:08d}"}},'
            f'"unit":"{UNITS[bits % 5]}","updated_at":{_time(stamp)},'
            f'"value":{_measured(bits % MEASURED)}}}')


def reading(seed, number):
    return uuid_text(seed, "readings", number), reading_text(seed, number)


def alarm(seed, number):
    bits = mixed(seed, "alarms", number)
    text = TEXTS[bits % len(TEXTS)]
    return float(number), {
        "acknowledged": bits % 3 == 0, "device": _device_of(seed, number % DEVICES),
        "id": float(number), "modified_at": _iso(number), "severity": float(bits % 5),
        "text": text, "trail": [{"at": _iso(number), "by": "op" + str(bits % 9)}]}


def site(seed, number):
    bits = mixed(seed, "sites", number)
    name = f"site-{number:04d}" + ("-Łódź", "-東京", "-😀", "")[bits % 4]
    x, y = float(bits % 90), float(bits % 80)
    ring = [[x, y], [x + 1, y], [x + 1, y + 1], [x, y]]
    return name, {
        "area": {"$reql_type$": "GEOMETRY", "type": "Polygon", "coordinates": [ring]},
        "contact": None, "opened": values.make_time(EPOCH - number * 86400.0, "+05:30"),
        "site": name,
        "shifts": {"early": {"from": "06:00", "to": "14:00"}, "late": {}, "night": []}}


def event(seed, number):
    bits = mixed(seed, "events", number)
    key = [f"line-{number % 7}", float(number)]
    return key, {"id": key, "kind": STATES[bits % 4], "timestamp": EPOCH + number + 0.25,
                 "took_ms": float(bits % 100000)}


def tie(seed, number):
    name = f"t{number:07d}"
    return name, {"id": name, "n": float(number), "updated_at": values.make_time(float(EPOCH))}


def big(seed, number):
    filler = "x\u0001ü" * (256 << min(number, 16))
    return float(number), {"filler": filler, "id": float(number)}


MAKERS = {"devices": device, "readings": reading, "alarms": alarm, "sites": site, "events": event,
          "ties": tie, "big": big}
FIXED = {"oddkeys": odd.keys, "oddrows": odd.rows, "empty": list}
TABLE_SALT = {name: 0x1234567 * (at + 1) for at, name in enumerate(MAKERS)}
PRIMARY_KEYS = {"sites": "site"}
INDEXES = {"readings": ["updated_at"], "events": ["timestamp"], "ties": ["updated_at"]}
STAMPS = {"readings": ("updated_at", "time"), "alarms": ("modified_at", "iso"),
          "events": ("timestamp", "epoch"), "ties": ("updated_at", "time")}
SIZES = {"devices": 200, "readings": 5000, "alarms": 300, "sites": 40, "events": 400}


def pairs_of(seed, name, start, count):
    """(order key, text) of rows `start` up to `start + count` of a plant table."""
    if name in FIXED:
        found = FIXED[name]()
    else:
        found = (MAKERS[name](seed, number) for number in range(start, start + count))
    for key, row in found:
        text = row.encode() if type(row) is str else spelling.encode(row)
        yield values.order_key(key), text


def build(world, database, name, count, kind=None):
    """Creates a table and fills it; `kind` names the recipe when the table is called otherwise."""
    kind = kind or (name if name in MAKERS or name in FIXED else "ties")
    table = world.create_table(database, name, PRIMARY_KEYS.get(kind, "id"))
    table.stamp = STAMPS.get(kind)
    table.kind = kind
    for index in INDEXES.get(kind, []):
        table.indexes[index] = Index(index)
    table.load(pairs_of(world.seed, kind, 0, count))
    return table


def stamp_of(table, now):
    """A time stamp in the form that the table uses, or None."""
    if table.stamp is None:
        return None
    form = table.stamp[1]
    if form == "time":
        return values.make_time(now)
    if form == "epoch":
        return round(now, 3)
    moment = datetime.datetime.fromtimestamp(now, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def change(world, table, count, start=0):
    """Changes `count` rows from the `start`-th key on: a counter, and the stamp if there is one."""
    stamp = stamp_of(table, world.clock())
    for key in table.keys[start:start + count]:
        row = table.rows[key].value
        row["changed"] = row.get("changed", 0.0) + 1
        if stamp is not None:
            row[table.stamp[0]] = stamp
        table.put(key, spelling.encode(row))
    return min(count, max(0, len(table.keys) - start))
