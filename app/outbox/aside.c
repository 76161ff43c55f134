#include "app/crc32c.h"
#include "app/outbox/store.h"
#include "platform/assert.h"

/* A body up to here lies in the item's own row, a longer one in chunks beside it. */
enum { ROW_VERSION = 1, INLINE_BYTES_MAX = 4096 };

static void write_item(struct tg_writer *writer, const struct tg_aside *aside)
{
	tg_write_u8(writer, ROW_VERSION);
	tg_write_u8(writer, aside->kind);
	tg_write_u32(writer, aside->stream);
	tg_write_u16(writer, aside->sink);
	tg_write_u64(writer, aside->seq);
	tg_write_u8(writer, aside->op);
	tg_write_u32(writer, aside->flags);
	tg_write_u32(writer, aside->key_at);
	tg_write_u32(writer, aside->key_bytes);
	tg_write_u64(writer, aside->hash);
	tg_write_u64(writer, aside->body_bytes);
	tg_write_u64(writer, (uint64_t)aside->time_ms);
	tg_write_u64(writer, (uint64_t)aside->since_ms);
	tg_write_u8(writer, (uint32_t)aside->replay | (uint32_t)aside->salvaged << 1);
	tg_write_view(writer, tg_view_str(aside->reason));
	tg_write_u64(writer, aside->body.bytes);
	if (aside->body.bytes <= INLINE_BYTES_MAX)
		tg_write_bytes(writer, aside->body.at, aside->body.bytes);
	tg_write_u32(writer, aside->body_crc);
}

int tg_aside_row_read(struct tg_view content, struct tg_aside *aside)
{
	struct tg_reader reader = tg_reader_of(content);

	if (tg_read_u8(&reader) != ROW_VERSION)
		return TG_ERR_DAMAGED;
	aside->kind = (enum tg_aside_kind)tg_read_u8(&reader);
	aside->stream = tg_read_u32(&reader);
	aside->sink = (uint16_t)tg_read_u16(&reader);
	aside->seq = tg_read_u64(&reader);
	aside->op = (enum tg_op)tg_read_u8(&reader);
	aside->flags = tg_read_u32(&reader);
	aside->key_at = tg_read_u32(&reader);
	aside->key_bytes = tg_read_u32(&reader);
	aside->hash = tg_read_u64(&reader);
	aside->body_bytes = tg_read_u64(&reader);
	aside->time_ms = (int64_t)tg_read_u64(&reader);
	aside->since_ms = (int64_t)tg_read_u64(&reader);
	uint32_t state = tg_read_u8(&reader);
	aside->replay = state & 1;
	aside->salvaged = (state & 2) != 0;
	tg_read_text(&reader, aside->reason, sizeof(aside->reason));
	uint64_t bytes = tg_read_u64(&reader);
	const uint8_t *at = bytes <= INLINE_BYTES_MAX ? tg_read_room(&reader, (size_t)bytes) : NULL;
	aside->body = tg_view_of(at, (size_t)bytes);
	aside->body_crc = tg_read_u32(&reader);
	return reader.ran_dry ? TG_ERR_DAMAGED : 0;
}

static int put_item(struct tg_outbox *box, MDB_txn *txn, const struct tg_aside *aside)
{
	uint8_t bytes[INLINE_BYTES_MAX + 512];
	struct tg_writer writer = { .at = bytes, .cap = sizeof(bytes) };
	struct tg_store_key key = tg_key_aside(aside->id);

	write_item(&writer, aside);
	TG_ASSERT(!writer.overran);
	return tg_row_put(box, txn, &key, tg_view_of(bytes, writer.used));
}

static int drop_chunks(struct tg_outbox *box, MDB_txn *txn, uint64_t id)
{
	for (uint32_t part = 0; part <= UINT16_MAX; part++) {
		struct tg_store_key key = tg_key_aside_chunk(id, part);
		int err = tg_store_drop(box, txn, &key);

		if (err == TG_ERR_MISSING)
			return 0;
		if (err < 0)
			return err;
	}
	return 0;
}

