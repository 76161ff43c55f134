"""A skip in the middle of a unittest is neither a fault nor a success."""

import pathlib
import subprocess
import sys
import unittest

TESTS = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = """
import sys, unittest
sys.path.insert(0, sys.argv.pop(1))
import skips
class Case(unittest.TestCase):
    def test_a(self):
        self.assertTrue({fine})
    def test_b(self):
        {second}
skips.main()
"""


class Skips(unittest.TestCase):
    def run_with(self, fine, second):
        done = subprocess.run([sys.executable, "-c", PROGRAM.format(fine=fine, second=second),
                               TESTS], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
        return done.returncode, [line for line in done.stdout.splitlines()
                                 if line.startswith("SKIP:")]

    def test_ends_of_a_program(self):
        lacking = 'skips.skip("no moon")'
        self.assertEqual(self.run_with(True, "pass"), (0, []))
        self.assertEqual(self.run_with(True, lacking), (77, ["SKIP: no moon"]))
        self.assertEqual(self.run_with(False, lacking), (1, ["SKIP: no moon"]))

    def test_outside_of_a_unittest(self):
        done = subprocess.run([sys.executable, "-c", "import skips; skips.skip('no sun')"],
                              cwd=TESTS, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (77, "\nSKIP: no sun\n"))
        self.assertEqual(done.stderr, "")


if __name__ == "__main__":
    unittest.main()
