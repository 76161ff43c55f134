/* scan.h - a JSON value found as it arrives, a byte run at a time, without ever being parsed.
 *
 * The scanner walks a value strictly (RFC 8259: grammar, numbers, escapes, control characters)
 * and says where it ends, where watched top-level members lie and what it saw on the way. It is fed
 * the same growing run of bytes: the value's first byte at `value`, `bytes` of it known so far.
 *
 *      feed(value, 10) -> AGAIN        {"id":"a1,
 *      feed(value, 22) -> 20           {"id":"a1","v":[1,2]},
 *                                            ^watch[0]     ^end
 *
 * No recursion: one bit a level, CONFIG_TG_JSON_DEPTH_MAX levels kept strictly; deeper ones are
 * still walked to their end by counting, and flagged.
 *
 * UTF-8 is checked, but never a reason to refuse a value: RethinkDB stores and sends encoded
 * surrogates (ED A0..BF xx) and, made by `match("\\C")`, strings of single bytes; both are flagged.
 * Names are compared as they are written: a server that spells a name with needless escapes is not
 * understood (RethinkDB never does, reference 4.3).
 *
 * Memory:  the struct. Waits: never.
 */
#ifndef TG_DRIVERS_JSON_SCAN_H
#define TG_DRIVERS_JSON_SCAN_H

#include "platform/err.h"

enum {
	TG_SCAN_WATCH_MAX = 4,
	/* A watched value that grows beyond this is counted to its end, but its bytes are let go.
	 */
	TG_SCAN_WATCH_BYTES_MAX = 8192,
};

enum tg_scan_flag {
	TG_SCAN_PSEUDO = 1,    /* a member called $reql_type$ at any depth                   */
	TG_SCAN_NESTED = 2,    /* a top-level member's value is an object or an array        */
	TG_SCAN_RESERVED = 4,  /* a top-level member is called _tidegate                     */
	TG_SCAN_SURROGATE = 8, /* a string or name holds an encoded surrogate or, with ...   */
	TG_SCAN_NOT_UTF8 = 64, /* ... this flag too, bytes that are no UTF-8 at all          */
	TG_SCAN_DEEP = 32,     /* deeper than CONFIG_TG_JSON_DEPTH_MAX                        */
};

struct tg_scan_watch {
	struct tg_view name; /* raw bytes of the member's name between its quotes, as it is escaped
				on the wire */
	uint64_t at;    /* offset of the value from the value's first byte; valid when bytes > 0 */
	uint64_t bytes; /* its length; 0: not seen (yet)                                    */
};

struct tg_scan {
	struct tg_scan_watch watch[TG_SCAN_WATCH_MAX]; /* names set by the caller before start  */
	uint32_t watch_count;
	uint32_t flags; /* enum tg_scan_flag                                                */
	uint64_t pos;   /* bytes consumed since the value's first                           */
	/* The rest is scan.c's. */
	uint64_t mark_;  /* where the name under way begins                                  */
	uint64_t names_; /* a bit for each name that is worth a look, by length and first byte */
	uint32_t state_;
	uint32_t part_;     /* within a token: UTF-8 bytes to come, place in a number or literal */
	uint32_t depth_;    /* containers open                                                  */
	uint32_t watching_; /* index + 1 of the watch whose value comes or is under way         */
	uint32_t name_bytes_max_; /* the longest name worth keeping while it comes               */
	bool begun_; /* the watched value's first byte was seen                          */
	bool name_;  /* the string under way is a member's name                          */
	uint8_t kinds_[(CONFIG_TG_JSON_DEPTH_MAX + 7) / 8];
};

/* Begins a value; watch[] and watch_count stay as the caller set them, the rest is cleared. */
void tg_scan_start(struct tg_scan *scan);

/* Goes on at scan->pos. `value` points at the value's byte number `base` (0 unless earlier bytes
 * were dropped), `bytes` are known from there. Returns TG_OK when the value is complete (its length
 * is scan->pos; a top-level number needs one byte more to end), TG_ERR_AGAIN when more bytes are
 * needed, TG_ERR_PROTOCOL when this is not JSON (scan->pos is the offending byte). */
TG_CHECKED int tg_scan_feed(struct tg_scan *scan, const uint8_t *value, size_t bytes,
			    uint64_t base);

/* The first byte that must still be there at the next feed: a value too large to hold is walked by
 * dropping what lies before it. Watched values that are complete must have been copied by then; one
 * that is longer than TG_SCAN_WATCH_BYTES_MAX may have lost its beginning. */
uint64_t tg_scan_keep(const struct tg_scan *scan);

/* --- pieces of a complete value, by offset, without a tree --- */

/* A cursor over the members of an object or the elements of an array that was found to be valid. */
struct tg_members {
	const uint8_t *at, *end;
	bool object;
};
/* False when `value` is neither object nor array. */
bool tg_members_start(struct tg_members *members, struct tg_view value);
/* The next member: `name` without its quotes, still escaped (empty in an array), `value` raw.
 * False at the end. Never reads beyond the view, whatever the bytes. */
bool tg_members_next(struct tg_members *members, struct tg_view *name, struct tg_view *value);
/* The value of member `name` (as written on the wire), or an empty view. */
struct tg_view tg_member_of(struct tg_view object, const char *name);

/* Reads a JSON integer without a double. TG_ERR_PROTOCOL when it is none or does not fit. */
TG_CHECKED int tg_json_integer(struct tg_view value, int64_t *out);
/* Writes the text of a JSON string (quotes included in `value`) as UTF-8 bytes. Returns its length,
 * TG_ERR_LIMIT or TG_ERR_PROTOCOL. U+0000 is kept. Surrogate pairs are joined; a lone \ud800 escape
 * becomes the three bytes ED A0 80. */
TG_CHECKED int tg_json_unescape(struct tg_view value, uint8_t *at, size_t cap);
/* Appends `bytes` as a JSON string with its quotes: minimal escapes, raw UTF-8, encoded surrogates
 * as \udxxx escapes and other bytes that are no UTF-8 as \ufffd, so that the result is always
 * valid. */
void tg_json_quote(struct tg_view bytes, struct tg_out *out);
/* The same as RethinkDB itself writes it: whatever is >= 0x20 goes through as it is. */
void tg_json_quote_raw(struct tg_view bytes, struct tg_out *out);

/* The fewest underscores, one at least, that make of `name` one that no member of `body` has. */
uint32_t tg_json_underscores(struct tg_view body, struct tg_view name);

/* White space between the parts of JSON text. */
static inline bool tg_json_is_space(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

#endif
