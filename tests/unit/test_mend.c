/* A damaged index is mended from the leaves that can be read: what is on them is known as before,
 * what is not is forgotten, counted and said. */
#include "tests/check.h"

#include "app/outbox/index_page.h"
#include "app/outbox/store.h"
#include "tests/unit/path_world.h"

enum { KEYS = 6000, BATCH = 50, STEP = 20 };

static struct tg_path_world world;

static void begin_only(void)
{
	struct tg_batch batch = { .kind = TG_BATCH_BEGIN, .generation = { 1 } };

	TG_CHECK_INT(tg_intake_begin(&world.intake, &batch, tg_view_str("r/d/t"), 1), 0);
}

static void begin(void)
{
	begin_only();
	(void)tg_path_work(&world);
	/* A sink that takes nothing: else all would be trimmed at once. */
	(void)tg_forwarder_adopt(&world.fwd, tg_intake_open(&world.intake)->stream,
				 tg_view_str("r/d/t"), false);
}

/* Gives a batch unless the stream was closed over a damaged index, as the agent does. */
static void give(struct tg_batch *batch)
{
	if (tg_intake_open(&world.intake) == NULL)
		return;
	tg_intake_take(&world.intake, batch, 5000);
	(void)tg_path_work(&world);
}

/* A full pass over every row whose number `step` does not divide (0: over all). Returns how many
 * were new or changed. */
static uint64_t pass(uint32_t step)
{
	uint64_t before = world.intake.counts.changed;
	struct tg_batch rows = { .kind = TG_BATCH_ROWS,
				 .flags = TG_BATCH_ORDERED | TG_BATCH_PASS_BEGIN,
				 .records = world.rows };
	struct tg_batch end = { .kind = TG_BATCH_END,
				.flags = TG_BATCH_ORDERED | TG_BATCH_COMPLETE };

	begin();
	for (uint32_t number = 0; number < KEYS; rows.flags = TG_BATCH_ORDERED) {
		for (rows.count = 0; rows.count < BATCH && number < KEYS; number++)
			if (step == 0 || number % step != 0)
				tg_path_row(&world, rows.count++, number, number + 1);
		give(&rows);
	}
	give(&end);
	return world.intake.counts.changed - before;
}

/* Rows here and there, changed, in no order: they stay in a young tree. */
static void scatter(uint32_t count)
{
	struct tg_batch rows = { .kind = TG_BATCH_ROWS, .records = world.rows, .count = BATCH };
	struct tg_batch end = { .kind = TG_BATCH_END, .flags = TG_BATCH_COMPLETE };

	begin();
	for (uint32_t i = 0; i < count; i += BATCH) {
		for (uint32_t at = 0; at < BATCH; at++)
			tg_path_row(&world, at, (i + at) * 373 % (KEYS / STEP) * STEP, 7000000);
		give(&rows);
	}
	give(&end);
}

static struct tg_stream_row row_now(void)
{
	struct tg_stream_row row;

	TG_CHECK_INT(tg_outbox_stream_row(&world.box, 1, &row), 0);
	return row;
}

/* Flips a bit in the `which`-th stored page of `kind` with a number >= `from`; returns how many
 * entries it has. */
static uint32_t break_page(enum tg_index_page_kind kind, unsigned which, uint32_t from)
{
	static uint8_t copy[TG_INDEX_PAGE_BYTES];
	struct tg_store_key key = tg_key_page(1, from);
	struct tg_store_walk walk;
	MDB_txn *txn;

	TG_CHECK_INT(tg_store_write_begin(&world.box, &txn), 0);
	TG_CHECK_INT(tg_store_walk_begin(&world.box, txn, 'I', &walk), 0);
	walk.from = tg_view_of(key.at, key.bytes);
	while (which > 0) {
		TG_CHECK_INT(tg_store_walk_next(&walk), 1);
		which -= tg_index_page_kind(walk.value.at) == kind;
	}
	memcpy(key.at, walk.key.at, walk.key.bytes);
	memcpy(copy, walk.value.at, sizeof(copy));
	copy[100] ^= 1;
	tg_store_walk_end(&walk);
	TG_CHECK_INT(tg_store_put(&world.box, txn, &key, tg_view_of(copy, sizeof(copy))), 0);
	TG_CHECK_INT(tg_store_err(mdb_txn_commit(txn)), 0);
	return tg_index_page_count(copy);
}

