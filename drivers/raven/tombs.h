/* tombs.h - one entry of the list of deletes, in both spellings of the list.
 *
 *      {"Id":"orders/5","Etag":34,"DeletedEtag":5,"Type":"Document","Collection":"Orders",
 *       "ChangeVector":"A:34-...","LastModified":"2026-..."}      5.4 has no LastModified
 *
 * Ids are in lower case. Tombstones of attachments, revisions and counters stand between them
 * (reference/ravendb.md 4.4). A document that was made again has no tombstone any more: whoever
 * reads the list after the rows never sees a delete that is older than a row.
 *
 * Pure: views onto the row.
 */
#ifndef TG_DRIVERS_RAVEN_TOMBS_H
#define TG_DRIVERS_RAVEN_TOMBS_H

#include "platform/err.h"

struct tg_raven_tomb {
	bool document;             /* the others are nothing of ours */
	struct tg_view id;         /* a JSON string                  */
	struct tg_view collection; /* a JSON string; empty: none     */
	struct tg_view vector;     /* plain text                     */
	uint64_t etag;
	int64_t time_ms; /* INT64_MIN: not said */
};

/* TG_ERR_PROTOCOL: it is no entry of such a list. */
TG_CHECKED int tg_raven_tomb_read(struct tg_view row, struct tg_raven_tomb *tomb);

#endif
