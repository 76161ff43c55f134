"""The shipped program in the arm64 machine; the plant that it reads and the endpoint that it sends
to are on the host's loopback, both over TLS.

    with Gateway({"readings": 5000}) as here, here.machine() as vm:
        done = here.sync(vm)               one sync in the machine, its memory sampled
        here.check()                       the auditor of tests/audit.py
"""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "servers"), str(HERE.parent / "package"),
                str(HERE)]

import debs  # noqa: E402
import disk  # noqa: E402
import machine  # noqa: E402
import world  # noqa: E402
import receiver  # noqa: E402  # world.py says where
from ravendb.certificates import Certificates  # noqa: E402

PROGRAM, CONFIG, AUTHORITY = "/bin/tidegate", "/etc/tidegate.json", "/etc/ca.pem"
STORE = "/data/store"
NAME = "host"  # of the host in the machine's /etc/hosts, and in the certificates
SAMPLE_MS, SAMPLES_MIN = 20, 5
STACK_BYTES_MAX = 262144  # LimitSTACK of packaging/systemd/tidegate.service
SYNC_SECONDS_MAX = 600
# The board's budget beside the one that it is built with (board/gateway-arm64/README.md).
RSS_ANON_KIB_MAX, PSS_KIB_MAX = 3072, 6144


def program():
    """The program as the package has it, built once for all tests that want it."""
    return debs.compile_program("arm64") / "tidegate"


class Gateway(world.World):
    """`store` are members of the configuration's store, `sink` of its sink."""

    def __init__(self, tables, store=None, disk_mib=32, **sink):
        machine.need()
        debs.need("openssl")
        self.program = program().read_bytes()  # of one build, whatever happens to the folder
        self.folder = pathlib.Path(world.scratch_folder(sum(tables.values())))
        self.certificates = Certificates(self.folder / "certificates", host=NAME)
        super().__init__("https", tables, folder=self.folder, certificates=self.certificates,
                         ca_file=AUTHORITY, **sink)
        self.store = store or {}
        self.image = disk.make(self.folder / "disk", disk_mib)
        self.booted = 0

    def configuration(self):
        """The file that lies in the machine."""
        return json.dumps({
            "name": "gateway", "store": {"path": STORE, **self.store},
            "sources": [{"name": "rethinkdb", "type": "rethinkdb", "host": NAME,
                         "port": self.server.port, "database": world.DATABASE, "use_ssl": True,
                         "ca_file": AUTHORITY, **self.source}],
            "sinks": [{"name": "target", "type": "https",
                       "url": f"https://{NAME}:{self.receiver.port}/ingest", **self.sink}]})

    def machine(self, write_log=None, memory_mib=64):
        """The machine with the disk; it is not switched on yet."""
        files = {PROGRAM: self.program, AUTHORITY: self.certificates.ca,
                 CONFIG: self.configuration()}
        return machine.Machine(files, self.image, write_log, memory_mib)

    def ready(self, vm):
        """Does what a gateway's start does: disk, network, limits."""
        vm.mount()
        vm.network()
        vm.limit(stack_bytes=STACK_BYTES_MAX, sample_ms=SAMPLE_MS)

    def away(self):
        """The endpoint is gone: connections are refused."""
        self.receiver.__exit__()

    def back(self):
        """It is there again, at its old address, and remembers what it took."""
        port, (certificate, key) = self.receiver.port, self.pair()
        self.receiver = receiver.Receiver(self.receiver.folder, port, certificate, key).__enter__()

    def command(self, verb, *words):
        return (PROGRAM, verb, "--config", CONFIG, *words)

    def sync(self, vm, *words):
        """One sync to its end."""
        return vm.run(*self.command("sync", *words), seconds=SYNC_SECONDS_MAX)

    def within_budget(self, stats):
        """Broken when a run took more memory, or more than half of the stack that it may have."""
        limits = {"rss_anon_kib": RSS_ANON_KIB_MAX, "pss_kib": PSS_KIB_MAX,
                  "stack_kib": STACK_BYTES_MAX // 1024 // 2}
        over = {name: stats[name] for name, limit in limits.items() if stats[name] > limit}
        if over or stats["samples"] < SAMPLES_MIN:
            raise world.Broken(f"more than {limits} or hardly looked at: {stats}")
