"""An arm64 machine of QEMU's for tests: Debian's kernel, our init, a disk, and the host's loopback.

    with Machine(files={"/bin/tidegate": path}, disk=image) as machine:
        machine.mount()                                    the disk at /data
        machine.network()                                  the host's 127.0.0.1 is 10.0.2.2 there
        done = machine.run("/bin/tidegate", "sync", ...)   done.code, done.out, done.err, done.stats
        machine.power_off()                                or machine.cut(): the power is gone

need() ends a test as skipped where no such machine can be had. Nothing listens: the host speaks to
init (tests/vm/init/channel.h) over a socket pair, and the machine's network is QEMU's user mode,
which only connects outwards. With `write_log` every write of the disk is recorded in its order,
with flushes, in the format of dm-log-writes, and the image itself is written too.
"""

import dataclasses
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import debian_arm64  # noqa: E402
import initramfs  # noqa: E402
from skips import skip  # noqa: E402

QEMU = "qemu-system-aarch64"
HOST = "10.0.2.2"  # the host's loopback, as the machine sees it
NETWORK = ("eth0", "10.0.2.15", "255.255.255.0", HOST)
HOSTS = f"127.0.0.1 localhost\n{HOST} host\n"
# Lockdown leaves out the tree of tracefs, 9,500 files that this kernel would keep in 8 MiB; the
# kernel's tests of its own ciphers are a fifth of what a boot costs here.
COMMAND_LINE = "console=ttyAMA0 quiet panic=-1 lockdown=confidentiality cryptomgr.notests"
BOOT_SECONDS_MAX = 60
REQUEST_SECONDS_MAX = 120
OFF_SECONDS_MAX = 20
WRITE_BYTES_MAX = 32768
CONSOLE_TAIL_BYTES = 8000


def need():
    """Ends the test as skipped where the machine cannot be had; fetches the kernel otherwise."""
    for tool, package in ((QEMU, "qemu-system-arm"), (initramfs.COMPILER, "musl-dev:arm64")):
        if shutil.which(tool) is None:
            skip(f"{tool} is not installed: {package}")
    try:
        return debian_arm64.fetch()
    except debian_arm64.debian.Unavailable as why:
        return skip(f"Debian's arm64 kernel cannot be had here: {why}")


class Lost(Exception):
    """The machine fell silent or did not do what it was told; the text has its console's end."""


@dataclasses.dataclass
class Done:
    """How a program ended. `stats`: ms, user_ms, system_ms, samples, rss_anon_kib (highest seen),
    pss_kib (highest seen), rss_kib (highest), stack_kib (pages of the main stack ever touched)."""

    code: int  # the exit code; minus the signal's number where one ended it
    out: str
    err: str
    stats: dict


def numbers_of(result):
    """{name: number} of a result's text."""
    return {name: int(value) for name, _, value in
            (word.partition("=") for word in result.split())}


def done_of(frames):
    out, err, result = frames
    stats = numbers_of(result)
    code, ended_by = stats.pop("code"), stats.pop("signal")
    return Done(-ended_by if ended_by else code, out.decode(errors="replace"),
                err.decode(errors="replace"), stats)


