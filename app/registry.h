/* registry.h - the two lists that main.c hands in from drivers/registry.c. */
#ifndef TG_APP_REGISTRY_H
#define TG_APP_REGISTRY_H

#include "app/sink.h"
#include "app/source.h"

/* NULL-terminated. */
struct tg_registry {
	const struct tg_source_ops *const *sources;
	const struct tg_sink_ops *const *sinks;
};

/* NULL when no such type is compiled in. */
const struct tg_source_ops *tg_registry_source(const struct tg_registry *registry,
					       const char *type);
const struct tg_sink_ops *tg_registry_sink(const struct tg_registry *registry, const char *type);

#endif
