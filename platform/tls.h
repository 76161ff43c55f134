/* tls.h - TLS 1.2 or better over a tg_net, by mbedTLS, with memory from one fixed pool.
 *
 * The peer's certificate is checked against the CA file (or the system's store) and against its
 * name: a host name by mbedTLS, an IP address by our own look at the subjectAltName, since mbedTLS
 * 2.28 cannot (reference/platform.md, section 3). P-256 and X25519 come first. Sessions are resumed.
 *
 * Owns:    the parsed certificates (credentials, made at boot) and one session a connection.
 * Memory:  all of mbedTLS' allocations come from one pool of CONFIG_TG_TLS_BYTES a connection;
 *          when it is used up the handshake fails with TG_ERR_LIMIT and a sentence.
 * Waits:   never.
 */
#ifndef TG_PLATFORM_TLS_H
#define TG_PLATFORM_TLS_H

#include "platform/net.h"

/* What a connection trusts and shows. Paths are NUL-terminated; empty means: not given. */
struct tg_tls_files {
	char ca_file[256];          /* PEM; empty: the system's store                         */
	char certificate_file[256]; /* PEM with our certificate chain, and the key unless ... */
	char key_file[256];         /* ... it lies here                                       */
	char server_name[256];      /* the name the peer must carry; empty: the host dialled  */
};

/* Parsed credentials, shared by the connections of one source or sink. Its size is
 * platform/mbedtls' secret; tg_tls_credentials_load() takes one of CONFIG_TG_TLS_CREDENTIALS_MAX slots. */
struct tg_tls_credentials;

/* Boot: reads and parses the files. TG_ERR_CONFIG with a sentence naming the file and its fault
 * (missing, not PEM, PFX, key does not match, expired), or TG_ERR_LIMIT when no slot is left. */
TG_CHECKED int tg_tls_load(const struct tg_tls_files *files, struct tg_tls_credentials **out,
			   struct tg_why *why);
void tg_tls_unload(struct tg_tls_credentials *credentials);

/* A client session over `net`, which must be connected. */
struct tg_tls;

TG_CHECKED int tg_tls_open(struct tg_tls **out, struct tg_tls_credentials *credentials,
			   struct tg_net *net, const char *host, struct tg_why *why);
/* 0 once the handshake is done and the peer's name checked, TG_ERR_AGAIN, or an error: CERT (a
 * sentence says which check failed and what the certificate holds), PEER_PLAIN, TLS, CLOSED, RESET. */
TG_CHECKED int tg_tls_step(struct tg_tls *tls, struct tg_why *why);
/* As tg_net_recv / tg_net_send; TG_ERR_RESET when the peer ended without close_notify. */
TG_CHECKED int tg_tls_recv(struct tg_tls *tls, uint8_t *at, size_t cap, struct tg_why *why);
TG_CHECKED int tg_tls_send(struct tg_tls *tls, const uint8_t *at, size_t bytes, struct tg_why *why);
/* True when decrypted bytes wait inside: poll would not tell. */
bool tg_tls_pending(const struct tg_tls *tls);
/* What the socket must become ready for before the last TG_ERR_AGAIN can change. */
unsigned tg_tls_wants(const struct tg_tls *tls);
/* Sends close_notify if the socket takes it and frees the session. NULL is harmless. */
void tg_tls_close(struct tg_tls *tls);

/* "TLSv1.2 ECDHE-..." of an open session, for `check`. */
const char *tg_tls_describe(const struct tg_tls *tls);

#endif
