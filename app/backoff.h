/* backoff.h - how long to wait after a failure: exponential, full jitter, bounded.
 *
 * After failure n the pause is drawn evenly from [0, min(max, base * 2^n)]: many gateways that lost
 * the same target do not come back at the same moment. A pause that the target asked for
 * (Retry-After) is a lower bound.
 *
 * Memory:  the struct. Thread: any.
 */
#ifndef TG_APP_BACKOFF_H
#define TG_APP_BACKOFF_H

#include "platform/view.h"

struct tg_backoff {
	uint32_t failures;
	uint64_t until_ms; /* mono; 0: no pause */
};

/* `random` is any 64 random bits; returns the pause in milliseconds. */
uint64_t tg_backoff_fail(struct tg_backoff *backoff, uint64_t now_ms, uint64_t asked_ms,
			 uint64_t random);
void tg_backoff_clear(struct tg_backoff *backoff);
bool tg_backoff_over(const struct tg_backoff *backoff, uint64_t now_ms);

#endif
