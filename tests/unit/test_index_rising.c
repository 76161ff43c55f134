/* Keys that rise go straight to their leaf, beside young trees for all others. */
#include "tests/unit/index_rows.h"

static uint32_t put_found(struct index_world *world, struct tg_key key)
{
	struct tg_index_entry entry = { key, 7, ++world->seq, 0 }, known;
	uint32_t written = 0;
	int err = TG_ERR_FULL;

	while (err == TG_ERR_FULL) {
		err = tg_index_find(&world->index, key, &known);
		if (err == 0 || err == TG_ERR_MISSING)
			err = tg_index_put(&world->index, &entry);
		if (err != TG_ERR_FULL && world->seq % 500 != 0)
			continue;
		written += tg_index_dirty(&world->cache);
		commit(world);
	}
	TG_CHECK_INT(err, 0);
	return written;
}

/* Empties the young trees; how many pages that writes. */
static uint32_t settle_all(struct index_world *world)
{
	uint32_t written = 0;

	while (tg_index_walk(&world->index, (struct tg_key){ .cmp_bytes = 0 }) == TG_ERR_FULL) {
		written += tg_index_dirty(&world->cache);
		commit(world);
	}
	written += tg_index_dirty(&world->cache);
	commit(world);
	return written;
}

/* 20,000 new keys among 20,000, 500 a commit: how many pages are written. */
static uint32_t pages_written(uint32_t runs, uint32_t step)
{
	struct index_world world;
	uint8_t at[UUID_KEY_BYTES];
	uint32_t written = 0;

	start(&world, 48);
	world.index.young = world.young;
	full_pass(&world, 20000, 3);
	commit(&world);
	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t run = i % runs, place = i / runs * step % 20000;
		struct tg_key key = rising_key(at, (run * (20000 / runs) + place) % 20000);
		at[UUID_KEY_BYTES - 1] ^= 1;
		written += put_found(&world, key);
	}
	written += settle_all(&world);
	TG_CHECK_INT(state(&world).entries, 40000);
	printf("%u runs, step %u: %u pages written\n", runs, step, written);
	stop(&world);
	return written;
}

/* Goal: keys that rise, in one run or in several at a time, make no detour; those in no order
 * gather. The tree has 538 pages at the end. */
TG_TEST(index_writes_rising_keys_once)
{
	TG_CHECK(pages_written(4, 1) < 1400);
	if (tg_turns(3, 1) == 1)
		return; /* a tool has seen the same calls by then */
	TG_CHECK(pages_written(1, 1) < 1000);
	TG_CHECK(pages_written(1, 7919) < 3200);
}

enum { NEAR_KEYS = 30000, NEAR_CURSORS = 3 };

/* A key's neighbours come, go and are looked for, and pages with them. */
struct near_world {
	struct index_world world;
	bool present[NEAR_KEYS];
	uint32_t cursor[NEAR_CURSORS];
	uint64_t random;
};

static uint32_t draw(struct near_world *near, uint32_t below)
{
	near->random = near->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(near->random >> 33) % below;
}

static void check_find(struct near_world *near, uint32_t i)
{
	uint8_t at[UUID_KEY_BYTES];
	struct tg_index_entry entry;
	int err = tg_index_find(&near->world.index, rising_key(at, i), &entry);

	TG_CHECK_INT(err, near->present[i] ? 0 : TG_ERR_MISSING);
}

static void near_step(struct near_world *near)
{
	uint32_t *cursor = &near->cursor[draw(near, NEAR_CURSORS)];
	uint32_t what = draw(near, 100);
	uint8_t at[UUID_KEY_BYTES];

	*cursor = what < 1 ? draw(near, NEAR_KEYS) : (*cursor + draw(near, 3)) % NEAR_KEYS;
	if (what < 60) {
		(void)put_found(&near->world, rising_key(at, *cursor));
		near->present[*cursor] = true;
	} else if (what < 64) {
		uint32_t other = (*cursor + draw(near, 5)) % NEAR_KEYS;
		int err;
		while ((err = tg_index_remove(&near->world.index, rising_key(at, other))) ==
		       TG_ERR_FULL)
			commit(&near->world);
		TG_CHECK_INT(err, near->present[other] ? 0 : TG_ERR_MISSING);
		near->present[other] = false;
	} else if (what == 64) {
		commit(&near->world);
		tg_index_forget(&near->world.cache, near->world.index.stream);
	} else if (what == 65) {
		(void)settle_all(&near->world);
	}
	check_find(near, *cursor);
	check_find(near, (*cursor + draw(near, 4)) % NEAR_KEYS);
}

/* Goal: a search that sets out from the place of the last one finds what a search from the root
 * finds, whatever changed between the two. */
TG_TEST(index_near_places_are_true)
{
	struct near_world near = { .random = 5 };

	for (uint32_t young = 0; young < 2; young++) {
		start(&near.world, 32);
		near.world.index.young = young ? near.world.young : NULL;
		memset(near.present, 0, sizeof(near.present));
		for (uint32_t i = 0; i < tg_turns(60000, 10000); i++)
			near_step(&near);
		(void)settle_all(&near.world);
		for (uint32_t i = 0; i < NEAR_KEYS; i++)
			check_find(&near, i);
		(void)state(&near.world);
		stop(&near.world);
	}
}

