/* index_cache.h - the pages of the key index in memory; for index*.c and mend.c.
 *
 * A place is found by hash and given to another page by the clock rule: one that was not asked
 * for since the hand's last turn goes first. DIRTY and DROPPED pages stay until the commit,
 * pinned ones until they are unpinned; any other may go at the next call that takes a place.
 *
 * Memory:  the caller's. Waits: tg_index_cache_get may wait for the disk. Thread: the loop's.
 */
#ifndef TG_APP_OUTBOX_INDEX_CACHE_H
#define TG_APP_OUTBOX_INDEX_CACHE_H

#include "app/outbox/index.h"

/* Finds or loads a page; `level` 0 wants a leaf, others an inner page. */
struct tg_index_wanted {
	uint32_t stream, page, level;
};
TG_CHECKED int tg_index_cache_get(struct tg_index_cache *cache, struct tg_index_wanted wanted,
				  struct tg_index_page **out);

/* A place for a new page, DIRTY; tg_index_cache_room() said that there is one. */
struct tg_index_page *tg_index_cache_new(struct tg_index_cache *cache,
					 struct tg_index_wanted wanted, uint64_t base);

/* Says that a page changes, or just did. */
void tg_index_cache_touch(struct tg_index_cache *cache, struct tg_index_page *page);

/* The page is no longer in the tree. */
void tg_index_cache_drop(struct tg_index_cache *cache, struct tg_index_page *page);

/* How many new pages there is room for while `held` clean ones must stay. */
uint32_t tg_index_cache_room(const struct tg_index_cache *cache, uint32_t held);

/* What to return when there is no room: TG_ERR_FULL, or TG_ERR_LIMIT when no commit would help.
 * */
int tg_index_cache_refusal(const struct tg_index_cache *cache);

#endif
