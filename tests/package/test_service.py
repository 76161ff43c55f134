"""The unit: its exposure as systemd judges it, and a sync under the very filter that it sets."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import debs
import skips
from rethinksim.launch import Simulator

UNIT = debs.ROOT / "packaging/systemd/tidegate.service"
EXPOSURE_MAX = 1.5
FILTER = """
import os, sys, errno, seccomp
allowed, denied = sys.argv[1].split(), sys.argv[2].split()
rules = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
for name in allowed:
    if name not in denied:
        try:
            rules.add_rule(seccomp.ALLOW, name)
        except (RuntimeError, OSError):
            pass  # a call that this architecture has not
if "socket" in denied or "socket" not in allowed:
    sys.exit("the filter leaves no sockets")
rules.load()
os.execv(sys.argv[3], sys.argv[3:])
"""


def members(name):
    """Returns the system calls of one of systemd's sets, sets within it resolved."""
    calls = []
    for line in debs.run("systemd-analyze", "syscall-filter", name).splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            calls += members(word)
        elif word and not word.startswith("#"):
            calls.append(word)
    return calls


def filter_of(unit):
    """Returns (allowed, denied) as the unit's SystemCallFilter lines say."""
    allowed, denied = [], []
    for value in re.findall(r"^SystemCallFilter=(.*)$", unit, re.M):
        sets = value.lstrip("~").split()
        target = denied if value.startswith("~") else allowed
        for name in sets:
            target += members(name)
    return allowed, denied


class Service(unittest.TestCase):
    def setUp(self):
        debs.need("systemd-analyze")

    def test_exposure(self):
        said = debs.run("systemd-analyze", "security", "--offline=true", UNIT)
        exposure = float(re.search(r"Overall exposure level.*: ([0-9.]+)", said)[1])
        self.assertLessEqual(exposure, EXPOSURE_MAX)

    def test_a_sync_lives_under_the_unit_s_filter(self):
        program = os.environ.get("TIDEGATE") or debs.skip("TIDEGATE does not name the program")
        asked = subprocess.run(["/usr/bin/python3", "-c", "import seccomp"], check=False,
                               capture_output=True)
        if asked.returncode != 0:
            debs.skip("python3-seccomp is not installed")
        allowed, denied = filter_of(UNIT.read_text(encoding="utf-8"))
        with tempfile.TemporaryDirectory() as where, Simulator("--tables", "readings:200") as sim:
            config = pathlib.Path(where) / "configuration.json"
            config.write_text(f'{{"host":"localhost","port":"{sim.port}","database":"plant"}}',
                              encoding="utf-8")
            debs.run("/usr/bin/python3", "-c", FILTER, " ".join(allowed), " ".join(denied),
                     program, "sync", "--rethinkdb", config, "--to", f"{where}/out")
            rows = sum(len(path.read_bytes().splitlines())
                       for path in pathlib.Path(where, "out").glob("*.ndjson"))
        self.assertEqual(rows, 200)


if __name__ == "__main__":
    skips.main()
