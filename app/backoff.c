#include "app/backoff.h"

uint64_t tg_backoff_fail(struct tg_backoff *backoff, uint64_t now_ms, uint64_t asked_ms,
			 uint64_t random)
{
	uint32_t doublings = backoff->failures < 16 ? backoff->failures : 16;
	uint64_t span_ms = (uint64_t)CONFIG_TG_BACKOFF_MS_BASE << doublings;

	if (span_ms > CONFIG_TG_BACKOFF_MS_MAX)
		span_ms = CONFIG_TG_BACKOFF_MS_MAX;
	uint64_t pause_ms = random % (span_ms + 1);
	if (pause_ms < asked_ms)
		pause_ms = asked_ms;
	backoff->failures++;
	backoff->until_ms = now_ms + pause_ms;
	return pause_ms;
}

void tg_backoff_clear(struct tg_backoff *backoff)
{
	backoff->failures = 0;
	backoff->until_ms = 0;
}

bool tg_backoff_over(const struct tg_backoff *backoff, uint64_t now_ms)
{
	return now_ms >= backoff->until_ms;
}
