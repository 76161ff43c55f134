/* delay.c - a slow disk by LD_PRELOAD: every device sync takes BENCH_SYNC_MS milliseconds.
 *
 * A sync is fsync, fdatasync, or a write to a descriptor that was opened with O_DSYNC, as LMDB's
 * meta page is written. What the real one took is counted in. The fault ring's shim can do the same
 * (tests/fault/plan.h), but it looks at every call, which costs what is to be measured here.
 */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

typedef int sync_call(int fd);
typedef ssize_t write_call(int fd, const void *at, size_t bytes, off_t offset);

int bench_fsync(int fd) __asm__("fsync");
int bench_fdatasync(int fd) __asm__("fdatasync");
ssize_t bench_pwrite(int fd, const void *at, size_t bytes, off_t offset) __asm__("pwrite");
ssize_t bench_pwrite64(int fd, const void *at, size_t bytes, off_t offset) __asm__("pwrite64");

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void wait_until(long long until_ns)
{
	const struct timespec until = { .tv_sec = until_ns / 1000000000,
					.tv_nsec = until_ns % 1000000000 };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static long long sync_ns(void)
{
	static long long ns = -1;
	const char *text = getenv("BENCH_SYNC_MS");

	if (ns < 0)
		ns = text == NULL ? 0 : atoll(text) * 1000000;
	return ns;
}

/* A function's address does not fit a data pointer in ISO C, so its bytes are copied. */
static void find(const char *name, void *call, size_t bytes)
{
	void *found = dlsym(RTLD_NEXT, name);

	if (found == NULL)
		abort();
	memcpy(call, &found, bytes);
}

static int slow_sync(const char *name, int fd)
{
	long long began = now_ns();
	sync_call *call;

	find(name, &call, sizeof(call));
	int rc = call(fd);
	wait_until(began + sync_ns());
	return rc;
}

int bench_fsync(int fd)
{
	return slow_sync("fsync", fd);
}

int bench_fdatasync(int fd)
{
	return slow_sync("fdatasync", fd);
}

ssize_t bench_pwrite(int fd, const void *at, size_t bytes, off_t offset)
{
	static write_call *call;
	long long began = now_ns();

	if (call == NULL)
		find("pwrite", &call, sizeof(call));
	ssize_t rc = call(fd, at, bytes, offset);
	if ((fcntl(fd, F_GETFL) & O_DSYNC) != 0)
		wait_until(began + sync_ns());
	return rc;
}

ssize_t bench_pwrite64(int fd, const void *at, size_t bytes, off_t offset)
{
	return bench_pwrite(fd, at, bytes, offset);
}
