"""What the machine boots into: our init, the drivers, and the files of a test, as one cpio archive.

    build(parts, {"/bin/tidegate": path_or_bytes, ...}, out)
"""

import hashlib
import os
import pathlib
import stat
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
COMPILER = "aarch64-linux-musl-gcc"
FLAGS = ("-static", "-Os", "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wshadow",
         "-Wconversion", "-Werror", "-s", "-I", str(HERE.parent.parent))
FOLDERS = ("dev", "proc", "sys", "tmp", "etc", "bin", "data", "modules")
CONSOLE = 5 << 8 | 1  # the device's number, major and minor


def compile_init(build):
    """The path of our init, compiled anew when its sources changed."""
    sources = sorted((HERE / "init").glob("*.[ch]"))
    known = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    made = pathlib.Path(build) / "vm" / f"init-{known}"
    if not made.exists():
        made.parent.mkdir(parents=True, exist_ok=True)
        fresh = made.with_suffix(f".{os.getpid()}")
        subprocess.run([COMPILER, *FLAGS, "-o", str(fresh),
                        *(str(path) for path in sources if path.suffix == ".c")], check=True)
        fresh.rename(made)
    return made


class Archive:
    """A cpio archive of the "new" format, in memory."""

    def __init__(self):
        self.parts, self.count = [], 0

    def add(self, name, mode, content=b"", device=0):
        self.count += 1
        encoded = name.encode() + b"\0"
        fields = (self.count, mode, 0, 0, 1, 0, len(content), 0, 0, device >> 8, device & 255,
                  len(encoded), 0)
        head = b"070701" + b"".join(b"%08x" % field for field in fields) + encoded
        for part in (head, content):
            self.parts.append(part + b"\0" * (-len(part) % 4))

    def end(self):
        self.add("TRAILER!!!", 0)
        return b"".join(self.parts)


def build(parts, init, files, out):
    """Writes the archive to `out`. `files`: {path in the machine: bytes, text or a path here}."""
    archive = Archive()
    folders = {"": None, **dict.fromkeys(FOLDERS)}
    for name in files:
        for parent in reversed(pathlib.PurePath(name.lstrip("/")).parents[:-1]):
            folders[str(parent)] = None
    for folder in filter(None, folders):
        archive.add(folder, stat.S_IFDIR | 0o755)
    archive.add("dev/console", stat.S_IFCHR | 0o600, device=CONSOLE)
    archive.add("init", stat.S_IFREG | 0o755, init.read_bytes())
    for module in parts.modules:
        archive.add(f"modules/{module.name}", stat.S_IFREG | 0o644, module.read_bytes())
    archive.add("modules/list", stat.S_IFREG | 0o644,
                "".join(f"{module.name}\n" for module in parts.modules).encode())
    for name, content in files.items():
        if isinstance(content, pathlib.Path):
            content = content.read_bytes()
        elif isinstance(content, str):
            content = content.encode()
        archive.add(name.lstrip("/"), stat.S_IFREG | 0o755, content)
    out.write_bytes(archive.end())
