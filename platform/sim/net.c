#include "platform/net.h"

#include "platform/assert.h"
#include "platform/loop.h"
#include "platform/sim/world.h"

#include <stdio.h>

enum { NET_CLOSED, NET_DIAL, NET_OPEN };

static struct tg_sim_conn *conn_of(const struct tg_net *net)
{
	TG_ASSERT(net->fd_ >= SIM_FD_FIRST && net->fd_ < SIM_FD_FIRST + TG_SIM_CONNECTIONS_MAX);
	return &sim_world.conns[net->fd_ - SIM_FD_FIRST];
}

void tg_net_none(struct tg_net *net)
{
	memset(net, 0, sizeof(*net));
	net->fd_ = -1;
	net->answer_ = -1;
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
	snprintf(net->host_, sizeof(net->host_), "%s", host);
	net->port_ = port;
}

/* What this dial will come to. */
static int fate(const struct tg_net *net, const struct tg_sim_peer **peer)
{
	bool known = false;

	*peer = NULL;
	for (unsigned i = 0; i < sim_world.listener_count; i++) {
		if (strcmp(sim_world.listeners[i].host, net->host_) != 0)
			continue;
		known = true;
		if (sim_world.listeners[i].port == net->port_)
			*peer = sim_world.listeners[i].peer;
	}
	if (!known)
		return TG_ERR_RESOLVE;
	if (sim_chance(sim_world.faults.unanswered_chance))
		return TG_ERR_TIMEOUT;
	if (*peer == NULL || sim_chance(sim_world.faults.refuse_chance))
		return TG_ERR_CONNECT;
	return 0;
}

static struct tg_sim_conn *take_slot(struct tg_net *net)
{
	for (int i = 0; i < TG_SIM_CONNECTIONS_MAX; i++) {
		if (sim_world.conns[i].taken)
			continue;
		net->fd_ = SIM_FD_FIRST + i;
		return &sim_world.conns[i];
	}
	return NULL;
}

static void reset_way(struct sim_way *way)
{
	way->taken = way->arrived = way->sent = 0;
	way->first = way->count = 0;
}

static void begin(struct tg_sim_conn *conn, const struct tg_net *net)
{
	const struct tg_sim_faults *faults = &sim_world.faults;

	TG_ASSERT(conn != NULL); /* raise TG_SIM_CONNECTIONS_MAX */
	reset_way(&conn->to_peer);
	reset_way(&conn->to_program);
	conn->taken = true;
	conn->open = conn->broken = conn->ended = conn->stalled = conn->starved = false;
	conn->dial_err = fate(net, &conn->peer);
	conn->dialled_ms = sim_world.now.mono_ms + tg_sim_draw(faults->delay_ms_max + 1u);
	conn->stalls = sim_chance(faults->stall_chance);
	conn->fault_bytes = UINT64_MAX;
	if (conn->stalls || sim_chance(faults->cut_chance))
		conn->fault_bytes = tg_sim_draw((uint64_t)faults->fault_bytes_max + 1);
	sim_world.counts.dialled++;
}

int tg_net_open(struct tg_net *net, const struct tg_net_target *target, const struct tg_now *now,
		struct tg_why *why)
{
	size_t bytes = strlen(target->host);

	tg_net_none(net);
	if (bytes == 0 || bytes >= sizeof(net->host_))
		return tg_why_set(why, TG_ERR_CONFIG, "no usable host is given: set `host`");
	snprintf(net->host_, sizeof(net->host_), "%s", target->host);
	net->port_ = target->port;
	net->span_ms_ = target->deadline_ms;
	net->deadline_ms_ = now->mono_ms + target->deadline_ms;
	begin(take_slot(net), net);
	net->state_ = NET_DIAL;
	return 0;
}

static int explain(const struct tg_net *net, int err, struct tg_why *why)
{
	unsigned port = net->port_;

	if (err == TG_ERR_RESOLVE)
		return tg_why_set(why, err, "no address for \"%s\"", net->host_);
	if (err == TG_ERR_TIMEOUT)
		return tg_why_set(why, err, "%s port %u did not answer within %u ms", net->host_,
				  port, (unsigned)net->span_ms_);
	sim_world.counts.refused++;
	return tg_why_set(why, err, "%s refused the connection to port %u", net->host_, port);
}

