/* columns.h - a sink's rules of which columns go out, and what of them concerns one stream.
 *
 * The configuration gives rules by pattern over the stream's name; all that match apply together:
 *
 *      "columns": { "*": {"mask": ["password"]}, "rethinkdb/hr/staff": {"leave_out": ["salary"]} }
 *
 *      a name in any matching leave_out      never goes out
 *      a name in any matching mask           goes out as "***" (null stays null)
 *      any matching `only`                   but these names (and masked ones) nothing goes out
 *
 * A rule is compiled at boot to the bytes of `struct tg_columns.spec` (line.h).
 *
 * Memory:  the rules lie in the boot arena. Thread: any.
 */
#ifndef TG_APP_COLUMNS_H
#define TG_APP_COLUMNS_H

#include "app/line.h"

struct tg_column_rule {
	const char *pattern; /* over SOURCE/DATABASE/TABLE, without "!" */
	struct tg_view spec; /* as line.h describes it */
};

/* All specs of one sink together have at most TG_COLUMNS_SPEC_BYTES_MAX bytes; the configuration
 * is refused otherwise. */
struct tg_column_rules {
	const struct tg_column_rule *at;
	uint32_t count;
};

/* Writes the spec of `stream`: that of each rule that matches, in order. Returns its length. */
size_t tg_column_rules_spec(const struct tg_column_rules *rules, struct tg_view stream,
			    uint8_t at[TG_COLUMNS_SPEC_BYTES_MAX]);

#endif
