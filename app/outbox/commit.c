#include <sys/statvfs.h>

#include "app/outbox/store.h"
#include "platform/assert.h"
#include "platform/log.h"

/* A disk with less than this is full: a commit writes about as much. */
enum { ROOM_BYTES_MIN = 1 << 20 };

/* A trim meets each block that it drops, as many as a commit adds in the long run; the same again
 * for LMDB's own pages. */
enum { COMMIT_MAPPED_BYTES = 2 * CONFIG_TG_COMMIT_BLOCKS_MAX * 16384 };

bool tg_outbox_pending(const struct tg_outbox *box)
{
	if (box->blocks_dirty_ > 0 || tg_sinks_pending(box) ||
	    tg_index_dirty(&box->index_cache_) > 0)
		return true;
	for (uint32_t i = 0; i < CONFIG_TG_SOURCES_MAX; i++)
		if (box->open_[i].stream != NULL && box->open_[i].dirty)
			return true;
	return false;
}

bool tg_outbox_due(const struct tg_outbox *box, uint64_t mono_ms)
{
	if (box->blocks_dirty_ > box->commit_blocks_ || tg_outbox_must_commit(box) ||
	    tg_index_dirty(&box->index_cache_) * 4 >= (uint32_t)CONFIG_TG_INDEX_PAGES * 3)
		return true;
	return mono_ms - box->last_commit_ms_ >= CONFIG_TG_COMMIT_MS_MAX && tg_outbox_pending(box);
}

bool tg_outbox_full(const struct tg_outbox *box)
{
	return box->full_;
}

static int put_block(struct tg_outbox *box, MDB_txn *txn, const struct tg_block *block)
{
	struct tg_store_key key = tg_key_block(block->stream, block->first_seq);
	MDB_val v = { .mv_size = tg_block_bytes(block) };
	int err = tg_store_reserve(box, txn, &key, &v);

	if (err == 0)
		tg_block_finish(block, v.mv_data);
	return err;
}

static int put_blocks(struct tg_outbox *box, MDB_txn *txn)
{
	for (uint32_t i = 0; i < CONFIG_TG_COMMIT_BLOCKS_MAX; i++) {
		if (box->block_state_[i] != TG_BLOCK_SLOT_DIRTY)
			continue;
		int err = put_block(box, txn, &box->blocks_[i]);
		if (err < 0)
			return err;
	}
	if (box->large_pending_.body.at == NULL)
		return 0;
	return tg_chunks_put(box, txn,
			     tg_key_chunk(box->large_pending_.stream, box->large_pending_.seq, 0),
			     box->large_pending_.body);
}

static int put_index(struct tg_outbox *box, MDB_txn *txn)
{
	tg_index_seal(&box->index_cache_);
	for (uint32_t i = 0; i < box->index_cache_.count; i++) {
		struct tg_index_page *page = &box->index_cache_.pages[i];
		struct tg_store_key key = tg_key_page(page->stream, page->page);
		int err = 0;

		if (page->state == TG_INDEX_PAGE_DIRTY)
			err = tg_store_put(box, txn, &key,
					   tg_view_of(page->bytes, TG_INDEX_PAGE_BYTES));
		else if (page->state == TG_INDEX_PAGE_DROPPED)
			err = tg_store_drop(box, txn, &key);
		if (err < 0 && err != TG_ERR_MISSING)
			return err;
	}
	return 0;
}

/* A changed page goes with its stream's row, which holds the root and the counts. */
static void mark_owners(struct tg_outbox *box)
{
	for (uint32_t i = 0; i < box->index_cache_.count; i++) {
		const struct tg_index_page *page = &box->index_cache_.pages[i];

		if (page->state != TG_INDEX_PAGE_DIRTY && page->state != TG_INDEX_PAGE_DROPPED)
			continue;
		for (uint32_t at = 0; at < CONFIG_TG_SOURCES_MAX; at++)
			if (box->open_[at].stream != NULL &&
			    box->open_[at].row.number == page->stream)
				box->open_[at].dirty = true;
	}
}

