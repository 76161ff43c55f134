/* Goal: a row goes out as `document` and as `columns` say, as valid JSON, in any slice.
 * Method: each row is scanned for its flags as a source does, shaped whole, then again through
 * windows of every place and a few sizes, which must hold the same bytes. */
#include "drivers/rethink/shape.h"

#include "drivers/json/scan.h"
#include "tests/check.h"

enum { TEXT_MAX = 60000 };

static uint32_t flags_of(struct tg_view body)
{
	struct tg_scan scan = { .watch_count = 0 };

	tg_scan_start(&scan);
	TG_CHECK_INT(tg_scan_feed(&scan, body.at, body.bytes, 0), TG_OK);
	TG_CHECK_INT(scan.pos, body.bytes);
	return scan.flags & 15;
}

static struct tg_view shape(const struct tg_columns *columns, struct tg_view body, uint32_t flags)
{
	static uint8_t at[TEXT_MAX];
	struct tg_record record = { .op = TG_UPSERT, .flags = flags, .body = body };
	struct tg_out out = { .at = at, .cap = sizeof(at) };

	TG_CHECK_INT(tg_rethink_shape(columns, &record, &out), TG_OK);
	TG_CHECK(!tg_out_overran(&out));
	return tg_view_of(at, tg_out_filled(&out));
}

static void valid_line(struct tg_view members)
{
	static uint8_t text[TEXT_MAX + 16];
	size_t used = 0;

	memcpy(text, "{\"q\":0", 6);
	memcpy(text + 6, members.at, members.bytes);
	used = members.bytes + 6;
	text[used++] = '}';
	struct tg_view line = tg_view_of(text, used);
	TG_CHECK((flags_of(line) & (TG_SCAN_SURROGATE | TG_SCAN_RESERVED | TG_SCAN_PSEUDO)) == 0);
}

static void same_in_slices(const struct tg_columns *columns, struct tg_view body,
			   struct tg_view want)
{
	struct tg_record record = { .op = TG_UPSERT, .flags = flags_of(body), .body = body };
	uint8_t at[7];

	for (size_t cap = 0; cap <= sizeof(at); cap += 3) {
		for (size_t skip = 0; skip <= want.bytes; skip++) {
			struct tg_out out = { .at = at, .cap = cap, .skip = skip };
			TG_CHECK_INT(tg_rethink_shape(columns, &record, &out), TG_OK);
			TG_CHECK_INT(out.total, want.bytes);
			size_t left = want.bytes - skip;
			TG_CHECK_BYTES(at, tg_out_filled(&out), want.at + skip,
				       left < cap ? left : cap);
		}
	}
}

static void shapes(const struct tg_columns *columns, const char *body, const char *want)
{
	struct tg_view view = tg_view_str(body);
	struct tg_view got = shape(columns, view, flags_of(view));

	TG_CHECK_BYTES(got.at, got.bytes, want, strlen(want));
	valid_line(got);
	same_in_slices(columns, view, tg_view_str(want));
	/* More flags than needed cost time and change nothing. */
	got = shape(columns, view, 15);
	TG_CHECK_BYTES(got.at, got.bytes, want, strlen(want));
}

static void document(const char *body, const char *want)
{
	const struct tg_columns columns = { .shape = TG_SHAPE_DOCUMENT };

	shapes(&columns, body, want);
}

static void columns(const char *body, const char *want)
{
	const struct tg_columns columns = { .shape = TG_SHAPE_COLUMNS };

	shapes(&columns, body, want);
}

static void both(const char *body, const char *want)
{
	document(body, want);
	columns(body, want);
}

#define TIME(epoch)    "{\"$reql_type$\":\"TIME\",\"epoch_time\":" epoch ",\"timezone\":\"+05:30\"}"
#define BINARY(data)   "{\"$reql_type$\":\"BINARY\",\"data\":\"" data "\"}"
#define GEOMETRY(rest) "{\"$reql_type$\":\"GEOMETRY\"," rest "}"
#define POINT          GEOMETRY("\"coordinates\":[-122.4,37.7],\"type\":\"Point\"")

TG_TEST(shape_copies_plain_rows)
{
	both("{}", "");
	both("{ }", "");
	both("{\"a\":1}", ",\"a\":1");
	both("{\"a\":1,\"b\":\"x\\u0000\\\"y\",\"c\":null,\"d\":true}",
	     ",\"a\":1,\"b\":\"x\\u0000\\\"y\",\"c\":null,\"d\":true");
	both("{\"\":\"\",\"\\u0000\":-0.0}", ",\"\":\"\",\"\\u0000\":-0.0");
}

