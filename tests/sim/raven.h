/* raven.h - a RavenDB in the simulated network, as much of it as a sink uses: markers that are
 * written only over their own version, batches that are taken whole or not at all, and failures as
 * the seed says.
 *
 * It keeps what the rows came to in a tg_target: a sequence that comes twice, or too early, fails.
 */
#ifndef TG_TESTS_SIM_RAVEN_H
#define TG_TESTS_SIM_RAVEN_H

#include "tests/sim/target.h"

/* Listens as target.example:80. `repeats` of the target counts batches that came again and were
 * refused for it. */
void tg_raven_listen(struct tg_target *target);

#endif
