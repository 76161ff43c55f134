/* text.c - JSON's strings and integers, to and from plain bytes; RFC 8259, sections 6 and 7. */
#include "drivers/json/scan.h"

#include "app/swar.h"
#include "app/utf8.h"

int tg_json_integer(struct tg_view value, int64_t *out)
{
	bool minus = value.bytes > 0 && value.at[0] == '-';
	uint64_t limit = (uint64_t)INT64_MAX + (minus ? 1 : 0);
	uint64_t sum = 0;
	size_t first = minus ? 1 : 0;

	if (value.bytes == first || (value.at[first] == '0' && value.bytes > first + 1))
		return TG_ERR_PROTOCOL;
	for (size_t i = first; i < value.bytes; i++) {
		uint64_t digit = (uint64_t)value.at[i] - '0';
		if (value.at[i] < '0' || digit > 9 || sum > (limit - digit) / 10)
			return TG_ERR_PROTOCOL;
		sum = sum * 10 + digit;
	}
	*out = minus ? (int64_t)(0 - sum) : (int64_t)sum;
	return TG_OK;
}

/* Four hex digits, or -1. */
static int32_t hex4(const uint8_t *at, const uint8_t *end)
{
	int32_t unit = 0;

	if (end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		uint8_t letter = at[i] | 0x20;
		if (at[i] >= '0' && at[i] <= '9')
			unit = unit << 4 | (at[i] - '0');
		else if (letter >= 'a' && letter <= 'f')
			unit = unit << 4 | (letter - 'a' + 10);
		else
			return -1;
	}
	return unit;
}

/* The UTF-8 of `code`, an unpaired surrogate included; returns its length. */
static unsigned utf8_put(uint32_t code, uint8_t at[4])
{
	if (code < 0x80) {
		at[0] = (uint8_t)code;
		return 1;
	}
	if (code < 0x800) {
		at[0] = (uint8_t)(0xc0 | code >> 6);
		at[1] = (uint8_t)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		at[0] = (uint8_t)(0xe0 | code >> 12);
		at[1] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
		at[2] = (uint8_t)(0x80 | (code & 0x3f));
		return 3;
	}
	at[0] = (uint8_t)(0xf0 | code >> 18);
	at[1] = (uint8_t)(0x80 | (code >> 12 & 0x3f));
	at[2] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
	at[3] = (uint8_t)(0x80 | (code & 0x3f));
	return 4;
}

/* Reads \uXXXX, and a second one when the two are a pair. `at` is behind the `u`; NULL: wrong. */
static const uint8_t *unicode_escape(const uint8_t *at, const uint8_t *end, struct tg_out *out)
{
	uint8_t utf8[4];
	int32_t high = hex4(at, end);

	if (high < 0)
		return NULL;
	uint32_t code = (uint32_t)high;
	at += 4;
	if (code >= 0xd800 && code < 0xdc00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
		int32_t low = hex4(at + 2, end);
		if (low >= 0xdc00 && low < 0xe000) {
			code = 0x10000 + ((code - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
			at += 6;
		}
	}
	tg_out_put(out, utf8, utf8_put(code, utf8));
	return at;
}

/* `at` is behind the backslash. */
static const uint8_t *escape(const uint8_t *at, const uint8_t *end, struct tg_out *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";

	if (at == end)
		return NULL;
	if (*at == 'u')
		return unicode_escape(at + 1, end, out);
	const char *found = *at == 0 ? NULL : strchr(from, *at);
	if (found == NULL)
		return NULL;
	tg_out_byte(out, to[found - from]);
	return at + 1;
}

int tg_json_unescape(struct tg_view value, uint8_t *at, size_t cap)
{
	struct tg_out out = { .at = at, .cap = cap };

	if (value.bytes < 2 || value.at[0] != '"' || value.at[value.bytes - 1] != '"')
		return TG_ERR_PROTOCOL;
	const uint8_t *from = value.at + 1, *end = value.at + value.bytes - 1;
	while (from < end) {
		const uint8_t *to = tg_swar_to_quote(from, end);
		tg_out_view(&out, tg_view_of(from, (size_t)(to - from)));
		from = to;
		if (from < end)
			from = *from == '"' ? NULL : escape(from + 1, end, &out);
		if (from == NULL)
			return TG_ERR_PROTOCOL;
	}
	return tg_out_overran(&out) || out.total > INT32_MAX ? TG_ERR_LIMIT : (int)out.total;
}

/* An ASCII byte that cannot stand for itself, spelled as RethinkDB does (reference 4.3). */
static void quote_ascii(uint8_t byte, struct tg_out *out)
{
	static const char hex[] = "0123456789ABCDEF";
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	char text[6] = { '\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15] };
	const char *found = byte == 0 ? NULL : strchr(from, byte);

	if (found == NULL) {
		tg_out_put(out, text, sizeof(text));
		return;
	}
	text[1] = to[found - from];
	tg_out_put(out, text, 2);
}

/* A sequence >= 0x80, made valid where it is not; returns its length. */
static unsigned quote_sequence(const uint8_t *at, const uint8_t *end, struct tg_out *out)
{
	char escape[TG_UTF8_ESCAPE_BYTES];
	bool escaped;
	unsigned bytes = tg_utf8_take(at, end, &escaped, escape);

	if (escaped)
		tg_out_put(out, escape, sizeof(escape));
	else
		tg_out_put(out, at, bytes);
	return bytes;
}

static void put_quoted(struct tg_view bytes, struct tg_out *out, bool raw)
{
	const uint8_t *from = bytes.at, *end = bytes.at + bytes.bytes;

	tg_out_byte(out, '"');
	while (from < end) {
		const uint8_t *to = tg_swar_plain(from, end);
		tg_out_view(out, tg_view_of(from, (size_t)(to - from)));
		from = to;
		if (from == end)
			break;
		if (*from >= 0x80 && !raw) {
			from += quote_sequence(from, end, out);
			continue;
		}
		if (*from >= 0x80)
			tg_out_byte(out, (char)*from);
		else
			quote_ascii(*from, out);
		from++;
	}
	tg_out_byte(out, '"');
}

void tg_json_quote(struct tg_view bytes, struct tg_out *out)
{
	put_quoted(bytes, out, false);
}

void tg_json_quote_raw(struct tg_view bytes, struct tg_out *out)
{
	put_quoted(bytes, out, true);
}
