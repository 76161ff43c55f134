/* session.h - what the files of platform/mbedtls share: credentials, sessions, the peer's check.
 *
 *      credentials.c  files -> struct tg_tls_credentials, and the session to take up again
 *      tls.c          struct tg_tls: handshake, bytes, errors
 *      verify.c       the peer's chain and name, called by mbedTLS in the handshake
 *      names.c        subjectAltName
 *
 * Private to platform/mbedtls.
 */
#ifndef TG_PLATFORM_MBEDTLS_SESSION_H
#define TG_PLATFORM_MBEDTLS_SESSION_H

#include "platform/mbedtls/compat.h"
#include "platform/tls.h"

#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

struct tg_tls_credentials {
	bool taken;
	bool has_certificate;
	bool has_session;
	bool left_pss; /* a TLS 1.2 server of theirs chose RSA-PSS */
	char ca_file[256];
	char server_name[256];
	mbedtls_ssl_config config;
	mbedtls_x509_crt nobody; /* mbedTLS wants a list of anchors; ours are found in verify.c */
	mbedtls_x509_crt chain;
	mbedtls_pk_context key;
	mbedtls_ssl_session session;
	char session_host[TG_NET_HOST_BYTES_MAX];
	uint16_t session_port;
};

enum { TG_TLS_FIRST_BYTES = 5 };

struct tg_tls {
	struct tg_tls_credentials *credentials;
	struct tg_net *net;
	struct tg_why *why; /* of the call under way                                         */
	mbedtls_ssl_context ssl;
	size_t send_bytes; /* already encrypted and not yet sent                            */
	/* Of the tg_tls_recv() under way: what was received at once and mbedTLS has not taken yet,
	 * and what it is told behind that. `late`: what mbedTLS said behind the bytes that the last
	 * call returned. */
	const uint8_t *raw;
	size_t raw_bytes;
	int raw_end, late;
	unsigned recv_needs, send_needs; /* what the last TG_ERR_AGAIN waits for             */
	unsigned first_count;            /* of `first`                                       */
	char described[96];
	bool at_once;
	uint8_t first[TG_TLS_FIRST_BYTES]; /* the peer's: do they look like TLS at all?      */
	bool taken;
	bool open;     /* the handshake is done                                              */
	bool deaf;     /* the peer has reset the connection in the handshake                 */
	bool offered;  /* an earlier session was offered                                     */
	bool verified; /* the peer's chain was looked at: not a resumed session              */
	bool refused;  /* ... and refused; `why` has the sentence                            */
	bool again;    /* a fresh attempt is worth it: what we offer has changed             */
};

/* Whom the peer must be. */
const char *tg_tls_peer_name(const struct tg_tls *tls);

/* mbedTLS' verify callback (`at` is a struct tg_tls): called for each certificate of the peer's
 * chain, its own one (depth 0) last; there the whole check is made and `flags` set. */
int tg_tls_verify(void *at, mbedtls_x509_crt *crt, int depth, uint32_t *flags);

/* True when the subjectAltName holds `name`: an IP address byte for byte, a host name label by
 * label, where `*` as the whole leftmost label stands for one label (RFC 9525, 6.3). */
bool tg_tls_name_matches(const mbedtls_x509_crt *crt, const char *name);
bool tg_tls_name_is_address(const char *name);
/* Writes the names that the certificate holds, "a, b, 10.0.0.1"; never more than `cap`. */
void tg_tls_names_list(const mbedtls_x509_crt *crt, char *at, size_t cap);

/* From now on TLS 1.2 with PKCS #1 signatures only (mbedTLS 3). */
void tg_tls_leave_pss(struct tg_tls_credentials *credentials);

/* Keeps the finished session for the next connection to the same peer; offers and forgets it. */
void tg_tls_session_keep(struct tg_tls *tls);
void tg_tls_session_offer(struct tg_tls *tls);
void tg_tls_session_forget(struct tg_tls_credentials *credentials);

/* "2026-11-21 12:00:00 UTC" */
enum { TG_TLS_TIME_BYTES = 32 };
void tg_tls_time_text(const mbedtls_x509_time *time, char text[TG_TLS_TIME_BYTES]);

#endif
