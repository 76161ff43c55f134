/* gzip.h - a body compressed as it is sent (RFC 1952), with memory from an arena.
 *
 *      body --pull--> input --deflate--> the caller's buffer
 *
 * The same bytes in give the same bytes out, as long as zlib is the same: the length is found by
 * compressing once into nothing, then the bytes by compressing again. The header holds no time.
 *
 * Memory:  4 * 2^window + 2^(level + 9) + some 8 KiB and the input buffer, taken once.
 * Waits:   for whoever gives the body (the disk).
 */
#ifndef TG_DRIVERS_HTTP_GZIP_H
#define TG_DRIVERS_HTTP_GZIP_H

#include "app/arena.h"
#include "drivers/http/body.h"

enum {
	/* zlib's own state (5,952 bytes in 1.2.13) and what alignment and its guards add. */
	TG_GZIP_ARENA_BYTES = 4 * (1 << CONFIG_TG_HTTP_GZIP_WINDOW_BITS) +
			      (1 << (CONFIG_TG_HTTP_GZIP_MEMORY_LEVEL + 9)) + 16384 +
			      CONFIG_TG_HTTP_GZIP_INPUT_BYTES,
	TG_GZIP_STREAM_WORDS = 16,
};

struct tg_gzip { /* gzip.c's; public so that it can be placed */
	uint64_t stream_[TG_GZIP_STREAM_WORDS];
	struct tg_arena memory_;
	struct tg_http_body body_;
	uint8_t *input_;
	bool input_ended_, ended_;
};

/* Boot: takes TG_GZIP_ARENA_BYTES of `arena`. */
void tg_gzip_init(struct tg_gzip *gzip, struct tg_arena *arena);
/* From now on what is read is `body`, compressed, from its first byte. */
void tg_gzip_start(struct tg_gzip *gzip, const struct tg_http_body *body);
/* The next bytes, at most `cap`; 0 at the end; an error of the body's. */
TG_CHECKED int tg_gzip_read(struct tg_gzip *gzip, uint8_t *at, size_t cap);

#endif
