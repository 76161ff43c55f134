/* Goal: slots are handed out once, come back, and what is none of them goes to the C library. */
#include "app/outbox/pages.h"
#include "platform/view.h"
#include "tests/check.h"

enum { TAKEN = TG_PAGES_SLOTS + 3 };

static bool are_apart(void *const *at, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++) {
			const uint8_t *a = at[i], *b = at[j];
			if (a < b + TG_PAGES_BYTES && b < a + TG_PAGES_BYTES)
				return false;
		}
	return true;
}

TG_TEST(slots_come_and_go)
{
	void *at[TAKEN], *again[TAKEN];

	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < TAKEN; i++) {
			at[i] = tg_pages_malloc(TG_PAGES_BYTES);
			TG_CHECK(at[i] != NULL);
			memset(at[i], (int)i + 1, TG_PAGES_BYTES);
		}
		TG_CHECK(are_apart(at, TAKEN));
		for (size_t i = 0; i < TAKEN; i++)
			TG_CHECK_INT(((uint8_t *)at[i])[TG_PAGES_BYTES - 1], i + 1);
		for (size_t i = 0; i < TAKEN; i++)
			tg_pages_free(at[i]);
	}
	for (size_t i = 0; i < TG_PAGES_SLOTS; i++)
		again[i] = tg_pages_malloc(TG_PAGES_BYTES);
	TG_CHECK(are_apart(again, TG_PAGES_SLOTS));
	for (size_t i = 0; i < TG_PAGES_SLOTS; i++)
		tg_pages_free(again[i]);
}

TG_TEST(other_sizes_are_the_library_s)
{
	void *slot = tg_pages_malloc(TG_PAGES_BYTES), *small = tg_pages_malloc(24),
	     *large = tg_pages_malloc(4 * TG_PAGES_BYTES);

	TG_CHECK(slot != NULL && small != NULL && large != NULL);
	memset(small, 1, 24);
	memset(large, 2, 4 * (size_t)TG_PAGES_BYTES);
	tg_pages_free(small);
	tg_pages_free(large);
	tg_pages_free(slot);
	tg_pages_free(NULL);
	TG_CHECK(tg_pages_malloc(TG_PAGES_BYTES) == slot);
	tg_pages_free(slot);
}
