#include "platform/clock.h"

#include "platform/assert.h"

#include <time.h>

struct tg_now tg_clock_now(void)
{
	struct timespec mono, wall;

	TG_ASSERT(clock_gettime(CLOCK_MONOTONIC, &mono) == 0);
	TG_ASSERT(clock_gettime(CLOCK_REALTIME, &wall) == 0);
	return (struct tg_now){
		.mono_ms = (uint64_t)mono.tv_sec * 1000 + (uint64_t)mono.tv_nsec / 1000000,
		.wall_ms = (int64_t)wall.tv_sec * 1000 + (int64_t)(wall.tv_nsec / 1000000),
	};
}
