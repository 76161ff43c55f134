"""The gateway's whole life in the arm64 machine: it boots, brings its network up, syncs over TLS
within its board's memory, notices changes after another boot, and is switched off cleanly."""

import unittest

import disk
import gateway
import skips

TABLES = {"readings": 3000, "devices": 50, "oddkeys": 0, "oddrows": 0}
CHANGED = 40


class Life(unittest.TestCase):
    def test_boot_sync_off_and_again(self):
        with gateway.Gateway(TABLES) as here:
            with here.machine() as vm:
                here.ready(vm)
                self.checks(here, vm)
                self.syncs(here, vm)
                vm.power_off()
            disk.check(here.image)
            before = here.receiver.stats()["lines"]
            here.do("change", table="plant.readings", count=CHANGED)
            here.do("delete", table="plant.readings", count=CHANGED, start=1000)
            with here.machine() as vm:
                here.ready(vm)
                self.syncs(here, vm)
                vm.power_off()
            disk.check(here.image)
            sent = here.receiver.stats()["lines"] - before
            self.assertEqual(sent, 2 * CHANGED, "unchanged rows were sent again")

    def checks(self, here, vm):
        """`check` finds the clock, the store, the source and the target in order."""
        done = vm.run(*here.command("check"))
        self.assertEqual(done.code, 0, done)
        self.assertIn("the certificate is good", done.out)

    def syncs(self, here, vm):
        done = here.sync(vm)
        self.assertEqual(done.code, 0, done)
        here.check()
        here.within_budget(done.stats)
        print(done.stats)


if __name__ == "__main__":
    skips.main()
