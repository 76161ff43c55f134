/* A pass that reads a table from both of its ends: what lies between is gone, once it is complete.
 */
#include "tests/check.h"

#include "drivers/rethink/key.h"
#include "tests/unit/path_world.h"

static struct tg_path_world world;
static uint8_t before_bytes[TG_KEY_BYTES_MAX];

static void begin(void)
{
	struct tg_batch batch = { .kind = TG_BATCH_BEGIN };

	memset(batch.generation, 1, sizeof(batch.generation));
	TG_CHECK_INT(tg_intake_begin(&world.intake, &batch, tg_view_str("r/d/t"), 5000), 0);
	(void)tg_path_work(&world);
	/* A sink that takes nothing until it is told to: else all would be trimmed at once. */
	(void)tg_forwarder_adopt(&world.fwd, tg_intake_open(&world.intake)->stream,
				 tg_view_str("r/d/t"), false);
}

static void give(const struct tg_batch *batch)
{
	tg_intake_take(&world.intake, batch, 5000);
	(void)tg_path_work(&world);
}

/* NULL: there is none. */
static struct tg_key key_of(const char *word)
{
	struct tg_key key = tg_key_none();
	char json[64];

	if (word == NULL)
		return key;
	snprintf(json, sizeof(json), "\"%s\"", word);
	TG_CHECK_INT(tg_rethink_key_encode(tg_view_str(json), before_bytes, sizeof(before_bytes),
					   &key),
		     0);
	return key;
}

/* Rows that are there, "k1 k2", of which no more is known. */
static void see(const char *text, uint32_t flags, const char *before)
{
	struct tg_batch batch = { .kind = TG_BATCH_ROWS,
				  .flags = TG_BATCH_ORDERED | flags,
				  .records = world.rows,
				  .before = key_of(before) };
	char copy[256], *rest = copy, *word;

	snprintf(copy, sizeof(copy), "%s", text);
	while ((word = strtok_r(rest, " ", &rest)) != NULL) {
		char *json = world.bodies[batch.count];
		snprintf(json, sizeof(world.bodies[0]), "\"%s\"", word);
		struct tg_record *row = &world.rows[batch.count];
		*row = (struct tg_record){ .op = TG_UPSERT, .flags = TG_REC_SEEN };
		TG_CHECK_INT(tg_rethink_key_encode(tg_view_str(json), world.keys[batch.count],
						   sizeof(world.keys[0]), &row->key),
			     0);
		batch.count++;
	}
	give(&batch);
}

static void end(uint32_t flags, const char *before)
{
	give(&(struct tg_batch){ .kind = TG_BATCH_END, .flags = flags, .before = key_of(before) });
	tg_path_commit(&world);
}

static void sends(const char *expected)
{
	tg_path_deliver(&world);
	TG_CHECK_STR(tg_path_arrived(&world), expected);
}

static void store_nine(void)
{
	tg_path_start(&world);
	tg_path_changes(&world, "k1=1 k2=2 k3=3 k4=4 k5=5 k6=6 k7=7 k8=8 k9=9");
	sends("k1=1 k2=2 k3=3 k4=4 k5=5 k6=6 k7=7 k8=8 k9=9 ");
}

enum { WHOLE = TG_BATCH_ORDERED | TG_BATCH_COMPLETE };

TG_TEST(both_ends_find_what_is_gone_wherever_it_lay)
{
	store_nine();
	begin();
	see("k1 k3", TG_BATCH_PASS_BEGIN, NULL);
	see("k8", TG_BATCH_BACK, NULL);
	see("k5 k6", TG_BATCH_BACK, "k8");
	end(WHOLE, "k5");
	sends("-k2 -k4 -k7 -k9 ");
	tg_path_stop(&world);
}