static uint64_t count_pages(void)
{
	struct tg_store_walk walk;
	uint64_t count = 0;
	MDB_txn *txn;

	TG_CHECK_INT(tg_store_read_begin(&world.box, &txn), 0);
	TG_CHECK_INT(tg_store_walk_begin(&world.box, txn, 'I', &walk), 0);
	while (tg_store_walk_next(&walk) > 0)
		count++;
	tg_store_walk_end(&walk);
	tg_store_read_end(&world.box);
	return count;
}

static bool was_damaged(uint64_t *forgotten)
{
	return tg_intake_tell_damage(&world.intake, forgotten);
}

TG_TEST(mend_forgets_only_what_lay_on_the_damaged_leaf)
{
	uint64_t forgotten;

	tg_path_start(&world);
	TG_CHECK_INT(pass(0), KEYS);
	TG_CHECK(!was_damaged(&forgotten));
	uint64_t pages = count_pages();
	uint32_t lost = break_page(TG_INDEX_PAGE_LEAF, 5, 0);
	TG_CHECK_INT(pass(STEP), 0); /* it meets the page, and is cut off there */
	TG_CHECK(was_damaged(&forgotten));
	TG_CHECK_INT(forgotten, lost);
	struct tg_stream_row row = row_now();
	TG_CHECK_INT(row.index.entries, KEYS - lost);
	TG_CHECK_INT(row.forgotten_count, lost);
	TG_CHECK_INT(row.flags & (TG_STREAM_REINDEX | TG_STREAM_FULL_PASS), TG_STREAM_FULL_PASS);
	TG_CHECK(count_pages() <= pages + 1); /* no old one stayed behind */
	uint64_t seq = row.next_seq, again = pass(STEP);
	TG_CHECK(!was_damaged(&forgotten));
	/* Rows of the lost leaf come again; of the deletes only theirs are missing. */
	TG_CHECK(again < lost && again >= lost - lost / STEP - 1);
	row = row_now();
	TG_CHECK_INT(row.next_seq - seq, again + KEYS / STEP - (lost - again));
	TG_CHECK_INT(row.flags, 0);
	TG_CHECK_INT(pass(STEP), 0);
	tg_path_stop(&world);
}

/* The source breaks off behind the damage and comes again in the same run: still not complete. */
TG_TEST(mend_is_told_of_a_pass_that_was_begun_again)
{
	uint64_t forgotten;

	tg_path_start(&world);
	(void)pass(0);
	uint32_t lost = break_page(TG_INDEX_PAGE_LEAF, 5, 0);
	(void)pass(0);
	TG_CHECK(tg_intake_open(&world.intake) == NULL);
	TG_CHECK_INT(pass(0), lost);
	TG_CHECK(was_damaged(&forgotten));
	TG_CHECK_INT(forgotten, lost);
	(void)pass(0);
	TG_CHECK(!was_damaged(&forgotten));
	tg_path_stop(&world);
}

TG_TEST(mend_needs_no_inner_page)
{
	uint64_t forgotten;

	tg_path_start(&world);
	(void)pass(0);
	TG_CHECK(row_now().index.height > 1);
	(void)break_page(TG_INDEX_PAGE_INNER, 1, 0);
	(void)pass(0);
	TG_CHECK(was_damaged(&forgotten)); /* the pass was cut off ... */
	TG_CHECK_INT(forgotten, 0);        /* ... but nothing was lost */
	TG_CHECK_INT(row_now().index.entries, KEYS);
	TG_CHECK_INT(pass(0), 0);
	TG_CHECK_INT(row_now().flags, 0);
	tg_path_stop(&world);
}

