#include "app/outbox/pages.h"

#include <stdint.h>
#include <stdlib.h>

union slot {
	union slot *next;
	uint8_t bytes[TG_PAGES_BYTES];
};

static union slot slots[TG_PAGES_SLOTS];
static union slot *given_back;
static size_t fresh_count = TG_PAGES_SLOTS; /* never taken so far: the last ones */

void *tg_pages_malloc(size_t bytes)
{
	union slot *slot = given_back;

	if (bytes != sizeof(*slot))
		return malloc(bytes);
	if (slot != NULL)
		given_back = slot->next;
	else if (fresh_count > 0)
		slot = &slots[--fresh_count];
	return slot != NULL ? slot : malloc(bytes);
}

void tg_pages_free(void *at)
{
	uintptr_t from = (uintptr_t)at - (uintptr_t)slots;
	union slot *slot = at;

	if (from >= sizeof(slots)) {
		free(at);
		return;
	}
	slot->next = given_back;
	given_back = slot;
}