int tg_net_step(struct tg_net *net, const struct tg_now *now, struct tg_why *why)
{
	struct tg_sim_conn *conn = conn_of(net);

	TG_ASSERT(net->state_ != NET_CLOSED);
	if (conn->open || conn->broken)
		net->state_ = NET_OPEN;
	if (net->state_ == NET_OPEN)
		return 0;
	bool due = now->mono_ms >= conn->dialled_ms;
	if (conn->dial_err != 0 && conn->dial_err != TG_ERR_TIMEOUT && due)
		return explain(net, conn->dial_err, why);
	if (now->mono_ms >= net->deadline_ms_)
		return explain(net, TG_ERR_TIMEOUT, why);
	return TG_ERR_AGAIN;
}

/* Bytes moved use up what is left until the cut or the stall. False: it has come. */
static bool spend(struct tg_sim_conn *conn, uint64_t bytes)
{
	if (conn->fault_bytes == UINT64_MAX)
		return true;
	if (conn->fault_bytes >= bytes) {
		conn->fault_bytes -= bytes;
		return true;
	}
	conn->fault_bytes = 0;
	if (conn->stalls && !conn->stalled) {
		conn->stalled = true;
		sim_world.counts.stalled++;
	}
	if (!conn->stalls) {
		sim_world.counts.cut++;
		sim_break(conn);
	}
	return false;
}

/* How much of `bytes` moves at once: a drawn piece, and nothing beyond the cut or the stall. */
static size_t piece(const struct tg_sim_conn *conn, size_t bytes)
{
	size_t most = sim_world.faults.piece_bytes_max;
	size_t drawn = most == 0 ? bytes : 1 + (size_t)tg_sim_draw(most);

	if (drawn > bytes)
		drawn = bytes;
	if (drawn > conn->fault_bytes && conn->fault_bytes > 0)
		drawn = (size_t)conn->fault_bytes;
	return drawn;
}

int tg_net_recv(struct tg_net *net, uint8_t *at, size_t cap)
{
	struct tg_sim_conn *conn = conn_of(net);

	TG_ASSERT(net->state_ == NET_OPEN && cap > 0);
	if (conn->broken)
		return TG_ERR_RESET;
	if (conn->stalled)
		return TG_ERR_AGAIN;
	if (sim_way_arrive(&conn->to_program) == 0)
		return conn->ended && conn->to_program.count == 0 ? TG_ERR_CLOSED : TG_ERR_AGAIN;
	struct tg_view view = sim_way_view(&conn->to_program);
	size_t bytes = piece(conn, view.bytes < cap ? view.bytes : cap);
	if (!spend(conn, bytes))
		return conn->broken ? TG_ERR_RESET : TG_ERR_AGAIN;
	memcpy(at, view.at, bytes);
	conn->to_program.taken += bytes;
	return (int)bytes;
}

int tg_net_send(struct tg_net *net, const uint8_t *at, size_t bytes)
{
	struct tg_sim_conn *conn = conn_of(net);

	TG_ASSERT(net->state_ == NET_OPEN && bytes > 0);
	if (conn->broken)
		return TG_ERR_RESET;
	size_t room = sim_way_room(&conn->to_peer);
	if (room == 0 || conn->stalled)
		return TG_ERR_AGAIN;
	size_t part = piece(conn, bytes < room ? bytes : room);
	if (!spend(conn, part))
		return conn->broken ? TG_ERR_RESET : TG_ERR_AGAIN;
	sim_way_send(&conn->to_peer, at, part);
	return (int)part;
}

void tg_net_want(const struct tg_net *net, struct tg_wants *wants, unsigned events)
{
	if (net->state_ == NET_CLOSED)
		return;
	if (net->state_ == NET_DIAL) {
		events = TG_WANT_WRITE;
		tg_wants_at(wants, net->deadline_ms_);
	}
	tg_wants_fd(wants, net->fd_, events);
}

/* A request that is under way when its sender dies may still arrive, or not. */
static void deliver_last_bytes(struct tg_sim_conn *conn)
{
	if (conn->stalled || tg_sim_draw(2) == 0)
		return;
	conn->to_peer.arrived = conn->to_peer.sent;
	while (conn->open && conn->to_peer.taken < conn->to_peer.arrived) {
		struct tg_view bytes = sim_way_view(&conn->to_peer);
		conn->peer->on_bytes(conn->session, conn, bytes);
		conn->to_peer.taken += bytes.bytes;
	}
}

void tg_net_close(struct tg_net *net)
{
	net->state_ = NET_CLOSED;
	if (net->fd_ < 0)
		return;
	struct tg_sim_conn *conn = conn_of(net);
	if (conn->open)
		deliver_last_bytes(conn);
	sim_break(conn);
	conn->taken = false;
	net->fd_ = -1;
}
