#include <stdlib.h>

#include "app/outbox/salvage.h"

enum { RECORD_KEY_BYTES = 15, ITEM_KEY_BYTES = 11 };

static int compare(const void *a, const void *b)
{
	const struct tg_found_chunk *one = a, *two = b;

	if (one->kind != two->kind)
		return one->kind < two->kind ? -1 : 1;
	if (one->stream != two->stream)
		return one->stream < two->stream ? -1 : 1;
	if (one->seq != two->seq)
		return one->seq < two->seq ? -1 : 1;
	return one->part < two->part ? -1 : one->part > two->part;
}

/* Whether the node holds a chunk, and which. */
static bool is_chunk(const struct tg_salvage_node *node, struct tg_found_chunk *out)
{
	const uint8_t *key = node->key.at;
	bool record = key[0] == 'L' && node->key.bytes == RECORD_KEY_BYTES;
	bool item = key[0] == 'q' && node->key.bytes == ITEM_KEY_BYTES;

	if ((!record && !item) || node->bytes == 0 || node->bytes > TG_CHUNK_BYTES)
		return false;
	key += node->key.bytes - 10;
	*out = (struct tg_found_chunk){ .kind = node->key.at[0],
					.stream = record ? tg_load_be32(node->key.at + 1) : 0,
					.seq = tg_load_be64(key),
					.part = (uint16_t)(key[8] << 8 | key[9]),
					.bytes = node->bytes };
	return true;
}

/* Enters it unless it lies outside what the list is to hold: when that is full the lower half stays
 * and the rest is looked for again, later. */
static void note(struct tg_salvage *salvage, const struct tg_found_chunk *found)
{
	if (compare(found, &salvage->chunks_from) < 0)
		return;
	if (salvage->chunk_count == salvage->chunk_cap) {
		qsort(salvage->chunks, salvage->chunk_count, sizeof(*found), compare);
		salvage->chunk_count /= 2;
		salvage->chunks_end = false;
	}
	if (!salvage->chunks_end && salvage->chunk_count > 0 &&
	    compare(found, &salvage->chunks[salvage->chunk_count - 1]) > 0)
		return;
	salvage->chunks[salvage->chunk_count++] = *found;
}

static void note_leaf(struct tg_salvage *salvage, uint64_t offset)
{
	const uint8_t *page = salvage->page;
	struct tg_salvage_node node;
	struct tg_found_chunk found;

	for (uint32_t at = TG_SALVAGE_BODY_AT; at + 2 <= tg_salvage_nodes_end(page); at += 2) {
		if (!tg_salvage_node(page, at, &node) || !is_chunk(&node, &found))
			continue;
		found.offset = tg_salvage_value_at(salvage, offset, &node);
		note(salvage, &found);
	}
}

static void list_from(struct tg_salvage *salvage, const struct tg_found_chunk *first)
{
	uint32_t flags;

	salvage->chunks_from = *first;
	salvage->chunks_end = true;
	salvage->chunk_count = 0;
	for (uint64_t offset = 0; tg_salvage_load(salvage, offset, &flags); offset += TG_PAGE_BYTES)
		if (flags & TG_SALVAGE_LEAF)
			note_leaf(salvage, offset);
	qsort(salvage->chunks, salvage->chunk_count, sizeof(*first), compare);
}

static const struct tg_found_chunk *find(struct tg_salvage *salvage,
					 const struct tg_found_chunk *wanted)
{
	const struct tg_found_chunk *last = salvage->chunks + salvage->chunk_count;

	if (salvage->chunks_from.kind == 0 || compare(wanted, &salvage->chunks_from) < 0 ||
	    (!salvage->chunks_end &&
	     (salvage->chunk_count == 0 || compare(wanted, last - 1) > 0)))
		list_from(salvage, wanted);
	return bsearch(wanted, salvage->chunks, salvage->chunk_count, sizeof(*wanted), compare);
}

bool tg_salvage_body(struct tg_salvage *salvage, const struct tg_found_chunk *first,
		     uint64_t bytes, struct tg_view *body)
{
	struct tg_found_chunk wanted = *first;
	uint8_t *at = salvage->box->large_;
	size_t used = 0;

	if (bytes > CONFIG_TG_DOC_BYTES_MAX)
		return false;
	for (; used < bytes; wanted.part++) {
		const struct tg_found_chunk *found = find(salvage, &wanted);

		if (found == NULL || found->bytes > bytes - used ||
		    !tg_salvage_read(salvage, found->offset, at + used, found->bytes))
			return false;
		used += found->bytes;
	}
	*body = tg_view_of(at, used);
	return true;
}
