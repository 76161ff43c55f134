#include "app/outbox/mend.h"

#include "app/outbox/index_tree.h"
#include "app/outbox/store.h"
#include "platform/assert.h"
#include "platform/log.h"

enum { HEADER = TG_INDEX_PAGE_HEADER_BYTES, TREE_BITS = 30, PHASES = TG_INDEX_YOUNG + 1 };

static void forget_tree(struct tg_index_root *root)
{
	*root = (struct tg_index_root){ .next_page = root->next_page };
}

void tg_outbox_mend_begin(struct tg_outbox *box, struct tg_stream_open *open)
{
	struct tg_stream_row *row = &open->row;

	tg_index_forget(&box->index_cache_, row->number);
	if (!(row->flags & TG_STREAM_REINDEX))
		row->mend_left = 0;
	row->mend_left += row->index.entries;
	row->mend_below = row->index.next_page;
	forget_tree(&row->index);
	for (uint32_t i = 0; i < TG_INDEX_YOUNG; i++) {
		row->mend_left += row->young[i].entries;
		forget_tree(&row->young[i]);
	}
	open->index.folding_ = 0;
	row->flags |= TG_STREAM_FULL_PASS | TG_STREAM_REINDEX;
	/* FORGET stays: it says what to make of MISSING keys. */
	row->flags &= ~(uint32_t)(TG_STREAM_SWEEP | TG_STREAM_BEGUN);
	row->after_bytes = 0;
	open->bookmark_bytes = 0;
	open->mend_phase_ = 0;
	open->mend_next_ = 0;
	open->dirty = true;
}

/* The pages of the tree come first, then those of the oldest young one: what is put later is newer.
 * Page numbers name their tree in the highest bits (index_tree.h). */
static uint32_t first_of(const struct tg_stream_open *open)
{
	uint32_t tree = open->mend_phase_ == 0 ? 0 : PHASES - open->mend_phase_;

	return tree << TREE_BITS | open->mend_next_;
}

static uint32_t last_of(const struct tg_stream_open *open)
{
	if (open->mend_phase_ == 0)
		return open->row.mend_below;
	return first_of(open) | ((UINT32_C(1) << TREE_BITS) - 1);
}

/* The next old page of the phase: 1 with its number, 0 when there is none. */
static int next_page(struct tg_outbox *box, const struct tg_stream_open *open, uint32_t *page)
{
	struct tg_store_key first = tg_key_page(open->row.number, first_of(open));
	struct tg_store_walk walk;
	MDB_txn *txn;
	int err = tg_store_read_begin(box, &txn);

	if (err < 0)
		return err;
	int got = tg_store_walk_begin(box, txn, 'I', &walk);
	memcpy(walk.prefix, first.at, 5);
	walk.prefix_bytes = 5;
	walk.from = tg_view_of(first.at, first.bytes);
	if (got == 0)
		got = tg_store_walk_next(&walk);
	if (got > 0 && walk.key.bytes != first.bytes)
		got = TG_ERR_DAMAGED;
	if (got > 0)
		*page = tg_load_be32(walk.key.at + 5);
	tg_store_walk_end(&walk);
	tg_store_read_end(box);
	return got > 0 ? *page <= last_of(open) : got;
}

/* A page that cannot be read goes by itself: nothing hangs on it. */
static int drop_unread(struct tg_outbox *box, uint32_t stream, uint32_t page)
{
	struct tg_store_key key = tg_key_page(stream, page);
	MDB_txn *txn;
	int err = tg_store_write_begin(box, &txn);

	if (err < 0)
		return err;
	err = tg_store_drop(box, txn, &key);
	if (err < 0)
		mdb_txn_abort(txn);
	else
		err = tg_store_err(mdb_txn_commit(txn));
	return err == TG_ERR_MISSING ? 0 : err;
}

