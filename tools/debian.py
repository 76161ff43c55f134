"""Source packages of the next Debian suite, over the mirror that this machine's apt already uses.

Debian 12 has mbedTLS 2.28 and LMDB 0.9.24; what we ship is built from newer sources. apt checks its
signatures; the machine's own lists stay as they are.
"""

import os
import shutil
import subprocess

SUITE = "trixie"  # the first with mbedTLS 3.6


class Unavailable(Exception):
    """The sources cannot be had here: no network, no apt, another distribution."""


def codename():
    """Returns the name of this machine's own release."""
    with open("/etc/os-release", encoding="utf-8") as file:
        words = dict(line.strip().split("=", 1) for line in file if "=" in line)
    return words.get("VERSION_CODENAME", "").strip('"')


def mirror():
    """Returns the address that this machine's apt takes Debian from."""
    name = codename()
    asked = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(CODENAME) $(REPO_URI)", "Created-By: Packages"],
        capture_output=True, text=True, check=False)
    for line in asked.stdout.splitlines():
        release, _, address = line.partition(" ")
        if release == name and address:
            return address
    raise Unavailable("apt names no Debian mirror")


def apt(folder, *command, tool="apt-get", more=()):
    """Runs apt-get, or `tool`, on a source list of our own; returns what it said."""
    options = [
        f"Dir::Etc::sourcelist={folder}/sources.list", "Dir::Etc::sourceparts=-",
        f"Dir::State::lists={folder}/lists", "Dir::Cache::pkgcache=", "Dir::Cache::srcpkgcache=",
        "Acquire::http::Timeout=15", "Acquire::https::Timeout=15", "Acquire::Retries=1",
        "APT::Update::Error-Mode=any", *more,
    ]
    flags = [word for option in options for word in ("-o", option)]
    done = subprocess.run([tool, *flags, "-q", *command], cwd=folder, timeout=300,
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = (done.stderr.strip() or "no reason given").splitlines()
        raise Unavailable(f"{tool} {' '.join(command)}: {lines[-1]}")
    return done.stdout


def prepare(folder):
    """Makes `folder` ready for fetch(): the suite's list of sources."""
    for tool in ("apt-get", "dpkg-source"):
        if shutil.which(tool) is None:
            raise Unavailable(f"{tool} is not installed")
    os.makedirs(os.path.join(folder, "lists", "partial"))
    with open(os.path.join(folder, "sources.list"), "w", encoding="utf-8") as file:
        file.write(f"deb-src {mirror()} {SUITE} main\n")
    apt(folder, "update")


def fetch(folder, package):
    """Fetches and unpacks one source package; returns its tree and its .dsc."""
    apt(folder, "--download-only", "source", package)
    found = [name for name in os.listdir(folder) if name.endswith(".dsc")]
    dsc = next(name for name in found if name.startswith(f"{package}_"))
    tree = os.path.join(folder, f"{package}-source")
    subprocess.run(["dpkg-source", "-x", dsc, tree], cwd=folder, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return tree, os.path.join(folder, dsc)
