/* world.h - a RethinkDB source, a peer and a clock of our own: the driver's replay tests live here.
 *
 * The peer holds one small database; tests change how it answers. Time passes only as told.
 */
#ifndef TG_TESTS_REPLAY_WORLD_H
#define TG_TESTS_REPLAY_WORLD_H

#include "app/arena.h"
#include "app/source.h"
#include "drivers/rethink/state.h"
#include "tests/replay/peer.h"

enum { TG_WORLD_TABLES = 3, TG_WORLD_ROWS_MAX = 2000 };

struct tg_world_stream {
	char name[64];
	uint8_t bookmark[TG_RETHINK_BOOKMARK_BYTES_MAX];
	size_t bookmark_bytes;
	uint8_t generation[TG_GENERATION_BYTES];
	unsigned begins, ends, pass_begins;
	bool complete;                    /* the last END                                        */
	int why;                          /* the last END's error                                */
	uint32_t flags;                   /* of all batches of the last pass                     */
	uint32_t rows;                    /* handed over                                         */
	uint32_t seen[TG_WORLD_ROWS_MAX]; /* how often row i was handed over            */
	uint64_t oversize_bytes;
};

struct tg_world {
	struct tg_rethink source;
	struct tg_peer peer;
	struct tg_arena arena;
	struct tg_now now;
	struct tg_why why;
	struct tg_world_stream streams[TG_WORLD_TABLES];
	uint32_t stream_count;
	uint32_t rows;    /* the peer's tables hold ids 0 .. rows-1             */
	uint32_t batch;   /* rows it sends at once                              */
	uint64_t turn_ms; /* how long a turn takes                              */
	uint32_t cursor_at, cursor_token; /* token 0: no cursor is open */
	char last_query[8192]; /* the newest START                                   */
	unsigned starts, stops, continues, refused, pings;
	/* Lets a test answer instead; returns true when it did. */
	bool (*hook)(struct tg_world *world, uint64_t token, const char *query);
	bool full_pass_wanted;
};

/* Begins with `config`, a JSON object's members (host, port and login are added). */
void tg_world_start(struct tg_world *world, const char *config);
void tg_world_stop(struct tg_world *world);
/* Connects and runs until DONE (0), or the source's error. */
int tg_world_run(struct tg_world *world);
/* Runs again and again until DONE; how often it took. */
unsigned tg_world_finish(struct tg_world *world);
struct tg_world_stream *tg_world_stream(struct tg_world *world, const char *name);
/* Rows from `from` to the end of the batch, as the peer's tables hold them, type 3 or 2. */
void tg_world_batch(struct tg_world *world, uint64_t token);
/* The number after the table's name in `query`: the bound of its range; -1 for MINVAL. */
long tg_world_bound(const char *query);

#endif
