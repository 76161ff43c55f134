"""A real RethinkDB on loopback for tests, where the machine has one."""

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import reql  # noqa: E402
from rethinksim import plant  # noqa: E402

START_SECONDS_MAX = 60


def find():
    """The server's binary; ends the test as skipped where there is none."""
    binary = os.environ.get("TIDEGATE_RETHINKDB") or shutil.which("rethinkdb")
    if not binary:
        print("SKIP: no RethinkDB: TIDEGATE_RETHINKDB names no binary, none is on the PATH")
        sys.exit(77)
    return binary


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Rethink:
    """One server with a data folder of its own."""

    def __init__(self, binary=None):
        self.binary = binary or find()
        self.folder = tempfile.mkdtemp(prefix="tidegate-rethinkdb-")
        self.port, self.process = free_port(), None
        self.start()

    def start(self):
        command = [self.binary, "-d", f"{self.folder}/data", "--bind", "127.0.0.1",
                   "--driver-port", str(self.port), "--cluster-port", str(free_port()),
                   "--no-http-admin", "--no-update-check", "--cache-size", "200"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        end = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                self.connect().close()
                return
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise
                time.sleep(0.05)

    def connect(self, user="admin", password=""):
        return reql.Connection("127.0.0.1", self.port, user, password)

    def kill(self):
        """As a power cut does to it: no goodbye."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def texts(kind, start, count, seed=1):
    """The rows of a plant table as JSON bytes; see rethinksim/plant.py."""
    return [text for _, text in plant.pairs_of(seed, kind, start, count)]


def fill(server, database, sizes):
    """Makes the tables with the plant's rows and indexes."""
    if database not in server.run([59, []]):
        server.run([57, [database]])
    for name, rows in sizes.items():
        key = plant.PRIMARY_KEYS.get(name, "id")
        server.run([60, [reql.database_term(database), name], {"primary_key": key}])
        table = reql.table_term(database, name)
        server.run([177, [table]])
        for index in plant.INDEXES.get(name, []):
            server.run([75, [table, index]])
        server.run([140, [table]])
        server.insert(database, name, texts(name, 0, rows))
