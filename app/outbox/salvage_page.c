#include <unistd.h>

#include "app/outbox/salvage.h"

enum { PAGE_LOWER_AT = 12, NODE_HEAD_BYTES = 8, NODE_BIG = 0x01 };

bool tg_salvage_read(const struct tg_salvage *salvage, uint64_t offset, uint8_t *at, size_t bytes)
{
	return pread(salvage->fd, at, bytes, (off_t)offset) == (ssize_t)bytes;
}

bool tg_salvage_node(const uint8_t *page, uint32_t at, struct tg_salvage_node *out)
{
	uint32_t node = tg_load_u16(page + at);

	if (node < TG_SALVAGE_BODY_AT || node + NODE_HEAD_BYTES > TG_PAGE_BYTES)
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

uint32_t tg_salvage_nodes_end(const uint8_t *page)
{
	uint32_t lower = tg_load_u16(page + PAGE_LOWER_AT);

	return lower < TG_PAGE_BYTES ? lower : TG_PAGE_BYTES;
}

uint64_t tg_salvage_value_at(const struct tg_salvage *salvage, uint64_t offset,
			     const struct tg_salvage_node *node)
{
	if (!node->big)
		return offset + node->value_at;
	return tg_load_u64(salvage->page + node->value_at) * TG_PAGE_BYTES + TG_SALVAGE_BODY_AT;
}

struct tg_view tg_salvage_content(struct tg_salvage *salvage, const struct tg_salvage_node *node)
{
	if (!node->big)
		return tg_row_content(node->key,
				      tg_view_of(salvage->page + node->value_at, node->bytes));
	if (node->bytes > sizeof(salvage->run) ||
	    !tg_salvage_read(salvage, tg_salvage_value_at(salvage, 0, node), salvage->run,
			     node->bytes))
		return tg_view_of(NULL, 0);
	return tg_row_content(node->key, tg_view_of(salvage->run, node->bytes));
}

bool tg_salvage_load(struct tg_salvage *salvage, uint64_t offset, uint32_t *flags)
{
	if (!tg_salvage_read(salvage, offset, salvage->page, TG_PAGE_BYTES))
		return false;
	*flags = tg_load_u16(salvage->page + TG_SALVAGE_FLAGS_AT);
	return true;
}

void tg_salvage_rows(struct tg_salvage *salvage, uint8_t kind,
		     void (*on_row)(struct tg_salvage *salvage, struct tg_view key,
				    struct tg_view content))
{
	const uint8_t *page = salvage->page;
	struct tg_salvage_node node;
	uint32_t flags;

	for (uint64_t offset = 0; tg_salvage_load(salvage, offset, &flags);
	     offset += TG_PAGE_BYTES) {
		uint32_t end = flags & TG_SALVAGE_LEAF ? tg_salvage_nodes_end(page) : 0;

		for (uint32_t at = TG_SALVAGE_BODY_AT; at + 2 <= end; at += 2) {
			if (!tg_salvage_node(page, at, &node) || node.key.at[0] != kind)
				continue;
			struct tg_view content = tg_salvage_content(salvage, &node);
			if (content.at != NULL)
				on_row(salvage, node.key, content);
		}
	}
}
