#!/usr/bin/env python3
"""tools/summary.py must count failures, skips with their reasons, and rings that never ran."""

import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
PASSED = '<testcase name="unit.a" status="run"/>'
FAILED = '<testcase name="unit.b" status="fail"><failure message=""/></testcase>'
SKIPPED = ('<testcase name="e2e.c" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/>'
           "<system-out>SKIP: no server\n</system-out></testcase>")
SILENT = ('<testcase name="e2e.d" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/>'
          "<system-out></system-out></testcase>")
ABSENT = '<testcase name="e2e.e" status="notrun"><skipped message="Unable to find"/></testcase>'


def summary(*reports, options=()):
    """Runs the program over reports, None being one that is missing; returns status and lines."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, cases in enumerate(reports):
            os.mkdir(os.path.join(folder, f"preset{number}"))
            paths.append(os.path.join(folder, f"preset{number}", "junit.xml"))
            if cases is not None:
                with open(paths[-1], "w", encoding="utf-8") as file:
                    file.write(f"<testsuite>{cases}</testsuite>")
        done = subprocess.run([sys.executable, os.path.join(ROOT, "tools", "summary.py"), *options,
                               *paths], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.splitlines()


class Summary(unittest.TestCase):
    def test_all_passed(self):
        self.assertEqual(summary(PASSED, PASSED), (0, ["2 passed, 0 failed, 0 skipped"]))

    def test_a_skip_is_listed_with_its_reason(self):
        self.assertEqual(summary(PASSED + SKIPPED), (
            0, ["skipped  preset0: e2e.c: no server", "1 passed, 0 failed, 1 skipped"]))

    def test_a_ring_that_cannot_run_here_is_listed_and_counted(self):
        self.assertEqual(summary(PASSED, options=("--skipped", "arm64: all tests: no compiler")), (
            0, ["skipped  arm64: all tests: no compiler", "1 passed, 0 failed, 1 skipped"]))

    def test_failures(self):
        for cases, word in ((FAILED, "unit.b"), (SILENT, "without a reason"),
                            (ABSENT, "Unable to find"), (None, "no test was run"),
                            ("", "no test was run")):
            status, lines = summary(PASSED, cases)
            self.assertEqual(status, 1)
            self.assertIn(word, lines[0])
            self.assertEqual(lines[-1], "1 passed, 1 failed, 0 skipped")

    def test_nothing_passed_is_a_failure(self):
        self.assertEqual(summary(SKIPPED)[0], 1)


if __name__ == "__main__":
    unittest.main()
