/* tell.h - what `check` and `discover` say of a source and its tables.
 *
 * The phases are those of a sync (state.h); here is only what is told at their ends.
 */
#ifndef TG_DRIVERS_RETHINK_TELL_H
#define TG_DRIVERS_RETHINK_TELL_H

#include "drivers/rethink/state.h"

/* The connection is up: address, TLS, login. */
void tg_tell_login(const struct tg_rethink *source);
/* The list of tables was read. */
void tg_tell_database(const struct tg_rethink *source);
void tg_tell_clock(const struct tg_rethink *source);
/* The present table was looked at, or failed. */
void tg_tell_table(struct tg_rethink *source);
/* The source as a whole failed with `why`. */
void tg_tell_failure(const struct tg_rethink *source, const struct tg_why *why);

/* Appends "name, name (multi), ..." of the answer to INDEX_STATUS. */
void tg_tell_indexes(struct tg_rethink *source, struct tg_view list);

/* ops->check and ops->discover. */
TG_CHECKED int tg_rethink_check(void *state, const struct tg_now *now,
				const struct tg_report *report, struct tg_why *why);
TG_CHECKED int tg_rethink_discover(void *state, const struct tg_now *now,
				   const struct tg_report *report, struct tg_why *why);

#endif
