#include <errno.h>

#include "app/outbox/store.h"
#include "platform/assert.h"

/* Near a full store a delete needs pages before it gives any: small steps always find them
 * (measured in a fragmented map, tests/unit/test_outbox_full.c). */
enum {
	TRIM_BLOCKS_MAX = 512,
	TRIM_BLOCKS_WHEN_FULL = 16,
	TRIM_CHUNKS_PER_BLOCK = 2 /* a chunk gives up four times as many pages as a block */
};

uint64_t tg_stream_floor(const struct tg_outbox *box, const struct tg_stream *stream)
{
	uint64_t floor = stream->durable_next - 1;
	bool any_sink = false;

	for (uint32_t i = 0; i < CONFIG_TG_SINKS_MAX; i++) {
		any_sink = any_sink || box->sinks_[i].used;
		if (box->sinks_[i].used && stream->wanted[i] && stream->acked[i] < floor)
			floor = stream->acked[i];
	}
	return any_sink ? floor : 0;
}

static bool wants_trim(const struct tg_outbox *box, const struct tg_stream *stream)
{
	if (stream->first_block == 0)
		return false;
	uint64_t floor = tg_stream_floor(box, stream);
	return floor >= stream->first_block && floor > stream->trimmed_floor_;
}

bool tg_trim_wanted(const struct tg_outbox *box)
{
	for (uint32_t i = 0; i < box->stream_count_; i++)
		if (wants_trim(box, &box->streams_[i]))
			return true;
	return false;
}

static bool is_block_of(const struct tg_stream *stream, MDB_val key)
{
	struct tg_store_key mine = tg_key_block(stream->number, 0);

	return key.mv_size == mine.bytes && memcmp(key.mv_data, mine.at, 5) == 0;
}

/* The chunks of large bodies up to `floor`, at most `left` of them: the list of what was freed
 * takes pages itself. Returns 1 when there are more. */
static int trim_chunks(MDB_cursor *cursor, const struct tg_stream *stream, uint64_t floor,
		       uint32_t left)
{
	struct tg_store_key from = tg_key_chunk(stream->number, 0, 0);
	MDB_val k = tg_val(from.at, from.bytes), v;
	int rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);

	while (rc == 0 && k.mv_size == from.bytes && memcmp(k.mv_data, from.at, 5) == 0 &&
	       tg_load_be64((const uint8_t *)k.mv_data + 5) <= floor) {
		if (left-- == 0)
			return 1;
		rc = tg_store_drop_at(cursor);
		if (rc == 0) /* the cursor stands on the next one, but its key must be fetched */
			rc = mdb_cursor_get(cursor, &k, &v, MDB_GET_CURRENT);
		if (rc == EINVAL ||
		    rc == MDB_NOTFOUND) { /* it was the last of all, or of its page */
			k = tg_val(from.at, from.bytes);
			rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
		}
	}
	return rc == MDB_NOTFOUND ? 0 : tg_store_err(rc);
}

/* Whether the block under the cursor ends at or before `floor`; moves nothing. */
static int block_is_had(MDB_val value, uint64_t floor, bool *had)
{
	struct tg_block_view view;

	if (tg_block_open(&view, tg_view_of(value.mv_data, value.mv_size)) < 0) {
		*had = false;
		return TG_ERR_DAMAGED;
	}
	*had = view.first_seq + view.count - 1 <= floor;
	return 0;
}

/* A damaged block has no count of its own: it ends where the next one begins. */
static uint64_t damaged_end(MDB_txn *txn, unsigned dbi, const struct tg_stream *stream, MDB_val key)
{
	MDB_cursor *cursor;
	MDB_val k = key, v;
	uint64_t next = stream->durable_next;

	if (mdb_cursor_open(txn, dbi, &cursor) != 0)
		return UINT64_MAX;
	if (mdb_cursor_get(cursor, &k, &v, MDB_SET_KEY) == 0 &&
	    mdb_cursor_get(cursor, &k, &v, MDB_NEXT) == 0 && is_block_of(stream, k))
		next = tg_load_be64((const uint8_t *)k.mv_data + 5);
	mdb_cursor_close(cursor);
	return next;
}

static int trim_stream(struct tg_outbox *box, MDB_txn *txn, struct tg_stream *stream,
		       uint32_t *left)
{
	uint64_t floor = tg_stream_floor(box, stream);
	MDB_cursor *cursor;
	int err = tg_store_err(mdb_cursor_open(txn, box->dbi_, &cursor));

	if (err < 0)
		return err;
	/* Before the blocks: a chunk whose block is gone would not be found again. */
	int more = trim_chunks(cursor, stream, floor, *left * TRIM_CHUNKS_PER_BLOCK);
	if (more != 0) {
		mdb_cursor_close(cursor);
		return more < 0 ? more : 0;
	}
	stream->trim_floor_next_ = floor;
	for (;;) {
		struct tg_store_key from = tg_key_block(stream->number, 0);
		MDB_val k = tg_val(from.at, from.bytes), v;
		int rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
		bool had = false;

		if (rc == MDB_NOTFOUND || (rc == 0 && !is_block_of(stream, k))) {
			stream->trim_first_next_ = 0;
			break;
		}
		err = tg_store_err(rc);
		if (err < 0)
			break;
		stream->trim_first_next_ = tg_load_be64((const uint8_t *)k.mv_data + 5);
		if (block_is_had(v, floor, &had) < 0)
			had = damaged_end(txn, box->dbi_, stream, k) - 1 <= floor;
		if (!had)
			break;
		if ((*left)-- == 0) {
			stream->trim_floor_next_ = stream->trimmed_floor_; /* more next time */
			*left = 0;
			break;
		}
		err = tg_store_err(tg_store_drop_at(cursor));
		if (err < 0)
			break;
	}
	mdb_cursor_close(cursor);
	return err;
}

int tg_trim(struct tg_outbox *box, MDB_txn *txn)
{
	uint32_t left = box->full_ ? TRIM_BLOCKS_WHEN_FULL : TRIM_BLOCKS_MAX;

	for (uint32_t i = 0; i < box->stream_count_; i++) {
		struct tg_stream *stream = &box->streams_[i];

		stream->trim_first_next_ = stream->first_block;
		stream->trim_floor_next_ = stream->trimmed_floor_;
		if (!wants_trim(box, stream) || left == 0)
			continue;
		int err = trim_stream(box, txn, stream, &left);
		if (err < 0)
			return err;
	}
	return 0;
}

/* A block that is still appended to, but was delivered and deleted as a whole, begins anew. */
static void restart_open_block(struct tg_outbox *box, struct tg_stream_open *open)
{
	struct tg_block *block = open->block;

	if (block == NULL || box->block_state_[block - box->blocks_] != TG_BLOCK_SLOT_CLEAN)
		return;
	uint64_t end = block->first_seq + block->count;
	bool gone = open->stream->trim_first_next_ == 0 || open->stream->trim_first_next_ >= end;
	if (block->count > 0 && end <= open->stream->durable_next && gone)
		tg_block_start(block, open->row.number, open->stream->next_seq);
}

void tg_trim_committed(struct tg_outbox *box)
{
	for (uint32_t i = 0; i < CONFIG_TG_SOURCES_MAX; i++)
		if (box->open_[i].stream != NULL && box->open_[i].stream->first_block != 0)
			restart_open_block(box, &box->open_[i]);
	for (uint32_t i = 0; i < box->stream_count_; i++) {
		box->streams_[i].first_block = box->streams_[i].trim_first_next_;
		box->streams_[i].trimmed_floor_ = box->streams_[i].trim_floor_next_;
	}
}
