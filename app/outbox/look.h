/* look.h - a second process looks into a store that another one may be writing.
 *
 * Everything is read in short transactions, none of which is open while something is printed: a
 * looker that is stopped or killed never pins pages for longer than a copy takes, and never holds
 * up the writer. It needs to be a member of the store's group: readers register in lock.mdb.
 *
 * After tg_outbox_look the reading calls of outbox.h work (streams, rows, cursor, receipts,
 * aside_next, figures); calls that write must not be used.
 */
#ifndef TG_APP_OUTBOX_LOOK_H
#define TG_APP_OUTBOX_LOOK_H

#include "app/outbox/outbox.h"

/* TG_ERR_MISSING: there is no store in `path`. ACCESS, NEWER, DAMAGED, IO, LIMIT; each with a
 * sentence. */
TG_CHECKED int tg_outbox_look(struct tg_outbox *box, const char *path, struct tg_arena *arena,
			      struct tg_why *why);
void tg_outbox_look_end(struct tg_outbox *box);

/* Who holds the store right now: 1 with e.g. "process 4711" in `holder`, 0 when nobody does. */
int tg_outbox_holder(const char *path, char *holder, size_t cap);
/* The sinks that the store knows, configured or not: slot by slot; NULL where none is. */
const struct tg_sink_row *tg_outbox_look_sink(const struct tg_outbox *box, uint32_t slot);
/* Reads the figures again (last page, streams, sinks): what another process wrote since. */
TG_CHECKED int tg_outbox_look_again(struct tg_outbox *box);

#endif
