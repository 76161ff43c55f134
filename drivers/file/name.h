/* name.h - file names that survive any stream name, and any file system.
 *
 *      rethinkdb/plant/readings is SOURCE/DATABASE/TABLE
 *      rethinkdb.plant.readings.000000000001.open                  being written
 *      rethinkdb.plant.readings.000000000001-000000000950.ndjson   finished, to be taken
 *      \_ the stem              \_ the first and the last sequence
 *
 * Bytes outside [A-Za-z0-9_-] of each part become %XX, so that the dot only joins and no name is
 * hidden, a path or an option. A stem with upper-case letters, or one that had to be shortened to
 * TG_FILE_STEM_TEXT_MAX bytes, gets `~NUMBER` of the stream: `Abc` and `abc` stay two files where
 * case is ignored, and so do two long names with the same beginning. No other stem holds a `~`.
 *
 * Pure.
 */
#ifndef TG_DRIVERS_FILE_NAME_H
#define TG_DRIVERS_FILE_NAME_H

#include "platform/view.h"

enum {
	TG_FILE_STEM_TEXT_MAX = 120,
	/* The text, `~` with ten digits, and a NUL. */
	TG_FILE_STEM_BYTES_MAX = TG_FILE_STEM_TEXT_MAX + 11 + 1,
	/* The stem, two numbers of at most 20 digits, `~99`, the longest ending. */
	TG_FILE_NAME_BYTES_MAX = TG_FILE_STEM_BYTES_MAX + 1 + 20 + 1 + 20 + 3 + 7,
	/* How many files of one name may lie side by side, told apart by `~2` to `~99`. */
	TG_FILE_COPIES_MAX = 99,
};

void tg_file_stem(struct tg_view stream, uint32_t stream_number, char stem[TG_FILE_STEM_BYTES_MAX]);

/* What a name is made of. `copy` is 0 or 1 for the plain name, 2 and more for `~2` and so on. */
struct tg_file_parts {
	const char *stem;
	uint64_t first;
	uint64_t last; /* 0: the name carries `first` alone */
	unsigned copy;
};
/* `ending` is "open", "ndjson" or "left". */
void tg_file_name(const struct tg_file_parts *parts, const char *ending,
		  char name[TG_FILE_NAME_BYTES_MAX]);

/* Takes the stem out of "STEM.FIRST.open". False when `name` is none of ours. */
bool tg_file_stem_of(const char *name, char stem[TG_FILE_STEM_BYTES_MAX]);

#endif
