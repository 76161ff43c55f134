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
	TG_CHECK(pages_written(1, 1) < 1000);
	TG_CHECK(pages_written(4, 1) < 1400);
	TG_CHECK(pages_written(1, 7919) < 3200);
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
