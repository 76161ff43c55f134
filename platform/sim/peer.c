#include "platform/assert.h"
#include "platform/loop.h"
#include "platform/sim/world.h"

#include <stdio.h>

void tg_sim_listen(const char *host, uint16_t port, const struct tg_sim_peer *peer)
{
	tg_sim_deafen(host, port);
	for (unsigned i = 0; i < sim_world.listener_count; i++) {
		if (sim_world.listeners[i].port == port &&
		    strcmp(sim_world.listeners[i].host, host) == 0) {
			sim_world.listeners[i].peer = peer;
			return;
		}
	}
	TG_ASSERT(sim_world.listener_count < TG_SIM_LISTENERS_MAX);
	unsigned at = sim_world.listener_count++;
	snprintf(sim_world.listeners[at].host, TG_NET_HOST_BYTES_MAX, "%s", host);
	sim_world.listeners[at].port = port;
	sim_world.listeners[at].peer = peer;
}

void tg_sim_deafen(const char *host, uint16_t port)
{
	for (unsigned i = 0; i < sim_world.listener_count; i++) {
		if (sim_world.listeners[i].port == port &&
		    strcmp(sim_world.listeners[i].host, host) == 0)
			sim_world.listeners[i].peer = NULL;
	}
}

void tg_sim_send(struct tg_sim_conn *conn, struct tg_view bytes)
{
	TG_ASSERT(!conn->ended);
	conn->starved = true;
	if (conn->open)
		sim_way_send(&conn->to_program, bytes.at, bytes.bytes);
}

size_t tg_sim_room(const struct tg_sim_conn *conn)
{
	return sim_way_room(&conn->to_program);
}

void tg_sim_end(struct tg_sim_conn *conn)
{
	conn->ended = true;
}

void tg_sim_reset(struct tg_sim_conn *conn)
{
	sim_break(conn);
}

void sim_break(struct tg_sim_conn *conn)
{
	conn->broken = true;
	if (!conn->open)
		return;
	conn->open = false;
	conn->peer->on_close(conn->session, conn);
}

static void pump_bytes(struct tg_sim_conn *conn)
{
	while (conn->open && sim_way_arrive(&conn->to_peer) > 0) {
		struct tg_view bytes = sim_way_view(&conn->to_peer);
		conn->peer->on_bytes(conn->session, conn, bytes);
		conn->to_peer.taken += bytes.bytes;
	}
	(void)sim_way_arrive(&conn->to_program);
	if (conn->open && conn->starved && conn->to_program.taken == conn->to_program.sent &&
	    !conn->ended && conn->peer->on_room != NULL) {
		conn->starved = false;
		conn->peer->on_room(conn->session, conn);
	}
}

static void pump_dial(struct tg_sim_conn *conn)
{
	if (conn->dial_err != 0 || sim_world.now.mono_ms < conn->dialled_ms)
		return;
	conn->open = true;
	sim_world.counts.opened++;
	conn->session = conn->peer->on_open(conn->peer->context, conn);
}

void sim_pump(void)
{
	for (size_t i = 0; i < TG_SIM_CONNECTIONS_MAX; i++) {
		struct tg_sim_conn *conn = &sim_world.conns[i];
		if (!conn->taken || conn->broken)
			continue;
		if (!conn->open)
			pump_dial(conn);
		if (conn->open && !conn->stalled)
			pump_bytes(conn);
	}
}

static uint64_t conn_next_ms(const struct tg_sim_conn *conn)
{
	uint64_t peer_ms = sim_way_next_ms(&conn->to_peer);
	uint64_t program_ms = sim_way_next_ms(&conn->to_program);

	if (!conn->taken || conn->broken || conn->stalled)
		return UINT64_MAX;
	if (!conn->open)
		return conn->dial_err == TG_ERR_TIMEOUT ? UINT64_MAX : conn->dialled_ms;
	return peer_ms < program_ms ? peer_ms : program_ms;
}

uint64_t sim_next_ms(void)
{
	uint64_t next_ms = UINT64_MAX;

	for (size_t i = 0; i < TG_SIM_CONNECTIONS_MAX; i++) {
		uint64_t conn_ms = conn_next_ms(&sim_world.conns[i]);
		if (conn_ms > sim_world.now.mono_ms && conn_ms < next_ms)
			next_ms = conn_ms;
	}
	return next_ms;
}

bool sim_ready(int fd, unsigned events)
{
	TG_ASSERT(fd >= SIM_FD_FIRST && fd < SIM_FD_FIRST + TG_SIM_CONNECTIONS_MAX);
	struct tg_sim_conn *conn = &sim_world.conns[fd - SIM_FD_FIRST];

	TG_ASSERT(conn->taken);
	if (conn->broken)
		return true;
	if (!conn->open) /* as poll() tells the end of a dial: writable */
		return conn->dial_err != TG_ERR_TIMEOUT &&
		       sim_world.now.mono_ms >= conn->dialled_ms;
	if (conn->stalled)
		return false;
	if (events & TG_WANT_WRITE && sim_way_room(&conn->to_peer) > 0)
		return true;
	return events & TG_WANT_READ && (conn->to_program.arrived > conn->to_program.taken ||
					 (conn->ended && conn->to_program.count == 0));
}
