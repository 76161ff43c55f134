/* What a RavenDB sink writes for a record: commands, metadata, strings that RavenDB keeps. */
#include "drivers/raven/sink_frame.h"

#include "app/source.h"
#include "drivers/json/scan.h"
#include "drivers/raven/echo.h"
#include "drivers/raven/key.h"
#include "drivers/raven/sink_text.h"
#include "tests/check.h"

extern const struct tg_source_ops tg_rethink_source;

/* As RavenDB's own shape in `document`: the members as they are. */
static int raven_shape(const struct tg_columns *columns, const struct tg_record *record,
		       struct tg_out *out)
{
	return tg_rethink_source.shape(columns, record, out);
}

static const struct tg_source_ops raven = { .type = "ravendb",
					    .key_encode = tg_raven_key_encode,
					    .key_json = tg_raven_key_json,
					    .shape = raven_shape };

static struct {
	struct tg_raven_frame frame;
	struct tg_line line;
	char text[1 << 16];
} rig;

static void begin(const struct tg_source_ops *ops, const char *stream)
{
	rig.frame = (struct tg_raven_frame){ .id = "", .collection = "{table}" };
	rig.line = (struct tg_line){ .ops = ops,
				     .columns = { .shape = TG_SHAPE_DOCUMENT },
				     .instance = tg_view_str("p-0123456789abcdef"),
				     .stream = tg_view_str(stream) };
}

static struct tg_record record_of(const char *body, const char *key)
{
	const char *at = strstr(body, key);

	TG_CHECK(at != NULL);
	return (struct tg_record){ .op = TG_UPSERT,
				   .body = tg_view_str(body),
				   .key_at = (uint32_t)(at - body),
				   .key_bytes = (uint32_t)strlen(key),
				   .time_ms = 1700000000123,
				   .seq = 7 };
}

/* The command, written in windows of `cap` bytes. */
static const char *written(const struct tg_record *record, size_t cap)
{
	struct tg_out out = { .at = (uint8_t *)rig.text, .cap = cap };

	do {
		TG_CHECK(out.skip + cap < sizeof(rig.text));
		out.total = 0;
		TG_CHECK_INT(tg_raven_frame_write(&rig.frame, &rig.line, record, &out), 0);
		out.skip += cap;
		out.at += cap;
	} while (out.skip < out.total);
	rig.text[out.total] = '\0';
	return rig.text;
}

static const char *put(const char *body, const char *key, uint32_t flags)
{
	struct tg_record record = record_of(body, key);

	record.flags = flags;
	char *text = (char *)(uintptr_t)written(&record, 4096), *sum = strstr(text, "-Hash\":\"");
	TG_CHECK(sum != NULL && strspn(sum + 8, "0123456789abcdef") == 16);
	memmove(sum + 8, sum + 24, strlen(sum + 24) + 1);
	return text;
}

#define OURS                                                                          \
	"\"Tidegate-Instance\":\"p-0123456789abcdef\",\"Tidegate-Stream\":\"r/d/t\"," \
	"\"Tidegate-Seq\":7,\"Source-Modified\":\"2023-11-14T22:13:20.123Z\""

/* put() takes the sum's digits away: see frame_sums_what_the_source_will_see. */
#define SUM ",\"Tidegate-Hash\":\"\""

#define PUT_OF(id, meta, members)                                                           \
	",{\"Type\":\"PUT\",\"Id\":\"" id "\",\"ChangeVector\":null,\"Document\":{" members \
	",\"@metadata\":{\"@collection\":\"t\"," OURS meta SUM "}}}"

TG_TEST(frame_puts_a_row)
{
	begin(&tg_rethink_source, "r/d/t");
	TG_CHECK_STR(put("{\"a\":1,\"id\":\"k\"}", "\"k\"", 0),
		     PUT_OF("t/k", "", "\"a\":1,\"id\":\"k\""));
	TG_CHECK_STR(put("{\"id\":\"a\\\"b\"}", "\"a\\\"b\"", 0),
		     PUT_OF("t/a\\\"b", "", "\"id\":\"a\\\"b\""));
	rig.frame.collection = "All {database}";
	TG_CHECK(strstr(put("{\"id\":1}", "1", 0), "{\"@collection\":\"All d\",") != NULL);
	begin(&tg_rethink_source, "r/d/@empty");
	TG_CHECK(strstr(put("{\"id\":1}", "1", 0), "collection") == NULL);
}

