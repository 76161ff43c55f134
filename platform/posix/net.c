/* The kernel's sockets, with only those calls and options that lwIP's have too. */
#include "platform/stack.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

int tg_stack_start(struct tg_why *why)
{
	(void)why;
	return 0;
}

/* None of these is needed for the bytes to flow: a stack may lack each of them. */
static void set_options(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, CONFIG_TG_NET_KEEPALIVE_IDLE_SECONDS },
		{ IPPROTO_TCP, TCP_KEEPINTVL, CONFIG_TG_NET_KEEPALIVE_INTERVAL_SECONDS },
		{ IPPROTO_TCP, TCP_KEEPCNT, CONFIG_TG_NET_KEEPALIVE_PROBES },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, CONFIG_TG_NET_USER_TIMEOUT_SECONDS * 1000 },
	};
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		(void)setsockopt(fd, options[i].level, options[i].name, &options[i].value,
				 sizeof(options[i].value));
}

static int open_socket(int family)
{
	int fd = socket(family, SOCK_STREAM, 0);

	if (fd < 0)
		return -1;
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
		int failed = errno;
		(void)close(fd);
		errno = failed;
		return -1;
	}
	set_options(fd);
	return fd;
}

int tg_stack_dial(const uint8_t address[TG_NET_ADDRESS_BYTES], uint16_t port, int *fd)
{
	struct sockaddr_storage to;
	socklen_t bytes = sizeof(struct sockaddr_in);

	memset(&to, 0, sizeof(to));
	memcpy(&to, address, TG_NET_ADDRESS_BYTES);
	if (to.ss_family == AF_INET6) {
		((struct sockaddr_in6 *)&to)->sin6_port = htons(port);
		bytes = sizeof(struct sockaddr_in6);
	} else {
		((struct sockaddr_in *)&to)->sin_port = htons(port);
	}
	*fd = open_socket(to.ss_family);
	if (*fd < 0)
		return errno;
	if (connect(*fd, (struct sockaddr *)&to, bytes) == 0 || errno == EINPROGRESS)
		return 0;
	int failed = errno;
	tg_stack_close(*fd);
	*fd = -1;
	return failed;
}

int tg_stack_dialled(int fd)
{
	struct pollfd watch = { .fd = fd, .events = POLLOUT };
	int error = 0;
	socklen_t bytes = sizeof(error);

	if (poll(&watch, 1, 0) <= 0)
		return EINPROGRESS;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) == 0 ? error : errno;
}

static int errno_to_err(void)
{
	return errno == EAGAIN || errno == EINTR ? TG_ERR_AGAIN : TG_ERR_RESET;
}

int tg_stack_recv(int fd, uint8_t *at, size_t cap)
{
	ssize_t got = recv(fd, at, cap > INT32_MAX ? INT32_MAX : cap, 0);

	if (got < 0)
		return errno_to_err();
	return got == 0 ? TG_ERR_CLOSED : (int)got;
}

int tg_stack_send(int fd, const uint8_t *at, size_t bytes)
{
	ssize_t put = send(fd, at, bytes > INT32_MAX ? INT32_MAX : bytes, MSG_NOSIGNAL);

	if (put < 0)
		return errno_to_err();
	return put == 0 ? TG_ERR_AGAIN : (int)put;
}

void tg_stack_close(int fd)
{
	(void)close(fd);
}
