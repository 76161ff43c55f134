#include "app/outbox/store.h"

#include <errno.h>

#include "app/crc32c.h"
#include "platform/assert.h"

static struct tg_store_key key_of(uint8_t kind)
{
	struct tg_store_key key = { .bytes = 1 };

	key.at[0] = kind;
	return key;
}

static void add16(struct tg_store_key *key, uint32_t value)
{
	key->at[key->bytes] = (uint8_t)(value >> 8);
	key->at[key->bytes + 1] = (uint8_t)value;
	key->bytes += 2;
}

static void add32(struct tg_store_key *key, uint32_t value)
{
	tg_store_be32(key->at + key->bytes, value);
	key->bytes += 4;
}

static void add64(struct tg_store_key *key, uint64_t value)
{
	tg_store_be64(key->at + key->bytes, value);
	key->bytes += 8;
}

struct tg_store_key tg_key_meta(void)
{
	return key_of('M');
}

struct tg_store_key tg_key_stream(uint32_t stream)
{
	struct tg_store_key key = key_of('S');

	add32(&key, stream);
	return key;
}

struct tg_store_key tg_key_block(uint32_t stream, uint64_t first_seq)
{
	struct tg_store_key key = key_of('B');

	add32(&key, stream);
	add64(&key, first_seq);
	return key;
}

struct tg_store_key tg_key_chunk(uint32_t stream, uint64_t seq, uint32_t part)
{
	struct tg_store_key key = key_of('L');

	add32(&key, stream);
	add64(&key, seq);
	add16(&key, part);
	return key;
}

struct tg_store_key tg_key_page(uint32_t stream, uint32_t page)
{
	struct tg_store_key key = key_of('I');

	add32(&key, stream);
	add32(&key, page);
	return key;
}

struct tg_store_key tg_key_sink(uint32_t sink)
{
	struct tg_store_key key = key_of('K');

	add16(&key, sink);
	return key;
}

struct tg_store_key tg_key_position(uint32_t sink, uint32_t stream)
{
	struct tg_store_key key = key_of('P');

	add16(&key, sink);
	add32(&key, stream);
	return key;
}

struct tg_store_key tg_key_receipt(uint32_t sink, uint32_t scope)
{
	struct tg_store_key key = key_of('R');

	add16(&key, sink);
	add32(&key, scope);
	return key;
}

struct tg_store_key tg_key_aside(uint64_t id)
{
	struct tg_store_key key = key_of('Q');

	add64(&key, id);
	return key;
}

struct tg_store_key tg_key_aside_chunk(uint64_t id, uint32_t part)
{
	struct tg_store_key key = key_of('q');

	add64(&key, id);
	add16(&key, part);
	return key;
}

struct tg_store_key tg_key_aside_digest(uint32_t digest, uint64_t id)
{
	struct tg_store_key key = key_of('D');

	add32(&key, digest);
	add64(&key, id);
	return key;
}

int tg_store_err(int rc)
{
	switch (rc) {
	case 0:
		return 0;
	case MDB_NOTFOUND:
		return TG_ERR_MISSING;
	case MDB_MAP_FULL:
		return TG_ERR_FULL;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INVALID:
	case MDB_BAD_TXN:
		return TG_ERR_DAMAGED;
	case MDB_VERSION_MISMATCH:
		return TG_ERR_NEWER;
	case MDB_TXN_FULL:
	case MDB_READERS_FULL:
	case ENOMEM:
		return TG_ERR_LIMIT;
	case ENOSPC:
	case EDQUOT:
		return TG_ERR_NOSPC;
	case EACCES:
	case EPERM:
	case EROFS:
		return TG_ERR_ACCESS;
	default: /* EIO is also what LMDB makes of a short write on a full disk */
		return TG_ERR_IO;
	}
}

/* LMDB's head of a page, in front of a value that has pages of its own: number, pad 2, flags 2,
 * count of pages 4. A node larger than this has them: two must fit into a leaf page. */
