/* Goal: a document goes out as columns or as it is, by the rules of shape.h and shape_names.h; no
 * two columns of one line have one name.
 * Method: documents by hand with the line that each must give, whole and in slices; documents drawn
 * from a seed, whose names meet often, against a plain check that all names differ. */
#include "drivers/raven/shape.h"

#include "drivers/json/scan.h"
#include "drivers/raven/flatten.h"
#include "tests/check.h"

enum { LINE_BYTES_MAX = 1 << 18 };

#define META                                                                  \
	"\"@metadata\":{\"@collection\":\"Orders\",\"@change-vector\":\"A:1-" \
	"9dcwGkJXDUyJtsfDQgiTiA\",\"@id\":\"orders/1-A\",\"@last-modified\":" \
	"\"2026-11-21T10:01:45.5820723Z\"}}"
#define ADDED ",\"Id\":\"orders/1-A\",\"LastModified\":\"2026-11-21T10:01:45.5820723Z\""

struct asked {
	enum tg_shape shape;
	struct tg_view spec;
	const char *body;
};

static struct tg_record record_of(const char *text)
{
	struct tg_record record = { .op = TG_UPSERT,
				    .body = tg_view_str(text),
				    .time_ms = 1700000000123 };
	struct tg_view id = tg_member_of(tg_member_of(record.body, "@metadata"), "@id");
	struct tg_scan scan = { .watch_count = 0 };

	TG_CHECK(id.bytes > 0);
	record.key_at = (uint32_t)(id.at - record.body.at);
	record.key_bytes = (uint32_t)id.bytes;
	tg_scan_start(&scan);
	TG_CHECK_INT(tg_scan_feed(&scan, record.body.at, record.body.bytes, 0), TG_OK);
	record.flags = scan.flags & (TG_REC_NESTED | TG_REC_RESERVED | TG_REC_SURROGATE);
	return record;
}

/* The line in slices of seven bytes must be the line. */
static void slices_are(const struct tg_columns *columns, const struct tg_record *record,
		       struct tg_view want)
{
	uint8_t slice[7];

	for (uint64_t skip = 0; skip < want.bytes; skip += sizeof(slice)) {
		struct tg_out out = { .at = slice, .cap = sizeof(slice), .skip = skip };
		TG_CHECK_INT(tg_raven_shape(columns, record, &out), TG_OK);
		TG_CHECK_INT(out.total, want.bytes);
		TG_CHECK(memcmp(slice, want.at + skip, tg_out_filled(&out)) == 0);
	}
}

static struct tg_view shaped(const struct asked *asked)
{
	static uint8_t line[LINE_BYTES_MAX];
	struct tg_record record = record_of(asked->body);
	struct tg_columns columns = { .shape = asked->shape, .spec = asked->spec };
	struct tg_out out = { .at = line, .cap = sizeof(line) };

	TG_CHECK_INT(tg_raven_shape(&columns, &record, &out), TG_OK);
	TG_CHECK(!tg_out_overran(&out));
	struct tg_view got = tg_view_of(line, tg_out_filled(&out));
	if (got.bytes < 300)
		slices_are(&columns, &record, got);
	return got;
}

static void gives(enum tg_shape shape, const char *body, const char *want)
{
	struct tg_view got = shaped(&(struct asked){ .shape = shape, .body = body });

	TG_CHECK_BYTES(got.at, got.bytes, want, strlen(want));
}

static void rules_give(const char *spec, size_t spec_bytes, const char *body, const char *want)
{
	struct tg_view got = shaped(&(struct asked){
		.shape = TG_SHAPE_COLUMNS, .spec = tg_view_of(spec, spec_bytes), .body = body });

	TG_CHECK_BYTES(got.at, got.bytes, want, strlen(want));
}

TG_TEST(nested_objects_become_columns)
{
	gives(TG_SHAPE_COLUMNS, "{" META, ADDED);
	gives(TG_SHAPE_COLUMNS, "{\"Total\":1.10,\"Paid\":true,\"Note\":null,\"S\":\"x\"," META,
	      ADDED ",\"Total\":1.10,\"Paid\":true,\"Note\":null,\"S\":\"x\"");
	gives(TG_SHAPE_COLUMNS,
	      "{\"Name\":\"x\",\"Address\":{\"City\":\"y\",\"Geo\":{\"Lat\":1,\"Lon\":-0.0}},"
	      "\"Z\":1E400," META,
	      ADDED ",\"Name\":\"x\",\"Address_City\":\"y\",\"Address_Geo_Lat\":1,"
		    "\"Address_Geo_Lon\":-0.0,\"Z\":1E400");
	gives(TG_SHAPE_COLUMNS, "{\"a\":{\"b\":1},\"c\":{\"d\":{\"e\":2}}," META,
	      ADDED ",\"a_b\":1,\"c_d_e\":2");
}