TG_TEST(shape_carries_numbers_as_their_characters)
{
	both("{\"a\":9007199254740993.0,\"b\":1e300,\"c\":-0.0,\"d\":0.30000000000000007}",
	     ",\"a\":9007199254740993.0,\"b\":1e300,\"c\":-0.0,\"d\":0.30000000000000007");
	columns("{\"a\":[1e300,-0.0,100000000000000000000.0]}",
		",\"a\":\"[1e300,-0.0,100000000000000000000.0]\"");
}

TG_TEST(shape_makes_strings_of_nested_values)
{
	document("{\"a\":{\"b\":[1,\"x\"]},\"c\":[]}", ",\"a\":{\"b\":[1,\"x\"]},\"c\":[]");
	columns("{\"a\":{\"b\":[1,\"x\"]},\"c\":[]}",
		",\"a\":\"{\\\"b\\\":[1,\\\"x\\\"]}\",\"c\":\"[]\"");
	columns("{\"k\":1,\"l\":\"m\",\"a\":{},\"z\":2}",
		",\"k\":1,\"l\":\"m\",\"a\":\"{}\",\"z\":2");
	columns("{\"a\":[\"q\\\"\\\\\\n\\u0000\\u001F\"]}",
		",\"a\":\"[\\\"q\\\\\\\"\\\\\\\\\\\\n\\\\u0000\\\\u001F\\\"]\"");
	columns("{\"a\":[\"caf\xc3\xa9 \xf0\x9f\x98\x80\x7f/\"]}",
		",\"a\":\"[\\\"caf\xc3\xa9 \xf0\x9f\x98\x80\x7f/\\\"]\"");
	columns("{\"a\":[\"abcdefghijklmnop\",12345678,\"\"]}",
		",\"a\":\"[\\\"abcdefghijklmnop\\\",12345678,\\\"\\\"]\"");
}

TG_TEST(shape_makes_iso_text_of_time)
{
	both("{\"t\":" TIME("1700000000.123") "}", ",\"t\":\"2023-11-14T22:13:20.123Z\"");
	both("{\"a\":1,\"t\":" TIME("0") ",\"z\":2}",
	     ",\"a\":1,\"t\":\"1970-01-01T00:00:00.000Z\",\"z\":2");
	both("{\"t\":" TIME("-0.0") "}", ",\"t\":\"1970-01-01T00:00:00.000Z\"");
	both("{\"t\":" TIME("-0.001") "}", ",\"t\":\"1969-12-31T23:59:59.999Z\"");
	both("{\"t\":" TIME("1e300") "}", ",\"t\":\"1e300\"");
	both("{\"t\":" TIME("253402300800") "}", ",\"t\":\"253402300800\"");
	both("{\"t\":" TIME("-62135596800") "}", ",\"t\":\"0001-01-01T00:00:00.000Z\"");
	both("{\"t\":" TIME("-62135596800.001") "}", ",\"t\":\"-62135596800.001\"");
	document("{\"a\":[{\"t\":" TIME("1.5") "},1]}",
		 ",\"a\":[{\"t\":\"1970-01-01T00:00:01.500Z\"},1]");
	columns("{\"a\":[{\"t\":" TIME("1.5") "},1]}",
		",\"a\":\"[{\\\"t\\\":\\\"1970-01-01T00:00:01.500Z\\\"},1]\"");
}

TG_TEST(shape_takes_line_ends_out_of_binary)
{
	both("{\"b\":" BINARY("") "}", ",\"b\":\"\"");
	both("{\"b\":" BINARY("QUJD") "}", ",\"b\":\"QUJD\"");
	both("{\"b\":" BINARY("QUJD\\r\\nREVG\\r\\nRw==") ",\"c\":1}",
	     ",\"b\":\"QUJDREVGRw==\",\"c\":1");
	columns("{\"a\":[" BINARY("QUJD\\r\\nRA==") "]}", ",\"a\":\"[\\\"QUJDRA==\\\"]\"");
}

