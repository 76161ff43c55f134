/* raven.h - a RavenDB database as a source: documents in the order of their changes, and deletes.
 *
 * See state.h for how it works; configuration in docs/configuration.md.
 */
#ifndef TG_DRIVERS_RAVEN_RAVEN_H
#define TG_DRIVERS_RAVEN_RAVEN_H

#include "app/source.h"

extern const struct tg_source_ops tg_raven_source;

#endif
