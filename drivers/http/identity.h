/* identity.h - as whom we come, whom we trust, and through which proxy: the members of a
 * configuration that every driver which speaks HTTPS takes alike.
 *
 *      "ca_file", "server_name"                  whom we trust
 *      a file of PEM, and perhaps one of its key; or "certificate_base64", as the seed has it
 *      "proxy": "http://proxy.plant.example:3128", "proxy_username", "proxy_password"
 *
 * Memory:  one static buffer of CONFIG_TG_CERTIFICATE_BASE64_BYTES_MAX while a certificate is read;
 *          wiped.
 * Waits:   for the files, at boot.
 */
#ifndef TG_DRIVERS_HTTP_IDENTITY_H
#define TG_DRIVERS_HTTP_IDENTITY_H

#include "drivers/json/json.h"
#include "platform/conn.h"

/* The members read here beside the files, for tg_json_only. */
#define TG_IDENTITY_MEMBERS \
	"ca_file", "server_name", "certificate_base64", "proxy", "proxy_username", "proxy_password"

struct tg_identity_rules {
	const char *certificate; /* the member with the PEM file: "certificate_file"          */
	const char *key;         /* the member with the key's file; NULL: it is in the former */
	const char *address;     /* the member with the url: "url"                            */
	bool tls;                /* it is https                                               */
	/* How many problems there were before this source or sink: the files are opened only when
	 * nothing else is wrong with it. */
	uint32_t faults_before;
};

/* Fills target->tls (NULL for plain http; tg_tls_unload() is owed) and target->proxy; reports every
 * fault, never a secret. */
void tg_identity_read(struct tg_conn_target *target, const struct tg_identity_rules *rules,
		      const struct tg_json *config, struct tg_problems *problems);

enum { TG_IDENTITY_TEXT_BYTES = 80 };

/* "our certificate expires in 12 days", for `check`; empty when we have none. Returns the days. */
int64_t tg_identity_days_left(const struct tg_conn_target *target, const struct tg_now *now,
			      char text[TG_IDENTITY_TEXT_BYTES]);

#endif
