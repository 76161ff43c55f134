/* salvage_aside.c - the quarantine of a damaged file.
 *
 * Rows that were too large are found again by the pass that follows: only what a target refused is
 * taken over, to be looked at. It is never replayed: that pass sends its row anew. */
#include <stdlib.h>

#include "app/crc32c.h"
#include "app/outbox/salvage.h"

static int compare_ids(const void *a, const void *b)
{
	const struct tg_found_block *one = a, *two = b;

	return one->first_seq < two->first_seq ? -1 : one->first_seq > two->first_seq;
}

/* Reads the item whose node stands at `at` of the page that is loaded. */
static bool read_item(struct tg_salvage *salvage, uint32_t at, struct tg_aside *out)
{
	struct tg_salvage_node node;

	if (!tg_salvage_node(salvage->page, at, &node) || node.key.at[0] != 'Q' ||
	    node.key.bytes != 9)
		return false;
	struct tg_view content = tg_salvage_content(salvage, &node);
	out->id = tg_load_be64(node.key.at + 1);
	return content.at != NULL && tg_aside_row_read(content, out) == 0 &&
	       out->kind == TG_ASIDE_REFUSED;
}

static void note(struct tg_salvage *salvage, const struct tg_found_block *found)
{
	if (found->first_seq <= salvage->after.first_seq)
		return;
	if (salvage->block_count == salvage->block_cap) {
		qsort(salvage->blocks, salvage->block_count, sizeof(*found), compare_ids);
		salvage->block_count /= 2;
		salvage->more = true;
	}
	if (salvage->more && salvage->block_count > 0 &&
	    found->first_seq > salvage->blocks[salvage->block_count - 1].first_seq)
		return;
	salvage->blocks[salvage->block_count++] = *found;
}

static void list_items(struct tg_salvage *salvage)
{
	struct tg_aside item;
	uint32_t flags;

	salvage->block_count = 0;
	salvage->more = false;
	for (uint64_t offset = 0; tg_salvage_load(salvage, offset, &flags);
	     offset += TG_PAGE_BYTES) {
		uint32_t end = flags & TG_SALVAGE_LEAF ? tg_salvage_nodes_end(salvage->page) : 0;

		for (uint32_t at = TG_SALVAGE_BODY_AT; at + 2 <= end; at += 2)
			if (read_item(salvage, at, &item))
				note(salvage, &(struct tg_found_block){ .first_seq = item.id,
									.offset = offset,
									.count = at });
	}
	qsort(salvage->blocks, salvage->block_count, sizeof(*salvage->blocks), compare_ids);
}

/* --- what the old file's numbers are called here --- */

static void take_sink_row(struct tg_salvage *salvage, struct tg_view key, struct tg_view content)
{
	static struct tg_sink_row row; /* too large for a small machine's stack */

	(void)key;
	if (tg_sink_row_read(content, &row) == 0 && row.number == salvage->sink.number)
		salvage->sink = row;
}

/* The sink that had `number`; 0 when nothing tells which that was: nobody replays it then. */
static int sink_of(struct tg_salvage *salvage, uint16_t number, uint16_t *out)
{
	uint32_t slot;

	salvage->sink = (struct tg_sink_row){ .number = number };
	tg_salvage_rows(salvage, 'K', take_sink_row);
	*out = 0;
	if (salvage->sink.name[0] == '\0')
		return 0;
	int err = tg_outbox_sink_open(salvage->box, salvage->sink.name, salvage->sink.type, &slot);
	if (err == 0)
		*out = tg_outbox_sink_row(salvage->box, slot)->number;
	return err == TG_ERR_LIMIT ? 0 : err;
}

static int stream_of(struct tg_salvage *salvage, uint32_t number, uint32_t *out)
{
	struct tg_stream_open *open;
	int err = tg_salvage_stream(salvage, number, &open);

	if (err < 0)
		return err;
	*out = open->row.number;
	err = tg_outbox_commit(salvage->box, 0, NULL);
	if (err == 0)
		tg_outbox_stream_close(salvage->box, open);
	return err;
}

/* Items of one stream and sink mostly stand together: their numbers are looked up once. */
struct names {
	uint32_t stream, new_stream;
	uint16_t sink, new_sink;
};

static int name_item(struct tg_salvage *salvage, struct names *names, struct tg_aside *item)
{
	int err = 0;

	if (item->stream != names->stream)
		err = stream_of(salvage, item->stream, &names->new_stream);
	if (err == 0 && item->sink != names->sink)
		err = sink_of(salvage, item->sink, &names->new_sink);
	if (err < 0)
		return err;
	names->stream = item->stream;
	names->sink = item->sink;
	item->stream = names->new_stream;
	item->sink = names->new_sink;
	return 0;
}

/* The item's body, which lies in the page or in chunks, into the large buffer. */
static bool take_body(struct tg_salvage *salvage, struct tg_aside *item)
{
	struct tg_found_chunk first = { .kind = 'q', .seq = item->id };
	uint32_t crc = item->body_crc;

	if (item->body.bytes > CONFIG_TG_DOC_BYTES_MAX)
		return false;
	if (item->body.at != NULL) {
		memcpy(salvage->box->large_, item->body.at, item->body.bytes);
		item->body.at = salvage->box->large_;
	} else if (!tg_salvage_body(salvage, &first, item->body.bytes, &item->body)) {
		return false;
	}
	return tg_crc32c(0, item->body.at, item->body.bytes) == crc &&
	       (uint64_t)item->key_at + item->key_bytes <= item->body.bytes;
}

static int take_item(struct tg_salvage *salvage, const struct tg_found_block *found,
		     struct names *names)
{
	struct tg_aside item;
	uint32_t flags;

	if (!tg_salvage_load(salvage, found->offset, &flags) ||
	    !read_item(salvage, found->count, &item) || !take_body(salvage, &item)) {
		salvage->counts->skipped++;
		return 0;
	}
	item.replay = false;
	item.salvaged = true;
	int err = name_item(salvage, names, &item);
	if (err == TG_ERR_MISSING)
		return 0; /* no row tells whose record it is */
	if (err == 0)
		err = tg_outbox_aside_put(salvage->box, &item, 0, NULL);
	salvage->counts->set_aside += err == 0;
	return err;
}

int tg_salvage_aside(struct tg_salvage *salvage)
{
	struct names names = { .stream = 0 };
	int err = 0;

	salvage->after = (struct tg_found_block){ .first_seq = 0 };
	do {
		list_items(salvage);
		for (size_t i = 0; err == 0 && i < salvage->block_count; i++) {
			const struct tg_found_block *found = &salvage->blocks[i];

			if (found->first_seq != salvage->after.first_seq)
				err = take_item(salvage, found, &names);
			salvage->after = *found;
		}
	} while (err == 0 && salvage->more);
	return err;
}
