/* utf8.h - one UTF-8 sequence, byte by byte (RFC 3629, with encoded surrogates let through).
 *
 * What may follow is packed in one word, so that a scanner can stop between any two bytes:
 *
 *      bits  0..7  bytes still to come      8..15 lowest next byte
 *           16..23 highest next byte       24     lead was ED: a next byte >= A0 is a surrogate
 *
 * Pure: no state.
 */
#ifndef TG_APP_UTF8_H
#define TG_APP_UTF8_H

#include "platform/view.h"

#define TG_UTF8_NEXT(left, lo, hi) ((uint32_t)(left) | (uint32_t)(lo) << 8 | (uint32_t)(hi) << 16)
#define TG_UTF8_LEFT(next)         ((next)&0xff)
#define TG_UTF8_ED                 (1u << 24)

/* What may follow the lead byte (>= 0x80); 0: this is no lead byte. */
static inline uint32_t tg_utf8_lead(uint8_t lead)
{
	if (lead < 0xc2 || lead > 0xf4)
		return 0;
	if (lead < 0xe0)
		return TG_UTF8_NEXT(1, 0x80, 0xbf);
	if (lead < 0xf0)
		return TG_UTF8_NEXT(2, lead == 0xe0 ? 0xa0 : 0x80, 0xbf) |
		       (lead == 0xed ? TG_UTF8_ED : 0);
	return TG_UTF8_NEXT(3, lead == 0xf0 ? 0x90 : 0x80, lead == 0xf4 ? 0x8f : 0xbf);
}

static inline bool tg_utf8_fits(uint32_t next, uint8_t byte)
{
	return byte >= (uint8_t)(next >> 8) && byte <= (uint8_t)(next >> 16);
}

/* What may come after `byte`, which fits; its TG_UTF8_LEFT is 0 at the sequence's end. */
static inline uint32_t tg_utf8_after(uint32_t next)
{
	return TG_UTF8_NEXT(TG_UTF8_LEFT(next) - 1, 0x80, 0xbf);
}

/* True when `byte`, which fits, makes the sequence an encoded surrogate. */
static inline bool tg_utf8_surrogate(uint32_t next, uint8_t byte)
{
	return (next & TG_UTF8_ED) != 0 && byte >= 0xa0;
}

/* The length of the whole sequence at `at`, or 0 when it is cut or wrong. */
static inline unsigned tg_utf8_bytes(const uint8_t *at, const uint8_t *end, bool *surrogate)
{
	uint32_t next = tg_utf8_lead(*at);
	unsigned left = TG_UTF8_LEFT(next);

	*surrogate = false;
	if (left == 0 || end - at <= (ptrdiff_t)left || !tg_utf8_fits(next, at[1]))
		return 0;
	for (unsigned i = 2; i <= left; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	}
	*surrogate = tg_utf8_surrogate(next, at[1]);
	return left + 1;
}

enum { TG_UTF8_ESCAPE_BYTES = 6 };

/* Takes the sequence at `at` (a byte >= 0x80), returns its length. True in `escaped` when it is not
 * strict UTF-8: then `escape` stands for it in JSON, \udxxx for an encoded surrogate, \ufffd for a
 * byte. */
static inline unsigned tg_utf8_take(const uint8_t *at, const uint8_t *end, bool *escaped,
				    char escape[TG_UTF8_ESCAPE_BYTES])
{
	static const char hex[] = "0123456789abcdef";
	static const char unknown[TG_UTF8_ESCAPE_BYTES] = { '\\', 'u', 'f', 'f', 'f', 'd' };
	unsigned bytes = tg_utf8_bytes(at, end, escaped);

	if (bytes == 0) {
		memcpy(escape, unknown, sizeof(unknown));
		*escaped = true;
		return 1;
	}
	if (*escaped) {
		memcpy(escape, unknown, 2);
		escape[2] = 'd';
		escape[3] = hex[8 | (at[1] >> 2 & 7)];
		escape[4] = hex[(at[1] & 3) << 2 | (at[2] >> 4 & 3)];
		escape[5] = hex[at[2] & 15];
	}
	return bytes;
}

/* Appends JSON's own text, in which only bytes that are no strict UTF-8 change: to what
 * tg_utf8_take() gives for them. */
void tg_utf8_put(struct tg_view text, struct tg_out *out);

#endif