TG_TEST(arrays_and_empty_objects_become_strings)
{
	gives(TG_SHAPE_COLUMNS, "{\"Lines\":[{\"N\":\"a\\\"b\\n\"},2]," META,
	      ADDED ",\"Lines\":\"[{\\\"N\\\":\\\"a\\\\\\\"b\\\\n\\\"},2]\"");
	gives(TG_SHAPE_COLUMNS, "{\"a\":{},\"b\":[],\"c\":{\"d\":{}}," META,
	      ADDED ",\"a\":\"{}\",\"b\":\"[]\",\"c_d\":\"{}\"");
	gives(TG_SHAPE_COLUMNS, "{\"a\":{\"b\":[\"\xc3\xa4\"]}," META,
	      ADDED ",\"a_b\":\"[\\\"\xc3\xa4\\\"]\"");
}

TG_TEST(metadata_may_stand_anywhere_and_be_poor)
{
	gives(TG_SHAPE_COLUMNS, "{\"@metadata\":{\"@last-modified\":\"t\",\"@id\":\"x\"},\"a\":1}",
	      ",\"Id\":\"x\",\"LastModified\":\"t\",\"a\":1");
	gives(TG_SHAPE_COLUMNS, "{\"a\":1,\"@metadata\":{\"@id\":\"x\"},\"b\":2}",
	      ",\"Id\":\"x\",\"LastModified\":\"2023-11-14T22:13:20.123Z\",\"a\":1,\"b\":2");
	gives(TG_SHAPE_COLUMNS, "{ \"a\" : { \"b\" : 1 } , \"@metadata\" : { \"@id\" : \"x\" } }",
	      ",\"Id\":\"x\",\"LastModified\":\"2023-11-14T22:13:20.123Z\",\"a_b\":1");
	gives(TG_SHAPE_COLUMNS, "{\"a\":{\"@metadata\":{\"b\":1}}," META,
	      ADDED ",\"a_@metadata_b\":1");
}

TG_TEST(names_that_meet_are_told_apart_whatever_their_order)
{
	gives(TG_SHAPE_COLUMNS, "{\"a\":{\"b\":1},\"a_b\":2," META, ADDED ",\"a_b_\":1,\"a_b\":2");
	gives(TG_SHAPE_COLUMNS, "{\"a_b\":2,\"a\":{\"b\":1}," META, ADDED ",\"a_b\":2,\"a_b_\":1");
	gives(TG_SHAPE_COLUMNS, "{\"a\":{\"b_c\":1},\"a_b\":{\"c\":2}," META,
	      ADDED ",\"a_b_c_\":1,\"a_b_c\":2");
	gives(TG_SHAPE_COLUMNS, "{\"a\":{\"b_c\":1,\"b\":{\"c\":3}},\"a_b\":{\"c\":2}," META,
	      ADDED ",\"a_b_c_\":1,\"a_b_c__\":3,\"a_b_c\":2");
	gives(TG_SHAPE_COLUMNS, "{\"a\":{\"b\":1,\"b_\":2},\"a_b\":3," META,
	      ADDED ",\"a_b__\":1,\"a_b_\":2,\"a_b\":3");
	gives(TG_SHAPE_COLUMNS, "{\"a\":{\"b_c\":1},\"x_y\":2," META,
	      ADDED ",\"a_b_c\":1,\"x_y\":2");
}

TG_TEST(the_names_of_tidegate_are_kept_free)
{
	gives(TG_SHAPE_COLUMNS, "{\"Id\":7,\"LastModified\":8,\"_tidegate\":9,\"Id_\":1," META,
	      ADDED ",\"Id__\":7,\"LastModified_\":8,\"_tidegate_\":9,\"Id_\":1");
	gives(TG_SHAPE_COLUMNS, "{\"Id\":7,\"a\":{\"b_\":1},\"\":{\"tidegate\":2}," META,
	      ADDED ",\"Id_\":7,\"a_b_\":1,\"_tidegate_\":2");
	gives(TG_SHAPE_COLUMNS, "{\"Id\":{\"\":1},\"Id_\":2," META, ADDED ",\"Id__\":1,\"Id_\":2");
}

