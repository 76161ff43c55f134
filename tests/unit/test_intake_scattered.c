/* Rows that come in no order: they gather in the young trees of the index, outlive a start, and are
 * found again by passes of either kind. */
#include "tests/check.h"

#include "app/outbox/store.h"
#include "tests/unit/path_world.h"

/* Version v changes every row whose number leaves v when divided by STEP. */
enum { KEYS = 20000, STEP = 20, CHANGED = KEYS / STEP, BATCH = 50 };

static struct tg_path_world world;
static unsigned commits, cut_after; /* 0: the power stays on */
static bool cut;

/* Until the batch is done with, or the power goes right behind a commit. */
static void work(void)
{
	int err;

	while (!cut && (err = tg_intake_go(&world.intake)) != 0) {
		if (err == TG_ERR_FULL) {
			tg_path_commit(&world);
			commits++;
			cut = commits == cut_after;
		} else {
			TG_CHECK_INT(err, TG_ERR_AGAIN);
		}
	}
}

static void begin(void)
{
	struct tg_batch batch = { .kind = TG_BATCH_BEGIN, .generation = { 1 } };

	TG_CHECK_INT(tg_intake_begin(&world.intake, &batch, tg_view_str("r/d/t"), 1), 0);
	work();
	commits = 0;
	(void)tg_forwarder_adopt(&world.fwd, tg_intake_open(&world.intake)->stream,
				 tg_view_str("r/d/t"), false);
}

static void give(uint32_t count, uint32_t flags)
{
	struct tg_batch rows = {
		.kind = TG_BATCH_ROWS, .flags = flags, .records = world.rows, .count = count
	};

	tg_intake_take(&world.intake, &rows, 5000);
	work();
}

static void end(uint32_t flags)
{
	struct tg_batch batch = { .kind = TG_BATCH_END, .flags = flags | TG_BATCH_COMPLETE };

	tg_intake_take(&world.intake, &batch, 5000);
	work();
}

/* Each row as the last version up to `version` left it; the first one made them all. */
static uint64_t hash_of(uint32_t number, uint64_t version)
{
	while (version > 1 && version % STEP != number % STEP)
		version--;
	return number + version * 1000000;
}

/* All rows, in order. Returns how many had changed. */
static uint64_t pass(uint64_t version)
{
	uint64_t before = world.intake.counts.changed;

	begin();
	for (uint32_t number = 0; number < KEYS; number += BATCH) {
		for (uint32_t i = 0; i < BATCH; i++)
			tg_path_row(&world, i, number + i, hash_of(number + i, version));
		give(BATCH, TG_BATCH_ORDERED | (number == 0 ? TG_BATCH_PASS_BEGIN : 0));
	}
	end(TG_BATCH_ORDERED);
	return world.intake.counts.changed - before;
}

/* `count` of the rows that changed, in no order. */
static uint64_t changes(uint64_t version, uint32_t count)
{
	uint64_t before = world.intake.counts.changed;

	begin();
	for (uint32_t i = 0; i < count && !cut; i += BATCH) {
		for (uint32_t at = 0; at < BATCH; at++) {
			uint32_t number = (i + at) * 373 % CHANGED * STEP;
			number += (uint32_t)version % STEP;
			tg_path_row(&world, at, number, hash_of(number, version));
		}
		give(BATCH, 0);
	}
	if (!cut)
		end(0);
	return world.intake.counts.changed - before;
}

static struct tg_stream_row row_now(void)
{
	struct tg_stream_row row;

	TG_CHECK_INT(tg_outbox_stream_row(&world.box, 1, &row), 0);
	return row;
}

/* Goal: what changed here and there costs one commit, and is known ever after. */
TG_TEST(intake_gathers_scattered_changes)
{
	tg_path_start(&world);
	TG_CHECK_INT(pass(1), KEYS);
	TG_CHECK_INT(row_now().young[0].pages, 0);
	TG_CHECK_INT(changes(2, CHANGED), CHANGED);
	TG_CHECK_INT(commits, 1);
	TG_CHECK_INT(row_now().young[0].entries, CHANGED);
	TG_CHECK_INT(row_now().index.entries, KEYS);
	tg_path_restart(&world);
	TG_CHECK_INT(changes(2, CHANGED), 0);
	TG_CHECK_INT(pass(2), 0);
	TG_CHECK_INT(row_now().young[0].pages + row_now().young[1].pages, 0);
	TG_CHECK_INT(row_now().index.entries, KEYS);
	TG_CHECK_INT(row_now().index.missing, 0);
	TG_CHECK_INT(row_now().next_seq, KEYS + CHANGED + 1);
	tg_path_stop(&world);
}

