#include "platform/net.h"

#include "platform/assert.h"
#include "platform/loop.h"
#include "platform/posix/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* CLOSED -> RESOLVE -> CONNECT -> OPEN; a numeric address starts at CONNECT. */
enum { NET_CLOSED, NET_RESOLVE, NET_CONNECT, NET_OPEN };

void tg_net_none(struct tg_net *net)
{
	memset(net, 0, sizeof(*net));
	net->fd_ = -1;
	net->pipe_ = -1;
}

static int take_host(struct tg_net *net, const char *host, struct tg_why *why)
{
	size_t bytes = strlen(host);

	if (bytes >= 2 && host[0] == '[' && host[bytes - 1] == ']') {
		host++;
		bytes -= 2;
	}
	if (bytes == 0)
		return tg_why_set(why, TG_ERR_CONFIG, "no host is given: set `host`");
	if (bytes >= sizeof(net->host_))
		return tg_why_set(why, TG_ERR_CONFIG,
				  "the host name has %zu bytes, %zu are allowed", bytes,
				  sizeof(net->host_) - 1);
	memcpy(net->host_, host, bytes);
	net->host_[bytes] = '\0';
	return 0;
}

int tg_net_open(struct tg_net *net, const struct tg_net_target *target, const struct tg_now *now,
		struct tg_why *why)
{
	tg_net_none(net);
	int err = take_host(net, target->host, why);
	if (err != 0)
		return err;
	net->port_ = target->port;
	net->span_ms_ = target->deadline_ms;
	net->deadline_ms_ = now->mono_ms + target->deadline_ms;
	net->state_ = NET_CONNECT;
	if (tg_resolve_numeric(net))
		return 0;
	net->state_ = NET_RESOLVE;
	return tg_resolve_start(net, why);
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
		(void)close(fd);
		return -1;
	}
	set_options(fd);
	return fd;
}

static void drop_socket(struct tg_net *net)
{
	if (net->fd_ >= 0)
		(void)close(net->fd_);
	net->fd_ = -1;
}

/* Starts on the next address. False when this one failed at once (net->errno_ says how). */
static bool dial_next(struct tg_net *net, const struct tg_now *now)
{
	struct sockaddr_storage address;
	unsigned left = net->count_ - net->next_;

	memset(&address, 0, sizeof(address));
	memcpy(&address, net->addresses_[net->next_++], TG_NET_ADDRESS_BYTES);
	if (address.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&address)->sin6_port = htons(net->port_);
	else
		((struct sockaddr_in *)&address)->sin_port = htons(net->port_);
	net->address_deadline_ms_ = now->mono_ms + (net->deadline_ms_ - now->mono_ms) / left;
	net->fd_ = open_socket(address.ss_family);
	net->errno_ = errno;
	if (net->fd_ < 0)
		return false;
	socklen_t bytes = address.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
							: sizeof(struct sockaddr_in);
	if (connect(net->fd_, (struct sockaddr *)&address, bytes) == 0 || errno == EINPROGRESS)
		return true;
	net->errno_ = errno;
	drop_socket(net);
	return false;
}

/* 0 connected, TG_ERR_AGAIN, or TG_ERR_CONNECT with net->errno_ set. */
static int look_at_socket(struct tg_net *net, const struct tg_now *now)
{
	struct pollfd watch = { .fd = net->fd_, .events = POLLOUT };
	int error = 0;
	socklen_t bytes = sizeof(error);

	if (poll(&watch, 1, 0) <= 0) {
		if (now->mono_ms < net->address_deadline_ms_)
			return TG_ERR_AGAIN;
		error = ETIMEDOUT;
	} else if (getsockopt(net->fd_, SOL_SOCKET, SO_ERROR, &error, &bytes) != 0) {
		error = errno;
	}
	if (error == 0)
		return 0;
	net->errno_ = error;
	drop_socket(net);
	return TG_ERR_CONNECT;
}

