/* arena.h - bytes carved once at boot, given out upwards, taken back by rewinding.
 *
 *      |====given out====|........free........|
 *      at                used                 cap
 *
 * Owns:    nothing: the bytes are the caller's, who outlives it.
 * Memory:  the struct. Waits: never.
 */
#ifndef TG_APP_ARENA_H
#define TG_APP_ARENA_H

#include "platform/view.h"

struct tg_arena {
	uint8_t *at;
	size_t cap;
	size_t used;
	size_t peak; /* the most that was ever given out: for `budget` and for sizing */
};

void tg_arena_init(struct tg_arena *arena, void *at, size_t cap);
/* `bytes` aligned for any type, or NULL when they are not there. Contents undefined. */
void *tg_arena_take(struct tg_arena *arena, size_t bytes);
/* The place to come back to. */
size_t tg_arena_mark(const struct tg_arena *arena);
void tg_arena_rewind(struct tg_arena *arena, size_t mark);

#endif
