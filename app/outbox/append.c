#include "app/outbox/store.h"
#include "platform/assert.h"

/* A slot to pack records into: a free one, else a clean one that nobody appends to any more. */
static struct tg_block *slot_take(struct tg_outbox *box)
{
	for (uint32_t i = 0; i < CONFIG_TG_COMMIT_BLOCKS_MAX; i++)
		if (box->block_state_[i] == TG_BLOCK_SLOT_FREE)
			return &box->blocks_[i];
	return NULL;
}

static uint8_t *state_of(struct tg_outbox *box, const struct tg_block *block)
{
	return &box->block_state_[block - box->blocks_];
}

/* The stream's last block when it has room, so that many small syncs still make full blocks. */
static int load_tail(struct tg_outbox *box, struct tg_stream_open *open, struct tg_block *block)
{
	struct tg_stream *stream = open->stream;
	struct tg_store_key end = tg_key_block(stream->number, UINT64_MAX);
	MDB_val k = tg_val(end.at, end.bytes), v;
	MDB_cursor *cursor;
	MDB_txn *txn;
	int err = tg_store_read_begin(box, &txn);

	if (err < 0)
		return err;
	err = tg_store_err(mdb_cursor_open(txn, box->dbi_, &cursor));
	if (err < 0)
		goto out;
	int rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
	rc = mdb_cursor_get(cursor, &k, &v, rc == 0 ? MDB_PREV : MDB_LAST);
	err = TG_ERR_MISSING;
	if (rc == 0 && k.mv_size == end.bytes && memcmp(k.mv_data, end.at, 5) == 0 &&
	    v.mv_size + 512 < TG_BLOCK_BYTES)
		err = tg_block_load(block, tg_view_of(v.mv_data, v.mv_size));
	if (err == 0 && block->first_seq + block->count != stream->next_seq)
		err = TG_ERR_MISSING; /* records behind it were lost: they keep their numbers */
	mdb_cursor_close(cursor);
out:
	tg_store_read_end(box);
	return err;
}

static int block_for(struct tg_outbox *box, struct tg_stream_open *open)
{
	struct tg_block *block = slot_take(box);

	if (block == NULL)
		return TG_ERR_FULL;
	bool first = open->block == NULL && open->stream->first_block != 0 &&
		     open->stream->next_seq == open->stream->durable_next;
	if (!first || load_tail(box, open, block) < 0)
		tg_block_start(block, open->row.number, open->stream->next_seq);
	*state_of(box, block) = TG_BLOCK_SLOT_CLEAN;
	open->block = block;
	return 0;
}

static void mark_dirty(struct tg_outbox *box, struct tg_stream_open *open)
{
	uint8_t *state = state_of(box, open->block);

	if (*state != TG_BLOCK_SLOT_DIRTY)
		box->blocks_dirty_++;
	*state = TG_BLOCK_SLOT_DIRTY;
	open->dirty = true;
}

/* A full block that is committed already goes back to the pool; a dirty one does so with the
 * commit. */
static void leave_block(struct tg_outbox *box, struct tg_stream_open *open)
{
	uint8_t *state = state_of(box, open->block);

	if (*state == TG_BLOCK_SLOT_CLEAN)
		*state = TG_BLOCK_SLOT_FREE;
}

bool tg_outbox_has_room(const struct tg_outbox *box, const struct tg_stream_open *open,
			const struct tg_record *record)
{
	bool large = record->body.bytes > TG_BLOCK_BODY_MAX;
	size_t bytes = TG_BLOCK_RECORD_HEAD_MAX + (large ? 0 : record->body.bytes);
	const struct tg_block *block = open->block;

	if (large && box->large_pending_.body.at != NULL)
		return false;
	if (block != NULL && block->used + bytes + 2 * ((size_t)block->count + 1) <= TG_BLOCK_BYTES)
		return true;
	for (uint32_t i = 0; i < CONFIG_TG_COMMIT_BLOCKS_MAX; i++)
		if (box->block_state_[i] == TG_BLOCK_SLOT_FREE)
			return true;
	return false;
}

int tg_outbox_append(struct tg_outbox *box, struct tg_stream_open *open,
		     const struct tg_record *record, uint64_t *seq)
{
	bool large = record->body.bytes > TG_BLOCK_BODY_MAX;

	if (large && box->large_pending_.body.at != NULL)
		return TG_ERR_FULL;
	if (open->block == NULL || !tg_block_add(open->block, record)) {
		struct tg_block *full = open->block;
		int err = block_for(box, open);

		if (err < 0)
			return err;
		if (full != NULL) {
			struct tg_block *fresh = open->block;
			open->block = full;
			leave_block(box, open);
			open->block = fresh;
		}
		if (!tg_block_add(open->block,
				  record)) { /* the loaded tail had no room for this one */
			leave_block(box, open);
			tg_block_start(open->block, open->row.number, open->stream->next_seq);
			*state_of(box, open->block) = TG_BLOCK_SLOT_CLEAN;
			bool added = tg_block_add(open->block, record);
			TG_ASSERT(added);
		}
	}
	*seq = open->stream->next_seq++;
	open->row.next_seq = open->stream->next_seq;
	open->row.rows_total++;
	mark_dirty(box, open);
	if (large) {
		box->large_pending_.body = record->body;
		box->large_pending_.stream = open->row.number;
		box->large_pending_.seq = *seq;
	}
	return 0;
}

int tg_outbox_bookmark(struct tg_outbox *box, struct tg_stream_open *open, struct tg_view bookmark)
{
	(void)box;
	if (bookmark.bytes > TG_BOOKMARK_BYTES_MAX)
		return TG_ERR_LIMIT;
	if (tg_view_same(bookmark, tg_view_of(open->bookmark, open->bookmark_bytes)))
		return 0;
	if (bookmark.bytes != 0)
		memcpy(open->bookmark, bookmark.at, bookmark.bytes);
	open->bookmark_bytes = (uint32_t)bookmark.bytes;
	open->dirty = true;
	return 0;
}

bool tg_outbox_must_commit(const struct tg_outbox *box)
{
	return box->large_pending_.body.at != NULL;
}
