/* A source that is told of deletes, and one that compares keys after an unordered walk. */
#include "tests/check.h"

#include "drivers/rethink/key.h"
#include "tests/unit/path_world.h"

static struct tg_path_world world;

static struct tg_stream_state begin(void)
{
	struct tg_batch batch = { .kind = TG_BATCH_BEGIN };
	struct tg_stream_state state;

	memset(batch.generation, 1, sizeof(batch.generation));
	TG_CHECK_INT(tg_intake_begin(&world.intake, &batch, tg_view_str("r/d/t"), 5000), 0);
	(void)tg_path_work(&world);
	tg_intake_state(&world.intake, &state);
	return state;
}

static void give(const struct tg_batch *batch)
{
	tg_intake_take(&world.intake, batch, 5000);
	(void)tg_path_work(&world);
}

/* One record a word, of nothing but a key: "k1 k2". */
static void give_keys(const char *text, uint32_t batch_flags, const struct tg_record *like)
{
	struct tg_batch batch = { .kind = TG_BATCH_ROWS,
				  .flags = batch_flags,
				  .records = world.rows };
	char copy[256], *rest = copy, *word;

	snprintf(copy, sizeof(copy), "%s", text);
	while ((word = strtok_r(rest, " ", &rest)) != NULL) {
		char *json = world.bodies[batch.count];
		snprintf(json, sizeof(world.bodies[0]), "\"%s\"", word);
		world.rows[batch.count] = *like;
		TG_CHECK_INT(tg_rethink_key_encode(tg_view_str(json), world.keys[batch.count],
						   sizeof(world.keys[0]),
						   &world.rows[batch.count].key),
			     0);
		batch.count++;
	}
	give(&batch);
}

static void end(uint32_t flags)
{
	give(&(struct tg_batch){ .kind = TG_BATCH_END, .flags = flags });
	tg_path_commit(&world);
}

static const struct tg_record deleted = { .op = TG_DELETE, .time_ms = 77 };
static const struct tg_record seen = { .op = TG_UPSERT, .flags = TG_REC_SEEN };

static void sends(const char *expected)
{
	tg_path_deliver(&world);
	TG_CHECK_STR(tg_path_arrived(&world), expected);
}

TG_TEST(told_deletes_go_out_once_and_only_of_what_was_sent)
{
	tg_path_start(&world);
	tg_path_changes(&world, "k1=1 k2=2 k3=3");
	sends("k1=1 k2=2 k3=3 ");
	struct tg_stream_state state = begin();
	TG_CHECK_INT(state.keys(state.keys_context), 3);
	give_keys("k3 k1 k9", 0, &deleted);
	TG_CHECK_INT(state.keys(state.keys_context), 1);
	give_keys("k1", 0, &deleted);
	end(TG_BATCH_COMPLETE);
	sends("-k3 -k1 ");
	TG_CHECK_INT(world.intake.counts.deleted, 2);
	TG_CHECK_INT(world.intake.counts.rows_read, 3);
	tg_path_changes(&world, "k1=1 k2=2"); /* it comes back, with the content it had */
	sends("k1=1 ");
	tg_path_stop(&world);
}

TG_TEST(seen_keys_send_nothing_and_find_what_is_gone)
{
	tg_path_start(&world);
	tg_path_changes(&world, "k1=1 k2=2 k3=3 k4=4");
	sends("k1=1 k2=2 k3=3 k4=4 ");
	(void)begin();
	give_keys("k1 k15", TG_BATCH_ORDERED | TG_BATCH_PASS_BEGIN, &seen);
	give_keys("k4", TG_BATCH_ORDERED, &seen);
	TG_CHECK_INT(world.intake.counts.rows_read, 4);
	end(TG_BATCH_ORDERED | TG_BATCH_COMPLETE);
	sends("-k2 -k3 ");
	tg_path_changes(&world, "k15=5"); /* what was seen and not known is still new */
	sends("k15=5 ");
	tg_path_stop(&world);
}

