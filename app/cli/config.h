/* config.h - the configuration file, read and checked at once before anything is touched.
 *
 *      file --tg_json_parse--> tree --take members--> struct tg_config + the drivers' states
 *                              (scratch)              (boot arena)
 *
 * Two forms: ours (docs/configuration.md, docs/tidegate.schema.json) and the seeds' flat files of
 * strings, which says only where the database is; the command line then says where to.
 *
 * Every fault is reported with its member's path, not only the first. Secrets are read here, from
 * files, the environment or systemd's credentials, straight into the drivers' states.
 *
 * Memory:  TG_CONFIG_SCRATCH_BYTES while it runs, free afterwards; TG_CONFIG_KEPT_BYTES of the boot
 *          arena for good.
 * Waits:   for the disk.
 */
#ifndef TG_APP_CLI_CONFIG_H
#define TG_APP_CLI_CONFIG_H

#include "app/arena.h"
#include "app/budget.h"
#include "app/config.h"
#include "drivers/json/json.h"

enum {
	/* A member of 25 bytes becomes a node of cJSON's, one of ours and two texts: 200 bytes. */
	TG_CONFIG_SCRATCH_BYTES = 13 * CONFIG_TG_CONFIG_BYTES_MAX,
	TG_CONFIG_KEPT_BYTES = CONFIG_TG_CONFIG_BYTES_MAX +
			       CONFIG_TG_SOURCES_MAX * TG_BUDGET_SOURCE_BYTES +
			       CONFIG_TG_SINKS_MAX * TG_BUDGET_SINK_BYTES,
};

enum { TG_CONFIG_STORE_BYTES_DEFAULT = 1 << 30 };

struct tg_config_job {
	const char *file;      /* our form, or ...                                            */
	const char *flat;      /* ... a seed's, and then ...                                  */
	const char *flat_type; /* ... of which source: "rethinkdb" or "ravendb"           */
	const char *to;        /* where to: a folder, "-" or an address                       */
	const char *store;     /* NULL, or the store's folder, whatever the file says         */
	/* A command that only looks at the store: sources and sinks are not read, so that
	 * an operator needs none of the service's secrets. */
	bool store_only;
	const struct tg_registry *registry;
	struct tg_arena *kept;    /* zero where it is not given out yet */
	struct tg_arena *scratch; /* TG_CONFIG_SCRATCH_BYTES            */
};

/* 0, or TG_ERR_CONFIG with what is wrong in `problems`. */
TG_CHECKED int tg_config_load(const struct tg_config_job *job, struct tg_config *config,
			      struct tg_problems *problems);

/* --- shared by the config_*.c files --- */

struct tg_config_load {
	const struct tg_config_job *job;
	struct tg_config *config;
	struct tg_problems *problems;
};

/* The file's tree, or NULL and a problem. */
const struct tg_json *tg_config_read(const struct tg_config_load *load, const char *path);
void tg_config_take_store(const struct tg_config_load *load, const struct tg_json *root);
void tg_config_take_sources(const struct tg_config_load *load, const struct tg_json *root);
void tg_config_take_sinks(const struct tg_config_load *load, const struct tg_json *root);
void tg_config_take_flat(const struct tg_config_load *load, const struct tg_json *root);
/* One element of the lists; `node` may also be the seed's whole file or a sink made of --to. */
void tg_config_take_source(const struct tg_config_load *load, const struct tg_json *node);
void tg_config_take_sink(const struct tg_config_load *load, const struct tg_json *node);
void tg_config_take_columns(const struct tg_config_load *load, const struct tg_json *node,
			    struct tg_config_sink *sink);

/* [A-Za-z0-9._-]{1,64} */
bool tg_config_is_name(const char *text);
/* Takes member "name" of a source or sink into `name`. */
void tg_config_take_name(const struct tg_config_load *load, const struct tg_json *node,
			 char name[TG_CONFIG_NAME_BYTES]);
/* Packs the texts of array `list` for tg_patterns_take; empty after a problem. */
struct tg_view tg_config_pack(const struct tg_config_load *load, const struct tg_json *list);
/* A driver's state, all zero. */
void *tg_config_state(const struct tg_config_load *load, uint32_t bytes);
/* Bytes of the boot arena, or NULL and a problem. */
void *tg_config_keep(const struct tg_config_load *load, const struct tg_json *at, size_t bytes);

#endif
