"""What a test program does where the machine lacks something: it says so and ends with status 77.

    skips.skip("qemu is not installed")     anywhere, also in the middle of a unittest
    skips.main()                            in place of unittest.main(), which takes an exit for a
                                            fault and a skip for a success
"""

import sys
import unittest

EXIT_SKIPPED = 77


class Missing(unittest.SkipTest, SystemExit):
    """A skip to unittest; the program's end, with status 77, where no unittest runs."""

    def __init__(self, reason):
        super().__init__(reason)
        self.code = EXIT_SKIPPED


def skip(reason):
    # On a line of its own: unittest has begun one with the test's name.
    print(f"\nSKIP: {reason}", flush=True)
    raise Missing(reason)


def main():
    """Runs this program's tests. A fault counts more than a skip, a skip more than a success."""
    result = unittest.main("__main__", verbosity=2, exit=False).result
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(EXIT_SKIPPED if result.skipped else 0)
