#include "platform/mbedtls/pool.h"

#include "platform/assert.h"
#include "platform/mbedtls/compat.h"
#include "platform/tls.h"

#include <mbedtls/memory_buffer_alloc.h>
#include <mbedtls/platform.h>

enum { POOL_BYTES = CONFIG_TG_TLS_BYTES * CONFIG_TG_TLS_CONNECTIONS_MAX / 16 * 16 };

/* What the allocator writes before each block: memory_buffer_alloc.c keeps the struct to itself. */
enum { HEAD_BYTES = 8 * sizeof(size_t) };

static _Alignas(16) uint8_t pool[POOL_BYTES];
static void *(*take)(size_t count, size_t bytes);
static void (*give_back)(void *at);
static size_t peak_bytes;
static uint64_t refused_count;

/* In memory_buffer_alloc.c alone the build gives these names to mbedtls_platform_set_calloc_free
 * and memset. */
int tg_tls_pool_between(void *(*calloc_func)(size_t, size_t), void (*free_func)(void *));
void *tg_tls_pool_clear(void *at, int byte, size_t bytes);

/* Its allocator installs itself: we stand before it to count what it refuses. */
int tg_tls_pool_between(void *(*calloc_func)(size_t, size_t), void (*free_func)(void *))
{
	take = calloc_func;
	give_back = free_func;
	return mbedtls_platform_set_calloc_free(tg_tls_calloc, tg_tls_free);
}

/* The pool is clear when we start. Writing to all of it would make all of it resident. */
void *tg_tls_pool_clear(void *at, int byte, size_t bytes)
{
	return at == pool && bytes == sizeof(pool) ? at : memset(at, byte, bytes);
}

void tg_tls_pool_start(void)
{
	if (take == NULL)
		mbedtls_memory_buffer_alloc_init(pool, sizeof(pool));
}

static size_t used_bytes(void)
{
	size_t bytes, blocks;

	mbedtls_memory_buffer_alloc_cur_get(&bytes, &blocks);
	return bytes + blocks * HEAD_BYTES;
}

/* It gives NULL for no bytes too. Its own peaks, of bytes and of blocks, are not of one moment. */
void *tg_tls_calloc(size_t count, size_t bytes)
{
	TG_ASSERT(take != NULL);
	void *at = take(count, bytes);

	if (at == NULL && count != 0 && bytes != 0)
		refused_count++;
	if (used_bytes() > peak_bytes)
		peak_bytes = used_bytes();
	return at;
}

void tg_tls_free(void *at)
{
	TG_ASSERT(give_back != NULL);
	give_back(at);
}

struct tg_tls_pool tg_tls_pool_now(void)
{
	return (struct tg_tls_pool){ .pool_bytes = POOL_BYTES,
				     .used_bytes = used_bytes(),
				     .peak_bytes = peak_bytes,
				     .refused_count = refused_count };
}
