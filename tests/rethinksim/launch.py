"""Starts the simulator as a program of its own, for tests in Python.

    with Simulator("--tables", "readings:1000") as sim:
        sim.do("change", table="plant.readings", count=10)
        run_tidegate(port=sim.port)
"""

import json
import pathlib
import socket
import subprocess
import sys

START_SECONDS = 60


class Simulator:
    """A running simulator: `port` is its driver port; do() speaks to its control port."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [sys.executable, str(pathlib.Path(__file__).resolve().parent), "--control-port", "0",
             "--until-stdin-closes", *map(str, arguments)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = self._announced(b"listening")
        self.control_port = self._announced(b"control")
        self._control = socket.create_connection(("127.0.0.1", self.control_port), START_SECONDS)
        self._lines = self._control.makefile("rwb")

    def _announced(self, word):
        line = self.process.stdout.readline()
        if not line.startswith(word):
            self.process.kill()
            raise RuntimeError(f"the simulator said {line!r} instead of {word.decode()}")
        return int(line.rsplit(b":", 1)[1])

    def do(self, what, **details):
        """Runs one command of control.py; a failure is raised."""
        self._lines.write(json.dumps({"do": what, **details}).encode() + b"\n")
        self._lines.flush()
        answer = json.loads(self._lines.readline())
        if not answer["ok"]:
            raise RuntimeError(f"{what}: {answer['error']}")
        return answer

    def rows(self, table, path):
        """The table's rows as lists of bytes, through a dump at `path`."""
        self.do("dump", table=table, path=str(path))
        return pathlib.Path(path).read_bytes().splitlines()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends it and waits until it is gone."""
        self._lines.close()
        self._control.close()
        self.process.stdin.close()
        self.process.wait(timeout=START_SECONDS)
        self.process.stdout.close()
