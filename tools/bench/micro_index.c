/* micro_index.c - nanoseconds a row that the key index costs a pass: micro_index [ROWS [plain]]
 *
 * 300,000 UUID keys in order unless told otherwise: a first snapshot (merge and merge_put, a
 * commit to memory when half the cache is dirty), a pass without a change, one with every row
 * changed, and random finds. Then the same keys in no order, as a collection with random ids is
 * first read; `plain` leaves the young trees out of that. Key order is RethinkDB's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "app/crc32c.h"
#include "app/outbox/index.h"
#include "app/pack.h"
#include "drivers/rethink/key.h"

enum { CACHE_PAGES = CONFIG_TG_INDEX_PAGES, KEY_BYTES = 17, PAGES_MAX = 65536 };

static struct tg_index_page cache_pages[CACHE_PAGES];
static uint8_t (*stored)[TG_INDEX_PAGE_BYTES];
static uint8_t (*keys)[KEY_BYTES];
static uint32_t rows = 300000;
static uint64_t written, loads, commits, seq;

static void fail(const char *what, int err)
{
	fprintf(stderr, "micro_index: %s: %d\n", what, err);
	exit(1);
}

/* The highest bits of a page's number name its tree. */
static uint8_t *place_of(uint32_t page)
{
	uint32_t tree = page >> 30, number = page & ((1u << 30) - 1);

	if (tree != 0)
		number %= PAGES_MAX; /* the pages of a young tree are few, and the newest */
	if (tree > TG_INDEX_YOUNG || number >= PAGES_MAX)
		fail("too many pages for this bench", TG_ERR_LIMIT);
	return stored[tree * PAGES_MAX + number];
}

static int load(void *context, uint32_t stream, uint32_t page, uint8_t at[TG_INDEX_PAGE_BYTES])
{
	(void)context;
	(void)stream;
	loads++;
	memcpy(at, place_of(page), TG_INDEX_PAGE_BYTES);
	return 0;
}

