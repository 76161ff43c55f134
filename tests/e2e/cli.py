"""What the tests of the command line share: the program, a folder, and a configuration."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = os.environ.get("TIDEGATE", "")
SECONDS_MAX = 60


def skip_without_program():
    """Ends the test program as skipped (77) where no program was built."""
    if not PROGRAM:
        print("SKIP: TIDEGATE does not name the program")
        sys.exit(77)


def run(*words, env=None, stdin=None, seconds=SECONDS_MAX):
    """Runs tidegate and returns the finished process, its output as text."""
    return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, input=stdin,
                          env={**os.environ, **(env or {})}, timeout=seconds, check=False)


class Case(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="tidegate-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)

    def write(self, name, content):
        """Writes a file (JSON unless it is a text) and returns its path."""
        path = self.folder / name
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="utf-8")
        return path

    def config(self, **changes):
        """The smallest configuration, with members replaced."""
        return {
            "name": "plant-7",
            "store": {"path": str(self.folder / "store")},
            "sources": [{"name": "rethinkdb", "type": "rethinkdb", "host": "127.0.0.1",
                         "port": 1, "database": "plant"}],
            "sinks": [{"name": "files", "type": "file", "path": str(self.folder / "out")}],
            **changes,
        }

    def check_config(self, content, env=None):
        """Checks a configuration without touching anything else."""
        path = self.write("tidegate.json", content)
        return run("check", "--config-only", "--config", path, env=env)

    def refused(self, done, code, *sentences):
        self.assertEqual(done.returncode, code, done.stderr)
        for sentence in sentences:
            self.assertIn(sentence, done.stderr)
