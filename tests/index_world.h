/* index_world.h - an index beside a plain sorted array that must always agree with it.
 *
 * The universe is a sorted list of keys; the model says for each of them what the index should
 * hold. A commit copies model and root; a rollback puts both back.
 */
#ifndef TG_TESTS_INDEX_WORLD_H
#define TG_TESTS_INDEX_WORLD_H

#include "app/crc32c.h"
#include "app/outbox/index_page.h"
#include "tests/index_store.h"

enum { INDEX_KEYS_MAX = 3000, INDEX_CACHE_PAGES = 24, INDEX_STREAM = 3 };

enum index_keys { INDEX_KEYS_UUID, INDEX_KEYS_SHORT, INDEX_KEYS_LONG, INDEX_KEYS_MIXED };

struct index_model {
	bool there;
	uint32_t flags, tail_bytes;
	uint64_t hash, seq;
};

struct index_world {
	uint64_t seed, random;
	struct index_store store;
	struct tg_index_cache cache;
	struct tg_index_page *pages;
	struct tg_index index;
	struct tg_index_root root, root_saved;
	struct tg_index_root young[TG_INDEX_YOUNG], young_saved[TG_INDEX_YOUNG];
	uint32_t keys;
	struct {
		uint32_t bytes;
		uint8_t at[TG_KEY_BYTES_MAX];
	} * key;
	struct index_model *model, *model_saved;
	uint64_t seq, commits;
};

static inline uint64_t index_random(struct index_world *world)
{
	world->random ^= world->random << 13;
	world->random ^= world->random >> 7;
	world->random ^= world->random << 17;
	return world->random * 0x2545f4914f6cdd1dull >> 11;
}

static inline uint32_t index_below(struct index_world *world, uint32_t bound)
{
	return (uint32_t)(index_random(world) % bound);
}

static inline int index_plain_compare(struct tg_key a, struct tg_key b)
{
	uint32_t both = a.cmp_bytes < b.cmp_bytes ? a.cmp_bytes : b.cmp_bytes;
	int order = memcmp(a.bytes.at, b.bytes.at, both);

	if (order != 0)
		return order;
	return (a.cmp_bytes > b.cmp_bytes) - (a.cmp_bytes < b.cmp_bytes);
}

static inline uint32_t index_key_bytes(struct index_world *world, enum index_keys keys)
{
	if (keys == INDEX_KEYS_MIXED)
		keys = index_below(world, 8) == 0 ? INDEX_KEYS_LONG : INDEX_KEYS_SHORT;
	if (keys == INDEX_KEYS_UUID)
		return 17;
	if (keys == INDEX_KEYS_SHORT)
		return 4 + index_below(world, 40);
	return TG_KEY_BYTES_MAX - index_below(world, 60) * index_below(world, 4);
}

static inline int index_key_order(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;
	struct tg_key left = { tg_view_of((const uint8_t *)a + 4, *x), *x };
	struct tg_key right = { tg_view_of((const uint8_t *)b + 4, *y), *y };

	return index_plain_compare(left, right);
}

/* Tails come from what a key leaves free, so the longest keys have none. */
static inline void index_world_keys(struct index_world *world, enum index_keys keys)
{
	for (uint32_t i = 0; i < world->keys; i++) {
		world->key[i].bytes = index_key_bytes(world, keys);
		memset(world->key[i].at, 0, TG_KEY_BYTES_MAX);
		for (uint32_t at = 0; at < world->key[i].bytes; at++)
			world->key[i].at[at] = (uint8_t)index_random(world);
	}
	qsort(world->key, world->keys, sizeof(*world->key), index_key_order);
	uint32_t kept = 1;
	for (uint32_t i = 1; i < world->keys; i++)
		if (index_key_order(&world->key[kept - 1], &world->key[i]) != 0)
			memmove(&world->key[kept++], &world->key[i], sizeof(*world->key));
	world->keys = kept;
}

