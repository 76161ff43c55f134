/* names.h - the collections of the database that the source reads, one after another.
 *
 * A collection keeps the name under which it was first met: its stream is called so. Names are
 * compared without case. One that the server no longer lists stays, for its deletes; one that the
 * configuration names is there even before the server knows it.
 *
 * Memory:  two blocks of the caller's. Waits: never.
 */
#ifndef TG_DRIVERS_RAVEN_NAMES_H
#define TG_DRIVERS_RAVEN_NAMES_H

#include "drivers/raven/config.h"

struct tg_raven_name {
	uint32_t at, bytes; /* in the text; plain */
	bool done;          /* in this round      */
	uint64_t count;     /* of its documents, as the server said */
};

struct tg_raven_names {
	struct tg_raven_name *items; /* CONFIG_TG_RAVEN_COLLECTIONS_MAX */
	uint8_t *text;               /* CONFIG_TG_RAVEN_NAMES_BYTES     */
	uint32_t count, used;
};

/* What /collections/stats answered. TG_ERR_PROTOCOL, or TG_ERR_LIMIT: too many, or too long. */
TG_CHECKED int tg_raven_names_take(struct tg_raven_names *names,
				   const struct tg_raven_config *config, struct tg_view answer);
/* Those that the configuration names, where it has no pattern: the server need not be asked. False:
 * it has one, or there is no room. */
TG_CHECKED bool tg_raven_names_guess(struct tg_raven_names *names,
				     const struct tg_raven_config *config);
/* Forgets all behind the first `count`. */
void tg_raven_names_cut(struct tg_raven_names *names, uint32_t count);
struct tg_view tg_raven_name_at(const struct tg_raven_names *names, uint32_t at);
/* A new round: none is done. */
void tg_raven_names_renew(struct tg_raven_names *names);
/* Whether two names, plain, are one collection's. */
bool tg_raven_name_same(struct tg_view a, struct tg_view b);
/* How many documents `answer` says that the collection has; 0 when it is not there. */
uint64_t tg_raven_names_count(struct tg_view answer, struct tg_view name);

#endif
