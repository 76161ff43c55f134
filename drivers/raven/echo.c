#include "drivers/raven/echo.h"

#include "app/swar.h"
#include "drivers/json/scan.h"
#include "drivers/raven/hash.h"

enum state { PLAIN, MINUS, MINUS_ZERO, STRING, ESCAPE, UNIT };
/* Text without escapes, white space and -0 is summed as it is; a quote in a string has a mark. */
enum { MARK = 0xff, UNKNOWN = 0xfffd, HIGH_FIRST = 0xd800, LOW_FIRST = 0xdc00, LOW_LAST = 0xdfff };

/* --- the sum --- */

static void mix(struct tg_raven_echo *echo)
{
	echo->sum_ = (echo->sum_ ^ echo->word_) * UINT64_C(0x9e3779b97f4a7c15);
	echo->sum_ ^= echo->sum_ >> 29;
	echo->word_ = 0;
	echo->word_bytes_ = 0;
}

static void add(struct tg_raven_echo *echo, uint8_t byte)
{
	echo->word_ |= (uint64_t)byte << (8 * echo->word_bytes_);
	if (++echo->word_bytes_ == sizeof(echo->word_))
		mix(echo);
}

/* As add() for each byte from `at` up to `end`. */
static void add_run(struct tg_raven_echo *echo, const uint8_t *at, const uint8_t *end)
{
	unsigned bits = 8 * echo->word_bytes_;

	for (; end - at >= 8; at += 8) {
		uint64_t word = tg_swar_load(at);
		echo->word_ |= word << bits;
		mix(echo);
		echo->word_ = bits > 0 ? word >> (64 - bits) : 0;
	}
	echo->word_bytes_ = bits / 8;
	while (at < end)
		add(echo, *at++);
}

/* --- strings --- */

static void add_letter(struct tg_raven_echo *echo, uint32_t letter)
{
	if (letter == '"')
		add(echo, MARK);
	if (letter < 0x80) {
		add(echo, (uint8_t)letter);
		return;
	}
	if (letter < 0x800) {
		add(echo, (uint8_t)(0xc0 | letter >> 6));
	} else if (letter < 0x10000) {
		add(echo, (uint8_t)(0xe0 | letter >> 12));
		add(echo, (uint8_t)(0x80 | (letter >> 6 & 0x3f)));
	} else {
		add(echo, (uint8_t)(0xf0 | letter >> 18));
		add(echo, (uint8_t)(0x80 | (letter >> 12 & 0x3f)));
		add(echo, (uint8_t)(0x80 | (letter >> 6 & 0x3f)));
	}
	add(echo, (uint8_t)(0x80 | (letter & 0x3f)));
}

/* A high surrogate that no low one followed is no letter: the server has U+FFFD for it. */
static void end_high(struct tg_raven_echo *echo)
{
	if (echo->high_ != 0)
		add_letter(echo, UNKNOWN);
	echo->high_ = 0;
}

static void take_unit(struct tg_raven_echo *echo)
{
	uint32_t unit = echo->unit_, high = echo->high_;

	if (unit >= LOW_FIRST && unit <= LOW_LAST && high != 0) {
		echo->high_ = 0;
		add_letter(echo, 0x10000 + ((high - HIGH_FIRST) << 10) + (unit - LOW_FIRST));
		return;
	}
	end_high(echo);
	if (unit >= HIGH_FIRST && unit < LOW_FIRST)
		echo->high_ = unit;
	else
		add_letter(echo, unit >= LOW_FIRST && unit <= LOW_LAST ? (uint32_t)UNKNOWN : unit);
}

static void take_digit(struct tg_raven_echo *echo, uint8_t byte)
{
	uint32_t letter = byte | 0x20u; /* digits have that bit */

	echo->unit_ = echo->unit_ << 4 | ((letter >= 'a' ? letter - 'a' + 10 : letter - '0') & 15);
	if (++echo->digits_ < 4)
		return;
	echo->state_ = STRING;
	take_unit(echo);
}

static void take_escape(struct tg_raven_echo *echo, uint8_t byte)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char *at = byte != '\0' ? strchr(from, byte) : NULL;

	if (byte == 'u') {
		echo->state_ = UNIT;
		echo->unit_ = echo->digits_ = 0;
		return;
	}
	end_high(echo);
	if (byte == '"')
		add(echo, MARK);
	add(echo, at != NULL ? (uint8_t)to[at - from] : byte);
	echo->state_ = STRING;
}

static void take_in_string(struct tg_raven_echo *echo, uint8_t byte)
{
	if (byte == '\\') {
		echo->state_ = ESCAPE;
		return;
	}
	end_high(echo);
	if (byte == '"')
		echo->state_ = PLAIN;
	add(echo, byte);
}

/* --- between strings --- */

static bool goes_on(uint8_t byte)
{
	return (byte >= '0' && byte <= '9') || byte == '.' || (byte | 0x20) == 'e';
}

/* What was held back of a number. */
static void end_minus(struct tg_raven_echo *echo, uint8_t byte)
{
	if (echo->state_ == MINUS || goes_on(byte))
		add(echo, '-');
	if (echo->state_ == MINUS_ZERO)
		add(echo, '0');
	echo->state_ = PLAIN;
}

static void take_plain(struct tg_raven_echo *echo, uint8_t byte)
{
	if (echo->state_ == MINUS && byte == '0') {
		echo->state_ = MINUS_ZERO;
		return;
	}
	if (echo->state_ != PLAIN)
		end_minus(echo, byte);
	if (tg_json_is_space(byte))
		return;
	if (byte == '-') {
		echo->state_ = MINUS;
		return;
	}
	if (byte == '"')
		echo->state_ = STRING;
	add(echo, byte);
}

