"""A disk for the test machine: an ext4 file system that ends before its image does.

    make(path, fs_mib=48, extra_mib=1, folder=None)    the tail behind the file system stays raw
    check(path)                                        e2fsck's verdict on a machine that is off
    mend(path)                                         what a start does after a power cut
"""

import os
import subprocess

MIB = 1 << 20
E2FSCK_CLEAN = 0


class Dirty(Exception):
    """The file system has errors, or was not unmounted; the text is what e2fsck said."""


def tool(name):
    """A program of e2fsprogs, which lies where an ordinary user's PATH does not reach."""
    return next((path for path in (f"/usr/sbin/{name}", f"/sbin/{name}") if os.path.exists(path)),
                name)


def make(path, fs_mib, extra_mib=1, folder=None):
    """Makes the image, with what lies in `folder`; nothing is left to be done by the machine."""
    with open(path, "wb") as file:
        file.truncate((fs_mib + extra_mib) * MIB)
    words = [tool("mkfs.ext4"), "-q", "-F", "-b", "4096", "-m", "0",
             "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard"]
    if folder:
        words += ["-d", str(folder)]
    subprocess.run([*words, str(path), f"{fs_mib}M"], check=True)
    return path


def check(path):
    """Raises Dirty unless the file system is in order and was unmounted."""
    done = subprocess.run([tool("e2fsck"), "-f", "-n", str(path)], capture_output=True, text=True,
                          check=False)
    told = subprocess.run([tool("dumpe2fs"), "-h", str(path)], capture_output=True, text=True,
                          check=True).stdout
    if done.returncode != E2FSCK_CLEAN or "needs_recovery" in told:
        raise Dirty(f"{done.stdout}{done.stderr}{told}")


def mend(path):
    """Where the superblock itself is torn, fsck puts its copy back; mounting does all the rest."""
    words = (tool("dumpe2fs"), "-h", str(path))
    if subprocess.run(words, capture_output=True, check=False).returncode == 0:
        return
    subprocess.run([tool("e2fsck"), "-y", str(path)], capture_output=True, check=False)
    subprocess.run(words, capture_output=True, check=True)
