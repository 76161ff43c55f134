#include "platform/assert.h"
#include "platform/loop.h"

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
