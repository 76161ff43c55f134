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

SUITE = "trixie"  # the first with 3.6
TESTS = ("tls", "crypto", "pool", "conn")
ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),
                     "tidegate", "mbedtls-3.6")


def skip(reason):
    print(f"SKIP: {reason}")
    sys.exit(77)


def mirror():
    """Returns the address that this machine's apt takes Debian from."""
    with open("/etc/os-release", encoding="utf-8") as file:
        words = dict(line.strip().split("=", 1) for line in file if "=" in line)
    name = words.get("VERSION_CODENAME", "").strip('"')
    asked = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(CODENAME) $(REPO_URI)", "Created-By: Packages"],
        capture_output=True, text=True, check=False)
    for line in asked.stdout.splitlines():
        codename, _, address = line.partition(" ")
        if codename == name and address:
            return address
    return skip("apt names no Debian mirror")


def apt(folder, *command):
    """Runs apt-get on a source list of our own; the machine's lists stay as they are."""
    options = [
        f"Dir::Etc::sourcelist={folder}/sources.list", "Dir::Etc::sourceparts=-",
        f"Dir::State::lists={folder}/lists", "Dir::Cache::pkgcache=", "Dir::Cache::srcpkgcache=",
        "Acquire::http::Timeout=15", "Acquire::https::Timeout=15", "Acquire::Retries=1",
        "APT::Update::Error-Mode=any",
    ]
    flags = [word for option in options for word in ("-o", option)]
    done = subprocess.run(["apt-get", *flags, "-q", *command], cwd=folder, timeout=300,
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = (done.stderr.strip() or "no reason given").splitlines()
        skip(f"no source of mbedTLS 3.6: apt-get {command[0]}: {lines[-1]}")


def source(folder):
    """Fetches and unpacks the source package; returns its folder."""
    for tool in ("apt-get", "dpkg-source", "make"):
        if shutil.which(tool) is None:
            skip(f"{tool} is not installed")
    os.makedirs(os.path.join(folder, "lists", "partial"))
    with open(os.path.join(folder, "sources.list"), "w", encoding="utf-8") as file:
        file.write(f"deb-src {mirror()} {SUITE} main\n")
    apt(folder, "update")
    apt(folder, "--download-only", "source", "mbedtls")
    package = [name for name in os.listdir(folder) if name.endswith(".dsc")]
    subprocess.run(["dpkg-source", "-x", package[0], "source"], cwd=folder, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return os.path.join(folder, "source")


def build_library(folder):
    """Builds the static libraries with an allocator hook into `folder`/made."""
    tree = source(folder)
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
        os.rename(build_library(folder), CACHE)
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
