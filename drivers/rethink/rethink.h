/* rethink.h - RethinkDB as a source: the entry of drivers/registry.c.
 *
 * One connection; the tables are read one after another. Modes, bookmarks and what each mode
 * misses: mode.h, bookmark.h. The state machine: state.h.
 *
 * Owns:    the connection.
 * Memory:  a state of sizeof(struct tg_rethink), and TG_RETHINK_ARENA_BYTES of the arena, taken at
 * the
 *          first start() and kept: later starts go on with them.
 * Waits:   never.
 */
#ifndef TG_DRIVERS_RETHINK_RETHINK_H
#define TG_DRIVERS_RETHINK_RETHINK_H

#include "app/source.h"

extern const struct tg_source_ops tg_rethink_source;

#endif
