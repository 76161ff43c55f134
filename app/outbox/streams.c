#include "app/outbox/store.h"
#include "platform/assert.h"
#include "platform/log.h"

/* 1 knew no young trees, not how many pages a tree has, and no mending of an index. */
enum { ROW_VERSION = 2 };

static void write_index_root(struct tg_writer *writer, const struct tg_index_root *root)
{
	tg_write_u32(writer, root->root_page);
	tg_write_u32(writer, root->height);
	tg_write_u32(writer, root->next_page);
	tg_write_u64(writer, root->entries);
	tg_write_u64(writer, root->missing);
	tg_write_u64(writer, root->deleted);
	tg_write_u32(writer, root->pages);
}

static void read_index_root(struct tg_reader *reader, uint8_t version, struct tg_index_root *root)
{
	root->root_page = tg_read_u32(reader);
	root->height = tg_read_u32(reader);
	root->next_page = tg_read_u32(reader);
	root->entries = tg_read_u64(reader);
	root->missing = tg_read_u64(reader);
	root->deleted = tg_read_u64(reader);
	root->pages = version > 1 ? tg_read_u32(reader) : root->next_page;
}

static void write_row(struct tg_writer *writer, const struct tg_stream_row *row)
{
	tg_write_u8(writer, ROW_VERSION);
	tg_write_u32(writer, row->number);
	tg_write_u32(writer, row->flags);
	tg_write_u64(writer, row->next_seq);
	tg_write_bytes(writer, row->generation, sizeof(row->generation));
	write_index_root(writer, &row->index);
	for (uint32_t i = 0; i < TG_INDEX_YOUNG; i++)
		write_index_root(writer, &row->young[i]);
	tg_write_u64(writer, row->forgotten_count);
	tg_write_u64(writer, row->mend_left);
	tg_write_u32(writer, row->mend_below);
	tg_write_u64(writer, row->pass_rows);
	tg_write_u64(writer, row->rows_total);
	tg_write_u64(writer, (uint64_t)row->pass_end_ms);
	tg_write_u64(writer, row->damaged_count);
	tg_write_u32(writer, row->damage_count);
	for (uint32_t i = 0; i < TG_DAMAGE_MAX; i++) {
		tg_write_u64(writer, row->damage[i].first);
		tg_write_u64(writer, row->damage[i].last);
	}
	tg_write_u16(writer, row->resend_sink);
	tg_write_u32(writer, row->after_bytes != 0 ? row->after_cmp_bytes : 0);
	tg_write_view(writer, tg_view_of(row->after, row->after_bytes));
	tg_write_view(writer, tg_view_str(row->name));
	tg_write_view(writer, tg_view_str(row->type));
}

static void read_after(struct tg_reader *reader, struct tg_stream_row *row)
{
	row->after_cmp_bytes = tg_read_u32(reader);
	struct tg_view after = tg_read_view(reader);

	if (after.bytes > sizeof(row->after) || row->after_cmp_bytes > after.bytes) {
		reader->ran_dry = true;
		after.bytes = 0;
	}
	row->after_bytes = (uint32_t)after.bytes;
	if (after.bytes != 0)
		memcpy(row->after, after.at, after.bytes);
}

int tg_stream_row_read(struct tg_view content, struct tg_stream_row *row, struct tg_view *bookmark)
{
	struct tg_reader reader = tg_reader_of(content);
	uint8_t version = (uint8_t)tg_read_u8(&reader);

	if (version == 0 || version > ROW_VERSION)
		return TG_ERR_DAMAGED;
	row->number = tg_read_u32(&reader);
	row->flags = tg_read_u32(&reader);
	row->next_seq = tg_read_u64(&reader);
	tg_read_bytes(&reader, row->generation, sizeof(row->generation));
	read_index_root(&reader, version, &row->index);
	memset(row->young, 0, sizeof(row->young));
	for (uint32_t i = 0; version > 1 && i < TG_INDEX_YOUNG; i++)
		read_index_root(&reader, version, &row->young[i]);
	row->forgotten_count = version > 1 ? tg_read_u64(&reader) : 0;
	row->mend_left = version > 1 ? tg_read_u64(&reader) : 0;
	row->mend_below = version > 1 ? tg_read_u32(&reader) : 0;
	row->pass_rows = tg_read_u64(&reader);
	row->rows_total = tg_read_u64(&reader);
	row->pass_end_ms = (int64_t)tg_read_u64(&reader);
	row->damaged_count = tg_read_u64(&reader);
	row->damage_count = tg_read_u32(&reader);
	for (uint32_t i = 0; i < TG_DAMAGE_MAX; i++) {
		row->damage[i].first = tg_read_u64(&reader);
		row->damage[i].last = tg_read_u64(&reader);
	}
	row->resend_sink = (uint16_t)tg_read_u16(&reader);
	read_after(&reader, row);
	tg_read_text(&reader, row->name, sizeof(row->name));
	tg_read_text(&reader, row->type, sizeof(row->type));
	struct tg_view mark = tg_read_view(&reader);
	if (bookmark != NULL)
		*bookmark = mark;
	return reader.ran_dry || row->damage_count > TG_DAMAGE_MAX ? TG_ERR_DAMAGED : 0;
}

