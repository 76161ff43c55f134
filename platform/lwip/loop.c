#include "platform/loop.h"

#include "platform/assert.h"
#include "platform/err.h"
#include "platform/lwip/wake.h"

#include <lwip/sockets.h>

static short poll_events(unsigned events)
{
	int bits = 0;

	if (events & TG_WANT_READ)
		bits |= POLLIN;
	if (events & TG_WANT_WRITE)
		bits |= POLLOUT;
	return (short)bits;
}

/* Fills `fds` with lwIP's sockets and hands the rest to the wait; returns how many are lwIP's. */
static nfds_t sort(const struct tg_wants *wants, struct pollfd fds[TG_WANTS_MAX])
{
	nfds_t count = 0;

	tg_lwip_watch_none();
	for (unsigned i = 0; i < wants->count; i++) {
		if (wants->items[i].fd < LWIP_SOCKET_OFFSET) {
			tg_lwip_watch(wants->items[i].fd, wants->items[i].events);
			continue;
		}
		fds[count].fd = wants->items[i].fd;
		fds[count++].events = poll_events(wants->items[i].events);
	}
	if (tg_loop_wake_fd() >= 0)
		tg_lwip_watch(tg_loop_wake_fd(), TG_WANT_READ);
	return count;
}

int tg_loop_wait(const struct tg_wants *wants, const struct tg_now *now)
{
	struct pollfd fds[TG_WANTS_MAX];

	TG_ASSERT(wants->count <= TG_WANTS_MAX);
	if (tg_loop_stopped())
		return TG_ERR_STOPPED;
	nfds_t count = sort(wants, fds);
	int ready = lwip_poll(count > 0 ? fds : NULL, count, tg_wants_wait_ms(wants, now));
	TG_ASSERT(ready >= 0); /* less: a socket that is not open, our own fault */
	return tg_loop_stopped() ? TG_ERR_STOPPED : 0;
}