enum {
	HEAD_BYTES = sizeof(size_t) + 8,
	NODE_HEAD_BYTES = 8,
	NODE_BYTES_MAX = (((TG_PAGE_BYTES - HEAD_BYTES) / 2) & ~1) - 2,
	PAGE_OVERFLOW = 0x04,
	PAGE_DIRTY = 0x10,
};

bool tg_store_is_whole(MDB_val key, MDB_val value)
{
	if (NODE_HEAD_BYTES + key.mv_size + value.mv_size <= NODE_BYTES_MAX)
		return true;
	const uint8_t *head = (const uint8_t *)value.mv_data - HEAD_BYTES;
	uint32_t flags = tg_load_u16(head + sizeof(size_t) + 2);
	uint32_t pages = tg_load_u32(head + sizeof(size_t) + 4);

	return (flags & ~(uint32_t)PAGE_DIRTY) == PAGE_OVERFLOW &&
	       pages == (HEAD_BYTES + value.mv_size + TG_PAGE_BYTES - 1) / TG_PAGE_BYTES;
}

/* What stands under `key` may be given back to LMDB. */
static int may_go(struct tg_outbox *box, MDB_txn *txn, MDB_val key)
{
	MDB_val value;
	int rc = mdb_get(txn, box->dbi_, &key, &value);

	if (rc == MDB_NOTFOUND)
		return 0;
	if (rc == 0 && !tg_store_is_whole(key, value))
		return TG_ERR_DAMAGED;
	return tg_store_err(rc);
}

int tg_store_reserve(struct tg_outbox *box, MDB_txn *txn, const struct tg_store_key *key,
		     MDB_val *value)
{
	MDB_val k = tg_val(key->at, key->bytes);
	int err = may_go(box, txn, k);

	return err < 0 ? err : tg_store_err(mdb_put(txn, box->dbi_, &k, value, MDB_RESERVE));
}

int tg_store_put(struct tg_outbox *box, MDB_txn *txn, const struct tg_store_key *key,
		 struct tg_view value)
{
	MDB_val v = { .mv_size = value.bytes };
	int err = tg_store_reserve(box, txn, key, &v);

	if (err == 0 && value.bytes != 0)
		memcpy(v.mv_data, value.at, value.bytes);
	return err;
}

int tg_store_drop_at(MDB_cursor *cursor)
{
	MDB_val k, v;
	int rc = mdb_cursor_get(cursor, &k, &v, MDB_GET_CURRENT);

	if (rc == 0 && !tg_store_is_whole(k, v))
		return MDB_CORRUPTED;
	return rc != 0 ? rc : mdb_cursor_del(cursor, 0);
}

int tg_store_get(struct tg_outbox *box, MDB_txn *txn, const struct tg_store_key *key,
		 struct tg_view *value)
{
	MDB_val k = tg_val(key->at, key->bytes);
	MDB_val v;
	int err = tg_store_err(mdb_get(txn, box->dbi_, &k, &v));

	if (err == 0) {
		*value = tg_view_of(v.mv_data, v.mv_size);
		tg_store_touched(box, txn, v);
	}
	return err;
}

int tg_store_drop(struct tg_outbox *box, MDB_txn *txn, const struct tg_store_key *key)
{
	MDB_val k = tg_val(key->at, key->bytes);
	int err = may_go(box, txn, k);

	return err < 0 ? err : tg_store_err(mdb_del(txn, box->dbi_, &k, NULL));
}

static uint32_t row_crc(struct tg_view key, const void *row, size_t bytes)
{
	return tg_crc32c(tg_crc32c(0, key.at, key.bytes), row, bytes);
}

int tg_row_put(struct tg_outbox *box, MDB_txn *txn, const struct tg_store_key *key,
	       struct tg_view row)
{
	MDB_val v = { .mv_size = row.bytes + 4 };
	int err = tg_store_reserve(box, txn, key, &v);

	if (err < 0)
		return err;
	uint8_t *at = v.mv_data;
	tg_store_u32(at, row_crc(tg_view_of(key->at, key->bytes), row.at, row.bytes));
	if (row.bytes != 0)
		memcpy(at + 4, row.at, row.bytes);
	return 0;
}

