/* term.h - the queries that we ask, as ReQL's JSON (reference/rethinkdb.md 3.2).
 *
 * Each appends one whole query, `[1,term]` or `[1,term,{options}]`; whether it fits is for the
 * caller to see (tg_out_overran).
 */
#ifndef TG_DRIVERS_RETHINK_TERM_H
#define TG_DRIVERS_RETHINK_TERM_H

#include "drivers/rethink/table.h"

enum tg_term {
	TG_TERM_INFO = 79,
	TG_TERM_STATUS = 175,
	TG_TERM_INDEX_STATUS = 139,
	TG_TERM_COUNT = 43,
};

struct tg_term_table {
	const char *database;
	struct tg_view table;
};

void tg_query_table_list(const char *database, struct tg_out *out);
void tg_query_now(struct tg_out *out);
/* A term that takes the table and nothing else. */
void tg_query_of_table(const struct tg_term_table *table, enum tg_term term, struct tg_out *out);
void tg_query_wait(const struct tg_term_table *table, unsigned timeout_s, struct tg_out *out);

/* `limit` rows, any; only these members of them unless `count` is 0. */
struct tg_query_sample {
	struct tg_term_table table;
	unsigned limit;
	const struct tg_member_name *members;
	unsigned count;
};
void tg_query_sample(const struct tg_query_sample *sample, struct tg_out *out);

/* What a pass reads. Views that are empty are left out. */
struct tg_query_rows {
	struct tg_term_table table;
	struct tg_view key;    /* the primary key's member, as JSON                         */
	struct tg_view after;  /* a term: rows with keys behind it; empty: from the first   */
	struct tg_view before; /* a term: rows with keys before it; empty: to the last      */
	bool back;             /* from the last of them to the first                        */
	struct tg_view field;  /* as JSON: only rows in which it is at least `lower`        */
	struct tg_view lower;  /* a term                                                    */
	struct tg_view index;  /* as JSON: in the order of this index on `field`, from `lower` */
	uint32_t first; /* with `index`: so many of them at most, in no order; 0: all, in order */
	uint32_t batch_bytes;
};
void tg_query_rows(const struct tg_query_rows *rows, struct tg_out *out);

#endif
