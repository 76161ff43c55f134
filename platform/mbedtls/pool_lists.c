#include "platform/mbedtls/pool.h"

#include "platform/assert.h"
#include "platform/tls.h"

/*      | before:4 | bytes:4 | payload ...            | before | bytes | payload ... |     | end |
 *        ^ size of the block to the left, for joining  ^ bit 0 of `bytes`: in use
 *
 * Free blocks lie in 64 lists, four for each power of two, with a bitmap of the lists that are not
 * empty: taking and giving back are a few instructions, as a handshake does 19,000 of both. Eight
 * bytes a block are overhead. */

enum {
	POOL_BYTES = CONFIG_TG_TLS_BYTES * CONFIG_TG_TLS_CONNECTIONS_MAX / 16 * 16,
	GRAIN_BYTES = 16,
	HEAD_BYTES = 8,
	LISTS = 64,
	NONE = 0, /* no block starts at offset 0: the first one starts at HEAD_BYTES */
	IN_USE = 1,
};

/* At offset `HEAD_BYTES` modulo 16, so that the payload behind it is aligned. */
struct block {
	uint32_t before;     /* bytes of the block to the left, 0 for the first one       */
	uint32_t bytes;      /* of this block, head included; bit 0 tells whether in use  */
	uint32_t next, back; /* in its list, when free                                */
};

static _Alignas(16) uint8_t pool[POOL_BYTES + sizeof(struct block)];
static uint32_t lists[LISTS];
static uint64_t lists_filled;
static struct tg_tls_pool figures;

static struct block *block_at(uint32_t offset)
{
	return (struct block *)(void *)(pool + offset);
}

static uint32_t block_bytes(const struct block *block)
{
	return block->bytes & ~(uint32_t)IN_USE;
}

/* The list of free blocks of `bytes`: 4 * log2 and the next two bits; the last takes all above. */
static unsigned list_of(uint32_t bytes)
{
	uint32_t grains = bytes / GRAIN_BYTES;
	unsigned log = 31u - (unsigned)__builtin_clz(grains);
	unsigned list = log * 4 + (unsigned)(((uint64_t)grains << 2 >> log) & 3);

	return list < LISTS ? list : LISTS - 1;
}

static void list_add(uint32_t offset)
{
	struct block *block = block_at(offset);
	unsigned list = list_of(block->bytes);

	block->back = NONE;
	block->next = lists[list];
	if (block->next != NONE)
		block_at(block->next)->back = offset;
	lists[list] = offset;
	lists_filled |= (uint64_t)1 << list;
}

static void list_remove(uint32_t offset)
{
	struct block *block = block_at(offset);
	unsigned list = list_of(block->bytes);

	if (block->next != NONE)
		block_at(block->next)->back = block->back;
	if (block->back != NONE)
		block_at(block->back)->next = block->next;
	else
		lists[list] = block->next;
	if (lists[list] == NONE)
		lists_filled &= ~((uint64_t)1 << list);
}

/* One free block, and behind it a head in use that stops the joining. */
void tg_tls_pool_start(void)
{
	struct block *first = block_at(HEAD_BYTES);
	uint32_t bytes = POOL_BYTES - 2 * HEAD_BYTES;

	if (figures.pool_bytes != 0)
		return;
	figures.pool_bytes = POOL_BYTES;
	first->before = 0;
	first->bytes = bytes;
	block_at(HEAD_BYTES + bytes)->before = bytes;
	block_at(HEAD_BYTES + bytes)->bytes = IN_USE;
	list_add(HEAD_BYTES);
}

static uint32_t first_fit(unsigned list, uint32_t bytes)
{
	uint32_t offset = lists[list];

	while (offset != NONE && block_at(offset)->bytes < bytes)
		offset = block_at(offset)->next;
	return offset;
}

/* Any block of a list above fits; in the block's own list the sizes differ and must be looked at.
 */
static uint32_t find(uint32_t bytes)
{
	unsigned list = list_of(bytes);
	uint64_t above = list + 1 < LISTS ? lists_filled >> (list + 1) << (list + 1) : 0;
	uint32_t offset = lists[list];

	if (offset != NONE && block_at(offset)->bytes >= bytes)
		return offset;
	if (above == 0)
		return first_fit(list, bytes);
	unsigned next = (unsigned)__builtin_ctzll(above);
	return lists[next];
}

/* Cuts `offset`, which is in no list, down to `bytes` and gives the rest back. */
static void split(uint32_t offset, uint32_t bytes)
{
	struct block *block = block_at(offset);
	uint32_t rest = block->bytes - bytes;

	if (rest < GRAIN_BYTES)
		return;
	block->bytes = bytes;
	block_at(offset + bytes)->before = bytes;
	block_at(offset + bytes)->bytes = rest;
	block_at(offset + bytes + rest)->before = rest;
	list_add(offset + bytes);
}

static void *refuse(void)
{
	figures.refused_count++;
	return NULL;
}

void *tg_tls_calloc(size_t count, size_t bytes)
{
	tg_tls_pool_start();
	if (bytes != 0 && count > POOL_BYTES / bytes)
		return refuse();
	uint32_t need = (uint32_t)(count * bytes + HEAD_BYTES + GRAIN_BYTES - 1);
	need -= need % GRAIN_BYTES;
	uint32_t offset = find(need);
	if (offset == NONE)
		return refuse();
	list_remove(offset);
	split(offset, need);
	struct block *block = block_at(offset);
	figures.used_bytes += block->bytes;
	if (figures.used_bytes > figures.peak_bytes)
		figures.peak_bytes = figures.used_bytes;
	block->bytes |= IN_USE;
	return memset(pool + offset + HEAD_BYTES, 0, count * bytes);
}

/* Joins two free neighbours, the left one in no list; the right one leaves its list. */
static void join(uint32_t left, uint32_t right)
{
	struct block *block = block_at(left);

	list_remove(right);
	block->bytes += block_at(right)->bytes;
	block_at(left + block->bytes)->before = block->bytes;
}

void tg_tls_free(void *at)
{
	if (at == NULL)
		return;
	TG_ASSERT((uint8_t *)at > pool && (uint8_t *)at < pool + POOL_BYTES);
	uint32_t offset = (uint32_t)((uint8_t *)at - pool) - HEAD_BYTES;
	struct block *block = block_at(offset);
	TG_ASSERT((block->bytes & IN_USE) != 0);
	block->bytes = block_bytes(block);
	figures.used_bytes -= block->bytes;
	list_add(offset);
	uint32_t left = block->before == 0 ? NONE : offset - block->before;
	if (left != NONE && (block_at(left)->bytes & IN_USE) == 0) {
		list_remove(left);
		join(left, offset);
		list_add(left);
		offset = left;
	}
	uint32_t right = offset + block_at(offset)->bytes;
	if ((block_at(right)->bytes & IN_USE) == 0) {
		list_remove(offset);
		join(offset, right);
		list_add(offset);
	}
}

struct tg_tls_pool tg_tls_pool_now(void)
{
	tg_tls_pool_start();
	return figures;
}
