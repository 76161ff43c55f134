#include "app/arena.h"

#include "platform/assert.h"

enum { ALIGN_BYTES = _Alignof(max_align_t) };

void tg_arena_init(struct tg_arena *arena, void *at, size_t cap)
{
	uintptr_t misaligned = (uintptr_t)at % ALIGN_BYTES;
	size_t skipped = misaligned == 0 ? 0 : ALIGN_BYTES - misaligned;

	TG_ASSERT(at != NULL || cap == 0);
	if (skipped > cap)
		skipped = cap;
	*arena = (struct tg_arena){
		.at = cap == 0 ? NULL : (uint8_t *)at + skipped,
		.cap = cap - skipped,
	};
}

void *tg_arena_take(struct tg_arena *arena, size_t bytes)
{
	size_t padding = (ALIGN_BYTES - bytes % ALIGN_BYTES) % ALIGN_BYTES;
	size_t left = arena->cap - arena->used;

	if (bytes > left)
		return NULL;
	uint8_t *at = arena->at + arena->used;
	/* The last piece may end where the arena ends, without its padding. */
	arena->used += bytes + (padding > left - bytes ? left - bytes : padding);
	if (arena->used > arena->peak)
		arena->peak = arena->used;
	return at;
}

size_t tg_arena_mark(const struct tg_arena *arena)
{
	return arena->used;
}

void tg_arena_rewind(struct tg_arena *arena, size_t mark)
{
	TG_ASSERT(mark <= arena->used);
	arena->used = mark;
}
