/* block.h - records of one stream packed into one LMDB value.
 *
 *      0        4      8        12      14     16          24           32
 *      | crc32c | TGB1 | stream | count | used | first seq | base time  | records ... | table |
 *                                                                       ^offset[0]    ^used
 *
 * The table holds `count` offsets of two bytes, growing down from the value's end: offset i lies at
 * end - 2 * (i + 1). The block's checksum covers the header behind it and the table; each record
 * carries its own:
 *
 *      | crc32c of what follows | flags | time - base | key at | key bytes | [only sink] | body |
 *      | 4                      | 1     | varint      | varint | varint    | [varint]    | or
 * length + crc | (large)
 *
 * A block is 16,368 bytes: four pages less LMDB's header of 16. A body that does not fit a block
 * lies in chunks beside it (TG_BLOCK_LARGE); the block then holds its length and checksum.
 *
 * Pure: no disk, no allocation.
 */
#ifndef TG_APP_OUTBOX_BLOCK_H
#define TG_APP_OUTBOX_BLOCK_H

#include "app/record.h"
#include "platform/err.h"

enum {
	TG_BLOCK_BYTES = 16368,
	TG_BLOCK_HEADER_BYTES = 32,
	TG_BLOCK_RECORD_HEAD_MAX = 4 + 1 + 10 + 5 + 5 + 3 + 10 + 4,
	/* The largest body that is packed into a block. */
	TG_BLOCK_BODY_MAX = TG_BLOCK_BYTES - TG_BLOCK_HEADER_BYTES - TG_BLOCK_RECORD_HEAD_MAX - 2,
};

/* A block under construction, or loaded to be gone on with. */
struct tg_block {
	uint32_t stream;
	uint32_t count;
	uint32_t used; /* bytes from the start, table apart */
	uint64_t first_seq;
	int64_t base_time_ms;
	uint8_t bytes[TG_BLOCK_BYTES];
};

void tg_block_start(struct tg_block *block, uint32_t stream, uint64_t first_seq);
/* The next record gets the sequence first_seq + count. False when the block is full: nothing
 * changed. A body larger than TG_BLOCK_BODY_MAX is entered as large. */
bool tg_block_add(struct tg_block *block, const struct tg_record *record);
/* How many bytes the finished value has, and the value itself (checksum set) into `at`. */
size_t tg_block_bytes(const struct tg_block *block);
void tg_block_finish(const struct tg_block *block, uint8_t *at);
/* Loads a finished value to add to it. TG_ERR_DAMAGED when it is none. */
TG_CHECKED int tg_block_load(struct tg_block *block, struct tg_view value);

/* A finished value, opened for reading; borrows it. */
struct tg_block_view {
	struct tg_view value;
	uint32_t stream, count;
	uint64_t first_seq;
	int64_t base_time_ms;
};
/* TG_ERR_DAMAGED when header or table fail. */
TG_CHECKED int tg_block_open(struct tg_block_view *view, struct tg_view value);
/* How many bytes record `at` takes, a large one its body too (for sizing a batch without reading
 * it). */
uint64_t tg_block_record_bytes(const struct tg_block_view *view, uint32_t at);

struct tg_block_record {
	struct tg_record record; /* body empty when large                     */
	bool large;
	uint64_t large_bytes;
	uint32_t large_crc;
};
/* Record number `at` (from 0). TG_ERR_DAMAGED when its checksum fails; the others can still be
 * read. */
TG_CHECKED int tg_block_read(const struct tg_block_view *view, uint32_t at,
			     struct tg_block_record *out);

#endif