static void take(struct tg_raven_echo *echo, uint8_t byte)
{
	switch ((enum state)echo->state_) {
	case STRING:
		take_in_string(echo, byte);
		break;
	case ESCAPE:
		take_escape(echo, byte);
		break;
	case UNIT:
		take_digit(echo, byte);
		break;
	default:
		take_plain(echo, byte);
		break;
	}
}

static void spill(struct tg_out *out, const void *bytes, size_t count)
{
	/* Its first member. */
	tg_raven_echo_put((struct tg_raven_echo *)(void *)out, tg_view_of(bytes, count));
}

void tg_raven_echo_start(struct tg_raven_echo *echo)
{
	*echo = (struct tg_raven_echo){ .out = { .spill = spill }, .sum_ = 1 };
}

/* Up to where the text is summed as it is: over strings without escapes and what stands between
 * them. */
static const uint8_t *pass_plain(struct tg_raven_echo *echo, const uint8_t *at, const uint8_t *end)
{
	static const bool stops[256] = { ['"'] = true,  ['-'] = true,  [' '] = true,
					 ['\t'] = true, ['\n'] = true, ['\r'] = true };

	for (;;) {
		if (echo->state_ == STRING) {
			at = tg_swar_to_quote(at, end);
			if (at == end || *at == '\\')
				return at;
			at++;
			echo->state_ = PLAIN;
		}
		while (at < end && !stops[*at])
			at++;
		if (at == end || *at != '"')
			return at;
		at++;
		echo->state_ = STRING;
	}
}

void tg_raven_echo_put(struct tg_raven_echo *echo, struct tg_view text)
{
	const uint8_t *at = text.at, *end = at + text.bytes;

	while (at < end) {
		const uint8_t *run = at;
		if (echo->state_ == PLAIN || (echo->state_ == STRING && echo->high_ == 0))
			at = pass_plain(echo, at, end);
		add_run(echo, run, at);
		if (at < end)
			take(echo, *at++);
	}
}

void tg_raven_echo_text(struct tg_raven_echo *echo, struct tg_view text)
{
	add(echo, '"');
	for (size_t i = 0; i < text.bytes; i++) {
		if (text.at[i] == '"')
			add(echo, MARK);
		add(echo, text.at[i]);
	}
	add(echo, '"');
}

uint64_t tg_raven_echo_end(struct tg_raven_echo *echo)
{
	if (echo->state_ == MINUS || echo->state_ == MINUS_ZERO)
		end_minus(echo, ' ');
	add(echo, (uint8_t)(echo->word_bytes_ + 1)); /* nothing ends like its beginning */
	mix(echo);
	mix(echo);
	return echo->sum_;
}

/* --- metadata --- */

bool tg_raven_echo_counts(struct tg_view name)
{
	static const char ours[] = "Tidegate-";
	bool mark = name.bytes >= sizeof(ours) - 1 && memcmp(name.at, ours, sizeof(ours) - 1) == 0;

	return !mark && !tg_view_same(name, tg_view_str("Source-Modified")) &&
	       (name.bytes == 0 || name.at[0] != '@');
}

uint64_t tg_raven_echo_member(struct tg_view name, struct tg_view value)
{
	struct tg_raven_echo echo;

	tg_raven_echo_start(&echo);
	tg_raven_echo_put(&echo, tg_view_str("\""));
	tg_raven_echo_put(&echo, name);
	tg_raven_echo_put(&echo, tg_view_str("\":"));
	tg_raven_echo_put(&echo, value);
	return tg_raven_echo_end(&echo);
}

static uint64_t sum_of_metadata(struct tg_view metadata)
{
	struct tg_members members;
	struct tg_view name, value;
	uint64_t sum = 0;

	if (tg_members_start(&members, metadata))
		while (tg_members_next(&members, &name, &value))
			sum += tg_raven_echo_counts(name) ? tg_raven_echo_member(name, value) : 0;
	return sum;
}

/* --- a document --- */

void tg_raven_echo_write(uint64_t sum, char at[TG_RAVEN_ECHO_BYTES])
{
	for (unsigned i = 0; i < TG_RAVEN_ECHO_BYTES; i++)
		at[i] = "0123456789abcdef"[sum >> (60 - 4 * i) & 15];
}

bool tg_raven_echo_same(struct tg_view body, struct tg_view metadata,
			const struct tg_raven_meta *meta)
{
	struct tg_raven_echo echo;
	struct tg_view members = tg_raven_hash_head(body, metadata), none = tg_view_str("\"\"");
	char text[TG_RAVEN_ECHO_BYTES];

	if (meta->sum.bytes == 0)
		return true;
	tg_raven_echo_start(&echo);
	tg_raven_echo_put(&echo, meta->id);
	tg_raven_echo_put(&echo, meta->collection.bytes > 0 ? meta->collection : none);
	if (members.bytes > 1) {
		tg_raven_echo_put(&echo, tg_view_str(","));
		tg_raven_echo_put(&echo, tg_view_of(members.at + 1, members.bytes - 1));
	}
	tg_raven_echo_write(tg_raven_echo_end(&echo) + sum_of_metadata(metadata), text);
	return meta->sum.bytes == sizeof(text) + 2 &&
	       memcmp(meta->sum.at + 1, text, sizeof(text)) == 0;
}
