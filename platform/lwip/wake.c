/* lwIP's semaphores, and all that ends a wait for one. */
#include "platform/lwip/wake.h"

#include "platform/loop.h"

#include <lwip/sys.h>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { ENDS_MAX = TG_WANTS_MAX + 3 }; /* the semaphore, the wake, a signal's pipe */

static struct pollfd watched[ENDS_MAX];
static nfds_t watched_count;
static pthread_once_t wake_once = PTHREAD_ONCE_INIT;
static int wake_fd;

static int make_event(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	TG_ASSERT(fd >= 0);
	return fd;
}

static void make_wake(void)
{
	wake_fd = make_event();
}

static void signal_event(int fd)
{
	const uint64_t one = 1;

	/* It is full only after 2^64 signals that nobody waited for. */
	TG_ASSERT(write(fd, &one, sizeof(one)) == (ssize_t)sizeof(one));
}

static bool take_event(int fd)
{
	uint64_t count;

	return read(fd, &count, sizeof(count)) == (ssize_t)sizeof(count);
}

void tg_lwip_wake(void)
{
	(void)pthread_once(&wake_once, make_wake);
	signal_event(wake_fd);
}

void tg_lwip_watch_none(void)
{
	(void)pthread_once(&wake_once, make_wake);
	watched[0].events = POLLIN; /* the semaphore's place */
	watched[1] = (struct pollfd){ .fd = wake_fd, .events = POLLIN };
	watched_count = 2;
}

void tg_lwip_watch(int fd, unsigned events)
{
	int bits = 0;

	if (events & TG_WANT_READ)
		bits |= POLLIN;
	if (events & TG_WANT_WRITE)
		bits |= POLLOUT;
	TG_ASSERT(watched_count < ENDS_MAX);
	watched[watched_count++] = (struct pollfd){ .fd = fd, .events = (short)bits };
}

sys_sem_t *tg_lwip_thread_sem(void)
{
	static _Thread_local sys_sem_t own;

	/* Descriptor 0 is never an eventfd's while standard input is open; take it as "none yet".
	 */
	if (own.fd <= 0)
		own.fd = make_event();
	return &own;
}

err_t sys_sem_new(sys_sem_t *sem, u8_t count)
{
	sem->fd = make_event();
	if (count > 0)
		signal_event(sem->fd);
	return ERR_OK;
}

void sys_sem_signal(sys_sem_t *sem)
{
	signal_event(sem->fd);
}

void sys_sem_free(sys_sem_t *sem)
{
	(void)close(sem->fd);
}

/* Only lwip_poll() waits with a span, in the loop's thread; UINT32_MAX is for ever. What is not the
 * semaphore is told as a time-out: to lwIP it is one. */
static u32_t wait_with_others(const sys_sem_t *sem, u32_t span_ms)
{
	watched[0].fd = sem->fd;
	(void)poll(watched, watched_count, span_ms > INT32_MAX ? -1 : (int)span_ms);
	if (take_event(sem->fd))
		return 0;
	(void)take_event(wake_fd);
	return SYS_ARCH_TIMEOUT;
}

u32_t sys_arch_sem_wait(sys_sem_t *sem, u32_t timeout)
{
	struct pollfd alone = { .fd = sem->fd, .events = POLLIN };

	if (timeout != 0)
		return wait_with_others(sem, timeout);
	while (!take_event(sem->fd))
		(void)poll(&alone, 1, -1);
	return 0;
}
