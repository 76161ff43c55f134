#!/usr/bin/env python3
"""What is fetched is checked, and what cannot be fetched is a reason, asked for once."""

import os
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent))

from servers.ravendb import Unavailable, assemble, packages  # noqa: E402

BROKEN = "#!/bin/sh\necho \"$0\" >> \"$ASKED\"\necho 'ERROR: nobody answers' >&2\nexit 1\n"


class AssembleCase(unittest.TestCase):
    """A cache folder of its own, and on the PATH a pip and an npm that fail."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="tidegate-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        for name in ("python3", "npm"):
            (self.folder / name).write_text(BROKEN)
            (self.folder / name).chmod(0o755)
        patch = mock.patch.dict(os.environ, {
            "XDG_CACHE_HOME": str(self.folder), "ASKED": str(self.folder / "asked"),
            "PATH": f"{self.folder}:{os.environ['PATH']}"})
        patch.start()
        self.addCleanup(patch.stop)

    def asked(self):
        path = self.folder / "asked"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def refused(self, version="6.2.4"):
        with self.assertRaises(Unavailable) as caught:
            assemble.find(version)
        return str(caught.exception)

    def test_an_unreachable_registry_is_asked_once(self):
        with mock.patch.object(packages, "pip", lambda: [str(self.folder / "npm")]):
            first = self.refused()
            self.assertIn("pip download ravendb-embedded==6.2.4 failed: ERROR: nobody answers",
                          first)
            count = self.asked()
            self.assertEqual(self.refused(), first)
        self.assertEqual(self.asked(), count)
        self.assertFalse((assemble.cache() / "6.2.4").exists())
        self.assertEqual(list(assemble.cache().glob("building-*")), [])

    def test_other_bytes_are_refused_and_not_kept(self):
        target = packages.fresh(self.folder, "fetched")
        (target / "some.whl").write_bytes(b"not the wheel")
        with self.assertRaisesRegex(Unavailable, "some.whl has SHA-256 [0-9a-f]{64}, expected 49f"):
            packages.only_file(target, packages.WHEELS["6.2.4"].sha256)
        self.assertEqual(list(target.iterdir()), [])

    def test_no_npm(self):
        with mock.patch.object(packages.shutil, "which", lambda _: None), \
                self.assertRaisesRegex(Unavailable, "no npm: install npm"):
            packages.runtime(self.folder)

    def test_an_older_recipe_is_built_again(self):
        folder = assemble.cache() / "6.2.4"
        folder.mkdir(parents=True)
        (folder / "recipe").write_text(str(assemble.RECIPE))
        self.assertEqual(assemble.find("6.2.4"), folder / "Raven.Server")
        (folder / "recipe").write_text(str(assemble.RECIPE - 1))
        with mock.patch.object(packages, "pip", lambda: [str(self.folder / "npm")]):
            self.refused()

    def test_an_unknown_version(self):
        self.assertIn("not one of 5.4.207, 6.2.4, 7.1.5", self.refused("4.2"))


if __name__ == "__main__":
    unittest.main()
