#!/usr/bin/env python3
"""Where the bytes of a program go, by module: tools/size.py BUILD [--budget FILE] [--symbols N]

BUILD holds the program `tidegate`, the linker's map of it and the objects that it was linked of.
Each section that the map names is given to the object that it came from; where the linker optimised
the program as a whole and only knows functions, to the object that defines a function of that name.
Names that several modules define are shared out evenly; what is nobody's (alignment, headers,
strings of tables, functions that no object has before they are optimised together) has lines of its
own, so that the sum is the program's size: that of its file when it is stripped, else what of it is
loaded.

With --budget it fails when the program is larger than the number in board/NAME/size.budget.
"""

import argparse
import collections
import pathlib
import re
import struct
import sys

KINDS = ("text", "rodata", "data", "bss")
ALLOC, NOBITS, SYMTAB, UNDEFINED = 2, 8, 2, 0
# The libraries of cmake/layers.cmake that are not named as their folder below drivers/.
OURS = {"cli": "app/cli", "registry": "drivers", "app": "app", "outbox": "app/outbox",
        "mbedtls": "platform/mbedtls", "posix": "platform/posix", "dial": "platform/dial",
        "lwip": "platform/lwip", "common": "platform/common", "sim": "platform/sim"}
THEIRS = {"source_mbedtls": "mbedTLS", "source_lmdb": "LMDB", "source_cjson": "cJSON",
          "source_zlib": "zlib", "lmdb": "LMDB", "tgmbedtls": "mbedTLS", "tgmbedx509": "mbedTLS",
          "tgmbedcrypto": "mbedTLS", "mbedtls": "mbedTLS", "mbedx509": "mbedTLS",
          "mbedcrypto": "mbedTLS", "c": "C library", "gcc": "libgcc"}
SECTION = re.compile(r"^ (\S+)\s+0x[0-9a-f]+\s+0x([0-9a-f]+)(?: (/?\S.*))?$")
FILL, STRINGS, REST = "(alignment)", "(strings of tables)", "(headers and padding)"
MADE = "(made by the optimiser)"


def module_of(path):
    """Returns the module that an object or a member of an archive belongs to, or None."""
    archive = re.search(r"lib([\w]+)\.a\(", path)
    target = re.search(r"CMakeFiles/(\w+)\.dir/", path)
    name = archive[1] if archive else target[1] if target else ""
    if name == "tidegate":
        return "app"
    if name.startswith("tg_"):
        return OURS.get(name[3:], f"drivers/{name[3:]}")
    if name in THEIRS:
        return THEIRS[name]
    return "C library" if re.search(r"crt[^/]*\.o$", path) else None


def sections_of(content):
    """Yields (name, flags, bytes, type, offset, link) of a 64-bit little-endian ELF file."""
    start, = struct.unpack_from("<Q", content, 40)
    entry, count, names = struct.unpack_from("<HHH", content, 58)
    heads = [struct.unpack_from("<IIQQQQIIQQ", content, start + i * entry) for i in range(count)]
    text = heads[names][4]
    for head in heads:
        end = content.index(b"\0", text + head[0])
        yield (content[text + head[0]:end].decode(), head[2], head[5], head[1], head[4], head[6])


def symbols_of(content):
    """Yields the names of what an object defines."""
    sections = list(sections_of(content))
    for _, _, size, kind, offset, link in sections:
        if kind != SYMTAB:
            continue
        strings = sections[link][4]
        for at in range(offset, offset + size, 24):
            name, _, _, section = struct.unpack_from("<IBBH", content, at)
            if section != UNDEFINED and name:
                end = content.index(b"\0", strings + name)
                yield content[strings + name:end].decode()


def definitions(build, linker_map):
    """Returns {symbol: {module}} of the objects of the libraries that were linked."""
    known = collections.defaultdict(set)
    linked = {"tidegate", *re.findall(r"\blib(\w+)\.a\(", linker_map)}
    for path in build.glob("CMakeFiles/*.dir/**/*.o"):
        module = module_of(str(path))
        if module and path.relative_to(build).parts[1].removesuffix(".dir") in linked:
            for symbol in symbols_of(path.read_bytes()):
                known[symbol].add(module)
    return known


def kind_of(section):
    if section.startswith((".text", ".init", ".fini", ".plt")) and "_array" not in section:
        return "text"
    if section.startswith((".rodata", ".eh_frame", ".gcc_except", ".note", ".dyn", ".gnu",
                           ".hash", ".interp", ".rela")):
        return "rodata"
    return "bss" if section.startswith((".bss", "COMMON", ".tbss")) else "data"