class Machine:
    """`files`: {path in the machine: bytes, text, or a pathlib.Path here}, all executable."""

    def __init__(self, files=None, disk=None, write_log=None, memory_mib=64):
        self.parts = need()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tidegate-vm-"))
        self.files = {"/etc/hosts": HOSTS, **(files or {})}
        self.disk, self.write_log, self.memory_mib = disk, write_log, memory_mib
        self.process = self.channel = None
        self.started = 0.0

    def __enter__(self):
        try:
            return self.boot()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        self.cut()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- power ---

    def command(self, channel):
        """The words that start QEMU."""
        words = [QEMU, "-M", "virt", "-cpu", "cortex-a53", "-accel", "tcg",
                 "-m", str(self.memory_mib), "-nographic", "-no-reboot", "-nodefaults",
                 "-serial", f"file:{self.folder}/console", "-kernel", str(self.parts.image),
                 "-initrd", f"{self.folder}/initramfs",
                 "-append", COMMAND_LINE,
                 "-netdev", "user,id=n0", "-device", "virtio-net-device,netdev=n0",
                 "-device", "virtio-serial-device",
                 "-chardev", f"socket,id=c0,fd={channel.fileno()}",
                 "-device", "virtserialport,chardev=c0"]
        return words + self.disk_words()

    def disk_words(self):
        if self.disk is None:
            return []
        words = ["-blockdev", f"driver=file,filename={self.disk},node-name=f0"]
        if self.write_log is None:
            words += ["-blockdev", "driver=raw,file=f0,node-name=b0"]
        else:
            pathlib.Path(self.write_log).write_bytes(b"")
            words += ["-blockdev", f"driver=file,filename={self.write_log},node-name=l0",
                      "-blockdev", "driver=blklogwrites,node-name=b0,file=f0,log=l0,"
                                   "log-sector-size=512"]
        return words + ["-device", "virtio-blk-device,drive=b0"]

    def boot(self):
        """Starts it and waits until init listens."""
        init = initramfs.compile_init(debian_arm64.CACHE.parent)
        initramfs.build(self.parts, init, self.files, self.folder / "initramfs")
        self.channel, theirs = socket.socketpair()
        self.started = time.monotonic()
        with theirs, open(self.folder / "qemu", "wb") as said:
            self.process = subprocess.Popen(self.command(theirs), pass_fds=[theirs.fileno()],
                                            stdin=subprocess.DEVNULL, stdout=said,
                                            stderr=subprocess.STDOUT)
        self.answer(BOOT_SECONDS_MAX)
        return self

    def cut(self):
        """The power is gone: QEMU is killed in whatever it is doing."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None
        if self.channel is not None:
            self.channel.close()
            self.channel = None

    def power_off(self):
        """Unmounts, and switches off as a person would."""
        for target in self.mounted():
            self.ask("umount", target)
        self.ask("off")
        try:
            self.process.wait(OFF_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            raise self.lost("it did not switch itself off") from None
        code, self.process = self.process.returncode, None
        if code != 0:
            raise self.lost(f"QEMU ended with {code}")

    def lost(self, what):
        said = b"".join(path.read_bytes()[-CONSOLE_TAIL_BYTES:]
                        for path in (self.folder / "console", self.folder / "qemu")
                        if path.exists())
        return Lost(f"{what}\n{said.decode(errors='replace')}")

    # --- the channel ---

    def send(self, *words, raw=b""):
        """Asks init for something; answer() has what comes of it."""
        payload = b"".join(str(word).encode() + b"\0" for word in words) + raw
        self.channel.sendall(struct.pack("<I", len(payload)) + payload)

    def receive(self, count, until):
        parts = []
        while count > 0:
            self.channel.settimeout(max(until - time.monotonic(), 0.001))
            try:
                part = self.channel.recv(min(count, 1 << 16))
            except (socket.timeout, ConnectionError):
                part = b""
            if not part:
                late = time.monotonic() >= until
                raise self.lost("the machine does not answer" if late else "it went away")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def answer(self, seconds=REQUEST_SECONDS_MAX):
        """Waits for the end of an answer: (output, errors, the result's text)."""
        until, streams = time.monotonic() + seconds, {b"o": [], b"e": []}
        while True:
            length, = struct.unpack("<I", self.receive(4, until))
            frame = self.receive(length, until)
            if frame[:1] == b"r":
                break
            streams[frame[:1]].append(frame[1:])
        result = frame[1:].decode()
        if result.startswith("error="):
            raise self.lost(result[len("error="):])
        return b"".join(streams[b"o"]), b"".join(streams[b"e"]), result

    def ask(self, *words, raw=b"", seconds=REQUEST_SECONDS_MAX):
        self.send(*words, raw=raw)
        return self.answer(seconds)

    # --- what one does with it ---

    def run(self, *words, seconds=REQUEST_SECONDS_MAX):
        """Runs a program to its end."""
        return done_of(self.ask("run", *words, seconds=seconds))

    def start(self, *words, output="/tmp/output"):
        """Starts a program, its output into a file there; returns its pid."""
        return numbers_of(self.ask("start", output, *words)[2])["pid"]

    def wait(self, pid, seconds=REQUEST_SECONDS_MAX):
        """Waits for what start() started."""
        return done_of(self.ask("wait", pid, seconds=seconds))

    def signal(self, pid, number):
        self.ask("signal", pid, int(number))

    def network(self):
        self.ask("network", *NETWORK)

    def mount(self, target="/data", options=""):
        self.ask("mount", "/dev/vda", target, "ext4", options)

    def mounted(self):
        """Where the disk is mounted."""
        lines = self.read("/proc/mounts").decode().splitlines()
        return [line.split()[1] for line in lines if line.startswith("/dev/vda ")]

    def read(self, path):
        return self.ask("read", path)[0]

    def write(self, path, content, mode=0o644):
        content = content.encode() if isinstance(content, str) else content
        for at in range(0, max(len(content), 1), WRITE_BYTES_MAX):
            self.ask("write", path, at, f"{mode:o}", raw=content[at:at + WRITE_BYTES_MAX])

    def size(self, path):
        """{"bytes": its length, "disk_bytes": what it takes of the disk}."""
        return numbers_of(self.ask("size", path)[2])

    def make_folder(self, path):
        self.ask("mkdir", path)

    def now(self):
        """{"now": seconds of its clock, "up_ms": how long it has been on}."""
        return numbers_of(self.ask("now")[2])

    def set_clock(self, seconds):
        self.ask("clock", int(seconds))

    def limit(self, stack_bytes=None, sample_ms=None):
        """For all programs run from now on; 0 takes the limit, or the sampling, away."""
        for name, value in (("stack", stack_bytes), ("sample", sample_ms)):
            if value is not None:
                self.ask("limit", name, value)

    def environment(self, **variables):
        for name, value in variables.items():
            self.ask("environment", name, value)
