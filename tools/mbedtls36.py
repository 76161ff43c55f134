#!/usr/bin/env python3
"""Runs the TLS and hash tests against mbedTLS 3.6: tools/mbedtls36.py BUILD

Debian 12 has mbedTLS 2.28; the shipped program is built with 3.6. Its source comes from the next
Debian suite over the machine's own mirror, is built once into the user's cache folder, and
BUILD/tls36 is a second build of the tree against it. Without network, apt or dpkg-source this is a
skip.
"""

import os
import shutil
import subprocess
import sys
import tempfile

import debian

TESTS = ("tls", "tls_keys", "identity", "crypto", "pool", "conn")
ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),
                     "tidegate", "mbedtls-3.6")


def skip(reason):
    print(f"SKIP: {reason}")
    sys.exit(77)


def build_library(folder):
    """Builds the static libraries with an allocator hook into `folder`/made."""
    if shutil.which("make") is None:
        skip("make is not installed")
    debian.prepare(folder)
    tree, _ = debian.fetch(folder, "mbedtls")
    subprocess.run([sys.executable, "scripts/config.py", "set", "MBEDTLS_PLATFORM_MEMORY"],
                   cwd=tree, check=True)
    subprocess.run(["make", "-s", f"-j{os.cpu_count()}", "lib", "CFLAGS=-O2 -g -fPIE"], cwd=tree,
                   check=True)
    made = os.path.join(folder, "made")
    shutil.copytree(os.path.join(tree, "include"), os.path.join(made, "include"))
    os.makedirs(os.path.join(made, "lib"))
    for part in ("tls", "x509", "crypto"):
        shutil.copy(os.path.join(tree, "library", f"libmbed{part}.a"),
                    os.path.join(made, "lib"))
    return made


def library():
    """Returns the cached library, made on the first call."""
    if os.path.isdir(CACHE):
        return CACHE
    os.makedirs(os.path.dirname(CACHE), exist_ok=True)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(CACHE)) as folder:
        try:
            os.rename(build_library(folder), CACHE)
        except debian.Unavailable as why:
            skip(f"no source of mbedTLS 3.6: {why}")
    return CACHE


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    build = os.path.join(os.path.abspath(sys.argv[1]), "tls36")
    board = os.environ.get("TIDEGATE_BOARD", "host")
    subprocess.run(["cmake", "-S", ROOT, "-B", build, "-G", "Ninja", f"-DTG_BOARD={board}",
                    "-DCMAKE_BUILD_TYPE=Release", f"-DTG_MBEDTLS_ROOT={library()}"],
                   check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", build, "--target", *(f"unit_{name}" for name in TESTS)],
                   check=True)
    names = "|".join(TESTS)
    sys.exit(subprocess.run(["ctest", "--test-dir", build, "--output-on-failure",
                             "--no-tests=error", "-R", f"^unit\\.({names})$"],
                            check=False).returncode)


if __name__ == "__main__":
    main()
