/* wrap.c - the system calls of the program, LMDB's among them, with what TG_FAULT adds to them.
 *
 * The linker sends each call named in wrap.txt here; __real_NAME is libc's. The program, LMDB and
 * mbedTLS are static, so that nothing of theirs passes by; ASan's own wrappers lie behind ours.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "tests/fault/plan.h"
#include "tests/fault/unsynced.h"

int __real_connect(int fd, const struct sockaddr *address, socklen_t bytes);
int __real_fdatasync(int fd);
int __real_mkdir(const char *path, mode_t mode);
int __real_poll(struct pollfd *fds, nfds_t count, int timeout);
ssize_t __real_read(int fd, void *at, size_t bytes);
ssize_t __real_recv(int fd, void *at, size_t bytes, int flags);
ssize_t __real_send(int fd, const void *at, size_t bytes, int flags);
ssize_t __real_write(int fd, const void *at, size_t bytes);
ssize_t __real_writev(int fd, const struct iovec *parts, int count);

int __wrap_close(int fd);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t bytes);
int __wrap_fdatasync(int fd);
int __wrap_fsync(int fd);
int __wrap_ftruncate(int fd, off_t bytes);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_open(const char *path, int flags, ...);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);
ssize_t __wrap_pread(int fd, void *at, size_t bytes, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *at, size_t bytes, off_t offset);
ssize_t __wrap_read(int fd, void *at, size_t bytes);
ssize_t __wrap_recv(int fd, void *at, size_t bytes, int flags);
int __wrap_rename(const char *from, const char *to);
ssize_t __wrap_send(int fd, const void *at, size_t bytes, int flags);
int __wrap_unlink(const char *path);
ssize_t __wrap_write(int fd, const void *at, size_t bytes);
ssize_t __wrap_writev(int fd, const struct iovec *parts, int count);

/* --- what a call is about --- */

enum about { OTHER, FILE_, FOLDER, SOCKET };

static const char *path_of(int fd)
{
	static char path[4096];
	char link[64];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t bytes = readlink(link, path, sizeof(path) - 1);
	path[bytes < 0 ? 0 : bytes] = '\0';
	return path;
}

static bool begins(const char *path, const char *with)
{
	return strncmp(path, with, strlen(with)) == 0;
}

static bool is_ours(const char *path)
{
	if (begins(path, "/dev/"))
		return begins(path, "/dev/shm/");
	return !begins(path, "/proc/") && !begins(path, "/sys/");
}

static enum about about(int fd)
{
	struct stat found;

	if (fd <= STDERR_FILENO || fstat(fd, &found) != 0)
		return OTHER;
	if (S_ISREG(found.st_mode))
		return is_ours(path_of(fd)) ? FILE_ : OTHER;
	if (S_ISDIR(found.st_mode))
		return FOLDER;
	return S_ISSOCK(found.st_mode) ? SOCKET : OTHER;
}

static void sleep_ms(unsigned ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	while (ms > 0 && nanosleep(&left, &left) != 0 && errno == EINTR)
		continue;
}

/* --- the faults --- */

static _Noreturn void end(enum tg_fault_action action)
{
	if (action == TG_FAULT_EXIT || action == TG_FAULT_TEAR_EXIT)
		_exit(TG_FAULT_EXIT_CODE);
	tg_unsynced_cut();
	_exit(TG_FAULT_POWER_CODE);
}

/* Ends the process if it is to end before this call; true when the call is to fail (errno set). */
static bool fails(const char *call, bool net, const char *what)
{
	enum tg_fault_action action = tg_fault_next(call, net, what);

	if (action == TG_FAULT_NONE)
		return false;
	if (action != TG_FAULT_FAIL && action != TG_FAULT_TEAR)
		end(action);
	errno = tg_fault_errno(call, net);
	return true;
}

/* As fails(), for a call on a descriptor. */
static bool fails_on(const char *call, int fd)
{
	enum about kind = about(fd);

	return kind != OTHER && fails(call, kind == SOCKET, path_of(fd));
}

