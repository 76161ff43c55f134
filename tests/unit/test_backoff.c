/* Pauses lie between zero and a bound that doubles; what the target asks for is never undercut. */
#include "tests/check.h"

#include "app/backoff.h"

TG_TEST(backoff_doubles_up_to_its_bound)
{
	struct tg_backoff backoff = { 0 };
	uint64_t most = CONFIG_TG_BACKOFF_MS_BASE;

	for (unsigned i = 0; i < 80; i++) {
		struct tg_backoff low = backoff;

		TG_CHECK_INT(tg_backoff_fail(&low, 1000, 0, 0), 0);
		TG_CHECK(tg_backoff_over(&low, 1000));
		TG_CHECK_INT(tg_backoff_fail(&backoff, 1000, 0, most), most);
		TG_CHECK(!tg_backoff_over(&backoff, 1000 + most - 1));
		TG_CHECK(tg_backoff_over(&backoff, 1000 + most));
		most = 2 * most > CONFIG_TG_BACKOFF_MS_MAX ? CONFIG_TG_BACKOFF_MS_MAX : 2 * most;
	}
	TG_CHECK_INT(most, CONFIG_TG_BACKOFF_MS_MAX);
	for (uint64_t random = 1; random != 0; random <<= 1)
		TG_CHECK(tg_backoff_fail(&backoff, 0, 0, random * 3) <= CONFIG_TG_BACKOFF_MS_MAX);
	tg_backoff_clear(&backoff);
	TG_CHECK(tg_backoff_over(&backoff, 0));
	TG_CHECK(tg_backoff_fail(&backoff, 0, 0, UINT64_MAX) <= CONFIG_TG_BACKOFF_MS_BASE);
}

TG_TEST(backoff_waits_as_long_as_it_was_asked_to)
{
	struct tg_backoff backoff = { 0 };

	TG_CHECK_INT(tg_backoff_fail(&backoff, 5, 86400000, 0), 86400000);
	TG_CHECK(!tg_backoff_over(&backoff, 86400004));
	TG_CHECK(tg_backoff_over(&backoff, 86400005));
}
