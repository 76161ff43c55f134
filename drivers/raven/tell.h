/* tell.h - what `check` and `discover` are told, as the steps go by.
 *
 * Pure but for the report that is called.
 */
#ifndef TG_DRIVERS_RAVEN_TELL_H
#define TG_DRIVERS_RAVEN_TELL_H

#include "drivers/raven/state.h"

/* The answer to /certificates/whoami; empty: the server knows no certificate of ours. */
void tg_raven_tell_whoami(struct tg_raven *source, struct tg_view answer);
void tg_raven_tell_stats(const struct tg_raven *source);
void tg_raven_tell_database(const struct tg_raven *source);
/* A document of the sample. */
void tg_raven_tell_row(struct tg_raven *source, const struct tg_raven_row *row);
/* The present collection is over. */
void tg_raven_tell_collection(struct tg_raven *source);

TG_CHECKED int tg_raven_check(void *state, const struct tg_now *now, const struct tg_report *report,
			      struct tg_why *why);
TG_CHECKED int tg_raven_discover(void *state, const struct tg_now *now,
				 const struct tg_report *report, struct tg_why *why);

#endif
