#include "platform/assert.h"
#include "platform/loop.h"

#include <limits.h>

void tg_wants_clear(struct tg_wants *wants)
{
	wants->count = 0;
	wants->wake_mono_ms = UINT64_MAX;
}

void tg_wants_fd(struct tg_wants *wants, int fd, unsigned events)
{
	TG_ASSERT(fd >= 0);
	TG_ASSERT(wants->count < TG_WANTS_MAX);
	if (events == 0)
		return;
	wants->items[wants->count].fd = fd;
	wants->items[wants->count].events = events;
	wants->count++;
}

void tg_wants_at(struct tg_wants *wants, uint64_t mono_ms)
{
	if (mono_ms < wants->wake_mono_ms)
		wants->wake_mono_ms = mono_ms;
}

int tg_wants_wait_ms(const struct tg_wants *wants, const struct tg_now *now)
{
	if (wants->wake_mono_ms == UINT64_MAX)
		return -1;
	if (wants->wake_mono_ms <= now->mono_ms)
		return 0;
	uint64_t span_ms = wants->wake_mono_ms - now->mono_ms;
	return span_ms > INT_MAX ? INT_MAX : (int)span_ms;
}
