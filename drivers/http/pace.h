/* pace.h - whether a peer moves enough bytes for the time that it lets us wait.
 *
 *      wait ...... byte, wait ..... byte, wait .....        each wait is in time, the whole is not
 *
 * Only waiting counts: an owner who is busy, or reads slowly by his own will, blames nobody. Once
 * PATIENCE times the longest single wait has gone by in all, the bytes that came or went meanwhile
 * must be CONFIG_TG_HTTP_RATE_BYTES_MIN for each second of it; then both are counted anew.
 *
 * Pure. Memory: the struct.
 */
#ifndef TG_DRIVERS_HTTP_PACE_H
#define TG_DRIVERS_HTTP_PACE_H

#include <stdbool.h>
#include <stdint.h>

enum { TG_HTTP_PATIENCE = 3 };

struct tg_http_pace {
	uint64_t since_ms, waited_ms, bytes;
	bool waiting;
};

/* From here on the peer is at work: what it has to think about first is no matter of pace. */
static inline void tg_http_pace_start(struct tg_http_pace *pace)
{
	*pace = (struct tg_http_pace){ .waiting = false };
}

static inline void tg_http_pace_wait(struct tg_http_pace *pace, uint64_t now_ms)
{
	if (!pace->waiting)
		pace->since_ms = now_ms;
	pace->waiting = true;
}

/* Bytes came or went. False: too few for too long. `wait_ms_max` is the longest single wait. */
static inline bool tg_http_pace_moved(struct tg_http_pace *pace, uint64_t bytes, uint64_t now_ms,
				      uint32_t wait_ms_max)
{
	uint64_t wait_ms = pace->waiting ? now_ms - pace->since_ms : 0;

	pace->waiting = false;
	pace->bytes += bytes;
	pace->waited_ms += wait_ms < wait_ms_max ? wait_ms : wait_ms_max;
	if (pace->waited_ms < (uint64_t)wait_ms_max * TG_HTTP_PATIENCE)
		return true;
	bool enough = pace->bytes * 1000 >= pace->waited_ms * CONFIG_TG_HTTP_RATE_BYTES_MIN;
	pace->bytes = pace->waited_ms = 0;
	return enough;
}

#endif
