#include "platform/mbedtls/explain.h"

#include <mbedtls/net_sockets.h>

/* TLS alerts (RFC 8446, section 6.2; 41 from RFC 5246) that an operator can do something about. */
struct alert {
	int number;
	int err;
	const char *sentence;
};

static const struct alert alerts[] = {
	{ 40, TG_ERR_TLS,
	  "ended the handshake (handshake_failure): it may demand a client certificate, or share "
	  "no "
	  "cipher or curve with us" },
	{ 42, TG_ERR_CERT,
	  "refused our client certificate (bad_certificate): check which CA it trusts" },
	{ 43, TG_ERR_CERT,
	  "refused our client certificate (unsupported_certificate): use another key type" },
	{ 44, TG_ERR_CERT, "refused our client certificate (revoked): get a new one" },
	{ 45, TG_ERR_CERT,
	  "refused our client certificate (expired): renew it, or check both clocks" },
	{ 46, TG_ERR_CERT,
	  "refused our client certificate (unknown reason): check the server's log" },
	{ 48, TG_ERR_CERT,
	  "refused our client certificate (unknown_ca): have it issued by a CA that the server "
	  "trusts" },
	{ 49, TG_ERR_CERT, "denied access to our client certificate: register it at the server" },
	{ 70, TG_ERR_TLS,
	  "offers no TLS version from 1.2 on (protocol_version): enable TLS 1.2 at the server" },
	{ 71, TG_ERR_TLS,
	  "finds our ciphers too weak (insufficient_security): check its cipher list" },
	{ 80, TG_ERR_TLS, "reports an internal error: check the server's log" },
	{ 112, TG_ERR_TLS,
	  "does not know the name we asked for (unrecognized_name): set server_name" },
	{ 116, TG_ERR_CERT, "demands a client certificate: set client_certificate" },
};

static int explain_alert(const struct tg_tls *tls, struct tg_why *why)
{
	const char *host = tg_net_host(tls->net);
	unsigned port = tg_net_port(tls->net);
	int number = tls->ssl.in_msg != NULL ? tls->ssl.in_msg[1] : 0;

	for (size_t i = 0; i < sizeof(alerts) / sizeof(alerts[0]); i++) {
		if (alerts[i].number == number)
			return tg_why_set(why, alerts[i].err, "%s port %u %s", host, port,
					  alerts[i].sentence);
	}
	return tg_why_set(why, TG_ERR_TLS,
			  "%s port %u ended TLS with alert %d: check the server's log", host, port,
			  number);
}

/* The first byte of a TLS record is its type, 20 to 24 (RFC 8446, 5.1). */
static bool speaks_plain(const struct tg_tls *tls)
{
	return tls->first_count > 0 && (tls->first[0] < 20 || tls->first[0] > 24);
}

/* mbedTLS asks for a record's head, so five bytes are all that is ever seen of such an answer. */
static const char *plain_speaker(const struct tg_tls *tls)
{
	if (tls->first_count >= 5 && memcmp(tls->first, "HTTP/", 5) == 0)
		return "plain HTTP";
	if (tls->first_count >= 5 && memcmp(tls->first, "ERROR", 5) == 0)
		return "without TLS, as a plain RethinkDB does";
	return "without TLS";
}

static int explain_end(const struct tg_tls *tls, int err, struct tg_why *why)
{
	const char *host = tg_net_host(tls->net);
	unsigned port = tg_net_port(tls->net);

	if (tls->open)
		return tg_why_set(why, TG_ERR_RESET, "the TLS connection to %s port %u broke", host,
				  port);
	if (tls->first_count == 0)
		return tg_why_set(
			why, err,
			"%s port %u ended the connection when the TLS handshake began: is "
			"this a TLS port?",
			host, port);
	return tg_why_set(why, err,
			  "%s port %u ended the connection in the TLS handshake: check the "
			  "server's log",
			  host, port);
}

int tg_tls_explain(const struct tg_tls *tls, int failed, struct tg_why *why)
{
	const char *host = tg_net_host(tls->net);
	unsigned port = tg_net_port(tls->net);

	if (!tls->open && speaks_plain(tls))
		return tg_why_set(
			why, TG_ERR_PEER_PLAIN,
			"%s port %u answers %s: switch TLS off for it, or correct the port", host,
			port, plain_speaker(tls));
	switch (failed) {
	case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
		return explain_alert(tls, why);
	case MBEDTLS_ERR_SSL_CONN_EOF:
	case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
		return explain_end(tls, TG_ERR_CLOSED, why);
	case MBEDTLS_ERR_NET_CONN_RESET:
		return explain_end(tls, TG_ERR_RESET, why);
	case MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION:
		return tg_why_set(
			why, TG_ERR_TLS,
			"%s port %u offers no TLS version from 1.2 on: enable TLS 1.2 there", host,
			port);
	case MBEDTLS_ERR_SSL_ALLOC_FAILED:
		return tg_tls_explain_memory(why);
	case MBEDTLS_ERR_X509_CERT_VERIFY_FAILED:
		return tg_why_set(
			why, TG_ERR_CERT,
			"the certificate of %s port %u is not made for servers (key usage): "
			"have it issued anew",
			host, port);
	default:
		return tg_why_set(
			why, TG_ERR_TLS,
			"TLS with %s port %u failed (mbedTLS -0x%04x): check the server's log",
			host, port, (unsigned)-failed);
	}
}

int tg_tls_explain_memory(struct tg_why *why)
{
	return tg_why_set(
		why, TG_ERR_TLS,
		"the TLS memory of %d x %d bytes is used up: raise TG_TLS_BYTES and build "
		"again",
		CONFIG_TG_TLS_CONNECTIONS_MAX, CONFIG_TG_TLS_BYTES);
}
