/* path.h - the calls that the source makes, as the target of a request line.
 *
 *      /databases/DB/docs?etag=34&pageSize=1000
 *
 * Values are percent-encoded UTF-8; `+` too, which means a blank in a query string
 * (reference/ravendb.md 1.1).
 *
 * Pure.
 */
#ifndef TG_DRIVERS_RAVEN_PATH_H
#define TG_DRIVERS_RAVEN_PATH_H

#include "platform/view.h"

enum tg_raven_call_kind {
	TG_RAVEN_WHOAMI,      /* whose certificate: 200, or 204 when it is not registered        */
	TG_RAVEN_TOPOLOGY,    /* the nodes that hold the database                                */
	TG_RAVEN_STATS,       /* identity, state and counts of the database                      */
	TG_RAVEN_COLLECTIONS, /* documents of each collection                                    */
	TG_RAVEN_DOCS,        /* `rows` documents from `etag` on, in the order of their etags    */
	TG_RAVEN_KEYS,        /* metadata of `rows` documents behind the id `text`, by id        */
	TG_RAVEN_TOMBSTONES,  /* all there are                                                   */
	TG_RAVEN_SAMPLE,      /* the newest `rows` documents of the collection `text`            */
	TG_RAVEN_QUERY,       /* RQL `text` with `parameters`, waiting for a fresh index         */
};

struct tg_raven_call {
	enum tg_raven_call_kind kind;
	const char *database;
	uint64_t etag;
	uint32_t rows;
	uint32_t wait_ms;          /* of a query */
	struct tg_view text;       /* plain bytes */
	struct tg_view parameters; /* JSON, may be empty */
};

void tg_raven_path(const struct tg_raven_call *call, struct tg_out *out);
/* All but letters, digits and -._~ as %XX. */
void tg_raven_percent(struct tg_view text, struct tg_out *out);
void tg_raven_number(uint64_t number, struct tg_out *out);

#endif