/* Goal: the young trees are folded into the tree, and no version is lost or sent twice. */
TG_TEST(intake_folds_what_no_longer_fits)
{
	uint64_t version = 2;
	uint64_t grown = 0;

	tg_path_start(&world);
	TG_CHECK_INT(pass(1), KEYS);
	for (; version < STEP; version++) {
		TG_CHECK_INT(changes(version, CHANGED / 2), CHANGED / 2);
		TG_CHECK_INT(changes(version, CHANGED), CHANGED / 2);
		TG_CHECK_INT(changes(version, CHANGED), 0);
		grown += row_now().young[1].pages > 0;
		if (version % 7 == 0)
			tg_path_restart(&world);
	}
	TG_CHECK(grown > 5);
	TG_CHECK_INT(pass(version - 1), 0);
	TG_CHECK_INT(row_now().index.entries, KEYS);
	tg_path_stop(&world);
}

static void restart_small(void)
{
	tg_path_restart(&world);
	world.box.index_cache_.count = 24; /* every place is free yet */
	world.box.index_cache_.young_pages[0] = 4;
	world.box.index_cache_.young_pages[1] = 16;
}

/* Goal: wherever the power goes while a young tree is folded, no entry is lost and none is old.
 * Method: each version's changes are cut off behind one commit after another, then brought again;
 * small trees and a small cache make many of them. */
TG_TEST(intake_outlives_cuts_in_mid_fold)
{
	unsigned cuts = 0, versions = tg_turns(STEP, 6);

	tg_path_start(&world);
	TG_CHECK_INT(pass(1), KEYS);
	restart_small();
	for (uint64_t version = 2; version < versions; version++) {
		cut_after = 1;
		do {
			cut = false;
			(void)changes(version, CHANGED);
			cuts += cut;
			cut_after++;
			if (cut)
				restart_small();
		} while (cut);
		cut_after = 0;
		TG_CHECK_INT(changes(version, CHANGED), 0);
	}
	TG_CHECK(cuts > 2 * (versions - 2));
	TG_CHECK_INT(pass(versions - 1), 0);
	TG_CHECK_INT(row_now().index.entries, KEYS);
	tg_path_stop(&world);
}

/* A collection whose ids are random is first read in no order at all. */
TG_TEST(intake_reads_a_first_pass_in_no_order)
{
	tg_path_start(&world);
	begin();
	unsigned most = 0;
	for (uint32_t i = 0; i < KEYS; i += BATCH) {
		for (uint32_t at = 0; at < BATCH; at++) {
			uint32_t number = (uint32_t)((i + at) * 15485863ull % KEYS);
			tg_path_row(&world, at, number, hash_of(number, 1));
		}
		give(BATCH, 0);
		if (tg_outbox_due(&world.box, world.box.last_commit_ms_))
			tg_path_commit(&world), most++;
	}
	end(0);
	most += commits;
	printf("most %u commits %u\n", most, commits);
	TG_CHECK(most < 150);
	TG_CHECK_INT(world.intake.counts.changed, KEYS);
	tg_path_restart(&world);
	TG_CHECK_INT(pass(1), 0);
	TG_CHECK_INT(row_now().index.entries, KEYS);
	tg_path_stop(&world);
}

static void damage_page(uint32_t page)
{
	uint8_t bytes[TG_INDEX_PAGE_BYTES];
	struct tg_store_key key = tg_key_page(1, page);
	struct tg_view value;
	MDB_txn *txn;

	TG_CHECK_INT(tg_store_write_begin(&world.box, &txn), 0);
	TG_CHECK_INT(tg_store_get(&world.box, txn, &key, &value), 0);
	memcpy(bytes, value.at, sizeof(bytes));
	bytes[40] ^= 4;
	TG_CHECK_INT(tg_store_put(&world.box, txn, &key, tg_view_of(bytes, sizeof(bytes))), 0);
	TG_CHECK_INT(tg_store_err(mdb_txn_commit(txn)), 0);
}

/* Goal: a damaged page of a young tree costs what lay on it, and a full pass; none of its pages
 * stays behind. */
TG_TEST(intake_outlives_a_damaged_young_page)
{
	tg_path_start(&world);
	TG_CHECK_INT(pass(1), KEYS);
	TG_CHECK_INT(changes(2, CHANGED), CHANGED);
	damage_page(row_now().young[0].root_page);
	tg_path_restart(&world);
	begin();
	tg_path_row(&world, 0, 2, hash_of(2, 2));
	give(1, 0);
	TG_CHECK(tg_intake_open(&world.intake) == NULL);
	TG_CHECK(row_now().flags & TG_STREAM_FULL_PASS);
	TG_CHECK_INT(row_now().young[0].pages, 0);
	TG_CHECK(row_now().forgotten_count < CHANGED);
	TG_CHECK_INT(pass(2), row_now().forgotten_count);
	TG_CHECK_INT(row_now().flags, 0);
	TG_CHECK_INT(changes(2, CHANGED), 0);
	tg_path_stop(&world);
}