static int put_streams(struct tg_outbox *box, MDB_txn *txn)
{
	for (uint32_t i = 0; i < CONFIG_TG_SOURCES_MAX; i++) {
		struct tg_stream_open *open = &box->open_[i];
		if (open->stream == NULL || !open->dirty)
			continue;
		int err = tg_stream_row_put(box, txn, open);
		if (err < 0)
			return err;
	}
	return 0;
}

/* The pages that the freelist holds as of the last commit: each value begins with its count. LMDB
 * shows its freelist to read transactions only; this one is of its own, as a cursor may be open. */
static int count_free(struct tg_outbox *box, uint64_t *pages)
{
	MDB_cursor *cursor;
	MDB_txn *txn;
	MDB_val k, v;
	int rc = mdb_txn_begin(box->env_, NULL, MDB_RDONLY, &txn);

	*pages = 0;
	if (rc != 0)
		return tg_store_err(rc);
	rc = mdb_cursor_open(txn, 0, &cursor);
	if (rc != 0) {
		mdb_txn_abort(txn);
		return tg_store_err(rc);
	}
	while ((rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) == 0) {
		size_t count;
		memcpy(&count, v.mv_data, sizeof(count));
		*pages += count;
	}
	mdb_cursor_close(cursor);
	mdb_txn_abort(txn);
	return rc == MDB_NOTFOUND ? 0 : tg_store_err(rc);
}

static uint64_t pages_needed(const struct tg_outbox *box)
{
	uint64_t pages = 16 + 4 * (uint64_t)box->blocks_dirty_ +
			 2 * (uint64_t)tg_index_dirty(&box->index_cache_);

	return pages + box->large_pending_.body.bytes / TG_PAGE_BYTES + 16;
}

/* Whether `pages` more fit into the first `cap`. The freelist is only counted when the file has
 * grown close to it; somebody who looked and was killed holds its pages no longer then. */
static int check_pages(struct tg_outbox *box, uint64_t pages, uint64_t cap)
{
	MDB_envinfo info;
	uint64_t free_pages = 0;
	int dead;

	mdb_env_info(box->env_, &info);
	uint64_t last = (uint64_t)info.me_last_pgno + 1;
	box->pages_used_ = last;
	if (last + pages <= cap)
		return 0;
	(void)mdb_reader_check(box->env_, &dead);
	int err = count_free(box, &free_pages);
	if (err < 0)
		return err;
	box->pages_used_ = last - free_pages;
	return box->pages_used_ + pages <= cap ? 0 : TG_ERR_FULL;
}

/* Whether what is pending fits under the cap. */
static int check_room(struct tg_outbox *box)
{
	return check_pages(box, pages_needed(box), box->page_cap_);
}

bool tg_store_room_aside(struct tg_outbox *box, size_t bytes)
{
	uint64_t pages = bytes / TG_PAGE_BYTES + 16;

	return box->env_ == NULL ||
	       check_pages(box, pages, box->page_cap_ + TG_ASIDE_PAGES) != TG_ERR_FULL;
}

static int put_records(struct tg_outbox *box, MDB_txn *txn)
{
	int err = check_room(box);

	if (err == 0)
		err = put_blocks(box, txn);
	if (err == 0)
		err = put_index(box, txn);
	if (err == 0)
		err = put_streams(box, txn);
	return err;
}

static int transaction(struct tg_outbox *box, bool with_records)
{
	MDB_txn *txn;
	int err = tg_store_write_begin(box, &txn);

	if (err < 0)
		return err;
	if (with_records)
		err = put_records(box, txn);
	if (err == 0)
		err = tg_sinks_put(box, txn);
	if (err == 0)
		err = tg_trim(box, txn);
	if (err < 0) {
		mdb_txn_abort(txn);
		return err;
	}
	tg_store_mapped(box, COMMIT_MAPPED_BYTES);
	return tg_store_err(mdb_txn_commit(txn));
}

static void streams_committed(struct tg_outbox *box)
{
	for (uint32_t i = 0; i < CONFIG_TG_SOURCES_MAX; i++) {
		struct tg_stream_open *open = &box->open_[i];
		if (open->stream == NULL || !open->dirty)
			continue;
		open->dirty = false;
		open->stream->durable_next = open->stream->next_seq;
	}
}

