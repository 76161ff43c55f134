#define _GNU_SOURCE /* pipe2 */
#include "platform/loop.h"

#include "platform/assert.h"
#include "platform/err.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

/* A signal between the last look at the flag and poll() would be slept over; the byte that the
 * handler writes into this pipe is not. */
static int wake_pipe[2] = { -1, -1 };
static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	const char byte = (char)number;

	stopped = 1;
	/* A full pipe wakes as well as one byte more would. */
	if (write(wake_pipe[1], &byte, 1) < 0)
		return;
}

void tg_loop_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	TG_ASSERT(wake_pipe[0] < 0);
	TG_ASSERT(pipe2(wake_pipe, O_CLOEXEC | O_NONBLOCK) == 0);
	sigemptyset(&action.sa_mask);
	TG_ASSERT(sigaction(SIGINT, &action, NULL) == 0);
	TG_ASSERT(sigaction(SIGTERM, &action, NULL) == 0);
	action.sa_handler = SIG_IGN;
	TG_ASSERT(sigaction(SIGPIPE, &action, NULL) == 0);
}

bool tg_loop_stopped(void)
{
	return stopped != 0;
}

static int wait_ms(const struct tg_wants *wants, const struct tg_now *now)
{
	if (wants->wake_mono_ms == UINT64_MAX)
		return -1;
	if (wants->wake_mono_ms <= now->mono_ms)
		return 0;
	uint64_t span_ms = wants->wake_mono_ms - now->mono_ms;
	return span_ms > INT_MAX ? INT_MAX : (int)span_ms;
}

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
	if (wake_pipe[0] >= 0) {
		fds[count].fd = wake_pipe[0];
		fds[count++].events = POLLIN;
	}
	/* EINTR needs no care: the caller steps every stage after each return. */
	(void)poll(fds, count, wait_ms(wants, now));
	return tg_loop_stopped() ? TG_ERR_STOPPED : 0;
}
