"""What cutting and judging want of this machine: root, a mount namespace, loop devices.

    host.own_mounts()       first of all: runs this program again where its mounts are its own
    host.need(folder)       ends the test as skipped where images cannot be mounted
    host.be_nobody(folder)  this machine looks like the recorded one, whose names are empty
    with host.scratch() as folder: ...
"""

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "vm"))

import disk  # noqa: E402
from machine import skip  # noqa: E402

OWN = "TIDEGATE_OWN_MOUNTS"
# A store is bound to its machine by these (platform/common/binding.c); the recorded one has none.
NAMES = ("/etc/machine-id", "/sys/firmware/devicetree/base/serial-number")
TRY_MIB = 8
ROOM_MIB = 512  # a recording and the images of both processes, with much to spare


def own_mounts():
    """Whatever happens later, no mount is left behind."""
    if os.environ.get(OWN) == "1":
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)
        return
    if os.geteuid() != 0:
        skip("images are mounted: only root may")
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True,
                      check=False).returncode != 0:
        skip("no mount namespace can be had here")
    os.environ[OWN] = "1"
    os.execvp("unshare", ["unshare", "--mount", sys.executable, *sys.argv])


def need(folder):
    image, target = folder / "try.img", folder / "try"
    target.mkdir()
    disk.make(image, TRY_MIB)
    done = subprocess.run(["mount", "-o", "loop", str(image), str(target)], capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        skip(f"no image can be mounted here: {done.stderr.strip()}")
    subprocess.run(["umount", str(target)], check=True)
    image.unlink()


def be_nobody(folder):
    nothing = folder / "nothing"
    nothing.write_bytes(b"")
    for name in NAMES:
        if os.path.exists(name):
            subprocess.run(["mount", "--bind", str(nothing), name], check=True)


@contextlib.contextmanager
def scratch():
    """A folder for images, in memory where there is enough of it; gone afterwards."""
    memory = pathlib.Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free >= ROOM_MIB << 20
    folder = tempfile.mkdtemp(prefix="tidegate-", dir=memory if roomy else None)
    try:
        yield pathlib.Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
