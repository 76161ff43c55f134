#include "app/registry.h"

const struct tg_source_ops *tg_registry_source(const struct tg_registry *registry, const char *type)
{
	for (const struct tg_source_ops *const *i = registry->sources; *i != NULL; i++)
		if (strcmp((*i)->type, type) == 0)
			return *i;
	return NULL;
}

const struct tg_sink_ops *tg_registry_sink(const struct tg_registry *registry, const char *type)
{
	for (const struct tg_sink_ops *const *i = registry->sinks; *i != NULL; i++)
		if (strcmp((*i)->type, type) == 0)
			return *i;
	return NULL;
}
