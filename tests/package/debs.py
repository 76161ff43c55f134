"""Builds the Debian packages and gives a clean Debian to install them in.

    debs.build("amd64", version="0.1.1")     the path of a .deb, made by cpack
    with debs.chroot() as root: ...          a fresh minimal Debian below `root`, thrown away after
"""

import contextlib
import fcntl
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from skips import skip  # noqa: E402

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache",
                     "tidegate")
SUITE = "bookworm"
COMPILERS = {"amd64": "musl-gcc", "arm64": "aarch64-linux-musl-gcc"}
BUILD_SECONDS_MAX = 900


def need(*tools):
    """Ends the test as skipped when the machine lacks one of these."""
    for tool in tools:
        if shutil.which(tool) is None and not os.path.exists(f"/usr/sbin/{tool}"):
            skip(f"{tool} is not installed")


def run(*words, **options):
    """Runs to success; what it said is the failure's text otherwise."""
    options.setdefault("timeout", BUILD_SECONDS_MAX)
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True,
                          check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, words))}: {done.returncode}\n"
                             f"{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


def folder(name):
    """The preset's own build folder for an architecture, else one beside the build under test."""
    if name in COMPILERS:
        return ROOT / "build" / f"gateway-{name}"
    return pathlib.Path(os.environ.get("TIDEGATE_BUILD", ROOT / "build")) / "package" / name


def bring_sources(where):
    """What the configuring would do first, but out of reach they are a skip and no failure."""
    where.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([sys.executable, ROOT / "tools" / "sysroot.py", where / "sysroot"],
                          capture_output=True, text=True, timeout=BUILD_SECONDS_MAX, check=False)
    if done.returncode != 0:
        skip(done.stderr.strip()[-300:])


def compile_program(architecture, name=None, target="all"):
    """Configures and builds a gateway preset in a folder of its own; returns that folder.

    The tests that want the same folder share it, with `./do`: one builds, the others wait and find
    it built."""
    need(COMPILERS[architecture], "dpkg-source", "cpack")
    if architecture == "arm64":
        need("qemu-aarch64-static")  # the manual is written by the program itself
    where = folder(name or architecture)
    where.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{where}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        bring_sources(where)
        run("cmake", "--preset", f"gateway-{architecture}", "-B", where, cwd=ROOT)
        run("cmake", "--build", where, "--target", target)
    return where


def pack(where, version=None):
    """Makes the .deb of a built folder; `version` in place of the project's."""
    out = where / (version or "own")
    shutil.rmtree(out, ignore_errors=True)
    extra = ["-D", f"CPACK_PACKAGE_VERSION={version}"] if version else []
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1790000000"}
    run("cpack", "-B", out, *extra, cwd=where, env=environment)
    return next(out.glob("*.deb"))


def cached(name, make):
    """Returns the path `name` in the cache, which make(folder) has made once below `folder`."""
    need("debootstrap", "dpkg", "tar")
    if os.geteuid() != 0:
        skip("a chroot needs root")
    made = CACHE / name
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(f"{made}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            with tempfile.TemporaryDirectory(dir=CACHE) as where:
                os.rename(make(where), made)
    return made


def bootstrap(where, suite, packages=()):
    """Makes a minimal Debian with these packages; returns its root folder."""
    sys.path.insert(0, str(ROOT / "tools"))
    import debian  # pylint: disable=import-outside-toplevel
    made = f"{where}/system"
    include = [f"--include={','.join(packages)}"] if packages else []
    try:
        run("debootstrap", "--variant=minbase", *include, suite, made, debian.mirror())
    except (AssertionError, debian.Unavailable) as why:
        skip(f"debootstrap cannot make a Debian {suite} here: {str(why)[-300:]}")
    shutil.rmtree(f"{made}/var/cache/apt")
    return made


def base():
    """Returns a tar file of a minimal Debian, made once by debootstrap."""
    def make(where):
        run("tar", "-C", bootstrap(where, SUITE), "-cf", f"{where}/tar", ".")
        return f"{where}/tar"
    return cached(f"chroot-{SUITE}.tar", make)


@contextlib.contextmanager
def chroot():
    with tempfile.TemporaryDirectory(prefix="tidegate-chroot-") as root:
        run("tar", "-C", root, "-xf", base())
        yield pathlib.Path(root)
