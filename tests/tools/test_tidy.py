#!/usr/bin/env python3
"""tools/tidy.py must catch each kind of bad sample, name its place, and pass a clean tree."""

import os
import sys
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tools"))

import tidy  # noqa: E402  (found through the path above)

GOOD = """/* one.c - a sample. */
#include <stdio.h>

#include "app/record.h"
#include "platform/err.h"

/* Braces in "strings" and 'characters' { are no code: malloc( in a comment neither. */
static int first(int a, int b, int c, int d)
{
	puts("} malloc(7) {");
	return a + b + c + d + '{';
}

#if A
int second(void)
{
#else
int second(int unused)
{
#endif
	return first(1, 2, 3, 4);
}

struct tg_table {
	int (*run)(int a, int b, int c, int d, int e);
};
"""


def faults(files):
    """Writes the files into an empty tree and returns what tidy finds there."""
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            whole = os.path.join(root, path)
            os.makedirs(os.path.dirname(whole), exist_ok=True)
            with open(whole, "w", encoding="utf-8") as file:
                file.write(text)
        checker = tidy.Tidy(root)
        checker.check()
        return checker.faults


def body(lines, head="void tg_long(void)"):
    return f"{head}\n{{\n" + "\twork();\n" * (lines - 3) + "}\n"


