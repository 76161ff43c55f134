#!/usr/bin/env python3
"""Tests of tests/audit.py: an auditor that finds nothing would pass everything."""

import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import audit  # noqa: E402

STREAM = "rethinkdb/plant/t"


def line(seq, key, row=None, instance="i-1", stream=STREAM):
    """A delivered line: an upsert of `row`'s members, or a delete."""
    op = "delete" if row is None else "upsert"
    body = "" if not row else "," + row
    return (f'{{"_tidegate":{{"instance":"{instance}","stream":"{stream}","op":"{op}","seq":{seq},'
            f'"key":{key},"time":"2026-11-21T12:00:00.000Z"}}{body}}}\n')


def two(first='"id":1,"a":0.10', second='"id":2,"a":2'):
    return [line(1, "1", first), line(2, "2", second)]


class AuditTest(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="tidegate-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)

    def report(self, lines, rows=('{"id":1,"a":0.10}', '{"id":2,"a":2}'), shape="columns"):
        (self.folder / "t.000000000001-000000000002.ndjson").write_text("".join(lines))
        truth = audit.Truth().add_rows(STREAM, map(audit.parse, rows))
        return audit.audit(audit.Arrived().add_folders(self.folder), truth, shape)

    def found(self, lines, **kinds):
        report = self.report(lines)
        wanted = {**dict.fromkeys(audit.KINDS, 0), **kinds}
        self.assertEqual(report.counts, wanted, str(report))

    def test_nothing(self):
        self.found(two())
        self.found([*two(), line(3, "3", '"id":3'), line(4, "3")])

    def test_lost(self):
        self.found(two()[:1], lost=1)
        self.found([*two(), line(3, "2")], lost=1)

    def test_stale(self):
        self.found(two(second='"id":2,"a":3'), stale=1)
        self.found(two(second='"id":2'), stale=1)
        self.found(two(second='"id":2,"a":2,"b":1'), stale=1)
        self.found(two(second='"id":2,"a":"2"'), stale=1)
        self.found(two(first='"id":1,"a":0.1'), stale=1)  # another spelling is another number

    def test_undeleted(self):
        self.found([*two(), line(3, "3", '"id":3')], undeleted=1)
        self.found([*two(), line(3, '"1"', '"id":"1"')], undeleted=1)  # "1" is not 1

    def test_doubled(self):
        self.found([*two(), line(2, "2", '"id":2,"a":2')], doubled=1)

    def test_gaps_and_disorder(self):
        self.found([two()[0], line(3, "2", '"id":2,"a":2')], gaps=1)
        self.found(two()[::-1], disorder=1)

    def test_repeated(self):
        self.found([*two(), line(3, "2", '"id":2,"a":2')], repeated=1)
        self.found([*two(), line(3, "3"), line(4, "3")], repeated=1)

    def test_malformed(self):
        self.found([*two(), "{}\n"], malformed=1)
        self.found([*two(), '{"a":1,"_tidegate":{}}\n'], malformed=1)
        self.found([*two(), "\0\0\n"], malformed=1)
        self.found([*two(), line(3, "3")[:-1]], malformed=1)

    def test_unknown(self):
        self.found([*two(), line(1, "1", '"id":1', stream="rethinkdb/plant/u")], unknown=1)

    def test_instances_are_apart(self):
        self.found([*two(), line(1, "2", '"id":2,"a":2', instance="i-2")])

    def test_values(self):
        row = ('{"id":1,"t":{"$reql_type$":"TIME","epoch_time":1.0005,"timezone":"+01:00"},'
               '"far":{"$reql_type$":"TIME","epoch_time":1e13,"timezone":"+00:00"},'
               '"b":{"$reql_type$":"BINARY","data":"QUJD\\r\\nREVG"},"n":{"x":[1.50]},'
               '"g":{"$reql_type$":"GEOMETRY","coordinates":[1,2],"type":"Point"},"_tidegate":0}')
        plain = ('"id":1,"t":"1970-01-01T00:00:01.001Z","far":"1e13","b":"QUJDREVG",'
                 '"_tidegate_":0,')
        columns = plain + ('"n":"{\\"x\\":[1.50]}",'
                           '"g":"{\\"coordinates\\":[1,2],\\"type\\":\\"Point\\"}"')
        document = plain + '"n":{"x":[1.50]},"g":{"coordinates":[1,2],"type":"Point"}'
        for shape, right, wrong in (("columns", columns, document),
                                    ("document", document, columns)):
            self.assertEqual(self.report([line(1, "1", right)], [row], shape).faults(), 0)
            self.assertEqual(self.report([line(1, "1", wrong)], [row], shape).counts["stale"], 1)

    def test_files_of_a_consumer_are_put_in_order(self):
        taken = self.folder / "taken"
        taken.mkdir()
        first, second = two()
        (self.folder / "t.000000000002.open").write_text(second)
        (taken / "t.000000000001-000000000001.ndjson").write_text(first)
        truth = audit.Truth().add_rows(STREAM, map(audit.parse, ('{"id":1,"a":0.10}',
                                                                 '{"id":2,"a":2}')))
        arrived = audit.Arrived().add_folders(self.folder, taken)
        self.assertEqual(audit.audit(arrived, truth).faults(), 0)


if __name__ == "__main__":
    unittest.main()
