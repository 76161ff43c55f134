/* index_page.c - writes, cuts and checks the pages of the key index. */
#include "app/outbox/index_page.h"

#include "app/crc32c.h"
#include "platform/assert.h"

enum {
	HEADER = TG_INDEX_PAGE_HEADER_BYTES,
	KIND_AT = 4,
	VERSION_AT = 5,
	COUNT_AT = 6,
	USED_AT = 8,
	MISSING_AT = 10,
	PAGE_AT = 12,
	BASE_AT = 16,
};

void tg_index_page_init(uint8_t *bytes, enum tg_index_page_kind kind, uint32_t page, uint64_t base)
{
	memset(bytes, 0, TG_INDEX_PAGE_BYTES);
	bytes[KIND_AT] = (uint8_t)kind;
	bytes[VERSION_AT] = TG_INDEX_PAGE_VERSION;
	tg_store_u16(bytes + USED_AT, HEADER);
	tg_store_u32(bytes + PAGE_AT, page);
	tg_store_u64(bytes + BASE_AT, base);
}

void tg_index_page_seal(uint8_t *bytes)
{
	uint32_t used = tg_index_page_used(bytes);

	memset(bytes + used, 0, TG_INDEX_PAGE_BYTES - used);
	tg_store_u32(bytes, tg_crc32c(0, bytes + 4, used - 4));
}

static void count_add(uint8_t *bytes, int more)
{
	tg_store_u16(bytes + COUNT_AT, tg_index_page_count(bytes) + (uint32_t)more);
}

static void missing_add(uint8_t *bytes, int more)
{
	tg_store_u16(bytes + MISSING_AT, tg_index_page_missing(bytes) + (uint32_t)more);
}

/* Puts `with` in the place of [at, end); the caller knows that it fits. */
static void splice(uint8_t *bytes, uint32_t at, uint32_t end, struct tg_view with)
{
	uint32_t used = tg_index_page_used(bytes);
	uint32_t grown = at + (uint32_t)with.bytes;

	if (end != used && grown != end)
		memmove(bytes + grown, bytes + end, used - end);
	if (with.bytes != 0)
		memcpy(bytes + at, with.at, with.bytes);
	tg_store_u16(bytes + USED_AT, used - end + grown);
}

static uint32_t write_key(uint8_t *at, struct tg_key key)
{
	uint32_t tail = (uint32_t)key.bytes.bytes - key.cmp_bytes;
	uint32_t bytes = tg_varint_put(at, key.bytes.bytes << 1 | (tail != 0));

	if (tail != 0)
		bytes += tg_varint_put(at + bytes, tail);
	if (key.bytes.bytes != 0)
		memcpy(at + bytes, key.bytes.at, key.bytes.bytes);
	return bytes + (uint32_t)key.bytes.bytes;
}

static uint32_t write_seq(uint8_t *at, uint64_t seq_before, uint64_t seq, uint32_t flags)
{
	uint64_t delta = tg_zigzag((int64_t)(seq - seq_before));

	return tg_varint_put(at, delta << TG_INDEX_FLAG_BITS | flags);
}

/* The varint of the cell behind `spot` counts from another sequence now. */
struct follower {
	uint32_t at, end, bytes; /* it lies in [at, end) and becomes `bytes` long */
	uint8_t varint[10];
};

static void follower_find(const uint8_t *bytes, const struct tg_index_spot *spot, uint64_t seq,
			  struct follower *out)
{
	struct tg_index_cell cell;

	*out = (struct follower){ .at = spot->end, .end = spot->end };
	if (spot->end == tg_index_page_used(bytes))
		return;
	tg_index_leaf_read(bytes, spot->end, spot->seq_end, &cell);
	out->at = cell.seq_at;
	out->end = cell.end;
	out->bytes = write_seq(out->varint, seq, cell.seq, cell.flags);
}

