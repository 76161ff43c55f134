/* decimal.h - a JSON number taken apart as text: sign, significant digits, place of the point.
 *
 *      -1234.500e2     value = -0.12345 * 10^6
 *       ^first ^last   (a point may lie between two digits)
 *
 * Never a double. Pure: no state, no allocation; the parts borrow the text.
 */
#ifndef TG_DRIVERS_RETHINK_DECIMAL_H
#define TG_DRIVERS_RETHINK_DECIMAL_H

#include "platform/err.h"

enum { TG_DECIMAL_POINT_MAX = 9999 };

struct tg_decimal {
	const uint8_t *first; /* first digit that is not 0 ...                      */
	const uint8_t *last;  /* ... and behind the last one; equal when it is zero */
	int32_t point;        /* value = 0.DIGITS * 10^point; 0 for zero            */
	bool negative;        /* also for -0.0                                      */
	bool plain;           /* written as a whole number, no fraction, no exponent */
};

/* TG_ERR_PROTOCOL when `text` is no JSON number, TG_ERR_LIMIT when the point lies farther away than
 * TG_DECIMAL_POINT_MAX (a double's never lies farther than 324). */
TG_CHECKED int tg_decimal_parse(struct tg_view text, struct tg_decimal *out);

/* The digits of a decimal one after another, without the point; -1 behind the last. */
static inline int tg_decimal_next(struct tg_decimal *decimal)
{
	if (decimal->first < decimal->last && *decimal->first == '.')
		decimal->first++;
	return decimal->first < decimal->last ? *decimal->first++ - '0' : -1;
}

/* Appends the number as RethinkDB spells it (reference 4.2); `count` digits (0..9) at `digits`,
 * neither the first nor the last of them 0. */
void tg_decimal_spell(bool negative, struct tg_view digits, int32_t point, struct tg_out *out);

#endif
