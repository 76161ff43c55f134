/* target.h - an HTTP receiver in the simulated network that drops keys it has seen, and fails as
 * the seed says.
 *
 * It keeps what the rows came to, and remembers each key's body: a retry under a known key must be
 * the same bytes.
 */
#ifndef TG_TESTS_SIM_TARGET_H
#define TG_TESTS_SIM_TARGET_H

#include "tests/sim/plant.h"

enum { TG_TARGET_KEYS_MAX = 4096 };

struct tg_target {
	uint32_t version[TG_PLANT_TABLES]
			[TG_PLANT_ROWS_MAX]; /* as the lines say; 0: none, or deleted */
	uint64_t seq[TG_PLANT_TABLES];       /* the last one taken, a stream          */
	uint32_t busy_chance;                /* thousandths: 503 */
	uint32_t mute_chance; /* thousandths: takes it, and drops the connection instead of
				 answering */
	uint32_t key_count, repeats, lines;
	struct {
		char key[128];
		uint64_t body_hash;
	} keys[TG_TARGET_KEYS_MAX];
};

/* Listens as target.example:80. */
void tg_target_listen(struct tg_target *target);

#endif