static inline void index_world_open(struct index_world *world, uint32_t cache_pages)
{
	struct tg_index_store store = { .context = &world->store, .load = index_store_load };

	world->pages = calloc(cache_pages, sizeof(*world->pages));
	TG_CHECK(world->pages != NULL);
	tg_index_cache_init(&world->cache, world->pages, cache_pages, store);
	world->index = (struct tg_index){ .cache = &world->cache,
					  .root = &world->root,
					  .stream = INDEX_STREAM,
					  .compare = index_plain_compare };
}

static inline void index_world_start(struct index_world *world, uint64_t seed, uint32_t keys,
				     enum index_keys kind)
{
	*world = (struct index_world){ .seed = seed, .random = seed * 0x9e3779b97f4a7c15ull + 1 };
	tg_crc32c_init();
	world->keys = keys;
	world->key = calloc(keys, sizeof(*world->key));
	world->model = calloc(keys, sizeof(*world->model));
	world->model_saved = calloc(keys, sizeof(*world->model));
	TG_CHECK(world->key != NULL && world->model != NULL && world->model_saved != NULL);
	index_world_keys(world, kind);
	index_world_open(world, INDEX_CACHE_PAGES + index_below(world, 2) * index_below(world, 16));
}

static inline void index_world_stop(struct index_world *world)
{
	index_store_free(&world->store);
	free(world->pages);
	free(world->key);
	free(world->model);
	free(world->model_saved);
}

static inline struct tg_key index_key_of(struct index_world *world, uint32_t i, uint32_t tail)
{
	uint32_t bytes = world->key[i].bytes;

	return (struct tg_key){ .bytes = tg_view_of(world->key[i].at, bytes + tail),
				.cmp_bytes = bytes };
}

static inline void index_commit(struct index_world *world)
{
	index_store_commit(&world->store, &world->cache);
	world->root_saved = world->root;
	memcpy(world->young_saved, world->young, sizeof(world->young));
	memcpy(world->model_saved, world->model, world->keys * sizeof(*world->model));
	world->commits++;
}

static inline void index_rollback(struct index_world *world)
{
	tg_index_forget(&world->cache, INDEX_STREAM);
	TG_CHECK_SEED(world->seed, tg_index_dirty(&world->cache) == 0);
	world->root = world->root_saved;
	memcpy(world->young, world->young_saved, sizeof(world->young));
	memcpy(world->model, world->model_saved, world->keys * sizeof(*world->model));
}

static inline void index_same(struct index_world *world, uint32_t i,
			      const struct tg_index_entry *entry)
{
	const struct index_model *model = &world->model[i];
	struct tg_key key = index_key_of(world, i, model->tail_bytes);

	TG_CHECK_SEED(world->seed, model->there);
	TG_CHECK_SEED(world->seed, tg_view_same(key.bytes, entry->key.bytes));
	TG_CHECK_SEED(world->seed, key.cmp_bytes == entry->key.cmp_bytes);
	TG_CHECK_SEED(world->seed, model->hash == entry->hash);
	TG_CHECK_SEED(world->seed, model->seq == entry->seq);
	TG_CHECK_SEED(world->seed, model->flags == entry->flags);
}

/* What the pages of the store say, read without the tree that is under test. */
struct index_found {
	struct index_world *world;
	uint32_t pages, entries, leaves;
	uint64_t leaf_used;
};

struct index_range {
	uint32_t level;
	struct tg_key low, high; /* no bytes: open */
};

static inline void index_check_leaf(struct index_found *found, const uint8_t *bytes,
				    struct index_range range)
{
	struct tg_index_cell cell = { .seq = tg_index_page_base(bytes) };
	uint32_t used = tg_index_page_used(bytes);
	uint64_t seed = found->world->seed;

	found->leaves++;
	found->leaf_used += used;
	for (uint32_t at = TG_INDEX_PAGE_HEADER_BYTES; at < used; at = cell.end) {
		tg_index_leaf_read(bytes, at, cell.seq, &cell);
		if (range.low.cmp_bytes != 0)
			TG_CHECK_SEED(seed, index_plain_compare(range.low, cell.key) <= 0);
		if (range.high.cmp_bytes != 0)
			TG_CHECK_SEED(seed, index_plain_compare(cell.key, range.high) < 0);
		found->entries++;
	}
}

