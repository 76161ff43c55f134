#include "tests/check.h"

#include "platform/err.h"
#include "platform/loop.h"

#include <signal.h>
#include <unistd.h>

static uint64_t waited_ms(const struct tg_wants *wants, int want)
{
	struct tg_now before = tg_clock_now();

	TG_CHECK_INT(tg_loop_wait(wants, &before), want);
	return tg_clock_now().mono_ms - before.mono_ms;
}

TG_TEST(wants_keep_the_earliest_moment)
{
	struct tg_wants wants;

	tg_wants_clear(&wants);
	TG_CHECK(wants.wake_mono_ms == UINT64_MAX);
	tg_wants_at(&wants, 70);
	tg_wants_at(&wants, 50);
	tg_wants_at(&wants, 60);
	TG_CHECK_INT(wants.wake_mono_ms, 50);
	tg_wants_fd(&wants, 0, 0);
	TG_CHECK_INT(wants.count, 0);
}

TG_TEST(loop_waits_for_the_moment_and_not_longer)
{
	struct tg_wants wants;

	tg_wants_clear(&wants);
	tg_wants_at(&wants, tg_clock_now().mono_ms + 30);
	TG_CHECK(waited_ms(&wants, 0) >= 29);
	tg_wants_at(&wants, 0);
	TG_CHECK(waited_ms(&wants, 0) < 5000);
}

TG_TEST(loop_wakes_when_a_descriptor_is_ready)
{
	struct tg_wants wants;
	int ends[2];

	TG_CHECK(pipe(ends) == 0);
	tg_wants_clear(&wants);
	tg_wants_at(&wants, tg_clock_now().mono_ms + 20000);
	tg_wants_fd(&wants, ends[0], TG_WANT_READ);
	TG_CHECK(write(ends[1], "x", 1) == 1);
	TG_CHECK(waited_ms(&wants, 0) < 10000);
	tg_wants_clear(&wants);
	tg_wants_at(&wants, tg_clock_now().mono_ms + 20000);
	tg_wants_fd(&wants, ends[1], TG_WANT_WRITE);
	TG_CHECK(waited_ms(&wants, 0) < 10000);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

/* Last: the process stays stopped. The signal comes before the wait, where a plain poll() would
 * sleep over it. */
TG_TEST(loop_ends_at_a_signal)
{
	struct tg_wants wants;

	tg_wants_clear(&wants);
	tg_loop_signals();
	TG_CHECK(!tg_loop_stopped());
	TG_CHECK(raise(SIGPIPE) == 0);
	TG_CHECK(!tg_loop_stopped());
	TG_CHECK(raise(SIGTERM) == 0);
	TG_CHECK(waited_ms(&wants, TG_ERR_STOPPED) < 10000);
	TG_CHECK(tg_loop_stopped());
}
