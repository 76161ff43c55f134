/* handshake.h - RethinkDB's V1_0 greeting with SCRAM-SHA-256, over bytes in and bytes out.
 *
 *      we                                       the server
 *      C3 BD C2 34 {"protocol_version"..} NUL   ->
 *                                               <-  {"server_version":..} NUL
 *                                               <-  {"authentication":"r=,s=,i="} NUL
 *      {"authentication":"c=biws,r=,p="} NUL    ->
 *                                               <-  {"authentication":"v="} NUL, then frames
 *
 * It never touches a socket: the caller sends what _out() gives, hands over what arrives, and keeps
 * the deadline, since a wrong port may stay silent for ever. Each fault is an error of its own with
 * a sentence that names host, port and user. Source of truth: reference/rethinkdb.md 1, RFC 5802,
 * RFC 7677.
 *
 * Owns:    nothing; `login` and `cache` are borrowed until the handshake is over.
 * Memory:  the struct. Waits: never. PBKDF2 runs in slices of CONFIG_TG_RETHINK_ROUNDS_PER_STEP.
 */
#ifndef TG_DRIVERS_RETHINK_HANDSHAKE_H
#define TG_DRIVERS_RETHINK_HANDSHAKE_H

#include "platform/crypto.h"

enum {
	TG_HANDSHAKE_BYTES_MAX =
		2048, /* the server refuses more, and a foreign port may never end */
	TG_HANDSHAKE_NONCE_BYTES =
		24, /* base64 of 18 random bytes                                 */
	TG_HANDSHAKE_SALT_BYTES_MAX = 64,
};

struct tg_login {
	const char *user; /* raw UTF-8: the server does no SASLprep              */
	const char *password;
	const char *peer;  /* "host:port", for sentences                          */
	const char *nonce; /* 24 printable characters, no comma; NULL: random */
};

/* The derived key of the last login: a reconnect with the same salt skips PBKDF2. */
struct tg_scram_cache {
	uint8_t salt[TG_HANDSHAKE_SALT_BYTES_MAX];
	uint32_t salt_bytes, iterations; /* iterations 0: empty */
	uint8_t key[TG_SHA256_BYTES];
};

struct tg_handshake { /* Public only so that it can be placed; `version` may be read at the end. */
	char version[64]; /* the server's free text */
	const struct tg_login *login_;
	struct tg_scram_cache *cache_;
	struct tg_pbkdf2 kdf_;
	uint32_t state_, in_bytes_, out_bytes_, out_sent_, auth_bytes_, iterations_;
	uint32_t final_at_, final_bytes_; /* client-final-without-proof inside auth_ */
	char nonce_[TG_HANDSHAKE_NONCE_BYTES + 1];
	uint8_t in_[TG_HANDSHAKE_BYTES_MAX];
	uint8_t out_[TG_HANDSHAKE_BYTES_MAX];
	uint8_t auth_[2 * TG_HANDSHAKE_BYTES_MAX]; /* AuthMessage, and the server's answer */
	uint8_t signature_[TG_SHA256_BYTES];
};

/* Begins. TG_ERR_CONFIG when the user's name is too long for a message. */
TG_CHECKED int tg_handshake_start(struct tg_handshake *hs, const struct tg_login *login,
				  struct tg_scram_cache *cache, struct tg_why *why);

/* What waits to be sent; empty: nothing. _sent() takes off the first `bytes` of it. */
struct tg_view tg_handshake_out(const struct tg_handshake *hs);
void tg_handshake_sent(struct tg_handshake *hs, size_t bytes);

/* Takes bytes from the server; `*used` says how many were eaten (the rest are frames already).
 * TG_OK: logged in. TG_ERR_AGAIN. Or PEER_OTHER, PEER_TLS, PEER_OLD, LOGIN_USER, LOGIN_PASSWORD,
 * LOGIN_EMPTY, SIGNATURE, PROTOCOL. */
TG_CHECKED int tg_handshake_feed(struct tg_handshake *hs, struct tg_view bytes, size_t *used,
				 struct tg_why *why);

/* True while the key is being derived: call _step() each turn. */
bool tg_handshake_busy(const struct tg_handshake *hs);
void tg_handshake_step(struct tg_handshake *hs);

/* The peer ended the connection (`err` is CLOSED or RESET): what that means here. */
TG_CHECKED int tg_handshake_ended(struct tg_handshake *hs, int err, struct tg_why *why);
/* The deadline passed: what that means here. Returns TG_ERR_TIMEOUT. */
TG_CHECKED int tg_handshake_silent(struct tg_handshake *hs, uint32_t waited_ms, struct tg_why *why);

#endif
