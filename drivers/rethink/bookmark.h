/* bookmark.h - how far a table was read, as bytes that only this driver understands.
 *
 *      version 1 | pass 1 | ranges 1 | 0 | table UUID 16 | settings 8 | time 8 | pass now 8 |
 *      pass lower 8 | pass newest 8 | full pass 8 | { key bytes 2 | compared 2 | key } ...
 *
 * All numbers are big-endian. A full pass reads from both ends: the first key is the last one read
 * from the begin, the second one the lowest read from the end. A bookmark of another version, table
 * or of changed settings is not used.
 *
 * Memory:  the struct. Waits: never.
 */
#ifndef TG_DRIVERS_RETHINK_BOOKMARK_H
#define TG_DRIVERS_RETHINK_BOOKMARK_H

#include "app/record.h"
#include "platform/err.h"

enum tg_pass {
	TG_PASS_NONE = 0,   /* nothing is under way                                    */
	TG_PASS_FULL = 1,   /* all rows in primary-key order                           */
	TG_PASS_INDEX = 2,  /* rows from a time on, in the order of an index           */
	TG_PASS_FILTER = 3, /* the same by filter, in primary-key order                */
};

#define TG_TIME_NONE INT64_MIN

struct tg_bookmark_key {
	uint32_t bytes, cmp_bytes; /* 0: none yet */
	uint8_t at[TG_KEY_BYTES_MAX];
};

struct tg_bookmark {
	enum tg_pass pass;
	uint8_t uuid[TG_GENERATION_BYTES];
	uint64_t settings;      /* hash of what would make the bookmark mean something else */
	int64_t time_ms;        /* rows up to here were read; TG_TIME_NONE: never            */
	int64_t pass_now_ms;    /* the server's clock when the pass began                    */
	int64_t pass_lower_ms;  /* the pass reads rows from here on                          */
	int64_t pass_newest_ms; /* the newest row that the pass has seen                     */
	int64_t full_pass_ms;   /* our clock when the last full pass ended; TG_TIME_NONE     */
	struct tg_bookmark_key front; /* the pass has read all up to this key ...              */
	struct tg_bookmark_key back;  /* ... and all from this one on; only with a `front`      */
};

enum { TG_BOOKMARK_HEAD_BYTES = 4 + 16 + 8 * 6 };
enum { TG_RETHINK_BOOKMARK_BYTES_MAX = TG_BOOKMARK_HEAD_BYTES + 2 * (4 + TG_KEY_BYTES_MAX) };

/* A table that was never read. */
void tg_bookmark_clear(struct tg_bookmark *bookmark);
/* Always fits TG_RETHINK_BOOKMARK_BYTES_MAX. */
struct tg_view tg_bookmark_write(const struct tg_bookmark *bookmark,
				 uint8_t at[TG_RETHINK_BOOKMARK_BYTES_MAX]);
/* TG_ERR_NEWER: another version; TG_ERR_DAMAGED. `out` is cleared then. */
TG_CHECKED int tg_bookmark_read(struct tg_view bytes, struct tg_bookmark *out);
/* A copy, and a view of it. */
void tg_bookmark_set(struct tg_bookmark_key *place, struct tg_key key);
struct tg_key tg_bookmark_get(const struct tg_bookmark_key *place);

#endif
