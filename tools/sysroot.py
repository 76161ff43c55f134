#!/usr/bin/env python3
"""Brings the sources of libraries: tools/sysroot.py OUT [PACKAGE...]

Without names those that the shipped program is built with: OUT/mbedtls, OUT/lmdb, OUT/cjson and
OUT/zlib are the trees as Debian patches them; OUT/SOURCES says which versions they are and the
SHA-256 of each package's description, which names the hashes of its parts. They are fetched once
into the user's cache folder. What cannot be fetched is an error.
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
                     "tidegate")


def describe(dsc):
    """Returns "PACKAGE VERSION SHA256" of a source package's description."""
    with open(dsc, "rb") as file:
        content = file.read()
    fields = dict(line.split(": ", 1) for line in content.decode().splitlines() if ": " in line)
    return f"{fields['Source']} {fields['Version']} {hashlib.sha256(content).hexdigest()}\n"


def collect(folder, packages):
    """Fetches the packages into `folder`/sources."""
    made = os.path.join(folder, "sources")
    os.makedirs(made)
    debian.prepare(folder)
    with open(os.path.join(made, "SOURCES"), "w", encoding="utf-8") as list_:
        for package in packages:
            tree, dsc = debian.fetch(folder, package)
            list_.write(describe(dsc))
            os.rename(tree, os.path.join(made, package))
    return made


def cached(packages):
    """Returns the folder that holds them all, filled on the first call."""
    name = "-".join(("sources", debian.SUITE, *(() if packages == PACKAGES else packages)))
    kept = os.path.join(CACHE, name)
    if os.path.isdir(kept):
        return kept
    os.makedirs(CACHE, exist_ok=True)
    with open(kept + ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(kept):
            with tempfile.TemporaryDirectory(dir=CACHE) as folder:
                os.rename(collect(folder, packages), kept)
    return kept


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    out, packages = sys.argv[1], tuple(sys.argv[2:]) or PACKAGES
    try:
        sources = cached(packages)
    except debian.Unavailable as why:
        sys.exit(f"the sources of {', '.join(packages)} cannot be fetched: {why}")
    with open(os.path.join(sources, "SOURCES"), encoding="utf-8") as file:
        wanted = file.read()
    have = os.path.join(out, "SOURCES")
    if os.path.exists(have) and open(have, encoding="utf-8").read() == wanted:
        return
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(sources, out, symlinks=True)


if __name__ == "__main__":
    main()
