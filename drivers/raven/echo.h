/* echo.h - whether a document is still as a tidegate wrote it.
 *
 *      sink    id, collection, members, user's metadata --sum--> "Tidegate-Hash":"00f1e2d3c4b5a697"
 *      source  the same of what is there now: equal, it is an echo; else somebody changed it since
 *
 * A client that loads a document, changes it and saves it keeps our metadata: its change must be
 * read. So the sum is of the values and not of their spelling, which the server changes: escapes
 * are resolved, white space is nothing, -0 is 0. The user's metadata has no order there; what
 * begins with @ is the server's.
 *
 *      echo_start; put id and collection; put the members' text `,"a":1,"b":"x"`; echo_end
 *
 * Pure. Memory: the struct.
 */
#ifndef TG_DRIVERS_RAVEN_ECHO_H
#define TG_DRIVERS_RAVEN_ECHO_H

#include "drivers/raven/meta.h"

enum { TG_RAVEN_ECHO_BYTES = 16 }; /* of the sum's text */

struct tg_raven_echo {
	struct tg_out out; /* JSON text may be written here as well; nothing is kept of it */
	/* echo.c's */
	uint64_t sum_, word_;
	uint32_t word_bytes_, state_, unit_, digits_, high_;
};

void tg_raven_echo_start(struct tg_raven_echo *echo);
/* JSON text, cut anywhere. */
void tg_raven_echo_put(struct tg_raven_echo *echo, struct tg_view text);
/* A plain text, as if its JSON string had been put. */
void tg_raven_echo_text(struct tg_raven_echo *echo, struct tg_view text);
uint64_t tg_raven_echo_end(struct tg_raven_echo *echo);

/* Whether the member of @metadata called `name` (without quotes) is part of the sum. */
bool tg_raven_echo_counts(struct tg_view name);
/* What such a member adds to the sum. */
uint64_t tg_raven_echo_member(struct tg_view name, struct tg_view value);

/* Whether the document, with `metadata` as it lies in `body`, is what the sum in `meta` is of. One
 * without a sum counts as written by a tidegate that made none, and unchanged. */
bool tg_raven_echo_same(struct tg_view body, struct tg_view metadata,
			const struct tg_raven_meta *meta);

void tg_raven_echo_write(uint64_t sum, char at[TG_RAVEN_ECHO_BYTES]);

#endif
