#include "app/outbox/block.h"

#include "app/crc32c.h"
#include "app/pack.h"
#include "platform/assert.h"

enum { MAGIC = 0x31424754 }; /* "TGB1" */

enum record_flag {
	FLAG_DELETE = 1,
	FLAG_PSEUDO = 2,
	FLAG_NESTED = 4,
	FLAG_RESERVED = 8,
	FLAG_SURROGATE = 16,
	FLAG_LARGE = 32,
	FLAG_ONLY = 64,
};

static const struct {
	uint32_t in_record;
	uint8_t in_block;
} flag_pairs[] = {
	{ TG_REC_PSEUDO, FLAG_PSEUDO },
	{ TG_REC_NESTED, FLAG_NESTED },
	{ TG_REC_RESERVED, FLAG_RESERVED },
	{ TG_REC_SURROGATE, FLAG_SURROGATE },
};

static uint8_t flags_of(const struct tg_record *record)
{
	uint8_t flags = record->op == TG_DELETE ? FLAG_DELETE : 0;

	for (size_t i = 0; i < sizeof(flag_pairs) / sizeof(flag_pairs[0]); i++)
		if (record->flags & flag_pairs[i].in_record)
			flags |= flag_pairs[i].in_block;
	if (record->body.bytes > TG_BLOCK_BODY_MAX)
		flags |= FLAG_LARGE;
	if (record->only_sink != 0)
		flags |= FLAG_ONLY;
	return flags;
}

static uint32_t record_flags_of(uint8_t flags)
{
	uint32_t in_record = 0;

	for (size_t i = 0; i < sizeof(flag_pairs) / sizeof(flag_pairs[0]); i++)
		if (flags & flag_pairs[i].in_block)
			in_record |= flag_pairs[i].in_record;
	return in_record;
}

void tg_block_start(struct tg_block *block, uint32_t stream, uint64_t first_seq)
{
	block->stream = stream;
	block->count = 0;
	block->used = TG_BLOCK_HEADER_BYTES;
	block->first_seq = first_seq;
	block->base_time_ms = 0;
}

/* Writes what precedes the body into `head`, the checksum's place left open. */
static uint32_t make_head(const struct tg_block *block, const struct tg_record *record,
			  uint8_t head[TG_BLOCK_RECORD_HEAD_MAX])
{
	uint8_t flags = flags_of(record);
	uint32_t used = 4;

	head[used++] = flags;
	used += tg_varint_put(head + used, tg_zigzag(record->time_ms - block->base_time_ms));
	used += tg_varint_put(head + used, record->key_at);
	used += tg_varint_put(head + used, record->key_bytes);
	if (flags & FLAG_ONLY)
		used += tg_varint_put(head + used, record->only_sink);
	if (flags & FLAG_LARGE) {
		used += tg_varint_put(head + used, record->body.bytes);
		tg_store_u32(head + used, tg_crc32c(0, record->body.at, record->body.bytes));
		used += 4;
	}
	return used;
}

bool tg_block_add(struct tg_block *block, const struct tg_record *record)
{
	uint8_t head[TG_BLOCK_RECORD_HEAD_MAX];

	if (block->count == 0)
		block->base_time_ms = record->time_ms;
	uint32_t head_bytes = make_head(block, record, head);
	size_t body_bytes = (head[4] & FLAG_LARGE) ? 0 : record->body.bytes;
	size_t table_bytes = 2 * ((size_t)block->count + 1);

	if (block->used + head_bytes + body_bytes + table_bytes > TG_BLOCK_BYTES)
		return false;
	uint8_t *at = block->bytes + block->used;
	memcpy(at, head, head_bytes);
	if (body_bytes != 0)
		memcpy(at + head_bytes, record->body.at, body_bytes);
	tg_store_u32(at, tg_crc32c(0, at + 4, head_bytes - 4 + body_bytes));
	tg_store_u16(block->bytes + TG_BLOCK_BYTES - table_bytes, block->used);
	block->used += (uint32_t)(head_bytes + body_bytes);
	block->count++;
	return true;
}

size_t tg_block_bytes(const struct tg_block *block)
{
	return block->used + 2 * (size_t)block->count;
}

static uint32_t header_crc(const uint8_t *value, const uint8_t *table, size_t table_bytes)
{
	uint32_t crc = tg_crc32c(0, value + 4, TG_BLOCK_HEADER_BYTES - 4);

	return tg_crc32c(crc, table, table_bytes);
}

void tg_block_finish(const struct tg_block *block, uint8_t *at)
{
	size_t table_bytes = 2 * (size_t)block->count;

	memcpy(at + TG_BLOCK_HEADER_BYTES, block->bytes + TG_BLOCK_HEADER_BYTES,
	       block->used - TG_BLOCK_HEADER_BYTES);
	memcpy(at + block->used, block->bytes + TG_BLOCK_BYTES - table_bytes, table_bytes);
	tg_store_u32(at + 4, MAGIC);
	tg_store_u32(at + 8, block->stream);
	tg_store_u16(at + 12, block->count);
	tg_store_u16(at + 14, block->used);
	tg_store_u64(at + 16, block->first_seq);
	tg_store_u64(at + 24, (uint64_t)block->base_time_ms);
	tg_store_u32(at, header_crc(at, at + block->used, table_bytes));
}

