/* registry.h - what main.c hands to the agent: every source and sink that is compiled in. */
#ifndef TG_DRIVERS_REGISTRY_H
#define TG_DRIVERS_REGISTRY_H

#include "app/registry.h"

extern const struct tg_registry tg_drivers;

#endif
