/* stamp.h - the member of a row that says when it was changed: found by a sample, read, and
 * compared with.
 *
 * Three spellings are known: RethinkDB's TIME, ISO 8601 strings, and numbers since 1970 in seconds
 * or milliseconds. A member counts when at least 95 of 100 sampled rows have it in one and the same
 * spelling.
 *
 * Memory:  the structs. Waits: never.
 */
#ifndef TG_DRIVERS_RETHINK_STAMP_H
#define TG_DRIVERS_RETHINK_STAMP_H

#include "drivers/rethink/table.h"

enum tg_stamp_kind {
	TG_STAMP_NONE,
	TG_STAMP_TIME,
	TG_STAMP_ISO,
	TG_STAMP_SECONDS,
	TG_STAMP_MILLISECONDS,
	TG_STAMP_KINDS,
};

/* How ISO strings are spelled, as far as it matters for comparing them as strings. */
enum tg_stamp_form {
	TG_STAMP_ZONED = 1,  /* some carry a zone other than UTC                */
	TG_STAMP_SPACED = 2, /* some have a blank in place of the T             */
	TG_STAMP_COARSE = 4, /* some are shorter than YYYY-MM-DDThh:mm:ss       */
};

struct tg_stamp {
	struct tg_member_name field;
	enum tg_stamp_kind kind;
	uint32_t forms; /* enum tg_stamp_form */
};

/* What spelling a value is; adds its forms. */
enum tg_stamp_kind tg_stamp_kind_of(struct tg_view value, uint32_t *forms);
const char *tg_stamp_kind_name(enum tg_stamp_kind kind);

/* The value as milliseconds. False when it is not of the stamp's kind. */
bool tg_stamp_read(const struct tg_stamp *stamp, struct tg_view value, int64_t *out_ms);

/* The term that every value of at least `ms` is at least: a little lower where strings are
 * compared. */
void tg_stamp_bound(const struct tg_stamp *stamp, int64_t ms, struct tg_out *out);

enum { TG_STAMP_CANDIDATES = 5 };

struct tg_stamp_sample {
	uint32_t rows, count;
	struct tg_member_name fields[TG_STAMP_CANDIDATES];
	uint32_t seen[TG_STAMP_CANDIDATES][TG_STAMP_KINDS];
	uint32_t forms[TG_STAMP_CANDIDATES];
};

/* Begins: for the one member `field`, or, when it is empty, for those that the seed tries:
 * updated_at, modified_at, timestamp, created_at, last_modified. */
void tg_stamp_sample_start(struct tg_stamp_sample *sample, const char *field);
void tg_stamp_sample_row(struct tg_stamp_sample *sample, struct tg_view row);
/* The first member that counts; kind NONE when none does. */
void tg_stamp_choose(const struct tg_stamp_sample *sample, struct tg_stamp *out);

#endif
