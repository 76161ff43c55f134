/* index_cache.c - which page lies in which place, and which place is given up next. */
#include "app/outbox/index_cache.h"

#include "app/outbox/index_page.h"
#include "platform/assert.h"

void tg_index_cache_init(struct tg_index_cache *cache, struct tg_index_page *pages, uint32_t count,
			 struct tg_index_store store)
{
	TG_ASSERT(count > 0);
	*cache = (struct tg_index_cache){ .store = store, .pages = pages, .count = count };
	cache->young_pages[0] = count / 2;
	cache->young_pages[1] = 8 * cache->young_pages[0];
	memset(pages, 0, count * sizeof(*pages));
}

static uint32_t *bucket_of(struct tg_index_cache *cache, uint32_t stream, uint32_t page)
{
	TG_ASSERT(cache->count > 0);
	uint32_t mixed = (page ^ stream * 0x9e3779b1u) * 0x85ebca6bu;

	return &cache->pages[(mixed >> 8) % cache->count].bucket_;
}

static struct tg_index_page *look_up(struct tg_index_cache *cache, uint32_t stream, uint32_t page)
{
	uint32_t at = *bucket_of(cache, stream, page);

	while (at != 0) {
		struct tg_index_page *place = &cache->pages[at - 1];
		if (place->page == page && place->stream == stream)
			return place;
		at = place->next_;
	}
	return NULL;
}

static void enter(struct tg_index_cache *cache, struct tg_index_page *place)
{
	uint32_t *bucket = bucket_of(cache, place->stream, place->page);

	place->next_ = *bucket;
	*bucket = (uint32_t)(place - cache->pages) + 1;
}

static void leave(struct tg_index_cache *cache, struct tg_index_page *place)
{
	uint32_t *at = bucket_of(cache, place->stream, place->page);

	while (&cache->pages[*at - 1] != place)
		at = &cache->pages[*at - 1].next_;
	*at = place->next_;
	place->next_ = 0;
}

/* A place that is free now, or NULL. Two turns of the hand: the first may only clear `used_`. */
static struct tg_index_page *free_place(struct tg_index_cache *cache)
{
	for (uint32_t i = 0; i < 2 * cache->count; i++) {
		struct tg_index_page *place = &cache->pages[cache->hand_];
		cache->hand_ = cache->hand_ + 1 < cache->count ? cache->hand_ + 1 : 0;
		if (place->state == TG_INDEX_PAGE_FREE)
			return place;
		if (place->state != TG_INDEX_PAGE_CLEAN || place->pinned_)
			continue;
		if (!place->used_) {
			leave(cache, place);
			place->state = TG_INDEX_PAGE_FREE;
			return place;
		}
		place->used_ = false;
	}
	return NULL;
}

static bool is_wanted(const struct tg_index_page *place, uint32_t level)
{
	enum tg_index_page_kind kind = level == 0 ? TG_INDEX_PAGE_LEAF : TG_INDEX_PAGE_INNER;

	return tg_index_page_kind(place->bytes) == kind;
}

int tg_index_cache_refusal(const struct tg_index_cache *cache)
{
	return cache->dirty_ + cache->dropped_ > 0 ? TG_ERR_FULL : TG_ERR_LIMIT;
}

static int load(struct tg_index_cache *cache, struct tg_index_wanted wanted,
		struct tg_index_page **out)
{
	struct tg_index_page *place = free_place(cache);

	if (place == NULL)
		return tg_index_cache_refusal(cache);
	int err = cache->store.load(cache->store.context, wanted.stream, wanted.page, place->bytes);
	if (err == 0)
		err = tg_index_page_check(place->bytes, wanted.page, NULL);
	if (err != 0)
		return err;
	place->state = TG_INDEX_PAGE_CLEAN;
	place->stream = wanted.stream;
	place->page = wanted.page;
	place->stored_ = true;
	place->marks_ = place->last_ = 0;
	place->wanted_ = 0;
	place->stamp_ = ++cache->stamp_;
	enter(cache, place);
	*out = place;
	return 0;
}

int tg_index_cache_get(struct tg_index_cache *cache, struct tg_index_wanted wanted,
		       struct tg_index_page **out)
{
	struct tg_index_page *place = look_up(cache, wanted.stream, wanted.page);
	int err = place == NULL ? load(cache, wanted, &place) : 0;

