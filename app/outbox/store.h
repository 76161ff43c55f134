/* store.h - how the outbox lies in LMDB: keys, small rows, errors by our names. Private to
 * app/outbox.
 *
 * One unnamed database, so that a commit touches as few B-tree pages as it can. The first byte of a
 * key is its kind:
 *
 *      'M'                      format, instance, machine binding
 *      'S' stream4              a stream's row and its bookmark
 *      'B' stream4 first8       a block of records
 *      'L' stream4 seq8 part2   a chunk of a large body
 *      'I' stream4 page4        a page of a stream's index
 *      'K' sink2                a sink's row, its in-flight row included
 *      'P' sink2 stream4        how far a sink has a stream
 *      'R' sink2 scope4         a sink's receipt
 *      'Q' id8                  a quarantined item;  'q' id8 part2: a chunk of its body
 *      'D' digest4 id8          leads to that item from what makes it the same as another
 *
 * Numbers in keys are big-endian. Small rows (M S K P R Q D) begin with a CRC32C over key and
 * content: LMDB's pages have no checksum.
 */
#ifndef TG_APP_OUTBOX_STORE_H
#define TG_APP_OUTBOX_STORE_H

#include <lmdb.h>

#include "app/outbox/outbox.h"
#include "app/pack.h"

enum {
	TG_PAGE_BYTES = 4096,
	/* Beyond the cap: room to set one refused record aside, so that what stands behind it can
	 * be delivered, and what deleting needs (64 pages were measured to do). */
	TG_ASIDE_PAGES = CONFIG_TG_DOC_BYTES_MAX / TG_PAGE_BYTES + 64,
	TG_RESERVE_PAGES = TG_ASIDE_PAGES + 256,
	TG_CHUNK_BYTES = 65520, /* a large body's chunk: 16 pages less LMDB's header */
	TG_ROW_BYTES_MAX = TG_BOOKMARK_BYTES_MAX + 2048,
};

struct tg_store_key {
	uint8_t at[20];
	size_t bytes;
};

struct tg_store_key tg_key_meta(void);
struct tg_store_key tg_key_stream(uint32_t stream);
struct tg_store_key tg_key_block(uint32_t stream, uint64_t first_seq);
struct tg_store_key tg_key_chunk(uint32_t stream, uint64_t seq, uint32_t part);
struct tg_store_key tg_key_page(uint32_t stream, uint32_t page);
struct tg_store_key tg_key_sink(uint32_t sink);
struct tg_store_key tg_key_position(uint32_t sink, uint32_t stream);
struct tg_store_key tg_key_receipt(uint32_t sink, uint32_t scope);
struct tg_store_key tg_key_aside(uint64_t id);
struct tg_store_key tg_key_aside_chunk(uint64_t id, uint32_t part);
struct tg_store_key tg_key_aside_digest(uint32_t digest, uint64_t id);

/* LMDB's or errno's code as ours: 0, MISSING, FULL, NOSPC, IO, DAMAGED, LIMIT, ACCESS, NEWER. */
int tg_store_err(int rc);

static inline MDB_val tg_val(const void *at, size_t bytes)
{
	return (MDB_val){ .mv_size = bytes, .mv_data = (void *)(uintptr_t)at };
}

/* A transaction of the outbox' environment; an environment that panicked is opened anew first. */
int tg_store_write_begin(struct tg_outbox *box, MDB_txn **txn);
/* The renewed read transaction; end it with tg_store_read_end before any wait. */
int tg_store_read_begin(struct tg_outbox *box, MDB_txn **txn);
void tg_store_read_end(struct tg_outbox *box);
/* Told of each value read in such a transaction, so that we know where the map lies. */
void tg_store_touched(struct tg_outbox *box, const MDB_txn *txn, MDB_val value);
/* Up to `bytes` more of the map may have become ours. Pages of files count so until the kernel is
 * short of memory: behind TG_STORE_MAPPED_BYTES we look how many there are, and behind as many
 * they are given back. Pointers into the map stay good: whoever looks there again has it from the
 * page cache, or from the disk. */
void tg_store_mapped(struct tg_outbox *box, size_t bytes);
int tg_store_env_open(struct tg_outbox *box);
/* Makes the names in the store's folder durable: LMDB syncs what is in a new file, not its name,
 * and a power cut would take the whole store with what it vouches for. */
int tg_store_sync_names(const struct tg_outbox *box);
void tg_store_env_close(struct tg_outbox *box);

