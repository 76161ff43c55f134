"""SIGKILL at random moments of tidegate between two databases, a writer at the first one.

TIDEGATE_KILLS says how many (20; TIDEGATE_SOAK=1: 200), TIDEGATE_SEED repeats a run's moments as
far as the machine's own timing allows.
"""

import os
import random
import time

import raven

ROWS = 12000
KILLS = 10 if raven.IS_SECOND else 20
KILLS_SOAK = 200
LIFE_SECONDS = 0.3      # mean; a whole pass takes a few seconds
WRITES_A_RUN = 120


def kill_count():
    default = KILLS_SOAK if os.environ.get("TIDEGATE_SOAK") else KILLS
    return int(os.environ.get("TIDEGATE_KILLS", default))


class Case(raven.Case):
    SOURCE = {"batch_size": 250}

    def kill_one(self, chance, known):
        """One run that is killed, unless it was faster; true when the kill hit."""
        with self.start() as process:
            writer = raven.Writer(self.server, self.database, chance, WRITES_A_RUN, known)
            writer.start()
            time.sleep(min(chance.expovariate(1 / LIFE_SECONDS), 5 * LIFE_SECONDS))
            hit = process.poll() is None
            process.kill()
            _, errors = process.communicate()
        writer.finish()
        self.assertIn(process.returncode, (-9, 0), errors[-2000:])
        return hit

    def kill_often(self):
        seed = int(os.environ.get("TIDEGATE_SEED") or random.SystemRandom().randrange(10**9))
        print(f"TIDEGATE_SEED={seed}", flush=True)
        chance = random.Random(seed)
        self.client.fill(self.database, "Orders", raven.orders(ROWS))
        hits = runs = 0
        while hits < kill_count():
            runs += 1
            hits += self.kill_one(chance, ROWS)
        # A pass that goes on where the killed one stopped ends with what it saw then.
        self.sync()
        self.sync()
        print(f"{hits} kills in {runs} runs")
