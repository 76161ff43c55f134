/* lwIP's sockets. They are closed to the kernel's calls, and the kernel's headers to this file. */
#include "platform/lwip/names.h"

#include <lwip/sockets.h>

void tg_lwip_address(const ip_addr_t *from, uint8_t to[TG_NET_ADDRESS_BYTES])
{
	struct sockaddr_in6 six = { .sin6_len = sizeof(six), .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_len = sizeof(four), .sin_family = AF_INET };

	_Static_assert(sizeof(six) <= TG_NET_ADDRESS_BYTES, "an IPv6 address must fit");
	memset(to, 0, TG_NET_ADDRESS_BYTES);
	if (IP_IS_V6(from)) {
		inet6_addr_from_ip6addr(&six.sin6_addr, ip_2_ip6(from));
		memcpy(to, &six, sizeof(six));
	} else {
		inet_addr_from_ip4addr(&four.sin_addr, ip_2_ip4(from));
		memcpy(to, &four, sizeof(four));
	}
}

/* None of these is needed for the bytes to flow. lwIP has no TCP_USER_TIMEOUT: lwipopts.h has its
 * like. */
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
	};
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		(void)lwip_setsockopt(fd, options[i].level, options[i].name, &options[i].value,
				      sizeof(options[i].value));
}

/* lwIP hears a refusal as a reset, and says of a peer that never answered that it gave up. */
static int dial_errno(int error)
{
	if (error == ECONNRESET)
		return ECONNREFUSED;
	return error == ECONNABORTED ? ETIMEDOUT : error;
}

int tg_stack_dial(const uint8_t address[TG_NET_ADDRESS_BYTES], uint16_t port, int *fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
		uint8_t bytes[TG_NET_ADDRESS_BYTES];
	} to;

	memcpy(to.bytes, address, TG_NET_ADDRESS_BYTES);
	if (to.any.sa_family == AF_INET6)
		to.six.sin6_port = lwip_htons(port);
	else
		to.four.sin_port = lwip_htons(port);
	*fd = lwip_socket(to.any.sa_family, SOCK_STREAM, 0);
	if (*fd < 0)
		return errno;
	set_options(*fd);
	if (lwip_fcntl(*fd, F_SETFL, O_NONBLOCK) == 0 &&
	    (lwip_connect(*fd, &to.any, to.any.sa_len) == 0 || errno == EINPROGRESS))
		return 0;
	int failed = errno;
	tg_stack_close(*fd);
	*fd = -1;
	return dial_errno(failed);
}

int tg_stack_dialled(int fd)
{
	struct pollfd watch = { .fd = fd, .events = POLLOUT };
	int error = 0;
	socklen_t bytes = sizeof(error);

	if (lwip_poll(&watch, 1, 0) <= 0)
		return EINPROGRESS;
	if (lwip_getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) != 0)
		return errno;
	return dial_errno(error);
}

static int errno_to_err(void)
{
	return errno == EWOULDBLOCK ? TG_ERR_AGAIN : TG_ERR_RESET;
}

int tg_stack_recv(int fd, uint8_t *at, size_t cap)
{
	ssize_t got = lwip_recv(fd, at, cap > INT32_MAX ? INT32_MAX : cap, 0);

	if (got < 0)
		return errno_to_err();
	return got == 0 ? TG_ERR_CLOSED : (int)got;
}

int tg_stack_send(int fd, const uint8_t *at, size_t bytes)
{
	ssize_t put = lwip_send(fd, at, bytes > INT32_MAX ? INT32_MAX : bytes, 0);

	if (put < 0)
		return errno_to_err();
	return put == 0 ? TG_ERR_AGAIN : (int)put;
}

void tg_stack_close(int fd)
{
	(void)lwip_close(fd);
}
