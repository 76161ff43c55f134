/* Goal: the scanner finds the same end, members and flags whatever the pieces it is fed.
 * Method: every text goes in whole, split in two at every byte, and byte by byte with what
 * tg_scan_keep() gives free thrown away; each piece lies at the very end of its memory. */
#include "drivers/json/scan.h"

#include "tests/check.h"

enum { TEXT_MAX = 20000 };
static uint8_t memory[TEXT_MAX];

struct seen {
	int rc;
	uint32_t flags;
	uint64_t pos, at[2], bytes[2];
};

static void start(struct tg_scan *scan)
{
	memset(scan, 0xa5, sizeof(*scan));
	scan->watch[0].name = tg_view_str("id");
	scan->watch[1].name = tg_view_str("updated_at");
	scan->watch_count = 2;
	tg_scan_start(scan);
}

static struct seen seen_of(const struct tg_scan *scan, int rc)
{
	struct seen seen = { .rc = rc, .flags = scan->flags, .pos = scan->pos };

	for (int i = 0; i < 2; i++) {
		seen.bytes[i] = scan->watch[i].bytes;
		seen.at[i] = seen.bytes[i] == 0 ? 0 : scan->watch[i].at;
	}
	return seen;
}

/* Feeds text[base..end), placed so that a byte read beyond it is a byte beyond the array. */
static int feed(struct tg_scan *scan, struct tg_view text, size_t base, size_t end)
{
	uint8_t *at = memory + TEXT_MAX - (end - base);

	memcpy(at, text.at + base, end - base);
	return tg_scan_feed(scan, at, end - base, base);
}

static struct seen whole(struct tg_view text)
{
	struct tg_scan scan;

	start(&scan);
	int rc = feed(&scan, text, 0, text.bytes);
	return seen_of(&scan, rc);
}

static struct seen in_two(struct tg_view text, size_t split)
{
	struct tg_scan scan;

	start(&scan);
	int rc = feed(&scan, text, 0, split);
	if (rc == TG_ERR_AGAIN) {
		TG_CHECK_INT(scan.pos, split);
		size_t keep = (size_t)tg_scan_keep(&scan);
		TG_CHECK(keep <= split);
		rc = feed(&scan, text, keep, text.bytes);
	}
	return seen_of(&scan, rc);
}

static struct seen in_pieces(struct tg_view text, size_t piece)
{
	struct tg_scan scan;
	int rc = TG_ERR_AGAIN;

	start(&scan);
	for (size_t end = piece; rc == TG_ERR_AGAIN; end += piece) {
		end = end < text.bytes ? end : text.bytes;
		rc = feed(&scan, text, (size_t)tg_scan_keep(&scan), end);
		if (end == text.bytes)
			break;
	}
	return seen_of(&scan, rc);
}

static void same(struct seen a, struct seen b, const char *text, size_t split)
{
	if (a.rc != b.rc || a.flags != b.flags || a.pos != b.pos ||
	    memcmp(a.at, b.at, sizeof(a.at)) != 0 || memcmp(a.bytes, b.bytes, sizeof(a.bytes)) != 0)
		TG_FAIL("split at %zu: rc %d/%d flags %u/%u pos %" PRIu64 "/%" PRIu64 ": %.200s",
			split, a.rc, b.rc, a.flags, b.flags, a.pos, b.pos, text);
}

static struct seen every_way(struct tg_view text)
{
	struct seen want = whole(text);

	for (size_t split = 0; split <= text.bytes; split++)
		same(want, in_two(text, split), (const char *)text.at, split);
	for (size_t piece = 1; piece <= 9; piece++)
		same(want, in_pieces(text, piece), (const char *)text.at, piece);
	return want;
}

/* The text is a value and a byte more, which is no part of it. */
static void takes_bytes(const char *text, size_t bytes, uint32_t flags)
{
	struct seen seen = every_way(tg_view_of(text, bytes));

	if (seen.rc != TG_OK || seen.pos != bytes - 1 || seen.flags != flags)
		TG_FAIL("rc %d, ends at %" PRIu64 " of %zu, flags %u: %s", seen.rc, seen.pos, bytes,
			seen.flags, text);
}

static void takes(const char *text, uint32_t flags)
{
	takes_bytes(text, strlen(text), flags);
}

static void refuses_bytes(const char *text, size_t bytes, size_t where)
{
	struct seen seen = every_way(tg_view_of(text, bytes));

	if (seen.rc != TG_ERR_PROTOCOL || seen.pos != where)
		TG_FAIL("rc %d at %" PRIu64 ", not at %zu: %s", seen.rc, seen.pos, where, text);
}

static void refuses(const char *text, size_t where)
{
	refuses_bytes(text, strlen(text), where);
}

