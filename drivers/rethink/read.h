/* read.h - the phase READ: the rows of a pass, asked for and checked; for phase.c and source.c.
 *
 * A full pass reads a table from both ends once it proves to be large, by two queries on the one
 * connection, until they meet:
 *
 *      first key |----> front                back <----| last key
 *
 * So no border has to be found, for no type of key, and what is left is always one range. While one
 * query's answer is read the server makes the other's on its other processor.
 *
 * Memory:  the source's state. Waits: never.
 */
#ifndef TG_DRIVERS_RETHINK_READ_H
#define TG_DRIVERS_RETHINK_READ_H

#include "drivers/rethink/state.h"

struct tg_term_table tg_rethink_term(const struct tg_rethink *source);

/* phase.c's three functions */
void tg_read_ask(struct tg_rethink *source, struct tg_out *query);
TG_CHECKED int tg_read_row(struct tg_rethink *source, const struct tg_row *row, struct tg_why *why);
void tg_read_end(struct tg_rethink *source);

/* An answer begins whose rows may not go into the present batch. */
void tg_read_frame(struct tg_rethink *source);
/* An answer that is not the last one begins: asks for the table's end too when it is time. */
void tg_read_more(struct tg_rethink *source);

#endif