TG_TEST(shape_makes_geojson_of_geometry)
{
	document("{\"g\":" POINT "}", ",\"g\":{\"coordinates\":[-122.4,37.7],\"type\":\"Point\"}");
	columns("{\"g\":" POINT "}",
		",\"g\":\"{\\\"coordinates\\\":[-122.4,37.7],\\\"type\\\":\\\"Point\\\"}\"");
	document("{\"g\":[[" POINT "," TIME("0") "]," POINT "]}",
		 ",\"g\":[[{\"coordinates\":[-122.4,37.7],\"type\":\"Point\"},"
		 "\"1970-01-01T00:00:00.000Z\"],{\"coordinates\":[-122.4,37.7],\"type\":\"Point\"}"
		 "]");
}

TG_TEST(shape_converts_pseudo_types_with_white_space)
{
	document("{ \"t\" : { \"$reql_type$\" : \"TIME\" , \"epoch_time\" : 1 , \"timezone\" : "
		 "\"Z\" } }",
		 ",\"t\":\"1970-01-01T00:00:01.000Z\"");
	columns("{ \"a\" : [ 1,\n\t{ \"$reql_type$\" : \"GEOMETRY\" , \"type\" : \"x\" } ] }",
		",\"a\":\"[ 1,\\n\\t{\\\"type\\\" : \\\"x\\\" } ]\"");
}

TG_TEST(shape_escapes_white_space_in_any_place)
{
	columns("{\"a\":[1,22,\t333,4444,\n55555,\r6666,777777777777,\r\n8888888888]}",
		",\"a\":\"[1,22,\\t333,4444,\\n55555,\\r6666,777777777777,\\r\\n8888888888]\"");
}

/* What only looks like a pseudo-type is data. (The lines then hold `$reql_type$`, so no
 * valid_line().) */
TG_TEST(shape_leaves_data_that_looks_like_a_pseudo_type)
{
	static const char *const rows[] = {
		"{\"a\":{\"$reql_type$\":\"GROUPED_DATA\",\"data\":[]}}",
		"{\"a\":{\"$reql_type$\":\"TIME\"}}",
		"{\"a\":{\"$reql_type$\":1}}",
		"{\"a\":{\"$reql_type$\":\"TIME\",\"epoch_time\":\"x\",\"timezone\":\"\"}}",
		"{\"a\":{\"$reql_type$\":\"BINARY\",\"data\":5}}",
		"{\"$reql_type$\":\"TIME\",\"epoch_time\":1}"
	};
	const struct tg_columns plain = { .shape = TG_SHAPE_DOCUMENT };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tg_view body = tg_view_str(rows[i]);
		struct tg_view got = shape(&plain, body, flags_of(body));
		TG_CHECK_BYTES(got.at + 1, got.bytes - 1, rows[i] + 1, body.bytes - 2);
	}
	static const char broken[] = "{\"a\":{\"$reql_type$\":\"TIME\",\"epoch\":1}}";
	const struct tg_columns strings = { .shape = TG_SHAPE_COLUMNS };
	struct tg_view got = shape(&strings, tg_view_str(broken), 15);
	TG_CHECK_BYTES(got.at, got.bytes,
		       ",\"a\":\"{\\\"$reql_type$\\\":\\\"TIME\\\",\\\"epoch\\\":1}\"", 45);
	both("{\"a\":\"$reql_type$\",\"b\":\"{\\\"$reql_type$\\\":\\\"TIME\\\"}\"}",
	     ",\"a\":\"$reql_type$\",\"b\":\"{\\\"$reql_type$\\\":\\\"TIME\\\"}\"");
}

TG_TEST(shape_escapes_what_is_not_utf8)
{
	both("{\"a\":\"x\xed\xa0\x80y\"}", ",\"a\":\"x\\ud800y\"");
	both("{\"\xed\xbf\xbf\":1,\"b\":2}", ",\"\\udfff\":1,\"b\":2");
	both("{\"a\":\"\xed\xa0\xbd\xed\xb8\x80 \xf0\x9f\x98\x80 \xc3\xa9\"}",
	     ",\"a\":\"\\ud83d\\ude00 \xf0\x9f\x98\x80 \xc3\xa9\"");
	both("{\"a\":\"\xc3\",\"\xff\":\"\xe2\x82\"}",
	     ",\"a\":\"\\ufffd\",\"\\ufffd\":\"\\ufffd\\ufffd\"");
	document("{\"a\":[\"\xed\xa0\x80\"]}", ",\"a\":[\"\\ud800\"]");
	columns("{\"a\":[\"\xed\xa0\x80\"]}", ",\"a\":\"[\\\"\\\\ud800\\\"]\"");
	columns("{\"a\":[\"\xed\xa0\x80\"," TIME("0") ",\"\xff\"]}",
		",\"a\":\"[\\\"\\\\ud800\\\",\\\"1970-01-01T00:00:00.000Z\\\",\\\"\\\\ufffd\\\"]"
		"\"");
}

