/* index_page.h - one page of the key index as bytes, the same on every machine.
 *
 *      0        4    5       6     8    10      12   16       24                   used   4080
 *      +--------+----+-------+-----+----+-------+----+--------+--------------------+------+
 *      | crc32c |kind|version|count|used|missing|page|seq base| cells in key order | zero |
 *      +--------+----+-------+-----+----+-------+----+--------+--------------------+------+
 *
 *      cell   varint key_bytes << 1 | has_tail   [varint tail_bytes]   key (tail included)
 *      leaf   ... 8 bytes of hash   varint zigzag(seq - seq of the cell before) << 3 | flags
 *      inner  ... u32 child         (the key is the child's lower fence, without tail)
 *
 * Numbers are little-endian; the checksum covers bytes 4 to used. A sequence is told from the one
 * before it (the first from `seq base`), so a run of rows written in order costs one byte each
 * and a page that is cut in two needs no rewriting. Flags are the lowest bits of a varint's first
 * byte, so that they change in place. The first fence of an inner page is empty: less than every
 * key.
 *
 * The readers trust a page: it has passed tg_index_page_check() or was made here. A key of
 * TG_KEY_BYTES_MAX takes 1,122 bytes at most: three fit, and a cut page takes any fourth.
 *
 * Memory:  the caller's. Waits: never. Thread: any.
 */
#ifndef TG_APP_OUTBOX_INDEX_PAGE_H
#define TG_APP_OUTBOX_INDEX_PAGE_H

#include "app/outbox/index.h"
#include "app/pack.h"

enum {
	TG_INDEX_PAGE_HEADER_BYTES = 24,
	TG_INDEX_PAGE_VERSION = 1,
	TG_INDEX_CELL_BYTES_MAX = 2 + 2 + TG_KEY_BYTES_MAX + 8 + 10,
	TG_INDEX_FLAG_BITS = 3,
};

enum tg_index_page_kind { TG_INDEX_PAGE_LEAF = 1, TG_INDEX_PAGE_INNER = 2 };

/* A cell as read; the key borrows from the page. */
struct tg_index_cell {
	struct tg_key key;
	uint64_t hash;
	uint64_t seq;
	uint32_t flags;
	uint32_t child;
	uint32_t seq_at; /* where the sequence's varint begins */
	uint32_t end;    /* where the next cell begins         */
};

/* Where a leaf's cell is written: the cells in [at, end) are replaced (none when equal). */
struct tg_index_spot {
	uint32_t at, end;
	uint64_t seq_before; /* of the cell before `at`, the page's base when there is none */
	uint64_t seq_end;    /* of the cell before `end`                                    */
};

static inline uint32_t tg_index_page_kind(const uint8_t *bytes)
{
	return bytes[4];
}

static inline uint32_t tg_index_page_count(const uint8_t *bytes)
{
	return tg_load_u16(bytes + 6);
}

static inline uint32_t tg_index_page_used(const uint8_t *bytes)
{
	return tg_load_u16(bytes + 8);
}

static inline uint32_t tg_index_page_missing(const uint8_t *bytes)
{
	return tg_load_u16(bytes + 10);
}

static inline uint64_t tg_index_page_base(const uint8_t *bytes)
{
	return tg_load_u64(bytes + 16);
}

/* Reads the key of the cell at `at`; returns where it ends. */
static inline uint32_t tg_index_key_read(const uint8_t *bytes, uint32_t at, struct tg_key *key)
{
	uint32_t head = bytes[at++];
	uint32_t tail = 0;

	if (head >= 0x80)
		head = (head & 0x7f) | (uint32_t)bytes[at++] << 7;
	if ((head & 1) != 0) {
		tail = bytes[at++];
		if (tail >= 0x80)
			tail = (tail & 0x7f) | (uint32_t)bytes[at++] << 7;
	}
	key->bytes.at = bytes + at;
	key->bytes.bytes = head >> 1;
	key->cmp_bytes = (head >> 1) - tail;
	return at + (head >> 1);
}

static inline void tg_index_leaf_read(const uint8_t *bytes, uint32_t at, uint64_t seq_before,
				      struct tg_index_cell *out)
{
	at = tg_index_key_read(bytes, at, &out->key);
	out->hash = tg_load_u64(bytes + at);
	at += 8;
	out->seq_at = at;
	uint64_t value = bytes[at++];
	if (value >= 0x80) {
		value &= 0x7f;
		for (uint32_t shift = 7;; shift += 7) {
			value |= (uint64_t)(bytes[at] & 0x7f) << shift;
			if (bytes[at++] < 0x80)
				break;
		}
	}
	out->flags = value & ((1u << TG_INDEX_FLAG_BITS) - 1);
	out->seq = seq_before + (uint64_t)tg_unzigzag(value >> TG_INDEX_FLAG_BITS);
	out->end = at;
}

static inline void tg_index_inner_read(const uint8_t *bytes, uint32_t at, struct tg_index_cell *out)
{
	at = tg_index_key_read(bytes, at, &out->key);
	out->child = tg_load_u32(bytes + at);
	out->end = at + 4;
}

/* Makes an empty page of all `bytes`. */
void tg_index_page_init(uint8_t *bytes, enum tg_index_page_kind kind, uint32_t page, uint64_t base);

/* Zeroes what is unused and sets the checksum. */
void tg_index_page_seal(uint8_t *bytes);

/* Writes `entry` at `spot`. False when it does not fit: nothing is changed then. The entry's key
 * may lie in this page. On success `spot` covers the new cell. */
bool tg_index_leaf_put(uint8_t *bytes, struct tg_index_spot *spot,
		       const struct tg_index_entry *entry);

/* Takes the cell that `spot` covers out; `spot` is empty afterwards. */
void tg_index_leaf_cut(uint8_t *bytes, struct tg_index_spot *spot);

/* Changes the flags of `cell` in place. */
void tg_index_leaf_mark(uint8_t *bytes, struct tg_index_cell *cell, uint32_t flags);

/* Puts a child before the cell at `at`. False when it does not fit: nothing is changed then. */
bool tg_index_inner_put(uint8_t *bytes, uint32_t at, struct tg_view fence, uint32_t child);

/* Gives the child at `at`, which is not the first one, another fence. False when it does not fit:
 * nothing is changed then. */
bool tg_index_inner_fence(uint8_t *bytes, uint32_t at, struct tg_view fence);

/* Takes the child at `at` out; a new first child loses its fence. */
void tg_index_inner_cut(uint8_t *bytes, uint32_t at);

/* The cell boundary nearest to the middle, and the sequence before it (leaf). */
uint32_t tg_index_page_middle(const uint8_t *bytes, uint64_t *seq_before);

/* Moves the cells from `cut` on to the empty page `right`, whose base is `seq_before`; an inner
 * page's first fence there is stripped. Returns how many bytes that saved. */
uint32_t tg_index_page_split(uint8_t *left, uint8_t *right, uint32_t cut, uint64_t seq_before);

#endif
