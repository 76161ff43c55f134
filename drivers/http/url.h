/* url.h - the address of an endpoint, taken apart once at boot (RFC 3986, RFC 9110 section 4.2).
 *
 *      https://plant.example:8443/ingest?x=1
 *      \_tls   \_host         \_port \_target: what the request line says
 *
 * No user:password@ (a bearer token or a header carries the secret), no fragment, no spaces.
 *
 * Pure.
 */
#ifndef TG_DRIVERS_HTTP_URL_H
#define TG_DRIVERS_HTTP_URL_H

#include "platform/net.h"
#include "platform/view.h"

enum {
	TG_URL_BYTES_MAX = 1024,
	TG_URL_AUTHORITY_BYTES_MAX = TG_NET_HOST_BYTES_MAX + 2 + 7,
};

struct tg_url {
	bool tls;
	uint16_t port;
	char host[TG_NET_HOST_BYTES_MAX]; /* an IPv6 address without its brackets */
	char authority[TG_URL_AUTHORITY_BYTES_MAX]; /* for `Host:`: with brackets, without the usual
						       port */
	char target[TG_URL_BYTES_MAX]; /* path and query, starting with a slash */
};

/* NULL, or what is wrong with `text` as the end of a sentence ("has no host"). */
const char *tg_url_parse(const char *text, struct tg_url *out);
/* localhost, 127.0.0.0/8 or ::1: bytes that never leave this machine. */
bool tg_url_is_loopback(const struct tg_url *url);

#endif
