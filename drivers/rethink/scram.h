/* scram.h - the arithmetic of SCRAM-SHA-256 as RethinkDB does it (reference/rethinkdb.md 1.3).
 *
 * Pure: no state, no allocation. Texts are the attribute lists of RFC 5802, without JSON around
 * them.
 */
#ifndef TG_DRIVERS_RETHINK_SCRAM_H
#define TG_DRIVERS_RETHINK_SCRAM_H

#include "drivers/rethink/handshake.h"

/* 24 random printable characters and a NUL. */
void tg_scram_nonce(char at[TG_HANDSHAKE_NONCE_BYTES + 1]);

/* `n=USER,r=NONCE`, with = and , of the user escaped. */
void tg_scram_first_bare(const char *user, const char *nonce, struct tg_out *out);

struct tg_scram_first {
	struct tg_view nonce; /* ours and the server's, inside the text read */
	uint8_t salt[TG_HANDSHAKE_SALT_BYTES_MAX];
	uint32_t salt_bytes, iterations;
};
/* Reads `r=..,s=..,i=..`. TG_ERR_PROTOCOL: syntax, a nonce that does not go on from ours, i = 0. */
TG_CHECKED int tg_scram_read_first(struct tg_view text, const char *nonce,
				   struct tg_scram_first *out);

struct tg_scram_proof {
	uint8_t client_proof[TG_SHA256_BYTES];
	uint8_t server_signature[TG_SHA256_BYTES];
};
/* From SaltedPassword and AuthMessage. */
void tg_scram_prove(const uint8_t salted[TG_SHA256_BYTES], struct tg_view auth,
		    struct tg_scram_proof *out);

/* True when `text` is `v=` and the base64 of `signature`; takes the same time for any content. */
bool tg_scram_signature_fits(struct tg_view text, const uint8_t signature[TG_SHA256_BYTES]);

#endif