TG_TEST(a_document_keeps_its_members)
{
	static const char body[] = "{\"a\":{\"b\":[1]},\"Id\":1," META;
	struct tg_view got = shaped(&(struct asked){ .shape = TG_SHAPE_DOCUMENT, .body = body });

	TG_CHECK_INT(got.bytes, sizeof(body) - 2);
	TG_CHECK(got.at[0] == ',' && memcmp(got.at + 1, body + 1, got.bytes - 1) == 0);
	gives(TG_SHAPE_DOCUMENT, "{\"_tidegate\":1,\"_tidegate_\":2,\"@metadata\":{\"@id\":\"x\"}}",
	      ",\"_tidegate__\":1,\"_tidegate_\":2,\"@metadata\":{\"@id\":\"x\"}");
}

TG_TEST(rules_name_columns_and_the_objects_around_them)
{
	static const char body[] = "{\"a\":{\"b\":1,\"c\":{\"d\":[2]}},\"e\":null," META;

	rules_give("-a\0", 3, body, ADDED ",\"e\":null");
	rules_give("-a_c\0", 5, body, ADDED ",\"a_b\":1,\"e\":null");
	rules_give("-a_\0", 4, body, ADDED ",\"a_b\":1,\"a_c_d\":\"[2]\",\"e\":null");
	rules_give("*a_c\0*e\0", 8, body, ADDED ",\"a_b\":1,\"a_c_d\":\"***\",\"e\":null");
	rules_give("+a_c\0", 5, body, ",\"a_c_d\":\"[2]\"");
	rules_give("+Id\0*LastModified\0", 18, body,
		   ",\"Id\":\"orders/1-A\",\"LastModified\":\"***\"");
	rules_give("-Id\0-LastModified\0+e\0", 21, body, ",\"e\":null");
}

TG_TEST(a_rule_holds_for_a_renamed_column_too)
{
	static const char body[] = "{\"a\":{\"b\":1},\"a_b\":2,\"c\":3," META;

	rules_give("-a_b\0", 5, body, ADDED ",\"c\":3");
	rules_give("*a_b\0", 5, body, ADDED ",\"a_b_\":\"***\",\"a_b\":\"***\",\"c\":3");
	rules_give("-a_b_\0", 6, body, ADDED ",\"a_b\":2,\"c\":3");
	rules_give("+a_b\0", 5, body, ",\"a_b\":2");
	rules_give("+a_b_\0", 6, body, ",\"a_b_\":1");
}

TG_TEST(what_is_no_utf8_becomes_escapes)
{
	gives(TG_SHAPE_COLUMNS, "{\"a\":\"x\xff\",\"b\":[\"\xed\xa0\x80\"]," META,
	      ADDED ",\"a\":\"x\\ufffd\",\"b\":\"[\\\"\\ud800\\\"]\"");
	gives(TG_SHAPE_DOCUMENT, "{\"a\xff\":1,\"@metadata\":{\"@id\":\"x\"}}",
	      ",\"a\\ufffd\":1,\"@metadata\":{\"@id\":\"x\"}");
}

/* {"n":{"n":..  `depth` times around 1, then metadata. */
static const char *deep(unsigned depth)
{
	static char text[4096];
	size_t used = 0;

	text[used++] = '{';
	for (unsigned i = 0; i < depth; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "\"n\":{");
	used += (size_t)snprintf(text + used, sizeof(text) - used, "\"v\":1");
	for (unsigned i = 0; i < depth; i++)
		text[used++] = '}';
	(void)snprintf(text + used, sizeof(text) - used, ",%s", META);
	return text;
}

