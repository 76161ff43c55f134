#include "drivers/raven/sink_text.h"

#include "app/swar.h"
#include "app/utf8.h"

enum { ESCAPE_BYTES = 6, HIGH_FIRST = 0xd800, LOW_FIRST = 0xdc00, LOW_LAST = 0xdfff };

/* Only a surrogate's escape is looked for: \ud8.. to \udf.., behind an even number of backslashes.
 */
static bool has_surrogate_escape(struct tg_view text)
{
	const uint8_t *at = text.at, *end = at + text.bytes;

	while (at < end && (at = memchr(at, '\\', (size_t)(end - at))) != NULL) {
		if (end - at > 3 && at[1] == 'u' && (at[2] | 0x20) == 'd' && at[3] > '7')
			return true;
		at += end - at > 1 ? 2 : 1;
	}
	return false;
}

bool tg_raven_text_needs(const struct tg_record *record)
{
	return (record->flags & TG_REC_SURROGATE) != 0 || has_surrogate_escape(record->body);
}

static void put_unknown(struct tg_raven_text *text)
{
	tg_out_put(text->to_, "\xef\xbf\xbd", 3);
	text->replaced++;
}

/* A high surrogate that no low one followed. */
static void end_high(struct tg_raven_text *text)
{
	if (text->high_ != 0)
		put_unknown(text);
	text->high_ = 0;
}

static void put_pair(struct tg_raven_text *text, uint32_t low)
{
	uint32_t letter = 0x10000 + ((text->high_ - HIGH_FIRST) << 10) + (low - LOW_FIRST);
	const uint8_t utf8[] = { (uint8_t)(0xf0 | letter >> 18),
				 (uint8_t)(0x80 | (letter >> 12 & 0x3f)),
				 (uint8_t)(0x80 | (letter >> 6 & 0x3f)),
				 (uint8_t)(0x80 | (letter & 0x3f)) };

	tg_out_put(text->to_, utf8, sizeof(utf8));
	text->high_ = 0;
}

static void take_surrogate(struct tg_raven_text *text, uint32_t unit)
{
	if (unit >= LOW_FIRST && text->high_ != 0) {
		put_pair(text, unit);
	} else if (unit >= LOW_FIRST) {
		put_unknown(text);
	} else {
		end_high(text);
		text->high_ = unit;
	}
}

/* The value of four hex digits, or of anything else something that is no surrogate. */
static uint32_t unit_of(const uint8_t *at)
{
	uint32_t unit = 0;

	for (unsigned i = 0; i < 4; i++) {
		uint8_t letter = at[i] | 0x20;

		unit = unit << 4 | (letter >= 'a' ? (uint32_t)(letter - 'a' + 10) & 15
						  : (uint32_t)(at[i] - '0') & 15);
	}
	return unit;
}

static void give_held(struct tg_raven_text *text)
{
	end_high(text);
	tg_out_put(text->to_, text->held_, text->held_bytes_);
	text->held_bytes_ = 0;
}

/* One more byte of an escape. */
static void take_escape(struct tg_raven_text *text, uint8_t byte)
{
	text->held_[text->held_bytes_++] = byte;
	if (text->held_[1] != 'u') {
		give_held(text);
	} else if (text->held_bytes_ == ESCAPE_BYTES) {
		uint32_t unit = unit_of(text->held_ + 2);

		if (unit < HIGH_FIRST || unit > LOW_LAST) {
			give_held(text);
			return;
		}
		text->held_bytes_ = 0;
		take_surrogate(text, unit);
	}
}

/* The sequence in held_ is as long as it can get: whole, or none. */
static void end_sequence(struct tg_raven_text *text)
{
	bool surrogate;
	unsigned bytes = tg_utf8_bytes(text->held_, text->held_ + text->held_bytes_, &surrogate);

	if (surrogate && bytes == 3) {
		text->held_bytes_ = 0;
		take_surrogate(text, 0xd000u | (uint32_t)(text->held_[1] & 0x3f) << 6 |
					     (text->held_[2] & 0x3f));
	} else if (bytes != 0) {
		give_held(text);
	} else { /* each byte of it is none */
		end_high(text);
		for (uint32_t i = 0; i < text->held_bytes_; i++)
			put_unknown(text);
		text->held_bytes_ = 0;
	}
}

/* One more byte >= 0x80, or one below that ends a sequence too early. True when it was taken. */
static bool take_sequence(struct tg_raven_text *text, uint8_t byte)
{
	bool goes_on = (byte & 0xc0) == 0x80;

	if (text->held_bytes_ > 0 && !goes_on) {
		end_sequence(text);
		return false;
	}
	text->held_[text->held_bytes_++] = byte;
	if (text->held_bytes_ == TG_UTF8_LEFT(tg_utf8_lead(text->held_[0])) + 1)
		end_sequence(text);
	return true;
}

static void take(struct tg_raven_text *text, uint8_t byte)
{
	if (text->held_bytes_ > 0 && text->held_[0] == '\\') {
		take_escape(text, byte);
		return;
	}
	if ((text->held_bytes_ > 0 || byte >= 0x80) && take_sequence(text, byte))
		return;
	if (byte >= 0x80) {
		(void)take_sequence(text, byte);
	} else if (byte == '\\') {
		text->held_[text->held_bytes_++] = byte;
	} else {
		end_high(text);
		tg_out_put(text->to_, &byte, 1);
	}
}

static void filter(struct tg_out *out, const void *bytes, size_t count)
{
	struct tg_raven_text *text = (struct tg_raven_text *)(void *)out; /* its first member */
	const uint8_t *at = bytes, *end = at + count;

	while (at < end) {
		const uint8_t *run = at;

		while (text->held_bytes_ == 0 && text->high_ == 0 && at < end && *at < 0x80 &&
		       *at != '\\')
			at++;
		tg_out_put(text->to_, run, (size_t)(at - run));
		if (at < end)
			take(text, *at++);
	}
}

void tg_raven_text_start(struct tg_raven_text *text, struct tg_out *to)
{
	*text = (struct tg_raven_text){ .out = { .spill = filter }, .to_ = to };
}

void tg_raven_text_end(struct tg_raven_text *text)
{
	if (text->held_bytes_ > 0 && text->held_[0] == '\\')
		give_held(text);
	else if (text->held_bytes_ > 0)
		end_sequence(text);
	end_high(text);
}