TG_TEST(frame_is_the_same_in_any_window)
{
	static const char body[] = "{\"id\":1,\"s\":\"\xf0\x9f\x98\x80\xed\xa0\xbd\xed\xb8\x80\"}";
	struct tg_record record = record_of(body, "1");
	char whole[4096];

	begin(&tg_rethink_source, "r/d/t");
	record.flags = TG_REC_SURROGATE;
	snprintf(whole, sizeof(whole), "%s", written(&record, 4096));
	for (size_t cap = 1; cap < 40; cap++)
		TG_CHECK_STR(written(&record, cap), whole);
}

TG_TEST(frame_deletes)
{
	struct tg_record record = { .op = TG_DELETE, .body = tg_view_str("\"K\""), .seq = 8 };

	begin(&tg_rethink_source, "r/d/t");
	TG_CHECK_STR(written(&record, 4096),
		     ",{\"Type\":\"DELETE\",\"Id\":\"t/~k\",\"ChangeVector\":null}");
	begin(&raven, "r/d/Orders");
	TG_CHECK_STR(
		written(&record, 4096),
		",{\"Type\":\"PATCH\",\"Id\":\"K\",\"ChangeVector\":null,\"Patch\":{\"Script\":"
		"\"if (this['@metadata']['Tidegate-Stream'] === args.s) del(id(this));\","
		"\"Values\":{\"s\":\"r/d/Orders\"}}}");
}

TG_TEST(frame_replaces_by_delete_and_put)
{
	begin(&tg_rethink_source, "r/d/t");
	rig.frame.replace = true;
	TG_CHECK_STR(put("{\"id\":1}", "1", 0),
		     ",{\"Type\":\"DELETE\",\"Id\":\"t/1\",\"ChangeVector\":null}" PUT_OF(
			     "t/1", "", "\"id\":1"));
}

#define RAVEN_ROW                                                                            \
	"{\"Total\":1.10,\"n\":{\"@metadata\":0},\"@metadata\":{\"@collection\":\"Orders\"," \
	"\"@custom\":{\"x\":1},\"Raven-Clr-Type\":\"X, Y\",\"Tidegate-Instance\":\"old\","   \
	"\"Tidegate-Stream\":\"old\",\"Tidegate-Seq\":3,\"Source-Modified\":\"2020\","       \
	"\"@expires\":\"2030-01-01T00:00:00Z\",\"@refresh\":\"x\",\"@archive-at\":\"x\","    \
	"\"@archived\":true,\"@attachments\":[],\"@counters\":[\"c\"],\"@timeseries\":[],"   \
	"\"@change-vector\":\"A:1-x\",\"@flags\":\"HasRevisions\",\"@id\":\"orders/1-A\","   \
	"\"@etag\":5,\"@index-score\":1.5,\"@last-modified\":\"2026-11-21T10:01:45.5820723Z\"}}"

#define OURS_OF_ORDERS                                                                     \
	"\"Tidegate-Instance\":\"p-0123456789abcdef\",\"Tidegate-Stream\":\"r/d/Orders\"," \
	"\"Tidegate-Seq\":7,\"Source-Modified\":\"2023-11-14T22:13:20.123Z\""

TG_TEST(frame_keeps_what_is_the_users_of_the_metadata)
{
	begin(&raven, "r/d/Orders");
	TG_CHECK_STR(put(RAVEN_ROW, "\"orders/1-A\"", TG_REC_NESTED),
		     ",{\"Type\":\"PUT\",\"Id\":\"orders/1-A\",\"ChangeVector\":null,\"Document\":{"
		     "\"Total\":1.10,\"n\":{\"@metadata\":0},"
		     "\"@metadata\":{\"@collection\":\"Orders\"," OURS_OF_ORDERS
		     ",\"@custom\":{\"x\":1},\"Raven-Clr-Type\":\"X, Y\"" SUM "}}}");
	rig.frame.keep_expires = true;
	const char *text = put(RAVEN_ROW, "\"orders/1-A\"", TG_REC_NESTED);
	TG_CHECK(strstr(text, ",\"@expires\":\"2030-01-01T00:00:00Z\",\"@refresh\":\"x\","
			      "\"@archive-at\":\"x\",") != NULL);
}

