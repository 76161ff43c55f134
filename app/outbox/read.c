#include "app/crc32c.h"
#include "app/outbox/store.h"
#include "platform/assert.h"

int tg_outbox_read_begin(struct tg_outbox *box, struct tg_stream *stream, uint64_t from,
			 struct tg_outbox_cursor *cursor)
{
	MDB_txn *txn;
	MDB_cursor *at = NULL;

	memset(cursor, 0, sizeof(*cursor));
	cursor->box = box;
	cursor->stream = stream;
	cursor->next = from;
	int err = tg_store_read_begin(box, &txn);
	if (err == 0)
		err = tg_store_err(mdb_cursor_open(txn, box->dbi_, &at));
	cursor->cursor_ = at;
	return err;
}

void tg_outbox_read_end(struct tg_outbox_cursor *cursor)
{
	if (cursor->cursor_ != NULL)
		mdb_cursor_close(cursor->cursor_);
	cursor->cursor_ = NULL;
	tg_store_read_end(cursor->box);
}

static bool is_block_of(const struct tg_stream *stream, MDB_val key)
{
	struct tg_store_key mine = tg_key_block(stream->number, 0);

	return key.mv_size == mine.bytes && memcmp(key.mv_data, mine.at, 5) == 0;
}

/* LMDB cannot walk its tree here: that is no lost block, and nobody could go on behind it. The next
 * start finds it, and salvages the file. */
static int tree_err(const struct tg_outbox_cursor *cursor, int rc)
{
	int err = tg_store_err(rc);

	if (err != TG_ERR_DAMAGED)
		return err;
	cursor->box->unsound_ = true;
	return TG_ERR_IO;
}

/* Finds the block that holds sequence `next`, or the first one behind it. 1 with its key and value,
 * 0 when there is none. */
static int find_block(struct tg_outbox_cursor *cursor, MDB_val *k, MDB_val *v)
{
	struct tg_store_key want = tg_key_block(cursor->stream->number, cursor->next);
	struct tg_store_key exact = want;

	*k = tg_val(exact.at, exact.bytes);
	int rc = mdb_cursor_get(cursor->cursor_, k, v, MDB_SET_RANGE);
	if (rc == 0 && k->mv_size == want.bytes && memcmp(k->mv_data, want.at, want.bytes) == 0)
		return 1;
	rc = mdb_cursor_get(cursor->cursor_, k, v, rc == 0 ? MDB_PREV : MDB_LAST);
	struct tg_block_view view;
	if (rc == 0 && is_block_of(cursor->stream, *k)) {
		bool opens = tg_block_open(&view, tg_view_of(v->mv_data, v->mv_size)) == 0;
		if (!opens || view.first_seq + view.count > cursor->next)
			return 1;
	}
	rc = rc == MDB_NOTFOUND ? mdb_cursor_get(cursor->cursor_, k, v, MDB_FIRST)
				: (rc == 0 ? mdb_cursor_get(cursor->cursor_, k, v, MDB_NEXT) : rc);
	if (rc == MDB_NOTFOUND)
		return 0;
	if (rc != 0)
		return tree_err(cursor, rc);
	if (!is_block_of(cursor->stream, *k)) { /* the walk stood before the first of this stream */
		*k = tg_val(want.at, want.bytes);
		rc = mdb_cursor_get(cursor->cursor_, k, v, MDB_SET_RANGE);
		if (rc == MDB_NOTFOUND || (rc == 0 && !is_block_of(cursor->stream, *k)))
			return 0;
	}
	return rc == 0 ? 1 : tree_err(cursor, rc);
}

/* Where the block behind the cursor's begins: a damaged one ends there. */
static uint64_t next_block_seq(struct tg_outbox_cursor *cursor)
{
	MDB_val k, v;

	if (mdb_cursor_get(cursor->cursor_, &k, &v, MDB_NEXT) == 0 &&
	    is_block_of(cursor->stream, k))
		return tg_load_be64((const uint8_t *)k.mv_data + 5);
	return cursor->stream->durable_next;
}

