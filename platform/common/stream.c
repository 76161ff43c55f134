#include "platform/file.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

/* Someone else made standard output non-blocking: waits until it takes bytes again. */
static void wait_for_room(int fd)
{
	struct pollfd stream = { .fd = fd, .events = POLLOUT };

	(void)poll(&stream, 1, -1);
}

int tg_file_write(int fd, const uint8_t *at, size_t bytes)
{
	while (bytes > 0) {
		ssize_t done = write(fd, at, bytes);

		if (done < 0 && errno == EAGAIN)
			wait_for_room(fd);
		if (done < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (done < 0)
			return errno == EPIPE ? TG_ERR_CLOSED : tg_file_err(errno);
		at += done;
		bytes -= (size_t)done;
	}
	return TG_OK;
}

int tg_file_remove(const char *path)
{
	return remove(path) == 0 ? TG_OK : tg_file_err(errno);
}
