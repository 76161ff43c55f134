"""The packages of which a server is made: from the registries that pip and npm are set up to use.

The hashes are the whole trust: whatever a registry or a mirror sends must be these bytes.
"""

import dataclasses
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

FETCH_SECONDS_MAX = 900
RUNTIME_NAME, RUNTIME_VERSION = "@azure/mcp-linux-x64", "0.1.0"
RUNTIME_SHA256 = "51403454aa9363a731cfd469cbf001c8e51bcec361f2baf4cd8a704eb6d65220"


class Unavailable(Exception):
    """The server cannot be had here; the text is the reason that a skipped test gives."""


@dataclasses.dataclass(frozen=True)
class Wheel:
    """One release of PyPI's ravendb-embedded, which carries the server."""

    release: str
    sha256: str


WHEELS = {
    "5.4.207": Wheel("5.4.0", "bf24b86a9892b37469075f7e2f728d7018d2c2d660623545c35c63244a80efd0"),
    "6.2.4": Wheel("6.2.4", "49fd268eca307d43706170b1cf8b78f9122877b18b51bcca734c54d154cce2b8"),
    "7.1.5": Wheel("7.1.5", "d99800b89be6b6658033f259c19664fb367bc7335a0eda4e6718110f9baef9fe"),
}


def sha256(path):
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()


def run(what, command, folder):
    """Runs a fetching command in `folder`; its failure is the reason why there is no server."""
    environment = dict(os.environ, npm_config_update_notifier="false")
    try:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True,
                              timeout=FETCH_SECONDS_MAX, check=False)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{what} took longer than {FETCH_SECONDS_MAX} s") from None
    if done.returncode:
        lines = done.stderr.splitlines()
        said = [line for line in lines if line.lower().startswith(("error", "npm err"))] or lines
        raise Unavailable(f"{what} failed: {said[-1].strip()[:200] if said else 'without a word'}")


def only_file(folder, sha):
    """The one file that was fetched, its bytes the right ones."""
    path, = pathlib.Path(folder).iterdir()
    found = sha256(path)
    if found != sha:
        path.unlink()
        raise Unavailable(f"{path.name} has SHA-256 {found}, expected {sha}")
    return path


def fresh(folder, name):
    path = pathlib.Path(folder) / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def pip():
    """How pip is called here: this Python's own, else the one on the PATH."""
    own = [sys.executable, "-m", "pip"]
    if subprocess.run([*own, "--version"], capture_output=True, check=False).returncode == 0:
        return own
    other = shutil.which("pip3") or shutil.which("pip")
    if not other:
        raise Unavailable("no pip: install python3-pip")
    return [other]


def wheel(version, folder):
    """Fetches the server's wheel below `folder`; its path."""
    release = WHEELS[version]
    target = fresh(folder, "wheel")
    run(f"pip download ravendb-embedded=={release.release}",
        [*pip(), "download", "--quiet", "--no-deps", "--no-cache-dir", "--retries", "2",
         "--only-binary", ":all:", "--dest", str(target),
         f"ravendb-embedded=={release.release}"], folder)
    return only_file(target, release.sha256)


def runtime(folder):
    """Fetches the .NET runtime's tarball below `folder`; its path."""
    if not shutil.which("npm"):
        raise Unavailable("no npm: install npm")
    target = fresh(folder, "runtime")
    run(f"npm pack {RUNTIME_NAME}@{RUNTIME_VERSION}",
        ["npm", "pack", "--silent", "--fetch-retries=2",
         "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000",
         "--pack-destination", str(target),
         f"{RUNTIME_NAME}@{RUNTIME_VERSION}"], folder)
    return only_file(target, RUNTIME_SHA256)
