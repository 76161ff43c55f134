/* rql.h - the query of mode last_modified, and whether its answer can be trusted.
 *
 *      from 'Orders' where @metadata.@last-modified >= $x
 *      order by @metadata.@last-modified limit 0, 1000
 *
 * No quotes may stand round @metadata: the server then answers with nothing, without an error, and
 * keeps an index that spoils the right query for everybody after. An answer that names such an
 * index is refused, and the query asked again with one condition more, which takes another index
 * (reference/ravendb.md 3.4).
 *
 * Pure.
 */
#ifndef TG_DRIVERS_RAVEN_RQL_H
#define TG_DRIVERS_RAVEN_RQL_H

#include "platform/err.h"

enum { TG_RAVEN_MOMENT_BYTES = 28 }; /* 2024-05-01T10:00:00.0000000Z */

struct tg_raven_rql {
	struct tg_view collection; /* plain text */
	struct tg_view since;      /* TG_RAVEN_MOMENT_BYTES, without quotes */
	uint32_t rows;
	bool round; /* the way round a spoilt index */
};

/* The query, and the JSON of its parameters. TG_ERR_CONFIG: no quotes are left for a collection
 * whose name holds both kinds, or a backslash. */
TG_CHECKED int tg_raven_rql(const struct tg_raven_rql *rql, struct tg_out *query,
			    struct tg_out *parameters);
/* Whether an index of this name (as JSON writes it) was made by a wrongly quoted query. */
bool tg_raven_index_spoilt(const char *name);
/* `ms` since 1970 as a moment of TG_RAVEN_MOMENT_BYTES; what lies outside of years 1 to 9999 is cut
 * to them. */
void tg_raven_moment(int64_t ms, char out[TG_RAVEN_MOMENT_BYTES]);

#endif
