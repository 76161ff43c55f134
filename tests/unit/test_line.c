#include <stdio.h>

#include "app/line.h"
#include "app/source.h"

#include "tests/check.h"

/* A source whose rows have one member, or are damaged when the body is. */
static int fake_shape(const struct tg_columns *columns, const struct tg_record *record,
		      struct tg_out *out)
{
	if (record->body.at[0] != '{')
		return TG_ERR_DAMAGED;
	tg_out_str(out, columns->shape == TG_SHAPE_DOCUMENT ? ",\"a\":[1]" : ",\"a\":\"[1]\"");
	return TG_OK;
}

static const struct tg_source_ops fake = { .type = "fake", .shape = fake_shape };

static struct tg_line line_of(enum tg_shape shape)
{
	return (struct tg_line){ .ops = &fake,
				 .columns = { .shape = shape },
				 .instance = tg_view_str("plant-7.0011223344556677"),
				 .stream = tg_view_str("rethinkdb/plant/readings") };
}

static struct tg_record upsert(const char *body, uint32_t key_at, uint32_t key_bytes)
{
	return (struct tg_record){ .op = TG_UPSERT,
				   .body = tg_view_str(body),
				   .key_at = key_at,
				   .key_bytes = key_bytes,
				   .time_ms = 1700000000123,
				   .seq = 7 };
}

static void writes(const struct tg_line *line, const struct tg_record *record, const char *want)
{
	uint8_t whole[1024], slice[5];
	struct tg_out out = { .at = whole, .cap = sizeof(whole) };
	size_t bytes = strlen(want);

	TG_CHECK_INT(tg_line_write(line, record, &out), TG_OK);
	TG_CHECK_BYTES(whole, tg_out_filled(&out), want, bytes);
	for (size_t skip = 0; skip <= bytes; skip++) {
		struct tg_out part = { .at = slice, .cap = sizeof(slice), .skip = skip };
		TG_CHECK_INT(tg_line_write(line, record, &part), TG_OK);
		TG_CHECK_INT(part.total, bytes);
		size_t left = bytes - skip < sizeof(slice) ? bytes - skip : sizeof(slice);
		TG_CHECK_BYTES(slice, tg_out_filled(&part), want + skip, left);
	}
}

#define HEAD                                                         \
	"{\"_tidegate\":{\"instance\":\"plant-7.0011223344556677\"," \
	"\"stream\":\"rethinkdb/plant/readings\","

TG_TEST(line_begins_with_the_envelope)
{
	struct tg_line line = line_of(TG_SHAPE_COLUMNS);
	struct tg_record record = upsert("{\"a\":[1],\"id\":\"k1\"}", 14, 4);

	writes(&line, &record,
	       HEAD "\"op\":\"upsert\",\"seq\":7,\"key\":\"k1\","
		    "\"time\":\"2023-11-14T22:13:20.123Z\"},\"a\":\"[1]\"}");
	line = line_of(TG_SHAPE_DOCUMENT);
	record.seq = UINT64_MAX;
	writes(&line, &record,
	       HEAD "\"op\":\"upsert\",\"seq\":18446744073709551615,\"key\":\"k1\","
		    "\"time\":\"2023-11-14T22:13:20.123Z\"},\"a\":[1]}");
}

TG_TEST(line_of_a_delete_is_the_envelope_alone)
{
	struct tg_line line = line_of(TG_SHAPE_COLUMNS);
	struct tg_record record = upsert("[1,{\"$reql_type$\":\"BINARY\",\"data\":\"\"}]", 99, 0);

	record.op = TG_DELETE;
	writes(&line, &record,
	       HEAD "\"op\":\"delete\",\"seq\":7,"
		    "\"key\":[1,{\"$reql_type$\":\"BINARY\",\"data\":\"\"}],"
		    "\"time\":\"2023-11-14T22:13:20.123Z\"}}");
}

TG_TEST(line_writes_years_that_iso_has_not_as_seconds)
{
	struct tg_line line = line_of(TG_SHAPE_COLUMNS);
	struct tg_record record = upsert("-0.0", 0, 4);

	record.op = TG_DELETE;
	record.time_ms = 253402300800000;
	writes(&line, &record,
	       HEAD "\"op\":\"delete\",\"seq\":7,\"key\":-0.0,\"time\":\"253402300800\"}}");
	record.time_ms = INT64_MIN;
	writes(&line, &record,
	       HEAD "\"op\":\"delete\",\"seq\":7,\"key\":-0.0,"
		    "\"time\":\"-9223372036854775.808\"}}");
}

