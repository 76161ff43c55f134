/* moment.h - a moment as text: ISO 8601 in UTC, or decimal seconds.
 *
 * Milliseconds since 1970-01-01T00:00:00Z in int64_t, the calendar being the proleptic Gregorian
 * one.
 *
 * Pure: no state, no allocation.
 */
#ifndef TG_APP_MOMENT_H
#define TG_APP_MOMENT_H

#include "platform/err.h"

enum { TG_MOMENT_ISO_BYTES = 24 };

/* "2023-11-14T22:13:20.123Z", always three decimals, no NUL. TG_ERR_LIMIT outside the years
 * 0001-9999. */
TG_CHECKED int tg_moment_iso(int64_t ms, char at[TG_MOMENT_ISO_BYTES]);

/* Appends 1700000000.123, 5, -0.001: no more decimals than it needs. */
void tg_moment_seconds(int64_t ms, struct tg_out *out);

/* Days from 1970-01-01 to this day; the year is 0000-9999, month and day count from 1. */
int64_t tg_moment_days(uint32_t year, uint32_t month, uint32_t day);

#endif
