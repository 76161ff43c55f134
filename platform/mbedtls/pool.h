/* pool.h - the one heap of mbedTLS: CONFIG_TG_TLS_BYTES x CONFIG_TG_TLS_CONNECTIONS_MAX, static.
 *
 *      | before:4 | bytes:4 | payload ...            | before | bytes | payload ... |     | end |
 *        ^ size of the block to the left, for joining  ^ bit 0 of `bytes`: in use
 *
 * Free blocks lie in 64 lists, four for each power of two, with a bitmap of the lists that are not
 * empty: taking and giving back are a few instructions, as a handshake does 19,000 of both. Payload
 * is aligned to 16 bytes, eight bytes a block are overhead.
 *
 * Debian's mbedTLS has no allocator hook: the build renames calloc and free inside its archives to
 * these two names. Where MBEDTLS_PLATFORM_MEMORY exists they are installed at run time.
 *
 * Thread:  the loop's.
 */
#ifndef TG_PLATFORM_MBEDTLS_POOL_H
#define TG_PLATFORM_MBEDTLS_POOL_H

#include <stddef.h>

/* As calloc and free, out of the pool; NULL when it has no room. */
void *tg_tls_calloc(size_t count, size_t bytes);
void tg_tls_free(void *at);

#endif
