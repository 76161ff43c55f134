#!/usr/bin/env python3
"""The rules of the house, as a test that fails: tools/tidy.py [ROOT]

Reads every file that git would commit and prints PATH:LINE: FAULT for each broken rule. There is no
list of exceptions: where a rule is wrong, the rule is changed here, for all files.
"""

import ast
import os
import re
import subprocess
import sys

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 500
COLUMNS_MAX = 100
TAB_COLUMNS = 8
PARAMETERS_MAX = 4

CODE = (".c", ".h", ".py", ".sh", ".cmake")
CODE_NAMES = ("CMakeLists.txt", "Kconfig", "do", "defconfig", "run")
OURS = ("app/", "drivers/", "platform/")

# One vendor library, one folder.
VENDORS = (
    (r"lmdb\.h", "app/outbox/"),
    (r"cjson/.*|cJSON\.h", "drivers/json/json.c"),
    (r"(mbedtls|psa)/.*", "platform/mbedtls/"),
    (r"zlib\.h", "drivers/http/"),
    (r"(lwip|netif|arch)/.*", "platform/lwip/"),
)

# What a source, a sink or the path between them never hears of: the network stack beneath platform.
STACK = re.compile(r"lwip", re.IGNORECASE)
STACKLESS = ("app/", "drivers/")

# The arrows between folders: the first row that matches a file names all that it may include. What
# wires the stages together (main.c, cli/ and the registry) may see everything.
ARROWS = (
    (r"app/main\.c|app/cli/.*", r"(app|drivers|platform)/.*"),
    (r"app/.*", r"app/(outbox/)?[^/]+\.h|platform/(err|view|log|assert)\.h"),
    (r"drivers/[^/]+", r"app/[^/]+\.h|drivers/.*|platform/[^/]+\.h"),
    (r"drivers/(json)/.*", r"app/[^/]+\.h|drivers/{0}/.*|platform/[^/]+\.h"),
    (r"drivers/([^/]+)/.*", r"app/[^/]+\.h|drivers/({0}|http|json)/.*|platform/[^/]+\.h"),
    (r"platform/([^/]+)/.*", r"platform/([^/]+\.h|{0}/.*)"),
    (r"platform/.*", r"platform/[^/]+\.h"),
)

HEAP = re.compile(r"\b(malloc|calloc|realloc|reallocarray|free|strn?dup|v?asprintf|getline|getdelim"
                  r"|open_memstream|aligned_alloc|posix_memalign|alloca)\s*\(")
FLOATS = re.compile(r"\b(float|double|strto[df]|strtold|atof)\b")
TYPEDEF = re.compile(r"\btypedef\s+(const\s+)?(struct|union|enum)\b")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
MACHINE_PATH = re.compile(r"/(work|home|root|Users)/")
LEFT_OPEN = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
CONTROL = ("if", "for", "while", "switch", "return", "sizeof")


def blank(match):
    """Keeps the line breaks of a match, so that line numbers stay true."""
    return "\n" * match.group().count("\n") or " "


def without_comments(text):
    """Returns C text with each comment blanked; strings stay."""
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'',
                  lambda m: m.group() if m.group()[0] in "\"'" else blank(m), text, flags=re.S)


