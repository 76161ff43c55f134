#!/usr/bin/env python3
"""A real server must lower ids as drivers/raven/fold.c does; TIDEGATE_RAVENDB says which version.

Each letter that has a case in any script is part of an id of its own. The tombstones of these ids
tell their lower case, which is what the server compares by.
"""

import os
import pathlib
import re
import sys
import unittest

TESTS = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TESTS))

from servers import ravendb  # noqa: E402

VERSION = os.environ.get("TIDEGATE_RAVENDB") or "6.2.4"
FOLD = TESTS.parent / "drivers" / "raven" / "fold.c"
RANGE = re.compile(r"\{ (0x[0-9A-F]+), (0x[0-9A-F]+), (\d), (-?\d+) \}")
LETTERS_END = 0x20000
BATCH = 1000


def ours():
    lowered = {}
    for first, last, step, delta in RANGE.findall(FOLD.read_text(encoding="utf-8")):
        for letter in range(int(first, 16), int(last, 16) + 1, int(step)):
            lowered[letter] = letter + int(delta)
    return lowered


def cased():
    """Letters whose case differs either way, in Python's Unicode."""
    return [letter for letter in range(0x41, LETTERS_END)
            if not 0xD800 <= letter < 0xE000
            and (chr(letter).lower() != chr(letter) or chr(letter).upper() != chr(letter))]


def key(letter):
    return f"{letter:x}/{chr(letter)}."


class Fold(unittest.TestCase):
    def test_ids_are_lowered_as_ours(self):
        letters, lowered = cased(), ours()
        self.assertGreater(len(letters), 2000)
        self.assertGreater(len(lowered), 1000)
        fold = ravendb.own_name("fold")
        with ravendb.shared(VERSION) as server, server.connect() as client:
            client.create(fold)
            client.fill(fold, "Letters", ((key(letter), {}) for letter in letters))
            for at in range(0, len(letters), BATCH):
                client.bulk(fold, [ravendb.remove(key(letter))
                                     for letter in letters[at:at + BATCH]])
            stones = {stone["Id"] for stone in client.tombstones(fold)}
            client.drop(fold)
        self.assertEqual(len(stones), len(letters))
        wanted = {f"{letter:x}/{chr(lowered.get(letter, letter))}." for letter in letters}
        self.assertEqual(stones, wanted)


if __name__ == "__main__":
    ravendb.need(VERSION)
    unittest.main()