static int explain(const struct tg_net *net, struct tg_why *why)
{
	unsigned port = net->port_;

	if (net->errno_ == ETIMEDOUT)
		return tg_why_set(
			why, TG_ERR_TIMEOUT,
			"%s port %u did not answer within %u ms: is the machine up, and does "
			"a firewall drop the packets?",
			net->host_, port, (unsigned)net->span_ms_);
	if (net->errno_ == ECONNREFUSED)
		return tg_why_set(
			why, TG_ERR_CONNECT,
			"%s refused the connection to port %u: is the server running, and is "
			"this its port?",
			net->host_, port);
	return tg_why_set(why, TG_ERR_CONNECT, "no connection to %s port %u: %s: check the network",
			  net->host_, port, strerror(net->errno_));
}

static int connect_step(struct tg_net *net, const struct tg_now *now, struct tg_why *why)
{
	if (net->fd_ >= 0) {
		int err = look_at_socket(net, now);
		if (err == 0)
			net->state_ = NET_OPEN;
		if (err == 0 || err == TG_ERR_AGAIN)
			return err;
	}
	while (net->next_ < net->count_ && now->mono_ms < net->deadline_ms_) {
		if (dial_next(net, now))
			return TG_ERR_AGAIN;
	}
	if (net->errno_ == 0)
		net->errno_ = ETIMEDOUT;
	return explain(net, why);
}

static int resolve_step(struct tg_net *net, const struct tg_now *now, struct tg_why *why)
{
	int err = tg_resolve_step(net, why);

	if (err == TG_ERR_AGAIN && now->mono_ms >= net->deadline_ms_) {
		tg_resolve_stop(net);
		return tg_why_set(
			why, TG_ERR_TIMEOUT,
			"no name server answered for \"%s\" within %u ms: check the link and "
			"/etc/resolv.conf",
			net->host_, (unsigned)net->span_ms_);
	}
	if (err == 0)
		net->state_ = NET_CONNECT;
	return err;
}

int tg_net_step(struct tg_net *net, const struct tg_now *now, struct tg_why *why)
{
	TG_ASSERT(net->state_ != NET_CLOSED);
	if (net->state_ == NET_RESOLVE) {
		int err = resolve_step(net, now, why);
		if (err != 0)
			return err;
	}
	return net->state_ == NET_OPEN ? 0 : connect_step(net, now, why);
}

const char *tg_net_host(const struct tg_net *net)
{
	return net->host_;
}

uint16_t tg_net_port(const struct tg_net *net)
{
	return net->port_;
}

void tg_net_rename(struct tg_net *net, const char *host, uint16_t port)
{
	int err = take_host(net, host, NULL);

	TG_ASSERT(err == 0);
	net->port_ = port;
}

static int errno_to_err(void)
{
	return errno == EAGAIN || errno == EINTR ? TG_ERR_AGAIN : TG_ERR_RESET;
}

int tg_net_recv(struct tg_net *net, uint8_t *at, size_t cap)
{
	TG_ASSERT(net->state_ == NET_OPEN && cap > 0);
	ssize_t got = recv(net->fd_, at, cap > INT32_MAX ? INT32_MAX : cap, 0);
	if (got < 0)
		return errno_to_err();
	return got == 0 ? TG_ERR_CLOSED : (int)got;
}

int tg_net_send(struct tg_net *net, const uint8_t *at, size_t bytes)
{
	TG_ASSERT(net->state_ == NET_OPEN && bytes > 0);
	ssize_t put = send(net->fd_, at, bytes > INT32_MAX ? INT32_MAX : bytes, MSG_NOSIGNAL);
	if (put < 0)
		return errno_to_err();
	return put == 0 ? TG_ERR_AGAIN : (int)put;
}

void tg_net_want(const struct tg_net *net, struct tg_wants *wants, unsigned events)
{
	switch (net->state_) {
	case NET_RESOLVE:
		tg_wants_fd(wants, net->pipe_, TG_WANT_READ);
		tg_wants_at(wants, net->deadline_ms_);
		break;
	case NET_CONNECT:
		if (net->fd_ < 0) {
			tg_wants_at(wants, 0);
			break;
		}
		tg_wants_fd(wants, net->fd_, TG_WANT_WRITE);
		tg_wants_at(wants, net->address_deadline_ms_);
		break;
	case NET_OPEN:
		tg_wants_fd(wants, net->fd_, events);
		break;
	default:
		break;
	}
}

void tg_net_close(struct tg_net *net)
{
	tg_resolve_stop(net);
	drop_socket(net);
	net->state_ = NET_CLOSED;
}
