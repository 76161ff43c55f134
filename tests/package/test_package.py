"""The .deb in a clean Debian: installed, run as its unit runs it, upgraded, removed, purged."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import debs
import skips
from e2e.receiver import Receiver
from rethinksim.launch import Simulator

CONFIG = "etc/tidegate/tidegate.json"
ROWS = 300
STORED = 4  # docs/exit-codes.md


def start_line(root):
    """Returns the command that the installed unit starts."""
    unit = (root / "lib/systemd/system/tidegate.service").read_text(encoding="utf-8")
    return re.search(r"^ExecStart=(.*)$", unit, re.M)[1].split()


def configure(root, port, url):
    (root / CONFIG).write_text(json.dumps({
        "name": "chroot", "store": {"path": "/var/lib/tidegate/store"},
        "sources": [{"name": "plant", "type": "rethinkdb", "host": "127.0.0.1", "port": port,
                     "database": "plant"}],
        "sinks": [{"name": "files", "type": "file", "path": "/var/lib/tidegate/out"},
                  {"name": "upstream", "type": "https", "url": url}]}),
        encoding="utf-8")


def sync(root, *words):
    """What the unit runs; its exit code."""
    done = subprocess.run(["chroot", root, *start_line(root), *words], check=False,
                          capture_output=True, text=True, timeout=120)
    return done.returncode


def waiting(root):
    """The store's instance, and how many records it holds for the endpoint."""
    said = json.loads(debs.run("chroot", root, "tidegate", "status", "--config", f"/{CONFIG}",
                               "--json"))
    return said["instance"], sum(stream["sinks"]["upstream"]["pending"]
                                 for stream in said["streams"])


def delivered(root):
    return sum(len(path.read_bytes().splitlines())
               for path in (root / "var/lib/tidegate/out").glob("*.ndjson"))


class Life(unittest.TestCase):
    """One package's life, in the order it is lived."""

    def test_install_run_upgrade_remove_purge(self):
        where = debs.compile_program("amd64")
        first, second = debs.pack(where), debs.pack(where, "0.9.0")
        with debs.chroot() as root, Simulator("--tables", f"readings:{ROWS}") as sim, \
                tempfile.TemporaryDirectory() as kept, Receiver(kept) as upstream:
            self.install(root, first)
            configure(root, sim.port, upstream.url)
            self.assertEqual(sync(root), 0)
            self.assertEqual((delivered(root), upstream.stats()["lines"]), (ROWS, ROWS))
            upstream.set(status=503)
            sim.do("change", table="plant.readings", count=10)
            self.assertEqual(sync(root, "--wait", "1"), STORED)
            held = waiting(root)
            self.assertEqual(held[1], 10)
            self.install(root, second)
            self.assertEqual(waiting(root), held, "the store did not survive the upgrade")
            upstream.set()
            self.assertEqual(sync(root), 0)
            self.assertEqual((delivered(root), upstream.stats()["lines"]), (ROWS + 10, ROWS + 10))
            self.assertEqual(waiting(root), (held[0], 0))
            debs.run("chroot", root, "dpkg", "-r", "tidegate")
            self.assertTrue((root / "var/lib/tidegate/store").exists(), "removing took the store")
            debs.run("chroot", root, "dpkg", "-P", "tidegate")
            self.assertFalse((root / "var/lib/tidegate").exists(), "purging left the store")
            self.assertFalse((root / "etc/tidegate").exists(), "purging left the configuration")

    def install(self, root, deb):
        (root / "tidegate.deb").write_bytes(deb.read_bytes())
        debs.run("chroot", root, "dpkg", "-i", "/tidegate.deb")
        version = debs.run("chroot", root, "tidegate", "version")
        self.assertIn("rethinkdb", version)


class Packages(unittest.TestCase):
    """What the packages are, by the tools that judge packages."""

    def test_arm64_is_named_so_and_is_reproducible(self):
        debs.need("dpkg-deb")
        made = [debs.pack(debs.compile_program("arm64", name)) for name in ("arm64", "again/arm64")]
        self.assertTrue(made[0].name.endswith("_arm64.deb"), made[0].name)
        self.assertEqual(debs.run("dpkg-deb", "-f", made[0], "Architecture").strip(), "arm64")
        self.assertEqual(made[0].read_bytes(), made[1].read_bytes(), "two builds differ")

    def test_lintian_finds_no_error(self):
        debs.need("lintian")
        deb = debs.pack(debs.compile_program("amd64"))
        debs.run("lintian", "--allow-root", "--fail-on", "error", deb)


if __name__ == "__main__":
    skips.main()
