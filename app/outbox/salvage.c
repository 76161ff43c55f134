#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/outbox/repair.h"
#include "app/outbox/store.h"
#include "platform/log.h"

/* LMDB's page as it lies on the disk (0.9, 64 bit): number 8, pad 2, flags 2, then lower 2 and
 * upper 2 of a leaf, or the count of pages of an overflow run; the nodes' offsets, or the run's
 * bytes, follow at 16. A node is size 4, flags 2, key size 2, key, value; a value that lies in a
 * run of its own is that run's page number. */
enum {
	PAGE_FLAGS_AT = 10,
	PAGE_LOWER_AT = 12,
	PAGE_BODY_AT = 16,
	FLAG_LEAF = 0x02,
	FLAG_OVERFLOW = 0x04,
	NODE_HEAD_BYTES = 8,
	NODE_BIG = 0x01,
};

/* Freed pages still hold what was once there. Positions only ever rise and a block only ever grows,
 * so that the largest of each is the newest, whichever page is found first. */
struct found_block {
	uint64_t first_seq, offset;
	uint32_t stream, count;
};

struct found_sink {
	uint32_t sink, stream;
	uint64_t acked;
};

enum { FOUND_SINKS_MAX = 1024 };

struct salvage {
	struct tg_outbox *box;
	int fd;
	struct found_block *blocks;
	size_t block_cap, block_count;
	struct found_block after; /* blocks up to here were dealt with in an earlier pass */
	bool more;                /* the list overflowed: another pass is needed */
	struct found_sink sinks[FOUND_SINKS_MAX];
	uint32_t sink_count;
	struct tg_stream_row row; /* of the stream that is being salvaged */
	struct tg_salvage_counts *counts;
	uint8_t page[TG_PAGE_BYTES];
	uint8_t run[TG_ROW_BYTES_MAX + TG_BLOCK_BYTES];
};

static int compare_blocks(const void *a, const void *b)
{
	const struct found_block *one = a, *two = b;

	if (one->stream != two->stream)
		return one->stream < two->stream ? -1 : 1;
	if (one->first_seq != two->first_seq)
		return one->first_seq < two->first_seq ? -1 : 1;
	return one->count > two->count ? -1 : one->count < two->count;
}

static bool read_at(const struct salvage *salvage, uint64_t offset, uint8_t *at, size_t bytes)
{
	return pread(salvage->fd, at, bytes, (off_t)offset) == (ssize_t)bytes;
}

/* --- the first pass: positions ------------------------------------------------------------------
 */

static void note_position(struct salvage *salvage, struct tg_view key, struct tg_view content)
{
	if (key.bytes != 7 || content.bytes != 9 || content.at[8] == 0)
		return;
	struct found_sink found = { .sink = (uint32_t)key.at[1] << 8 | key.at[2],
				    .stream = tg_load_be32(key.at + 3),
				    .acked = tg_load_u64(content.at) };

	for (uint32_t i = 0; i < salvage->sink_count; i++) {
		struct found_sink *known = &salvage->sinks[i];
		if (known->sink != found.sink || known->stream != found.stream)
			continue;
		if (known->acked < found.acked)
			known->acked = found.acked;
		return;
	}
	if (salvage->sink_count < FOUND_SINKS_MAX)
		salvage->sinks[salvage->sink_count++] = found;
}

static uint64_t floor_of(const struct salvage *salvage, uint32_t stream)
{
	uint64_t floor = UINT64_MAX;

	for (uint32_t i = 0; i < salvage->sink_count; i++)
		if (salvage->sinks[i].stream == stream && salvage->sinks[i].acked < floor)
			floor = salvage->sinks[i].acked;
	return floor == UINT64_MAX ? 0 : floor;
}

/* The content of a small row, wherever its value lies; an empty view when its checksum fails. */
static struct tg_view row_content(struct salvage *salvage, struct tg_view key, struct tg_view value,
				  bool big)
{
	if (!big)
		return tg_row_content(key, value);
	if (value.bytes > sizeof(salvage->run))
		return tg_view_of(NULL, 0);
	uint64_t offset = tg_load_u64(value.at) * TG_PAGE_BYTES + PAGE_BODY_AT;
	if (!read_at(salvage, offset, salvage->run, value.bytes))
		return tg_view_of(NULL, 0);
	return tg_row_content(key, tg_view_of(salvage->run, value.bytes));
}

struct leaf_node {
	struct tg_view key;
	uint32_t value_at, bytes;
	bool big; /* the value is the number of the run's first page */
};

