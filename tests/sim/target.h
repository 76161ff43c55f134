/* target.h - an HTTP receiver in the simulated network that drops keys it has seen, and fails as
 * the seed says.
 *
 * It keeps what the rows came to, and remembers each key's body: a retry under a known key must be
 * the same bytes.
 */
#ifndef TG_TESTS_SIM_TARGET_H
#define TG_TESTS_SIM_TARGET_H

#include "platform/sim/sim.h"
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
	uint32_t same; /* lines with the version that the row had already */
	struct {
		char key[128];
		uint64_t body_hash;
	} keys[TG_TARGET_KEYS_MAX];
};

/* Answers the first request in `in` if it is whole, and returns its bytes; 0: it is not. `in` ends
 * in a NUL and may be written on. */
typedef size_t tg_target_take(struct tg_target *target, struct tg_sim_conn *conn, char *in,
			      size_t bytes);

/* Listens as target.example:80. */
void tg_target_listen(struct tg_target *target);
/* So does a target that takes its requests otherwise; only one listens at a time. */
void tg_target_listen_by(struct tg_target *target, tg_target_take *take);

#endif
