/* options.h - the HTTPS sink's part of the configuration. */
#ifndef TG_DRIVERS_HTTPS_OPTIONS_H
#define TG_DRIVERS_HTTPS_OPTIONS_H

#include "app/sink.h"
#include "drivers/http/url.h"
#include "platform/conn.h"

struct tg_https_options {
	struct tg_url url;
	struct tg_conn_target target; /* ready to dial; its tls is NULL for plain http */
	enum tg_framing framing;
	uint64_t batch_records, batch_bytes;
	bool gzip;
	uint32_t answer_ms;
	char bearer[CONFIG_TG_HTTPS_BEARER_BYTES_MAX];   /* empty: none */
	char headers[CONFIG_TG_HTTPS_HEADERS_BYTES_MAX]; /* "Name: value CRLF" one after another */
};

/* Loads the certificates too, so that a fault in them is found with all others. */
void tg_https_options_read(struct tg_https_options *options, const struct tg_json *config,
			   struct tg_problems *problems);

#endif