static bool tracked(int fd)
{
	return tg_fault_tracks() && about(fd) == FILE_;
}

/* What a write is told: bytes to write, then how it ends. */
struct torn {
	size_t bytes;
	enum tg_fault_action action;
	int error;
};

static struct torn tear(const char *call, int fd, size_t bytes)
{
	enum about kind = about(fd);
	struct torn torn = { .bytes = bytes, .action = TG_FAULT_NONE };

	if (kind == OTHER)
		return torn;
	torn.action = tg_fault_next(call, kind == SOCKET, path_of(fd));
	if (torn.action == TG_FAULT_EXIT || torn.action == TG_FAULT_POWER)
		end(torn.action);
	if (torn.action != TG_FAULT_NONE)
		torn.bytes = torn.action == TG_FAULT_FAIL ? 0 : bytes / 2;
	torn.error = tg_fault_errno(call, kind == SOCKET);
	return torn;
}

/* The result of a write that was to be torn: `done` as the real call returned it. A socket that
 * took half says so; a file's disk failed behind it. */
static ssize_t torn_result(const struct torn *torn, ssize_t done, bool net)
{
	if (torn->action == TG_FAULT_NONE || (net && torn->action == TG_FAULT_TEAR && done > 0))
		return done;
	if (torn->action != TG_FAULT_FAIL && torn->action != TG_FAULT_TEAR)
		end(torn->action);
	errno = torn->error;
	return -1;
}

/* --- sockets --- */

int __wrap_connect(int fd, const struct sockaddr *address, socklen_t bytes)
{
	return fails("connect", true, "") ? -1 : __real_connect(fd, address, bytes);
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	return fails("poll", true, "") ? -1 : __real_poll(fds, count, timeout);
}

ssize_t __wrap_recv(int fd, void *at, size_t bytes, int flags)
{
	return fails("recv", true, "") ? -1 : __real_recv(fd, at, bytes, flags);
}

ssize_t __wrap_send(int fd, const void *at, size_t bytes, int flags)
{
	struct torn torn = tear("send", fd, bytes);
	ssize_t done = torn.bytes == 0 && bytes > 0 ? 0 : __real_send(fd, at, torn.bytes, flags);

	return torn_result(&torn, done, true);
}

/* --- reading files --- */

ssize_t __wrap_read(int fd, void *at, size_t bytes)
{
	return fails_on("read", fd) ? -1 : __real_read(fd, at, bytes);
}

ssize_t __wrap_pread(int fd, void *at, size_t bytes, off_t offset)
{
	return fails_on("pread", fd) ? -1 : __real_pread(fd, at, bytes, offset);
}

/* --- writing files --- */

static ssize_t write_at(int fd, const void *at, size_t bytes, off_t offset)
{
	bool through = (fcntl(fd, F_GETFL) & O_DSYNC) != 0;

	if (tracked(fd) && !through)
		tg_unsynced_write(fd, (uint64_t)offset, bytes);
	ssize_t done = __real_pwrite(fd, at, bytes, offset);
	if (through && done > 0) {
		sleep_ms(tg_fault_plan()->sync_delay_ms);
		if (tracked(fd))
			tg_unsynced_written_through(fd, (uint64_t)offset, (uint64_t)done);
	}
	return done;
}

ssize_t __wrap_pwrite(int fd, const void *at, size_t bytes, off_t offset)
{
	struct torn torn = tear("pwrite", fd, bytes);
	ssize_t done = torn.bytes == 0 && bytes > 0 ? 0 : write_at(fd, at, torn.bytes, offset);

	return torn_result(&torn, done, false);
}

ssize_t __wrap_write(int fd, const void *at, size_t bytes)
{
	struct torn torn = tear("write", fd, bytes);
	ssize_t done = 0;

	if (tracked(fd) && torn.bytes > 0)
		tg_unsynced_write(fd, (uint64_t)lseek(fd, 0, SEEK_CUR), torn.bytes);
	if (torn.bytes > 0 || bytes == 0)
		done = __real_write(fd, at, torn.bytes);
	return torn_result(&torn, done, about(fd) == SOCKET);
}

