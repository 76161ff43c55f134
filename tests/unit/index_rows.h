/* index_rows.h - an index of rows whose keys look like packed UUIDs, and full passes over them. */
#ifndef TESTS_UNIT_INDEX_ROWS_H
#define TESTS_UNIT_INDEX_ROWS_H

#include "tests/index_world.h"

enum { UUID_KEY_BYTES = 17 };

/* Key i of a rising run that looks like packed UUIDs. */
static inline struct tg_key rising_key(uint8_t at[UUID_KEY_BYTES], uint32_t i)
{
	at[0] = 0x50;
	tg_store_be64(at + 1, (uint64_t)i * 0x29e412ab317ull);
	tg_store_be64(at + 9, (uint64_t)i * 0x9e3779b97f4a7c15ull);
	return (struct tg_key){ tg_view_of(at, UUID_KEY_BYTES), UUID_KEY_BYTES };
}

static inline void start(struct index_world *world, uint32_t cache_pages)
{
	*world = (struct index_world){ .seed = 1, .random = 77 };
	tg_crc32c_init();
	index_world_open(world, cache_pages);
}

static inline void stop(struct index_world *world)
{
	index_store_free(&world->store);
	free(world->pages);
}

static inline void commit(struct index_world *world)
{
	index_store_commit(&world->store, &world->cache);
}

static inline void walk(struct index_world *world)
{
	TG_CHECK_INT(tg_index_walk(&world->index, (struct tg_key){ .cmp_bytes = 0 }), 0);
}

static inline int merge(struct index_world *world, struct tg_key key, struct tg_index_entry *entry)
{
	int err = tg_index_merge(&world->index, key, 0, entry);

	if (err != TG_ERR_FULL)
		return err;
	commit(world);
	return tg_index_merge(&world->index, key, 0, entry);
}

static inline void merge_put(struct index_world *world, const struct tg_index_entry *entry)
{
	int err = tg_index_merge_put(&world->index, entry);

	if (err == TG_ERR_FULL) {
		commit(world);
		err = tg_index_merge_put(&world->index, entry);
	}
	TG_CHECK_INT(err, 0);
}

/* One pass over all rows, as an intake makes it: rows whose hash differs take a new sequence. */
static inline void full_pass(struct index_world *world, uint32_t keys, uint64_t salt)
{
	uint8_t at[UUID_KEY_BYTES];
	struct tg_index_entry entry;

	walk(world);
	for (uint32_t i = 0; i < keys; i++) {
		struct tg_key key = rising_key(at, i);
		int err = merge(world, key, &entry);
		TG_CHECK(err == 0 || err == TG_ERR_MISSING);
		if (err == 0 && entry.hash == i * salt)
			continue;
		entry = (struct tg_index_entry){ key, i * salt, ++world->seq, 0 };
		merge_put(world, &entry);
	}
	TG_CHECK_INT(tg_index_merge_end(&world->index, tg_key_none(), 0), 0);
}

static inline struct index_found state(struct index_world *world)
{
	commit(world);
	struct index_found found = index_check_store(world);
	printf("%u entries, %u leaves, %u pages, %.1f bytes an entry, leaves %.1f %% full\n",
	       found.entries, found.leaves, found.pages, (double)found.leaf_used / found.entries,
	       100.0 * (double)found.leaf_used / found.leaves / TG_INDEX_PAGE_BYTES);
	return found;
}

#endif