def without_strings(text):
    return re.sub(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', '""', text)


def without_preprocessor(text):
    """Blanks directives with their continuations, and all but the first branch of an #if."""
    kept, skipping, continued = [], [], False
    for line in text.split("\n"):
        word = re.match(r"\s*#\s*(\w+)", line)
        word = word.group(1) if word and not continued else ""
        if word in ("if", "ifdef", "ifndef"):
            skipping.append(False)
        elif word in ("else", "elif") and skipping:
            skipping[-1] = True
        elif word == "endif" and skipping:
            skipping.pop()
        directive = bool(word) or continued
        continued = directive and line.endswith("\\")
        kept.append("" if directive or any(skipping) else line)
    return "\n".join(kept)


def parameters(head):
    """Counts the parameters of the last balanced (...) of a function's head."""
    end = head.rfind(")")
    depth, commas, start = 0, 0, 0
    for at in range(end, -1, -1):
        depth += {")": 1, "(": -1}.get(head[at], 0)
        commas += head[at] == "," and depth == 1
        if depth == 0:
            start = at
            break
    inside = head[start + 1:end].strip()
    return 0 if inside in ("", "void") else commas + (not inside.endswith("..."))


def function_name(head):
    """Returns the name that a top-level head declares as a function, or None."""
    head = re.sub(r"__attribute__\s*\(\(.*?\)\)", " ", head, flags=re.S)
    if "=" in head or not head.rstrip().endswith(")"):
        return None
    name = re.search(r"(\w+)\s*\(", head)
    return name.group(1) if name and name.group(1) not in CONTROL else None


def functions(text):
    """Yields (name, first line, last line, parameter count) of each function in bare C text."""
    depth, head_start, name, first, count = 0, 0, None, 0, 0
    for match in re.finditer(r"[{};]", text):
        at, char = match.start(), match.group()
        if char == "{":
            if depth == 0:
                head = text[head_start:at]
                name = function_name(head)
                lead = len(head) - len(head.lstrip())
                first = text.count("\n", 0, head_start + lead) + 1
                count = parameters(head) if name else 0
            depth += 1
        elif char == "}":
            depth -= 1
            if depth == 0 and name:
                yield name, first, text.count("\n", 0, at) + 1, count
                name = None
        if depth == 0:
            head_start = at + 1


class Tidy:
    def __init__(self, root):
        self.root = root
        self.faults = []

    def fault(self, path, line, text):
        self.faults.append(f"{path}:{line}: {text}")

    def files(self):
        listed = subprocess.run(["git", "-C", self.root, "ls-files", "-co", "--exclude-standard"],
                                capture_output=True, text=True, check=False)
        if listed.returncode == 0:
            names = listed.stdout.splitlines()
        else:
            names = [os.path.relpath(os.path.join(folder, name), self.root)
                     for folder, _, inside in os.walk(self.root) for name in inside]
        for name in sorted(set(names)):
            base = os.path.basename(name)
            if not name.startswith("build/") and (base.endswith(CODE) or base in CODE_NAMES):
                if os.path.isfile(os.path.join(self.root, name)):
                    yield name

    def check(self):
        count = 0
        for path in self.files():
            count += 1
            with open(os.path.join(self.root, path), encoding="utf-8") as file:
                text = file.read()
            self.check_lines(path, text)
            if path.endswith((".c", ".h")):
                self.check_c(path, text)
            elif path.endswith(".py"):
                self.check_python(path, text)
        return count

    def check_lines(self, path, text):
        lines = text.split("\n")
        if lines[-1] != "":
            self.fault(path, len(lines), "the last line does not end")
        if len(lines) - 1 > FILE_LINES_MAX:
            self.fault(path, len(lines) - 1, f"{len(lines) - 1} lines, {FILE_LINES_MAX} at most")
        for number, line in enumerate(lines, 1):
            columns = len(line.expandtabs(TAB_COLUMNS))
            if columns > COLUMNS_MAX:
                self.fault(path, number, f"{columns} columns, {COLUMNS_MAX} at most")
            if line != line.rstrip():
                self.fault(path, number, "blanks at the end of the line")
            if MACHINE_PATH.search(line):
                self.fault(path, number, "a path of one machine")
            if LEFT_OPEN.search(line):
                self.fault(path, number, "left open: finish it or leave it out")
            if path.startswith(STACKLESS) and STACK.search(line):
                self.fault(path, number, "the network stack is platform's affair")

    def check_c(self, path, text):
        code = without_comments(text)
        for number, line in enumerate(code.split("\n"), 1):
            include = INCLUDE.match(line)
            if include:
                self.check_include(path, number, include.group(1) == "<", include.group(2))
            elif line.startswith(" ") and line.strip():
                self.fault(path, number, "indented by blanks; use tabs")
        bare = without_strings(code)
        if path.startswith(OURS):
            self.check_words(path, bare)
            self.check_manual(path, text)
        for name, first, last, count in functions(without_preprocessor(bare)):
            self.check_length(path, first, name, last)
            # A wrapped function has the parameters of what it wraps, lwIP's port those of lwIP.
            if count > PARAMETERS_MAX and not name.startswith(("__wrap_", "sys_")):
                self.fault(path, first, f"{name}: {count} parameters, then a struct")

    def check_length(self, path, first, name, last):
        lines = last - first + 1
        if lines > FUNCTION_LINES_MAX:
            self.fault(path, first, f"{name}: {lines} lines, {FUNCTION_LINES_MAX} at most")

    def check_words(self, path, bare):
        """What no code of ours says, but for the files named boot.c, which carve memory, and for
        the one that LMDB calls instead of the C library."""
        for number, line in enumerate(bare.split("\n"), 1):
            heap = HEAP.search(line)
            if heap and os.path.basename(path) not in ("boot.c", "pages.c"):
                self.fault(path, number, f"{heap.group(1)}() outside boot.c")
            # A vendor's only includer has the vendor's types: cJSON's numbers are doubles.
            speaks = any(path == home for _, home in VENDORS)
            if FLOATS.search(line) and not path.startswith("platform/") and not speaks:
                self.fault(path, number, "a floating-point number on the path of data")
            if TYPEDEF.search(line):
                self.fault(path, number, "a struct is named by its tag, not by a typedef")

    def check_manual(self, path, text):
        base = os.path.basename(path)
        if base.endswith(".h") and not text.startswith(f"/* {base} - "):
            self.fault(path, 1, f"a header is a manual page: begin with '/* {base} - ...'")

    def check_include(self, path, number, system, name):
        for pattern, home in VENDORS:
            if re.fullmatch(pattern, name) and path.startswith(OURS) and not path.startswith(home):
                self.fault(path, number, f"{name} belongs to {home} alone")
        if system:
            return
        if not os.path.dirname(name):
            self.fault(path, number, f"{name}: include paths start at the root")
        for files, allowed in ARROWS:
            match = re.fullmatch(files, path)
            if match:
                if not re.fullmatch(allowed.format(*match.groups()), name):
                    self.fault(path, number, f"{name}: this folder must not know it")
                return

    def check_python(self, path, text):
        for node in ast.walk(ast.parse(text, path)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self.check_length(path, node.lineno, node.name, node.end_lineno)


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..")
    tidy = Tidy(os.path.abspath(root))
    count = tidy.check()
    for line in tidy.faults:
        print(line)
    print(f"{count} files, {len(tidy.faults)} faults")
    return 1 if tidy.faults or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