TG_TEST(frame_lets_columns_decide_about_metadata)
{
	static const char spec[] = "-@metadata";

	begin(&raven, "r/d/Orders");
	rig.line.columns.spec = tg_view_of(spec, sizeof(spec));
	TG_CHECK(strstr(put(RAVEN_ROW, "\"orders/1-A\"", TG_REC_NESTED), "@custom") == NULL);
	rig.line.columns = (struct tg_columns){ .shape = TG_SHAPE_COLUMNS };
	TG_CHECK(strstr(put(RAVEN_ROW, "\"orders/1-A\"", TG_REC_NESTED), "@custom") == NULL);
}

/* A row of another database may have a member of that name: the server must not take it as its own.
 */
TG_TEST(frame_moves_a_member_that_is_called_metadata)
{
	begin(&tg_rethink_source, "r/d/t");
	TG_CHECK_STR(put("{\"@metadata\":\"x\",\"id\":1}", "1", 0),
		     PUT_OF("t/1", ",\"Source-Metadata\":\"x\"", "\"id\":1"));
	TG_CHECK_STR(put("{\"@metadata\":{\"@id\":\"evil\",\"a\":5},\"id\":1}", "1", TG_REC_NESTED),
		     PUT_OF("t/1", ",\"a\":5", "\"id\":1"));
	TG_CHECK_STR(put("{\"id\":1,\"s\":\"@metadata\\\"\"}", "1", 0),
		     PUT_OF("t/1", "", "\"id\":1,\"s\":\"@metadata\\\"\""));
}

/* --- strings --- */

static const char *filtered(const char *text, size_t piece)
{
	static char at[256];
	struct tg_out out = { .at = (uint8_t *)at, .cap = sizeof(at) - 1 };
	struct tg_raven_text filter;
	size_t bytes = strlen(text);

	tg_raven_text_start(&filter, &out);
	for (size_t i = 0; i < bytes; i += piece)
		tg_out_put(&filter.out, text + i, bytes - i < piece ? bytes - i : piece);
	tg_raven_text_end(&filter);
	at[tg_out_filled(&out)] = '\0';
	return at;
}

