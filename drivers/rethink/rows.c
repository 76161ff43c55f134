#include "drivers/rethink/rows.h"

#include "drivers/rethink/key.h"
#include "platform/assert.h"

_Static_assert(CONFIG_TG_RETHINK_KEYS_BYTES >= 2 * TG_KEY_BYTES_MAX, "Raise TG_RETHINK_KEYS_BYTES");
_Static_assert((int)TG_SCAN_PSEUDO == (int)TG_REC_PSEUDO &&
		       (int)TG_SCAN_NESTED == (int)TG_REC_NESTED &&
		       (int)TG_SCAN_RESERVED == (int)TG_REC_RESERVED &&
		       (int)TG_SCAN_SURROGATE == (int)TG_REC_SURROGATE,
	       "The scanner's flags are the record's");

enum { FLAGS_KEPT = TG_REC_PSEUDO | TG_REC_NESTED | TG_REC_RESERVED | TG_REC_SURROGATE };

void tg_rows_clear(struct tg_rows *rows)
{
	rows->count = rows->keys_bytes = 0;
	rows->full = rows->back = false;
}

struct tg_record *tg_rows_at(const struct tg_rows *rows, uint32_t i)
{
	return &rows->records[rows->back ? CONFIG_TG_BATCH_RECORDS_MAX - 1 - i : i];
}

struct tg_record *tg_rows_rising(const struct tg_rows *rows)
{
	return rows->back ? &rows->records[CONFIG_TG_BATCH_RECORDS_MAX - rows->count]
			  : rows->records;
}

static void fill_body(struct tg_record *record, const struct tg_row *row)
{
	record->flags = row->flags & FLAGS_KEPT;
	record->body_bytes = row->bytes;
	if (row->oversize) {
		record->flags |= TG_REC_OVERSIZE;
		record->body = row->key;
		record->key_at = 0;
		record->hash = row->hash;
	} else {
		record->body = row->body;
		record->key_at = (uint32_t)(row->key.at - row->body.at);
	}
	record->key_bytes = (uint32_t)row->key.bytes;
}

int tg_rows_add(struct tg_rows *rows, const struct tg_row *row, int64_t time_ms)
{
	struct tg_record *record = tg_rows_at(rows, rows->count);
	uint8_t *at = rows->keys + rows->keys_bytes;

	TG_ASSERT(!rows->full && rows->count < CONFIG_TG_BATCH_RECORDS_MAX);
	if (row->key.bytes == 0 || row->key.bytes > TG_KEY_JSON_BYTES_MAX)
		return TG_ERR_PROTOCOL;
	*record = (struct tg_record){ .op = TG_UPSERT, .time_ms = time_ms };
	int rc = tg_rethink_key_encode(row->key, at, TG_KEY_BYTES_MAX, &record->key);
	if (rc != TG_OK)
		return TG_ERR_PROTOCOL;
	fill_body(record, row);
	rows->count++;
	rows->keys_bytes += (uint32_t)record->key.bytes.bytes;
	rows->full = row->oversize || rows->count == CONFIG_TG_BATCH_RECORDS_MAX ||
		     rows->keys_bytes + TG_KEY_BYTES_MAX > CONFIG_TG_RETHINK_KEYS_BYTES;
	return TG_OK;
}

void tg_rows_hash(struct tg_rows *rows)
{
	struct tg_record *waits = NULL;
	uint64_t hash[2];

	for (uint32_t i = 0; i < rows->count; i++) {
		struct tg_record *record = tg_rows_at(rows, i);
		if ((record->flags & TG_REC_OVERSIZE) != 0)
			continue;
		if (waits == NULL) {
			waits = record;
			continue;
		}
		tg_row_hash_pair((struct tg_view[2]){ waits->body, record->body }, hash);
		waits->hash = hash[0];
		record->hash = hash[1];
		waits = NULL;
	}
	if (waits != NULL)
		waits->hash = tg_row_hash(waits->body);
}

void tg_rows_undo(struct tg_rows *rows)
{
	TG_ASSERT(rows->count > 0);
	rows->count--;
	rows->keys_bytes -= (uint32_t)tg_rows_at(rows, rows->count)->key.bytes.bytes;
	rows->full = false;
}
