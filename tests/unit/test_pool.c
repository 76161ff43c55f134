/* The pool behind mbedTLS: no block overlaps another, all comes back, exhaustion is an answer. */
#include "tests/check.h"

#include "platform/mbedtls/pool.h"
#include "platform/tls.h"

enum { BLOCKS = 512 };

static struct {
	uint8_t *at;
	size_t bytes;
	uint8_t mark;
} blocks[BLOCKS];

static uint32_t seed = 20261121;

static uint32_t next_random(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed >> 8;
}

static void check_block(size_t i)
{
	for (size_t at = 0; at < blocks[i].bytes; at++)
		TG_CHECK(blocks[i].at[at] == blocks[i].mark);
}

static void give_back(size_t i)
{
	if (blocks[i].at == NULL)
		return;
	check_block(i);
	tg_tls_free(blocks[i].at);
	blocks[i].at = NULL;
}

/* Mostly the few bytes of a big number, at times a record buffer, as a handshake does. */
static void take(size_t i)
{
	static const size_t limits[] = { 16, 64, 64, 300, 300, 5000, 17000 };
	size_t bytes = next_random() % limits[next_random() % 7];

	blocks[i].at = tg_tls_calloc(1, bytes);
	if (blocks[i].at == NULL)
		return;
	TG_CHECK_INT((uintptr_t)blocks[i].at % 16, 0);
	blocks[i].bytes = bytes;
	for (size_t at = 0; at < bytes; at++)
		TG_CHECK(blocks[i].at[at] == 0);
	blocks[i].mark = (uint8_t)next_random();
	memset(blocks[i].at, blocks[i].mark, bytes);
}

/* What each block costs beside its bytes is the allocator's: mbedTLS' or ours. */
enum { HEAD_BYTES_MAX = 64 };

static size_t largest(void)
{
	size_t bytes = tg_tls_pool_now().pool_bytes - HEAD_BYTES_MAX;
	void *at = tg_tls_calloc(1, bytes);

	TG_CHECK(at != NULL);
	tg_tls_free(at);
	return bytes;
}

TG_TEST(pool_00_is_started_once)
{
	tg_tls_pool_start();
	void *at = tg_tls_calloc(1, 100);
	tg_tls_pool_start();
	TG_CHECK(tg_tls_pool_now().used_bytes >= 100);
	tg_tls_free(at);
	TG_CHECK_INT(tg_tls_pool_now().used_bytes, 0);
}

TG_TEST(pool_keeps_blocks_apart_and_joins_them_again)
{
	unsigned turns = getenv("TIDEGATE_SLOW") != NULL ? 20000 : 200000;

	for (unsigned turn = 0; turn < turns; turn++) {
		size_t i = next_random() % BLOCKS;
		if (blocks[i].at != NULL)
			give_back(i);
		else
			take(i);
	}
	TG_CHECK(tg_tls_pool_now().refused_count > 0); /* the pool was full at times */
	for (size_t i = 0; i < BLOCKS; i++)
		give_back(i);
	TG_CHECK_INT(tg_tls_pool_now().used_bytes, 0);
	TG_CHECK(largest() > 0);
}

TG_TEST(pool_refuses_what_cannot_be)
{
	uint64_t refused = tg_tls_pool_now().refused_count;

	TG_CHECK(tg_tls_calloc(SIZE_MAX, 2) == NULL);
	TG_CHECK(tg_tls_calloc(2, SIZE_MAX) == NULL);
	TG_CHECK(tg_tls_calloc(SIZE_MAX, 1) == NULL);
	TG_CHECK(tg_tls_calloc(1, tg_tls_pool_now().pool_bytes) == NULL);
	TG_CHECK_INT(tg_tls_pool_now().refused_count, refused + 4);
	tg_tls_free(NULL);
	tg_tls_free(tg_tls_calloc(0, 8));
	TG_CHECK_INT(tg_tls_pool_now().used_bytes, 0);
}

TG_TEST(pool_fills_to_the_last_block)
{
	size_t peak_before = tg_tls_pool_now().peak_bytes;
	unsigned count = 0;
	void *first = NULL;

	for (void **at; (at = tg_tls_calloc(1, 40)) != NULL; count++) {
		*at = first;
		first = at;
	}
	struct tg_tls_pool now = tg_tls_pool_now();
	size_t each = (now.used_bytes + HEAD_BYTES_MAX) / count; /* the last one's may not count */
	TG_CHECK(each == 48 || each == 48 + HEAD_BYTES_MAX);
	TG_CHECK(now.pool_bytes - now.used_bytes < each + HEAD_BYTES_MAX);
	TG_CHECK_INT(now.peak_bytes,
		     now.used_bytes > peak_before ? now.used_bytes : peak_before);
	while (first != NULL) {
		void *at = first;
		first = *(void **)at;
		tg_tls_free(at);
	}
	TG_CHECK_INT(tg_tls_pool_now().used_bytes, 0);
	TG_CHECK(largest() > 0);
}
