/* scan_text.c - inside a token, where a feed may end at any byte; RFC 8259, sections 6 and 7. */
#include "app/utf8.h"
#include "app/swar.h"
#include "drivers/json/scan_run.h"

/* The words, each a run of 8 bytes; part_ counts through them. */
static const char words[] = "true\0\0\0\0false\0\0\0null";

/* How a number goes on: for each place in it, the next place by kind of character; 15 ends it. */
enum { ON_ZERO, ON_DIGIT, ON_DOT, ON_E, ON_SIGN, ON_OTHER, ENDS = 15, WRONG = 14 };
static const uint8_t number_next[][6] = {
	[TG_NUMBER_MINUS] = { TG_NUMBER_ZERO, TG_NUMBER_INT, WRONG, WRONG, WRONG, WRONG },
	[TG_NUMBER_ZERO] = { WRONG, WRONG, TG_NUMBER_DOT, TG_NUMBER_E, WRONG, ENDS },
	[TG_NUMBER_INT] = { TG_NUMBER_INT, TG_NUMBER_INT, TG_NUMBER_DOT, TG_NUMBER_E, WRONG, ENDS },
	[TG_NUMBER_DOT] = { TG_NUMBER_FRACTION, TG_NUMBER_FRACTION, WRONG, WRONG, WRONG, WRONG },
	[TG_NUMBER_FRACTION] = { TG_NUMBER_FRACTION, TG_NUMBER_FRACTION, WRONG, TG_NUMBER_E, WRONG,
				 ENDS },
	[TG_NUMBER_E] = { TG_NUMBER_EXPONENT, TG_NUMBER_EXPONENT, WRONG, WRONG, TG_NUMBER_SIGN,
			  WRONG },
	[TG_NUMBER_SIGN] = { TG_NUMBER_EXPONENT, TG_NUMBER_EXPONENT, WRONG, WRONG, WRONG, WRONG },
	[TG_NUMBER_EXPONENT] = { TG_NUMBER_EXPONENT, TG_NUMBER_EXPONENT, WRONG, WRONG, WRONG,
				 ENDS },
};

static unsigned number_kind(uint8_t byte)
{
	if (byte >= '0' && byte <= '9')
		return byte == '0' ? ON_ZERO : ON_DIGIT;
	if (byte == '.')
		return ON_DOT;
	if (byte == 'e' || byte == 'E')
		return ON_E;
	return byte == '+' || byte == '-' ? ON_SIGN : ON_OTHER;
}

/* A number has no end of its own: the byte behind it, not consumed, ends it. */
static const uint8_t *in_number(const struct tg_scan_run *run, const uint8_t *at)
{
	for (; at < run->end; at++) {
		uint8_t next = number_next[run->scan->part_][number_kind(*at)];
		if (next == WRONG)
			return tg_scan_bad(run, at);
		if (next == ENDS) {
			tg_scan_value_ends(run, at);
			return at;
		}
		run->scan->part_ = next;
	}
	return at;
}

static const uint8_t *in_literal(const struct tg_scan_run *run, const uint8_t *at)
{
	for (; at < run->end && words[run->scan->part_] != 0; at++) {
		if (*at != (uint8_t)words[run->scan->part_])
			return tg_scan_bad(run, at);
		run->scan->part_++;
	}
	if (words[run->scan->part_] == 0)
		tg_scan_value_ends(run, at);
	return at;
}

const uint8_t *tg_scan_scalar(const struct tg_scan_run *run, const uint8_t *at)
{
	unsigned kind = number_kind(*at);
	struct tg_scan *scan = run->scan;

	if (*at == '-' || kind <= ON_DIGIT) {
		scan->state_ = TG_SCAN_NUMBER;
		scan->part_ = *at == '-'        ? TG_NUMBER_MINUS
			      : kind == ON_ZERO ? TG_NUMBER_ZERO
						: TG_NUMBER_INT;
		return at + 1;
	}
	if (*at != 't' && *at != 'f' && *at != 'n')
		return tg_scan_bad(run, at);
	scan->state_ = TG_SCAN_LITERAL;
	scan->part_ = *at == 't' ? 1 : *at == 'f' ? 9 : 17;
	return at + 1;
}

/* `at` is right behind the closing quote. */
static const uint8_t *string_ends(const struct tg_scan_run *run, const uint8_t *at)
{
	struct tg_scan *scan = run->scan;

	if (!scan->name_) {
		tg_scan_value_ends(run, at);
		return at;
	}
	size_t bytes = (size_t)(tg_scan_offset(run, at) - 1 - scan->mark_);
	scan->state_ = TG_SCAN_COLON;
	/* A longer name may have been let go already, and it cannot be one that matters. */
	if (bytes > scan->name_bytes_max_)
		return at;
	struct tg_view name = tg_view_of(at - 1 - bytes, bytes);
	if (tg_scan_name_matters(scan, name))
		tg_scan_name_seen(scan, name);
	return at;
}

