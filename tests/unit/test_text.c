#include "drivers/json/scan.h"

#include "tests/check.h"

static int64_t integer(const char *text)
{
	int64_t value = 0;

	TG_CHECK_INT(tg_json_integer(tg_view_str(text), &value), TG_OK);
	return value;
}

TG_TEST(integers_are_read_without_a_double)
{
	TG_CHECK_INT(integer("0"), 0);
	TG_CHECK_INT(integer("-0"), 0);
	TG_CHECK_INT(integer("-17"), -17);
	TG_CHECK_INT(integer("9007199254740993"), 9007199254740993);
	TG_CHECK_INT(integer("9223372036854775807"), INT64_MAX);
	TG_CHECK_INT(integer("-9223372036854775808"), INT64_MIN);
}

TG_TEST(integers_are_refused_when_they_are_none)
{
	static const char *const texts[] = { "",
					     "-",
					     "+1",
					     "1.0",
					     "1e3",
					     "01",
					     "-01",
					     " 1",
					     "1 ",
					     "9223372036854775808",
					     "-9223372036854775809",
					     "99999999999999999999",
					     "1a",
					     "/" };
	int64_t value = 5;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		TG_CHECK_INT(tg_json_integer(tg_view_str(texts[i]), &value), TG_ERR_PROTOCOL);
	TG_CHECK_INT(value, 5);
}

static void unescapes(const char *json, const char *want, size_t want_bytes)
{
	uint8_t at[128];
	int bytes = tg_json_unescape(tg_view_str(json), at, sizeof(at));

	TG_CHECK(bytes >= 0);
	TG_CHECK_BYTES(at, (size_t)bytes, want, want_bytes);
}

TG_TEST(strings_are_unescaped)
{
	unescapes("\"\"", "", 0);
	unescapes("\"plain text of more than eight\"", "plain text of more than eight", 29);
	unescapes("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8);
	unescapes("\"a\\u0000b\"", "a\0b", 3);
	unescapes("\"\\u0041\\u00e9\\u20AC\"", "A\xc3\xa9\xe2\x82\xac", 6);
	unescapes("\"\\ud83d\\ude00!\"", "\xf0\x9f\x98\x80!", 5);
	unescapes("\"\\ud800\"", "\xed\xa0\x80", 3);
	unescapes("\"\\ud800\\u0041\"",
		  "\xed\xa0\x80"
		  "A",
		  4);
	unescapes("\"\\udc00\\ud800x\"", "\xed\xb0\x80\xed\xa0\x80x", 7);
	unescapes("\"caf\xc3\xa9\"", "caf\xc3\xa9", 5);
}

TG_TEST(strings_are_refused_when_they_are_none)
{
	static const char *const texts[] = { "",          "\"",          "x",          "\"a",
					     "a\"",       "\"a\"b\"",    "\"\\x\"",    "\"\\\"",
					     "\"\\u12\"", "\"\\u00g0\"", "\"\\u-123\"" };
	uint8_t at[16];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		TG_CHECK_INT(tg_json_unescape(tg_view_str(texts[i]), at, sizeof(at)),
			     TG_ERR_PROTOCOL);
	TG_CHECK_INT(tg_json_unescape(tg_view_str("\"abc\""), at, 2), TG_ERR_LIMIT);
	TG_CHECK_INT(tg_json_unescape(tg_view_str("\"abc\""), at, 3), 3);
}

static void quotes(const char *bytes, size_t count, const char *want, bool raw)
{
	char at[128];
	struct tg_out out = { .at = (uint8_t *)at, .cap = sizeof(at) };

	if (raw)
		tg_json_quote_raw(tg_view_of(bytes, count), &out);
	else
		tg_json_quote(tg_view_of(bytes, count), &out);
	TG_CHECK_BYTES(at, tg_out_filled(&out), want, strlen(want));
}

TG_TEST(strings_are_quoted_as_the_server_does)
{
	quotes("", 0, "\"\"", true);
	quotes("a/b\x7f\xe2\x80\xa8", 7, "\"a/b\x7f\xe2\x80\xa8\"", true);
	quotes("\0\x01\x0b\x1f\"\\\b\f\n\r\t", 11,
	       "\"\\u0000\\u0001\\u000B\\u001F\\\"\\\\\\b\\f\\n\\r\\t\"", true);
	quotes("\xed\xa0\x80\xff", 4, "\"\xed\xa0\x80\xff\"", true);
}

TG_TEST(quoted_strings_are_always_valid)
{
	quotes("caf\xc3\xa9 \xf0\x9f\x98\x80", 10, "\"caf\xc3\xa9 \xf0\x9f\x98\x80\"", false);
	quotes("\xed\xa0\x80", 3, "\"\\ud800\"", false);
	quotes("\xed\xa0\xbd\xed\xb8\x80", 6, "\"\\ud83d\\ude00\"", false);
	quotes("\xed\xbf\xbf", 3, "\"\\udfff\"", false);
	quotes("a\xff\xc3", 3, "\"a\\ufffd\\ufffd\"", false);
}

/* What is quoted reads back, for every byte that a string may hold. */
TG_TEST(quoting_and_unescaping_are_inverse)
{
	uint8_t bytes[0x80], text[1024], back[0x80];
	struct tg_out out = { .at = text, .cap = sizeof(text) };

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	tg_json_quote(tg_view_of(bytes, sizeof(bytes)), &out);
	int got = tg_json_unescape(tg_view_of(text, tg_out_filled(&out)), back, sizeof(back));
	TG_CHECK_INT(got, (int)sizeof(bytes));
	TG_CHECK_BYTES(back, sizeof(back), bytes, sizeof(bytes));
}

/* Where a text goes that no window holds. */
struct spilled {
	struct tg_out out; /* first: the spill finds the rest by it */
	char text[64];
	size_t bytes;
};

static void spill(struct tg_out *out, const void *bytes, size_t count)
{
	struct spilled *spilled = (struct spilled *)(void *)out;

	TG_CHECK(count <= sizeof(spilled->text) - spilled->bytes);
	memcpy(spilled->text + spilled->bytes, bytes, count);
	spilled->bytes += count;
}

TG_TEST(text_spills_whole_and_in_order)
{
	struct spilled spilled = { .out = { .spill = spill } };

	tg_json_quote(tg_view_str("a\"b\n"), &spilled.out);
	tg_out_byte(&spilled.out, ',');
	tg_out_str(&spilled.out, "");
	tg_out_view(&spilled.out, tg_view_str("\xc3\xa9"));
	TG_CHECK_BYTES(spilled.text, spilled.bytes, "\"a\\\"b\\n\",\xc3\xa9", 11);
	TG_CHECK_INT(spilled.out.total, spilled.bytes);
}