static void commit(struct tg_index_cache *cache)
{
	tg_index_seal(cache);
	for (uint32_t i = 0; i < CACHE_PAGES; i++) {
		const struct tg_index_page *page = &cache->pages[i];
		if (page->state != TG_INDEX_PAGE_DIRTY)
			continue;
		memcpy(place_of(page->page), page->bytes, TG_INDEX_PAGE_BYTES);
		written++;
	}
	commits++;
	tg_index_flushed(cache);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static struct tg_key key_at(uint32_t i)
{
	return (struct tg_key){ tg_view_of(keys[i], KEY_BYTES), KEY_BYTES };
}

static void row(struct tg_index *index, uint32_t i, uint64_t hash)
{
	struct tg_index_entry entry;
	int err = tg_index_merge(index, key_at(i), 0, &entry);

	if (err == 0 && entry.hash == hash)
		return;
	if (err != 0 && err != TG_ERR_MISSING)
		fail("merge", err);
	entry = (struct tg_index_entry){ key_at(i), hash, ++seq, 0 };
	err = tg_index_merge_put(index, &entry);
	if (err != 0)
		fail("merge_put", err);
	if (tg_index_dirty(index->cache) >= CACHE_PAGES / 2)
		commit(index->cache);
}

static void pass(struct tg_index *index, const char *name, uint64_t salt)
{
	struct tg_key none = { .cmp_bytes = 0 };
	uint64_t begun = now_ns();
	int err = tg_index_walk(index, none);

	written = loads = 0;
	for (uint32_t i = 0; i < rows && err == 0; i++)
		row(index, i, i * salt);
	if (err == 0)
		err = tg_index_merge_end(index, tg_key_none(), 0);
	if (err != 0)
		fail(name, err);
	commit(index->cache);
	uint64_t ns_tenths = (now_ns() - begun) * 10 / rows;
	printf("%-10s %3llu.%llu ns a row, %llu pages written, %llu loaded\n", name,
	       (unsigned long long)ns_tenths / 10, (unsigned long long)ns_tenths % 10,
	       (unsigned long long)written, (unsigned long long)loads);
}

static void finds(struct tg_index *index)
{
	struct tg_index_entry entry;
	uint64_t begun = now_ns();
	uint32_t random = 1;

	loads = 0;
	for (uint32_t i = 0; i < rows; i++) {
		random = random * 1664525u + 1013904223u;
		int err = tg_index_find(index, key_at((random >> 4) % rows), &entry);
		if (err != 0)
			fail("find", err);
	}
	printf("%-10s %llu ns a key, %llu pages loaded\n", "find",
	       (unsigned long long)(now_ns() - begun) / rows, (unsigned long long)loads);
}

static void scattered_row(struct tg_index *index, uint32_t i)
{
	struct tg_index_entry entry;
	int err = tg_index_find(index, key_at(i), &entry);

	if (err != TG_ERR_MISSING)
		fail("find", err);
	entry = (struct tg_index_entry){ key_at(i), i, ++seq, 0 };
	while ((err = tg_index_put(index, &entry)) == TG_ERR_FULL)
		commit(index->cache);
	if (err != 0)
		fail("put", err);
	if (tg_index_dirty(index->cache) * 4 >= CACHE_PAGES * 3 || seq % 1100 == 0)
		commit(index->cache);
}

/* Every key once, in no order; a commit each 1,100 rows, as their bodies want one. */
static void scattered(struct tg_index *index, const char *name)
{
	uint32_t *order = calloc(rows, sizeof(*order));
	uint64_t random = 1, begun = now_ns();

	if (order == NULL)
		fail("memory", TG_ERR_LIMIT);
	for (uint32_t i = 0; i < rows; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		uint32_t at = (uint32_t)((random >> 33) % (i + 1));
		order[i] = order[at];
		order[at] = i;
	}
	written = loads = commits = 0;
	for (uint32_t i = 0; i < rows; i++)
		scattered_row(index, order[i]);
	commit(index->cache);
	printf("%-10s %llu ns a row, %llu pages written, %llu loaded, %llu commits\n", name,
	       (unsigned long long)(now_ns() - begun) / rows, (unsigned long long)written,
	       (unsigned long long)loads, (unsigned long long)commits);
	free(order);
}

static void make_keys(void)
{
	keys = calloc(rows, sizeof(*keys));
	stored = calloc((TG_INDEX_YOUNG + 1) * (size_t)PAGES_MAX, sizeof(*stored));
	if (keys == NULL || stored == NULL)
		fail("memory", TG_ERR_LIMIT);
	for (uint32_t i = 0; i < rows; i++) {
		keys[i][0] = 0x50;
		tg_store_be64(keys[i] + 1, (uint64_t)i * (UINT64_MAX / rows));
		tg_store_be64(keys[i] + 9, (uint64_t)i * 0x9e3779b97f4a7c15u);
	}
}

int main(int argc, char **argv)
{
	struct tg_index_root root = { .root_page = 0 };
	struct tg_index_cache cache;
	struct tg_index index = {
		.cache = &cache, .root = &root, .stream = 1, .compare = tg_rethink_key_compare
	};

	if (argc > 1)
		rows = (uint32_t)strtoul(argv[1], NULL, 10);
	if (rows == 0)
		fail("ROWS is at least 1", TG_ERR_LIMIT);
	tg_crc32c_init();
	make_keys();
	tg_index_cache_init(&cache, cache_pages, CACHE_PAGES,
			    (struct tg_index_store){ .load = load });
	pass(&index, "first", 3);
	pass(&index, "unchanged", 3);
	pass(&index, "changed", 5);
	finds(&index);
	struct tg_index_root young[TG_INDEX_YOUNG] = { { .root_page = 0 } };
	struct tg_index_root other = { .root_page = 0 };
	index = (struct tg_index){ .cache = &cache,
				   .root = &other,
				   .young = argc > 2 ? NULL : young,
				   .stream = 2,
				   .compare = tg_rethink_key_compare };
	scattered(&index, "scattered");
	free(keys);
	free(stored);
	return 0;
}
