/* clock.h - the two clocks, read once a turn of the loop and handed on as an argument.
 *
 * Nothing below the loop reads a clock: a step that needs the time takes a `struct tg_now`.
 */
#ifndef TG_PLATFORM_CLOCK_H
#define TG_PLATFORM_CLOCK_H

#include <stdint.h>

struct tg_now {
	uint64_t mono_ms; /* never goes back; its zero means nothing               */
	int64_t wall_ms;  /* milliseconds since 1970-01-01T00:00:00Z; may jump     */
};

struct tg_now tg_clock_now(void);

#endif
