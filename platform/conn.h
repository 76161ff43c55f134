/* conn.h - a byte stream to a peer, plain or TLS, straight or through an HTTP proxy: what every
 * driver talks through.
 *
 *      name -> addresses -> TCP -> [CONNECT] -> [TLS handshake] -> open
 *      `----- one deadline -----'  the same     another
 *                                  once more
 *
 * With a proxy the name is the proxy's; the target's own is the proxy's to resolve. The proxy is
 * asked with CONNECT for plain targets too, so that it never sees more of a conversation than it
 * must, and without TLS to the proxy itself.
 *
 * Owns:    its socket and its TLS session.
 * Memory:  the struct; TLS from the fixed pool.
 * Waits:   never; tg_conn_want() says what for.
 */
#ifndef TG_PLATFORM_CONN_H
#define TG_PLATFORM_CONN_H

#include "platform/tls.h"

/* An HTTP proxy (RFC 9110, 9.3.6). */
struct tg_conn_proxy {
	char host[TG_NET_HOST_BYTES_MAX]; /* empty: none */
	uint16_t port;
	char login[CONFIG_TG_PROXY_LOGIN_BYTES_MAX]; /* "user:password" (RFC 7617); empty: none */
};

struct tg_conn_target {
	char host[TG_NET_HOST_BYTES_MAX];
	uint16_t port;
	struct tg_tls_credentials *tls; /* NULL: plain */
	uint32_t connect_ms_max;        /* name and TCP */
	uint32_t handshake_ms_max;      /* TLS          */
	struct tg_conn_proxy proxy;
};

/* How far the proxy was asked, and what it said. */
struct tg_proxy_talk {
	uint32_t sent_, head_bytes_;
	unsigned status_, line_bytes_;
	bool asked_;
	char line_[16];
};

struct tg_conn {
	struct tg_net net_;
	struct tg_proxy_talk talk_;
	struct tg_tls *tls_;
	const struct tg_conn_target *target_;
	uint64_t deadline_ms_;
	unsigned state_;
	bool proxied_;
	struct tg_why why_;
};

void tg_conn_none(struct tg_conn *conn);
/* Begins; `target` must outlive the connection. tg_conn_close() is owed in either case. */
TG_CHECKED int tg_conn_open(struct tg_conn *conn, const struct tg_conn_target *target,
			    const struct tg_now *now);
/* 0 once bytes can flow, TG_ERR_AGAIN, or the error (tg_conn_why() has the sentence). */
TG_CHECKED int tg_conn_step(struct tg_conn *conn, const struct tg_now *now);
/* Bytes moved (> 0), TG_ERR_AGAIN, TG_ERR_CLOSED, TG_ERR_RESET, TG_ERR_TLS. */
TG_CHECKED int tg_conn_recv(struct tg_conn *conn, uint8_t *at, size_t cap);
TG_CHECKED int tg_conn_send(struct tg_conn *conn, const uint8_t *at, size_t bytes);
void tg_conn_want(const struct tg_conn *conn, struct tg_wants *wants, unsigned events);
void tg_conn_close(struct tg_conn *conn);
/* How the open connection is secured, for `check`: "TLSv1.2 TLS-ECDHE-..." or "plain". */
const char *tg_conn_describe(const struct tg_conn *conn);
const struct tg_why *tg_conn_why(const struct tg_conn *conn);

#endif
