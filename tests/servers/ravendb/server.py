"""One RavenDB process on random ports of 127.0.0.1."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from . import assemble
from .certificates import Certificates
from .client import Client

START_SECONDS_MAX = 120
STOP_SECONDS_MAX = 60
START_TRIES = 3
POLL_SECONDS = 0.05
PREFIX = "tidegate-ravendb-"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def own_program(program, folder):
    """A folder of links, two files in it copies: the server writes where it finds those to lie."""
    folder.mkdir()
    for path in program.parent.iterdir():
        if path.name in (program.name, program.name + ".dll"):
            shutil.copy2(path, folder)
        else:
            (folder / path.name).symlink_to(path)
    return folder / program.name


class StartFailed(Exception):
    """The process ended, or did not answer in time; the text has its last lines."""


class Server:
    """A running server; `with Server("6.2.4") as server:` also ends it.

    data      a folder that outlives the process; without one it keeps all in memory, and a restart
              loses it
    secured   HTTPS and client certificates: True, or a Certificates with a server of one's own
    options   more settings of the server, {"Key": "value"}
    orphan    goes on when this Python ends; otherwise it ends as well, whatever happens to us
    """

    def __init__(self, version="6.2.4", data=None, secured=False, options=None, orphan=False):
        program, self.version = assemble.find(version), version
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=PREFIX))
        self.data, self.options, self.orphan = data, options or {}, orphan
        self.certificates = None
        if secured:
            self.certificates = secured if isinstance(secured, Certificates) else \
                Certificates(self.folder / "certificates")
        self.log = self.folder / "console.log"
        self.process, self.port, self.guard = None, None, None
        try:
            self.program = own_program(program, self.folder / "program")
            self.start()
        except BaseException:
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def host(self):
        """mbedTLS before 3 does not match addresses: a secured server goes by its name."""
        return "localhost" if self.certificates else "127.0.0.1"

    @property
    def url(self):
        scheme = "https" if self.certificates else "http"
        return f"{scheme}://{self.host}:{self.port}"

    # --- the process -----------------------------------------------------------------------------

    def settings(self, port, port_tcp):
        scheme = "https" if self.certificates else "http"
        found = {"ServerUrl": f"{scheme}://127.0.0.1:{port}",
                 "ServerUrl.Tcp": f"tcp://127.0.0.1:{port_tcp}",
                 "Setup.Mode": "None", "License.Eula.Accepted": "true",
                 "Updates.BackgroundChecks.Disable": "true",
                 "Cluster.OperationTimeoutInSec": str(START_SECONDS_MAX),
                 "DataDir": str(pathlib.Path(self.data or self.folder / "data").resolve())}
        if self.version.startswith("7"):
            found["Logs.MinLevel"] = "Off"
        else:
            found["Logs.Mode"] = "None"
        if not self.data:
            found["RunInMemory"] = "true"
        if self.certificates:
            found["Security.Certificate.Path"] = str(self.certificates.pfx)
            found["PublicServerUrl"] = f"https://{self.host}:{port}"
        found.update(self.options)
        return [f"--{key}={value}" for key, value in found.items()]

    def start(self):
        """Starts it and returns when it answers; a second start is on the same port."""
        for attempt in range(START_TRIES):
            port = self.port or free_port()
            try:
                self.launch(port, free_port())
                self.port = port
                return
            except StartFailed as why:
                # Between the choice of a port and its use another process may take it.
                if "in use" not in str(why) or attempt + 1 == START_TRIES:
                    raise

    def launch(self, port, port_tcp):
        environment = dict(os.environ, DOTNET_gcServer="0")
        if self.certificates:
            # The server calls itself, and trusts our CA by this without the system's store.
            environment["SSL_CERT_FILE"] = str(self.certificates.ca)
        with open(self.log, "wb") as log:
            # Not in its own folder: the starter would take a wrong turn there.
            self.process = subprocess.Popen(
                [self.program, *self.settings(port, port_tcp), "--non-interactive"],
                cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=self.orphan)
        (self.folder / "pid").write_text(str(self.process.pid))
        if not self.orphan:
            # Its input ends when we do, however we end; RavenDB's own Testing.ParentProcessId let
            # servers live on.
            self.guard = subprocess.Popen(
                ["sh", "-c", "read -r _; kill -9 $1", "sh", str(self.process.pid)],
                stdin=subprocess.PIPE)
        self.await_alive(port)

    def await_alive(self, port):
        end = time.monotonic() + START_SECONDS_MAX
        while True:
            if self.process.poll() is not None:
                raise StartFailed(f"RavenDB {self.version} ended: {self.last_lines()}")
            if self.listens(port) and self.alive(port):
                return
            if time.monotonic() > end:
                raise StartFailed(f"RavenDB {self.version} is silent: {self.last_lines()}")
            time.sleep(POLL_SECONDS)

    def listens(self, port):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    def alive(self, port):
        scheme = "https" if self.certificates else "http"
        ca = self.certificates and self.certificates.ca
        try:
            with Client(f"{scheme}://{self.host}:{port}", ca) as client:
                return client.ask("GET", "/setup/alive")[0] == 204
        except OSError:
            return False

    def last_lines(self):
        lines = self.log.read_text(errors="replace").splitlines()
        return " | ".join([line for line in lines if re.search("in use|rror|xception", line)][:2]
                          or lines[-3:])[:500]

    def dismiss_guard(self):
        """Before the process is waited for: its number may then be another's."""
        if self.guard:
            self.guard.kill()
            self.guard.communicate()
            self.guard = None

    def kill(self):
        """As a power cut does to it: no goodbye."""
        self.dismiss_guard()
        self.process.kill()
        self.process.wait()

    def freeze(self):
        """It holds its connections and says nothing, until thaw()."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def restart(self, kill=False):
        """Down and up again on the same port; with data of its own only where `data` was given."""
        if kill:
            self.kill()
        else:
            self.end()
        self.start()

    def end(self):
        """Asks it to end and waits; the data stay."""
        if self.process and self.process.returncode is None:
            self.dismiss_guard()
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.kill()

    def stop(self):
        """Ends it and takes its own folder away. Where nothing is kept it is simply killed."""
        self.dismiss_guard()
        if self.process and self.process.poll() is None:
            if self.data:
                self.end()
            else:
                self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def rss_bytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return 1024 * int(re.search(r"VmRSS:\s+(\d+)", status).group(1))

    # --- clients ---------------------------------------------------------------------------------

    def connect(self, identity=None, decoder=json.JSONDecoder()):
        """A Client: as `identity`, or as one who may do everything."""
        if not self.certificates:
            return Client(self.url, decoder=decoder)
        return Client(self.url, self.certificates.ca, identity or self.certificates.server,
                      decoder)

    def identity(self, name, clearance="ValidUser", permissions=None, **how):
        """A new client certificate (see Certificates.client) that the server knows."""
        made = self.certificates.client(name, **how)
        with self.connect() as client:
            client.register(made, clearance, permissions)
        return made