static inline void index_check_page(struct index_found *found, uint32_t page,
				    struct index_range range);

static inline void index_check_inner(struct index_found *found, const uint8_t *bytes,
				     struct index_range range)
{
	struct index_range inside = { .level = range.level - 1, .low = range.low };
	struct tg_index_cell cell, next;
	uint32_t used = tg_index_page_used(bytes);

	for (uint32_t at = TG_INDEX_PAGE_HEADER_BYTES; at < used; at = cell.end) {
		tg_index_inner_read(bytes, at, &cell);
		inside.high = range.high;
		if (cell.end < used) {
			tg_index_inner_read(bytes, cell.end, &next);
			inside.high = next.key;
		}
		if (cell.key.cmp_bytes != 0)
			inside.low = cell.key;
		index_check_page(found, cell.child, inside);
	}
}

static inline void index_check_page(struct index_found *found, uint32_t page,
				    struct index_range range)
{
	const struct index_store *store = &found->world->store;
	uint64_t seed = found->world->seed;

	uint32_t slot = index_store_slot(page);
	TG_CHECK_SEED(seed, slot < store->count && store->pages[slot] != NULL);
	const uint8_t *bytes = store->pages[slot];
	found->pages++;
	TG_CHECK_SEED(seed, tg_index_page_check(bytes, page, index_plain_compare) == 0);
	bool leaf = tg_index_page_kind(bytes) == TG_INDEX_PAGE_LEAF;
	TG_CHECK_SEED(seed, leaf == (range.level == 0));
	if (range.level == 0)
		index_check_leaf(found, bytes, range);
	else
		index_check_inner(found, bytes, range);
}

static inline void index_check_tree(struct index_found *found, const struct tg_index_root *root)
{
	struct index_found before = *found;
	struct index_range all = { .level = root->height - 1 };

	if (root->root_page != 0)
		index_check_page(found, root->root_page, all);
	TG_CHECK_SEED(found->world->seed, found->entries - before.entries == root->entries);
	TG_CHECK_SEED(found->world->seed, found->pages - before.pages == root->pages);
}

/* After a commit: each stored page is in a tree once, and each key in its page's range. */
static inline struct index_found index_check_store(struct index_world *world)
{
	struct index_found found = { .world = world };

	index_check_tree(&found, &world->root);
	for (uint32_t i = 0; i < TG_INDEX_YOUNG; i++)
		index_check_tree(&found, &world->young[i]);
	TG_CHECK_SEED(world->seed, found.pages == world->store.stored);
	return found;
}

/* A walk sees what the model holds, and the sums agree. */
static inline void index_check_all(struct index_world *world)
{
	struct tg_index_entry entry;
	struct tg_key none = { .cmp_bytes = 0 };
	uint64_t there = 0, missing = 0, deleted = 0;
	int err;

	while ((err = tg_index_walk(&world->index, none)) == TG_ERR_FULL)
		index_commit(world);
	TG_CHECK_SEED(world->seed, err == 0);
	for (uint32_t i = 0; i < world->keys; i++) {
		const struct index_model *model = &world->model[i];
		if (!model->there)
			continue;
		while ((err = tg_index_next(&world->index, &entry)) == TG_ERR_FULL)
			index_commit(world);
		TG_CHECK_SEED(world->seed, err == 0);
		index_same(world, i, &entry);
		there++;
		missing += (model->flags & TG_INDEX_MISSING) != 0;
		deleted += (model->flags & TG_INDEX_DELETED) != 0;
	}
	while ((err = tg_index_next(&world->index, &entry)) == TG_ERR_FULL)
		index_commit(world);
	TG_CHECK_SEED(world->seed, err == TG_ERR_MISSING);
	TG_CHECK_SEED(world->seed, world->root.entries == there);
	TG_CHECK_SEED(world->seed, world->root.missing == missing);
	TG_CHECK_SEED(world->seed, world->root.deleted == deleted);
}

#endif