/* Puts what the leaf `bytes` holds into the new tree; doing it twice changes nothing. */
static int put_entries(struct tg_outbox *box, struct tg_stream_open *open, const uint8_t *bytes)
{
	struct tg_index tree = { .cache = &box->index_cache_,
				 .root = &open->row.index,
				 .stream = open->row.number,
				 .compare = open->index.compare };
	uint64_t seq = tg_index_page_base(bytes);
	uint32_t drops = open->row.flags & TG_STREAM_FORGET ? TG_INDEX_MISSING : 0;
	struct tg_index_entry entry;
	struct tg_index_cell cell;
	int err = 0;

	for (uint32_t at = HEADER; err == 0 && at < tg_index_page_used(bytes); at = cell.end) {
		tg_index_leaf_read(bytes, at, seq, &cell);
		seq = cell.seq;
		tg_index_cell_out(&cell, &entry);
		if (!(entry.flags & drops))
			err = tg_index_tree_put(&tree, &entry);
	}
	return err;
}

/* The old leaf's entries are in the new tree, it is deleted with their commit. */
static int take_leaf(struct tg_outbox *box, struct tg_stream_open *open, uint32_t number)
{
	struct tg_index_wanted wanted = { open->row.number, number, 0 };
	struct tg_index_page *page;
	uint8_t *copy = box->large_; /* the cache may give the leaf's place to another page */
	int err = tg_index_cache_get(&box->index_cache_, wanted, &page);

	if (err != 0)
		return err;
	memcpy(copy, page->bytes, TG_INDEX_PAGE_BYTES);
	err = put_entries(box, open, copy);
	if (err == TG_ERR_DAMAGED)
		return TG_ERR_PROTOCOL; /* not of the old leaf: of the new tree */
	if (err == 0)
		err = tg_index_cache_get(&box->index_cache_, wanted, &page);
	if (err != 0)
		return err;
	uint64_t count = tg_index_page_count(copy);
	open->row.mend_left -= count < open->row.mend_left ? count : open->row.mend_left;
	tg_index_cache_drop(&box->index_cache_, page);
	open->dirty = true;
	return 0;
}

static int take_page(struct tg_outbox *box, struct tg_stream_open *open, uint32_t number)
{
	int err = take_leaf(box, open, number);

	if (err == TG_ERR_PROTOCOL)
		return TG_ERR_DAMAGED;
	if (err == TG_ERR_DAMAGED) { /* an inner page, or one that cannot be read */
		struct tg_index_wanted inner = { open->row.number, number, 1 };
		struct tg_index_page *page;

		err = tg_index_cache_get(&box->index_cache_, inner, &page);
		if (err == 0)
			tg_index_cache_drop(&box->index_cache_, page);
		else if (err == TG_ERR_DAMAGED)
			err = drop_unread(box, open->row.number, number);
		box->unsound_ = box->unsound_ || err == TG_ERR_DAMAGED;
	}
	if (err == 0)
		open->mend_next_ = (number & ((UINT32_C(1) << TREE_BITS) - 1)) + 1;
	return err;
}

static void end(struct tg_stream_open *open, uint64_t *forgotten)
{
	struct tg_stream_row *row = &open->row;

	*forgotten = row->mend_left;
	row->forgotten_count += row->mend_left;
	row->mend_left = row->mend_below = 0;
	row->flags &= ~(uint32_t)(TG_STREAM_REINDEX | TG_STREAM_FORGET);
	open->dirty = true;
	TG_LOG_ERR("outbox.index_mended",
		   "stream=%u kept=%llu forgotten=%llu action=full_pass why=\"what was deleted in "
		   "the source of the forgotten keys stays at the targets\"",
		   row->number, (unsigned long long)row->index.entries,
		   (unsigned long long)*forgotten);
}

int tg_outbox_mend(struct tg_outbox *box, struct tg_stream_open *open, uint64_t *forgotten)
{
	uint32_t page = 0;
	int got = next_page(box, open, &page);

	TG_ASSERT(open->row.flags & TG_STREAM_REINDEX);
	if (got == TG_ERR_DAMAGED)
		box->unsound_ = true;
	if (got < 0)
		return got;
	if (got > 0) {
		int err = take_page(box, open, page);
		return err < 0 ? err : TG_ERR_AGAIN;
	}
	open->mend_next_ = 0;
	if (++open->mend_phase_ < PHASES)
		return TG_ERR_AGAIN;
	end(open, forgotten);
	return 0;
}
