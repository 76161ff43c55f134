#include "drivers/raven/rows.h"

#include "drivers/raven/hash.h"
#include "drivers/raven/key.h"
#include "platform/assert.h"
#include "platform/crypto.h"

_Static_assert(CONFIG_TG_RAVEN_KEYS_BYTES >= 2 * TG_KEY_BYTES_MAX, "Raise TG_RAVEN_KEYS_BYTES");
_Static_assert((int)TG_SCAN_PSEUDO == (int)TG_REC_PSEUDO &&
		       (int)TG_SCAN_NESTED == (int)TG_REC_NESTED &&
		       (int)TG_SCAN_RESERVED == (int)TG_REC_RESERVED &&
		       (int)TG_SCAN_SURROGATE == (int)TG_REC_SURROGATE,
	       "The scanner's flags are the record's");

/* $reql_type$ means nothing here. */
enum { FLAGS_KEPT = TG_REC_NESTED | TG_REC_RESERVED | TG_REC_SURROGATE };

void tg_raven_rows_clear(struct tg_raven_rows *rows)
{
	rows->count = rows->keys_bytes = 0;
	rows->full = false;
	rows->waits_ = NULL;
}

void tg_raven_rows_end(struct tg_raven_rows *rows)
{
	if (rows->waits_ != NULL)
		rows->waits_->hash =
			tg_raven_hash_of_text(tg_view_of(rows->text_, rows->text_bytes_));
	rows->waits_ = NULL;
}

/* Documents are hashed two by two. */
static void hash(struct tg_raven_rows *rows, const struct tg_raven_row *row,
		 const struct tg_raven_meta *meta)
{
	struct tg_record *record = &rows->records[rows->count];
	uint8_t other[TG_RAVEN_HASH_TEXT_BYTES];
	uint8_t *at = rows->waits_ == NULL ? rows->text_ : other;
	size_t bytes = tg_raven_hash_text(row->body, row->metadata, meta, at);
	uint64_t both[2];

	if (bytes == 0) {
		record->hash = tg_raven_hash(row->body, row->metadata, meta);
		return;
	}
	if (rows->waits_ == NULL) {
		rows->waits_ = record;
		rows->text_bytes_ = bytes;
		return;
	}
	tg_raven_hash_of_texts((struct tg_view[2]){ tg_view_of(rows->text_, rows->text_bytes_),
						    tg_view_of(other, bytes) },
			       both);
	rows->waits_->hash = both[0];
	record->hash = both[1];
	rows->waits_ = NULL;
}

static void count_in(struct tg_raven_rows *rows)
{
	rows->keys_bytes += (uint32_t)rows->records[rows->count].key.bytes.bytes;
	rows->count++;
	rows->full = rows->count == CONFIG_TG_RAVEN_BATCH_RECORDS_MAX ||
		     rows->keys_bytes + TG_KEY_BYTES_MAX > CONFIG_TG_RAVEN_KEYS_BYTES;
}

static int encode(struct tg_raven_rows *rows, struct tg_view id, struct tg_record *record)
{
	TG_ASSERT(!rows->full && rows->count < CONFIG_TG_RAVEN_BATCH_RECORDS_MAX);
	if (id.bytes > TG_KEY_JSON_BYTES_MAX)
		return TG_ERR_PROTOCOL;
	int rc = tg_raven_key_encode(id, rows->keys + rows->keys_bytes, TG_KEY_BYTES_MAX,
				     &record->key);
	return rc == TG_OK ? TG_OK : TG_ERR_PROTOCOL;
}

/* Its content cannot be hashed any more, so its version is: another one is looked at again. */
static uint64_t hash_version(const struct tg_raven_meta *meta)
{
	uint8_t digest[TG_SHA1_BYTES];

	tg_sha1_two(meta->id, meta->change_vector, digest);
	return tg_raven_hash_of_digest(digest);
}

int tg_raven_rows_add(struct tg_raven_rows *rows, const struct tg_raven_row *row,
		      const struct tg_raven_meta *meta, int64_t read_ms)
{
	struct tg_record *record = &rows->records[rows->count];
	int rc = encode(rows, meta->id, record);

	if (rc != TG_OK)
		return rc;
	record->op = TG_UPSERT;
	record->flags = row->flags & FLAGS_KEPT;
	record->body_bytes = row->bytes;
	record->key_bytes = (uint32_t)meta->id.bytes;
	record->seq = 0;
	record->only_sink = 0;
	if (tg_raven_time(meta->last_modified, &record->time_ms) != TG_OK)
		record->time_ms = read_ms;
	if (row->oversize) {
		record->flags |= TG_REC_OVERSIZE;
		record->body = meta->id;
		record->key_at = 0;
		record->hash = hash_version(meta);
	} else {
		record->body = row->body;
		record->key_at = (uint32_t)(meta->id.at - row->body.at);
		hash(rows, row, meta);
	}
	count_in(rows);
	rows->full = rows->full || row->oversize; /* the next one would take its metadata's place */
	return TG_OK;
}

int tg_raven_rows_key(struct tg_raven_rows *rows, struct tg_view id, const struct tg_record *like)
{
	struct tg_record *record = &rows->records[rows->count];

	*record = *like;
	int rc = encode(rows, id, record);
	if (rc == TG_OK)
		count_in(rows);
	return rc;
}
