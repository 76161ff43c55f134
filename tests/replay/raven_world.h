/* raven_world.h - a RavenDB source, one or two nodes and what the agent would know: the driver's
 * replay tests live here.
 *
 * What is handed over is kept as an index would keep it: upserts, told deletes, keys that were only
 * seen, and what a complete comparison did not see. Time passes only as told.
 */
#ifndef TG_TESTS_REPLAY_RAVEN_WORLD_H
#define TG_TESTS_REPLAY_RAVEN_WORLD_H

#include "app/arena.h"
#include "drivers/raven/raven.h"
#include "drivers/raven/state.h"
#include "tests/replay/raven_peer.h"

enum { TG_RAVEN_WORLD_ROWS = 4000, TG_RAVEN_WORLD_STREAMS = 6 };

struct tg_raven_world_row {
	uint8_t key[96]; /* as it compares */
	uint32_t key_bytes, value;
	bool seen;
};

struct tg_raven_world_stream {
	char name[64];
	uint8_t generation[TG_GENERATION_BYTES];
	uint8_t bookmark[TG_RAVEN_CURSOR_BYTES_MAX];
	size_t bookmark_bytes;
	struct tg_raven_world_row rows[TG_RAVEN_WORLD_ROWS];
	uint32_t count;
	unsigned begins, ends, again, given, deletes, seen, swept, oversize;
	bool counts;                    /* keys() may be asked */
	bool complete, ordered, wanted; /* of the last END; a full pass is wanted */
	bool pass_begun, lost;          /* for that; records were lost behind its back */
	int why;
};

struct tg_raven_world {
	struct tg_raven source;
	struct tg_raven_peer *peers[2];
	struct tg_arena arena;
	struct tg_now now;
	struct tg_why why;
	struct tg_raven_world_stream streams[TG_RAVEN_WORLD_STREAMS], *open;
	uint32_t stream_count;
	uint8_t last[96]; /* the last key of an ordered batch */
	uint32_t last_bytes;
	/* Called behind each batch. */
	void (*midway)(struct tg_raven_world *world, const struct tg_batch *batch);
	unsigned batches;
	bool crash; /* the run ends behind this batch, as if it was killed */
};

/* `config`: more members, beginning with a comma. */
void tg_raven_world_start(struct tg_raven_world *world, struct tg_raven_peer *first,
			  struct tg_raven_peer *second, const char *config);
/* One round: until DONE (0), the source's error, or a crash (TG_ERR_STOPPED). */
int tg_raven_world_run(struct tg_raven_world *world);
/* A new process with the same store. */
void tg_raven_world_restart(struct tg_raven_world *world, const char *config);
struct tg_raven_world_stream *tg_raven_world_stream(struct tg_raven_world *world, const char *name);
/* Whether the stream holds exactly the peer's documents of `collection`. */
bool tg_raven_world_equal(struct tg_raven_world *world, const struct tg_raven_peer *peer,
			  const char *collection);

#endif