	if (err != 0)
		return err;
	if (!is_wanted(place, wanted.level))
		return TG_ERR_DAMAGED;
	place->used_ = true;
	*out = place;
	return 0;
}

struct tg_index_page *tg_index_cache_new(struct tg_index_cache *cache,
					 struct tg_index_wanted wanted, uint64_t base)
{
	struct tg_index_page *place = free_place(cache);

	TG_ASSERT(place != NULL);
	place->stream = wanted.stream;
	place->page = wanted.page;
	place->state = TG_INDEX_PAGE_DIRTY;
	place->used_ = true;
	place->stored_ = false;
	place->marks_ = place->last_ = 0;
	place->wanted_ = 0;
	place->stamp_ = ++cache->stamp_;
	cache->shape_++;
	cache->sought_.key_bytes = 0;
	cache->dirty_++;
	tg_index_page_init(place->bytes,
			   wanted.level == 0 ? TG_INDEX_PAGE_LEAF : TG_INDEX_PAGE_INNER,
			   wanted.page, base);
	enter(cache, place);
	return place;
}

void tg_index_cache_touch(struct tg_index_cache *cache, struct tg_index_page *page)
{
	page->marks_ = page->last_ = 0;
	page->stamp_ = ++cache->stamp_;
	cache->sought_.key_bytes = 0;
	if (page->state == TG_INDEX_PAGE_DIRTY)
		return;
	TG_ASSERT(page->state == TG_INDEX_PAGE_CLEAN);
	page->state = TG_INDEX_PAGE_DIRTY;
	cache->dirty_++;
}

void tg_index_cache_drop(struct tg_index_cache *cache, struct tg_index_page *page)
{
	TG_ASSERT(page->state == TG_INDEX_PAGE_CLEAN || page->state == TG_INDEX_PAGE_DIRTY);
	if (page->state == TG_INDEX_PAGE_DIRTY)
		cache->dirty_--;
	cache->sought_.key_bytes = 0;
	cache->shape_++;
	leave(cache, page);
	page->state = page->stored_ ? TG_INDEX_PAGE_DROPPED : TG_INDEX_PAGE_FREE;
	cache->dropped_ += page->stored_;
}

uint32_t tg_index_cache_room(const struct tg_index_cache *cache, uint32_t held)
{
	uint32_t taken = cache->dirty_ + cache->dropped_ + held;

	return cache->count > taken ? cache->count - taken : 0;
}

uint32_t tg_index_dirty(const struct tg_index_cache *cache)
{
	return cache->dirty_ + cache->dropped_;
}

void tg_index_seal(struct tg_index_cache *cache)
{
	for (uint32_t i = 0; i < cache->count; i++)
		if (cache->pages[i].state == TG_INDEX_PAGE_DIRTY)
			tg_index_page_seal(cache->pages[i].bytes);
}

void tg_index_flushed(struct tg_index_cache *cache)
{
	for (uint32_t i = 0; i < cache->count; i++) {
		struct tg_index_page *place = &cache->pages[i];
		place->wanted_ /= 2;
		if (place->state == TG_INDEX_PAGE_DROPPED)
			place->state = TG_INDEX_PAGE_FREE;
		if (place->state != TG_INDEX_PAGE_DIRTY)
			continue;
		place->state = TG_INDEX_PAGE_CLEAN;
		place->stored_ = true;
	}
	cache->dirty_ = 0;
	cache->dropped_ = 0;
}

void tg_index_forget(struct tg_index_cache *cache, uint32_t stream)
{
	cache->sought_.key_bytes = 0;
	cache->shape_++;
	for (uint32_t i = 0; i < cache->count; i++) {
		struct tg_index_page *place = &cache->pages[i];
		if (place->stream != stream || place->state == TG_INDEX_PAGE_FREE)
			continue;
		cache->dirty_ -= place->state == TG_INDEX_PAGE_DIRTY;
		cache->dropped_ -= place->state == TG_INDEX_PAGE_DROPPED;
		if (place->state != TG_INDEX_PAGE_DROPPED)
			leave(cache, place);
		place->state = TG_INDEX_PAGE_FREE;
	}
}