/* Every `step`th row of an ordered pass, which goes as far as `end`. */
static void ordered_rows(struct index_world *world, uint32_t step, uint32_t end)
{
	uint8_t at[UUID_KEY_BYTES];
	struct tg_index_entry entry;

	walk(world);
	for (uint32_t i = 0; i < end; i += step) {
		struct tg_key key = rising_key(at, i);
		if (merge(world, key, &entry) == 0)
			continue;
		entry = (struct tg_index_entry){ key, 7, ++world->seq, 0 };
		merge_put(world, &entry);
	}
}

/* Goal: where a pass has cut other leaves in two, the leaf of the last search hangs elsewhere. */
TG_TEST(index_near_places_end_with_the_tree_s_shape)
{
	struct index_world world;
	uint8_t at[UUID_KEY_BYTES];
	struct tg_index_entry entry;

	start(&world, 400);
	ordered_rows(&world, 2, 20000);
	TG_CHECK_INT(tg_index_find(&world.index, rising_key(at, 15001), &entry), TG_ERR_MISSING);
	ordered_rows(&world, 1, 8000);
	for (uint32_t i = 15001; i < 15801; i += 2)
		(void)put_found(&world, rising_key(at, i));
	for (uint32_t i = 0; i < 20000; i++) {
		bool there = i < 8000 || i % 2 == 0 || (i > 15000 && i < 15801);
		TG_CHECK_INT(tg_index_find(&world.index, rising_key(at, i), &entry),
			     there ? 0 : TG_ERR_MISSING);
	}
	TG_CHECK_INT(state(&world).entries, 14400);
	stop(&world);
}

/* Goal: rising keys in the tree's middle leave full leaves behind, as those at its end do. */
TG_TEST(index_fill_by_rising_keys_between_others)
{
	struct index_world world;
	uint8_t at[UUID_KEY_BYTES];

	start(&world, 48);
	world.index.young = world.young;
	full_pass(&world, 20000, 3);
	commit(&world);
	for (uint32_t i = 0; i < 20000; i++) {
		struct tg_key key = rising_key(at, 10000);
		tg_store_be32(at + 13, UINT32_MAX - 20000 + i);
		(void)put_found(&world, key);
	}
	(void)settle_all(&world);
	struct index_found found = state(&world);
	TG_CHECK_INT(found.entries, 40000);
	TG_CHECK(found.leaf_used * 100 >= (uint64_t)found.leaves * TG_INDEX_PAGE_BYTES * 95);
	stop(&world);
}

/* A run of new rows from the begin on, which stand behind row first - 1, or from the end. */
static void read_run(struct index_world *world, uint32_t first, uint32_t count, bool back)
{
	uint8_t at[UUID_KEY_BYTES];
	struct tg_index_entry known;
	int err;

	if (back)
		err = tg_index_walk_from(&world->index, rising_key(at, first));
	else
		err = tg_index_walk(&world->index,
				    first > 0 ? rising_key(at, first - 1) : tg_key_none());
	TG_CHECK_INT(err, 0);
	for (uint32_t i = 0; i < count; i++) {
		struct tg_index_entry entry = { rising_key(at, first + i), 7, ++world->seq, 0 };
		TG_CHECK_INT(merge(world, entry.key, &known), TG_ERR_MISSING);
		merge_put(world, &entry);
	}
}

/* How full leaves are, in percent, after runs of `run` rows, `turn` of them from the begin and as
 * many from the end. */
static uint64_t fill_by_both_ends(uint32_t run, uint32_t turn)
{
	struct index_world world;
	uint32_t rows = 60000 / run * run, low = 0, high = rows;

	start(&world, 48);
	world.index.young = world.young;
	for (uint32_t i = 0; low < high; i++) {
		bool back = i / turn % 2 == 1;
		read_run(&world, back ? high - run : low, run, back);
		low += back ? 0 : run;
		high -= back ? run : 0;
	}
	struct index_found found = state(&world);
	TG_CHECK_INT(found.entries, rows);
	stop(&world);
	return found.leaf_used * 100 / ((uint64_t)found.leaves * TG_INDEX_PAGE_BYTES);
}

/* Goal: a table read from both ends leaves well filled leaves, in runs of any length. Twelve of 256
 * rows are a server's batch of a megabyte. */
TG_TEST(index_fill_by_rows_from_both_ends)
{
	TG_CHECK(fill_by_both_ends(256, 12) >= 90);
	TG_CHECK(fill_by_both_ends(190, 15) >= 75); /* a window's */
	TG_CHECK(fill_by_both_ends(80, 1) >= 65);
	TG_CHECK(fill_by_both_ends(5, 600) >= 95);
	TG_CHECK(fill_by_both_ends(5, 1) >= 80);
	TG_CHECK(fill_by_both_ends(1, 1) >= 80);
}
