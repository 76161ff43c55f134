/* pool.h - the one heap of mbedTLS: CONFIG_TG_TLS_BYTES x CONFIG_TG_TLS_CONNECTIONS_MAX, static.
 *
 * One of two files is compiled (TG_TLS_POOL in cmake/):
 *
 *      pool_buffer.c  mbedTLS' own buffer allocator, where we build the library: own_config.h
 *      pool_lists.c   lists of ours, for Debian's library, which has no hook: the build renames
 *                     calloc and free inside its archives to these two names
 *
 * Thread:  the loop's.
 */
#ifndef TG_PLATFORM_MBEDTLS_POOL_H
#define TG_PLATFORM_MBEDTLS_POOL_H

#include <stddef.h>

/* Before mbedTLS first allocates; later calls change nothing. */
void tg_tls_pool_start(void);

/* As calloc and free, out of the pool; NULL when it has no room. Aligned to 16 bytes. */
void *tg_tls_calloc(size_t count, size_t bytes);
void tg_tls_free(void *at);

#endif