/* The next block begins at `first` (none does: where the stream ends). What lies before it was
 * delivered and trimmed, or is missing: sequences follow each other without holes. Only the store's
 * holder knows how far it has trimmed; who looks reads on. */
static int pass_gap(struct tg_outbox_cursor *cursor, uint64_t first)
{
	uint64_t floor = tg_stream_floor(cursor->box, cursor->stream);
	bool missing = first > cursor->next && first > floor + 1 && cursor->box->lock_fd_ >= 0;

	if (first > cursor->next)
		cursor->next = first;
	return missing ? TG_ERR_DAMAGED : 0;
}

/* 1 with a block loaded that holds `next`, 0 behind the last, or an error. */
static int load_block(struct tg_outbox_cursor *cursor)
{
	MDB_val k, v;

	if (cursor->next >= cursor->stream->durable_next)
		return 0;
	int got = find_block(cursor, &k, &v);
	if (got == 0)
		return pass_gap(cursor, cursor->stream->durable_next);
	if (got < 0)
		return got;
	tg_store_touched(cursor->box, cursor->box->reader_, v);
	if (tg_block_open(&cursor->block_, tg_view_of(v.mv_data, v.mv_size)) < 0) {
		uint64_t first = tg_load_be64((const uint8_t *)k.mv_data + 5);
		cursor->next = next_block_seq(cursor);
		if (cursor->next <= first)
			cursor->next = first + 1;
		return TG_ERR_DAMAGED;
	}
	int gap = pass_gap(cursor, cursor->block_.first_seq);
	if (gap < 0)
		return gap; /* the block itself comes with the next call */
	cursor->loaded_ = true;
	return cursor->next < cursor->stream->durable_next ? 1 : 0;
}

/* Makes sure that the loaded block holds `next`. */
static int stand(struct tg_outbox_cursor *cursor)
{
	if (cursor->loaded_ && cursor->next < cursor->stream->durable_next &&
	    cursor->next < cursor->block_.first_seq + cursor->block_.count)
		return 1;
	cursor->loaded_ = false;
	return load_block(cursor);
}

static int read_large(struct tg_outbox_cursor *cursor, const struct tg_block_record *read,
		      struct tg_record *out)
{
	MDB_txn *txn = mdb_cursor_txn(cursor->cursor_);
	struct tg_store_key first = tg_key_chunk(cursor->stream->number, out->seq, 0);
	int err;

	out->body.bytes = (size_t)read->large_bytes;
	err = tg_chunks_get(cursor->box, txn, first, &out->body);

	if (err < 0)
		return err == TG_ERR_LIMIT ? TG_ERR_DAMAGED : err;
	if (tg_crc32c(0, out->body.at, out->body.bytes) != read->large_crc ||
	    (uint64_t)out->key_at + out->key_bytes > out->body.bytes)
		return TG_ERR_DAMAGED;
	return 0;
}

int tg_outbox_read_next(struct tg_outbox_cursor *cursor, struct tg_record *out)
{
	struct tg_block_record read;
	int got = stand(cursor);

	if (got <= 0)
		return got;
	uint32_t at = (uint32_t)(cursor->next - cursor->block_.first_seq);
	cursor->next++;
	int err = tg_block_read(&cursor->block_, at, &read);
	if (err < 0)
		return err;
	*out = read.record;
	err = read.large ? read_large(cursor, &read, out) : 0;
	return err < 0 ? err : 1;
}

int tg_outbox_read_skip(struct tg_outbox_cursor *cursor, uint64_t *bytes)
{
	int got = stand(cursor);

	if (got <= 0)
		return got;
	uint32_t at = (uint32_t)(cursor->next - cursor->block_.first_seq);
	cursor->next++;
	*bytes = tg_block_record_bytes(&cursor->block_, at);
	return 1;
}
