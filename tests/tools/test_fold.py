#!/usr/bin/python3
"""drivers/raven/fold.c must hold Unicode's simple lower case, letter for letter.

Python's tables are an independent copy of UnicodeData.txt. Above U+FFFF the server lowers nothing
(tests/e2e/ravendb/test_fold.py). A Python with a newer Unicode than ours
knows letters that we must not: then only what we have is held against it.
"""

import os
import re
import unicodedata
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
OURS = (14, 0)
RANGE = re.compile(r"\{ (0x[0-9A-F]+), (0x[0-9A-F]+), (\d), (-?\d+) \}")


def table():
    with open(os.path.join(ROOT, "drivers", "raven", "fold.c"), encoding="utf-8") as file:
        rows = RANGE.findall(file.read())
    return [(int(first, 16), int(last, 16), int(step), int(delta))
            for first, last, step, delta in rows]


def letters(rows):
    return {letter: letter + delta for first, last, step, delta in rows
            for letter in range(first, last + 1, step)}


def python_letters():
    lowered = {}
    for letter in range(0x10000):
        lower = chr(letter).lower()
        if len(lower) == 1 and ord(lower) != letter:
            lowered[letter] = ord(lower)
    return lowered


class Fold(unittest.TestCase):
    def test_ranges_are_in_order_and_apart(self):
        rows = table()
        self.assertGreater(len(rows), 100)
        for one, other in zip(rows, rows[1:]):
            self.assertLess(one[1], other[0])

    def test_letters_are_pythons(self):
        ours, python = letters(table()), python_letters()
        for letter, lower in ours.items():
            self.assertEqual(python.get(letter), lower, hex(letter))
        version = tuple(int(part) for part in unicodedata.unidata_version.split(".")[:2])
        if version == OURS:
            self.assertEqual(set(ours), set(python))

    def test_no_lower_case_is_lowered_again(self):
        ours = letters(table())
        for letter, lower in ours.items():
            self.assertNotIn(lower, ours, hex(letter))

    def test_the_dotted_i_stays(self):
        self.assertNotIn(0x130, letters(table()))


if __name__ == "__main__":
    unittest.main()
