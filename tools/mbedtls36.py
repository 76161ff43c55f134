#!/usr/bin/env python3
"""Runs the TLS and hash tests against mbedTLS 3.6: tools/mbedtls36.py BUILD

Debian 12 has mbedTLS 2.28; the shipped program is built with 3.6, by a configuration of our own and
with mbedTLS' own allocator. BUILD-tls36 is a second build of the tree from the sources that it is
made of and with its numbers, for this machine. Where they cannot be fetched this is a skip.
"""

import os
import subprocess
import sys

TESTS = ("tls", "tls_keys", "tls_pool", "identity", "crypto", "pool", "conn")
ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))


def fetch_sources(folder):
    fetched = subprocess.run([sys.executable, os.path.join(ROOT, "tools/sysroot.py"), folder],
                             check=False, stderr=subprocess.PIPE, text=True)
    if fetched.returncode != 0:
        print(f"SKIP: {fetched.stderr.strip()}")
        sys.exit(77)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    build = os.path.abspath(sys.argv[1]) + "-tls36"
    fetch_sources(os.path.join(build, "sysroot"))
    subprocess.run(["cmake", "-S", ROOT, "-B", build, "-G", "Ninja", "-DTG_BOARD=gateway-arm64",
                    "-DCMAKE_BUILD_TYPE=Release", "-DTG_VENDOR=source"],
                   check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", build, "--target", *(f"unit_{name}" for name in TESTS)],
                   check=True)
    names = "|".join(TESTS)
    sys.exit(subprocess.run(["ctest", "--test-dir", build, "--output-on-failure",
                             "--no-tests=error", "-R", f"^unit\\.({names})$"],
                            check=False).returncode)


if __name__ == "__main__":
    main()
