"""Debian's arm64 cloud kernel, the drivers that a QEMU machine wants, and a shell: fetched once.

    parts = fetch()         parts.image, parts.shell: paths; parts.modules: paths, in the order in
                            which they can be loaded

The packages come over the machine's own mirror by lists of our own, so that neither root nor a
foreign architecture is wanted; apt checks the signatures. They are kept in the user's cache folder.
"""

import dataclasses
import fcntl
import json
import lzma
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import debian  # noqa: E402

KERNEL = "linux-image-cloud-arm64"  # depends on the newest kernel, whose name has its version
SHELL = "busybox-static"
DRIVERS = ("virtio_mmio", "virtio_console", "virtio_blk", "virtio_net")
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache",
                     "tidegate", f"vm-arm64-{debian.codename()}")
MAGIC_AT, MAGIC = 56, b"ARMd"  # of an image that QEMU can start as it is
APT = ("APT::Architecture=arm64", "APT::Architectures=arm64", "Dir::State::status=/dev/null",
       "Acquire::Languages=none")


@dataclasses.dataclass
class Parts:
    version: str
    image: pathlib.Path
    modules: list
    shell: pathlib.Path


def needs(module):
    """The names of the modules that this one's own section says it depends on."""
    found = re.search(rb"\0depends=([^\0]*)\0", module)
    return [name for name in (found[1].decode() if found else "").split(",") if name]


def read_module(tree, name):
    """A driver's bytes, unpacked; its file's name may have a `-` where the module has a `_`."""
    for path in tree.rglob("*.ko*"):
        if path.name.split(".ko")[0].replace("-", "_") == name:
            content = path.read_bytes()
            return lzma.decompress(content) if path.suffix == ".xz" else content
    raise debian.Unavailable(f"the kernel has no module {name}")


def collect(tree, names, into, order):
    """Writes the modules and all that they need, and their names behind those."""
    for name in names:
        if name in order:
            continue
        content = read_module(tree, name)
        collect(tree, needs(content), into, order)
        (into / f"{name}.ko").write_bytes(content)
        order.append(name)


def download(folder):
    """Brings the packages into `folder`."""
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise debian.Unavailable(f"{tool} is not installed")
    (folder / "lists/partial").mkdir(parents=True)
    (folder / "sources.list").write_text(
        f"deb {debian.mirror()} {debian.codename()} main\n", encoding="utf-8")
    debian.apt(folder, "update", more=APT)
    said = debian.apt(folder, "depends", KERNEL, tool="apt-cache", more=APT)
    name = re.search(r"Depends: (linux-image-\S+)", said)
    if not name:
        raise debian.Unavailable(f"{KERNEL} depends on no kernel")
    debian.apt(folder, "download", name[1], SHELL, more=APT)


def unpack(folder):
    """Makes folder/made: the image, the modules, the shell, and `parts.json`, which names them."""
    made, tree, order = folder / "made", folder / "tree", []
    made.mkdir()
    download(folder)
    packages = sorted(folder.glob("*.deb"))
    for package in packages:
        subprocess.run(["dpkg-deb", "-x", package, tree], check=True)
    image = next((tree / "boot").glob("vmlinuz-*"))
    content = image.read_bytes()
    if content[MAGIC_AT:MAGIC_AT + len(MAGIC)] != MAGIC:
        raise debian.Unavailable(f"{image.name} is packed in a way that QEMU cannot start")
    collect(tree, DRIVERS, made, order)
    (made / "image").write_bytes(content)
    shutil.copy(next(tree.glob("**/bin/busybox")), made / "shell")
    (made / "parts.json").write_text(json.dumps(
        {"version": image.name.partition("-")[2], "packages": [path.name for path in packages],
         "modules": order}), encoding="utf-8")
    return made


def fetch():
    """The cached parts, brought on the first call; debian.Unavailable where they cannot be had."""
    CACHE.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{CACHE}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not CACHE.is_dir():
            with tempfile.TemporaryDirectory(dir=CACHE.parent) as folder:
                os.chmod(folder, 0o755)
                unpack(pathlib.Path(folder)).rename(CACHE)
    said = json.loads((CACHE / "parts.json").read_text(encoding="utf-8"))
    return Parts(said["version"], CACHE / "image",
                 [CACHE / f"{name}.ko" for name in said["modules"]], CACHE / "shell")


if __name__ == "__main__":
    print(fetch())
