/* index_store.h - a store of index pages in memory, with commits that can fail, for tests and
 * benches. */
#ifndef TG_TESTS_INDEX_STORE_H
#define TG_TESTS_INDEX_STORE_H

#include <stdlib.h>
#include <string.h>

#include "app/outbox/index.h"
#include "tests/check.h"

/* Pages by slot; a page that is not stored is NULL. The highest bits of a page's number name its
 * tree: the slots of the trees alternate. */
struct index_store {
	uint8_t **pages;
	uint32_t count;
	uint32_t stored;    /* pages in the store             */
	uint64_t loads;
	uint32_t damaged;   /* loading this page fails, 0: none */
	int damaged_err;
};

static inline uint32_t index_store_slot(uint32_t page)
{
	uint32_t tree = page >> 30;

	TG_CHECK(tree <= TG_INDEX_YOUNG);
	return (page & ((1u << 30) - 1)) * (TG_INDEX_YOUNG + 1) + tree;
}

static inline int index_store_load(void *context, uint32_t stream, uint32_t page,
				   uint8_t at[TG_INDEX_PAGE_BYTES])
{
	struct index_store *store = context;

	TG_CHECK(stream == 3);
	store->loads++;
	if (page == store->damaged)
		return store->damaged_err;
	uint32_t slot = index_store_slot(page);
	if (slot >= store->count || store->pages[slot] == NULL)
		return TG_ERR_DAMAGED;
	memcpy(at, store->pages[slot], TG_INDEX_PAGE_BYTES);
	return 0;
}

static inline void index_store_write(struct index_store *store, const struct tg_index_page *page)
{
	uint32_t slot = index_store_slot(page->page);

	if (slot >= store->count) {
		uint32_t count = 2 * slot + 64;
		store->pages = realloc(store->pages, count * sizeof(*store->pages));
		TG_CHECK(store->pages != NULL);
		memset(store->pages + store->count, 0,
		       (count - store->count) * sizeof(*store->pages));
		store->count = count;
	}
	if (store->pages[slot] == NULL) {
		store->pages[slot] = malloc(TG_INDEX_PAGE_BYTES);
		TG_CHECK(store->pages[slot] != NULL);
		store->stored++;
	}
	memcpy(store->pages[slot], page->bytes, TG_INDEX_PAGE_BYTES);
}

static inline void index_store_delete(struct index_store *store, uint32_t page)
{
	uint32_t slot = index_store_slot(page);

	TG_CHECK(slot < store->count && store->pages[slot] != NULL);
	free(store->pages[slot]);
	store->pages[slot] = NULL;
	store->stored--;
}

/* What the outbox does at a commit. */
static inline void index_store_commit(struct index_store *store, struct tg_index_cache *cache)
{
	uint32_t waiting = 0;

	tg_index_seal(cache);
	for (uint32_t i = 0; i < cache->count; i++) {
		const struct tg_index_page *page = &cache->pages[i];
		waiting += page->state == TG_INDEX_PAGE_DIRTY ||
			   page->state == TG_INDEX_PAGE_DROPPED;
		if (page->state == TG_INDEX_PAGE_DIRTY)
			index_store_write(store, page);
		else if (page->state == TG_INDEX_PAGE_DROPPED)
			index_store_delete(store, page->page);
	}
	TG_CHECK_INT(tg_index_dirty(cache), waiting);
	tg_index_flushed(cache);
	TG_CHECK_INT(tg_index_dirty(cache), 0);
}

static inline void index_store_free(struct index_store *store)
{
	for (uint32_t i = 0; i < store->count; i++)
		free(store->pages[i]);
	free(store->pages);
	*store = (struct index_store){ .count = 0 };
}

#endif