TG_TEST(line_is_valid_whatever_names_and_keys_hold)
{
	struct tg_line line = line_of(TG_SHAPE_COLUMNS);
	struct tg_record record = upsert("{\"id\":\"\xed\xa0\x80\xc3\xa9\xff\"}", 6, 8);

	line.instance = tg_view_str("a\"b\\c\n\xc3\xa9");
	line.stream = tg_view_str("s\xff");
	record.flags = TG_REC_SURROGATE;
	writes(&line, &record,
	       "{\"_tidegate\":{\"instance\":\"a\\u0022b\\u005Cc\\u000A\xc3\xa9\","
	       "\"stream\":\"s\\ufffd\",\"op\":\"upsert\",\"seq\":7,"
	       "\"key\":\"\\ud800\xc3\xa9\\ufffd\","
	       "\"time\":\"2023-11-14T22:13:20.123Z\"},\"a\":\"[1]\"}");
	record = upsert("\"\xed\xbf\xbf\"", 0, 0);
	record.op = TG_DELETE;
	line = line_of(TG_SHAPE_COLUMNS);
	writes(&line, &record,
	       HEAD "\"op\":\"delete\",\"seq\":7,\"key\":\"\\udfff\","
		    "\"time\":\"2023-11-14T22:13:20.123Z\"}}");
}

static void fails(struct tg_record record, int want)
{
	struct tg_line line = line_of(TG_SHAPE_COLUMNS);
	uint8_t at[512];
	struct tg_out out = { .at = at, .cap = sizeof(at) };

	TG_CHECK_INT(tg_line_write(&line, &record, &out), want);
}

TG_TEST(line_names_what_is_damaged_or_not_here)
{
	struct tg_record record = upsert("{\"id\":1}", 6, 1);

	fails(upsert("{\"id\":1}", 6, 0), TG_ERR_DAMAGED);
	fails(upsert("{\"id\":1}", 8, 1), TG_ERR_DAMAGED);
	fails(upsert("{\"id\":1}", UINT32_MAX, 2), TG_ERR_DAMAGED);
	fails(upsert("{\"id\":1}", 7, 2), TG_ERR_DAMAGED);
	fails(upsert("[1]", 1, 1), TG_ERR_DAMAGED);
	record.flags = TG_REC_OVERSIZE;
	fails(record, TG_ERR_LIMIT);
	record = upsert("", 0, 0);
	record.op = TG_DELETE;
	fails(record, TG_ERR_DAMAGED);
}

static enum tg_column_action action(const char *spec, size_t bytes, const char *name)
{
	const struct tg_columns columns = { .spec = tg_view_of(spec, bytes) };

	return tg_columns_action(&columns, tg_view_str(name));
}

#define SPEC(text) text, sizeof(text)

TG_TEST(columns_rules_stand_in_their_order_of_strength)
{
	TG_CHECK_INT(action("", 0, "a"), TG_COLUMN_KEEP);
	TG_CHECK_INT(action(SPEC("-a"), "a"), TG_COLUMN_DROP);
	TG_CHECK_INT(action(SPEC("-a"), "ab"), TG_COLUMN_KEEP);
	TG_CHECK_INT(action(SPEC("-ab"), "a"), TG_COLUMN_KEEP);
	TG_CHECK_INT(action(SPEC("+a\0+b"), "b"), TG_COLUMN_KEEP);
	TG_CHECK_INT(action(SPEC("+a\0+b"), "c"), TG_COLUMN_DROP);
	TG_CHECK_INT(action(SPEC("+b\0+a"), "b"), TG_COLUMN_KEEP);
	TG_CHECK_INT(action(SPEC("+a\0*c"), "c"), TG_COLUMN_MASK);
	TG_CHECK_INT(action(SPEC("*c\0-c"), "c"), TG_COLUMN_DROP);
	TG_CHECK_INT(action(SPEC("+"), ""), TG_COLUMN_KEEP);
	TG_CHECK_INT(action("-a", 2, "a"), TG_COLUMN_DROP);
}

/* What is kept of one line is good for the next one, and for no other moment. */
TG_TEST(line_is_the_same_with_a_memo)
{
	static const int64_t times[] = { 1700000000123, 1700000000123, 0, INT64_MAX, 0,
					 1700000000123 };
	struct tg_line_memo memo = { .timed_ = false };
	struct tg_line plain = line_of(TG_SHAPE_COLUMNS), line = plain;

	line.memo = &memo;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct tg_record record = upsert("{\"a\":[1],\"id\":\"k1\"}", 14, 4);
		uint8_t want[1024];
		struct tg_out out = { .at = want, .cap = sizeof(want) - 1 };
		record.time_ms = times[i];
		TG_CHECK_INT(tg_line_write(&plain, &record, &out), TG_OK);
		want[tg_out_filled(&out)] = 0;
		writes(&line, &record, (const char *)want);
	}
}

TG_TEST(line_takes_a_name_that_is_too_long_to_keep)
{
	static char name[TG_STREAM_NAME_BYTES_MAX], want[1024];
	struct tg_line_memo memo = { .timed_ = false };
	struct tg_line line = line_of(TG_SHAPE_COLUMNS);
	struct tg_record record = upsert("{\"a\":[1],\"id\":\"k1\"}", 14, 4);

	memset(name, 'n', sizeof(name) - 1);
	snprintf(want, sizeof(want),
		 "{\"_tidegate\":{\"instance\":\"plant-7.0011223344556677\",\"stream\":\"%s\","
		 "\"op\":\"upsert\",\"seq\":7,\"key\":\"k1\","
		 "\"time\":\"2023-11-14T22:13:20.123Z\"},\"a\":\"[1]\"}",
		 name);
	line.stream = tg_view_str(name);
	line.memo = &memo;
	writes(&line, &record, want);
}
