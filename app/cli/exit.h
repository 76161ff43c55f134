/* exit.h - the codes that the program ends with: docs/exit-codes.md shows the same table.
 *
 * A code says who has to act: 1-6 this machine, 10-19 the source, 20-29 the sink (`check` only: a
 * sync whose sink is away has stored everything and ends with 4).
 */
#ifndef TG_APP_CLI_EXIT_H
#define TG_APP_CLI_EXIT_H

#include "platform/err.h"

enum tg_exit {
	TG_EXIT_OK = 0,
	TG_EXIT_INTERNAL = 1,
	TG_EXIT_USAGE = 2,
	TG_EXIT_PARTIAL = 3,
	TG_EXIT_UNDELIVERED = 4,
	TG_EXIT_STORE = 5,
	TG_EXIT_DISK = 6,
	TG_EXIT_SOURCE_NETWORK = 10,
	TG_EXIT_SOURCE_SILENT = 11,
	TG_EXIT_SOURCE_TLS = 12,
	TG_EXIT_SOURCE_PLAIN = 13,
	TG_EXIT_SOURCE_WANTS_TLS = 14,
	TG_EXIT_SOURCE_OTHER = 15,
	TG_EXIT_SOURCE_OLD = 16,
	TG_EXIT_SOURCE_USER = 17,
	TG_EXIT_SOURCE_PASSWORD = 18,
	TG_EXIT_SOURCE_EMPTY = 19,
	TG_EXIT_SINK_NETWORK = 20,
	TG_EXIT_SINK_SILENT = 21,
	TG_EXIT_SINK_TLS = 22,
	TG_EXIT_SINK_DENIED = 23,
	TG_EXIT_SINK_NO_ENDPOINT = 24,
	TG_EXIT_SINK_UNAVAILABLE = 25,
	TG_EXIT_SINK_BATCH = 26,
	TG_EXIT_SINK_FULL = 27,
	TG_EXIT_SINK_DISK = 28,
	TG_EXIT_SINK_PROTOCOL = 29,
};

/* Where an error came from. */
enum tg_origin { TG_ORIGIN_SELF, TG_ORIGIN_STORE, TG_ORIGIN_SOURCE, TG_ORIGIN_SINK };

/* The code of `err` (enum tg_err). */
int tg_exit_code(enum tg_origin origin, int err);

struct tg_exit_row {
	int code;
	const char *meaning; /* what happened, for the table and for `help exit-codes` */
	const char *action;  /* what to do about it                                    */
};

/* All codes, rising; the last has a NULL meaning. */
extern const struct tg_exit_row tg_exit_rows[];

#endif
