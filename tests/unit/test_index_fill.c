/* test_index_fill.c - how full pages get, and what the index does when pages cannot be had. */
#include "drivers/rethink/key.h"
#include "tests/unit/index_rows.h"

enum { FILL_KEYS = 100000 };

/* Goal: a first snapshot leaves full leaves; a pass without changes writes nothing and reads each
 * page about once; a pass that changes every row keeps the leaves. */
TG_TEST(index_fill_in_order)
{
	struct index_world world;

	start(&world, 24);
	full_pass(&world, FILL_KEYS, 3);
	struct index_found first = state(&world);
	TG_CHECK_INT(first.entries, FILL_KEYS);
	TG_CHECK(first.leaf_used * 100 >= (uint64_t)first.leaves * TG_INDEX_PAGE_BYTES * 95);
	TG_CHECK(first.leaf_used <= (uint64_t)FILL_KEYS * 28);

	world.store.loads = 0;
	full_pass(&world, FILL_KEYS, 3);
	TG_CHECK_INT(tg_index_dirty(&world.cache), 0);
	printf("%u loads of %u pages\n", (unsigned)world.store.loads, first.pages);
	TG_CHECK(world.store.loads <= first.pages + first.pages / 50);

	full_pass(&world, FILL_KEYS, 5);
	struct index_found changed = state(&world);
	TG_CHECK_INT(changed.entries, FILL_KEYS);
	TG_CHECK(changed.leaves <= first.leaves + first.leaves / 50);
	stop(&world);
}

TG_TEST(index_fill_at_random_leaves_half_full_pages_at_least)
{
	struct index_world world;
	uint8_t at[UUID_KEY_BYTES];

	start(&world, 256);
	for (uint32_t i = 0; i < 20000; i++) {
		struct tg_index_entry entry = { rising_key(at, i * 7919u % 20011u), i, i + 1, 0 };
		int err = tg_index_put(&world.index, &entry);
		if (err == TG_ERR_FULL) {
			commit(&world);
			err = tg_index_put(&world.index, &entry);
		}
		TG_CHECK_INT(err, 0);
	}
	struct index_found found = state(&world);
	TG_CHECK_INT(found.entries, 20000);
	TG_CHECK(found.leaf_used * 2 >= (uint64_t)found.leaves * TG_INDEX_PAGE_BYTES);
	stop(&world);
}

TG_TEST(index_fill_three_of_the_longest_keys_a_leaf)
{
	static uint8_t at[TG_KEY_BYTES_MAX];
	struct index_world world;
	struct tg_index_entry entry;

	start(&world, 24);
	walk(&world);
	for (uint32_t i = 0; i < 300; i++) {
		tg_store_be32(at, i);
		struct tg_key key = { tg_view_of(at, sizeof(at)), sizeof(at) };
		TG_CHECK_INT(merge(&world, key, &entry), TG_ERR_MISSING);
		entry = (struct tg_index_entry){ key, i, TG_INDEX_SEQ_MAX * (i & 1), 0 };
		merge_put(&world, &entry);
	}
	TG_CHECK_INT(tg_index_merge_end(&world.index, tg_key_none(), 0), 0);
	struct index_found found = state(&world);
	TG_CHECK_INT(found.leaves, 100);
	TG_CHECK_INT(world.root.height, 5); /* The first of 4 children has no fence. */
	stop(&world);
}

static void fill(struct index_world *world, uint32_t keys)
{
	full_pass(world, keys, 3);
	commit(world);
}

struct world_call {
	struct index_world *world;
	struct tg_key key;
};

static int walk_through(struct world_call call)
{
	struct tg_index_entry entry;
	int err = tg_index_walk(&call.world->index, (struct tg_key){ .cmp_bytes = 0 });

	while (err == 0)
		err = tg_index_next(&call.world->index, &entry);
	return err == TG_ERR_MISSING ? 0 : err;
}

static int merge_to_end(struct world_call call)
{
	int err = tg_index_walk(&call.world->index, (struct tg_key){ .cmp_bytes = 0 });

	return err == 0 ? tg_index_merge_end(&call.world->index, tg_key_none(), 0) : err;
}

static int call_in_turn(struct world_call call, uint32_t turn)
{
	struct tg_index_entry entry = { call.key, 1, 2, 0 };

	switch (turn) {
	case 0:
		return tg_index_find(&call.world->index, call.key, &entry);
	case 1:
		return tg_index_put(&call.world->index, &entry);
	case 2:
		return tg_index_remove(&call.world->index, call.key);
	case 3:
		return tg_index_walk(&call.world->index, call.key);
	case 4:
		return walk_through(call);
	default:
		return merge_to_end(call);
	}
}

