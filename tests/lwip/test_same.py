#!/usr/bin/env python3
"""Over lwIP only platform/ differs: every other object is the kernel build's, byte for byte, but
for the number that the budget prints and sums. And what lwIP takes is what the budget says."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

KERNEL = pathlib.Path(os.environ.get("TIDEGATE_BUILD", ""))
LWIP = pathlib.Path(os.environ.get("TIDEGATE_LWIP_BUILD", ""))
# The machine's libraries; the rest is the program, with platform/mbedtls, common and dial.
MACHINES = ("libtg_posix.a", "libtg_lwip.a", "libtg_sim.a")
THE_BUDGET = ["cmd_budget.c.o"]
SOCKET_CALLS = {"socket", "socketpair", "connect", "accept", "bind", "listen", "send", "recv",
                "sendto", "recvfrom", "sendmsg", "recvmsg", "getaddrinfo", "gethostbyname"}


def libraries(build):
    """The names of our own libraries, the machine's apart."""
    return sorted(path.name for path in build.glob("libtg_*.a") if path.name not in MACHINES)


def objects(build, library, folder):
    """name: bytes of each object in a library, without what only a debugger reads."""
    into = pathlib.Path(folder) / build.name / library
    into.mkdir(parents=True)
    stripped = into.with_suffix(".stripped")
    subprocess.run(["objcopy", "--strip-debug", build / library, stripped], check=True)
    subprocess.run(["ar", "x", stripped], cwd=into, check=True)
    return {path.name: path.read_bytes() for path in sorted(into.iterdir())}


class Same(unittest.TestCase):
    def test_objects_are_the_same(self):
        self.assertEqual(libraries(LWIP), libraries(KERNEL))
        self.assertGreater(len(libraries(LWIP)), 8)
        differ = []
        with tempfile.TemporaryDirectory(prefix="tidegate-") as folder:
            for library in libraries(LWIP):
                ours = objects(LWIP, library, folder)
                theirs = objects(KERNEL, library, folder)
                self.assertEqual(list(ours), list(theirs), library)
                differ += [name for name in ours if ours[name] != theirs[name]]
        self.assertEqual(differ, THE_BUDGET)

    def test_no_call_goes_around_lwip(self):
        """What the program asks of libc has no socket in it."""
        asked = subprocess.run(["nm", "-D", "--undefined-only", LWIP / "tidegate"],
                               capture_output=True, text=True, check=True).stdout
        names = set(re.findall(r" U (\w+)", asked))
        self.assertIn("eventfd", names)
        self.assertEqual(names & SOCKET_CALLS, set())

    def test_memory_is_what_the_budget_says(self):
        config = (LWIP / "autoconf.h").read_text(encoding="ascii")
        wanted = int(re.search(r"TG_NET_POOL_BYTES (\d+)", config)[1])
        sizes = subprocess.run(["size", "-t", LWIP / "libsource_lwip.a", LWIP / "libtg_lwip.a"],
                               capture_output=True, text=True, check=True).stdout
        total = sizes.splitlines()[-1].split()
        used = int(total[1]) + int(total[2])
        print(f"lwIP: {total[0]} bytes of text, {used} of memory; the budget has {wanted}")
        self.assertLessEqual(used, wanted)
        self.assertGreater(used, wanted // 2, "the budget has far too much")


def main():
    for build in (KERNEL, LWIP):
        if not (build / "tidegate").is_file():
            print(f"SKIP: there is no build in {build}; lwip.build says why")
            sys.exit(77)
    unittest.main()


if __name__ == "__main__":
    main()
