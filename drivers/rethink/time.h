/* time.h - moments as decimal text: RethinkDB's TIME, ISO 8601, epoch numbers. Never a double.
 *
 * Pure: no state, no allocation. Milliseconds since 1970-01-01T00:00:00Z in int64_t.
 */
#ifndef TG_DRIVERS_RETHINK_TIME_H
#define TG_DRIVERS_RETHINK_TIME_H

#include "platform/err.h"

/* JSON number text (1700000000.123, -1, 1e9, 1.5e3, -0.0) -> milliseconds, rounded half away from
 * zero. TG_ERR_LIMIT outside int64_t (1e300), TG_ERR_PROTOCOL when not a number. `unit_ms` is the
 * worth of 1: 1000 for seconds, 1 for milliseconds. */
TG_CHECKED int tg_time_from_number(struct tg_view text, int64_t unit_ms, int64_t *out_ms);

/* Seconds as a server writes nearly every moment: 1 to 11 digits, the first not 0, and three
 * decimals at most. Returns the byte behind them, which is there, or NULL: look closer. */
const uint8_t *tg_time_take_seconds(const uint8_t *at, const uint8_t *end, int64_t *out_ms);

/* ISO 8601 / RFC 3339 text as devices write it: YYYY-MM-DD, [T ]hh:mm[:ss[.fraction]], Z, +hh:mm,
 * +hhmm, +hh or no zone (taken as UTC). Any number of decimals, rounded half up; 24:00 and second
 * 60 are taken. `zone_bytes` gets the length of the zone's text, so that a bound can be written in
 * the same form. TG_ERR_PROTOCOL for everything else. */
TG_CHECKED int tg_time_from_iso(struct tg_view text, int64_t *out_ms, uint32_t *zone_bytes);

/* "2023-11-14T22:13:20.123Z" (always three decimals) for years 0001-9999, else TG_ERR_LIMIT.
 * `at` takes TG_TIME_ISO_BYTES. */
enum { TG_TIME_ISO_BYTES = 24 };
TG_CHECKED int tg_time_to_iso(int64_t ms, char at[TG_TIME_ISO_BYTES]);

/* Milliseconds as the decimal seconds of a TIME: 1700000000.123, 5, -0.001. Appends to out. */
void tg_time_to_seconds(int64_t ms, struct tg_out *out);

#endif