TG_TEST(text_is_what_raven_keeps)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "{\"a\":\"b\"}", "{\"a\":\"b\"}" },
		{ "\\ud83d\\ude00", "\xf0\x9f\x98\x80" },
		{ "\\uD83D\\uDE00!", "\xf0\x9f\x98\x80!" },
		{ "\\udbff\\udfff", "\xf4\x8f\xbf\xbf" },
		{ "\\ud800\\udc00", "\xf0\x90\x80\x80" },
		{ "\\ud83dx", "\xef\xbf\xbdx" },
		{ "\\ude00", "\xef\xbf\xbd" },
		{ "\\ude00\\ud83d", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\\ud83d\\ud83d\\ude00", "\xef\xbf\xbd\xf0\x9f\x98\x80" },
		{ "\\ud83d\\n", "\xef\xbf\xbd\\n" },
		{ "\\ud83d\\u0041", "\xef\xbf\xbd\\u0041" },
		{ "\\\\ud83d", "\\\\ud83d" },
		{ "\\\\\\ud83d\\ude00", "\\\\\xf0\x9f\x98\x80" },
		{ "\\u0000\\u001F\\u2028\\\"\\/", "\\u0000\\u001F\\u2028\\\"\\/" },
		{ "\xed\xa0\xbd\xed\xb8\x80", "\xf0\x9f\x98\x80" },
		{ "\xed\xa0\xbd.", "\xef\xbf\xbd." },
		{ "\xc3.", "\xef\xbf\xbd." },
		{ "\xc3\xc3\xa9", "\xef\xbf\xbd\xc3\xa9" },
		{ "\x80\xff", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xf0\x9f\x98", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xf0\x9f\x98\x80\xc3\xa9\xe6\xbc\xa2", "\xf0\x9f\x98\x80\xc3\xa9\xe6\xbc\xa2" },
		{ "\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t piece = 1; piece < 8; piece++)
			if (strcmp(filtered(cases[i].text, piece), cases[i].want) != 0)
				TG_FAIL("case %zu in pieces of %zu: %s", i, piece,
					filtered(cases[i].text, piece));
}

TG_TEST(frame_filters_only_what_needs_it)
{
	begin(&tg_rethink_source, "r/d/t");
	TG_CHECK_STR(put("{\"id\":1,\"s\":\"\\ud83d\\ude00\"}", "1", 0),
		     PUT_OF("t/1", "", "\"id\":1,\"s\":\"\xf0\x9f\x98\x80\""));
	TG_CHECK_INT(rig.frame.replaced, 0);
	TG_CHECK_STR(put("{\"id\":1,\"s\":\"\\ud83d\"}", "1", 0),
		     PUT_OF("t/1", "", "\"id\":1,\"s\":\"\xef\xbf\xbd\""));
	TG_CHECK_INT(rig.frame.replaced, 0); /* sequence 7 was counted the first time */
	rig.frame.counted = 0;
	TG_CHECK_STR(put("{\"id\":1,\"s\":\"\xed\xa0\xbd\"}", "1", TG_REC_SURROGATE),
		     PUT_OF("t/1", "", "\"id\":1,\"s\":\"\xef\xbf\xbd\""));
	TG_CHECK_INT(rig.frame.replaced, 1);
	(void)put("{\"id\":1,\"s\":\"\xed\xa0\xbd\"}", "1", TG_REC_SURROGATE);
	TG_CHECK_INT(rig.frame.replaced, 1);
}

TG_TEST(frame_refuses_what_is_no_row)
{
	struct tg_record record = record_of("{\"id\":1}", "1");
	struct tg_out out = { .at = NULL };

	begin(&tg_rethink_source, "r/d/t");
	record.key_at = 100;
	TG_CHECK_INT(tg_raven_frame_write(&rig.frame, &rig.line, &record, &out), TG_ERR_DAMAGED);
	record = record_of("{\"id\":1}", "1");
	record.flags = TG_REC_OVERSIZE;
	TG_CHECK_INT(tg_raven_frame_write(&rig.frame, &rig.line, &record, &out), TG_ERR_LIMIT);
	record = record_of("{\"id\":nul", "nul");
	TG_CHECK_INT(tg_raven_frame_write(&rig.frame, &rig.line, &record, &out), TG_ERR_DAMAGED);
}

/* --- the sum --- */

/* What a source reads once the server has the document: its own metadata stands behind ours. */
static bool is_echo(const char *command, const char *from, const char *to)
{
	static char text[8192];
	struct tg_raven_meta meta;
	const char *document = strstr(command, "\"Document\":") + 11, *at;
	size_t bytes = strlen(document) - 3; /* its metadata's brace, its own, the command's */

	snprintf(
		text, sizeof(text),
		"%.*s,\"@change-vector\":\"A:7-x\",\"@attachments\":[],\"@flags\":\"HasRevisions\","
		"\"@id\":%s}}",
		(int)bytes, document, "\"t/1\"");
	if ((at = strstr(text, from)) != NULL) {
		size_t rest = strlen(at + strlen(from)) + 1;
		memmove(text + (at - text) + strlen(to), at + strlen(from), rest);
		memcpy(text + (at - text), to, strlen(to));
	}
	TG_CHECK(at != NULL);
	struct tg_view body = tg_view_str(text), metadata = tg_member_of(body, "@metadata");
	TG_CHECK_INT(tg_raven_meta_read(&meta, metadata), TG_OK);
	TG_CHECK(meta.replicated && meta.sum.bytes == TG_RAVEN_ECHO_BYTES + 2);
	return tg_raven_echo_same(body, metadata, &meta);
}

static const char *sent(const char *body, uint32_t flags)
{
	struct tg_record record = record_of(body, "1");

	record.flags = flags;
	return written(&record, 4096);
}

TG_TEST(frame_sums_what_the_source_will_see)
{
	static const char row[] =
		"{\"id\":1,\"a\":-0,\"s\":\"\\u00e9\\/\\u001f\",\"l\":[1, -0.5, {}]}";
	const char *command;

	begin(&tg_rethink_source, "r/d/t");
	command = sent(row, 0);
	TG_CHECK(is_echo(command, "\"id\"", "\"id\""));
	/* As the server writes them. */
	TG_CHECK(is_echo(command, ":-0,", ":0,"));
	TG_CHECK(is_echo(command, "\\u00e9\\/\\u001f", "\xc3\xa9/\\u001F"));
	TG_CHECK(is_echo(command, "[1, -0.5, {}]", "[1,-0.5,{}]"));
	/* As a client does. */
	TG_CHECK(!is_echo(command, "-0.5", "0.5"));
	TG_CHECK(!is_echo(command, "\"l\":", "\"m\":"));
	TG_CHECK(!is_echo(command, "\"id\":1,", ""));
	TG_CHECK(!is_echo(command, "{}", "[]"));
	TG_CHECK(!is_echo(command, "\"s\":\"", "\"s\":\" "));
	TG_CHECK(!is_echo(command, "\"t/1\"}", "\"t/2\"}"));
	TG_CHECK(!is_echo(command, "\"@collection\":\"t\"", "\"@collection\":\"u\""));
	TG_CHECK(!is_echo(command, ",\"Source", ",\"Mine\":1,\"Source"));
	command = sent("{\"id\":1,\"s\":\"\\ud83d\\ude00\\ud83d\"}", 0);
	TG_CHECK(is_echo(command, "\xef\xbf\xbd", "\xef\xbf\xbd"));
	command = sent("{\"id\":1,\"s\":\"\xed\xa0\xbd\"}", TG_REC_SURROGATE);
	TG_CHECK(is_echo(command, "\xef\xbf\xbd", "\xef\xbf\xbd"));
}

TG_TEST(frame_sums_the_users_metadata)
{
	begin(&tg_rethink_source, "r/d/t");
	const char *command = sent("{\"id\":1,\"@metadata\":{\"@b\":1,\"x\":\"\\ud83d\",\"y\":[]}}",
				   TG_REC_NESTED);
	TG_CHECK(is_echo(command, "\"@b\":1,", "")); /* the server's, or a clock's */
	TG_CHECK(is_echo(command, "\"x\":\"\xef\xbf\xbd\",\"y\":[]",
			 "\"y\":[],\"x\":\"\xef\xbf\xbd\""));
	TG_CHECK(!is_echo(command, "\"y\":[]", "\"y\":1"));
	TG_CHECK(!is_echo(command, ",\"y\":[]", ""));
}

TG_TEST(sum_is_the_same_in_any_pieces)
{
	static const char json[] =
		",\"a\\\"b\":[-0,-0.5,-1e-0, true ],\"c\\u0022\\ud83d\\ude00\":\"\\\\"
		"long enough for several words at once \\ud83d\",\"-0 \":{}";
	struct tg_raven_echo echo;
	uint64_t whole = 0;

	for (size_t piece = sizeof(json); piece > 0; piece--) {
		tg_raven_echo_start(&echo);
		for (size_t at = 0; at < sizeof(json) - 1; at += piece) {
			size_t rest = sizeof(json) - 1 - at;
			tg_out_put(&echo.out, json + at, rest < piece ? rest : piece);
		}
		uint64_t sum = tg_raven_echo_end(&echo);
		whole = piece == sizeof(json) ? sum : whole;
		TG_CHECK(sum == whole);
	}
}

/* Texts that would look alike without their escapes. */
TG_TEST(sum_tells_quotes_from_quotes)
{
	static const char *const texts[] = { "[\"a\",\"b\"]", "[\"a\\\",\\\"b\"]",
					     "[\"a\\u0022,\",\"b\"]", "[\"a,b\"]",
					     "[\"a\\\\\",\"b\"]" };
	uint64_t sums[5];
	struct tg_raven_echo echo;

	for (unsigned i = 0; i < 5; i++) {
		tg_raven_echo_start(&echo);
		tg_raven_echo_put(&echo, tg_view_str(texts[i]));
		sums[i] = tg_raven_echo_end(&echo);
		for (unsigned k = 0; k < i; k++)
			TG_CHECK(sums[i] != sums[k]);
	}
	tg_raven_echo_start(&echo);
	tg_raven_echo_text(&echo, tg_view_str("a\"b"));
	uint64_t plain = tg_raven_echo_end(&echo);
	tg_raven_echo_start(&echo);
	tg_raven_echo_put(&echo, tg_view_str("\"a\\u0022b\""));
	TG_CHECK(tg_raven_echo_end(&echo) == plain);
}
