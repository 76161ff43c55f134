/* world.h - the simulated world's state, shared by the files of platform/sim. */
#ifndef TG_PLATFORM_SIM_WORLD_H
#define TG_PLATFORM_SIM_WORLD_H

#include "platform/clock.h"
#include "platform/net.h"
#include "platform/sim/sim.h"

enum { SIM_TO_PROGRAM_BYTES = 1 << 20, SIM_TO_PEER_BYTES = 1 << 18, SIM_PIECES_MAX = 64 };
enum { SIM_FD_FIRST = 1000 }; /* so that a simulated descriptor is no real one by accident */

/* Bytes on their way in one direction. Offsets count from the connection's start:
 *
 *      taken ......... arrived ............. sent
 *            readable          under way: each piece has the moment at which it arrives
 */
struct sim_way {
	uint8_t *ring;
	size_t ring_bytes;
	uint64_t taken, arrived, sent;
	struct {
		uint64_t at_ms, end;
	} pieces[SIM_PIECES_MAX];
	unsigned first, count;
};

struct tg_sim_conn {
	bool taken;  /* the program holds it                       */
	bool open;   /* the peer has it                            */
	bool broken; /* reset: what was under way is lost          */
	bool ended;  /* the peer sends nothing more                */
	bool stalls, stalled;
	bool starved; /* on_room is owed once all was received      */
	int dial_err; /* what the dial comes to, 0: an open connection */
	uint64_t dialled_ms, deadline_ms;
	uint64_t fault_bytes; /* left until the cut or the stall; UINT64_MAX: never */
	const struct tg_sim_peer *peer;
	void *session;
	struct sim_way to_peer, to_program;
};

struct sim_world {
	uint64_t seed_state, random_state;
	struct tg_now now;
	uint64_t stop_at_ms;
	bool stopped;
	struct tg_sim_faults faults;
	struct tg_sim_counts counts;
	struct {
		char host[TG_NET_HOST_BYTES_MAX];
		uint16_t port;
		const struct tg_sim_peer *peer; /* NULL: deaf */
	} listeners[TG_SIM_LISTENERS_MAX];
	unsigned listener_count;
	struct tg_sim_conn conns[TG_SIM_CONNECTIONS_MAX];
};

extern struct sim_world sim_world;

uint64_t sim_next(uint64_t *state);
bool sim_chance(uint32_t thousandths);

/* Brings about all that is due by now: dials, arrivals, callbacks. */
void sim_pump(void);
/* The next moment at which sim_pump() has something to do; UINT64_MAX: never. */
uint64_t sim_next_ms(void);
bool sim_ready(int fd, unsigned events);
/* Breaks the connection for both sides. */
void sim_break(struct tg_sim_conn *conn);

void sim_way_send(struct sim_way *way, const uint8_t *at, size_t bytes);
size_t sim_way_room(const struct sim_way *way);
/* Moves what is due from under way to readable; returns the readable bytes. */
size_t sim_way_arrive(struct sim_way *way);
/* The readable bytes up to the ring's end. */
struct tg_view sim_way_view(const struct sim_way *way);
uint64_t sim_way_next_ms(const struct sim_way *way);

#endif
