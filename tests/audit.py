#!/usr/bin/env python3
"""The auditor: holds what arrived against what the database holds. Lost, doubled, out of order?

    tests/audit.py --arrived DIR [--arrived DIR] --truth STREAM=DUMP.ndjson[:PRIMARY_KEY] ...
    tests/audit.py --lines FILE --server HOST:PORT --database NAME [--source rethinkdb]

`arrived` are folders of delivered lines (rotated and open files, a consumer's folder too); the
truth is a dump of raw rows, one a line, or the server itself. The conversions are written here a
second time, on purpose: the auditor shares no code with what it judges.

    lost         a row of the database whose key never arrived, or whose last news is a delete
    stale        the newest line of a key is not the row as the database has it
    undeleted    a key that arrived and is gone from the database, without a delete behind it
    doubled      one (instance, stream, seq) on two lines
    gaps         a sequence between 1 and the last of its stream that never arrived
    disorder     a sequence behind a higher one of the same instance and stream
    repeated     two versions of a key in a row with the same content
    malformed    a line that is torn, no JSON, or without an envelope
    unknown      a stream that the truth does not name

Exit status: 0 nothing found, 1 something found, 2 wrong use.
"""

import argparse
import dataclasses
import datetime
import decimal
import hashlib
import json
import pathlib
import re
import sys

KINDS = ("lost", "stale", "undeleted", "doubled", "gaps", "disorder", "repeated", "malformed",
         "unknown")
EXAMPLES_MAX = 3
NAME = re.compile(r"^(?P<stem>.+?)\.(?P<first>\d{12,})(-\d+)?(~\d+)?\.(ndjson|open)$")
DAY_ZERO = datetime.datetime(1970, 1, 1)


# --- values -------------------------------------------------------------------------------------

def number(text):
    """A number is its characters: nothing here may round."""
    return ("#", text)


DECODER = json.JSONDecoder(parse_int=number, parse_float=number)


def parse(raw):
    """One JSON text; a lone surrogate arrives as its three bytes or as its escape."""
    return DECODER.decode(raw.decode("utf-8", "surrogatepass") if isinstance(raw, bytes) else raw)


def pseudo(value):
    return value.get("$reql_type$") if isinstance(value, dict) else None


def identity(key):
    """What makes a key that key: 1 beside "1" differ, -0.0 and 0 do not, nor do time zones."""
    if isinstance(key, tuple):
        return ("number", decimal.Decimal(key[1]))
    if isinstance(key, list):
        return tuple(identity(part) for part in key)
    if pseudo(key) == "TIME":
        return ("time", decimal.Decimal(key["epoch_time"][1]))
    if pseudo(key) == "BINARY":
        return ("binary", "".join(key["data"].split()))
    return (type(key).__name__, key)


def iso(epoch):
    """A TIME's number as ISO 8601 UTC; outside the years 0001-9999 the number's own text."""
    ms = (decimal.Decimal(epoch) * 1000).to_integral_value(decimal.ROUND_HALF_UP)
    try:
        moment = DAY_ZERO + datetime.timedelta(milliseconds=int(ms))
    except OverflowError:
        return epoch
    return moment.strftime(f"{moment.year:04d}-%m-%dT%H:%M:%S.") + f"{int(ms) % 1000:03d}Z"


def converted(value):
    """A value as a line carries it, its pseudo-types replaced."""
    if isinstance(value, list):
        return [converted(part) for part in value]
    kind = pseudo(value)
    if kind == "TIME":
        return iso(value["epoch_time"][1])
    if kind == "BINARY":
        return "".join(value["data"].split())
    if isinstance(value, dict):
        return {name: converted(part) for name, part in value.items()
                if not (kind == "GEOMETRY" and name == "$reql_type$")}
    return value


def same(row, line, shape):
    """Whether the members of a line are those of the database's row."""
    names = dict(zip(row, row))
    if "_tidegate" in row:
        name = "_tidegate_"
        while name in row:
            name += "_"
        names["_tidegate"] = name
    if len(line) != len(row) + 1:
        return False
    for source, value in row.items():
        wanted, got = converted(value), line.get(names[source], line)
        if shape == "columns" and isinstance(wanted, (dict, list)):
            if not isinstance(got, str):
                return False
            got = parse(got)
        if got != wanted:
            return False
    return True


# --- what arrived -------------------------------------------------------------------------------

