/* crypto.h - hashes and key derivation, by mbedTLS; base64 of our own; random bytes.
 *
 * Memory:  the structs, on the caller's side; nothing is allocated.
 * Waits:   tg_random waits for the kernel's pool at boot only.
 */
#ifndef TG_PLATFORM_CRYPTO_H
#define TG_PLATFORM_CRYPTO_H

#include "platform/err.h"

enum { TG_SHA1_BYTES = 20, TG_SHA256_BYTES = 32 };

/* SHA-1 (RFC 3174) of `head` followed by `body`: the shape of a UUIDv5 (RFC 9562, 5.5). */
void tg_sha1_two(struct tg_view head, struct tg_view body, uint8_t digest[TG_SHA1_BYTES]);

/* The same of two bodies, which together take little longer than one where the processor has
 * instructions for it. */
void tg_sha1_pair(struct tg_view head, const struct tg_view body[2],
		  uint8_t digest[2][TG_SHA1_BYTES]);

/* Streaming SHA-1 for a document that is never whole in memory. */
struct tg_sha1 {
	uint64_t opaque_[16];
};
void tg_sha1_start(struct tg_sha1 *sha);
void tg_sha1_add(struct tg_sha1 *sha, struct tg_view bytes);
void tg_sha1_end(struct tg_sha1 *sha, uint8_t digest[TG_SHA1_BYTES]);

void tg_sha256(struct tg_view bytes, uint8_t digest[TG_SHA256_BYTES]);
void tg_hmac_sha256(struct tg_view key, struct tg_view message, uint8_t digest[TG_SHA256_BYTES]);

/* PBKDF2-HMAC-SHA-256 (RFC 8018, one block of 32 bytes), a bounded number of rounds a call, so
 * that a server's large iteration count never stops the loop. */
struct tg_pbkdf2 {
	uint64_t inner_[16], outer_[16]; /* HMAC's two halves with the password already in */
	uint32_t left_;                  /* rounds still to do */
	uint8_t u_[TG_SHA256_BYTES], out_[TG_SHA256_BYTES];
};
void tg_pbkdf2_start(struct tg_pbkdf2 *kdf, struct tg_view password, struct tg_view salt,
		     uint32_t iterations);
/* Does at most `rounds`; true when done and `key` is filled (the struct is then wiped). */
bool tg_pbkdf2_step(struct tg_pbkdf2 *kdf, uint32_t rounds, uint8_t key[TG_SHA256_BYTES]);

/* Compares in time that depends on `bytes` only. */
bool tg_same_secret(const uint8_t *a, const uint8_t *b, size_t bytes);
/* Overwrites a secret so that the compiler cannot drop it. */
void tg_wipe(void *at, size_t bytes);

/* Base64 (RFC 4648, section 4) with padding. Encode returns the length written, or TG_ERR_LIMIT.
 * Decode accepts CR LF and missing padding as RethinkDB does, returns the length or TG_ERR_PROTOCOL
 * / LIMIT. */
TG_CHECKED int tg_base64_encode(struct tg_view bytes, char *at, size_t cap);
TG_CHECKED int tg_base64_decode(struct tg_view text, uint8_t *at, size_t cap);

/* Fills from the kernel's random source. platform/sim answers from its seed. */
void tg_random(void *at, size_t bytes);

#endif