int tg_stream_row_put(struct tg_outbox *box, MDB_txn *txn, const struct tg_stream_open *open)
{
	uint8_t bytes[TG_ROW_BYTES_MAX];
	struct tg_writer writer = { .at = bytes, .cap = sizeof(bytes) };

	write_row(&writer, &open->row);
	tg_write_view(&writer, tg_view_of(open->bookmark, open->bookmark_bytes));
	TG_ASSERT(!writer.overran);
	struct tg_store_key key = tg_key_stream(open->row.number);
	return tg_row_put(box, txn, &key, tg_view_of(bytes, writer.used));
}

/* The row whose number stands in `row` already. */
static int row_get(struct tg_outbox *box, MDB_txn *txn, struct tg_stream_row *row,
		   struct tg_view *bookmark)
{
	struct tg_store_key key = tg_key_stream(row->number);
	struct tg_view content;
	int err = tg_row_get(box, txn, &key, &content);

	return err < 0 ? err : tg_stream_row_read(content, row, bookmark);
}

int tg_outbox_stream_row(struct tg_outbox *box, uint32_t number, struct tg_stream_row *row)
{
	MDB_txn *txn;
	int err = tg_store_read_begin(box, &txn);

	row->number = number;
	if (err == 0)
		err = row_get(box, txn, row, NULL);
	tg_store_read_end(box);
	return err;
}

/* The first sequence of the oldest block of a stream, 0 when there is none. */
static int find_first_block(struct tg_outbox *box, MDB_txn *txn, struct tg_stream *stream)
{
	struct tg_store_key from = tg_key_block(stream->number, 0);
	MDB_val k = tg_val(from.at, from.bytes), v;
	MDB_cursor *cursor;
	int rc = mdb_cursor_open(txn, box->dbi_, &cursor);

	if (rc != 0)
		return tg_store_err(rc);
	rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
	stream->first_block = 0;
	if (rc == 0 && k.mv_size == from.bytes && memcmp(k.mv_data, from.at, 5) == 0)
		stream->first_block = tg_load_be64((const uint8_t *)k.mv_data + 5);
	mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? 0 : tg_store_err(rc);
}

static int stream_add(struct tg_outbox *box, MDB_txn *txn, const struct tg_stream_row *row)
{
	if (box->stream_count_ == CONFIG_TG_STREAMS_MAX)
		return TG_ERR_LIMIT;
	struct tg_stream *stream = &box->streams_[box->stream_count_++];
	memset(stream, 0, sizeof(*stream));
	stream->number = row->number;
	stream->next_seq = row->next_seq;
	stream->durable_next = row->next_seq;
	return txn != NULL ? find_first_block(box, txn, stream) : 0;
}

int tg_streams_load(struct tg_outbox *box, MDB_txn *txn)
{
	struct tg_store_walk walk;
	struct tg_stream_row row;
	int got = 0, err = tg_store_walk_begin(box, txn, 'S', &walk);

	while (err == 0 && (got = tg_store_walk_next(&walk)) > 0) {
		struct tg_view content = tg_row_content(walk.key, walk.value);
		err = content.at != NULL ? tg_stream_row_read(content, &row, NULL) : TG_ERR_DAMAGED;
		if (err == 0)
			err = stream_add(box, txn, &row);
	}
	tg_store_walk_end(&walk);
	return err < 0 ? err : got;
}

struct tg_stream *tg_outbox_stream(struct tg_outbox *box, uint32_t number)
{
	for (uint32_t i = 0; i < box->stream_count_; i++)
		if (box->streams_[i].number == number)
			return &box->streams_[i];
	return NULL;
}