/* A byte >= 0x80. The whole sequence when it is there; else, or when it is wrong, byte by byte. */
static const uint8_t *sequence(const struct tg_scan_run *run, const uint8_t *at)
{
	bool surrogate = false;
	unsigned bytes = tg_utf8_bytes(at, run->end, &surrogate);

	if (surrogate)
		run->scan->flags |= TG_SCAN_SURROGATE;
	if (bytes != 0)
		return at + bytes;
	run->scan->part_ = tg_utf8_lead(*at);
	if (run->scan->part_ == 0)
		run->scan->flags |= TG_SCAN_SURROGATE | TG_SCAN_NOT_UTF8;
	else
		run->scan->state_ = TG_SCAN_UTF8;
	return at + 1;
}

static const uint8_t *in_string(const struct tg_scan_run *run, const uint8_t *at)
{
	while (run->scan->state_ == TG_SCAN_STRING) {
		at = tg_swar_plain(at, run->end);
		if (at == run->end)
			return at;
		if (*at == '"')
			return string_ends(run, at + 1);
		if (*at < 0x20)
			return tg_scan_bad(run, at);
		if (*at == '\\') {
			run->scan->state_ = TG_SCAN_ESCAPE;
			return at + 1;
		}
		at = sequence(run, at);
	}
	return at;
}

static const uint8_t *in_sequence(const struct tg_scan_run *run, const uint8_t *at)
{
	struct tg_scan *scan = run->scan;

	if (!tg_utf8_fits(scan->part_, *at)) {
		scan->flags |= TG_SCAN_SURROGATE | TG_SCAN_NOT_UTF8;
		scan->state_ = TG_SCAN_STRING;
		return at;
	}
	if (tg_utf8_surrogate(scan->part_, *at))
		scan->flags |= TG_SCAN_SURROGATE;
	scan->part_ = tg_utf8_after(scan->part_);
	if (TG_UTF8_LEFT(scan->part_) == 0)
		scan->state_ = TG_SCAN_STRING;
	return at + 1;
}

static const uint8_t *in_escape(const struct tg_scan_run *run, const uint8_t *at)
{
	if (*at == 'u') {
		run->scan->state_ = TG_SCAN_HEX;
		run->scan->part_ = 4;
		return at + 1;
	}
	if (*at == 0 || strchr("\"\\/bfnrt", *at) == NULL)
		return tg_scan_bad(run, at);
	run->scan->state_ = TG_SCAN_STRING;
	return at + 1;
}

static const uint8_t *in_hex(const struct tg_scan_run *run, const uint8_t *at)
{
	uint8_t letter = *at | 0x20;

	if (!(*at >= '0' && *at <= '9') && !(letter >= 'a' && letter <= 'f'))
		return tg_scan_bad(run, at);
	run->scan->part_--;
	if (run->scan->part_ == 0)
		run->scan->state_ = TG_SCAN_STRING;
	return at + 1;
}

/* Levels beyond the limit are counted, brackets of both kinds alike, until they are closed. */
static const uint8_t *in_deep(const struct tg_scan_run *run, const uint8_t *at)
{
	struct tg_scan *scan = run->scan;

	for (; at < run->end; at++) {
		if (*at == '{' || *at == '[') {
			scan->depth_++;
		} else if (*at == '}' || *at == ']') {
			if (--scan->depth_ == CONFIG_TG_JSON_DEPTH_MAX) {
				tg_scan_value_ends(run, at + 1);
				return at + 1;
			}
		} else if (*at == '"') {
			scan->state_ = TG_SCAN_DEEP_STRING;
			return at + 1;
		}
	}
	return at;
}

static const uint8_t *in_deep_string(const struct tg_scan_run *run, const uint8_t *at)
{
	if (run->scan->state_ == TG_SCAN_DEEP_ESCAPE) {
		run->scan->state_ = TG_SCAN_DEEP_STRING;
		return at + 1;
	}
	at = tg_swar_to_quote(at, run->end);
	if (at == run->end)
		return at;
	run->scan->state_ = *at == '"' ? TG_SCAN_DEEP_WALK : TG_SCAN_DEEP_ESCAPE;
	return at + 1;
}

const uint8_t *tg_scan_text(const struct tg_scan_run *run, const uint8_t *at)
{
	switch (run->scan->state_) {
	case TG_SCAN_STRING:
		return in_string(run, at);
	case TG_SCAN_UTF8:
		return in_sequence(run, at);
	case TG_SCAN_ESCAPE:
		return in_escape(run, at);
	case TG_SCAN_HEX:
		return in_hex(run, at);
	case TG_SCAN_NUMBER:
		return in_number(run, at);
	case TG_SCAN_LITERAL:
		return in_literal(run, at);
	case TG_SCAN_DEEP_WALK:
		return in_deep(run, at);
	default:
		return in_deep_string(run, at);
	}
}