/* Goal: a page that cannot be had is told, and nothing in the tree is different.
 * Method: each page but the root fails in turn, under each call, with a cold cache; then the store
 * is whole again. */
static void each_page_fails(int failure)
{
	struct index_world world;
	uint8_t at[UUID_KEY_BYTES];
	uint32_t told = 0;

	start(&world, 64);
	fill(&world, 5000);
	world.root_saved = world.root;
	for (uint32_t page = 1; page < world.root.next_page; page++)
		for (uint32_t call = 0; call < 6; call++) {
			tg_index_forget(&world.cache, INDEX_STREAM);
			world.root = world.root_saved;
			world.store.damaged = page == world.root.root_page ? 0 : page;
			world.store.damaged_err = failure;
			struct world_call on = { &world, rising_key(at, page * 131u % 5000u) };
			int err = call_in_turn(on, call);
			TG_CHECK(err == 0 || err == failure);
			told += err == failure;
			if (err == failure && call < 5)
				TG_CHECK(memcmp(&world.root, &world.root_saved,
						sizeof(world.root)) == 0 &&
					 tg_index_dirty(&world.cache) == 0);
		}
	tg_index_forget(&world.cache, INDEX_STREAM);
	world.root = world.root_saved;
	world.store.damaged = 0;
	TG_CHECK(told >= 2 * (world.root.next_page - 3));
	TG_CHECK_INT(state(&world).entries, 5000);
	stop(&world);
}

TG_TEST(index_tells_of_damaged_pages)
{
	each_page_fails(TG_ERR_DAMAGED);
}

TG_TEST(index_passes_a_disk_error_on)
{
	each_page_fails(TG_ERR_IO);
}

TG_TEST(index_refuses_a_page_with_a_turned_bit)
{
	struct index_world world;
	struct tg_index_entry entry;
	uint8_t at[UUID_KEY_BYTES];

	start(&world, 24);
	fill(&world, 100);
	TG_CHECK_INT(world.root.height, 1);
	uint8_t *bytes = world.store.pages[index_store_slot(world.root.root_page)];
	for (uint32_t i = 0; i < tg_index_page_used(bytes); i += 7) {
		bytes[i] ^= 0x10;
		tg_index_forget(&world.cache, INDEX_STREAM);
		TG_CHECK_INT(tg_index_find(&world.index, rising_key(at, 5), &entry),
			     TG_ERR_DAMAGED);
		bytes[i] ^= 0x10;
	}
	TG_CHECK_INT(tg_index_find(&world.index, rising_key(at, 5), &entry), 0);
	stop(&world);
}

/* A cache that can never hold the change says so: a commit would not help. */
TG_TEST(index_tells_a_cache_that_is_too_small_for_good)
{
	struct index_world world;
	uint8_t at[UUID_KEY_BYTES];
	int err = 0;

	start(&world, 3);
	for (uint32_t i = 0; i < 100000 && err != TG_ERR_LIMIT; i++) {
		struct tg_index_entry entry = { rising_key(at, i), i, i + 1, 0 };
		err = tg_index_put(&world.index, &entry);
		if (err != TG_ERR_FULL)
			continue;
		commit(&world);
		err = tg_index_put(&world.index, &entry);
		TG_CHECK(err == 0 || err == TG_ERR_LIMIT);
	}
	TG_CHECK_INT(err, TG_ERR_LIMIT);
	TG_CHECK(world.root.entries > 100);
	stop(&world);
}

/* Goal: after a failed commit the tree is what it was at the last good one. */
TG_TEST(index_rolls_back_to_the_last_commit)
{
	struct index_world world;
	struct tg_index_entry entry;
	uint8_t at[UUID_KEY_BYTES];

	start(&world, 64);
	fill(&world, 3000);
	world.root_saved = world.root;
	for (uint32_t i = 0; i < 3000; i += 2)
		if (tg_index_remove(&world.index, rising_key(at, i)) == TG_ERR_FULL)
			break;
	TG_CHECK(world.root.entries < 2000);
	tg_index_seal(&world.cache);
	tg_index_forget(&world.cache, INDEX_STREAM);
	world.root = world.root_saved;
	for (uint32_t i = 0; i < 3000; i++) {
		TG_CHECK_INT(tg_index_find(&world.index, rising_key(at, i), &entry), 0);
		TG_CHECK_INT(entry.hash, i * 3);
	}
	TG_CHECK_INT(state(&world).entries, 3000);
	stop(&world);
}