static bool still_appended(const struct tg_outbox *box, const struct tg_block *block)
{
	for (uint32_t i = 0; i < CONFIG_TG_SOURCES_MAX; i++)
		if (box->open_[i].stream != NULL && box->open_[i].block == block)
			return true;
	return false;
}

static void blocks_committed(struct tg_outbox *box)
{
	for (uint32_t i = 0; i < CONFIG_TG_COMMIT_BLOCKS_MAX; i++) {
		const struct tg_block *block = &box->blocks_[i];
		if (box->block_state_[i] != TG_BLOCK_SLOT_DIRTY)
			continue;
		box->committed_bytes_ += tg_block_bytes(block);
		struct tg_stream *stream = tg_outbox_stream(box, block->stream);
		if (stream->first_block == 0 || block->first_seq < stream->first_block)
			stream->first_block = block->first_seq;
		box->block_state_[i] = still_appended(box, block) ? TG_BLOCK_SLOT_CLEAN
								  : TG_BLOCK_SLOT_FREE;
	}
	box->blocks_dirty_ = 0;
	box->large_pending_.body = tg_view_of(NULL, 0);
}

/* A commit costs two syncs whatever it holds: while they take longer than filling it did, the next
 * one may hold more, up to what the board gives. */
static void grow_commit(struct tg_outbox *box, uint64_t began_ms, uint64_t ended_ms)
{
	uint64_t sync_ms = ended_ms - began_ms;
	uint64_t fill_ms = began_ms - box->last_commit_ms_;

	if (sync_ms > fill_ms && sync_ms > 2 &&
	    box->commit_blocks_ * 2 < CONFIG_TG_COMMIT_BLOCKS_MAX)
		box->commit_blocks_ *= 2;
	else if (sync_ms > fill_ms && sync_ms > 2)
		box->commit_blocks_ = CONFIG_TG_COMMIT_BLOCKS_MAX - CONFIG_TG_SOURCES_MAX - 1;
	else if (sync_ms * 4 < fill_ms && box->commit_blocks_ > CONFIG_TG_COMMIT_BLOCKS_MIN)
		box->commit_blocks_ = CONFIG_TG_COMMIT_BLOCKS_MIN;
}

/* LMDB reports a write that a full disk cut short as EIO. */
static int name_error(const struct tg_outbox *box, int err)
{
	struct statvfs disk;

	if (err != TG_ERR_IO || statvfs(box->cfg.path, &disk) < 0)
		return err;
	return (uint64_t)disk.f_bavail * disk.f_frsize < ROOM_BYTES_MIN ? TG_ERR_NOSPC : err;
}

int tg_outbox_commit(struct tg_outbox *box, uint64_t mono_ms, struct tg_why *why)
{
	if (!tg_outbox_pending(box) && !tg_trim_wanted(box)) {
		box->last_commit_ms_ = mono_ms;
		return 0;
	}
	mark_owners(box);
	int err = transaction(box, true);
	bool records = err == 0;
	int small = err == TG_ERR_FULL ? transaction(box, false) : err;
	box->full_ = err == TG_ERR_FULL;
	if (small == TG_ERR_DAMAGED) {
		box->unsound_ = true;
		return tg_why_set(why, small,
				  "the store %s is damaged; run it again: the start looks at all "
				  "of it, and saves what can be read",
				  box->cfg.path);
	}
	if (small < 0) {
		err = name_error(box, small);
		return tg_why_set(
			why, err,
			"the store %s cannot be written (%s); reading pauses until it can",
			box->cfg.path, tg_err_name(err));
	}
	tg_sinks_committed(box);
	tg_trim_committed(box);
	/* One that found no room is no progress: who waits for that would wait for ever. */
	box->commit_count_ += records;
	if (!records)
		return tg_why_set(
			why, TG_ERR_FULL,
			"the store %s has reached its store.bytes_max of %llu bytes; reading "
			"pauses until deliveries make room",
			box->cfg.path, (unsigned long long)box->cfg.bytes_max);
	blocks_committed(box);
	streams_committed(box);
	tg_index_flushed(&box->index_cache_);
	uint64_t ended_ms = box->cfg.mono_ms();
	grow_commit(box, mono_ms, ended_ms);
	box->last_commit_ms_ = ended_ms;
	return 0;
}
