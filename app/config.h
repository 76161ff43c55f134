/* config.h - what a checked configuration means: the only thing that the agent knows of it.
 *
 * cli/config.c reads and checks the file; drivers have read their own members into their states by
 * then (ops->configure). Nothing of the file's text is left.
 *
 * Memory:  states, patterns and rules lie in the boot arena and are never freed.
 * Thread:  the loop's.
 */
#ifndef TG_APP_CONFIG_H
#define TG_APP_CONFIG_H

#include "app/columns.h"
#include "app/registry.h"
#include "platform/log.h"

enum { TG_CONFIG_NAME_BYTES = 65, TG_CONFIG_PATH_BYTES = 256 };

struct tg_config_source {
	char name[TG_CONFIG_NAME_BYTES];
	const struct tg_source_ops *ops;
	void *state; /* ops->state_bytes, zeroed and then configured */
};

struct tg_config_sink {
	char name[TG_CONFIG_NAME_BYTES];
	const struct tg_sink_ops *ops;
	void *state;            /* ops->state_bytes, zeroed and then configured        */
	struct tg_view streams; /* packed patterns over SOURCE/DATABASE/TABLE: pattern.h */
	enum tg_shape shape;
	bool from_now;  /* a new sink starts behind what the store holds       */
	bool to_stdout; /* lines go to standard output: nothing else may        */
	struct tg_column_rules columns;
};

struct tg_config {
	char name[TG_CONFIG_NAME_BYTES];
	char store_path[TG_CONFIG_PATH_BYTES];
	uint64_t store_bytes_max;
	enum tg_log_level log_level;
	bool log_json;
	struct tg_config_source sources[CONFIG_TG_SOURCES_MAX];
	uint32_t source_count;
	struct tg_config_sink sinks[CONFIG_TG_SINKS_MAX];
	uint32_t sink_count;
};

#endif
