/* sink_options.h - a RavenDB sink's part of the configuration. */
#ifndef TG_DRIVERS_RAVEN_SINK_OPTIONS_H
#define TG_DRIVERS_RAVEN_SINK_OPTIONS_H

#include "drivers/raven/link.h"
#include "drivers/raven/template.h"

enum { TG_RAVEN_SINK_NAME_BYTES = 65 };

struct tg_raven_sink_options {
	struct tg_raven_link link;
	char name[TG_RAVEN_SINK_NAME_BYTES];
	char id[TG_TEMPLATE_BYTES_MAX]; /* "": by the source, see sink_frame.h */
	char collection[TG_TEMPLATE_BYTES_MAX];
	bool keep_expires;
	uint64_t batch_records, batch_bytes;
};

/* Loads the certificates too, so that a fault in them is found with all others. */
void tg_raven_sink_options_read(struct tg_raven_sink_options *options, const struct tg_json *config,
				struct tg_problems *problems);

#endif
