#!/usr/bin/env python3
"""tools/size.py must give each byte to its module, sum up to the program, and hold the budget."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import size  # noqa: E402

SOURCES = {
    "tg_json": """
static const char table[3000] = {1};
static int same(int at) { return table[at] * 3; }
int (*volatile json_same)(int) = same;
int scan(int at) { return json_same(at) + table[at + 1]; }""",
    "source_lmdb": """
static char pages[50000];
static int same(int at) { return pages[at] + 5; }
int (*volatile lmdb_same)(int) = same;
int put(int at) { pages[at] = 1; return lmdb_same(at); }""",
    "tg_sim": "int same_name_but_not_linked;",
    "tidegate": """
int scan(int at), put(int at);
int main(int count, char **words) { return scan(count) + put(count) + words[0][0]; }""",
}


def build(folder, *flags):
    """Builds a program as CMake lays it out."""
    objects = {}
    for name, text in SOURCES.items():
        where = folder / "CMakeFiles" / f"{name}.dir"
        where.mkdir(parents=True)
        (where / "a.c").write_text(text, encoding="utf-8")
        subprocess.run(["gcc", "-Os", "-ffunction-sections", "-fdata-sections", *flags, "-c",
                        "a.c", "-o", "a.c.o"], cwd=where, check=True)
        objects[name] = where / "a.c.o"
        if name != "tidegate":
            subprocess.run(["gcc-ar", "rc", f"lib{name}.a", objects[name]], cwd=folder, check=True)
    subprocess.run(["gcc", "-Os", "-ffunction-sections", "-fdata-sections", *flags,
                    "-Wl,-Map=tidegate.map", "-s", "-o", "tidegate", objects["tidegate"],
                    "libtg_json.a", "libsource_lmdb.a"], cwd=folder, check=True)


class Size(unittest.TestCase):
    def setUp(self):
        if shutil.which("gcc-ar") is None:
            print("SKIP: gcc is not installed")
            sys.exit(77)
        holder = tempfile.TemporaryDirectory(prefix="tidegate-size-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)

    def look(self, *flags):
        build(self.folder, *flags)
        table = size.Table(self.folder)
        total = sum(size.in_file(sizes) for sizes in table.modules.values())
        self.assertEqual(total, os.path.getsize(self.folder / "tidegate"))
        self.assertEqual(table.program_bytes, total)
        json, lmdb = table.modules["drivers/json"], table.modules["LMDB"]
        self.assertIn(json["rodata"], range(3000, 3100))
        self.assertIn(lmdb["bss"], range(50000, 50100))
        self.assertGreater(min(json["text"], lmdb["text"]), 0)
        self.assertGreater(table.modules["app"]["text"], 0)
        self.assertNotIn("platform/sim", table.modules)

    def test_by_objects(self):
        self.look()

    def test_by_functions_where_the_program_is_optimised_as_a_whole(self):
        self.look("-flto", "-ffat-lto-objects", "-flto-partition=one")

    def test_a_budget_that_is_too_small_fails(self):
        build(self.folder)
        program = os.path.getsize(self.folder / "tidegate")
        for most, code in ((program, 0), (program - 1, 1)):
            limit = self.folder / "size.budget"
            limit.write_text(f"# why\n{most}\n", encoding="utf-8")
            done = subprocess.run([sys.executable, ROOT / "tools" / "size.py", self.folder,
                                   "--budget", limit], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertEqual(f"{most} at most" in done.stderr, code == 1)


if __name__ == "__main__":
    unittest.main()