static int find_next_id(struct tg_outbox *box, MDB_txn *txn)
{
	struct tg_store_key end = tg_key_aside(UINT64_MAX);
	MDB_val k = tg_val(end.at, end.bytes), v;
	MDB_cursor *cursor;
	int rc = mdb_cursor_open(txn, box->dbi_, &cursor);

	if (rc != 0)
		return tg_store_err(rc);
	rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
	rc = mdb_cursor_get(cursor, &k, &v, rc == 0 ? MDB_PREV : MDB_LAST);
	box->next_aside_ = 1;
	if (rc == 0 && k.mv_size == end.bytes && *(const uint8_t *)k.mv_data == 'Q')
		box->next_aside_ = tg_load_be64((const uint8_t *)k.mv_data + 1) + 1;
	mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? 0 : tg_store_err(rc);
}

/* One item for an oversize row's key, one for a sink's refused record. */
static bool is_same(const struct tg_aside *item, const struct tg_aside *aside)
{
	if (item->kind != aside->kind || item->stream != aside->stream)
		return false;
	if (item->kind == TG_ASIDE_REFUSED)
		return item->sink == aside->sink && item->seq == aside->seq;
	return item->body.at != NULL && tg_view_same(item->body, aside->body);
}

/* Two items that are the same have the same digest; two others seldom do. */
static uint32_t digest_of(const struct tg_aside *aside)
{
	uint8_t head[16] = { (uint8_t)aside->kind };
	bool refused = aside->kind == TG_ASIDE_REFUSED;

	tg_store_u32(head + 1, aside->stream);
	tg_store_u16(head + 5, refused ? aside->sink : 0);
	tg_store_u64(head + 7, refused ? aside->seq : 0);
	uint32_t digest = tg_crc32c(0, head, sizeof(head));
	return refused ? digest : tg_crc32c(digest, aside->body.at, aside->body.bytes);
}

/* Whether the item that `id` names holds this. A digest that leads nowhere does no harm. */
static bool holds(struct tg_outbox *box, MDB_txn *txn, uint64_t id, const struct tg_aside *aside)
{
	struct tg_store_key key = tg_key_aside(id);
	struct tg_view content;
	struct tg_aside item;

	box->aside_looks_++;
	return tg_row_get(box, txn, &key, &content) == 0 &&
	       tg_aside_row_read(content, &item) == 0 && is_same(&item, aside);
}

/* The item that already holds this; 0: there is none. */
static uint64_t find_same(struct tg_outbox *box, MDB_txn *txn, const struct tg_aside *aside)
{
	struct tg_store_key prefix = tg_key_aside_digest(digest_of(aside), 0);
	struct tg_store_walk walk;
	uint64_t id = 0;

	if (tg_store_walk_begin(box, txn, 'D', &walk) < 0)
		return 0;
	memcpy(walk.prefix, prefix.at, 5);
	walk.prefix_bytes = 5;
	while (id == 0 && tg_store_walk_next(&walk) > 0) {
		uint64_t there = walk.key.bytes == prefix.bytes ? tg_load_be64(walk.key.at + 5) : 0;
		if (there != 0 && holds(box, txn, there, aside))
			id = there;
	}
	tg_store_walk_end(&walk);
	return id;
}

int tg_outbox_aside_find(struct tg_outbox *box, const struct tg_aside *aside, uint64_t *id)
{
	MDB_txn *txn;
	int err = tg_store_read_begin(box, &txn);

	*id = err == 0 ? find_same(box, txn, aside) : 0;
	tg_store_read_end(box);
	if (err < 0)
		return err;
	return *id != 0 ? 0 : TG_ERR_MISSING;
}

static int put_all(struct tg_outbox *box, MDB_txn *txn, struct tg_aside *aside)
{
	int err = box->next_aside_ == 0 ? find_next_id(box, txn) : 0;

	if (err < 0)
		return err;
	aside->body_crc = tg_crc32c(0, aside->body.at, aside->body.bytes);
	uint64_t same = find_same(box, txn, aside);
	aside->id = same != 0 ? same : box->next_aside_;
	struct tg_store_key digest = tg_key_aside_digest(digest_of(aside), aside->id);
	err = put_item(box, txn, aside);
	if (err == 0)
		err = tg_row_put(box, txn, &digest, tg_view_of(NULL, 0));
	if (err == 0 && aside->body.bytes > INLINE_BYTES_MAX)
		err = tg_chunks_put(box, txn, tg_key_aside_chunk(aside->id, 0), aside->body);
	return err;
}

