#include "platform/assert.h"
#include "platform/sim/world.h"

size_t sim_way_room(const struct sim_way *way)
{
	return way->ring_bytes - (size_t)(way->sent - way->taken);
}

static void copy_in(struct sim_way *way, const uint8_t *at, size_t bytes)
{
	size_t from = (size_t)(way->sent % way->ring_bytes);
	size_t first = way->ring_bytes - from < bytes ? way->ring_bytes - from : bytes;

	memcpy(way->ring + from, at, first);
	memcpy(way->ring, at + first, bytes - first);
	way->sent += bytes;
}

/* Pieces never overtake each other; when there are too many, the last one grows. */
void sim_way_send(struct sim_way *way, const uint8_t *at, size_t bytes)
{
	uint64_t at_ms = sim_world.now.mono_ms + tg_sim_draw(sim_world.faults.delay_ms_max + 1u);

	TG_ASSERT(bytes <= sim_way_room(way));
	if (bytes == 0)
		return;
	copy_in(way, at, bytes);
	if (way->count > 0) {
		unsigned last = (way->first + way->count - 1) % SIM_PIECES_MAX;
		if (at_ms < way->pieces[last].at_ms)
			at_ms = way->pieces[last].at_ms;
		if (way->count == SIM_PIECES_MAX) {
			way->pieces[last].at_ms = at_ms;
			way->pieces[last].end = way->sent;
			return;
		}
	}
	unsigned next = (way->first + way->count++) % SIM_PIECES_MAX;
	way->pieces[next].at_ms = at_ms;
	way->pieces[next].end = way->sent;
}

size_t sim_way_arrive(struct sim_way *way)
{
	while (way->count > 0 && way->pieces[way->first].at_ms <= sim_world.now.mono_ms) {
		way->arrived = way->pieces[way->first].end;
		way->first = (way->first + 1) % SIM_PIECES_MAX;
		way->count--;
	}
	return (size_t)(way->arrived - way->taken);
}

struct tg_view sim_way_view(const struct sim_way *way)
{
	size_t from = (size_t)(way->taken % way->ring_bytes);
	size_t bytes = (size_t)(way->arrived - way->taken);

	return tg_view_of(way->ring + from,
			  bytes < way->ring_bytes - from ? bytes : way->ring_bytes - from);
}

uint64_t sim_way_next_ms(const struct sim_way *way)
{
	return way->count > 0 ? way->pieces[way->first].at_ms : UINT64_MAX;
}