TG_TEST(shape_renames_the_reserved_member)
{
	both("{\"_tidegate\":1}", ",\"_tidegate_\":1");
	both("{\"_tidegate\":1,\"_tidegate_\":2,\"_tidegate__\":3}",
	     ",\"_tidegate___\":1,\"_tidegate_\":2,\"_tidegate__\":3");
	both("{\"_tidegate\":1,\"_tidegate__\":3}", ",\"_tidegate_\":1,\"_tidegate__\":3");
	both("{\"_tidegate__\":3,\"_tidegate_\":2,\"_tidegate\":1}",
	     ",\"_tidegate__\":3,\"_tidegate_\":2,\"_tidegate___\":1");
	both("{\"a\":0,\"_tidegate\":" TIME("0") ",\"b\":1}",
	     ",\"a\":0,\"_tidegate_\":\"1970-01-01T00:00:00.000Z\",\"b\":1");
	columns("{\"_tidegate\":{\"_tidegate\":1}}", ",\"_tidegate_\":\"{\\\"_tidegate\\\":1}\"");
	both("{\"_tidegat\":1,\"_tidegatex\":2}", ",\"_tidegat\":1,\"_tidegatex\":2");
}

static void with_spec(const char *spec, size_t bytes, const char *body, const char *want)
{
	struct tg_columns both_shapes = { .shape = TG_SHAPE_DOCUMENT,
					  .spec = tg_view_of(spec, bytes) };

	shapes(&both_shapes, body, want);
	both_shapes.shape = TG_SHAPE_COLUMNS;
	shapes(&both_shapes, body, want);
}

#define SPEC(text) text, sizeof(text)

TG_TEST(shape_leaves_out_chooses_and_masks)
{
	static const char row[] = "{\"a\":1,\"b\":\"x\",\"c\":null,\"d\":true}";

	with_spec(SPEC("-a"), row, ",\"b\":\"x\",\"c\":null,\"d\":true");
	with_spec(SPEC("-b\0-d"), row, ",\"a\":1,\"c\":null");
	with_spec(SPEC("-a\0-b\0-c\0-d"), row, "");
	with_spec(SPEC("+a\0+d"), row, ",\"a\":1,\"d\":true");
	with_spec(SPEC("+x"), row, "");
	with_spec(SPEC("*a\0*c"), row, ",\"a\":\"***\",\"b\":\"x\",\"c\":null,\"d\":true");
	with_spec(SPEC("+b\0*a"), row, ",\"a\":\"***\",\"b\":\"x\"");
	with_spec(SPEC("*a\0-a\0+a"), row, "");
	with_spec(SPEC("*a"), "{\"a\":{\"s\":[1]},\"b\":2}", ",\"a\":\"***\",\"b\":2");
	with_spec(SPEC("-a"), "{\"a\":" TIME("0") ",\"b\":" TIME("0") "}",
		  ",\"b\":\"1970-01-01T00:00:00.000Z\"");
	with_spec(SPEC("-a\\\"b"), "{\"a\\\"b\":1,\"c\":2}", ",\"c\":2");
	with_spec(SPEC("*_tidegate"), "{\"_tidegate\":1,\"_tidegate_\":2}",
		  ",\"_tidegate__\":\"***\",\"_tidegate_\":2");
}

TG_TEST(shape_is_right_at_any_depth)
{
	enum { LEVELS = 3000 };
	static char body[LEVELS * 2 + 200], want[LEVELS * 2 + 200];
	const struct tg_columns plain = { .shape = TG_SHAPE_DOCUMENT };
	size_t used = (size_t)sprintf(body, "{\"a\":"), wanted = (size_t)sprintf(want, ",\"a\":");

	for (int i = 0; i < LEVELS; i++)
		body[used++] = want[wanted++] = '[';
	used += (size_t)sprintf(body + used, "%s", TIME("0"));
	wanted += (size_t)sprintf(want + wanted, "\"1970-01-01T00:00:00.000Z\"");
	for (int i = 0; i < LEVELS; i++)
		body[used++] = want[wanted++] = ']';
	body[used++] = '}';
	struct tg_view got = shape(&plain, tg_view_of(body, used), TG_REC_PSEUDO | TG_REC_NESTED);
	TG_CHECK_BYTES(got.at, got.bytes, want, wanted);
}

