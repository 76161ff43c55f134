/* names.h - the collections of the database that the source reads, one after another.
 *
 * A collection keeps the name under which it was first met: its stream is called so. Names are
 * compared without case. One that the store has, or that the server no longer lists, stays for its
 * deletes; one that the configuration names is there even before the server knows it.
 *
 * Memory:  two blocks of the caller's. Waits: never.
 */
#ifndef TG_DRIVERS_RAVEN_NAMES_H
#define TG_DRIVERS_RAVEN_NAMES_H

#include "drivers/raven/config.h"

struct tg_raven_name {
	uint32_t at, bytes; /* in the text; plain */
	bool done;          /* in this round      */
	bool met;           /* by the walk that others may share, see share.c */
	uint64_t count;     /* of its documents, as the server said */
};

struct tg_raven_names {
	struct tg_raven_name *items; /* CONFIG_TG_RAVEN_COLLECTIONS_MAX */
	uint8_t *text;               /* CONFIG_TG_RAVEN_NAMES_BYTES     */
	uint32_t count, used;
	uint64_t digest_; /* of the names, in whatever order */
};

/* What /collections/stats answered. TG_ERR_PROTOCOL, or TG_ERR_LIMIT: too many, or too long. */
TG_CHECKED int tg_raven_names_take(struct tg_raven_names *names,
				   const struct tg_raven_config *config, struct tg_view answer);
/* The collection `name` was read before, by whatever process: it is one of them where the
 * configuration still takes it. TG_ERR_LIMIT: too many, or too long. */
TG_CHECKED int tg_raven_names_known(struct tg_raven_names *names,
				    const struct tg_raven_config *config, struct tg_view name);
/* Whether all are there that the configuration names without a pattern. */
bool tg_raven_names_complete(const struct tg_raven_names *names,
			     const struct tg_raven_config *config);
/* Tells these collections, chosen by this configuration, from any others; never 0. */
uint64_t tg_raven_names_set(const struct tg_raven_names *names,
			    const struct tg_raven_config *config);
struct tg_view tg_raven_name_at(const struct tg_raven_names *names, uint32_t at);
/* A new round: none is done. */
void tg_raven_names_renew(struct tg_raven_names *names);
/* Whether two names, plain, are one collection's. */
bool tg_raven_name_same(struct tg_view a, struct tg_view b);
/* How many documents `answer` says that the collection has; 0 when it is not there. */
uint64_t tg_raven_names_count(struct tg_view answer, struct tg_view name);

#endif