/* Reads the node whose offset stands at `at` of a leaf page; false when it cannot be one. */
static bool take_node(const uint8_t *page, uint32_t at, struct leaf_node *out)
{
	uint32_t node = tg_load_u16(page + at);

	if (node < PAGE_BODY_AT || node + NODE_HEAD_BYTES > TG_PAGE_BYTES)
		return false;
	uint32_t key_bytes = tg_load_u16(page + node + 6);
	out->bytes = tg_load_u32(page + node);
	out->big = (tg_load_u16(page + node + 4) & NODE_BIG) != 0;
	out->value_at = node + NODE_HEAD_BYTES + key_bytes;
	uint32_t here = out->big ? 8 : out->bytes;
	if (key_bytes == 0 || out->value_at + (uint64_t)here > TG_PAGE_BYTES)
		return false;
	out->key = tg_view_of(page + node + NODE_HEAD_BYTES, key_bytes);
	return true;
}

/* Where the list of a leaf page's nodes ends. */
static uint32_t nodes_end(const uint8_t *page)
{
	uint32_t lower = tg_load_u16(page + PAGE_LOWER_AT);

	return lower < TG_PAGE_BYTES ? lower : TG_PAGE_BYTES;
}

/* Calls `on_row` for every small row of kind `kind` in the leaf page that is loaded. */
static void visit_leaf(struct salvage *salvage, uint8_t kind,
		       void (*on_row)(struct salvage *salvage, struct tg_view key,
				      struct tg_view content))
{
	const uint8_t *page = salvage->page;
	struct leaf_node node;

	for (uint32_t at = PAGE_BODY_AT; at + 2 <= nodes_end(page); at += 2) {
		if (!take_node(page, at, &node) || node.key.at[0] != kind)
			continue;
		struct tg_view value = tg_view_of(page + node.value_at, node.bytes);
		struct tg_view content = row_content(salvage, node.key, value, node.big);
		if (content.at != NULL)
			on_row(salvage, node.key, content);
	}
}

static void visit_rows(struct salvage *salvage, uint8_t kind,
		       void (*on_row)(struct salvage *salvage, struct tg_view key,
				      struct tg_view content))
{
	for (uint64_t offset = 0; read_at(salvage, offset, salvage->page, TG_PAGE_BYTES);
	     offset += TG_PAGE_BYTES)
		if (tg_load_u16(salvage->page + PAGE_FLAGS_AT) & FLAG_LEAF)
			visit_leaf(salvage, kind, on_row);
}

/* --- the passes over the blocks ------------------------------------------------------------------
 */

/* A block may begin at `offset`: in a run of its own, or in a leaf page while it is small. */
static void note_block(struct salvage *salvage, uint64_t offset)
{
	uint8_t head[TG_BLOCK_HEADER_BYTES];
	struct tg_block_view view;

	if (!read_at(salvage, offset, head, sizeof(head)))
		return;
	size_t bytes = tg_load_u16(head + 14) + 2 * (size_t)tg_load_u16(head + 12);
	if (bytes > TG_BLOCK_BYTES ||
	    !read_at(salvage, offset, salvage->run, bytes) ||
	    tg_block_open(&view, tg_view_of(salvage->run, bytes)) < 0)
		return;
	struct found_block found = { .first_seq = view.first_seq,
				     .offset = offset,
				     .stream = view.stream,
				     .count = view.count };
	if (found.first_seq + found.count - 1 <= floor_of(salvage, found.stream) ||
	    compare_blocks(&found, &salvage->after) <= 0)
		return;
	if (salvage->block_count ==
	    salvage->block_cap) { /* keep the lower half, come back for the rest */
		qsort(salvage->blocks, salvage->block_count, sizeof(found), compare_blocks);
		salvage->block_count /= 2;
		salvage->more = true;
	}
	if (salvage->more && salvage->block_count > 0 &&
	    compare_blocks(&found, &salvage->blocks[salvage->block_count - 1]) > 0)
		return;
	salvage->blocks[salvage->block_count++] = found;
}

static void note_leaf_blocks(struct salvage *salvage, uint64_t offset)
{
	const uint8_t *page = salvage->page;
	struct leaf_node node;

	for (uint32_t at = PAGE_BODY_AT; at + 2 <= nodes_end(page); at += 2)
		if (take_node(page, at, &node) && !node.big && node.key.at[0] == 'B')
			note_block(salvage, offset + node.value_at);
}

static void find_blocks(struct salvage *salvage)
{
	salvage->block_count = 0;
	salvage->more = false;
	for (uint64_t offset = 0; read_at(salvage, offset, salvage->page, TG_PAGE_BYTES);
	     offset += TG_PAGE_BYTES) {
		uint32_t flags = tg_load_u16(salvage->page + PAGE_FLAGS_AT);
		if (flags & FLAG_OVERFLOW)
			note_block(salvage, offset + PAGE_BODY_AT);
		else if (flags & FLAG_LEAF)
			note_leaf_blocks(salvage, offset);
	}
	qsort(salvage->blocks, salvage->block_count, sizeof(*salvage->blocks), compare_blocks);
}

