"""The host build in a Debian 13: its gcc 14, its mbedTLS 3.6, its CMake, and the rings inside out.

The system is made once, with the packages that `./do build` installs, in the user's cache folder;
the tree, a build folder, a compiler cache and a /tmp of the test's own are mounted into it. Loops
are shorter there: it is about compilers and libraries.
"""

import hashlib
import os
import pathlib
import re
import tempfile
import unittest

import debs

SUITE = "trixie"
LABELS = "unit|replay|sim|fuzz"
COMMANDS = "e2e.cli_"  # of the end-to-end tests those that need no more than the program
SECONDS_MAX = 1700
MOUNT = """
root=$1
shift
mount --bind /proc "$root/proc"
mount --rbind /dev "$root/dev"
for place in tree build cache tmp; do
	mkdir -p "$root/$place"
	mount --bind "$1" "$root/$place"
	shift
done
exec chroot "$root" /usr/bin/env -i PATH=/usr/bin:/bin:/usr/sbin CCACHE_DIR=/cache \
	PYTHONDONTWRITEBYTECODE=1 TIDEGATE_SLOW=1 sh -euc "$1"
"""
INSIDE = f"""
cd /tree
{{ cmake --preset host -B /build -DTG_VALGRIND=OFF -DTG_TESTS_PLAIN=ON &&
	cmake --build /build; }} > /build/log 2>&1 ||
	{{ grep -E ' error: |warning: |CMake Error' /build/log || tail -n 20 /build/log; exit 1; }}
cd /build
passes() {{
	ctest -j2 --no-tests=error --output-on-failure "$@" >> log || {{ tail -n 60 log; exit 1; }}
}}
passes -L '{LABELS}' -E check_sim
passes -R '{COMMANDS}'
grep 'tests passed' log
"""


def packages():
    """What `./do build` installs, and what the tests need beside it."""
    words = (debs.ROOT / "do").read_text(encoding="utf-8")
    return [*re.search(r"^BUILD_PACKAGES=\(([^)]*)\)", words, re.M)[1].split(), "openssl", "ccache",
            "ca-certificates"]


def system():
    wanted = packages()
    name = hashlib.sha256(" ".join(wanted).encode()).hexdigest()[:8]
    return debs.cached(f"system-{SUITE}-{name}",
                       lambda where: debs.bootstrap(where, SUITE, wanted))


class Debian13(unittest.TestCase):
    def test_the_host_build_passes(self):
        debs.need("unshare", "mount")
        root = system()
        try:
            debs.run("unshare", "--mount", "true")
        except AssertionError as why:
            debs.skip(f"no mounts of the test's own here: {why}")
        build = pathlib.Path(os.environ.get("TIDEGATE_BUILD", debs.ROOT / "build")) / "debian13"
        cache = debs.CACHE / f"ccache-{SUITE}"
        for folder in (build, cache):
            folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="tidegate-debian13-") as scratch:
            print(debs.run("unshare", "--mount", "sh", "-euc", MOUNT, "sh", root, debs.ROOT, build,
                           cache, scratch, INSIDE, timeout=SECONDS_MAX))


if __name__ == "__main__":
    unittest.main(verbosity=2)
