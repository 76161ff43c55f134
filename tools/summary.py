#!/usr/bin/env python3
"""Sums up CTest's reports: tools/summary.py [--skipped "WHAT: WHY"]... REPORT.xml...

Prints what failed and what was skipped with the reason that the test gave, then one line with the
three counts. A report that is missing means that its tests were never run, and counts as a failure;
what this machine cannot do at all is named by --skipped instead.
"""

import argparse
import os
import sys
import xml.etree.ElementTree as xml

SKIPPED_BY_TEST = "SKIP_RETURN_CODE=77"


def reason(output):
    """Returns what a test printed behind SKIP:, or an empty string."""
    said = [line[5:].strip() for line in output.splitlines() if line.startswith("SKIP:")]
    return said[-1] if said else ""


def judge(case):
    """Returns "passed", "failed" or "skipped" and a reason for one test of a report."""
    skipped = case.find("skipped")
    if case.find("failure") is not None or case.get("status") == "fail":
        return "failed", "see its output above"
    if skipped is None:
        return "passed", ""
    if skipped.get("message") != SKIPPED_BY_TEST:
        return "failed", skipped.get("message") or "was not run"
    why = reason(case.findtext("system-out") or "")
    return ("skipped", why) if why else ("failed", "was skipped without a reason")


def read(path):
    """Yields (verdict, "preset: test", reason) for each test of a report."""
    preset = os.path.basename(os.path.dirname(os.path.abspath(path)))
    try:
        cases = list(xml.parse(path).getroot().iter("testcase"))
    except (OSError, xml.ParseError):
        cases = []
    if not cases:
        yield "failed", f"{preset}: build", "no test was run"
    for case in cases:
        verdict, why = judge(case)
        yield verdict, f"{preset}: {case.get('name')}", why


def main(skipped, paths):
    rows = [row for path in paths for row in read(path)]
    rows += [("skipped", *what.split(": ", 1)) for what in skipped]
    for wanted in ("skipped", "failed"):
        for verdict, name, why in rows:
            if verdict == wanted:
                print(f"{verdict}  {name}: {why}")
    counts = {word: sum(row[0] == word for row in rows) for word in ("passed", "failed", "skipped")}
    print(", ".join(f"{count} {word}" for word, count in counts.items()))
    return 0 if counts["passed"] and not counts["failed"] else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--skipped", action="append", default=[])
    parser.add_argument("reports", nargs="+")
    given = parser.parse_args()
    sys.exit(main(given.skipped, given.reports))