TG_TEST(scan_takes_every_kind_of_value)
{
	static const char *const texts[] = {
		"null,",
		"true]",
		"false}",
		"0,",
		"-0,",
		"-0.0,",
		"12345 ",
		"-9007199254740993.0,",
		"1e300,",
		"1E+5,",
		"5e-324,",
		"1.25e-7]",
		"\"\",",
		"\"a\"}",
		"[],",
		"{},",
		"[[]]]",
		"{\"\":\"\"},",
		"[1,-2.5,\"x\",true,false,null],",
		"{\"a\":1,\"b\":\"two\"},",
		" \t\r\n{ \"a\" : [ ] , \"b\" :\n1 } ",
		"[0,0.0,0e0,10,1.0e10 ,\t1] ",
		"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\u00Ff\\ud800\",",
		"{\"\\u0000\":\"\\u0000\"},",
		"\"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \x7f\",",
		"{\"\xd0\xba\xd0\xbb\":1},",
		"\"\xe0\xa0\x80 \xef\xbf\xbf \xf0\x90\x80\x80 \xf4\x8f\xbf\xbf \xc2\x80\",",
		"{\"id\":\"a1\",\"t\":true,\"f\":false,\"n\":null,\"long\":\"0123456789abcdef\"} ",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		takes(texts[i], strncmp(texts[i], " \t", 2) == 0 || strcmp(texts[i], "[[]]]") == 0
					? TG_SCAN_NESTED
					: 0);
}

TG_TEST(scan_flags_what_shaping_must_know)
{
	takes("{\"a\":{}},", TG_SCAN_NESTED);
	takes("{\"a\":[1]},", TG_SCAN_NESTED);
	takes("{\"_tidegate\":1},", TG_SCAN_RESERVED);
	takes("{\"a\":{\"_tidegate\":1}},", TG_SCAN_NESTED);
	takes("{\"_tidegate_\":1,\"_tidegat\":2,\"x_tidegate\":3},", 0);
	takes("{\"a\":\"_tidegate\",\"b\":\"$reql_type$\"},", 0);
	takes("{\"a\":{\"$reql_type$\":\"TIME\"}},", TG_SCAN_NESTED | TG_SCAN_PSEUDO);
	takes("{\"a\":[[{\"$reql_type$\" :\"TIME\"}]]},", TG_SCAN_NESTED | TG_SCAN_PSEUDO);
	takes("{\"$reql_type_\":1,\"$reql_type$x\":2},", 0);
	takes("{\"a\":\"\xed\xa0\x80\"},", TG_SCAN_SURROGATE);
	takes("{\"\xed\xbf\xbf\":1},", TG_SCAN_SURROGATE);
	takes("{\"a\":\"\xed\x9f\xbf\"},", 0);
	takes("{\"a\":\"\\ud800\"},", 0);
}

TG_TEST(scan_refuses_what_is_not_json)
{
	refuses("}", 0);
	refuses("nul,", 3);
	refuses("tru3 ", 3);
	refuses("falsE ", 4);
	refuses("True ", 0);
	refuses("NaN ", 0);
	refuses("+1 ", 0);
	refuses("01 ", 1);
	refuses("-01 ", 2);
	refuses("- ", 1);
	refuses("-a", 1);
	refuses(".5 ", 0);
	refuses("1. ", 2);
	refuses("1.e5 ", 2);
	refuses("1e ", 2);
	refuses("1e+ ", 3);
	refuses("1-1 ", 1);
	refuses("1.2.3 ", 3);
	refuses("1e5.2 ", 3);
	refuses("[1,] ", 3);
	refuses("[,1] ", 1);
	refuses("[1 2] ", 3);
	refuses("[1} ", 2);
	refuses("[\"a\":1] ", 4);
	refuses("[01] ", 2);
	refuses("[1.] ", 3);
	refuses("[1e] ", 3);
	refuses("[nulll] ", 5);
	refuses("{\"a\"} ", 4);
	refuses("{\"a\",1} ", 4);
	refuses("{\"a\":} ", 5);
	refuses("{\"a\":1,} ", 7);
	refuses("{\"a\":1 \"b\":2} ", 7);
	refuses("{\"a\":1] ", 6);
	refuses("{\"a\":01} ", 6);
	refuses("{\"a\":-} ", 6);
	refuses("{\"a\":1ee1} ", 7);
	refuses("{\"a\":truf} ", 8);
	refuses("{a:1} ", 1);
	refuses("{1:1} ", 1);
	refuses("{,} ", 1);
	refuses("{'a':1} ", 1);
	refuses("{\"a\"::1} ", 5);
	refuses("\"\\x\" ", 2);
	refuses("\"\\u12g4\" ", 5);
	refuses("\"\\u123\" ", 6);
	refuses("\"a\nb\" ", 2);
	refuses("{\"a\":\"tab\there\"} ", 9);
	refuses("{\"new\nline\":1} ", 5);
	refuses("{\"a\":\"\\'\"} ", 7);
	refuses_bytes("\"a\0b\"", 5, 2);
	refuses_bytes("\"\\\0\"", 4, 2);
	refuses_bytes("\0", 1, 0);
	refuses("/*c*/1", 0);
	refuses("\xef\xbb\xbf{}", 0);
}

TG_TEST(scan_flags_what_is_not_utf8)
{
	static const char *const bodies[] = { "\x80",
					      "\xbf",
					      "\xc0\x80",
					      "\xc1\xbf",
					      "\xff",
					      "\xc3",
					      "\xf5\x80\x80\x80",
					      "\xc3(",
					      "\xe0\x9f\x80",
					      "\xe2\x82",
					      "\xe2\x28\xa1",
					      "\xed\xa0(",
					      "\xf0\x8f\x80\x80",
					      "\xf0\x9f\x98",
					      "\xf4\x90\x80\x80",
					      "\xc3\xc3\xa9",
					      "\xe2\x82\xc3\xa9",
					      "a\xc3\\n",
					      "\xf0\x9f\x98\x80\x80" };
	char text[64];

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		sprintf(text, "\"%s\",", bodies[i]);
		takes(text, TG_SCAN_SURROGATE | TG_SCAN_NOT_UTF8);
		sprintf(text, "{\"%s\":1,\"b\":\"%s%s\"},", bodies[i], bodies[i], bodies[i]);
		takes(text, TG_SCAN_SURROGATE | TG_SCAN_NOT_UTF8);
	}
	refuses("\"\xc3\n\"", 2);
	refuses("{\xc3\xa9:1}", 1);
	refuses("\xc3\xa9", 0);
}

