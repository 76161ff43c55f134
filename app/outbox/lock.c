#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "app/outbox/store.h"
#include "platform/log.h"

/* The lock file's text names the holder while it holds, and is emptied by an orderly close: text
 * without a lock means that the last holder crashed or lost its power. */

static int describe_holder(int fd, char *at, size_t cap)
{
	ssize_t bytes = pread(fd, at, cap - 1, 0);

	if (bytes < 0)
		return TG_ERR_IO;
	at[bytes] = '\0';
	at[strcspn(at, "\n")] = '\0';
	return bytes > 0;
}

static int write_holder(int fd)
{
	char text[64];
	int bytes = snprintf(text, sizeof(text), "process %ld\n", (long)getpid());

	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)bytes, 0) != bytes || fsync(fd) < 0)
		return tg_store_err(errno);
	return 0;
}

/* Somebody who only looks whether the store is held holds it for a moment (tg_outbox_holder). */
static bool take_patiently(int fd)
{
	for (unsigned tries = 0; tries < 10; tries++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		(void)poll(NULL, 0, 10);
	}
	return false;
}

int tg_lock_take(struct tg_outbox *box, struct tg_why *why)
{
	char path[512], holder[64] = "";

	snprintf(path, sizeof(path), "%s/holder", box->cfg.path);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0)
		return tg_why_set(why, tg_store_err(errno),
				  "the store's lock %s cannot be opened: %s", path,
				  strerror(errno));
	int held = describe_holder(fd, holder, sizeof(holder));
	if (!take_patiently(fd)) {
		close(fd);
		return tg_why_set(
			why, TG_ERR_BUSY,
			"the store %s is held by %s; end that first, or name another store.path",
			box->cfg.path, held > 0 ? holder : "another process");
	}
	box->crashed_ = held > 0;
	int err = write_holder(fd);
	if (err < 0) {
		close(fd);
		return tg_why_set(why, err, "the store's lock %s cannot be written", path);
	}
	box->lock_fd_ = fd;
	return 0;
}

void tg_lock_release(struct tg_outbox *box, bool clean)
{
	if (box->lock_fd_ < 0)
		return;
	if (clean && (ftruncate(box->lock_fd_, 0) < 0 || fsync(box->lock_fd_) < 0))
		TG_LOG_WRN("outbox.lock", "path=%s result=not_emptied", box->cfg.path);
	close(box->lock_fd_);
	box->lock_fd_ = -1;
}
