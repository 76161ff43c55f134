"""The machine itself: that it starts, runs, measures and ends as its users rely on."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

import disk
import initramfs
import machine
import skips

PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int deep(int bytes)
{
	volatile char frame[bytes];

	for (int at = 0; at < bytes; at += 1024)
		frame[at] = 1;
	return frame[0];
}

int main(int count, char **words)
{
	size_t held = (size_t)atoi(words[1]) << 10;
	char *bytes = malloc(held);

	memset(bytes, 1, held);
	printf("%d words\n", count);
	fprintf(stderr, "%d\n", bytes[held / 2]);
	return deep(atoi(words[2]) << 10) + 4;
}
"""
LOG_MAGIC = 0x6A736677736872
LOG_SECTOR_BYTES = 512


def compile_program(folder):
    source, made = folder / "program.c", folder / "program"
    source.write_text(PROGRAM, encoding="utf-8")
    subprocess.run([initramfs.COMPILER, "-static", "-O1", "-o", made, source], check=True)
    return made


class Life(unittest.TestCase):
    """Two boots: one that ends well, one whose power is cut."""

    def setUp(self):
        machine.need()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tidegate-vm-test-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.image = disk.make(self.folder / "disk", 32)
        self.files = {"/bin/program": compile_program(self.folder)}

    def test_it_runs_measures_and_keeps(self):
        with machine.Machine(self.files, self.image) as vm:
            vm.network()
            vm.mount()
            done = vm.run("/bin/program", 2048, 100)
            self.assertEqual((done.code, done.out, done.err), (5, "3 words\n", "1\n"))
            self.assertIn(done.stats["rss_anon_kib"] // 256, range(8, 10), done.stats)
            self.assertIn(done.stats["stack_kib"], range(100, 140), done.stats)
            vm.limit(stack_bytes=64 << 10)
            self.assertEqual(vm.run("/bin/program", 64, 1000).code, -11, "the limit did not hold")
            vm.write("/data/kept", b"\0text" * 20000)
            self.assertEqual(vm.read("/data/kept"), b"\0text" * 20000)
            vm.set_clock(2_000_000_000)
            self.assertIn(vm.now()["now"] - 2_000_000_000, range(10))
            vm.power_off()
        disk.check(self.image)

    def test_a_cut_leaves_the_disk_as_it_was(self):
        log = self.folder / "log"
        with machine.Machine({}, self.image, write_log=log) as vm:
            vm.mount()
            vm.write("/data/lost", b"written, not synced")
            vm.cut()
        with self.assertRaises(disk.Dirty):
            disk.check(self.image)
        head = log.read_bytes()[:LOG_SECTOR_BYTES]
        self.assertEqual(int.from_bytes(head[:8], "little"), LOG_MAGIC)
        self.assertGreater(int.from_bytes(head[16:24], "little"), 0, "no write was recorded")


if __name__ == "__main__":
    skips.main()