def owners(section, path, known):
    """Returns the modules that share an input section."""
    module = module_of(path)
    if module:
        return [module]
    if re.fullmatch(r"\.rodata(\.str\d\.\d)?", section):
        return [STRINGS]
    name = re.sub(r"^\.(text|rodata|data\.rel\.ro|data|bss)\.", "", section)
    name = re.sub(r"^(startup|unlikely|exit|local)\.", "", name)
    name = re.sub(r"\.str\d\.\d$|\.cst\d+$", "", name)
    while name not in known and "." in name:  # .constprop.0, .lto_priv.1 ...
        name = name.rsplit(".", 1)[0]
    return sorted(known.get(name, [MADE]))


def read_map(text):
    """Yields (output section, input section, bytes, path) of a map; path None: a fill."""
    text = text[text.index("Linker script and memory map"):]
    text = re.sub(r"^( \S+)\n +(0x)", r"\1 \2", text, flags=re.M)
    output = ""
    for line in text.splitlines():
        if line[:1] in (".", "C") and line.split():
            output = line.split()[0]
            continue
        found = SECTION.match(line)
        if not found or not int(found[2], 16):
            continue
        if found[1] == "*fill*":
            yield output, FILL, int(found[2], 16), None
        elif found[3] and found[1].startswith((".", "COMMON")):
            yield output, found[1], int(found[2], 16), found[3]


class Table:
    """Bytes by module and kind, and by input section."""

    def __init__(self, build):
        program = (build / "tidegate").read_bytes()
        heads = [head for head in sections_of(program) if head[1] & ALLOC and head[2]]
        self.sizes = {head[0]: head[2] for head in heads}
        self.in_file = sum(head[2] for head in heads if head[3] != NOBITS)
        stripped = not any(head[0].startswith((".symtab", ".debug"))
                           for head in sections_of(program))
        # What is not stripped is judged by what it loads.
        self.program_bytes = len(program) if stripped else self.in_file
        self.modules = collections.defaultdict(collections.Counter)
        self.symbols = []
        linker_map = (build / "tidegate.map").read_text(encoding="utf-8")
        self.fill(read_map(linker_map), definitions(build, linker_map))

    def fill(self, rows, known):
        left = collections.Counter(self.sizes)
        for output, section, size, path in rows:
            if output not in self.sizes:
                continue
            size = min(size, left[output])
            left[output] -= size
            names = [FILL] if path is None else owners(section, path, known)
            for at, name in enumerate(names):  # the first takes what cannot be divided
                share = size // len(names) + (at < size % len(names))
                self.modules[name][kind_of(output)] += share
            self.symbols.append((size, section, "/".join(names)))
        for output, size in left.items():
            self.modules[FILL][kind_of(output)] += size
        self.modules[REST]["rodata"] += self.program_bytes - self.in_file

    def print(self, symbols):
        print(f"{'module':24}" + "".join(f"{kind:>10}" for kind in (*KINDS, "file")))
        rows = sorted(self.modules.items(), key=lambda row: -in_file(row[1]))
        total = collections.Counter()
        for name, sizes in rows:
            total.update(sizes)
            print_row(name, sizes)
        print_row("all", total)
        for size, section, name in sorted(self.symbols, reverse=True)[:symbols]:
            print(f"{size:8} {section}  {name}")


def in_file(sizes):
    return sum(sizes[kind] for kind in KINDS if kind != "bss")


def print_row(name, sizes):
    print(f"{name:24}" + "".join(f"{sizes[kind]:10}" for kind in KINDS) + f"{in_file(sizes):10}")


def budget(path):
    """Returns the one number in a file whose other lines are comments."""
    lines = path.read_text(encoding="utf-8").splitlines()
    number, = [line for line in lines if line and not line.startswith("#")]
    return int(number)


def main():
    words = argparse.ArgumentParser()
    words.add_argument("build", type=pathlib.Path)
    words.add_argument("--budget", type=pathlib.Path)
    words.add_argument("--symbols", type=int, default=0)
    given = words.parse_args()
    table = Table(given.build)
    table.print(given.symbols)
    if given.budget and table.program_bytes > budget(given.budget):
        sys.exit(f"the program has {table.program_bytes} bytes, {budget(given.budget)} at most "
                 f"({given.budget}): see above for where they went")


if __name__ == "__main__":
    main()
