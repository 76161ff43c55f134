/* File names from any stream name, and receipts that are read back or refused. */
#include "drivers/file/name.h"

#include "app/crc32c.h"
#include "drivers/file/receipt.h"
#include "tests/check.h"

TG_TEST(file_names_survive_any_stream_name)
{
	char stem[TG_FILE_STEM_BYTES_MAX];
	char longest[401];

	tg_file_stem(tg_view_str("rethinkdb/plant/readings"), 7, stem);
	TG_CHECK_STR(stem, "rethinkdb.plant.readings");
	tg_file_stem(tg_view_str("rethinkdb/plant/Readings"), 7, stem);
	TG_CHECK_STR(stem, "rethinkdb.plant.Readings~7");
	tg_file_stem(tg_view_str("a.b/../x/y z~%\xc3\xa9\n"), 8, stem);
	TG_CHECK_STR(stem, "a%2eb.%2e%2e.x%2fy%20z%7e%25%c3%a9%0a");
	memset(longest, '.', sizeof(longest) - 1);
	longest[400] = '\0';
	tg_file_stem(tg_view_str(longest), UINT32_MAX, stem);
	TG_CHECK_INT(strlen(stem), 120 + 11);
	TG_CHECK_STR(stem + 117, "%2e~4294967295");
}

TG_TEST(file_names_carry_numbers)
{
	char name[TG_FILE_NAME_BYTES_MAX], stem[TG_FILE_STEM_BYTES_MAX];
	struct tg_file_parts parts = { .stem = "a.b", .first = 7, .last = UINT64_MAX, .copy = 99 };

	tg_file_name(&parts, "ndjson", name);
	TG_CHECK_STR(name, "a.b.000000000007-18446744073709551615~99.ndjson");
	TG_CHECK(!tg_file_stem_of(name, stem));
	parts.last = 0;
	parts.copy = 0;
	tg_file_name(&parts, "open", name);
	TG_CHECK_STR(name, "a.b.000000000007.open");
	TG_CHECK(tg_file_stem_of(name, stem));
	TG_CHECK_STR(stem, "a.b");
	TG_CHECK(!tg_file_stem_of(".000000000007.open", stem));
	TG_CHECK(!tg_file_stem_of("a.open", stem));
	TG_CHECK(!tg_file_stem_of("a.b..open", stem));
	TG_CHECK(!tg_file_stem_of("../a.1.open", stem));
}

TG_TEST(file_receipt_goes_around_and_is_guarded)
{
	struct tg_file_receipt in = { .phase = TG_FILE_ROTATING,
				      .number = 5,
				      .last = 9,
				      .length = 1234,
				      .opened_wall_ms = -1,
				      .active = "a.000000000005.open",
				      .rotated = "a.000000000005-000000000009.ndjson" };
	struct tg_file_receipt out;
	uint8_t at[TG_FILE_RECEIPT_BYTES_MAX];

	tg_crc32c_init();
	size_t bytes = tg_file_receipt_write(&in, at);
	TG_CHECK_INT(tg_file_receipt_read(tg_view_of(at, bytes), &out), 0);
	TG_CHECK(memcmp(&in, &out, sizeof(in)) == 0);
	for (size_t i = 0; i < bytes; i++) {
		TG_CHECK_INT(tg_file_receipt_read(tg_view_of(at, i), &out), TG_ERR_DAMAGED);
		at[i] ^= 1;
		TG_CHECK_INT(tg_file_receipt_read(tg_view_of(at, bytes), &out), TG_ERR_DAMAGED);
		at[i] ^= 1;
	}
	memcpy(in.rotated, "../x", 5);
	bytes = tg_file_receipt_write(&in, at);
	TG_CHECK_INT(tg_file_receipt_read(tg_view_of(at, bytes), &out), TG_ERR_DAMAGED);
}
