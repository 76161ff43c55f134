/* fault.h - what a RethinkDB error means: its type, code and words into one of ours and a sentence.
 *
 * Some of the server's texts quote rows or key bounds. Those are never repeated: where the meaning
 * is known we say it ourselves, else only the first line is shown (reference/rethinkdb.md 2.3, 7.3,
 * 9).
 */
#ifndef TG_DRIVERS_RETHINK_FAULT_H
#define TG_DRIVERS_RETHINK_FAULT_H

#include "platform/err.h"

struct tg_fault {
	int32_t type, error; /* "t" and "e"                              */
	struct tg_view text; /* the message as a JSON string, with quotes */
	const char *what;    /* "table plant/readings", "database plant"  */
	const char *user;
};

/* Fills `why` and returns PERMISSION, MISSING, NOT_READY, QUERY or PROTOCOL. */
int tg_rethink_fault(const struct tg_fault *fault, struct tg_why *why);

#endif
