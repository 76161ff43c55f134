/* decimal.c - see decimal.h; RFC 8259 section 6 and reference/rethinkdb.md 4.2. */
#include "drivers/rethink/decimal.h"

/* Where the parts of a number's text lie. */
struct parts {
	const uint8_t *whole, *point, *digits_end,
		*end; /* `point` is digits_end when there is none */
	int32_t exponent;
};

static const uint8_t *skip_digits(const uint8_t *at, const uint8_t *end)
{
	while (at < end && (uint8_t)(*at - '0') <= 9)
		at++;
	return at;
}

/* `at` is behind the `e`. Clamped where it would not fit; NULL when there is no digit. */
static const uint8_t *take_exponent(const uint8_t *at, const uint8_t *end, int32_t *out)
{
	bool minus = at < end && *at == '-';
	int32_t sum = 0;

	if (at < end && (*at == '-' || *at == '+'))
		at++;
	const uint8_t *from = at;
	for (; at < end && (uint8_t)(*at - '0') <= 9; at++)
		sum = sum > 1000000 ? sum : sum * 10 + (*at - '0');
	*out = minus ? -sum : sum;
	return at == from ? NULL : at;
}

static int take_parts(const uint8_t *at, const uint8_t *end, struct parts *parts)
{
	parts->whole = at;
	parts->exponent = 0;
	at = skip_digits(at, end);
	parts->point = parts->digits_end = at;
	if (at == parts->whole || (*parts->whole == '0' && at - parts->whole > 1))
		return TG_ERR_PROTOCOL;
	if (at < end && *at == '.') {
		parts->digits_end = skip_digits(at + 1, end);
		if (parts->digits_end == at + 1)
			return TG_ERR_PROTOCOL;
		at = parts->digits_end;
	}
	if (at < end && (*at | 0x20) == 'e')
		at = take_exponent(at + 1, end, &parts->exponent);
	return at == end ? TG_OK : TG_ERR_PROTOCOL;
}

int tg_decimal_parse(struct tg_view text, struct tg_decimal *out)
{
	struct parts parts;
	const uint8_t *end = text.at + text.bytes;

	out->negative = text.bytes != 0 && text.at[0] == '-';
	if (text.bytes == 0 || take_parts(text.at + (out->negative ? 1 : 0), end, &parts) != TG_OK)
		return TG_ERR_PROTOCOL;
	out->plain = parts.point == end;
	out->first = parts.whole;
	out->last = parts.digits_end;
	out->point = 0;
	while (out->first < out->last && (*out->first == '0' || *out->first == '.'))
		out->first++;
	while (out->last > out->first && (out->last[-1] == '0' || out->last[-1] == '.'))
		out->last--;
	if (out->first == out->last)
		return TG_OK;
	ptrdiff_t place = parts.point -
			  out->first; /* 5.0: 1   0.05: -2, the point itself counted */
	ptrdiff_t point = (place > 0 ? place : place + 1) + parts.exponent;
	if (point > TG_DECIMAL_POINT_MAX || point < -TG_DECIMAL_POINT_MAX)
		return TG_ERR_LIMIT;
	out->point = (int32_t)point;
	return TG_OK;
}

static void put_digits(struct tg_view digits, size_t from, size_t to, struct tg_out *out)
{
	for (size_t i = from; i < to; i++)
		tg_out_byte(out, (char)('0' + (i < digits.bytes ? digits.at[i] : 0)));
}

/* A whole number of 16 digits: beyond 2^53? */
static bool beyond_exact(struct tg_view digits)
{
	static const uint8_t exact[16] = { 9, 0, 0, 7, 1, 9, 9, 2, 5, 4, 7, 4, 0, 9, 9, 2 };
	int order = memcmp(digits.at, exact, digits.bytes < 16 ? digits.bytes : 16);

	return order > 0;
}

static void put_exponent(int32_t exponent, struct tg_out *out)
{
	char text[12];
	size_t at = sizeof(text);
	uint32_t left = exponent < 0 ? 0 - (uint32_t)exponent : (uint32_t)exponent;

	do {
		text[--at] = (char)('0' + left % 10);
		left /= 10;
	} while (left != 0);
	if (exponent < 0)
		text[--at] = '-';
	text[--at] = 'e';
	tg_out_put(out, text + at, sizeof(text) - at);
}

void tg_decimal_spell(bool negative, struct tg_view digits, int32_t point, struct tg_out *out)
{
	if (negative)
		tg_out_byte(out, '-');
	if (digits.bytes == 0) {
		tg_out_byte(out, '0');
	} else if (point > 21 || point <= -6) { /* 1e21 and more, below 0.000001 */
		put_digits(digits, 0, 1, out);
		if (digits.bytes > 1)
			tg_out_byte(out, '.');
		put_digits(digits, 1, digits.bytes, out);
		put_exponent(point - 1, out);
	} else if (point <= 0) {
		tg_out_put(out, "0.00000", (size_t)(2 - point));
		put_digits(digits, 0, digits.bytes, out);
	} else if (digits.bytes > (size_t)point) {
		put_digits(digits, 0, (size_t)point, out);
		tg_out_byte(out, '.');
		put_digits(digits, (size_t)point, digits.bytes, out);
	} else {
		put_digits(digits, 0, (size_t)point, out);
		if (point > 16 || (point == 16 && beyond_exact(digits)))
			tg_out_put(out, ".0", 2);
	}
}