/* Goal: what is deleted and trimmed leaves no page behind, whichever way it goes. */
TG_TEST(index_gives_all_pages_back)
{
	struct index_world world;
	struct tg_index_entry entry;
	int err;

	start(&world, 24);
	fill(&world, 20000);
	walk(&world);
	while ((err = tg_index_next(&world.index, &entry)) == 0) {
		entry.flags = TG_INDEX_DELETED;
		merge_put(&world, &entry);
		if (tg_index_dirty(&world.cache) > 12)
			commit(&world);
	}
	TG_CHECK_INT(err, TG_ERR_MISSING);
	TG_CHECK_INT(world.root.deleted, 20000);
	commit(&world);
	walk(&world);
	uint32_t commits = 0;
	while ((err = tg_index_merge_end(&world.index, tg_key_none(), UINT64_MAX)) == TG_ERR_FULL) {
		commit(&world);
		TG_CHECK(++commits < 200);
	}
	TG_CHECK_INT(err, 0);
	commit(&world);
	TG_CHECK_INT(world.store.stored, 0);
	TG_CHECK_INT(world.root.root_page, 0);
	TG_CHECK_INT(world.root.entries + world.root.deleted + world.root.missing, 0);
	TG_CHECK(commits > 0);
	fill(&world, 10);
	TG_CHECK_INT(state(&world).entries, 10);
	stop(&world);
}

TG_TEST(index_empty_has_nothing)
{
	struct index_world world;
	struct tg_index_entry entry;
	uint8_t at[UUID_KEY_BYTES];

	start(&world, 24);
	TG_CHECK_INT(tg_index_find(&world.index, rising_key(at, 1), &entry), TG_ERR_MISSING);
	TG_CHECK_INT(tg_index_remove(&world.index, rising_key(at, 1)), TG_ERR_MISSING);
	walk(&world);
	TG_CHECK_INT(tg_index_next(&world.index, &entry), TG_ERR_MISSING);
	TG_CHECK_INT(tg_index_next_missing(&world.index, &entry), TG_ERR_MISSING);
	TG_CHECK_INT(tg_index_merge(&world.index, rising_key(at, 1), 0, &entry), TG_ERR_MISSING);
	TG_CHECK_INT(tg_index_merge_end(&world.index, tg_key_none(), 0), 0);
	TG_CHECK_INT(tg_index_dirty(&world.cache), 0);
	stop(&world);
}

/* The keys of a table as the server writes them: UUIDs, other strings, numbers and arrays mixed. */
static struct tg_key source_key(uint8_t at[TG_KEY_BYTES_MAX], uint32_t i)
{
	char json[96];
	struct tg_key key;
	uint32_t mixed = i * 2654435761u;

	if (i % 4 == 0)
		snprintf(json, sizeof(json), "\"%08x-0000-4000-8000-%012x\"", mixed, i);
	else if (i % 4 == 1)
		snprintf(json, sizeof(json), "\"%x\"", mixed);
	else if (i % 4 == 2)
		snprintf(json, sizeof(json), "%d.5", (int)mixed / 1000);
	else
		snprintf(json, sizeof(json), "[\"press\",%u]", mixed);
	TG_CHECK_INT(tg_rethink_key_encode(tg_view_str(json), at, TG_KEY_BYTES_MAX, &key), 0);
	return key;
}

/* The order is the source's: packed UUIDs lie among the strings, numbers before them. */
TG_TEST(index_keeps_the_order_of_the_source)
{
	static uint8_t at[TG_KEY_BYTES_MAX], before_at[TG_KEY_BYTES_MAX];
	struct tg_key before = { .cmp_bytes = 0 };
	struct index_world world;
	struct tg_index_entry entry;
	uint32_t seen = 0;

	start(&world, 64);
	world.index.compare = tg_rethink_key_compare;
	for (uint32_t i = 0; i < 4000; i++) {
		entry = (struct tg_index_entry){ source_key(at, i), i, i, 0 };
		int err = tg_index_put(&world.index, &entry);
		if (err == TG_ERR_FULL) {
			commit(&world);
			err = tg_index_put(&world.index, &entry);
		}
		TG_CHECK_INT(err, 0);
	}
	commit(&world);
	for (walk(&world); tg_index_next(&world.index, &entry) == 0; seen++) {
		if (seen > 0)
			TG_CHECK(tg_rethink_key_compare(before, entry.key) < 0);
		memcpy(before_at, entry.key.bytes.at, entry.key.bytes.bytes);
		before = entry.key;
		before.bytes.at = before_at;
	}
	TG_CHECK_INT(seen, 4000);
	for (uint32_t i = 0; i < 4000; i++) {
		TG_CHECK_INT(tg_index_find(&world.index, source_key(at, i), &entry), 0);
		TG_CHECK_INT(entry.hash, i);
	}
	stop(&world);
}
