#include "platform/loop.h"

#include "platform/assert.h"
#include "platform/err.h"

#include <poll.h>

static short poll_events(unsigned events)
{
	int bits = 0;

	if (events & TG_WANT_READ)
		bits |= POLLIN;
	if (events & TG_WANT_WRITE)
		bits |= POLLOUT;
	return (short)bits;
}

int tg_loop_wait(const struct tg_wants *wants, const struct tg_now *now)
{
	struct pollfd fds[TG_WANTS_MAX + 1];
	nfds_t count = 0;

	TG_ASSERT(wants->count <= TG_WANTS_MAX);
	if (tg_loop_stopped())
		return TG_ERR_STOPPED;
	for (; count < wants->count; count++) {
		fds[count].fd = wants->items[count].fd;
		fds[count].events = poll_events(wants->items[count].events);
	}
	if (tg_loop_wake_fd() >= 0) {
		fds[count].fd = tg_loop_wake_fd();
		fds[count++].events = POLLIN;
	}
	/* EINTR needs no care: the caller steps every stage after each return. */
	(void)poll(fds, count, tg_wants_wait_ms(wants, now));
	return tg_loop_stopped() ? TG_ERR_STOPPED : 0;
}
