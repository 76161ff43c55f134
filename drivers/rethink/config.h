/* config.h - what the configuration says of one RethinkDB source.
 *
 * The seed's flat file and ours are read by the same rules: numbers and booleans may be strings.
 *
 * Memory:  the struct; texts are copied. Waits: for certificate and secret files, at boot only.
 */
#ifndef TG_DRIVERS_RETHINK_CONFIG_H
#define TG_DRIVERS_RETHINK_CONFIG_H

#include "drivers/json/json.h"
#include "platform/conn.h"

enum {
	TG_RETHINK_NAME_BYTES =
		128, /* database, user, table and field names in the configuration */
	TG_RETHINK_PASSWORD_BYTES = 512,
	TG_RETHINK_PATTERNS_BYTES = 1024,
};

enum tg_rethink_mode { TG_MODE_SNAPSHOT, TG_MODE_TIMESTAMP, TG_MODE_AUTO };

struct tg_rethink_rule {
	char table[TG_RETHINK_NAME_BYTES]; /* empty: the source's own, for every table */
	char field[TG_RETHINK_NAME_BYTES]; /* timestamp_field; empty: chosen by a sample */
	int mode;                          /* enum tg_rethink_mode */
};

struct tg_rethink_config {
	struct tg_conn_target target;
	char peer[TG_NET_HOST_BYTES_MAX + 8]; /* "host:port", for sentences */
	char database[TG_RETHINK_NAME_BYTES];
	char user[TG_RETHINK_NAME_BYTES];
	char password[TG_RETHINK_PASSWORD_BYTES];
	char patterns[TG_RETHINK_PATTERNS_BYTES]; /* packed, see app/pattern.h */
	uint32_t patterns_bytes;
	struct tg_rethink_rule rule;
	struct tg_rethink_rule rules[CONFIG_TG_RETHINK_TABLE_RULES_MAX];
	uint32_t rule_count;
	uint32_t rows_per_second_max; /* 0: no limit */
	uint32_t batch_bytes;
	uint32_t answer_ms_max, login_ms_max;
	int64_t overlap_ms, full_pass_ms;
	bool delete_when_empty, delete_when_recreated;
};

/* Reads `config` into `out`, reporting every fault. */
void tg_rethink_config_read(struct tg_rethink_config *out, const struct tg_json *config,
			    struct tg_problems *problems);

/* The rule for `table`: its own, or the source's. */
const struct tg_rethink_rule *tg_rethink_rule_of(const struct tg_rethink_config *config,
						 struct tg_view table);

/* Whether the patterns take `table`. */
bool tg_rethink_takes(const struct tg_rethink_config *config, struct tg_view table);

#endif
