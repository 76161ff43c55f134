/* sha1.h - SHA-1's inner loop, two ways. Private to platform/mbedtls and its test.
 *
 * The hash of each row is a third of what a row costs us, so the processor's own instructions are
 * used where it has them: 0.19 instead of 0.41 microseconds for a row of 330 bytes. Each waits for
 * the one before it, so that two rows at once take 0.25.
 */
#ifndef TG_PLATFORM_MBEDTLS_SHA1_H
#define TG_PLATFORM_MBEDTLS_SHA1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TG_SHA1_BLOCK_BYTES = 64 };

/* `count` blocks of 64 bytes into `state` (RFC 3174, section 6.1). */
void tg_sha1_blocks_portable(uint32_t state[5], const uint8_t *at, size_t count);
/* Only where tg_sha1_has_x86(). */
void tg_sha1_blocks_x86(uint32_t state[5], const uint8_t *at, size_t count);

struct tg_sha1_lane {
	uint32_t state[5];
	const uint8_t *at;
};
/* The same for two at once: `count` blocks each, `at` moves behind them. */
void tg_sha1_lanes_x86(struct tg_sha1_lane lane[2], size_t count);
bool tg_sha1_has_x86(void);

#endif
