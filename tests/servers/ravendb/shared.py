"""One server for many test programs: shared("6.2.4") is a server that others use as well.

To start one and to make its first database costs 4 s of a processor, and it is quicker when it is
warm. The first who asks starts a keeper, a process apart. Each user holds a shared lock on a file;
when nobody has held it for IDLE_SECONDS_MAX the keeper ends the server and itself. Databases must
have names of their own, see own_name(); who kills or restarts a server takes a Server.
"""

import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from . import assemble
from .certificates import Certificates
from .server import START_SECONDS_MAX, Server, StartFailed

IDLE_SECONDS_MAX = 20
LOOK_SECONDS = 0.2
HERE = pathlib.Path(__file__).resolve().parent


def own_name(name):
    """A database's name that no other program uses at this time."""
    return f"{name}_{os.getpid()}"


def folder_of(version, secured):
    """Where the keeper and its users meet; another checkout of the tree has another."""
    tree = hashlib.sha256(str(HERE).encode()).hexdigest()[:8]
    kind = "secured" if secured else "plain"
    return assemble.cache() / "shared" / f"{tree}-{version}-{kind}"


class Borrowed(Server):
    """A running server of a keeper's; stop() gives it back. It is neither killed nor restarted."""

    def __init__(self, version, secured, users):  # pylint: disable=super-init-not-called
        found = json.loads((folder_of(version, secured) / "server").read_text())
        self.version, self.port, self.users = version, found["port"], users
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tidegate-borrowed-"))
        self.data, self.process, self.guard, self.certificates = None, None, None, None
        if secured:
            # A copy: two programs may call their clients the same.
            shutil.copytree(found["certificates"], self.folder / "certificates")
            self.certificates = Certificates(self.folder / "certificates", made=True)

    def stop(self):
        self.users.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def is_up(folder):
    """Whether a keeper has its server running."""
    try:
        pid = json.loads((folder / "server").read_text())["pid"]
        return b"Raven.Server" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def start_keeper(folder, version, secured):
    """Waits until its server is up."""
    (folder / "server").unlink(missing_ok=True)
    words = [sys.executable, HERE, "keep", version] + ["--secured"] * secured
    with open(folder / "log", "wb") as log:
        keeper = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                  start_new_session=True)
    end = time.monotonic() + START_SECONDS_MAX
    while not is_up(folder):
        if keeper.poll() is not None or time.monotonic() > end:
            raise StartFailed(f"the keeper of RavenDB {version}: "
                              f"{(folder / 'log').read_text()[-500:]}")
        time.sleep(LOOK_SECONDS)


def shared(version="6.2.4", secured=False):
    """A server that is up, until its stop() or this program's end; Unavailable as find()."""
    assemble.find(version)
    folder = folder_of(version, secured)
    with assemble.locked(folder / "starting"):
        users = open(folder / "users", "w", encoding="utf-8")
        fcntl.flock(users, fcntl.LOCK_SH)
        if not is_up(folder):
            start_keeper(folder, version, secured)
    return Borrowed(version, secured, users)


def is_used(users):
    """Whether anybody holds the lock; where nobody does, it is ours from now on."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True


def await_idle(users):
    """Returns, with the lock, when nobody has used the server for some time."""
    since = None
    while True:
        if is_used(users):
            since = None
        elif since is None:
            since = time.monotonic()
        elif time.monotonic() - since > IDLE_SECONDS_MAX:
            return
        if since is not None:
            fcntl.flock(users, fcntl.LOCK_UN)
        time.sleep(LOOK_SECONDS)


def keep(version, secured):
    """The keeper: a server for whoever comes, until none does."""
    folder = folder_of(version, secured)
    with open(folder / "users", "w", encoding="utf-8") as users, \
            Server(version, secured=secured) as server:
        said = {"port": server.port, "pid": server.process.pid}
        if secured:
            said["certificates"] = str(server.certificates.folder)
        (folder / "server.new").write_text(json.dumps(said))
        (folder / "server.new").rename(folder / "server")
        await_idle(users)
        (folder / "server").unlink()
