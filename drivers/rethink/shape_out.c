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

static inline bool is_special(uint8_t byte)
{
	return byte < 0x20 || byte == '"' || byte == '\\';
}

/* The top bits of the bytes that are special, exact for each. */
static inline uint64_t special_mask(uint64_t word)
{
	uint64_t low = TG_SWAR_ALL(0x7f);
	uint64_t quote = word ^ TG_SWAR_ALL('"'), slash = word ^ TG_SWAR_ALL('\\');
	uint64_t no_quote = ((quote & low) + low) | quote, no_slash = ((slash & low) + low) | slash;
	uint64_t no_control = ((word & low) + TG_SWAR_ALL(0x60)) | word;

	return ~(no_quote & no_slash & no_control) & TG_SWAR_ALL(0x80);
}

/* Eight bytes, of which `mask` are special: stored whole from behind each of them, so that what has
 * been written never needs to be waited for. */
static inline uint8_t *escape_word(uint64_t word, uint64_t mask, uint8_t *to)
{
	unsigned done = 0;

	for (; mask != 0; mask &= mask - 1) {
		unsigned at = tg_swar_first(mask);
		tg_swar_store(to, word >> 8 * done);
		to += at - done;
		*to++ = '\\';
		*to++ = escape_of((uint8_t)(word >> 8 * at));
		done = at + 1;
	}
	if (done < 8)
		tg_swar_store(to, word >> 8 * done);
	return to + 8 - done;
}

/* Escapes `from` into `to`, which takes twice its bytes and SLACK_BYTES. Returns where it ends. */
static uint8_t *escape_piece(const uint8_t *from, const uint8_t *end, uint8_t *to)
{
	for (; end - from >= 8; from += 8) {
		uint64_t word = tg_swar_load(from);
		to = escape_word(word, special_mask(word), to);
	}
	for (; from < end; from++) {
		if (is_special(*from))
			*to++ = '\\';
		*to++ = escape_of(*from);
	}
	return to;
}

static void put_escaped(struct tg_out *out, struct tg_view text)
{
	uint8_t piece[2 * PIECE_BYTES + SLACK_BYTES];
	const uint8_t *from = text.at, *end = text.at + text.bytes;
	uint8_t *room = tg_out_room(out, 2 * text.bytes + SLACK_BYTES);

	if (room != NULL) {
		tg_out_took(out, (size_t)(escape_piece(from, end, room) - room));
		return;
	}
	while (from < end) {
		size_t left = (size_t)(end - from);
		const uint8_t *to = from + (left < PIECE_BYTES ? left : PIECE_BYTES);
		tg_out_put(out, piece, (size_t)(escape_piece(from, to, piece) - piece));
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