/* What shrinks goes first: in between, too, the cells must not reach beyond the page. */
static void replace(uint8_t *bytes, const struct tg_index_spot *spot, struct tg_view cell,
		    const struct follower *follower)
{
	struct tg_view varint = tg_view_of(follower->varint, follower->bytes);
	uint32_t before = spot->end - spot->at, after = (uint32_t)cell.bytes;

	if (after > before)
		splice(bytes, follower->at, follower->end, varint);
	splice(bytes, spot->at, spot->end, cell);
	if (after <= before)
		splice(bytes, follower->at - before + after, follower->end - before + after,
		       varint);
}

static void forget_missing(uint8_t *bytes, const struct tg_index_spot *spot)
{
	struct tg_index_cell cell;

	tg_index_leaf_read(bytes, spot->at, spot->seq_before, &cell);
	if ((cell.flags & TG_INDEX_MISSING) != 0)
		missing_add(bytes, -1);
}

bool tg_index_leaf_put(uint8_t *bytes, struct tg_index_spot *spot,
		       const struct tg_index_entry *entry)
{
	uint8_t cell[TG_INDEX_CELL_BYTES_MAX];
	struct follower follower;
	uint32_t count = write_key(cell, entry->key);

	tg_store_u64(cell + count, entry->hash);
	count += 8;
	count += write_seq(cell + count, spot->seq_before, entry->seq, entry->flags);
	follower_find(bytes, spot, entry->seq, &follower);
	if (tg_index_page_used(bytes) + count + follower.bytes >
	    TG_INDEX_PAGE_BYTES + (spot->end - spot->at) + (follower.end - follower.at))
		return false;
	if (spot->end > spot->at)
		forget_missing(bytes, spot);
	else
		count_add(bytes, 1);
	missing_add(bytes, (entry->flags & TG_INDEX_MISSING) != 0);
	replace(bytes, spot, tg_view_of(cell, count), &follower);
	spot->end = spot->at + count;
	spot->seq_end = entry->seq;
	return true;
}

/* Without the cell the follower's varint may be longer, but never by more than the cell was. */
void tg_index_leaf_cut(uint8_t *bytes, struct tg_index_spot *spot)
{
	struct follower follower;

	TG_ASSERT(spot->end > spot->at);
	follower_find(bytes, spot, spot->seq_before, &follower);
	forget_missing(bytes, spot);
	count_add(bytes, -1);
	replace(bytes, spot, tg_view_of(NULL, 0), &follower);
	spot->end = spot->at;
	spot->seq_end = spot->seq_before;
}

void tg_index_leaf_mark(uint8_t *bytes, struct tg_index_cell *cell, uint32_t flags)
{
	uint8_t mask = (1u << TG_INDEX_FLAG_BITS) - 1;
	int before = (cell->flags & TG_INDEX_MISSING) != 0;
	int after = (flags & TG_INDEX_MISSING) != 0;

	bytes[cell->seq_at] = (uint8_t)((bytes[cell->seq_at] & ~mask) | (flags & mask));
	missing_add(bytes, after - before);
	cell->flags = flags;
}

bool tg_index_inner_put(uint8_t *bytes, uint32_t at, struct tg_view fence, uint32_t child)
{
	uint8_t cell[2 + TG_KEY_BYTES_MAX + 4];
	struct tg_key key = { .bytes = at == HEADER ? tg_view_of(NULL, 0) : fence };

	key.cmp_bytes = (uint32_t)key.bytes.bytes;
	uint32_t count = write_key(cell, key);
	tg_store_u32(cell + count, child);
	count += 4;
	if (tg_index_page_used(bytes) + count > TG_INDEX_PAGE_BYTES)
		return false;
	splice(bytes, at, at, tg_view_of(cell, count));
	count_add(bytes, 1);
	return true;
}

bool tg_index_inner_fence(uint8_t *bytes, uint32_t at, struct tg_view fence)
{
	struct tg_key key = { .bytes = fence, .cmp_bytes = (uint32_t)fence.bytes };
	uint8_t text[2 + TG_KEY_BYTES_MAX];
	struct tg_index_cell cell;

	tg_index_inner_read(bytes, at, &cell);
	uint32_t end = cell.end - 4, count = write_key(text, key);
	if (tg_index_page_used(bytes) - (end - at) + count > TG_INDEX_PAGE_BYTES)
		return false;
	splice(bytes, at, end, tg_view_of(text, count));
	return true;
}