uint32_t tg_outbox_stream_count(const struct tg_outbox *box)
{
	return box->stream_count_;
}

struct tg_stream *tg_outbox_stream_at(struct tg_outbox *box, uint32_t at)
{
	TG_ASSERT(at < box->stream_count_);
	return &box->streams_[at];
}

/* Fills `open` with the committed row called `name`. TG_ERR_MISSING when there is none. */
static int load_by_name(struct tg_outbox *box, struct tg_view name, struct tg_stream_open *open)
{
	struct tg_store_walk walk;
	MDB_txn *txn;
	int err = tg_store_read_begin(box, &txn);

	if (err < 0)
		return err;
	err = tg_store_walk_begin(box, txn, 'S', &walk);
	while (err == 0) {
		int got = tg_store_walk_next(&walk);
		struct tg_view mark;

		if (got <= 0) {
			err = got == 0 ? TG_ERR_MISSING : got;
			break;
		}
		struct tg_view content = tg_row_content(walk.key, walk.value);
		err = content.at != NULL ? tg_stream_row_read(content, &open->row, &mark)
					 : TG_ERR_DAMAGED;
		if (err == 0 && tg_view_same(name, tg_view_str(open->row.name))) {
			open->bookmark_bytes = (uint32_t)mark.bytes;
			if (mark.bytes != 0)
				memcpy(open->bookmark, mark.at, mark.bytes);
			break;
		}
	}
	tg_store_walk_end(&walk);
	tg_store_read_end(box);
	return err;
}

static uint32_t next_number(const struct tg_outbox *box)
{
	uint32_t last = 0;

	for (uint32_t i = 0; i < box->stream_count_; i++)
		if (box->streams_[i].number > last)
			last = box->streams_[i].number;
	return last + 1;
}

static int make_new(struct tg_outbox *box, struct tg_view name, const char *type,
		    struct tg_stream_open *open)
{
	memset(&open->row, 0, sizeof(open->row));
	open->bookmark_bytes = 0;
	if (name.bytes >= sizeof(open->row.name) || strlen(type) >= sizeof(open->row.type))
		return TG_ERR_LIMIT;
	open->row.number = next_number(box);
	open->row.next_seq = 1;
	memcpy(open->row.name, name.at, name.bytes);
	memcpy(open->row.type, type, strlen(type));
	open->dirty = true;
	return stream_add(box, NULL, &open->row);
}

static struct tg_stream_open *free_place(struct tg_outbox *box)
{
	for (uint32_t i = 0; i < CONFIG_TG_SOURCES_MAX; i++)
		if (box->open_[i].stream == NULL)
			return &box->open_[i];
	return NULL;
}

int tg_outbox_stream_open(struct tg_outbox *box, struct tg_view name, const char *type,
			  struct tg_stream_open **out)
{
	struct tg_stream_open *open = free_place(box);

	if (open == NULL)
		return TG_ERR_LIMIT;
	open->dirty = false;
	open->block = NULL;
	open->mend_phase_ = open->mend_next_ = 0;
	int err = load_by_name(box, name, open);
	if (err == TG_ERR_MISSING && type != NULL)
		err = make_new(box, name, type, open);
	if (err < 0)
		return err;
	open->stream = tg_outbox_stream(box, open->row.number);
	TG_ASSERT(open->stream != NULL);
	open->index = (struct tg_index){ .cache = &box->index_cache_,
					 .root = &open->row.index,
					 .young = open->row.young,
					 .stream = open->row.number };
	*out = open;
	return 0;
}

void tg_outbox_stream_close(struct tg_outbox *box, struct tg_stream_open *open)
{
	TG_ASSERT(!open->dirty);
	tg_index_forget(&box->index_cache_, open->row.number);
	if (open->block != NULL) {
		size_t at = (size_t)(open->block - box->blocks_);
		TG_ASSERT(box->block_state_[at] != TG_BLOCK_SLOT_DIRTY);
		box->block_state_[at] = TG_BLOCK_SLOT_FREE;
	}
	open->block = NULL;
	open->stream = NULL;
}

