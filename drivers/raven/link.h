/* link.h - where a RavenDB is and as whom we come: the part of the configuration that its source
 * and its sink share.
 *
 *      "ravendb_urls": "https://a.plant.example,https://b.plant.example"     or a list of texts
 *
 * All URLs are of one cluster: all https, or all http (which only goes to this machine, unless
 * `allow_plain` says otherwise). https needs a certificate: it is what the server knows us by.
 *
 * Memory:  the struct; texts are copied. Waits: for certificate and secret files, at boot only.
 */
#ifndef TG_DRIVERS_RAVEN_LINK_H
#define TG_DRIVERS_RAVEN_LINK_H

#include "drivers/http/identity.h"

enum { TG_RAVEN_DATABASE_BYTES = 257 };

struct tg_raven_url {
	char host[TG_NET_HOST_BYTES_MAX]; /* an IPv6 address without its brackets */
	uint16_t port;
};

struct tg_raven_link {
	struct tg_raven_url urls[CONFIG_TG_RAVEN_URLS_MAX]; /* in the order of the configuration */
	uint32_t url_count;
	bool tls;
	char database[TG_RAVEN_DATABASE_BYTES];
	/* All but host and port, which are those of the URL in use; tg_tls_unload(target.tls) is
	 * owed. */
	struct tg_conn_target target;
	uint32_t answer_ms_max;
};

/* The members read here, for tg_json_only. */
#define TG_RAVEN_LINK_MEMBERS                                                                    \
	"ravendb_urls", "database_name", "allow_plain", "certificate_file", TG_IDENTITY_MEMBERS, \
		"connect_seconds", "answer_seconds"

/* Reads them, reporting every fault. */
void tg_raven_link_read(struct tg_raven_link *out, const struct tg_json *config,
			struct tg_problems *problems);

#endif
