#!/usr/bin/env python3
"""Brings the sources of the libraries that the shipped program is built with: tools/sysroot.py OUT

OUT/mbedtls, OUT/lmdb, OUT/cjson and OUT/zlib are the trees as Debian patches them; OUT/SOURCES says
which versions they are and the SHA-256 of each package's description, which names the hashes of its
parts. They are fetched once into the user's cache folder. What cannot be fetched is an error.
"""

import fcntl
import hashlib
import os
import shutil
import sys
import tempfile

import debian

PACKAGES = ("mbedtls", "lmdb", "cjson", "zlib")
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),
                     "tidegate", f"sources-{debian.SUITE}")


def describe(dsc):
    """Returns "PACKAGE VERSION SHA256" of a source package's description."""
    with open(dsc, "rb") as file:
        content = file.read()
    fields = dict(line.split(": ", 1) for line in content.decode().splitlines() if ": " in line)
    return f"{fields['Source']} {fields['Version']} {hashlib.sha256(content).hexdigest()}\n"


def collect(folder):
    """Fetches every package into `folder`/sources."""
    made = os.path.join(folder, "sources")
    os.makedirs(made)
    debian.prepare(folder)
    with open(os.path.join(made, "SOURCES"), "w", encoding="utf-8") as list_:
        for package in PACKAGES:
            tree, dsc = debian.fetch(folder, package)
            list_.write(describe(dsc))
            os.rename(tree, os.path.join(made, package))
    return made


def cached():
    """Returns the folder that holds them all, filled on the first call."""
    if os.path.isdir(CACHE):
        return CACHE
    os.makedirs(os.path.dirname(CACHE), exist_ok=True)
    with open(CACHE + ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(CACHE):
            with tempfile.TemporaryDirectory(dir=os.path.dirname(CACHE)) as folder:
                os.rename(collect(folder), CACHE)
    return CACHE


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    out = sys.argv[1]
    try:
        sources = cached()
    except debian.Unavailable as why:
        sys.exit(f"the sources of {', '.join(PACKAGES)} cannot be fetched: {why}")
    with open(os.path.join(sources, "SOURCES"), encoding="utf-8") as file:
        wanted = file.read()
    have = os.path.join(out, "SOURCES")
    if os.path.exists(have) and open(have, encoding="utf-8").read() == wanted:
        return
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(sources, out, symlinks=True)


if __name__ == "__main__":
    main()