/* The watched value's text, or "-" when it was not seen. */
static void watched(const char *text, int which, const char *want)
{
	struct seen seen = every_way(tg_view_str(text));

	TG_CHECK_INT(seen.rc, TG_OK);
	if (seen.bytes[which] == 0)
		TG_CHECK_STR("-", want);
	else
		TG_CHECK_BYTES(text + seen.at[which], (size_t)seen.bytes[which], want,
			       strlen(want));
}

TG_TEST(scan_finds_watched_members)
{
	watched("{\"id\":\"a1\",\"v\":[1,2]},", 0, "\"a1\"");
	watched("{\"v\":1,\"id\":-12.5e3},", 0, "-12.5e3");
	watched("{\"v\":1,\"id\":true},", 0, "true");
	watched("{\"id\" : [1,[\"x\",{\"id\":3}], {}] , \"z\":0},", 0,
		"[1,[\"x\",{\"id\":3}], {}]");
	watched("{\"id\":{\"$reql_type$\":\"TIME\",\"epoch_time\":1,\"timezone\":\"+00:00\"}},", 0,
		"{\"$reql_type$\":\"TIME\",\"epoch_time\":1,\"timezone\":\"+00:00\"}");
	watched("{\"id\":7,\"updated_at\":1700000000.123},", 1, "1700000000.123");
	watched("{\"id\":\"\\u0001\xc3\xa9\\\"\"},", 0, "\"\\u0001\xc3\xa9\\\"\"");
	watched("{\"a\":{\"id\":1},\"b\":[{\"id\":2}],\"c\":\"id\"},", 0, "-");
	watched("{\"idx\":1,\"i\":2,\"ID\":3,\"i\\u0064\":4},", 0, "-");
	watched("{\"id\":1,\"id\":2},", 0, "1");
	watched("[{\"id\":1}],", 0, "-");
	watched("{\"updated_at\":null,\"id\":\"\"},", 0, "\"\"");
	watched("{\"updated_at\":null,\"id\":\"\"},", 1, "null");
}

static size_t repeat(char *at, const char *text, size_t count)
{
	size_t used = 0;

	for (size_t i = 0; i < count; i++)
		used += (size_t)sprintf(at + used, "%s", text);
	return used;
}

static struct seen scan_nested(size_t levels, const char *open, const char *core, const char *close)
{
	static char text[TEXT_MAX];
	size_t bytes = repeat(text, open, levels);

	bytes += repeat(text + bytes, core, 1);
	bytes += repeat(text + bytes, close, levels);
	struct tg_view view = tg_view_of(text, bytes);
	struct seen seen = whole(view);
	same(seen, in_pieces(view, 1), text, 1);
	same(seen, in_pieces(view, 7), text, 7);
	same(seen, in_two(view, bytes / 2), text, bytes / 2);
	if (seen.rc == TG_OK)
		TG_CHECK_INT(seen.pos, bytes);
	return seen;
}

