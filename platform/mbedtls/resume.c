#include "platform/mbedtls/session.h"

#include <stdio.h>

void tg_tls_session_forget(struct tg_tls_credentials *credentials)
{
	mbedtls_ssl_session_free(&credentials->session);
	mbedtls_ssl_session_init(&credentials->session);
	credentials->has_session = false;
}

/* Without room in the pool the next handshake is a full one: no reason to fail. */
void tg_tls_session_keep(struct tg_tls *tls)
{
	struct tg_tls_credentials *credentials = tls->credentials;

	tg_tls_session_forget(credentials);
	if (mbedtls_ssl_get_session(&tls->ssl, &credentials->session) != 0) {
		tg_tls_session_forget(credentials);
		return;
	}
	snprintf(credentials->session_host, sizeof(credentials->session_host), "%s",
		 tg_net_host(tls->net));
	credentials->session_port = tg_net_port(tls->net);
	credentials->has_session = true;
}

void tg_tls_session_offer(struct tg_tls *tls)
{
	struct tg_tls_credentials *credentials = tls->credentials;

	if (!credentials->has_session || credentials->session_port != tg_net_port(tls->net) ||
	    strcmp(credentials->session_host, tg_net_host(tls->net)) != 0)
		return;
	tls->offered = mbedtls_ssl_set_session(&tls->ssl, &credentials->session) == 0;
}
