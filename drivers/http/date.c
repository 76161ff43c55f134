#include "drivers/http/date.h"

#include <string.h>

struct moment {
	unsigned day, month, year, hour, minute, second;
};

static bool take_month(const char **at, unsigned *month)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (unsigned i = 0; i < 12; i++) {
		if (strncmp(names + (size_t)3 * i, *at, 3) == 0) {
			*month = i + 1;
			*at += 3;
			return true;
		}
	}
	return false;
}

static bool take_byte(const char **at, const char *any_of)
{
	if (**at == '\0' || strchr(any_of, **at) == NULL)
		return false;
	(*at)++;
	return true;
}

/* Up to `digits` digits and the blanks before them. */
static bool take_number(const char **at, unsigned digits, unsigned *out)
{
	unsigned count = 0;

	*at += strspn(*at, " ");
	for (*out = 0; count < digits && **at >= '0' && **at <= '9'; count++, (*at)++)
		*out = *out * 10 + (unsigned)(**at - '0');
	return count > 0;
}

static bool take_clock(const char **at, struct moment *out)
{
	return take_number(at, 2, &out->hour) && take_byte(at, ":") &&
	       take_number(at, 2, &out->minute) && take_byte(at, ":") &&
	       take_number(at, 2, &out->second);
}

/* The three forms of RFC 9110, 5.6.7; all of the text must fit. The old two-digit years are those
 * from 1970 to 2069. */
static bool read_forms(const char *text, struct moment *out)
{
	const char *at = strchr(text, ',');

	if (at != NULL) {
		at++;
		if (!take_number(&at, 2, &out->day) || !take_byte(&at, " -") ||
		    !take_month(&at, &out->month) || !take_byte(&at, " -") ||
		    !take_number(&at, 4, &out->year) || !take_clock(&at, out))
			return false;
		if (out->year < 100)
			out->year += out->year < 70 ? 2000 : 1900;
		return strcmp(at, " GMT") == 0;
	}
	if (strlen(text) < 4 || text[3] != ' ')
		return false;
	at = text + 4;
	return take_month(&at, &out->month) && take_number(&at, 2, &out->day) &&
	       take_clock(&at, out) && take_number(&at, 4, &out->year) && *at == '\0';
}

/* Days from 1970-01-01 to a date of the Gregorian calendar, by counting eras of 400 years that
 * begin in March. */
static int64_t days_of(unsigned year, unsigned month, unsigned day)
{
	int64_t y = (int64_t)year - (month <= 2);
	int64_t era = y / 400, of_era = y % 400;
	int64_t of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

bool tg_http_date(const char *text, int64_t *seconds)
{
	struct moment m = { 0 };

	if (!read_forms(text, &m) || m.year < 1970 || m.day < 1 || m.day > 31 || m.hour > 23 ||
	    m.minute > 59 || m.second > 60)
		return false;
	*seconds = days_of(m.year, m.month, m.day) * 86400 + (int64_t)m.hour * 3600 +
		   (int64_t)m.minute * 60 + m.second;
	return true;
}