TG_TEST(shape_names_damage)
{
	static const char *const rows[] = { "",
					    "{",
					    "[]",
					    "1",
					    "{\"a\":1",
					    "\"a\":1}",
					    "{\"a\":[}",
					    "{\"a\"}",
					    "{\"a\":1,}x}",
					    "{\"a\":\"}",
					    "{\"a\":{\"b\":\"}}",
					    "{\"a\":}" };
	const struct tg_columns columns = { .shape = TG_SHAPE_COLUMNS };
	static uint8_t at[100];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tg_record record = { .op = TG_UPSERT,
					    .flags = 15,
					    .body = tg_view_str(rows[i]) };
		struct tg_out out = { .at = at, .cap = sizeof(at) };
		if (tg_rethink_shape(&columns, &record, &out) != TG_ERR_DAMAGED)
			TG_FAIL("taken: %s", rows[i]);
	}
}

/* Any cut of a row, at the end of its memory: nothing is read beyond it. */
TG_TEST(shape_never_reads_beyond_a_cut_row)
{
	static const char row[] = "{\"a\":[" TIME("1.5") "," BINARY(
		"QU\\r\\nJD") "," POINT
			      ",\"\xed\xa0\x80\\u0000\"],\"_tidegate\":null,\"t\":" TIME("0") "}";
	static uint8_t memory[sizeof(row)], at[1000];

	for (size_t bytes = 0; bytes < sizeof(row); bytes++) {
		for (int shape_of = TG_SHAPE_COLUMNS; shape_of <= TG_SHAPE_DOCUMENT; shape_of++) {
			const struct tg_columns columns = { .shape = (enum tg_shape)shape_of };
			struct tg_out out = { .at = at, .cap = sizeof(at) };
			uint8_t *cut = memory + sizeof(memory) - bytes;
			memcpy(cut, row, bytes);
			if (bytes > 1)
				cut[bytes - 1] = '}';
			struct tg_record record = { .flags = 15, .body = tg_view_of(cut, bytes) };
			int rc = tg_rethink_shape(&columns, &record, &out);
			TG_CHECK(rc == TG_OK || rc == TG_ERR_DAMAGED);
		}
	}
}

/* Brackets in strings and names, where a leap to the next nested value could go wrong. */
TG_TEST(strings_that_look_like_members_stay_strings)
{
	columns("{\"a\":\":{\",\"b\":{\"c\":1}}", ",\"a\":\":{\",\"b\":\"{\\\"c\\\":1}\"");
	columns("{\"a\":\":[\",\"b\":[\":{\"]}", ",\"a\":\":[\",\"b\":\"[\\\":{\\\"]\"");
	columns("{\"a:\":{\"b\":1}}", ",\"a:\":\"{\\\"b\\\":1}\"");
	columns("{\":{\":{\"b\":1}}", ",\":{\":\"{\\\"b\\\":1}\"");
	columns("{\"a\\\\\":{\"b\":1}}", ",\"a\\\\\":\"{\\\"b\\\":1}\"");
	columns("{\"a\":\"\\\":{\",\"b\":[]}", ",\"a\":\"\\\":{\",\"b\":\"[]\"");
	columns("{\"\":{},\"x\":\"{[\"}", ",\"\":\"{}\",\"x\":\"{[\"");
	columns("{\"a\":\"b {c\",\"d\":[1]}", ",\"a\":\"b {c\",\"d\":\"[1]\"");
	columns("{\"a\": {\"b\":1},\"c\":[2]}", ",\"a\":\"{\\\"b\\\":1}\",\"c\":\"[2]\"");
	columns("{\"a\" :{\"b\":1},\"c\"\t:[2]}", ",\"a\":\"{\\\"b\\\":1}\",\"c\":\"[2]\"");
	document("{\"a\":\":{\",\"t\":" TIME("0") ",\"z\":\"{\"}",
		 ",\"a\":\":{\",\"t\":\"1970-01-01T00:00:00.000Z\",\"z\":\"{\"");
}
