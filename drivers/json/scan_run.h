/* scan_run.h - the scanner's own: its states, and one feed under way. For scan*.c only.
 *
 *      scan.c       structure: what may come between tokens, and what a token's end means
 *      scan_text.c  inside a token: strings, numbers, literals, and levels too deep to keep
 *      scan_fast.c  whole tokens without white space, as a server writes them
 *
 * Only scan_fast.c leaps; it looks at whole tokens that are there and falls back to the others,
 * which go byte by byte and can stop anywhere.
 */
#ifndef TG_DRIVERS_JSON_SCAN_RUN_H
#define TG_DRIVERS_JSON_SCAN_RUN_H

#include "drivers/json/scan.h"

enum tg_scan_state {
	TG_SCAN_VALUE,         /* a value must come                          */
	TG_SCAN_FIRST_ELEMENT, /* behind `[`: a value or `]`                 */
	TG_SCAN_FIRST_NAME,    /* behind `{`: a name or `}`                  */
	TG_SCAN_NAME,          /* behind `,` in an object: a name            */
	TG_SCAN_COLON,
	TG_SCAN_AFTER, /* behind a value: `,` or the container's end */
	TG_SCAN_STRING,
	TG_SCAN_ESCAPE,  /* behind a backslash                         */
	TG_SCAN_HEX,     /* part_: hex digits to come                  */
	TG_SCAN_UTF8,    /* part_: see utf8.h                          */
	TG_SCAN_NUMBER,  /* part_: enum tg_scan_number                 */
	TG_SCAN_LITERAL, /* part_: which word, and how far             */
	TG_SCAN_DEEP_WALK,
	TG_SCAN_DEEP_STRING,
	TG_SCAN_DEEP_ESCAPE,
	TG_SCAN_DONE,
	TG_SCAN_BAD,
};

enum tg_scan_number {
	TG_NUMBER_MINUS,
	TG_NUMBER_ZERO,
	TG_NUMBER_INT,
	TG_NUMBER_DOT,
	TG_NUMBER_FRACTION,
	TG_NUMBER_E,
	TG_NUMBER_SIGN,
	TG_NUMBER_EXPONENT,
};

struct tg_scan_run {
	struct tg_scan *scan;
	const uint8_t *value; /* the bytes of this feed ...                   */
	const uint8_t *end;
	uint64_t base; /* ... and the offset of the first one of them  */
};

static inline uint64_t tg_scan_offset(const struct tg_scan_run *run, const uint8_t *at)
{
	return run->base + (uint64_t)(at - run->value);
}

static inline const uint8_t *tg_scan_bad(const struct tg_scan_run *run, const uint8_t *at)
{
	run->scan->state_ = TG_SCAN_BAD;
	return at;
}

static inline bool tg_scan_in_object(const struct tg_scan *scan)
{
	uint32_t level = scan->depth_ - 1;

	return (scan->kinds_[level >> 3] >> (level & 7) & 1) != 0;
}

/* A value ended right before `at`. */
static inline void tg_scan_value_ends(const struct tg_scan_run *run, const uint8_t *at)
{
	struct tg_scan *scan = run->scan;

	scan->state_ = scan->depth_ == 0 ? TG_SCAN_DONE : TG_SCAN_AFTER;
	if (scan->watching_ != 0 && scan->depth_ <= 1) {
		struct tg_scan_watch *watch = &scan->watch[scan->watching_ - 1];
		watch->bytes = tg_scan_offset(run, at) - watch->at;
		scan->watching_ = 0;
		scan->begun_ = false;
	}
}

/* One of 64 numbers for a name: by its length and first byte (an empty one's is its closing quote).
 */
static inline unsigned tg_scan_name_place(struct tg_view name)
{
	return (name.at[0] * 3u + (unsigned)name.bytes) & 63;
}

/* False for nearly every name, at its first byte. */
static inline bool tg_scan_name_matters(const struct tg_scan *scan, struct tg_view name)
{
	return (scan->names_ >> tg_scan_name_place(name) & 1) != 0;
}

/* scan.c: sets the flags and the watch that the name calls for. */
void tg_scan_name_seen(struct tg_scan *scan, struct tg_view name);

/* Each goes on from `at` as far as its state lasts and returns where it stopped. */
const uint8_t *tg_scan_text(const struct tg_scan_run *run, const uint8_t *at);
const uint8_t *tg_scan_fast_members(const struct tg_scan_run *run, const uint8_t *at);
const uint8_t *tg_scan_fast_elements(const struct tg_scan_run *run, const uint8_t *at);
/* Begins the number or literal at `at`. */
const uint8_t *tg_scan_scalar(const struct tg_scan_run *run, const uint8_t *at);

#endif
