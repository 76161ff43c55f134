/* rethink_rig.h - the world of a test of the RethinkDB driver, and what is asked of its tables. */
#ifndef TG_TESTS_REPLAY_RETHINK_RIG_H
#define TG_TESTS_REPLAY_RETHINK_RIG_H

#include "tests/check.h"
#include "tests/replay/world.h"

static struct tg_world world;

static inline struct tg_world_stream *table(const char *name)
{
	return tg_world_stream(&world, name);
}

/* Every row was handed over, `times_max` times at most. */
static inline void has_all(const char *name, uint32_t times_max)
{
	const struct tg_world_stream *stream = table(name);

	for (uint32_t i = 0; i < world.rows; i++)
		if (stream->seen[i] == 0 || stream->seen[i] > times_max)
			TG_FAIL("%s: row %u came %u times", name, i, stream->seen[i]);
}

static inline void is_complete(const char *name)
{
	TG_CHECK(table(name)->complete);
	TG_CHECK_INT(table(name)->ends, 1);
	TG_CHECK(table(name)->flags & TG_BATCH_ORDERED);
}

#endif