/* The first child takes what is less than its fence too. Returns how many bytes went. */
static uint32_t strip_first_fence(uint8_t *bytes)
{
	static const uint8_t empty = 0;
	struct tg_index_cell first;

	if (tg_index_page_count(bytes) == 0)
		return 0;
	tg_index_inner_read(bytes, HEADER, &first);
	splice(bytes, HEADER, first.end - 4, tg_view_of(&empty, 1));
	return first.end - 4 - HEADER - 1;
}

void tg_index_inner_cut(uint8_t *bytes, uint32_t at)
{
	struct tg_index_cell cell;

	tg_index_inner_read(bytes, at, &cell);
	splice(bytes, at, cell.end, tg_view_of(NULL, 0));
	count_add(bytes, -1);
	if (at == HEADER)
		(void)strip_first_fence(bytes);
}

static void read_any(const uint8_t *bytes, uint32_t at, uint64_t seq, struct tg_index_cell *cell)
{
	*cell = (struct tg_index_cell){ .seq = 0 };
	if (tg_index_page_kind(bytes) == TG_INDEX_PAGE_LEAF)
		tg_index_leaf_read(bytes, at, seq, cell);
	else
		tg_index_inner_read(bytes, at, cell);
}

uint32_t tg_index_page_middle(const uint8_t *bytes, uint64_t *seq_before)
{
	uint32_t middle = HEADER + (tg_index_page_used(bytes) - HEADER) / 2;
	uint32_t at = HEADER;
	uint64_t seq = tg_index_page_base(bytes);
	struct tg_index_cell cell;

	for (;; at = cell.end, seq = cell.seq) {
		read_any(bytes, at, seq, &cell);
		if (cell.end >= middle)
			break;
	}
	bool behind = at == HEADER || cell.end - middle < middle - at;
	*seq_before = behind ? cell.seq : seq;
	return behind ? cell.end : at;
}

uint32_t tg_index_page_split(uint8_t *left, uint8_t *right, uint32_t cut, uint64_t seq_before)
{
	uint32_t used = tg_index_page_used(left);
	uint64_t seq = seq_before;
	uint32_t count = 0, missing = 0;
	struct tg_index_cell cell;

	for (uint32_t at = cut; at < used; at = cell.end, seq = cell.seq, count++) {
		read_any(left, at, seq, &cell);
		missing += (cell.flags & TG_INDEX_MISSING) != 0;
	}
	memcpy(right + HEADER, left + cut, used - cut);
	tg_store_u16(right + USED_AT, HEADER + used - cut);
	tg_store_u64(right + BASE_AT, seq_before);
	count_add(right, (int)count);
	missing_add(right, (int)missing);
	tg_store_u16(left + USED_AT, cut);
	count_add(left, -(int)count);
	missing_add(left, -(int)missing);
	return tg_index_page_kind(left) == TG_INDEX_PAGE_INNER ? strip_first_fence(right) : 0;
}

/* A check under way; nothing of the page is trusted. */
struct checker {
	const uint8_t *bytes;
	uint32_t at, used;
	uint64_t seq;
	uint32_t count, missing;
	struct tg_key before;
	int (*compare)(struct tg_key a, struct tg_key b);
};

static bool check_long_varint(struct checker *check, uint32_t bytes_max, uint64_t *value)
{
	const uint8_t *at = check->bytes + check->at;
	uint32_t bytes = tg_varint_get(at, check->bytes + check->used, value);

	if (bytes == 0 || bytes > bytes_max || (bytes == 10 && at[9] > 1))
		return false;
	check->at += bytes;
	return true;
}

