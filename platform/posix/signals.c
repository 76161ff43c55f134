#define _GNU_SOURCE /* pipe2 */
#include "platform/loop.h"

#include "platform/assert.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

/* A signal between the last look at the flag and the wait would be slept over; the byte that the
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

int tg_loop_wake_fd(void)
{
	return wake_pipe[0];
}
