#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/crc32c.h"
#include "app/outbox/salvage.h"

static int compare_blocks(const void *a, const void *b)
{
	const struct tg_found_block *one = a, *two = b;

	if (one->stream != two->stream)
		return one->stream < two->stream ? -1 : 1;
	if (one->first_seq != two->first_seq)
		return one->first_seq < two->first_seq ? -1 : 1;
	return one->count > two->count ? -1 : one->count < two->count;
}

/* --- the first pass: positions ------------------------------------------------------------------
 */

static void note_position(struct tg_salvage *salvage, struct tg_view key, struct tg_view content)
{
	if (key.bytes != 7 || content.bytes != 9 || content.at[8] == 0)
		return;
	struct tg_found_sink found = { .sink = (uint32_t)key.at[1] << 8 | key.at[2],
				    .stream = tg_load_be32(key.at + 3),
				    .acked = tg_load_u64(content.at) };

	for (uint32_t i = 0; i < salvage->sink_count; i++) {
		struct tg_found_sink *known = &salvage->sinks[i];
		if (known->sink != found.sink || known->stream != found.stream)
			continue;
		if (known->acked < found.acked)
			known->acked = found.acked;
		return;
	}
	if (salvage->sink_count < TG_FOUND_SINKS_MAX)
		salvage->sinks[salvage->sink_count++] = found;
}

static uint64_t floor_of(const struct tg_salvage *salvage, uint32_t stream)
{
	uint64_t floor = UINT64_MAX;

	for (uint32_t i = 0; i < salvage->sink_count; i++)
		if (salvage->sinks[i].stream == stream && salvage->sinks[i].acked < floor)
			floor = salvage->sinks[i].acked;
	return floor == UINT64_MAX ? 0 : floor;
}

/* --- the passes over the blocks ------------------------------------------------------------------
 */