@dataclasses.dataclass(slots=True)
class Line:
    """One delivered line; `raw` is parsed again when its row is compared."""

    instance: str
    stream: str
    seq: int
    op: str
    key: object
    raw: bytes
    content: bytes
    time: str


def read_line(raw):
    """The Line of these bytes; ValueError when they are none."""
    found = parse(raw)
    envelope = found["_tidegate"] if isinstance(found, dict) else None
    if not isinstance(envelope, dict) or next(iter(found)) != "_tidegate":
        raise ValueError("no envelope in front")
    if envelope["op"] not in ("upsert", "delete"):
        raise ValueError(f"op {envelope['op']}")
    behind = raw[raw.index(b'"time":'):]
    content = hashlib.sha1(behind[behind.index(b"}"):]).digest()
    return Line(envelope["instance"], envelope["stream"], int(envelope["seq"][1]), envelope["op"],
                identity(envelope["key"]), raw, content, envelope["time"])


class Arrived:
    """All lines in the order in which they arrived."""

    def __init__(self):
        self.lines, self.malformed, self.files = [], [], 0

    def add(self, raw, where):
        try:
            self.lines.append(read_line(raw))
        except (ValueError, KeyError, TypeError) as error:
            self.malformed.append(f"{where}: {error}: {raw[:80]!r}")

    def add_text(self, data, where):
        """Lines that each end with LF; what stands behind the last LF is torn."""
        *whole, rest = data.split(b"\n")
        for at, raw in enumerate(whole, 1):
            self.add(raw, f"{where}:{at}")
        if rest:
            self.malformed.append(f"{where}: torn line: {rest[:80]!r}")

    def add_file(self, path):
        """One file in the order of its lines: what a receiver stored."""
        self.add_text(pathlib.Path(path).read_bytes(), pathlib.Path(path).name)
        self.files += 1
        return self

    def instances(self):
        return {line.instance for line in self.lines}

    def add_folders(self, *folders):
        """The files of these folders: of one stem and instance by first sequence, then by time."""
        found = []
        for folder in folders:
            for path in pathlib.Path(folder).iterdir():
                match = NAME.match(path.name)
                if match:
                    part = type(self)()
                    part.add_text(path.read_bytes(), path.name)
                    found.append((match["stem"], int(match["first"]), part))
        begun = {}
        for stem, _, part in found:
            if part.lines:
                group, time = (stem, part.lines[0].instance), part.lines[0].time
                begun[group] = min(time, begun.get(group, time))

        def rank(item):
            stem, first, part = item
            instance = part.lines[0].instance if part.lines else ""
            return stem, begun.get((stem, instance), ""), instance, first
        for _, _, part in sorted(found, key=rank):
            self.lines += part.lines
            self.malformed += part.malformed
            self.files += 1
        return self


# --- the truth ----------------------------------------------------------------------------------

class Truth:
    """The rows of the database: {stream: {key: row}}. Another kind of database overrides key() and
    same(): see e2e/ravendb/raven.py."""

    def __init__(self):
        self.streams = {}

    def key(self, found):
        """What two spellings of a line's key have in common."""
        return found

    def same(self, row, line, shape):
        """Whether this line is this row."""
        return same(row, line, shape)

    def holds(self, row, line, shape):
        """The same of a Line as it arrived; who judges one line again and again may remember."""
        return self.same(row, parse(line.raw), shape)

    def add_rows(self, stream, rows, primary_key="id"):
        self.streams[stream] = {identity(row[primary_key]): row for row in rows}
        return self

    def add_dump(self, stream, path, primary_key="id"):
        with open(path, "rb") as lines:
            return self.add_rows(stream, map(parse, lines), primary_key)


# --- the judgement ------------------------------------------------------------------------------

class Report:
    """What was found, by kind, with the first few examples of each."""

    def __init__(self):
        self.counts = dict.fromkeys(KINDS, 0)
        self.examples = {kind: [] for kind in KINDS}
        self.lines = self.rows = 0

    def add(self, kind, text):
        self.counts[kind] += 1
        if len(self.examples[kind]) < EXAMPLES_MAX:
            self.examples[kind].append(text)

    def faults(self, allowed=()):
        """How many findings there are apart from the kinds that are allowed."""
        return sum(count for kind, count in self.counts.items() if kind not in allowed)

    def __str__(self):
        text = [f"{self.lines} lines, {self.rows} rows: " + ", ".join(
            f"{count} {kind}" for kind, count in self.counts.items() if count or kind in
            ("lost", "doubled"))]
        for kind in KINDS:
            text += [f"    {kind}: {example}" for example in self.examples[kind]]
        return "\n".join(text)