class Tidy(unittest.TestCase):
    def catches(self, path, text, fault, line=None):
        found = faults({path: text})
        self.assertEqual(len(found), 1, found)
        self.assertIn(fault, found[0])
        if line is not None:
            self.assertTrue(found[0].startswith(f"{path}:{line}: "), found[0])

    def passes(self, path, text):
        self.assertEqual(faults({path: text}), [])

    def test_a_clean_file_passes(self):
        self.passes("app/one.c", GOOD)

    def test_function_length(self):
        self.passes("app/a.c", body(70))
        self.catches("app/a.c", "\n" + body(71), "tg_long: 71 lines", 2)
        self.catches("tests/unit/test_a.c", body(71, "TG_TEST(long_one)"), "71 lines", 1)

    def test_function_length_counts_a_split_head(self):
        self.catches("app/a.c", body(70, "static int\nsplit(int a,\n\t\tint b)"), "72 lines")

    def test_function_length_of_python(self):
        self.catches("tools/a.py", "def long():\n" + "    work()\n" * 70, "long: 71 lines", 1)

    def test_file_length(self):
        self.passes("app/a.c", "int a;\n" * 500)
        self.catches("app/a.c", "int a;\n" * 501, "501 lines", 501)
        self.catches("tests/e2e/a.py", "a = 1\n" * 501, "501 lines")

    def test_columns_count_tabs_as_eight(self):
        self.passes("app/a.c", "\t" + "a" * 92 + "\n")
        self.catches("app/a.c", "\t" + "a" * 93 + "\n", "101 columns", 1)
        self.passes("app/a.c", "/* " + "\u00e9" * 94 + "*/\n")

    def test_indent_and_blanks(self):
        self.catches("app/a.c", "int a;\n  int b;\n", "use tabs", 2)
        self.catches("app/a.c", "int a; \n", "blanks at the end", 1)
        self.catches("app/a.c", "int a;", "does not end")

    def test_parameters(self):
        five = "int tg_a(int a, int (*b)(int, int), int c, int d, int e)\n{\n}\n"
        self.catches("app/a.c", five, "tg_a: 5 parameters", 1)
        self.passes("app/a.c", "int tg_a(int a, int b, int c, const char *d, ...)\n{\n}\n")
        self.passes("tests/fault/a.c", five.replace("tg_a", "__wrap_send"))
        self.passes("platform/lwip/a.c", five.replace("tg_a", "sys_thread_new"))

    def test_vendors(self):
        for name in ("lmdb.h", "cjson/cJSON.h", "mbedtls/ssl.h", "zlib.h"):
            self.catches("app/a.c", f"#include <{name}>\n", "alone", 1)
        self.catches("drivers/json/scan.c", "#include <cjson/cJSON.h>\n", "alone")
        self.passes("drivers/json/json.c", "#include <cjson/cJSON.h>\n")
        self.passes("app/outbox/env.c", "#include <lmdb.h>\n")
        self.passes("platform/mbedtls/tls.c", "#include <mbedtls/ssl.h>\n")
        self.passes("drivers/http/gzip.c", "#include <zlib.h>\n")
        self.catches("platform/dial/a.c", "#include <lwip/sockets.h>\n", "alone", 1)
        self.passes("platform/lwip/net.c", "#include <lwip/sockets.h>\n")

    def test_the_network_stack_is_not_known(self):
        self.catches("drivers/http/a.c", "/* lwIP has no such call. */\n", "platform's affair", 1)
        self.catches("app/a.c", "\n#ifdef CONFIG_TG_NET_LWIP\n#endif\n", "platform's affair", 2)
        self.passes("platform/net.h", "/* net.h - over lwIP too. */\n")

    def test_arrows(self):
        bad = (("app/a.c", "platform/net.h"), ("app/outbox/a.c", "platform/clock.h"),
               ("app/a.c", "drivers/json/scan.h"), ("app/a.c", "app/cli/cli.h"),
               ("drivers/file/a.c", "app/outbox/outbox.h"),
               ("drivers/file/a.c", "drivers/rethink/wire.h"),
               ("drivers/json/a.c", "drivers/http/http.h"), ("platform/log.h", "app/record.h"),
               ("platform/posix/a.c", "platform/sim/sim.h"),
               ("platform/posix/a.c", "drivers/json/scan.h"))
        for path, name in bad:
            text = f'/* log.h - a sample. */\n#include "{name}"\n'
            self.catches(path, text, "must not know it", 2)
        good = (("app/main.c", "drivers/registry.h"), ("app/cli/a.c", "platform/net.h"),
                ("app/a.c", "platform/log.h"), ("drivers/https/a.c", "drivers/http/http.h"),
                ("drivers/http/a.c", "drivers/json/json.h"),
                ("drivers/registry.c", "drivers/file/sink.h"),
                ("platform/sim/a.c", "platform/sim/world.h"),
                ("platform/mbedtls/a.c", "platform/net.h"), ("tests/unit/a.c", "app/outbox/b.h"))
        for path, name in good:
            self.passes(path, f'#include "{name}"\n')

    def test_include_paths_start_at_the_root(self):
        self.assertIn("start at the root", faults({"app/a.c": '#include "record.h"\n'})[0])

    def test_heap(self):
        for word in ("malloc", "calloc", "realloc", "free", "strdup", "asprintf", "alloca"):
            self.catches("drivers/file/a.c", f"int a;\nint b = {word}(1);\n", "outside boot.c", 2)
        self.passes("platform/posix/boot.c", "int b = malloc(1);\n")
        self.passes("app/a.c", "/* malloc(1) */\nint b = box_free(1);\n")
        self.passes("tests/unit/test_a.c", "int b = malloc(1);\n")

    def test_floats_and_typedefs(self):
        self.catches("app/a.c", "double a;\n", "floating-point", 1)
        self.catches("drivers/rethink/a.c", "int a = strtod(b, 0);\n", "floating-point", 1)
        self.passes("drivers/json/json.c", "double a;\n")
        self.passes("app/a.c", "/* a double */\nconst char *b = \"float\";\n")
        self.catches("app/a.c", "typedef struct tg_a tg_b;\n", "typedef", 1)

    def test_a_header_is_a_manual_page(self):
        self.passes("app/a.h", "/* a.h - a sample. */\n")
        self.catches("app/a.h", "#ifndef A\n#endif\n", "manual page", 1)

    def test_left_open_and_machine_paths(self):
        self.catches("app/a.c", "/* TO" "DO: later */\n", "left open", 1)
        self.catches("tests/a.py", "PATH = '/ho" "me/someone'\n", "one machine", 1)

    def test_kconfig_and_cmake_are_read_too(self):
        for path in ("app/Kconfig", "CMakeLists.txt", "cmake/a.cmake", "board/host/defconfig"):
            self.catches("x/" + path, "a" * 101 + "\n", "101 columns", 1)

    def test_the_program_fails_on_a_fault_and_on_an_empty_tree(self):
        with tempfile.TemporaryDirectory() as root:
            sys.argv = ["tidy.py", root]
            self.assertEqual(tidy.main(), 1)
            with open(os.path.join(root, "a.c"), "w", encoding="utf-8") as file:
                file.write("int a;\n")
            self.assertEqual(tidy.main(), 0)
            with open(os.path.join(root, "b.c"), "w", encoding="utf-8") as file:
                file.write("int b; \n")
            self.assertEqual(tidy.main(), 1)


if __name__ == "__main__":
    unittest.main()