/* All return 0 or a tg_err. */
int tg_store_put(struct tg_outbox *box, MDB_txn *txn, const struct tg_store_key *key,
		 struct tg_view value);
int tg_store_get(struct tg_outbox *box, MDB_txn *txn, const struct tg_store_key *key,
		 struct tg_view *value);
int tg_store_drop(struct tg_outbox *box, MDB_txn *txn, const struct tg_store_key *key);
/* Room for value->mv_size bytes under `key`, to be filled before anything else is written. */
int tg_store_reserve(struct tg_outbox *box, MDB_txn *txn, const struct tg_store_key *key,
		     MDB_val *value);
/* Deletes where the cursor stands; an LMDB code. */
int tg_store_drop_at(MDB_cursor *cursor);
/* Whether the head of a large value's pages is what its size makes it. LMDB believes that head: a
 * wrong count would give pages back that others use. The calls above look before they replace or
 * delete, and return DAMAGED. */
bool tg_store_is_whole(MDB_val key, MDB_val value);

/* Small rows: `row` is what stands behind the checksum. */
int tg_row_put(struct tg_outbox *box, MDB_txn *txn, const struct tg_store_key *key,
	       struct tg_view row);
int tg_row_get(struct tg_outbox *box, MDB_txn *txn, const struct tg_store_key *key,
	       struct tg_view *row);
/* The content of a small row's value, checked; an empty view with at == NULL when it fails. */
struct tg_view tg_row_content(struct tg_view key, struct tg_view value);

/* Visits the rows whose keys begin with the byte `kind` and, when `owner_bytes` > 0, with `owner`
 * behind it. */
struct tg_store_walk {
	MDB_cursor *cursor;
	uint8_t prefix[8];
	struct tg_view from; /* not empty: the key to begin at */
	size_t prefix_bytes;
	bool started;
	struct tg_view key, value;
};
int tg_store_walk_begin(struct tg_outbox *box, MDB_txn *txn, uint8_t kind,
			struct tg_store_walk *walk);
/* 1 with key and value, 0 at the end, or an error. */
int tg_store_walk_next(struct tg_store_walk *walk);
void tg_store_walk_end(struct tg_store_walk *walk);

/* --- pieces of the outbox that its files share --- */

int tg_streams_load(struct tg_outbox *box, MDB_txn *txn);
int tg_stream_row_put(struct tg_outbox *box, MDB_txn *txn, const struct tg_stream_open *open);
/* `bookmark` may be NULL. */
int tg_stream_row_read(struct tg_view content, struct tg_stream_row *row, struct tg_view *bookmark);
int tg_sinks_load(struct tg_outbox *box, MDB_txn *txn);
int tg_sinks_put(struct tg_outbox *box, MDB_txn *txn);
void tg_sinks_committed(struct tg_outbox *box);
bool tg_sinks_pending(const struct tg_outbox *box);
int tg_sink_row_read(struct tg_view content, struct tg_sink_row *row);
int tg_aside_row_read(struct tg_view content, struct tg_aside *aside);
/* Up to where every sink that wants `stream` has it. */
uint64_t tg_stream_floor(const struct tg_outbox *box, const struct tg_stream *stream);
/* Deletes whole blocks that every sink has, a bounded number. */
int tg_trim(struct tg_outbox *box, MDB_txn *txn);
void tg_trim_committed(struct tg_outbox *box);
bool tg_trim_wanted(const struct tg_outbox *box);
/* A body in chunks, of a record or of a quarantined item. `body->bytes` says how long it is to be;
 * read back it lies in the large buffer until the next outbox call. */
int tg_chunks_put(struct tg_outbox *box, MDB_txn *txn, struct tg_store_key first,
		  struct tg_view body);
int tg_chunks_get(struct tg_outbox *box, MDB_txn *txn, struct tg_store_key first,
		  struct tg_view *body);
/* Whether a value of `bytes` may be written now that is no record: it leaves alone what deleting
 * needs. */
bool tg_store_room_aside(struct tg_outbox *box, size_t bytes);
/* The block slots whose stream is `stream`, clean and no longer appended to, become free. */
void tg_block_slots_free(struct tg_outbox *box, const struct tg_block *keep);

/* lock.c */
int tg_lock_take(struct tg_outbox *box, struct tg_why *why);
void tg_lock_release(struct tg_outbox *box, bool clean);

#endif