TG_TEST(scan_keeps_levels_up_to_its_limit_and_counts_deeper_ones)
{
	enum { MAX = CONFIG_TG_JSON_DEPTH_MAX < 2000 ? CONFIG_TG_JSON_DEPTH_MAX : 2000 };
	const bool small = MAX == CONFIG_TG_JSON_DEPTH_MAX;
	uint32_t deep = small ? TG_SCAN_DEEP : 0;

	TG_CHECK_INT(scan_nested(MAX, "[", "", "]").flags, TG_SCAN_NESTED);
	TG_CHECK_INT(scan_nested(MAX, "[", "1", "]").rc, TG_OK);
	TG_CHECK_INT(scan_nested(MAX + 1, "[", "", "]").flags, TG_SCAN_NESTED | deep);
	TG_CHECK_INT(scan_nested(MAX * 3 / 2, "[", "\"]\\\"]\"", "]").rc, TG_OK);
	TG_CHECK_INT(scan_nested(MAX + 9, "{\"\":", "\"}\\\\\"", "}").rc, TG_OK);
	TG_CHECK_INT(scan_nested(MAX + 9, "{\"\":", "0", "}").flags, TG_SCAN_NESTED | deep);
	TG_CHECK_INT(scan_nested(MAX + 1, "[", "", "],").flags, TG_SCAN_NESTED | deep);
	TG_CHECK_INT(scan_nested(9, "{\"a\":[", "0", "]]").rc, TG_ERR_PROTOCOL);
}

TG_TEST(scan_lets_go_of_large_values_and_names)
{
	static char text[2 * TG_SCAN_WATCH_BYTES_MAX + 64];
	struct tg_scan scan;
	size_t large = TG_SCAN_WATCH_BYTES_MAX + 100, used;

	used = (size_t)sprintf(text, "{\"%0*d\":1,\"id\":\"%0*d\",\"updated_at\":\"x\"}", 5000, 7,
			       (int)large, 7);
	start(&scan);
	for (size_t end = 1; end <= used; end++) {
		uint64_t keep = tg_scan_keep(&scan);
		TG_CHECK(scan.pos - keep <= TG_SCAN_WATCH_BYTES_MAX);
		int rc = tg_scan_feed(&scan, (uint8_t *)text + keep, end - keep, keep);
		TG_CHECK_INT(rc, end < used ? TG_ERR_AGAIN : TG_OK);
	}
	TG_CHECK_INT(scan.watch[0].bytes, large + 2);
	TG_CHECK_INT(scan.watch[1].bytes, 3);
	TG_CHECK_BYTES(text + scan.watch[1].at, 3, "\"x\"", 3);
}

/* Rows drawn from a seed, with white space and all kinds of values, split at random places. */
static uint64_t draw(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

TG_TEST(scan_of_random_bytes_never_depends_on_the_pieces)
{
	static const char *const bits[] = { "{",
					    "}",
					    "[",
					    "]",
					    ",",
					    ":",
					    "\"",
					    "\\",
					    "\"id\":",
					    "\"a\"",
					    "true",
					    "null",
					    "0",
					    "-1",
					    "2.5",
					    "1e3",
					    " ",
					    "\xc3\xa9",
					    "\xed\xa0\x80",
					    "\xff",
					    "\\u12",
					    "\"$reql_type$\":",
					    "{\"x\":",
					    "[1,2,",
					    "\"abcdefghijkl\",",
					    "\n" };
	uint64_t seed = 20261121;

	for (int round = 0; round < 20000; round++) {
		uint64_t from = seed;
		char text[256];
		size_t used = (size_t)sprintf(text, "%s", draw(&seed) % 2 != 0 ? "{\"q\":" : "[");
		for (uint64_t n = draw(&seed) % 12; n > 0; n--)
			used += (size_t)sprintf(text + used, "%s", bits[draw(&seed) % 26]);
		struct tg_view view = tg_view_of(text, used);
		struct seen a = whole(view), b = in_two(view, (size_t)(draw(&seed) % (used + 1)));
		struct seen c = in_pieces(view, 1 + (size_t)(draw(&seed) % 4));
		TG_CHECK_SEED(from, a.rc == b.rc && a.pos == b.pos && a.flags == b.flags);
		TG_CHECK_SEED(from, a.rc == c.rc && a.pos == c.pos && a.flags == c.flags);
		TG_CHECK_SEED(from, memcmp(a.at, b.at, sizeof(a.at)) == 0 &&
					    memcmp(a.at, c.at, sizeof(a.at)) == 0);
	}
}
