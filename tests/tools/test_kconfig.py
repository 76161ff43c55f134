#!/usr/bin/python3
"""tools/kconfig.py must stop at what kconfiglib only warns of, and write what C can include."""

import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
TOOL = os.path.abspath(os.path.join(ROOT, "tools", "kconfig.py"))
KCONFIG = """
config TG_A_BYTES_MAX
\tint "a"
\tdefault 64
\trange 32 128

config TG_B
\tbool "b"

config TG_C_COUNT
\tint "c"
\tdepends on TG_B
\tdefault 3
"""


def generate(*fragments, kconfig=KCONFIG):
    """Returns the exit status, what was said, and the header for these defconfig texts."""
    with tempfile.TemporaryDirectory() as root:
        with open(os.path.join(root, "Kconfig"), "w", encoding="utf-8") as file:
            file.write(kconfig)
        names = []
        for number, text in enumerate(fragments):
            names.append(f"defconfig{number}")
            with open(os.path.join(root, names[-1]), "w", encoding="utf-8") as file:
                file.write(text)
        done = subprocess.run([sys.executable, TOOL, "generate", ".", *names], cwd=root,
                              capture_output=True, text=True, check=False)
        header = os.path.join(root, "autoconf.h")
        if not os.path.exists(header):
            return done.returncode, done.stderr, ""
        with open(header, encoding="utf-8") as file:
            return done.returncode, done.stderr, file.read()


class Kconfig(unittest.TestCase):
    def test_later_fragments_win(self):
        status, _, header = generate("CONFIG_TG_A_BYTES_MAX=32\n", "CONFIG_TG_A_BYTES_MAX=128\n")
        self.assertEqual(status, 0)
        self.assertEqual(header, "#define CONFIG_TG_A_BYTES_MAX 128\n")

    def stops(self, text, word, **more):
        status, said, header = generate(text, **more)
        self.assertEqual(status, 1)
        self.assertIn(word, said)
        self.assertEqual(header, "")

    def test_an_unknown_symbol_stops(self):
        self.stops("CONFIG_TG_NOPE=1\n", "TG_NOPE")

    def test_a_value_out_of_range_stops(self):
        self.stops("CONFIG_TG_A_BYTES_MAX=129\n", "TG_A_BYTES_MAX")
        self.stops("CONFIG_TG_A_BYTES_MAX=many\n", "TG_A_BYTES_MAX")

    def test_a_value_without_what_it_depends_on_stops(self):
        self.stops("CONFIG_TG_C_COUNT=5\n", "TG_C_COUNT")
        self.assertEqual(generate("CONFIG_TG_B=y\nCONFIG_TG_C_COUNT=5\n")[0], 0)

    def test_a_broken_kconfig_stops(self):
        self.stops("", "Kconfig", kconfig="config\n")


if __name__ == "__main__":
    unittest.main()
