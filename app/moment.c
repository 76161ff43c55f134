/* moment.c - years are counted from 1 March of year 0, so that a leap day is a year's last day. */
#include "app/moment.h"

/* 0001-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z. */
static const int64_t iso_ms_min = -62135596800000, iso_ms_max = 253402300799999;

enum {
	DAY_MS = 86400000,
	ERA_DAYS = 146097,   /* of 400 years                     */
	EPOCH_DAYS = 719468, /* from 0000-03-01 to 1970-01-01    */
};

static inline void put2(char *at, uint32_t value)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324"
				    "25262728293031323334353637383940414243444546474849"
				    "50515253545556575859606162636465666768697071727374"
				    "75767778798081828384858687888990919293949596979899";

	memcpy(at, pairs + 2 * value, 2);
}

static void put_day(uint32_t days, char at[10])
{
	uint32_t era = days / ERA_DAYS, of_era = days % ERA_DAYS;
	uint32_t of_era_years =
		(of_era - of_era / 1460 + of_era / 36524 - of_era / (ERA_DAYS - 1)) / 365;
	uint32_t of_year = of_era - (365 * of_era_years + of_era_years / 4 - of_era_years / 100);
	uint32_t march_month = (5 * of_year + 2) / 153; /* 0 is March */
	uint32_t month = march_month < 10 ? march_month + 3 : march_month - 9;
	uint32_t year = era * 400 + of_era_years + (month <= 2 ? 1 : 0);

	put2(at, year / 100);
	put2(at + 2, year % 100);
	at[4] = '-';
	put2(at + 5, month);
	at[7] = '-';
	put2(at + 8, of_year - (153 * march_month + 2) / 5 + 1);
}

int tg_moment_iso(int64_t ms, char at[TG_MOMENT_ISO_BYTES])
{
	if (ms < iso_ms_min || ms > iso_ms_max)
		return TG_ERR_LIMIT;
	uint64_t from_march = (uint64_t)(ms + (int64_t)EPOCH_DAYS * DAY_MS);
	uint32_t of_day = (uint32_t)(from_march % DAY_MS);

	put_day((uint32_t)(from_march / DAY_MS), at);
	at[10] = 'T';
	put2(at + 11, of_day / 3600000);
	at[13] = ':';
	put2(at + 14, of_day / 60000 % 60);
	at[16] = ':';
	put2(at + 17, of_day / 1000 % 60);
	at[19] = '.';
	at[20] = (char)('0' + of_day % 1000 / 100);
	put2(at + 21, of_day % 100);
	at[23] = 'Z';
	return TG_OK;
}

void tg_moment_seconds(int64_t ms, struct tg_out *out)
{
	char text[24];
	size_t at = sizeof(text);
	uint64_t left = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
	uint64_t fraction = left % 1000;

	for (int i = 0; i < 3 && fraction != 0; i++) {
		uint64_t digit = left % 10;
		left /= 10;
		if (digit != 0 || at != sizeof(text))
			text[--at] = (char)('0' + digit);
	}
	if (fraction != 0)
		text[--at] = '.';
	else
		left /= 1000;
	do {
		text[--at] = (char)('0' + left % 10);
		left /= 10;
	} while (left != 0);
	if (ms < 0)
		text[--at] = '-';
	tg_out_put(out, text + at, sizeof(text) - at);
}

int64_t tg_moment_days(uint32_t year, uint32_t month, uint32_t day)
{
	uint32_t march_year = month <= 2 ? year + 399 : year + 400; /* an era more: never below 0 */
	uint32_t march_month = month <= 2 ? month + 9 : month - 3;
	uint32_t era = march_year / 400, of_era_years = march_year % 400;
	uint32_t of_year = (153 * march_month + 2) / 5 + day - 1;
	uint32_t of_era = of_era_years * 365 + of_era_years / 4 - of_era_years / 100 + of_year;

	return (int64_t)era * ERA_DAYS + of_era - EPOCH_DAYS - ERA_DAYS;
}