int tg_outbox_newest(struct tg_outbox *box, struct tg_stream_row *row,
		     int (*compare)(struct tg_key a, struct tg_key b), struct tg_index_entry *entry)
{
	struct tg_index index = { .cache = &box->index_cache_,
				  .root = &row->index,
				  .young = row->young,
				  .stream = row->number,
				  .compare = compare };

	uint32_t flags = row->flags;
	for (uint32_t i = 0; i < CONFIG_TG_SOURCES_MAX; i++)
		if (box->open_[i].stream != NULL && box->open_[i].row.number == row->number) {
			index.root = &box->open_[i].row.index;
			index.young = box->open_[i].row.young;
			flags = box->open_[i].row.flags;
		}
	if (flags & TG_STREAM_REINDEX)
		return TG_ERR_DAMAGED; /* what it holds so far is not all */
	int err = tg_index_find(&index, entry->key, entry);
	if (index.root == &row->index)
		tg_index_forget(&box->index_cache_, row->number);
	return err;
}

bool tg_stream_row_holds(const struct tg_stream_row *row)
{
	bool any = (row->flags & TG_STREAM_REINDEX) || row->index.entries > row->index.deleted;

	for (uint32_t i = 0; i < TG_INDEX_YOUNG; i++)
		any = any || row->young[i].entries > row->young[i].deleted;
	return any;
}

bool tg_outbox_stream_durable(const struct tg_outbox *box, const struct tg_stream_open *open)
{
	for (uint32_t i = 0; i < box->index_cache_.count; i++) {
		const struct tg_index_page *page = &box->index_cache_.pages[i];

		if (page->stream == open->row.number &&
		    (page->state == TG_INDEX_PAGE_DIRTY || page->state == TG_INDEX_PAGE_DROPPED))
			return false;
	}
	return !open->dirty;
}

void tg_outbox_touch(struct tg_outbox *box, struct tg_stream_open *open)
{
	(void)box;
	open->dirty = true;
}

/* Widens the last range when the new one touches it; when all are taken the last swallows it: more
 * is sent again than was lost, never less. */
static void note_damage(struct tg_stream_row *row, uint64_t first, uint64_t last)
{
	uint32_t count = row->damage_count;

	row->flags |= TG_STREAM_FULL_PASS | TG_STREAM_AGAIN;
	for (uint32_t i = 0; i < count; i++) {
		bool touches = first <= row->damage[i].last + 1 && last + 1 >= row->damage[i].first;

		if (!touches && !(i + 1 == count && count == TG_DAMAGE_MAX))
			continue;
		if (first < row->damage[i].first)
			row->damage[i].first = first;
		if (last > row->damage[i].last)
			row->damage[i].last = last;
		return;
	}
	row->damage[count].first = first;
	row->damage[count].last = last;
	row->damage_count = count + 1;
}

/* A lost range of a stream that is not open is written at once, in a transaction of its own. */
static int write_damage(struct tg_outbox *box, uint32_t number, uint64_t first, uint64_t last)
{
	static struct tg_stream_open scratch; /* too large for the stack of a small machine */
	struct tg_view mark;
	MDB_txn *txn;
	int err = tg_store_write_begin(box, &txn);

	if (err < 0)
		return err;
	scratch.row.number = number;
	err = row_get(box, txn, &scratch.row, &mark);
	if (err == 0) {
		scratch.bookmark_bytes = (uint32_t)mark.bytes;
		if (mark.bytes != 0)
			memcpy(scratch.bookmark, mark.at, mark.bytes);
		note_damage(&scratch.row, first, last);
		scratch.row.damaged_count += last - first + 1;
		err = tg_stream_row_put(box, txn, &scratch);
	}
	if (err < 0) {
		mdb_txn_abort(txn);
		return err;
	}
	return tg_store_err(mdb_txn_commit(txn));
}

void tg_outbox_lost(struct tg_outbox *box, struct tg_stream *stream, uint64_t first, uint64_t last)
{
	box->damaged_seen_ += last - first + 1;
	TG_LOG_ERR("outbox.damaged", "stream=%u first=%llu last=%llu action=full_pass",
		   stream->number, (unsigned long long)first, (unsigned long long)last);
	for (uint32_t i = 0; i < CONFIG_TG_SOURCES_MAX; i++) {
		struct tg_stream_open *open = &box->open_[i];
		if (open->stream != stream)
			continue;
		note_damage(&open->row, first, last);
		open->row.damaged_count += last - first + 1;
		open->dirty = true;
		return;
	}
	int err = write_damage(box, stream->number, first, last);
	if (err < 0)
		TG_LOG_ERR("outbox.damage_unwritten", "stream=%u error=%s", stream->number,
			   tg_err_name(err));
}
