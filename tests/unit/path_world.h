/* path_world.h - an outbox in a fresh folder, an intake and a forwarder around it, and a sink whose
 * answers the test writes down: for the tests of everything between a batch and an acknowledgement.
 */
#ifndef TG_TESTS_UNIT_PATH_WORLD_H
#define TG_TESTS_UNIT_PATH_WORLD_H

#include "app/forwarder.h"
#include "app/intake.h"

enum { TG_WORLD_ROWS_MAX = 64, TG_WORLD_TEXT_BYTES = 65536 };

/* What the sink does with its next deliveries, one letter each: 'o' takes it, 'b' refuses the
 * batch, 'e' fails as a whole; behind the end it takes everything. A delivery whose text holds
 * `poison` is always refused. */
struct tg_world_sink {
	const char *script;
	const char *poison;
	struct tg_sink_limits limits;
	char taken[TG_WORLD_TEXT_BYTES]; /* every line that was taken */
	char sent[TG_WORLD_TEXT_BYTES];  /* the body of the last delivery */
	char ranges[512];                /* "1-8 1-4 " ... of all deliveries */
	struct tg_delivery now;
};

struct tg_path_world {
	char folder[64];
	struct tg_outbox box;
	struct tg_intake intake;
	struct tg_forwarder fwd;
	struct tg_config_sink config;
	struct tg_world_sink sink;
	struct tg_record rows[TG_WORLD_ROWS_MAX];
	char bodies[TG_WORLD_ROWS_MAX][256];
	uint8_t keys[TG_WORLD_ROWS_MAX][64];
	struct tg_source_rules rules;
	uint64_t mono_ms;
	const char *stream; /* what a pass reads: "r/d/t" unless said otherwise */
	/* Called between the rows and the end of a pass; may be NULL. */
	void (*midway)(struct tg_path_world *world);
};

void tg_path_start(struct tg_path_world *world);
/* Closes the store and opens it again, as a crash and a new start do. */
void tg_path_restart(struct tg_path_world *world);
void tg_path_stop(struct tg_path_world *world);
/* A full pass over the rows that `text` names: "k1=1 k2=7" gives {"id":"k1","v":1} ...; in key
 * order. `complete` 0: the pass breaks off after them. `generation`: which table it is. */
void tg_path_pass(struct tg_path_world *world, const char *text, bool complete, uint8_t generation);
/* The same rows without order, as a timestamp pass brings them. */
void tg_path_changes(struct tg_path_world *world, const char *text);
/* Steps the forwarder until it comes to rest. */
void tg_path_deliver(struct tg_path_world *world);
void tg_path_commit(struct tg_path_world *world);
/* Makes rows[at] {"id":"k000123"}, of `number`, with `hash`. */
void tg_path_row(struct tg_path_world *world, uint32_t at, uint32_t number, uint64_t hash);
/* Goes on with what the intake has, to its end, committing when it asks; returns how often. */
unsigned tg_path_work(struct tg_path_world *world);
/* What arrived since the last call, as "k1=1 k2=7 -k3 ". */
const char *tg_path_arrived(struct tg_path_world *world);

#endif
