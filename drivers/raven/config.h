/* config.h - what the configuration says of one RavenDB source.
 *
 * The seed's flat file and ours are read by the same rules: numbers and booleans may be texts.
 *
 * Memory:  the struct; texts are copied. Waits: for certificate and secret files, at boot only.
 */
#ifndef TG_DRIVERS_RAVEN_CONFIG_H
#define TG_DRIVERS_RAVEN_CONFIG_H

#include "drivers/raven/link.h"

enum {
	TG_RAVEN_COLLECTIONS_BYTES = 1024,
	TG_RAVEN_BATCH_SIZE_DEFAULT = 1000,
	TG_RAVEN_BATCH_SIZE_SEED = 100,
	TG_RAVEN_BATCH_SIZE_MAX = 100000,
};

enum tg_raven_mode { TG_RAVEN_EXACT, TG_RAVEN_LAST_MODIFIED };

struct tg_raven_config {
	struct tg_raven_link link;
	/* Packed patterns, see app/pattern.h; compared with collections without case. */
	char collections[TG_RAVEN_COLLECTIONS_BYTES];
	uint32_t collections_bytes;
	enum tg_raven_mode mode;
	uint32_t batch_size;          /* rows a page */
	uint32_t rows_per_second_max; /* 0: no limit */
	int64_t overlap_ms;           /* of mode last_modified */
	bool delete_when_empty, delete_when_recreated;
	bool read_replicated; /* documents that a tidegate wrote are read too */
};

/* Reads `config` into `out`, reporting every fault. */
void tg_raven_config_read(struct tg_raven_config *out, const struct tg_json *config,
			  struct tg_problems *problems);

/* Whether the source reads the collection `name` (plain text). Without a pattern that names them,
 * `@hilo` and tidegate's own markers are never taken. */
bool tg_raven_takes(const struct tg_raven_config *config, struct tg_view name);

#endif
