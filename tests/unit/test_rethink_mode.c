/* Which pass follows on which, and how far a pass moves the bookmark. */
#include "drivers/rethink/mode.h"
#include "tests/check.h"

enum { HOUR_MS = 3600 * 1000 };

static struct tg_rethink_config config = { .overlap_ms = 60000, .full_pass_ms = 24 * HOUR_MS };
static struct tg_rethink_rule rule;
static struct tg_stamp stamp;
static struct tg_bookmark mark;
static struct tg_mode_inputs inputs = { .config = &config, .rule = &rule, .stamp = &stamp };

static void begin(enum tg_rethink_mode mode, enum tg_stamp_kind kind)
{
	tg_bookmark_clear(&mark);
	rule.mode = (int)mode;
	stamp.kind = kind;
	TG_CHECK(tg_member_set_text(&stamp.field, "updated_at"));
	inputs.indexed = inputs.full_pass_wanted = false;
	inputs.wall_ms = 1000000;
}

/* Plans the next pass, which must be new, and gives it the server's clock. */
static enum tg_pass next(int64_t server_ms)
{
	TG_CHECK(!tg_mode_plan(&inputs, &mark));
	if (tg_mode_needs_clock(&inputs))
		tg_mode_begin(&config, server_ms, &mark);
	return mark.pass;
}

TG_TEST(rethink_mode_snapshot_reads_everything_each_time)
{
	begin(TG_MODE_SNAPSHOT, TG_STAMP_TIME);
	TG_CHECK_INT(next(0), TG_PASS_FULL);
	TG_CHECK(!tg_mode_needs_clock(&inputs));
	tg_mode_end(&mark, inputs.wall_ms);
	TG_CHECK_INT(mark.time_ms, TG_TIME_NONE);
	TG_CHECK_INT(mark.full_pass_ms, 1000000);
	TG_CHECK_INT(next(0), TG_PASS_FULL);
	TG_CHECK(tg_mode_plan(&inputs, &mark));
}

TG_TEST(rethink_mode_timestamp_reads_all_once_and_then_from_the_overlap)
{
	begin(TG_MODE_TIMESTAMP, TG_STAMP_TIME);
	TG_CHECK_INT(next(5000000), TG_PASS_FULL);
	tg_mode_saw(&mark, 4000000);
	tg_mode_saw(&mark, 3000000);
	tg_mode_end(&mark, inputs.wall_ms);
	TG_CHECK_INT(mark.time_ms, 4000000);
	TG_CHECK_INT(next(6000000), TG_PASS_FILTER);
	TG_CHECK_INT(mark.pass_lower_ms, 4000000 - 60000);
	tg_mode_end(&mark, inputs.wall_ms);
	TG_CHECK_INT(mark.time_ms, 4000000);
	inputs.indexed = true;
	inputs.wall_ms += 1000 * (int64_t)HOUR_MS;
	TG_CHECK_INT(next(7000000), TG_PASS_INDEX);
}

/* One device in 2099 must not hide everything after it. */
TG_TEST(rethink_mode_never_passes_the_servers_clock)
{
	begin(TG_MODE_TIMESTAMP, TG_STAMP_TIME);
	TG_CHECK_INT(next(5000000), TG_PASS_FULL);
	tg_mode_saw(&mark, INT64_C(4070908800000));
	tg_mode_end(&mark, inputs.wall_ms);
	TG_CHECK_INT(mark.time_ms, 5000000);
	inputs.indexed = true;
	TG_CHECK_INT(next(6000000), TG_PASS_INDEX);
	tg_mode_saw(&mark, 5500000);
	tg_mode_saw(&mark, INT64_C(4070908800000));
	TG_CHECK_INT(mark.pass_lower_ms, 4940000); /* nothing is known of the rows before them */
	tg_mode_reached(&mark, 5500000);
	TG_CHECK_INT(mark.pass_lower_ms, 5500000);
	tg_mode_reached(&mark, INT64_C(4070908800000));
	TG_CHECK_INT(mark.pass_lower_ms, 6000000);
	tg_mode_end(&mark, inputs.wall_ms);
	TG_CHECK_INT(mark.time_ms, 6000000);
}

TG_TEST(rethink_mode_goes_on_with_a_pass_under_way)
{
	begin(TG_MODE_TIMESTAMP, TG_STAMP_TIME);
	mark.time_ms = 4000000;
	inputs.indexed = true;
	TG_CHECK_INT(next(6000000), TG_PASS_INDEX);
	tg_mode_reached(&mark, 5000000);
	TG_CHECK(tg_mode_plan(&inputs, &mark));
	TG_CHECK_INT(mark.pass_lower_ms, 5000000);
	/* The index was dropped: the same pass begins anew, by filter. */
	inputs.indexed = false;
	TG_CHECK_INT(next(6500000), TG_PASS_FILTER);
	TG_CHECK_INT(mark.pass_lower_ms, 4000000 - 60000);
	inputs.full_pass_wanted = true;
	TG_CHECK_INT(next(7000000), TG_PASS_FULL);
	TG_CHECK_INT(mark.front.bytes, 0);
}

TG_TEST(rethink_mode_auto_repairs_by_a_full_pass)
{
	begin(TG_MODE_AUTO, TG_STAMP_ISO);
	TG_CHECK_INT(next(5000000), TG_PASS_FULL);
	tg_mode_end(&mark, inputs.wall_ms);
	TG_CHECK_INT(mark.time_ms, 5000000);
	inputs.wall_ms += 24 * (int64_t)HOUR_MS - 1;
	TG_CHECK_INT(next(6000000), TG_PASS_FILTER);
	tg_mode_end(&mark, inputs.wall_ms);
	inputs.wall_ms += 1;
	TG_CHECK_INT(next(7000000), TG_PASS_FULL);
	tg_mode_end(&mark, inputs.wall_ms);
	/* Our clock was set back: nobody knows how long ago the full pass was. */
	inputs.wall_ms = 0;
	TG_CHECK_INT(next(8000000), TG_PASS_FULL);
}

TG_TEST(rethink_mode_without_a_stamp_is_a_snapshot)
{
	begin(TG_MODE_TIMESTAMP, TG_STAMP_NONE);
	TG_CHECK_INT(next(0), TG_PASS_FULL);
	tg_mode_end(&mark, inputs.wall_ms);
	TG_CHECK_INT(next(0), TG_PASS_FULL);
}

TG_TEST(rethink_mode_settings_change_with_what_times_mean)
{
	begin(TG_MODE_TIMESTAMP, TG_STAMP_TIME);
	uint64_t was = tg_mode_settings(&inputs);
	stamp.kind = TG_STAMP_ISO;
	TG_CHECK(tg_mode_settings(&inputs) != was);
	stamp.kind = TG_STAMP_TIME;
	TG_CHECK(tg_mode_settings(&inputs) == was);
	TG_CHECK(tg_member_set_text(&stamp.field, "created_at"));
	TG_CHECK(tg_mode_settings(&inputs) != was);
	rule.mode = TG_MODE_SNAPSHOT;
	was = tg_mode_settings(&inputs);
	stamp.kind = TG_STAMP_NONE;
	TG_CHECK(tg_mode_settings(&inputs) == was);
}