/* A block may begin at `offset`: in a run of its own, or in a leaf page while it is small. */
static void note_block(struct tg_salvage *salvage, uint64_t offset)
{
	uint8_t head[TG_BLOCK_HEADER_BYTES];
	struct tg_block_view view;

	if (!tg_salvage_read(salvage, offset, head, sizeof(head)))
		return;
	size_t bytes = tg_load_u16(head + 14) + 2 * (size_t)tg_load_u16(head + 12);
	if (bytes > TG_BLOCK_BYTES ||
	    !tg_salvage_read(salvage, offset, salvage->run, bytes) ||
	    tg_block_open(&view, tg_view_of(salvage->run, bytes)) < 0)
		return;
	struct tg_found_block found = { .first_seq = view.first_seq,
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

static void note_leaf_blocks(struct tg_salvage *salvage, uint64_t offset)
{
	const uint8_t *page = salvage->page;
	struct tg_salvage_node node;

	for (uint32_t at = TG_SALVAGE_BODY_AT; at + 2 <= tg_salvage_nodes_end(page); at += 2)
		if (tg_salvage_node(page, at, &node) && !node.big && node.key.at[0] == 'B')
			note_block(salvage, offset + node.value_at);
}

static void find_blocks(struct tg_salvage *salvage)
{
	salvage->block_count = 0;
	salvage->more = false;
	for (uint64_t offset = 0; tg_salvage_read(salvage, offset, salvage->page, TG_PAGE_BYTES);
	     offset += TG_PAGE_BYTES) {
		uint32_t flags = tg_load_u16(salvage->page + TG_SALVAGE_FLAGS_AT);
		if (flags & TG_SALVAGE_OVERFLOW)
			note_block(salvage, offset + TG_SALVAGE_BODY_AT);
		else if (flags & TG_SALVAGE_LEAF)
			note_leaf_blocks(salvage, offset);
	}
	qsort(salvage->blocks, salvage->block_count, sizeof(*salvage->blocks), compare_blocks);
}

/* The newest row of the stream number that `salvage->row` asks for. */
static void take_stream_row(struct tg_salvage *salvage, struct tg_view key, struct tg_view content)
{
	static struct tg_stream_row row; /* too large for a small machine's stack */

	(void)key;
	if (tg_stream_row_read(content, &row, NULL) == 0 && row.number == salvage->row.number &&
	    row.next_seq >= salvage->row.next_seq)
		salvage->row = row;
}

int tg_salvage_stream(struct tg_salvage *salvage, uint32_t number, struct tg_stream_open **open)
{
	salvage->row = (struct tg_stream_row){ .number = number };
	tg_salvage_rows(salvage, 'S', take_stream_row);
	if (salvage->row.name[0] == '\0')
		return TG_ERR_MISSING;
	salvage->counts->streams++;
	return tg_outbox_stream_open(salvage->box, tg_view_str(salvage->row.name),
				     salvage->row.type, open);
}

static int append(struct tg_salvage *salvage, struct tg_stream_open *open,
		  const struct tg_record *record)
{
	uint64_t seq;
	int err = tg_outbox_append(salvage->box, open, record, &seq);

	if (err == TG_ERR_FULL) {
		err = tg_outbox_commit(salvage->box, 0, NULL);
		if (err == 0)
			err = tg_outbox_append(salvage->box, open, record, &seq);
	}
	if (err == 0 && tg_outbox_must_commit(salvage->box))
		err = tg_outbox_commit(salvage->box, 0, NULL);
	return err;
}

/* The body of a record that does not fit a block, out of its chunks. */
static bool take_large(struct tg_salvage *salvage, uint32_t stream, struct tg_block_record *read)
{
	struct tg_record *record = &read->record;
	struct tg_found_chunk first = { .kind = 'L', .stream = stream, .seq = record->seq };

	return tg_salvage_body(salvage, &first, read->large_bytes, &record->body) &&
	       tg_crc32c(0, record->body.at, record->body.bytes) == read->large_crc &&
	       (uint64_t)record->key_at + record->key_bytes <= record->body.bytes;
}

/* Appends what the block holds behind sequence `*done`, which rises. */
static int take_block(struct tg_salvage *salvage, const struct tg_found_block *found,
		      struct tg_stream_open *open, uint64_t *done)
{
	struct tg_block_view view;
	struct tg_block_record read;
	int err = 0;

	if (!tg_salvage_read(salvage, found->offset, salvage->run, TG_BLOCK_HEADER_BYTES))
		return 0;
	size_t bytes = tg_load_u16(salvage->run + 14) + 2 * (size_t)tg_load_u16(salvage->run + 12);
	if (!tg_salvage_read(salvage, found->offset, salvage->run, bytes) ||
	    tg_block_open(&view, tg_view_of(salvage->run, bytes)) < 0)
		return 0;
	for (uint32_t i = 0; err == 0 && i < view.count; i++) {
		if (view.first_seq + i <= *done)
			continue;
		*done = view.first_seq + i;
		/* What is skipped are rows, which the pass that follows sends anew, or lost. */
		if (tg_block_read(&view, i, &read) < 0 || read.record.only_sink != 0 ||
		    (read.large && !take_large(salvage, view.stream, &read))) {
			salvage->counts->skipped++;
			continue;
		}
		err = append(salvage, open, &read.record);
		salvage->counts->records += err == 0;
	}
	return err;
}

static int take_stream(struct tg_salvage *salvage, size_t *at)
{
	uint32_t number = salvage->blocks[*at].stream;
	uint64_t done = floor_of(salvage, number);
	struct tg_stream_open *open = NULL;
	int err = tg_salvage_stream(salvage, number, &open);

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
	static struct tg_salvage salvage; /* boot only, and too large for a small machine's stack */
	size_t half = scratch.bytes / 2;
	int err = 0;

	memset(&salvage, 0, sizeof(salvage));
	memset(counts, 0, sizeof(*counts));
	salvage.box = box;
	salvage.counts = counts;
	salvage.blocks = (struct tg_found_block *)(uintptr_t)scratch.at;
	salvage.block_cap = half / sizeof(struct tg_found_block);
	salvage.chunks = (struct tg_found_chunk *)(uintptr_t)(scratch.at + half / 8 * 8);
	salvage.chunk_cap = half / sizeof(struct tg_found_chunk);
	salvage.fd = open(from, O_RDONLY | O_CLOEXEC);
	if (salvage.fd < 0)
		return TG_ERR_IO;
	tg_salvage_rows(&salvage, 'P', note_position);
	do {
		find_blocks(&salvage);
		for (size_t at = 0; err == 0 && at < salvage.block_count;)
			err = take_stream(&salvage, &at);
	} while (err == 0 && salvage.more);
	if (err == 0)
		err = tg_salvage_aside(&salvage);
	close(salvage.fd);
	return err;
}