struct tg_view tg_row_content(struct tg_view key, struct tg_view value)
{
	if (value.bytes < 4 || tg_load_u32(value.at) != row_crc(key, value.at + 4, value.bytes - 4))
		return tg_view_of(NULL, 0);
	return tg_view_of(value.at + 4, value.bytes - 4);
}

int tg_row_get(struct tg_outbox *box, MDB_txn *txn, const struct tg_store_key *key,
	       struct tg_view *row)
{
	struct tg_view value;
	int err = tg_store_get(box, txn, key, &value);

	if (err < 0)
		return err;
	*row = tg_row_content(tg_view_of(key->at, key->bytes), value);
	return row->at != NULL ? 0 : TG_ERR_DAMAGED;
}

int tg_store_walk_begin(struct tg_outbox *box, MDB_txn *txn, uint8_t kind,
			struct tg_store_walk *walk)
{
	memset(walk, 0, sizeof(*walk));
	walk->prefix[0] = kind;
	walk->prefix_bytes = 1;
	return tg_store_err(mdb_cursor_open(txn, box->dbi_, &walk->cursor));
}

int tg_store_walk_next(struct tg_store_walk *walk)
{
	MDB_val k = walk->from.bytes != 0 ? tg_val(walk->from.at, walk->from.bytes)
					  : tg_val(walk->prefix, walk->prefix_bytes);
	MDB_val v;
	int rc = mdb_cursor_get(walk->cursor, &k, &v, walk->started ? MDB_NEXT : MDB_SET_RANGE);

	walk->started = true;
	if (rc == MDB_NOTFOUND)
		return 0;
	if (rc != 0)
		return tg_store_err(rc);
	if (k.mv_size < walk->prefix_bytes ||
	    memcmp(k.mv_data, walk->prefix, walk->prefix_bytes) != 0)
		return 0;
	walk->key = tg_view_of(k.mv_data, k.mv_size);
	walk->value = tg_view_of(v.mv_data, v.mv_size);
	return 1;
}

void tg_store_walk_end(struct tg_store_walk *walk)
{
	if (walk->cursor != NULL)
		mdb_cursor_close(walk->cursor);
	walk->cursor = NULL;
}

/* Chunk `part` of the body whose first chunk has the key `first`. */
static struct tg_store_key chunk_key(const struct tg_store_key *first, uint32_t part)
{
	struct tg_store_key key = *first;

	key.at[key.bytes - 2] = (uint8_t)(part >> 8);
	key.at[key.bytes - 1] = (uint8_t)part;
	return key;
}

int tg_chunks_put(struct tg_outbox *box, MDB_txn *txn, struct tg_store_key first,
		  struct tg_view body)
{
	uint32_t part = 0;

	for (size_t at = 0; at < body.bytes; at += TG_CHUNK_BYTES) {
		size_t bytes = body.bytes - at < TG_CHUNK_BYTES ? body.bytes - at : TG_CHUNK_BYTES;
		struct tg_store_key key = chunk_key(&first, part++);
		int err = tg_store_put(box, txn, &key, tg_view_of(body.at + at, bytes));

		if (err < 0)
			return err;
	}
	return 0;
}

int tg_chunks_get(struct tg_outbox *box, MDB_txn *txn, struct tg_store_key first,
		  struct tg_view *body)
{
	size_t bytes = body->bytes;

	if (bytes > CONFIG_TG_DOC_BYTES_MAX)
		return TG_ERR_LIMIT;
	size_t used = 0;

	for (uint32_t part = 0; used < bytes; part++) {
		struct tg_store_key key = chunk_key(&first, part);
		struct tg_view chunk = { .at = NULL };
		int err = tg_store_get(box, txn, &key, &chunk);

		if (err < 0)
			return err == TG_ERR_MISSING ? TG_ERR_DAMAGED : err;
		if (chunk.bytes == 0 || chunk.bytes > bytes - used)
			return TG_ERR_DAMAGED;
		memcpy(box->large_ + used, chunk.at, chunk.bytes);
		used += chunk.bytes;
	}
	*body = tg_view_of(box->large_, used);
	return 0;
}
