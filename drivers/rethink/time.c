/* time.c - moments as decimal text; see time.h. */
#include "drivers/rethink/time.h"

#include "app/moment.h"
#include "drivers/rethink/decimal.h"
#include "platform/assert.h"

_Static_assert(TG_TIME_ISO_BYTES == (int)TG_MOMENT_ISO_BYTES, "both name the same text");

const uint8_t *tg_time_take_seconds(const uint8_t *at, const uint8_t *end, int64_t *out_ms)
{
	enum { DIGITS_MAX = 11, DECIMALS_MAX = 3 };
	const uint8_t *stop;
	uint64_t sum = 0;

	if (end - at < DIGITS_MAX + 1 + DECIMALS_MAX + 1 || (uint8_t)(*at - '1') > 8)
		return NULL;
	for (stop = at + DIGITS_MAX; at < stop && (uint8_t)(*at - '0') <= 9; at++)
		sum = sum * 10 + (uint8_t)(*at - '0');
	sum *= 1000;
	if (*at == '.') {
		uint32_t unit = 1000;
		for (stop = ++at + DECIMALS_MAX; at < stop && (uint8_t)(*at - '0') <= 9; at++)
			sum += (unit /= 10) * (uint8_t)(*at - '0');
		if (unit == 1000)
			return NULL;
	}
	*out_ms = (int64_t)sum;
	return at;
}

int tg_time_from_number(struct tg_view text, int64_t unit_ms, int64_t *out_ms)
{
	struct tg_decimal decimal;
	uint64_t sum = 0;
	int digit = 0;

	TG_ASSERT(unit_ms == 1 || unit_ms == 1000);
	if (unit_ms == 1000 &&
	    tg_time_take_seconds(text.at, text.at + text.bytes, out_ms) == text.at + text.bytes)
		return TG_OK;
	int rc = tg_decimal_parse(text, &decimal);
	if (rc != TG_OK)
		return rc;
	int32_t whole = decimal.point + (unit_ms == 1000 ? 3 : 0); /* digits before the point */
	for (; whole > 0; whole--) {
		digit = tg_decimal_next(&decimal);
		if (digit < 0 && sum == 0)
			break;
		digit = digit < 0 ? 0 : digit;
		if (sum > ((uint64_t)INT64_MAX - (uint64_t)digit) / 10)
			return TG_ERR_LIMIT;
		sum = sum * 10 + (uint64_t)digit;
	}
	if (whole == 0 && tg_decimal_next(&decimal) >= 5)
		sum++;
	if (sum > (uint64_t)INT64_MAX)
		return TG_ERR_LIMIT;
	*out_ms = decimal.negative ? -(int64_t)sum : (int64_t)sum;
	return TG_OK;
}

/* A text read from its front; every take fails for good once one has failed. */
struct reader {
	const uint8_t *at, *end;
	bool failed;
};

static uint32_t take_number(struct reader *reader, uint32_t digits, uint32_t max)
{
	uint32_t sum = 0;

	for (; digits > 0; digits--) {
		if (reader->at == reader->end || (uint8_t)(*reader->at - '0') > 9) {
			reader->failed = true;
			return 0;
		}
		sum = sum * 10 + (uint32_t)(*reader->at++ - '0');
	}
	if (sum > max)
		reader->failed = true;
	return sum;
}

/* Takes one of the bytes in `choices` if it comes next. */
static bool take_any(struct reader *reader, const char *choices)
{
	if (reader->at == reader->end || *reader->at == 0 || strchr(choices, *reader->at) == NULL)
		return false;
	reader->at++;
	return true;
}

static void take_must(struct reader *reader, const char *choices)
{
	if (!take_any(reader, choices))
		reader->failed = true;
}

static int64_t take_day(struct reader *reader)
{
	static const uint8_t month_days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	uint32_t year = take_number(reader, 4, 9999);

	take_must(reader, "-");
	uint32_t month = take_number(reader, 2, 12);
	take_must(reader, "-");
	uint32_t day = take_number(reader, 2, 31);
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	if (reader->failed || month == 0 || day == 0 ||
	    day > month_days[month - 1] + (leap && month == 2 ? 1u : 0u)) {
		reader->failed = true;
		return 0;
	}
	return tg_moment_days(year, month, day);
}

/* Any number of decimals, rounded half up to milliseconds. */
static int64_t take_fraction(struct reader *reader)
{
	uint32_t ms = 0, count = 0;

	for (; reader->at < reader->end && (uint8_t)(*reader->at - '0') <= 9; reader->at++) {
		uint32_t digit = (uint32_t)(*reader->at - '0');
		if (count < 3)
			ms = ms * 10 + digit;
		else if (count == 3 && digit >= 5)
			ms++;
		count++;
	}
	if (count == 0)
		reader->failed = true;
	for (; count < 3; count++)
		ms *= 10;
	return ms;
}

/* hh:mm[:ss[.fraction]]; 24:00 is the day's end, second 60 a leap second. */
static int64_t take_clock(struct reader *reader)
{
	int64_t hour = take_number(reader, 2, 24), second = 0, ms = 0;

	take_must(reader, ":");
	int64_t minute = take_number(reader, 2, 59);
	if (take_any(reader, ":")) {
		second = take_number(reader, 2, 60);
		if (take_any(reader, ".,"))
			ms = take_fraction(reader);
	}
	if (hour == 24 && (minute != 0 || second != 0 || ms != 0))
		reader->failed = true;
	return ((hour * 60 + minute) * 60 + second) * 1000 + ms;
}

/* Z, +hh:mm, +hhmm, +hh or nothing; returns what UTC is behind, in milliseconds. */
static int64_t take_zone(struct reader *reader)
{
	int64_t minute = 0;

	if (reader->at == reader->end || take_any(reader, "Zz"))
		return 0;
	bool minus = *reader->at == '-';
	take_must(reader, "+-");
	int64_t hour = take_number(reader, 2, 24);
	if (reader->at < reader->end) {
		(void)take_any(reader, ":");
		minute = take_number(reader, 2, 59);
	}
	int64_t ms = (hour * 60 + minute) * 60000;
	return minus ? -ms : ms;
}

int tg_time_from_iso(struct tg_view text, int64_t *out_ms, uint32_t *zone_bytes)
{
	struct reader reader = { text.at, text.at + text.bytes, false };
	int64_t day = take_day(&reader), clock = 0, zone = 0;

	*zone_bytes = 0;
	if (!reader.failed && reader.at < reader.end) {
		take_must(&reader, "Tt ");
		clock = take_clock(&reader);
		if (!reader.failed) {
			*zone_bytes = (uint32_t)(reader.end - reader.at);
			zone = take_zone(&reader);
		}
	}
	if (reader.failed || reader.at != reader.end) {
		*zone_bytes = 0;
		return TG_ERR_PROTOCOL;
	}
	*out_ms = day * 86400000 + clock - zone;
	return TG_OK;
}

int tg_time_to_iso(int64_t ms, char at[TG_TIME_ISO_BYTES])
{
	return tg_moment_iso(ms, at);
}

void tg_time_to_seconds(int64_t ms, struct tg_out *out)
{
	tg_moment_seconds(ms, out);
}
