#include "platform/sim/world.h"

#include "platform/assert.h"
#include "platform/crypto.h"
#include "platform/loop.h"

struct sim_world sim_world;

static uint8_t to_program[TG_SIM_CONNECTIONS_MAX][SIM_TO_PROGRAM_BYTES];
static uint8_t to_peer[TG_SIM_CONNECTIONS_MAX][SIM_TO_PEER_BYTES];

/* SplitMix64 (Steele, Lea, Flood 2014): one state word, good from any seed. */
uint64_t sim_next(uint64_t *state)
{
	uint64_t word = *state += 0x9e3779b97f4a7c15u;

	word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9u;
	word = (word ^ word >> 27) * 0x94d049bb133111ebu;
	return word ^ word >> 31;
}

uint64_t tg_sim_draw(uint64_t limit)
{
	TG_ASSERT(limit > 0);
	return sim_next(&sim_world.seed_state) % limit;
}

bool sim_chance(uint32_t thousandths)
{
	return thousandths > 0 && tg_sim_draw(1000) < thousandths;
}

/* A stream of its own: keys and nonces do not shift the network's draws. */
void tg_random(void *at, size_t bytes)
{
	uint8_t *to = at;

	for (size_t i = 0; i < bytes; i++)
		to[i] = (uint8_t)sim_next(&sim_world.random_state);
}

void tg_sim_start(uint64_t seed, const struct tg_sim_faults *faults)
{
	memset(&sim_world, 0, sizeof(sim_world));
	sim_world.seed_state = seed;
	sim_world.random_state = seed ^ 0x7469646567617465u;
	sim_world.now.mono_ms = 1000;
	sim_world.now.wall_ms = 1767225600000; /* 2026-01-01T00:00:00Z */
	sim_world.stop_at_ms = UINT64_MAX;
	sim_world.faults = *faults;
	for (size_t i = 0; i < TG_SIM_CONNECTIONS_MAX; i++) {
		sim_world.conns[i].to_program.ring = to_program[i];
		sim_world.conns[i].to_program.ring_bytes = SIM_TO_PROGRAM_BYTES;
		sim_world.conns[i].to_peer.ring = to_peer[i];
		sim_world.conns[i].to_peer.ring_bytes = SIM_TO_PEER_BYTES;
	}
}

void tg_sim_stop(void)
{
	for (size_t i = 0; i < TG_SIM_CONNECTIONS_MAX; i++)
		TG_ASSERT(!sim_world.conns[i].taken);
}

void tg_sim_set_faults(const struct tg_sim_faults *faults)
{
	sim_world.faults = *faults;
}

void tg_sim_stop_at(uint64_t mono_ms)
{
	sim_world.stop_at_ms = mono_ms;
	sim_world.stopped = false;
}

void tg_sim_jump_wall(int64_t by_ms)
{
	sim_world.now.wall_ms += by_ms;
}

struct tg_sim_counts tg_sim_counts(void)
{
	return sim_world.counts;
}

struct tg_now tg_clock_now(void)
{
	return sim_world.now;
}

static void advance_to(uint64_t mono_ms)
{
	if (mono_ms <= sim_world.now.mono_ms)
		return;
	sim_world.now.wall_ms += (int64_t)(mono_ms - sim_world.now.mono_ms);
	sim_world.now.mono_ms = mono_ms;
}

void tg_loop_signals(void)
{
}

bool tg_loop_stopped(void)
{
	if (sim_world.now.mono_ms >= sim_world.stop_at_ms)
		sim_world.stopped = true;
	return sim_world.stopped;
}

static bool any_ready(const struct tg_wants *wants)
{
	for (unsigned i = 0; i < wants->count; i++) {
		if (sim_ready(wants->items[i].fd, wants->items[i].events))
			return true;
	}
	return false;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

int tg_loop_wait(const struct tg_wants *wants, const struct tg_now *now)
{
	(void)now;
	advance_to(sim_world.now.mono_ms + tg_sim_draw(2));
	for (;;) {
		sim_pump();
		if (tg_loop_stopped())
			return TG_ERR_STOPPED;
		if (any_ready(wants) || sim_world.now.mono_ms >= wants->wake_mono_ms)
			return 0;
		uint64_t next_ms =
			least(sim_next_ms(), least(wants->wake_mono_ms, sim_world.stop_at_ms));
		/* Otherwise the program waits for what can never come: a hang in the field. */
		TG_ASSERT(next_ms != UINT64_MAX);
		advance_to(next_ms);
	}
}