def judge_sequences(lines, report):
    """Each (instance, stream) counts 1, 2, 3 ... in the order of arrival."""
    seen, last = {}, {}
    for line in lines:
        group = (line.instance, line.stream)
        numbers = seen.setdefault(group, set())
        where = f"{line.stream} seq {line.seq} of {line.instance}, key {line.key}"
        if line.seq in numbers:
            report.add("doubled", where)
        elif line.seq < last.get(group, 0):
            report.add("disorder", f"{where} behind {last[group]}")
        numbers.add(line.seq)
        last[group] = max(last.get(group, 0), line.seq)
    for (instance, stream), numbers in seen.items():
        if len(numbers) != max(numbers):
            for missing in sorted(set(range(1, max(numbers) + 1)) - numbers):
                report.add("gaps", f"{stream} seq {missing} of {instance}")


def newest_of(lines, truth, report):
    """{stream: {key: the newest line}}, by arrival; repeats of one content are reported."""
    newest = {}
    for line in lines:
        keys, key = newest.setdefault(line.stream, {}), truth.key(line.key)
        before = keys.get(key)
        if (before is not None and before.instance == line.instance and before.seq != line.seq
                and (before.op, before.content) == (line.op, line.content)):
            report.add("repeated", f"{line.stream} key {line.key} seq {before.seq} and {line.seq}")
        keys[key] = line
    return newest


def judge_stream(stream, truth, newest, shape, report):
    rows = truth.streams[stream]
    for key, row in rows.items():
        line = newest.get(key)
        if line is None or line.op == "delete":
            report.add("lost", f"{stream} key {key}" + (", deleted last" if line else ""))
        elif not truth.holds(row, line, shape):
            report.add("stale", f"{stream} key {key} seq {line.seq}")
    for key, line in newest.items():
        if key not in rows and line.op != "delete":
            report.add("undeleted", f"{stream} key {key} seq {line.seq}")


def audit(arrived, truth, shape="columns"):
    """The report of `arrived` held against `truth`."""
    report = Report()
    report.lines = len(arrived.lines)
    report.rows = sum(map(len, truth.streams.values()))
    for text in arrived.malformed:
        report.add("malformed", text)
    judge_sequences(arrived.lines, report)
    newest = newest_of(arrived.lines, truth, report)
    for stream in newest.keys() - truth.streams.keys():
        report.add("unknown", stream)
    for stream in truth.streams:
        judge_stream(stream, truth, newest.get(stream, {}), shape, report)
    return report


def truth_of_server(options):
    """Reads every table of a database over ReQL."""
    import reql  # beside this file; only needed here
    host, _, port = options.server.partition(":")
    truth = Truth()
    with reql.Connection(host, int(port or 28015), options.user, options.password) as server:
        for table in server.tables(options.database):
            truth.add_rows(f"{options.source}/{options.database}/{table}",
                           server.rows(options.database, table),
                           server.primary_key(options.database, table))
    return truth


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--arrived", action="append", default=[], metavar="DIR")
    parser.add_argument("--lines", metavar="FILE", help="what a receiver stored, in its order")
    parser.add_argument("--truth", action="append", default=[], metavar="STREAM=DUMP[:KEY]")
    parser.add_argument("--server", metavar="HOST:PORT")
    parser.add_argument("--database")
    parser.add_argument("--user", default="admin")
    parser.add_argument("--password", default="")
    parser.add_argument("--source", default="rethinkdb")
    parser.add_argument("--shape", default="columns", choices=("columns", "document"))
    parser.add_argument("--allow", action="append", default=[], choices=KINDS)
    options = parser.parse_args()
    if bool(options.server) == bool(options.truth) or (
            bool(options.server) != bool(options.database)):
        parser.error("give --truth, or --server with --database")
    truth = truth_of_server(options) if options.server else Truth()
    for text in options.truth:
        stream, _, path = text.partition("=")
        path, _, key = path.partition(":")
        truth.add_dump(stream, path, key or "id")
    arrived = Arrived().add_folders(*options.arrived)
    if options.lines:
        arrived.add_file(options.lines)
    report = audit(arrived, truth, options.shape)
    print(report)
    return 1 if report.faults(options.allow) else 0


if __name__ == "__main__":
    sys.exit(main())
