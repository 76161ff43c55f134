/* window.h - the bytes received and not used up, as one contiguous run.
 *
 *      at ....[from ======== fill)........cap
 *
 * Memory:  the caller's. Waits: never.
 */
#ifndef TG_DRIVERS_RAVEN_WINDOW_H
#define TG_DRIVERS_RAVEN_WINDOW_H

#include "platform/view.h"

struct tg_raven_window {
	uint8_t *at;
	size_t from, fill, cap;
};

/* Moves what is unused to the window's begin when room is short, and says how much room is behind
 * it, `wanted` at most. Views into the window die. */
static inline size_t tg_raven_window_room(struct tg_raven_window *window, size_t wanted)
{
	size_t unused = window->fill - window->from;

	/* A short rest is moved so that the same bytes are used again and stay in the cache. */
	if (window->from > 0 && (unused <= 4096 || window->cap - window->fill < wanted)) {
		memmove(window->at, window->at + window->from, unused);
		window->from = 0;
		window->fill = unused;
	}
	size_t room = window->cap - window->fill;
	return room < wanted ? room : wanted;
}

#endif