/* LMDB writes runs of pages so, at the file's position. */
ssize_t __wrap_writev(int fd, const struct iovec *parts, int count)
{
	size_t bytes = 0;
	ssize_t done = 0;

	for (int i = 0; i < count; i++)
		bytes += parts[i].iov_len;
	struct torn torn = tear("writev", fd, bytes);
	if (tracked(fd) && torn.bytes > 0)
		tg_unsynced_write(fd, (uint64_t)lseek(fd, 0, SEEK_CUR), torn.bytes);
	if (torn.bytes == bytes)
		return torn_result(&torn, __real_writev(fd, parts, count), false);
	for (int i = 0; i < count && torn.bytes > 0; i++) {
		size_t part = parts[i].iov_len < torn.bytes ? parts[i].iov_len : torn.bytes;
		done += __real_write(fd, parts[i].iov_base, part);
		torn.bytes -= part;
	}
	return torn_result(&torn, done, false);
}

int __wrap_ftruncate(int fd, off_t bytes)
{
	if (fails_on("ftruncate", fd))
		return -1;
	if (tracked(fd))
		tg_unsynced_truncate(fd, (uint64_t)bytes);
	return __real_ftruncate(fd, bytes);
}

/* --- syncs --- */

static bool sync_is_left_out(int fd)
{
	const struct tg_fault_plan *plan = tg_fault_plan();

	return plan->nosync[0] != '\0' && fnmatch(plan->nosync, path_of(fd), 0) == 0;
}

static int sync_with(const char *call, int fd, int (*real)(int fd))
{
	enum about kind = about(fd);

	bool failed = fails_on(call, fd);
	if (kind != OTHER && !failed && sync_is_left_out(fd))
		return 0;
	if (tracked(fd))
		tg_unsynced_sync(fd, !failed);
	if (failed)
		return -1;
	if (kind == FOLDER && tg_fault_tracks())
		tg_unsynced_sync_folder(fd);
	sleep_ms(tg_fault_plan()->sync_delay_ms);
	return real(fd);
}

int __wrap_fdatasync(int fd)
{
	return sync_with("fdatasync", fd, __real_fdatasync);
}

int __wrap_fsync(int fd)
{
	return sync_with("fsync", fd, __real_fsync);
}

/* --- names --- */

int __wrap_open(const char *path, int flags, ...)
{
	struct stat found;
	va_list rest;
	mode_t mode = 0;

	va_start(rest, flags);
	if ((flags & O_CREAT) != 0)
		mode = va_arg(rest, mode_t);
	va_end(rest);
	if (is_ours(path) && fails("open", false, path))
		return -1;
	bool makes = (flags & O_CREAT) != 0 && tg_fault_tracks() && stat(path, &found) != 0;
	int fd = __real_open(path, flags, mode);
	if (makes && fd >= 0)
		tg_unsynced_made(path);
	return fd;
}

/* A failing close has closed: Linux frees the descriptor first. */
int __wrap_close(int fd)
{
	bool failed = fails_on("close", fd);
	int error = errno;
	int rc = __real_close(fd);

	if (!failed)
		return rc;
	errno = error;
	return -1;
}

int __wrap_mkdir(const char *path, mode_t mode)
{
	if (fails("mkdir", false, path))
		return -1;
	int rc = __real_mkdir(path, mode);
	if (rc == 0 && tg_fault_tracks())
		tg_unsynced_made(path);
	return rc;
}

int __wrap_rename(const char *from, const char *to)
{
	struct stat found;

	if (fails("rename", false, to))
		return -1;
	if (tg_fault_tracks() && stat(from, &found) == 0)
		tg_unsynced_rename(from, to);
	return __real_rename(from, to);
}

int __wrap_unlink(const char *path)
{
	struct stat found;

	if (fails("unlink", false, path))
		return -1;
	if (tg_fault_tracks() && stat(path, &found) == 0)
		tg_unsynced_unlink(path);
	return __real_unlink(path);
}
