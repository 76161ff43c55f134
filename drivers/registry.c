/* registry.c - the sources and sinks compiled in: the one existing file that a new driver touches.
 */
#include "drivers/registry.h"

extern const struct tg_source_ops tg_raven_source, tg_rethink_source;
extern const struct tg_sink_ops tg_file_sink, tg_https_sink, tg_null_sink, tg_raven_sink_ops;

static const struct tg_source_ops *const sources[] = { &tg_rethink_source, &tg_raven_source, NULL };
static const struct tg_sink_ops *const sinks[] = {
	&tg_file_sink,
	&tg_https_sink,
	&tg_null_sink,
	&tg_raven_sink_ops,
	NULL,
};

const struct tg_registry tg_drivers = { .sources = sources, .sinks = sinks };