int tg_outbox_aside_put(struct tg_outbox *box, struct tg_aside *aside, uint64_t mono_ms,
			struct tg_why *why)
{
	MDB_txn *txn;
	int err = tg_store_room_aside(box, aside->body.bytes) ? 0 : TG_ERR_FULL;

	(void)mono_ms;
	if (err == 0)
		err = tg_store_write_begin(box, &txn);
	if (err == 0) {
		err = put_all(box, txn, aside);
		if (err < 0)
			mdb_txn_abort(txn);
		else
			err = tg_store_err(mdb_txn_commit(txn));
	}
	if (err < 0)
		return tg_why_set(why, err, "a record could not be set aside in the store %s (%s)",
				  box->cfg.path, tg_err_name(err));
	if (aside->id == box->next_aside_)
		box->next_aside_++;
	return 0;
}

int tg_outbox_aside_next(struct tg_outbox *box, uint64_t from, struct tg_aside *out)
{
	struct tg_store_walk walk;
	MDB_txn *txn;
	int err = tg_store_read_begin(box, &txn);

	if (err < 0)
		return err;
	err = tg_store_walk_begin(box, txn, 'Q', &walk);
	struct tg_store_key first = tg_key_aside(from);
	walk.from = tg_view_of(first.at, first.bytes);
	int got = err == 0 ? tg_store_walk_next(&walk) : 0;
	if (got > 0) {
		struct tg_view content = tg_row_content(walk.key, walk.value);
		out->id = tg_load_be64(walk.key.at + 1);
		err = content.at != NULL ? tg_aside_row_read(content, out) : TG_ERR_DAMAGED;
	}
	if (err == 0 && got > 0 && out->body.at != NULL) {
		memcpy(box->large_, out->body.at, out->body.bytes);
		out->body.at = box->large_;
	} else if (err == 0 && got > 0) {
		err = tg_chunks_get(box, txn, tg_key_aside_chunk(out->id, 0), &out->body);
	}
	tg_store_walk_end(&walk);
	tg_store_read_end(box);
	if (err < 0)
		return err;
	return got > 0 ? 0 : (got == 0 ? TG_ERR_MISSING : got);
}

static int drop_item(struct tg_outbox *box, MDB_txn *txn, uint64_t id, struct tg_view content)
{
	struct tg_store_key key = tg_key_aside(id);
	struct tg_aside item;
	int err = tg_aside_row_read(content, &item);
	struct tg_store_key digest = tg_key_aside_digest(err == 0 ? digest_of(&item) : 0, id);

	err = tg_store_drop(box, txn, &digest); /* first: `content` lies in the map */
	if (err == 0 || err == TG_ERR_MISSING)
		err = tg_store_drop(box, txn, &key);
	return err == 0 ? drop_chunks(box, txn, id) : err;
}

/* Changes or (replay < 0) drops item `id`, in one transaction with what waits of the sinks: the
 * receipt of the item's own delivery, which must not be committed without it or later. */
static int change_item(struct tg_outbox *box, uint64_t id, int replay)
{
	struct tg_store_key key = tg_key_aside(id);
	struct tg_view content;
	struct tg_aside item;
	MDB_txn *txn;
	int err = tg_store_write_begin(box, &txn);

	if (err < 0)
		return err;
	err = tg_row_get(box, txn, &key, &content);
	if (err == 0 && replay < 0) {
		err = drop_item(box, txn, id, content);
	} else if (err == 0) {
		uint8_t copy[INLINE_BYTES_MAX];

		err = tg_aside_row_read(content, &item);
		if (err == 0 && item.body.at != NULL) {
			memcpy(copy, item.body.at, item.body.bytes);
			item.body.at = copy;
		}
		item.id = id;
		item.replay = replay > 0;
		if (err == 0)
			err = put_item(box, txn, &item);
	}
	if (err == 0)
		err = tg_sinks_put(box, txn);
	if (err < 0) {
		mdb_txn_abort(txn);
		return err;
	}
	err = tg_store_err(mdb_txn_commit(txn));
	if (err == 0)
		tg_sinks_committed(box);
	return err;
}

int tg_outbox_aside_drop(struct tg_outbox *box, uint64_t id)
{
	return change_item(box, id, -1);
}

int tg_outbox_aside_replay(struct tg_outbox *box, uint64_t id, bool replay)
{
	return change_item(box, id, replay ? 1 : 0);
}
