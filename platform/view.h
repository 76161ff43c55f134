/* view.h - a borrowed run of bytes, and the writer that fills a window of a longer text.
 *
 * Owns:    nothing. A view dies with the bytes it borrows and is never kept beyond the call.
 * Thread:  any.
 */
#ifndef TG_PLATFORM_VIEW_H
#define TG_PLATFORM_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__)
#define TG_CHECKED                 __attribute__((warn_unused_result))
#define TG_PRINTF(fmt_at, args_at) __attribute__((format(printf, fmt_at, args_at)))
#else
#define TG_CHECKED
#define TG_PRINTF(fmt_at, args_at)
#endif

struct tg_view {
	const uint8_t *at;
	size_t bytes;
};

static inline struct tg_view tg_view_of(const void *at, size_t bytes)
{
	return (struct tg_view){ .at = (const uint8_t *)at, .bytes = bytes };
}

static inline struct tg_view tg_view_str(const char *text)
{
	return tg_view_of(text, strlen(text));
}

static inline bool tg_view_same(struct tg_view a, struct tg_view b)
{
	return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.at, b.at, a.bytes) == 0);
}

/* A window onto a text that may be longer than the buffer: bytes before `skip` are counted and
 * dropped, bytes behind the buffer's end are counted and dropped, so that the same producer
 * measures a text (cap 0), writes it whole, or writes any slice of it.
 *
 *      text  |........skip........|====== buffer (cap) ======|........counted only.....|
 *            0                    skip                        skip + cap               total
 */
struct tg_out {
	uint8_t *at;
	size_t cap;
	uint64_t skip;
	uint64_t total;
	/* With cap 0 and a spill, the whole text goes there as it comes. Such a text cannot be
	 * taken back by restoring the struct. */
	void (*spill)(struct tg_out *out, const void *bytes, size_t count);
};

static inline void tg_out_put(struct tg_out *out, const void *bytes, size_t count)
{
	uint64_t from = out->total;
	uint64_t end = from + count;
	uint64_t window_end = out->skip + out->cap;

	out->total = end;
	if (from >= out->skip && end <= window_end) { /* the usual case: all of it fits */
		memcpy(out->at + (from - out->skip), bytes, count);
		return;
	}
	if (out->spill != NULL) {
		out->spill(out, bytes, count);
		return;
	}
	uint64_t lo = from < out->skip ? out->skip : from;
	uint64_t hi = end > window_end ? window_end : end;
	if (lo < hi)
		memcpy(out->at + (lo - out->skip), (const uint8_t *)bytes + (lo - from),
		       (size_t)(hi - lo));
}

/* Where `bytes` bytes may be written at once, or NULL when the window does not hold all of them;
 * tg_out_took() then says how many were. */
static inline uint8_t *tg_out_room(const struct tg_out *out, size_t bytes)
{
	uint64_t at = out->total - out->skip;

	return out->total >= out->skip && at <= out->cap && out->cap - at >= bytes ? out->at + at
										   : NULL;
}

static inline void tg_out_took(struct tg_out *out, size_t bytes)
{
	out->total += bytes;
}

static inline void tg_out_byte(struct tg_out *out, char byte)
{
	tg_out_put(out, &byte, 1);
}

static inline void tg_out_str(struct tg_out *out, const char *text)
{
	tg_out_put(out, text, strlen(text));
}

static inline void tg_out_view(struct tg_out *out, struct tg_view view)
{
	if (view.bytes != 0)
		tg_out_put(out, view.at, view.bytes);
}

/* True when the text went beyond the window's end: the caller's buffer was too small. */
static inline bool tg_out_overran(const struct tg_out *out)
{
	return out->total > out->skip + out->cap;
}

/* How many bytes of the window are filled. */
static inline size_t tg_out_filled(const struct tg_out *out)
{
	if (out->total <= out->skip)
		return 0;
	uint64_t filled = out->total - out->skip;
	return filled > out->cap ? out->cap : (size_t)filled;
}

#endif
