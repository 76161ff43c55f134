/* rows.h - the records of one batch, collected from documents, tombstones and keys.
 *
 * Memory:  two blocks of the caller's. Views of a record live as long as what was received does.
 */
#ifndef TG_DRIVERS_RAVEN_ROWS_H
#define TG_DRIVERS_RAVEN_ROWS_H

#include "app/record.h"
#include "drivers/raven/hash.h"
#include "drivers/raven/meta.h"
#include "drivers/raven/page.h"

struct tg_raven_rows {
	struct tg_record *records; /* CONFIG_TG_RAVEN_BATCH_RECORDS_MAX */
	uint8_t *keys;             /* CONFIG_TG_RAVEN_KEYS_BYTES        */
	uint32_t count, keys_bytes;
	bool full;
	/* The document whose hash is taken together with the next one's; NULL: none. */
	struct tg_record *waits_;
	size_t text_bytes_;
	uint8_t text_[TG_RAVEN_HASH_TEXT_BYTES];
};

void tg_raven_rows_clear(struct tg_raven_rows *rows);
/* A document whose metadata is `meta`. TG_ERR_PROTOCOL: its id is no id. */
TG_CHECKED int tg_raven_rows_add(struct tg_raven_rows *rows, const struct tg_raven_row *row,
				 const struct tg_raven_meta *meta, int64_t read_ms);
/* A key alone, as `like` says: a delete, or one that was seen. */
TG_CHECKED int tg_raven_rows_key(struct tg_raven_rows *rows, struct tg_view id,
				 const struct tg_record *like);

/* No more come: every record has its hash now. */
void tg_raven_rows_end(struct tg_raven_rows *rows);

#endif
