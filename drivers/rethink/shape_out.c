/* shape_out.c - the two layers of shaped text, eight bytes at a time. */
#include "drivers/rethink/shape_out.h"

#include "app/record.h"
#include "app/swar.h"
#include "app/utf8.h"

enum { PIECE_BYTES = 256, SLACK_BYTES = 8 };

/* A byte that must be escaped, in JSON text: a quote, a backslash, white space between tokens. */
static inline uint8_t escape_of(uint8_t byte)
{
	switch (byte) {
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	default:
		return byte >= 0x20 ? byte : ' '; /* No other control can be in JSON text. */
	}
}

/* Escapes `from` into `to`, which takes twice its bytes and SLACK_BYTES. Returns how many it took.
 */
static size_t escape_piece(const uint8_t *from, const uint8_t *end, uint8_t *to)
{
	const uint8_t *start = to;

	while (from < end) {
		uint64_t word = 0;
		unsigned plain = 0;
		if (end - from >= 8) {
			word = tg_swar_load(from);
			memcpy(to, from, 8);
			uint64_t mask = (tg_swar_quote(word) | (word - TG_SWAR_ALL(0x20))) & ~word &
					TG_SWAR_ALL(0x80);
			plain = mask == 0 ? 8 : tg_swar_first(mask);
			from += plain;
			to += plain;
			if (plain == 8)
				continue;
		}
		uint8_t byte = *from++;
		if (byte < 0x20 || byte == '"' || byte == '\\')
			*to++ = '\\';
		*to++ = byte < 0x20 || byte == '"' || byte == '\\' ? escape_of(byte) : byte;
	}
	return (size_t)(to - start);
}

static void put_escaped(struct tg_out *out, struct tg_view text)
{
	uint8_t piece[2 * PIECE_BYTES + SLACK_BYTES];
	const uint8_t *from = text.at, *end = text.at + text.bytes;

	while (from < end) {
		size_t left = (size_t)(end - from);
		const uint8_t *to = from + (left < PIECE_BYTES ? left : PIECE_BYTES);
		tg_out_put(out, piece, escape_piece(from, to, piece));
		from = to;
	}
}

void tg_shape_put(const struct tg_shape_out *shape, struct tg_view text)
{
	if (shape->quoted)
		put_escaped(shape->out, text);
	else
		tg_out_view(shape->out, text);
}

void tg_shape_put_valid(const struct tg_shape_out *shape, struct tg_view text)
{
	const uint8_t *from = text.at, *at = from, *end = text.at + text.bytes;
	char escape[TG_UTF8_ESCAPE_BYTES];

	if ((shape->flags & TG_REC_SURROGATE) == 0)
		at = end;
	while (at < end) {
		bool escaped = false;
		unsigned bytes = *at < 0x80 ? 1 : tg_utf8_take(at, end, &escaped, escape);
		if (escaped) {
			tg_shape_put(shape, tg_view_of(from, (size_t)(at - from)));
			tg_shape_put(shape, tg_view_of(escape, sizeof(escape)));
			from = at + bytes;
		}
		at += bytes;
	}
	tg_shape_put(shape, tg_view_of(from, (size_t)(end - from)));
}
