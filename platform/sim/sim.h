/* sim.h - clock, network and randomness answered from a seed: a world that can be repeated.
 *
 *      program under test --tg_net--> connection --> peer (callbacks of the test)
 *                            ^ pieces, delays, cuts, refusals: all drawn from the seed
 *
 * platform/sim takes the place of platform/posix at link time. The clock stands still while code
 * runs and moves only when tg_loop_wait() waits (a turn costs up to a millisecond), so that weeks
 * pass in seconds. Files are real ones. TLS is the real mbedTLS over the simulated net; the peers
 * here speak plainly, so tests of the simulated ring dial without it.
 *
 * Owns:    the world, one a process.
 * Memory:  static, TG_SIM_CONNECTIONS_MAX times 1.3 MiB; nothing is allocated.
 */
#ifndef TG_PLATFORM_SIM_SIM_H
#define TG_PLATFORM_SIM_SIM_H

#include "platform/err.h"

enum { TG_SIM_CONNECTIONS_MAX = 8, TG_SIM_LISTENERS_MAX = 8 };

/* How hostile the network is. Chances are in thousandths of a connection; all zero: a good one. */
struct tg_sim_faults {
	uint32_t delay_ms_max;      /* each piece comes after 0 ... this many milliseconds        */
	uint32_t piece_bytes_max;   /* recv and send move 1 ... this many bytes; 0: all there is  */
	uint32_t refuse_chance;     /* the connection is refused                                  */
	uint32_t unanswered_chance; /* the dial is never answered                                */
	uint32_t cut_chance;        /* the connection breaks after some bytes                     */
	uint32_t stall_chance;      /* after some bytes nothing arrives any more, either way      */
	uint32_t fault_bytes_max;   /* ... 0 to this many bytes, counted in both directions       */
};

/* Begins a new world: no listener, no connection, 2026-01-01T00:00:00Z on the wall. */
void tg_sim_start(uint64_t seed, const struct tg_sim_faults *faults);
/* Asserts that the program has closed all its connections. */
void tg_sim_stop(void);
/* From now on, for connections not yet dialled. */
void tg_sim_set_faults(const struct tg_sim_faults *faults);
/* A draw below `limit` (1 or more), for the test's own decisions. */
uint64_t tg_sim_draw(uint64_t limit);
/* tg_loop_wait() returns TG_ERR_STOPPED from the moment `mono_ms` on, as after a SIGTERM; an
 * earlier stop is lifted: the program is started again. */
void tg_sim_stop_at(uint64_t mono_ms);
/* Sets the wall clock by this much, as an operator or NTP would. */
void tg_sim_jump_wall(int64_t by_ms);

struct tg_sim_conn;

/* A server. The callbacks are called from within tg_loop_wait() and tg_net_close(). */
struct tg_sim_peer {
	void *context;
	/* What it returns is `session` in the other calls. */
	void *(*on_open)(void *context, struct tg_sim_conn *conn);
	/* Bytes arrived; they are gone afterwards. */
	void (*on_bytes)(void *session, struct tg_sim_conn *conn, struct tg_view bytes);
	/* All that was sent before has been received; may be NULL. */
	void (*on_room)(void *session, struct tg_sim_conn *conn);
	/* The connection is over, by whichever side. */
	void (*on_close)(void *session, struct tg_sim_conn *conn);
};

/* `host` resolves, and `port` there is answered by `peer`, which must outlive the world. */
void tg_sim_listen(const char *host, uint16_t port, const struct tg_sim_peer *peer);
/* Nothing answers there any more (connections stay). */
void tg_sim_deafen(const char *host, uint16_t port);

/* For the peer: queues bytes (at most tg_sim_room()) towards the program. */
void tg_sim_send(struct tg_sim_conn *conn, struct tg_view bytes);
size_t tg_sim_room(const struct tg_sim_conn *conn);
/* Ends the connection behind what was sent; resets it at once. */
void tg_sim_end(struct tg_sim_conn *conn);
void tg_sim_reset(struct tg_sim_conn *conn);

/* How many connections were opened and cut since the start: a test can prove that faults came. */
struct tg_sim_counts {
	unsigned dialled, opened, refused, cut, stalled;
};
struct tg_sim_counts tg_sim_counts(void);

#endif