/* A varint of at most `bytes_max` bytes that ends inside the page; most are one byte long. */
static inline bool check_varint(struct checker *check, uint32_t bytes_max, uint64_t *value)
{
	if (check->at >= check->used || check->bytes[check->at] >= 0x80)
		return check_long_varint(check, bytes_max, value);
	*value = check->bytes[check->at++];
	return true;
}

static bool check_key(struct checker *check, bool may_have_tail, struct tg_key *key)
{
	uint64_t head, tail = 0;

	if (!check_varint(check, 2, &head))
		return false;
	if ((head & 1) != 0 && (!may_have_tail || !check_varint(check, 2, &tail) || tail == 0))
		return false;
	if (head >> 1 > TG_KEY_BYTES_MAX || head >> 1 > check->used - check->at)
		return false;
	if (tail != 0 && tail >= head >> 1)
		return false;
	*key = (struct tg_key){ .bytes = tg_view_of(check->bytes + check->at, head >> 1),
				.cmp_bytes = (uint32_t)((head >> 1) - tail) };
	check->at += (uint32_t)(head >> 1);
	return true;
}

static bool check_leaf_rest(struct checker *check)
{
	uint64_t value;

	if (check->used - check->at < 8)
		return false;
	check->at += 8;
	if (!check_varint(check, 10, &value))
		return false;
	check->seq += (uint64_t)tg_unzigzag(value >> TG_INDEX_FLAG_BITS);
	check->missing += (value & TG_INDEX_MISSING) != 0;
	return check->seq <= TG_INDEX_SEQ_MAX;
}

static bool check_inner_rest(struct checker *check)
{
	if (check->used - check->at < 4)
		return false;
	uint32_t child = tg_load_u32(check->bytes + check->at);
	check->at += 4;
	return child != 0 && child != tg_load_u32(check->bytes + PAGE_AT);
}

static bool check_cell(struct checker *check)
{
	bool leaf = tg_index_page_kind(check->bytes) == TG_INDEX_PAGE_LEAF;
	bool fenceless = !leaf && check->at == HEADER;
	struct tg_key key;

	if (!check_key(check, leaf, &key) || (key.bytes.bytes == 0) != fenceless)
		return false;
	if (check->compare != NULL && check->before.bytes.bytes != 0 &&
	    check->compare(check->before, key) >= 0)
		return false;
	check->before = key;
	check->count++;
	return leaf ? check_leaf_rest(check) : check_inner_rest(check);
}

static bool check_header(const uint8_t *bytes, uint32_t page)
{
	uint32_t used = tg_index_page_used(bytes);
	uint32_t kind = tg_index_page_kind(bytes);

	if (used < HEADER || used > TG_INDEX_PAGE_BYTES ||
	    tg_load_u32(bytes) != tg_crc32c(0, bytes + 4, used - 4))
		return false;
	return (kind == TG_INDEX_PAGE_LEAF || kind == TG_INDEX_PAGE_INNER) &&
	       bytes[VERSION_AT] == TG_INDEX_PAGE_VERSION && page != 0 &&
	       tg_load_u32(bytes + PAGE_AT) == page &&
	       tg_index_page_base(bytes) <= TG_INDEX_SEQ_MAX;
}

int tg_index_page_check(const uint8_t bytes[TG_INDEX_PAGE_BYTES], uint32_t page,
			int (*compare)(struct tg_key a, struct tg_key b))
{
	struct checker check = { .bytes = bytes, .at = HEADER, .compare = compare };

	if (!check_header(bytes, page))
		return TG_ERR_DAMAGED;
	check.used = tg_index_page_used(bytes);
	check.seq = tg_index_page_base(bytes);
	while (check.at < check.used)
		if (!check_cell(&check))
			return TG_ERR_DAMAGED;
	bool inner = tg_index_page_kind(bytes) == TG_INDEX_PAGE_INNER;
	if (check.count != tg_index_page_count(bytes) ||
	    check.missing != tg_index_page_missing(bytes) || (inner && check.count == 0))
		return TG_ERR_DAMAGED;
	return 0;
}