TG_TEST(a_comparison_that_is_not_complete_deletes_nothing)
{
	tg_path_start(&world);
	tg_path_changes(&world, "k1=1 k2=2 k3=3");
	sends("k1=1 k2=2 k3=3 ");
	(void)begin();
	give_keys("k3", TG_BATCH_ORDERED | TG_BATCH_PASS_BEGIN, &seen);
	end(0);
	sends("");
	tg_path_restart(&world);
	tg_path_changes(&world, "k1=1 k2=7");
	sends("k2=7 ");
	(void)begin();
	give_keys("k1 k2", TG_BATCH_ORDERED | TG_BATCH_PASS_BEGIN, &seen);
	end(TG_BATCH_ORDERED | TG_BATCH_COMPLETE);
	sends("-k3 ");
	tg_path_stop(&world);
}

TG_TEST(a_comparison_that_sees_nothing_deletes_only_when_told)
{
	tg_path_start(&world);
	tg_path_changes(&world, "k1=1 k2=2");
	sends("k1=1 k2=2 ");
	(void)begin();
	end(TG_BATCH_ORDERED | TG_BATCH_PASS_BEGIN | TG_BATCH_COMPLETE);
	sends("");
	tg_path_stop(&world);
}

/* So many that some wait in young trees, with newer versions of keys that the old tree has. */
TG_TEST(keys_are_counted_exactly_when_a_batch_asks_for_it)
{
	uint32_t keys = tg_turns(30000, 10000);
	struct tg_batch counted = { .kind = TG_BATCH_ROWS, .flags = TG_BATCH_COUNT };
	struct tg_batch rows = { .kind = TG_BATCH_ROWS, .records = world.rows };

	tg_path_start(&world);
	struct tg_stream_state state = begin();
	for (uint32_t i = 0; i < 2 * keys;) {
		for (rows.count = 0; rows.count < TG_WORLD_ROWS_MAX && i < 2 * keys; i++) {
			uint32_t at = rows.count++, key = i % keys * 7919u % keys;
			tg_path_row(&world, at, key, i);
		}
		give(&rows);
	}
	give(&counted);
	TG_CHECK_INT(state.keys(state.keys_context), keys);
	TG_CHECK_INT(world.intake.counts.changed, 2 * keys);
	end(TG_BATCH_COMPLETE);
	tg_path_stop(&world);
}

/* --- a stream that is taken as it is stored --- */

static int begin_same(const char *name)
{
	struct tg_batch batch = { .kind = TG_BATCH_BEGIN, .flags = TG_BATCH_SAME };
	int err = tg_intake_begin(&world.intake, &batch, tg_view_str(name), 5000);

	if (err == 0)
		(void)tg_path_work(&world);
	return err;
}

TG_TEST(a_stream_begun_as_stored_keeps_what_is_stored)
{
	static const uint8_t ones[TG_GENERATION_BYTES] = { 1, 1, 1, 1, 1, 1, 1, 1,
							   1, 1, 1, 1, 1, 1, 1, 1 };
	struct tg_stream_state state;

	tg_path_start(&world);
	(void)begin();
	give(&(struct tg_batch){ .kind = TG_BATCH_END,
				 .flags = TG_BATCH_COMPLETE,
				 .bookmark = tg_view_str("so far") });
	tg_path_commit(&world);
	for (unsigned i = 0; i < 2; i++) {
		TG_CHECK_INT(begin_same("r/d/t"), 0);
		tg_intake_state(&world.intake, &state);
		TG_CHECK(tg_view_same(state.bookmark, tg_view_str("so far")));
		TG_CHECK(memcmp(state.generation, ones, sizeof(ones)) == 0);
		TG_CHECK(!state.rebuilt && !state.full_pass_wanted);
		end(TG_BATCH_AGAIN);
		TG_CHECK(tg_intake_open(&world.intake) == NULL);
		tg_path_restart(&world);
	}
	state = begin();
	TG_CHECK(tg_view_same(state.bookmark, tg_view_str("so far")));
	end(TG_BATCH_COMPLETE);
	tg_path_stop(&world);
}

TG_TEST(a_stream_that_is_not_there_is_not_made)
{
	tg_path_start(&world);
	TG_CHECK_INT(begin_same("r/d/t"), TG_ERR_MISSING);
	TG_CHECK(tg_intake_open(&world.intake) == NULL);
	TG_CHECK_INT(tg_outbox_stream_count(&world.box), 0);
	struct tg_stream_state state = begin(); /* and the place is free for it */
	TG_CHECK_INT(state.bookmark.bytes, 0);
	end(TG_BATCH_COMPLETE);
	TG_CHECK_INT(tg_outbox_stream_count(&world.box), 1);
	tg_path_stop(&world);
}
