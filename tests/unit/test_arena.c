#include "app/arena.h"

#include "tests/check.h"

static max_align_t memory[8];

TG_TEST(arena_gives_aligned_pieces_until_it_is_used_up)
{
	struct tg_arena arena;

	tg_arena_init(&arena, memory, sizeof(memory));
	uint8_t *a = tg_arena_take(&arena, 1), *b = tg_arena_take(&arena, 17);
	TG_CHECK(a == (uint8_t *)memory && b == a + _Alignof(max_align_t));
	size_t mark = tg_arena_mark(&arena);
	size_t left = sizeof(memory) - mark;
	TG_CHECK(tg_arena_take(&arena, left + 1) == NULL);
	TG_CHECK_INT(tg_arena_mark(&arena), mark);
	TG_CHECK(tg_arena_take(&arena, left) != NULL);
	TG_CHECK(tg_arena_take(&arena, 1) == NULL);
	tg_arena_rewind(&arena, mark);
	TG_CHECK(tg_arena_take(&arena, SIZE_MAX) == NULL);
	TG_CHECK_INT(arena.peak, sizeof(memory));
}

TG_TEST(arena_aligns_its_own_begin)
{
	struct tg_arena arena;

	tg_arena_init(&arena, (uint8_t *)memory + 1, sizeof(memory) - 1);
	uint8_t *at = tg_arena_take(&arena, 8);
	TG_CHECK_INT((uintptr_t)at % _Alignof(max_align_t), 0);
	TG_CHECK_INT(arena.cap, sizeof(memory) - _Alignof(max_align_t));
}

TG_TEST(arena_may_be_empty_or_too_small_to_align)
{
	struct tg_arena arena;

	tg_arena_init(&arena, NULL, 0);
	TG_CHECK(tg_arena_take(&arena, 1) == NULL);
	tg_arena_init(&arena, (uint8_t *)memory + 1, 3);
	TG_CHECK(tg_arena_take(&arena, 1) == NULL);
}
