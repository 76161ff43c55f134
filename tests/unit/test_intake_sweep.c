/* A sweep over more keys than memory has pages for, with a commit whenever one is asked for. */
#include "tests/check.h"

#include "tests/unit/path_world.h"

enum { KEYS = 40000, BATCH = 64 };

static struct tg_path_world world;
static unsigned commits;

static void give(struct tg_batch *batch)
{
	tg_intake_take(&world.intake, batch, 5000);
	commits += tg_path_work(&world);
}

/* A complete pass over every `step`-th of the keys. */
static void pass(uint32_t step, uint8_t generation)
{
	struct tg_batch begin = { .kind = TG_BATCH_BEGIN };
	struct tg_batch rows = { .kind = TG_BATCH_ROWS,
				 .flags = TG_BATCH_ORDERED | TG_BATCH_PASS_BEGIN,
				 .records = world.rows };
	struct tg_batch end = { .kind = TG_BATCH_END,
				.flags = TG_BATCH_ORDERED | TG_BATCH_COMPLETE };

	memset(begin.generation, generation, sizeof(begin.generation));
	TG_CHECK_INT(tg_intake_begin(&world.intake, &begin, tg_view_str("r/d/t"), 1), 0);
	commits += tg_path_work(&world);
	/* A sink that takes nothing: else all would be trimmed at once. */
	(void)tg_forwarder_adopt(&world.fwd, tg_intake_open(&world.intake)->stream,
				 tg_view_str("r/d/t"), false);
	for (uint32_t number = 0; number < KEYS; rows.flags = TG_BATCH_ORDERED) {
		rows.count = 0;
		for (; rows.count < BATCH && number < KEYS; number += step)
			tg_path_row(&world, rows.count++, number, number);
		give(&rows);
	}
	commits = 0;
	give(&end);
}

static struct tg_stream_row row_now(void)
{
	struct tg_stream_row row;

	TG_CHECK_INT(tg_outbox_stream_row(&world.box, 1, &row), 0);
	return row;
}

static uint64_t count_deletes(void)
{
	struct tg_outbox_cursor cursor;
	struct tg_record record;
	uint64_t count = 0;
	int got;

	TG_CHECK_INT(tg_outbox_read_begin(&world.box, tg_outbox_stream_at(&world.box, 0), KEYS + 1,
					  &cursor),
		     0);
	while ((got = tg_outbox_read_next(&cursor, &record)) > 0) {
		/* In the order of their keys, none twice and none left out. */
		char key[16];
		snprintf(key, sizeof(key), "\"k%06u\"", (unsigned)(count + count / 99 + 1));
		TG_CHECK_INT(record.op, TG_DELETE);
		TG_CHECK(tg_view_same(record.body, tg_view_str(key)));
		count++;
	}
	TG_CHECK_INT(got, 0);
	tg_outbox_read_end(&cursor);
	return count;
}

TG_TEST(intake_sweeps_each_missing_key_once_over_many_commits)
{
	tg_path_start(&world);
	pass(1, 1);
	TG_CHECK_INT(row_now().index.entries, KEYS);
	pass(100, 1);
	TG_CHECK(commits > 1);
	struct tg_stream_row row = row_now();
	TG_CHECK_INT(row.index.missing, 0);
	TG_CHECK_INT(row.index.deleted, KEYS - KEYS / 100);
	TG_CHECK_INT(row.flags, 0);
	TG_CHECK_INT(count_deletes(), KEYS - KEYS / 100);
	tg_path_stop(&world);
}

TG_TEST(intake_forgets_each_missing_key_of_a_table_made_anew)
{
	tg_path_start(&world);
	pass(1, 1);
	pass(100, 2);
	TG_CHECK(commits > 1);
	struct tg_stream_row row = row_now();
	TG_CHECK_INT(row.index.missing, 0);
	TG_CHECK_INT(row.index.entries, KEYS / 100);
	TG_CHECK_INT(row.next_seq, KEYS + 1);
	tg_path_stop(&world);
}
