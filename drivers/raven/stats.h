/* stats.h - what /stats says of a database on one node.
 *
 * Pure: texts are copied.
 */
#ifndef TG_DRIVERS_RAVEN_STATS_H
#define TG_DRIVERS_RAVEN_STATS_H

#include "drivers/raven/cursor.h"

struct tg_raven_stats {
	char tag[TG_RAVEN_TAG_BYTES];             /* of the node                                  */
	char id_text[TG_RAVEN_ID_TEXT_BYTES + 1]; /* DatabaseId                                   */
	uint8_t id[TG_RAVEN_ID_BYTES];
	uint64_t last;      /* LastDatabaseEtag; in old servers LastDocEtag                       */
	uint64_t documents; /* of all collections, those in conflict left out                     */
	uint64_t conflicts; /* documents in conflict: not to be read until somebody resolves them */
	uint64_t attachments, counters, series; /* that documents have and nobody copies         */
	int64_t server_ms;                      /* the server's clock; INT64_MIN: not said        */
	bool vector_known;                      /* false: it is longer than we keep              */
	uint32_t vector_bytes;
	uint8_t vector[TG_RAVEN_VECTOR_BYTES]; /* empty while the database is */
};

/* TG_ERR_PROTOCOL: the answer has no DatabaseId or no etag. */
TG_CHECKED int tg_raven_stats_read(struct tg_view answer, struct tg_raven_stats *stats);
struct tg_view tg_raven_stats_vector(const struct tg_raven_stats *stats);

#endif
