/* table.h - what is known of the table being read, from INFO, STATUS and INDEX_STATUS.
 *
 * Names of members and indexes are kept as the wire writes them, with quotes and escapes, so that
 * they go back into a query as they came. Reference/rethinkdb.md 3.2, 5.4, 5.5.
 *
 * Memory:  the struct. Waits: never.
 */
#ifndef TG_DRIVERS_RETHINK_TABLE_H
#define TG_DRIVERS_RETHINK_TABLE_H

#include "app/record.h"
#include "platform/err.h"

enum { TG_MEMBER_BYTES_MAX = 256 };

/* A member's or an index' name as JSON, quotes included; bytes 0: none. */
struct tg_member_name {
	char json[TG_MEMBER_BYTES_MAX];
	uint32_t bytes;
};

static inline struct tg_view tg_member_json(const struct tg_member_name *name)
{
	return tg_view_of(name->json, name->bytes);
}

/* The same without its quotes, as the scanner compares it. */
static inline struct tg_view tg_member_bare(const struct tg_member_name *name)
{
	return tg_view_of(name->json + 1, name->bytes < 2 ? 0 : name->bytes - 2);
}

/* False when it is no string or too long. */
bool tg_member_set(struct tg_member_name *name, struct tg_view json);
/* From plain UTF-8. */
bool tg_member_set_text(struct tg_member_name *name, const char *text);

struct tg_rethink_table {
	struct tg_view name; /* in struct tg_rethink_names */
	uint8_t uuid[TG_GENERATION_BYTES];
	struct tg_member_name key;
	uint64_t rows_estimate;
};

/* Takes the answer to INFO; TG_ERR_PROTOCOL when it lacks what we need. */
TG_CHECKED int tg_rethink_table_info(struct tg_rethink_table *table, struct tg_view info);
/* Takes the answer to STATUS, which needs no permission: the UUID; the key is assumed to be `id`.
 */
TG_CHECKED int tg_rethink_table_status(struct tg_rethink_table *table, struct tg_view status);

/* Looks in the answer to INDEX_STATUS (an array) for a ready index that is simply the field
 * `field`. False: there is none. */
bool tg_rethink_index_find(struct tg_view list, const struct tg_member_name *field,
			   struct tg_member_name *index);

/* Whether an index' serialised function (the bytes behind BINARY's base64) is exactly the member
 * `field`, neither multi nor geo (5.5). */
bool tg_rethink_function_is_field(struct tg_view function, struct tg_view field_json);

#endif
