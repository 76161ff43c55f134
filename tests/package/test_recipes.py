"""The recipes for other builders, as far as a machine without them can try them."""

import hashlib
import os
import re
import signal
import subprocess
import tempfile
import time
import unittest

import debs

OPENWRT = debs.ROOT / "packaging/openwrt"
YOCTO = next((debs.ROOT / "packaging/yocto").glob("*.bb"))
SCRIPTS = (OPENWRT / "files/tidegate.init", OPENWRT / "files/tidegate-loop")
PROCD = """
procd_open_instance() { echo open; }
procd_set_param() { echo "$@"; }
procd_close_instance() { echo close; }
. "$1"
CONFIG=$2
start_service
"""
SECONDS_MAX = 20


def version():
    text = (debs.ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    return re.search(r"project\(tidegate VERSION ([0-9.]+)", text)[1]


class OpenWrt(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="tidegate-openwrt-")
        self.addCleanup(holder.cleanup)
        self.folder = holder.name

    def test_scripts_are_shell(self):
        for script in SCRIPTS:
            debs.run("sh", "-n", script)

    def test_shellcheck_finds_nothing(self):
        debs.need("shellcheck")
        # procd reads the variables and calls the functions of the first.
        debs.run("shellcheck", "--shell=dash", "--exclude=SC2034", *SCRIPTS)

    def start(self, config):
        return debs.run("sh", "-euc", PROCD, "sh", SCRIPTS[0], config).splitlines()

    def test_the_service_starts_only_with_a_configuration(self):
        self.assertEqual(self.start(f"{self.folder}/none"), [])
        said = self.start("/dev/null")
        self.assertEqual((said[0], said[-1]), ("open", "close"))
        self.assertIn("command /usr/libexec/tidegate-loop /dev/null", said)
        self.assertIn("respawn 3600 5 0", said)
        self.assertIn("user tidegate", said)

    def test_the_loop_ends_its_child_when_it_is_ended(self):
        program, loop = f"{self.folder}/tidegate", f"{self.folder}/loop"
        with open(program, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\necho $$ \"$@\" > {self.folder}/said\nexec sleep 1000\n")
        text = SCRIPTS[1].read_text(encoding="utf-8")
        with open(loop, "w", encoding="utf-8") as file:
            file.write(text.replace("/usr/bin/tidegate", program))
        os.chmod(program, 0o755)
        running = subprocess.Popen(["sh", loop, "/etc/x.json"])
        end = time.monotonic() + SECONDS_MAX
        said = ""
        while not said.endswith("\n") and time.monotonic() < end:
            if os.path.exists(f"{self.folder}/said"):
                with open(f"{self.folder}/said", encoding="utf-8") as file:
                    said = file.read()
            time.sleep(0.01)
        child, _, words = said.partition(" ")
        self.assertEqual(words, "sync --config /etc/x.json\n")
        running.send_signal(signal.SIGTERM)
        self.assertEqual(running.wait(SECONDS_MAX), 0)
        with self.assertRaises(ProcessLookupError):
            os.kill(int(child), 0)

    def test_the_makefile_is_about_this_tree(self):
        text = (OPENWRT / "Makefile").read_text(encoding="utf-8")
        self.assertIn(f"PKG_VERSION:={version()}\n", text)
        named = re.findall(r"\./(files/\S+)", text)
        self.assertEqual(len(named), len(SCRIPTS))
        for path in named:
            self.assertTrue((OPENWRT / path).exists(), path)


class Yocto(unittest.TestCase):
    def test_the_recipe_is_about_this_tree(self):
        text = YOCTO.read_text(encoding="utf-8")
        self.assertEqual(YOCTO.name, f"tidegate_{version()}.bb")
        licence = hashlib.md5((debs.ROOT / "LICENSE").read_bytes()).hexdigest()
        self.assertIn(f"file://LICENSE;md5={licence}", text)
        for path in re.findall(r"\$\{S\}/(\S+)", text):
            self.assertTrue((debs.ROOT / path).exists(), path)
        board = re.search(r"-DTG_BOARD=(\S+?)[ \"]", text)[1]
        self.assertTrue((debs.ROOT / "board" / board).exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
