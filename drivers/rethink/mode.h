/* mode.h - which pass comes next for a table, and what its end does to the bookmark.
 *
 *      snapshot                 FULL  FULL  FULL ...
 *      timestamp                FULL  time  time ...
 *      auto                     FULL  time  time ... FULL (every full_pass_hours)  time ...
 *
 * A FULL pass reads everything in key order and is exact; a time pass reads rows whose stamp is not
 * older than the bookmark less the overlap. The bookmark never passes the server's own clock at the
 * pass' begin: a row dated 2099 would hide everything after it.
 *
 * Pure: no state of its own.
 */
#ifndef TG_DRIVERS_RETHINK_MODE_H
#define TG_DRIVERS_RETHINK_MODE_H

#include "drivers/rethink/bookmark.h"
#include "drivers/rethink/config.h"
#include "drivers/rethink/stamp.h"

struct tg_mode_inputs {
	const struct tg_rethink_config *config;
	const struct tg_rethink_rule *rule;
	const struct tg_stamp *stamp;
	bool indexed; /* a simple index on the stamp is ready        */
	bool full_pass_wanted;
	int64_t wall_ms;
};

/* Hash of what the bookmark's times depend on. */
uint64_t tg_mode_settings(const struct tg_mode_inputs *inputs);

/* Decides. Returns true when `bookmark` goes on with its pass; false: a new pass was entered into
 * it, which needs tg_mode_begin() once the server's clock is known (when tg_mode_needs_clock()). */
bool tg_mode_plan(const struct tg_mode_inputs *inputs, struct tg_bookmark *bookmark);
bool tg_mode_needs_clock(const struct tg_mode_inputs *inputs);
void tg_mode_begin(const struct tg_rethink_config *config, int64_t server_now_ms,
		   struct tg_bookmark *bookmark);

/* A row with this stamp was handed over. */
void tg_mode_saw(struct tg_bookmark *bookmark, int64_t stamp_ms);
/* ... in the order of the index: everything before it has been handed over too. */
void tg_mode_reached(struct tg_bookmark *bookmark, int64_t stamp_ms);
/* The pass is complete. */
void tg_mode_end(struct tg_bookmark *bookmark, int64_t wall_ms);

#endif
