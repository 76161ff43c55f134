/* names.h - the tables that the configuration takes, in the server's order, and which are done.
 *
 * Memory:  CONFIG_TG_RETHINK_NAMES_BYTES for the names and 8 bytes a table, from the source's
 * arena.
 */
#ifndef TG_DRIVERS_RETHINK_NAMES_H
#define TG_DRIVERS_RETHINK_NAMES_H

#include "drivers/rethink/config.h"

struct tg_rethink_name {
	uint32_t at;
	uint16_t bytes;
	bool done;
};

struct tg_rethink_names {
	struct tg_rethink_name *items; /* CONFIG_TG_TABLES_MAX */
	uint8_t *text;                 /* CONFIG_TG_RETHINK_NAMES_BYTES */
	uint32_t count, text_bytes;
};

/* Takes the answer to TABLE_LIST (an array of strings). Tables that were known before keep their
 * place and `done`. TG_ERR_LIMIT when they are too many, TG_ERR_PROTOCOL, both with a sentence. */
TG_CHECKED int tg_rethink_names_take(struct tg_rethink_names *names, struct tg_view list,
				     const struct tg_rethink_config *config, struct tg_why *why);
struct tg_view tg_rethink_name_at(const struct tg_rethink_names *names, uint32_t i);
/* Everything is to be read again. */
void tg_rethink_names_renew(struct tg_rethink_names *names);

#endif
