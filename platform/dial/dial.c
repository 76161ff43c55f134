#include "platform/net.h"

#include "platform/assert.h"
#include "platform/loop.h"
#include "platform/stack.h"

#include <errno.h>

/* CLOSED -> RESOLVE -> CONNECT -> OPEN; a numeric address starts at CONNECT. */
enum { NET_CLOSED, NET_RESOLVE, NET_CONNECT, NET_OPEN };

void tg_net_none(struct tg_net *net)
{
	memset(net, 0, sizeof(*net));
	net->fd_ = -1;
	net->answer_ = -1;
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
	if (err == 0)
		err = tg_stack_start(why);
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

static void drop_socket(struct tg_net *net)
{
	if (net->fd_ >= 0)
		tg_stack_close(net->fd_);
	net->fd_ = -1;
}

/* Starts on the next address. False when this one failed at once (net->errno_ says how). */
static bool dial_next(struct tg_net *net, const struct tg_now *now)
{
	unsigned left = net->count_ - net->next_;

	net->address_deadline_ms_ = now->mono_ms + (net->deadline_ms_ - now->mono_ms) / left;
	net->errno_ = tg_stack_dial(net->addresses_[net->next_++], net->port_, &net->fd_);
	return net->errno_ == 0;
}

/* 0 connected, TG_ERR_AGAIN, or TG_ERR_CONNECT with net->errno_ set. */
static int look_at_socket(struct tg_net *net, const struct tg_now *now)
{
	int error = tg_stack_dialled(net->fd_);

	if (error == 0)
		return 0;
	if (error == EINPROGRESS && now->mono_ms < net->address_deadline_ms_)
		return TG_ERR_AGAIN;
	net->errno_ = error == EINPROGRESS ? ETIMEDOUT : error;
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
			"no name server answered for \"%s\" within %u ms: check the link and %s",
			net->host_, (unsigned)net->span_ms_, tg_resolve_place);
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

int tg_net_recv(struct tg_net *net, uint8_t *at, size_t cap)
{
	TG_ASSERT(net->state_ == NET_OPEN && cap > 0);
	return tg_stack_recv(net->fd_, at, cap);
}

int tg_net_send(struct tg_net *net, const uint8_t *at, size_t bytes)
{
	TG_ASSERT(net->state_ == NET_OPEN && bytes > 0);
	return tg_stack_send(net->fd_, at, bytes);
}

void tg_net_want(const struct tg_net *net, struct tg_wants *wants, unsigned events)
{
	switch (net->state_) {
	case NET_RESOLVE:
		tg_resolve_want(net, wants);
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
