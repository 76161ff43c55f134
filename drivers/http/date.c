#include "drivers/http/date.h"

#include <stdio.h>

struct moment {
	unsigned day, month, year, hour, minute, second;
};

static bool month_of(const char name[4], unsigned *month)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (unsigned i = 0; i < 12; i++) {
		if (memcmp(names + (size_t)3 * i, name, 3) == 0) {
			*month = i + 1;
			return true;
		}
	}
	return false;
}

/* All of the text must fit the form: `end` is where it stopped. */
static bool read_forms(const char *text, struct moment *out)
{
	const char *comma = strchr(text, ',');
	char month[4] = "";
	int end = 0;

	if (comma != NULL) {
		int got = sscanf(comma, ", %2u%*1[ -]%3[A-Za-z]%*1[ -]%4u %2u:%2u:%2u GMT%n",
				 &out->day, month, &out->year, &out->hour, &out->minute,
				 &out->second, &end);

		if (got != 6 || end == 0 || comma[end] != '\0')
			return false;
		if (out->year < 100)
			out->year += out->year < 70 ? 2000 : 1900;
		return month_of(month, &out->month);
	}
	if (sscanf(text, "%*3[A-Za-z] %3[A-Za-z] %2u %2u:%2u:%2u %4u%n", month, &out->day,
		   &out->hour, &out->minute, &out->second, &out->year, &end) != 6)
		return false;
	return end != 0 && text[end] == '\0' && month_of(month, &out->month);
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