int tg_block_open(struct tg_block_view *view, struct tg_view value)
{
	if (value.bytes < TG_BLOCK_HEADER_BYTES || value.bytes > TG_BLOCK_BYTES ||
	    tg_load_u32(value.at + 4) != MAGIC)
		return TG_ERR_DAMAGED;
	uint32_t count = tg_load_u16(value.at + 12);
	uint32_t used = tg_load_u16(value.at + 14);

	if (used < TG_BLOCK_HEADER_BYTES || used + 2 * (size_t)count != value.bytes ||
	    tg_load_u32(value.at) != header_crc(value.at, value.at + used, 2 * (size_t)count))
		return TG_ERR_DAMAGED;
	*view = (struct tg_block_view){ .value = value,
					.stream = tg_load_u32(value.at + 8),
					.count = count,
					.first_seq = tg_load_u64(value.at + 16),
					.base_time_ms = (int64_t)tg_load_u64(value.at + 24) };
	return 0;
}

static uint32_t offset_of(const struct tg_block_view *view, uint32_t at)
{
	if (at == view->count)
		return tg_load_u16(view->value.at + 14);
	return tg_load_u16(view->value.at + view->value.bytes - 2 * ((size_t)at + 1));
}

uint64_t tg_block_record_bytes(const struct tg_block_view *view, uint32_t at)
{
	TG_ASSERT(at < view->count);
	uint32_t from = offset_of(view, at);
	uint32_t end = offset_of(view, at + 1);
	struct tg_block_record record;

	if (from < TG_BLOCK_HEADER_BYTES || end < from + 6 || end > view->value.bytes)
		return 0; /* reading it will say so */
	/* Of a large record only a head lies here; any other need not be touched, nor its page. */
	if (end - from > TG_BLOCK_RECORD_HEAD_MAX || !(view->value.at[from + 4] & FLAG_LARGE) ||
	    tg_block_read(view, at, &record) < 0)
		return end - from;
	return end - from + record.large_bytes;
}

/* One number of a record's head, at `*at`; moves behind it. */
static int take_varint(const uint8_t **at, const uint8_t *end, uint64_t *out)
{
	uint32_t bytes = tg_varint_get(*at, end, out);

	*at += bytes;
	return bytes != 0 ? 0 : TG_ERR_DAMAGED;
}

static int read_large(const uint8_t *at, const uint8_t *end, struct tg_block_record *out)
{
	if (take_varint(&at, end, &out->large_bytes) < 0 || end - at != 4)
		return TG_ERR_DAMAGED;
	out->large_crc = tg_load_u32(at);
	out->record.body = tg_view_of(NULL, 0);
	out->record.body_bytes = out->large_bytes;
	return 0;
}

static int read_head(const struct tg_block_view *view, const uint8_t *at, const uint8_t *end,
		     struct tg_block_record *out)
{
	uint8_t flags = *at++;
	uint64_t time = 0, key_at = 0, key_bytes = 0, only = 0;

	if (take_varint(&at, end, &time) < 0 || take_varint(&at, end, &key_at) < 0 ||
	    take_varint(&at, end, &key_bytes) < 0 ||
	    ((flags & FLAG_ONLY) && take_varint(&at, end, &only) < 0))
		return TG_ERR_DAMAGED;
	out->record.op = (flags & FLAG_DELETE) ? TG_DELETE : TG_UPSERT;
	out->record.flags = record_flags_of(flags);
	out->record.time_ms = view->base_time_ms + tg_unzigzag(time);
	out->record.key_at = (uint32_t)key_at;
	out->record.key_bytes = (uint32_t)key_bytes;
	out->record.only_sink = (uint16_t)only;
	out->large = (flags & FLAG_LARGE) != 0;
	if (out->large)
		return read_large(at, end, out);
	out->record.body = tg_view_of(at, (size_t)(end - at));
	out->record.body_bytes = out->record.body.bytes;
	return key_at + key_bytes <= out->record.body.bytes ? 0 : TG_ERR_DAMAGED;
}

int tg_block_read(const struct tg_block_view *view, uint32_t at, struct tg_block_record *out)
{
	TG_ASSERT(at < view->count);
	uint32_t from = offset_of(view, at);
	uint32_t end = offset_of(view, at + 1);

	if (from < TG_BLOCK_HEADER_BYTES || end < from + 6 || end > view->value.bytes)
		return TG_ERR_DAMAGED;
	const uint8_t *bytes = view->value.at;
	if (tg_load_u32(bytes + from) != tg_crc32c(0, bytes + from + 4, end - from - 4))
		return TG_ERR_DAMAGED;
	memset(&out->record, 0, sizeof(out->record));
	out->record.seq = view->first_seq + at;
	return read_head(view, bytes + from + 4, bytes + end, out);
}

int tg_block_load(struct tg_block *block, struct tg_view value)
{
	struct tg_block_view view;

	if (tg_block_open(&view, value) < 0)
		return TG_ERR_DAMAGED;
	size_t table_bytes = 2 * (size_t)view.count;
	block->stream = view.stream;
	block->count = view.count;
	block->used = (uint32_t)(value.bytes - table_bytes);
	block->first_seq = view.first_seq;
	block->base_time_ms = view.base_time_ms;
	memcpy(block->bytes, value.at, block->used);
	memcpy(block->bytes + TG_BLOCK_BYTES - table_bytes, value.at + block->used, table_bytes);
	return 0;
}
