#include "app/sink.h"

int tg_sink_settled(void *state, const struct tg_now *now, struct tg_outcome *outcome,
		    struct tg_why *why)
{
	(void)state;
	(void)now;
	(void)why;
	memset(outcome, 0, sizeof(*outcome));
	return TG_OK;
}

int tg_sink_restored(void *state, uint32_t scope, struct tg_view receipt, struct tg_why *why)
{
	(void)state;
	(void)scope;
	(void)receipt;
	(void)why;
	return TG_OK;
}