/* The first key of a batch from the end is no end of what was read from the begin. */
TG_TEST(both_ends_leave_alone_what_the_other_end_will_read)
{
	store_nine();
	begin();
	see("k1", TG_BATCH_PASS_BEGIN, NULL);
	see("k9", TG_BATCH_BACK, NULL);
	see("k2 k3", 0, NULL);
	see("k7 k8", TG_BATCH_BACK, "k9");
	see("k4", 0, NULL);
	see("k5", 0, NULL);
	see("k6", TG_BATCH_BACK, "k7");
	end(WHOLE, "k6");
	sends("");
	begin();
	see("k1 k2 k3 k4 k5 k6 k7 k8", TG_BATCH_PASS_BEGIN, NULL);
	see("k9", TG_BATCH_BACK, NULL);
	end(WHOLE, "k9");
	sends("");
	tg_path_stop(&world);
}

TG_TEST(both_ends_delete_nothing_before_the_pass_is_complete)
{
	store_nine();
	begin();
	see("k2", TG_BATCH_PASS_BEGIN, NULL);
	see("k7", TG_BATCH_BACK, NULL);
	end(0, NULL);
	sends("");
	tg_path_restart(&world);
	/* Gone on with: neither k1 nor k8 and k9 are looked at again. */
	begin();
	see("k5 k6", TG_BATCH_BACK, "k7");
	see("k3", 0, NULL);
	end(WHOLE, "k5");
	sends("-k1 -k4 -k8 -k9 ");
	tg_path_stop(&world);
}

/* --- many rows, with commits in between --- */

enum { ROWS = 20000, RUN = 64 };

static bool there[ROWS];

static void number_key(uint32_t number, char word[16])
{
	snprintf(word, 16, "k%06u", number);
}

/* Rows [from, to) that are there, all of them new or unchanged; returns the first one, or `to`. */
static uint32_t read_run(uint32_t from, uint32_t to, uint32_t flags, uint32_t before)
{
	struct tg_batch batch = { .kind = TG_BATCH_ROWS,
				  .flags = TG_BATCH_ORDERED | flags,
				  .records = world.rows };
	uint32_t first = to;
	char word[16];

	number_key(before, word);
	batch.before = key_of(before < ROWS ? word : NULL);
	for (uint32_t i = from; i < to; i++) {
		if (!there[i])
			continue;
		first = batch.count == 0 ? i : first;
		tg_path_row(&world, batch.count++, i, i);
	}
	if (batch.count > 0)
		give(&batch);
	return first;
}

static void pass(bool restart)
{
	uint32_t low = 0, high = ROWS, before = ROWS, flags = TG_BATCH_PASS_BEGIN;

	begin();
	for (uint32_t turn = 0; low < high; turn++) {
		if (restart && turn == 150) {
			end(0, NULL);
			tg_path_restart(&world);
			begin();
		}
		if (turn % 7 < 4) {
			low += RUN;
			(void)read_run(low - RUN, low < high ? low : high, flags, ROWS);
			flags = 0;
			continue;
		}
		uint32_t from = high - low > RUN ? high - RUN : low;
		uint32_t first = read_run(from, high, TG_BATCH_BACK, before);
		before = first < high ? first : before;
		high = from;
	}
	char word[16];
	number_key(before, word);
	end(WHOLE, before < ROWS ? word : NULL);
}

/* Goal: each pass from both ends leaves in the index what the table holds, with a store that is
 * committed and closed in between. */
TG_TEST(both_ends_keep_the_index_through_passes_of_many_rows)
{
	struct tg_stream_row row;
	uint32_t rows = 0, deleted = 0;

	tg_path_start(&world);
	for (uint32_t i = 0; i < ROWS; i++)
		there[i] = i % 11 != 5;
	pass(true);
	for (uint32_t i = 0; i < ROWS; i++) {
		bool was = there[i];
		there[i] = i % 11 == 5 ? i % 2 == 0 : i % 13 != 0;
		deleted += was && !there[i];
		rows += there[i];
	}
	pass(false);
	TG_CHECK_INT(world.intake.counts.deleted, deleted);
	TG_CHECK_INT(tg_outbox_stream_row(&world.box, 1, &row), 0);
	TG_CHECK_INT(row.index.entries - row.index.deleted, rows);
	TG_CHECK_INT(row.index.missing, 0);
	uint64_t changed = world.intake.counts.changed;
	pass(true);
	TG_CHECK_INT(world.intake.counts.changed, 0); /* counted since the restart */
	TG_CHECK(changed > 0);
	tg_path_stop(&world);
}
