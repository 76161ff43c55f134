/* tls.h - TLS 1.2 or better over a tg_net, by mbedTLS, with memory from one fixed pool.
 *
 * The peer's certificate is checked against the CA file (or the system's store) and against its
 * name: the host name or the IP address must stand in the subjectAltName (RFC 9525; mbedTLS 2.28
 * cannot match addresses, so both checks are ours), the common name never counts. P-256 and X25519
 * come first. Sessions are resumed.
 *
 * The CA file stays on disk: a handshake reads it and parses only the certificates whose subject is
 * the issuer of one that the peer sent. So 140 system certificates cost no memory, and a CA file
 * that was replaced is used from the next handshake on.
 *
 * Owns:    the client certificate and key (credentials, made at boot), one session a connection.
 * Memory:  all of mbedTLS' allocations come from one pool of CONFIG_TG_TLS_BYTES a connection;
 *          when it is used up the handshake fails with TG_ERR_TLS and a sentence (not LIMIT: no
 *          record is to blame).
 * Waits:   never for the peer; a handshake reads the CA file (144 certificates: 1.5 ms).
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
	/* Instead of certificate_file: certificate and key in PEM, or in base64 of it (also as
	 * certutil wraps it), borrowed for the call. No bytes: not given. It is decoded where it
	 * lies; the caller wipes it. */
	uint8_t *text;
	size_t text_bytes;
	const char *text_name; /* what sentences call it: "certificate_base64" */
};

/* Parsed credentials, shared by the connections of one source or sink. Its size is
 * platform/mbedtls' secret; tg_tls_credentials_load() takes one of CONFIG_TG_TLS_CREDENTIALS_MAX
 * slots. */
struct tg_tls_credentials;

/* Boot: reads and parses the files. TG_ERR_CONFIG with a sentence naming the file and its fault
 * (missing, not PEM, PFX, no key, key encrypted or not the certificate's, expired, not yet valid),
 * or TG_ERR_LIMIT when no slot is left. */
TG_CHECKED int tg_tls_load(const struct tg_tls_files *files, struct tg_tls_credentials **out,
			   struct tg_why *why);
void tg_tls_unload(struct tg_tls_credentials *credentials);

/* When our certificate expires, in milliseconds since 1970. False: there is none. */
bool tg_tls_expires(const struct tg_tls_credentials *credentials, int64_t *wall_ms);

/* A client session over `net`, which must be connected and outlive the session. Whom the peer must
 * be: the credentials' server_name, else the host that `net` dialled. */
struct tg_tls;

TG_CHECKED int tg_tls_open(struct tg_tls **out, struct tg_tls_credentials *credentials,
			   struct tg_net *net, struct tg_why *why);
/* 0 once the handshake is done and the peer's name checked, TG_ERR_AGAIN, or an error: CERT (a
 * sentence says which check failed and what the certificate holds), PEER_PLAIN, TLS, CLOSED, RESET.
 */
TG_CHECKED int tg_tls_step(struct tg_tls *tls, struct tg_why *why);
/* After an error of tg_tls_step: true when a fresh connection may do better, since what we offer
 * has changed (once for each credentials). */
bool tg_tls_again(const struct tg_tls *tls);
/* As tg_net_recv / tg_net_send; TG_ERR_RESET when the peer ended without close_notify. After
 * TG_ERR_AGAIN from send the same bytes must be offered again (more may follow them): some of them
 * may be encrypted already. */
TG_CHECKED int tg_tls_recv(struct tg_tls *tls, uint8_t *at, size_t cap, struct tg_why *why);
TG_CHECKED int tg_tls_send(struct tg_tls *tls, const uint8_t *at, size_t bytes, struct tg_why *why);
/* True when decrypted bytes wait inside: poll would not tell. */
bool tg_tls_pending(const struct tg_tls *tls);
/* What the socket must become ready for before bytes can flow as `events` asks (TG_WANT_READ,
 * TG_WANT_WRITE); in the handshake, whatever the caller asks. */
unsigned tg_tls_wants(const struct tg_tls *tls, unsigned events);
/* Sends close_notify if the socket takes it and frees the session. NULL is harmless. */
void tg_tls_close(struct tg_tls *tls);

/* "TLSv1.2 TLS-ECDHE-... (resumed)" of an open session, for `check`. */
const char *tg_tls_describe(const struct tg_tls *tls);
/* True when the handshake took up an earlier session: no certificate was sent or checked again. */
bool tg_tls_resumed(const struct tg_tls *tls);

/* How the pool stands; `peak_bytes` since the program's start, for `budget` and `status`. */
struct tg_tls_pool {
	size_t pool_bytes, used_bytes, peak_bytes;
	uint64_t refused_count; /* allocations that found no room */
};
struct tg_tls_pool tg_tls_pool_now(void);

#endif