/* The last leaf is met by the end of the pass alone: it is no complete one. */
TG_TEST(mend_at_the_end_leaves_the_pass_incomplete)
{
	uint64_t forgotten;

	tg_path_start(&world);
	(void)pass(0);
	begin();
	struct tg_stream_row row = row_now();
	TG_CHECK(row.pass_end_ms != 0);
	struct tg_batch rows = { .kind = TG_BATCH_ROWS,
				 .flags = TG_BATCH_ORDERED | TG_BATCH_PASS_BEGIN,
				 .records = world.rows,
				 .count = 1 };
	struct tg_batch end = { .kind = TG_BATCH_END,
				.flags = TG_BATCH_ORDERED | TG_BATCH_COMPLETE };
	tg_path_row(&world, 0, 0, 1);
	give(&rows);
	tg_path_commit(&world);
	uint32_t lost = break_page(TG_INDEX_PAGE_LEAF, 20, 0);
	give(&end);
	TG_CHECK(was_damaged(&forgotten));
	TG_CHECK_INT(forgotten, lost);
	TG_CHECK(row_now().flags & TG_STREAM_FULL_PASS);
	TG_CHECK_INT(pass(0), lost);
	TG_CHECK_INT(row_now().flags, 0);
	tg_path_stop(&world);
}

TG_TEST(mend_takes_the_newest_of_young_and_old)
{
	uint64_t forgotten;

	tg_path_start(&world);
	(void)pass(0);
	/* Changes of leaves that wait for a commit, or of a small tree, would go there at once. */
	tg_path_commit(&world);
	world.box.index_cache_.young_pages[0] = 16;
	scatter(KEYS / STEP);
	struct tg_stream_row row = row_now();
	TG_CHECK(row.young[0].entries > KEYS / STEP / 2);
	uint32_t lost = break_page(TG_INDEX_PAGE_LEAF, 1, UINT32_C(1) << 30);
	TG_CHECK(lost > 0 && lost < KEYS / STEP);
	begin();
	/* A walk settles the young tree, and meets the page. */
	struct tg_batch rows = { .kind = TG_BATCH_ROWS,
				 .flags = TG_BATCH_ORDERED | TG_BATCH_PASS_BEGIN,
				 .records = world.rows,
				 .count = 1 };
	tg_path_row(&world, 0, 0, 7000000);
	give(&rows);
	TG_CHECK(was_damaged(&forgotten));
	TG_CHECK_INT(forgotten, lost);
	row = row_now();
	TG_CHECK_INT(row.index.entries, KEYS);
	TG_CHECK_INT(row.young[0].entries, 0);
	/* The scattered ones are known by their new hash, but for those that were lost. */
	TG_CHECK_INT(pass(0), KEYS / STEP - lost);
	tg_path_stop(&world);
}

/* Cut off after each of its commits in turn, it goes on with the leaves that are left. */
TG_TEST(mend_goes_on_after_a_crash)
{
	unsigned cuts = 0;
	uint64_t forgotten;

	tg_path_start(&world);
	(void)pass(0);
	uint32_t lost = break_page(TG_INDEX_PAGE_LEAF, 3, 0);
	begin();
	struct tg_batch rows = { .kind = TG_BATCH_ROWS,
				 .flags = TG_BATCH_ORDERED | TG_BATCH_PASS_BEGIN,
				 .records = world.rows,
				 .count = 1 };
	tg_path_row(&world, 0, KEYS - 1, KEYS);
	tg_intake_take(&world.intake, &rows, 5000);
	for (int err = TG_ERR_AGAIN; err != 0;) {
		for (unsigned steps = 0; err == TG_ERR_AGAIN && steps < 4; steps++)
			err = tg_intake_go(&world.intake);
		TG_CHECK(err == 0 || err == TG_ERR_AGAIN || err == TG_ERR_FULL);
		if (err == 0)
			break;
		tg_path_commit(&world);
		if (!(row_now().flags & TG_STREAM_REINDEX)) {
			err = TG_ERR_AGAIN;
			continue;
		}
		for (unsigned steps = 0; steps < 3; steps++) /* and what is not committed */
			(void)!tg_intake_go(&world.intake);
		tg_path_restart(&world);
		cuts++;
		begin_only();
		err = TG_ERR_AGAIN;
	}
	TG_CHECK(cuts > 3);
	TG_CHECK_INT(row_now().index.entries + row_now().mend_left, KEYS);
	(void)tg_path_work(&world);
	tg_intake_break(&world.intake);
	(void)tg_path_work(&world);
	TG_CHECK(was_damaged(&forgotten));
	TG_CHECK_INT(forgotten, lost);
	TG_CHECK_INT(row_now().index.entries, KEYS - lost);
	TG_CHECK_INT(pass(0), lost);
	tg_path_stop(&world);
}
