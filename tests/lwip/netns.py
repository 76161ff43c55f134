"""A network namespace of a test's own, with a TAP device whose other end is tidegate's lwIP.

    netns.enter()       the calling program begins anew inside it; all it starts is inside too

          kernel  127.0.0.1, 10.77.0.1, fd77::1  --- tidegate0 ---  10.77.0.2, fd77::2  lwIP
                  ^ servers of the tests                            ^ tidegate

A test's servers listen on 127.0.0.1 of the namespace, as they do without lwIP: its kernel is told
to take packets for 127.0.0.1 from the TAP (route_localnet), and lwIP sends them there (hooks.h).
Nothing outside sees any of it, and it is gone with the last process inside. Where the machine
cannot do this the test is skipped.
"""

import os
import pathlib
import shutil
import subprocess
import sys

TAP = "tidegate0"
KERNEL, LWIP = "10.77.0.1", "10.77.0.2"
KERNEL6, LWIP6 = "fd77::1", "fd77::2"
INSIDE = "TIDEGATE_TEST_INSIDE"
SETTINGS = {"TIDEGATE_LWIP_TAP": TAP, "TIDEGATE_LWIP_ADDRESS": LWIP + "/24",
            "TIDEGATE_LWIP_ADDRESS6": LWIP6, "TIDEGATE_LWIP_GATEWAY": KERNEL,
            "TIDEGATE_LWIP_DNS": KERNEL}


def skip(reason):
    print(f"SKIP: {reason}", flush=True)
    sys.exit(77)


def run(*words):
    """A command that the namespace is made with, or why not."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        skip(f"{' '.join(words)}: {done.stderr.strip()}")


def unshare():
    """The command that makes the namespace; without root as root of a user namespace."""
    for tool in ("unshare", "ip"):
        if shutil.which(tool) is None:
            skip(f"{tool} is not installed")
    if not os.path.exists("/dev/net/tun"):
        skip("/dev/net/tun is missing: no TAP devices here")
    command = ["unshare", "--net"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    done = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        skip(f"no network namespace: {done.stderr.strip()}")
    return command


def write(name, value):
    """A setting of the namespace's own kernel."""
    try:
        pathlib.Path("/proc/sys/net/ipv4/conf", TAP, name).write_text(value, encoding="ascii")
    except OSError as why:
        skip(f"{name} cannot be set: {why}")


def furnish():
    """The TAP and the addresses on our side of it."""
    run("ip", "link", "set", "lo", "up")
    run("ip", "tuntap", "add", TAP, "mode", "tap")
    run("ip", "address", "add", KERNEL + "/24", "dev", TAP)
    run("ip", "address", "add", KERNEL6 + "/64", "dev", TAP, "nodad")
    run("ip", "link", "set", TAP, "up")
    write("route_localnet", "1")
    write("arp_announce", "2")  # never ask for 127.0.0.1's sake


def enter():
    """Returns inside. Outside the program is run again, with the same arguments."""
    if os.environ.get(INSIDE) != "1":
        os.environ[INSIDE] = "1"
        command = unshare()
        os.execvp(command[0], [*command, sys.executable, *sys.argv])
    furnish()
    os.environ.update(SETTINGS)