/* The newest row of the stream number that `salvage->row` asks for. */
static void take_stream_row(struct salvage *salvage, struct tg_view key, struct tg_view content)
{
	static struct tg_stream_row row; /* too large for a small machine's stack */

	(void)key;
	if (tg_stream_row_read(content, &row, NULL) == 0 && row.number == salvage->row.number &&
	    row.next_seq >= salvage->row.next_seq)
		salvage->row = row;
}

static int open_stream(struct salvage *salvage, uint32_t number, struct tg_stream_open **open)
{
	salvage->row = (struct tg_stream_row){ .number = number };
	visit_rows(salvage, 'S', take_stream_row);
	if (salvage->row.name[0] == '\0')
		return TG_ERR_MISSING;
	salvage->counts->streams++;
	return tg_outbox_stream_open(salvage->box, tg_view_str(salvage->row.name),
				     salvage->row.type, open);
}

static int append(struct salvage *salvage, struct tg_stream_open *open,
		  const struct tg_record *record)
{
	uint64_t seq;
	int err = tg_outbox_append(salvage->box, open, record, &seq);

	if (err == TG_ERR_FULL) {
		err = tg_outbox_commit(salvage->box, 0, NULL);
		if (err == 0)
			err = tg_outbox_append(salvage->box, open, record, &seq);
	}
	return err;
}

/* Appends what the block holds behind sequence `*done`, which rises. */
static int take_block(struct salvage *salvage, const struct found_block *found,
		      struct tg_stream_open *open, uint64_t *done)
{
	struct tg_block_view view;
	struct tg_block_record read;
	int err = 0;

	if (!read_at(salvage, found->offset, salvage->run, TG_BLOCK_HEADER_BYTES))
		return 0;
	size_t bytes = tg_load_u16(salvage->run + 14) + 2 * (size_t)tg_load_u16(salvage->run + 12);
	if (!read_at(salvage, found->offset, salvage->run, bytes) ||
	    tg_block_open(&view, tg_view_of(salvage->run, bytes)) < 0)
		return 0;
	for (uint32_t i = 0; err == 0 && i < view.count; i++) {
		if (view.first_seq + i <= *done)
			continue;
		*done = view.first_seq + i;
		if (tg_block_read(&view, i, &read) < 0 || read.large ||
		    read.record.only_sink != 0) {
			salvage->counts
				->skipped++; /* rows: the pass that follows sends them anew */
			continue;
		}
		err = append(salvage, open, &read.record);
		salvage->counts->records += err == 0;
	}
	return err;
}

static int take_stream(struct salvage *salvage, size_t *at)
{
	uint32_t number = salvage->blocks[*at].stream;
	uint64_t done = floor_of(salvage, number);
	struct tg_stream_open *open = NULL;
	int err = open_stream(salvage, number, &open);

	if (salvage->after.stream == number &&
	    salvage->after.first_seq + salvage->after.count > done)
		done = salvage->after.first_seq + salvage->after.count - 1;
	for (; *at < salvage->block_count && salvage->blocks[*at].stream == number; (*at)++) {
		salvage->after = salvage->blocks[*at];
		if (err == 0)
			err = take_block(salvage, &salvage->blocks[*at], open, &done);
	}
	if (err == TG_ERR_MISSING)
		return 0; /* no row tells whose records these are */
	if (open != NULL) {
		int committed = tg_outbox_commit(salvage->box, 0, NULL);
		if (committed < 0)
			return err < 0 ? err : committed;
		tg_outbox_stream_close(salvage->box, open);
	}
	return err;
}

int tg_store_salvage(struct tg_outbox *box, const char *from, struct tg_view scratch,
		     struct tg_salvage_counts *counts)
{
	static struct salvage salvage; /* boot only, and too large for a small machine's stack */
	int err = 0;

	memset(&salvage, 0, sizeof(salvage));
	memset(counts, 0, sizeof(*counts));
	salvage.box = box;
	salvage.counts = counts;
	salvage.blocks = (struct found_block *)(uintptr_t)scratch.at;
	salvage.block_cap = scratch.bytes / sizeof(struct found_block);
	salvage.fd = open(from, O_RDONLY | O_CLOEXEC);
	if (salvage.fd < 0)
		return TG_ERR_IO;
	visit_rows(&salvage, 'P', note_position);
	do {
		find_blocks(&salvage);
		for (size_t at = 0; err == 0 && at < salvage.block_count;)
			err = take_stream(&salvage, &at);
	} while (err == 0 && salvage.more);
	close(salvage.fd);
	return err;
}