TG_TEST(what_lies_too_deep_stays_json)
{
	char want[4096] = ADDED ",\"n";

	for (int i = 2; i < TG_FLATTEN_LEVELS_MAX; i++)
		strcat(want, "_n");
	strcat(want, "_v\":1");
	gives(TG_SHAPE_COLUMNS, deep(TG_FLATTEN_LEVELS_MAX - 1), want);
	struct tg_view got = shaped(&(struct asked){ .shape = TG_SHAPE_COLUMNS,
						     .body = deep(TG_FLATTEN_LEVELS_MAX + 2) });
	static const char tail[] = "\":\"{\\\"n\\\":{\\\"n\\\":{\\\"v\\\":1}}}\"";
	TG_CHECK(memcmp(got.at + got.bytes - sizeof(tail) + 1, tail, sizeof(tail) - 1) == 0);
}

TG_TEST(too_many_columns_that_may_meet_keep_their_objects)
{
	static char text[64 * CONFIG_TG_RAVEN_COLUMNS_MAX];
	size_t used = (size_t)snprintf(text, sizeof(text), "{\"o\":{\"a_b\":1},\"Id\":2");

	for (int i = 0; i < CONFIG_TG_RAVEN_COLUMNS_MAX; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, ",\"m%d\":%d", i, i);
	(void)snprintf(text + used, sizeof(text) - used, ",%s", META);
	struct tg_view got = shaped(&(struct asked){ .shape = TG_SHAPE_COLUMNS, .body = text });
	static const char head[] = ADDED ",\"o\":\"{\\\"a_b\\\":1}\",\"Id_\":2,\"m0\":0";
	TG_CHECK(got.bytes > sizeof(head) && memcmp(got.at, head, sizeof(head) - 1) == 0);
}

TG_TEST(what_is_no_object_is_told)
{
	static const char *const none[] = {
		"",       "1",           "[]",        "{",
		"{\"a\"", "{\"a\":",     "{\"a\":1,", "{\"a\":{\"b\":1}",
		"{a}",    "{\"a\":1 2}", "{\"a\":1}x"
	};
	uint8_t at[256];

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		struct tg_record record = { .body = tg_view_str(none[i]), .key_bytes = 1 };
		struct tg_columns columns = { .shape = TG_SHAPE_COLUMNS };
		struct tg_out out = { .at = at, .cap = sizeof(at) };
		if (tg_raven_shape(&columns, &record, &out) != TG_ERR_DAMAGED)
			TG_FAIL("%s is taken", none[i]);
	}
}

/* --- drawn documents --- */

static uint32_t draw(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*seed >> 33);
}

/* Few short names, so that they meet; none twice in one object. */
static size_t draw_object(uint64_t *seed, char *at, int depth)
{
	static const char *const names[] = { "a", "b", "a_b", "b_", "_", "", "Id", "a_b_", "c" };
	uint32_t taken = 0;
	size_t used = 0;

	at[used++] = '{';
	for (uint32_t count = 1 + draw(seed) % 6; count > 0; count--) {
		uint32_t name = draw(seed) % 9;
		if ((taken >> name & 1) != 0)
			continue;
		used += (size_t)sprintf(at + used, "%s\"%s\":", taken == 0 ? "" : ",", names[name]);
		taken |= 1u << name;
		if (depth < 4 && draw(seed) % 2 == 0)
			used += draw_object(seed, at + used, depth + 1);
		else
			used += (size_t)sprintf(at + used, "%" PRIu32, draw(seed) % 100);
	}
	if (depth == 0)
		used += (size_t)sprintf(at + used, ",%s", META);
	else
		at[used++] = '}';
	at[used] = '\0';
	return used;
}

static void names_differ(struct tg_view line, uint64_t seed)
{
	struct tg_members one = { .at = line.at + 1, .end = line.at + line.bytes, .object = true };
	struct tg_view name, other, value;

	while (tg_members_next(&one, &name, &value)) {
		struct tg_members rest = one;
		while (tg_members_next(&rest, &other, &value))
			if (tg_view_same(name, other))
				TG_FAIL("seed %" PRIu64 ": two are %.*s in %.*s", seed,
					(int)name.bytes, (const char *)name.at, (int)line.bytes,
					(const char *)line.at);
	}
}

TG_TEST(no_two_columns_of_a_line_have_one_name)
{
	static char text[1 << 16];
	uint64_t seed = 20261121;

	for (int i = 0; i < 3000; i++) {
		uint64_t from = seed;
		draw_object(&seed, text, 0);
		names_differ(shaped(&(struct asked){ .shape = TG_SHAPE_COLUMNS, .body = text }),
			     from);
	}
}
