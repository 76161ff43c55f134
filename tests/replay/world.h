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
	uint32_t back_rows;               /* of them from the table's end                        */
	long front, back;                 /* where both ends of the pass stand                   */
	uint32_t seen[TG_WORLD_ROWS_MAX]; /* how often row i was handed over            */
	uint64_t oversize_bytes;
};

/* Rows [from, to) are left, given from the begin or from the end. */
struct tg_world_cursor {
	uint64_t token;
	uint32_t from, to;
	bool back;
};

struct tg_world {
	struct tg_rethink source;
	struct tg_peer peer;
	struct tg_arena arena;
	struct tg_now now;
	struct tg_why why;
	struct tg_world_stream streams[TG_WORLD_TABLES];
	uint32_t stream_count;
	uint32_t rows;                     /* the peer's tables hold ids 0 .. rows-1             */
	uint32_t batch;                    /* rows it sends at once                              */
	uint64_t turn_ms;                  /* how long a turn takes                              */
	struct tg_world_cursor cursors[2]; /* of the newest queries; token 0: not open */
	char last_query[8192];             /* the newest START                                   */
	uint32_t given;                    /* rows since a table was asked for from its first one */
	unsigned starts, stops, continues, refused, pings, backs;
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
/* The next rows of the cursor `token`, as the peer's tables hold them, type 3 or 2. */
void tg_world_batch(struct tg_world *world, uint64_t token);
/* How many rows all cursors of the present table have given. */
uint32_t tg_world_given(const struct tg_world *world);

#endif
