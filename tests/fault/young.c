/* young.c - the index' young trees as small as can be.
 *
 * What comes in no order goes into them only once the tree has many leaves, and out of them only
 * once they have: some thousand rows. A walk through all calls has a few dozen; so here a leaf is
 * many, and each change folds what the one before it left.
 */
#include "app/outbox/index.h"

void __real_tg_index_cache_init(struct tg_index_cache *cache, struct tg_index_page *pages,
				uint32_t count, struct tg_index_store store);
void __wrap_tg_index_cache_init(struct tg_index_cache *cache, struct tg_index_page *pages,
				uint32_t count, struct tg_index_store store);

void __wrap_tg_index_cache_init(struct tg_index_cache *cache, struct tg_index_page *pages,
				uint32_t count, struct tg_index_store store)
{
	__real_tg_index_cache_init(cache, pages, count, store);
	cache->young_pages[0] = 1;
	cache->young_pages[1] = 1;
}
