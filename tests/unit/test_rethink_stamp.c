/* Moments in rows: how they are spelled, chosen by a sample, read, and bounded from below. */
#include "drivers/rethink/stamp.h"
#include "tests/check.h"

static enum tg_stamp_kind kind_of(const char *json, uint32_t *forms)
{
	*forms = 0;
	return tg_stamp_kind_of(tg_view_str(json), forms);
}

static struct tg_stamp stamp_of(enum tg_stamp_kind kind, uint32_t forms)
{
	return (struct tg_stamp){ .kind = kind, .forms = forms };
}

TG_TEST(rethink_stamp_knows_the_spellings)
{
	uint32_t forms;

	TG_CHECK_INT(
		kind_of("{\"$reql_type$\":\"TIME\",\"epoch_time\":1.5,\"timezone\":\"+00:00\"}",
			&forms),
		TG_STAMP_TIME);
	TG_CHECK_INT(kind_of("\"2026-03-01T00:20:00.000Z\"", &forms), TG_STAMP_ISO);
	TG_CHECK_INT(forms, 0);
	TG_CHECK_INT(kind_of("\"2026-03-01T00:20:00+02:00\"", &forms), TG_STAMP_ISO);
	TG_CHECK_INT(forms, TG_STAMP_ZONED);
	TG_CHECK_INT(kind_of("\"2026-03-01 00:20:00\"", &forms), TG_STAMP_ISO);
	TG_CHECK_INT(forms, TG_STAMP_SPACED);
	TG_CHECK_INT(kind_of("\"2026-03-01\"", &forms), TG_STAMP_ISO);
	TG_CHECK_INT(forms, TG_STAMP_COARSE);
	TG_CHECK_INT(kind_of("1760000000", &forms), TG_STAMP_SECONDS);
	TG_CHECK_INT(kind_of("1760000000.25", &forms), TG_STAMP_SECONDS);
	TG_CHECK_INT(kind_of("1760000000123", &forms), TG_STAMP_MILLISECONDS);
	TG_CHECK_INT(kind_of("17", &forms), TG_STAMP_NONE);
	TG_CHECK_INT(kind_of("1e300", &forms), TG_STAMP_NONE);
	TG_CHECK_INT(kind_of("\"yesterday\"", &forms), TG_STAMP_NONE);
	TG_CHECK_INT(kind_of("null", &forms), TG_STAMP_NONE);
	TG_CHECK_INT(kind_of("{\"a\":1}", &forms), TG_STAMP_NONE);
}

static void bounds(struct tg_stamp stamp, int64_t ms, const char *want)
{
	char text[128] = "";
	struct tg_out out = { .at = (uint8_t *)text, .cap = sizeof(text) - 1 };

	tg_stamp_bound(&stamp, ms, &out);
	TG_CHECK_STR(text, want);
}

TG_TEST(rethink_stamp_writes_bounds_that_nothing_later_lies_below)
{
	const int64_t ms = INT64_C(1772324400125); /* 2026-03-01T00:20:00.125Z */

	bounds(stamp_of(TG_STAMP_TIME, 0), ms, "[101,[1772324400.125]]");
	bounds(stamp_of(TG_STAMP_SECONDS, 0), ms, "1772324400.125");
	bounds(stamp_of(TG_STAMP_MILLISECONDS, 0), ms, "1772324400125");
	bounds(stamp_of(TG_STAMP_ISO, 0), ms, "\"2026-03-01T00:20:00\"");
	bounds(stamp_of(TG_STAMP_ISO, TG_STAMP_SPACED), ms, "\"2026-03-01 00:20:00\"");
	bounds(stamp_of(TG_STAMP_ISO, TG_STAMP_COARSE), ms, "\"2026-03-01\"");
	bounds(stamp_of(TG_STAMP_ISO, TG_STAMP_ZONED), ms, "\"2026-02-28T09:20:00\"");
	bounds(stamp_of(TG_STAMP_ISO, 0), INT64_MIN, "\"\"");
}

TG_TEST(rethink_stamp_reads_only_its_own_kind)
{
	struct tg_stamp iso = stamp_of(TG_STAMP_ISO, 0), s = stamp_of(TG_STAMP_SECONDS, 0);
	struct tg_stamp none = stamp_of(TG_STAMP_NONE, 0);
	int64_t ms = 7;

	TG_CHECK(tg_stamp_read(&iso, tg_view_str("\"2026-03-01T02:20:00.125+02:00\""), &ms));
	TG_CHECK_INT(ms, INT64_C(1772324400125));
	TG_CHECK(tg_stamp_read(&s, tg_view_str("1.5"), &ms));
	TG_CHECK_INT(ms, 1500);
	TG_CHECK(!tg_stamp_read(&iso, tg_view_str("1.5"), &ms));
	TG_CHECK(!tg_stamp_read(&s, tg_view_str("\"2026-03-01\""), &ms));
	TG_CHECK(!tg_stamp_read(&none, tg_view_str("1"), &ms));
	TG_CHECK(!tg_stamp_read(&s, tg_view_of(NULL, 0), &ms));
	TG_CHECK_INT(ms, 1500);
}

TG_TEST(rethink_stamp_is_chosen_by_priority_over_a_sample)
{
	struct tg_stamp_sample sample;
	struct tg_stamp stamp;

	tg_stamp_sample_start(&sample, "");
	for (int i = 0; i < 100; i++) {
		/* updated_at is missing in six of 100: created_at takes its place. */
		const char *row = i < 6 ? "{\"created_at\":1760000000,\"timestamp\":5}"
					: "{\"created_at\":1760000001,\"updated_at\":1760000000}";
		tg_stamp_sample_row(&sample, tg_view_str(row));
	}
	tg_stamp_choose(&sample, &stamp);
	TG_CHECK_INT(stamp.kind, TG_STAMP_SECONDS);
	TG_CHECK_BYTES(stamp.field.json, stamp.field.bytes, "\"created_at\"", 12);
	for (int i = 0; i < 20; i++)
		tg_stamp_sample_row(&sample, tg_view_str("{\"updated_at\":1760000000}"));
	tg_stamp_choose(&sample, &stamp);
	TG_CHECK_BYTES(stamp.field.json, stamp.field.bytes, "\"updated_at\"", 12);
}

TG_TEST(rethink_stamp_takes_the_named_member_alone)
{
	struct tg_stamp_sample sample;
	struct tg_stamp stamp;

	tg_stamp_sample_start(&sample, "seen \"at\"");
	TG_CHECK_INT(sample.count, 1);
	tg_stamp_choose(&sample, &stamp);
	TG_CHECK_INT(stamp.kind, TG_STAMP_NONE);
	tg_stamp_sample_row(&sample,
			    tg_view_str("{\"seen \\\"at\\\"\":1760000000,\"updated_at\":1}"));
	tg_stamp_choose(&sample, &stamp);
	TG_CHECK_INT(stamp.kind, TG_STAMP_SECONDS);
	tg_stamp_sample_row(&sample, tg_view_str("7"));
	tg_stamp_choose(&sample, &stamp);
	TG_CHECK_INT(stamp.kind, TG_STAMP_NONE);
}
