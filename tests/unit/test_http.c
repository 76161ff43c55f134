/* The answer's parser at every split, its limits, dates and gzip. */
#include "drivers/http/date.h"
#include "drivers/http/gzip.h"
#include "drivers/http/response.h"
#include "drivers/http/token.h"
#include "tests/check.h"

enum { BODY_BYTES = 64, EACH = 0 };

static struct tg_http_response response;
static uint8_t body[BODY_BYTES];
static struct tg_why why;

/* Feeds `text` in runs of `step` bytes (EACH: in one). Returns the last result; `used` counts all.
 */
static int feed(const char *text, size_t bytes, size_t step, size_t *used)
{
	uint8_t copy[65536]; /* so that reading beyond the run is seen by the sanitizer */
	int err = TG_OK;

	*used = 0;
	if (step == EACH)
		step = bytes;
	while (*used < bytes && err == TG_OK && !response.done) {
		size_t run = bytes - *used < step ? bytes - *used : step;
		struct tg_http_taken taken;

		TG_CHECK(run <= sizeof(copy));
		memcpy(copy, text + *used, run);
		err = tg_http_response_take(&response, tg_view_of(copy, run), &taken, &why);
		TG_CHECK(taken.used <= run && taken.body.bytes <= taken.used);
		TG_CHECK(err != TG_OK || taken.used > 0);
		tg_http_response_keep(&response, taken.body);
		*used += taken.used;
	}
	return err != TG_OK || response.done ? err : TG_ERR_AGAIN;
}

/* The same answer in every way to cut it in two, in single bytes and as a whole. */
static void check_all_splits(const char *text, const char *want_body, size_t behind)
{
	size_t bytes = strlen(text), used, took;

	for (size_t cut = 0; cut <= bytes; cut++) {
		memset(body, 0xee, sizeof(body));
		tg_http_response_start(&response, body, sizeof(body), false);
		int err = feed(text, cut, EACH, &used);
		if (err == TG_ERR_AGAIN) {
			err = feed(text + used, bytes - used, EACH, &took);
			used += took;
		}
		TG_CHECK_INT(err, 0);
		TG_CHECK_INT(used, bytes - behind);
		TG_CHECK_BYTES(body, response.body_bytes, want_body, strlen(want_body));
	}
	tg_http_response_start(&response, body, sizeof(body), false);
	TG_CHECK_INT(feed(text, bytes, 1, &used), 0);
	TG_CHECK_BYTES(body, response.body_bytes, want_body, strlen(want_body));
}

static int feed_text(const char *text)
{
	size_t used;

	tg_http_response_start(&response, body, sizeof(body), false);
	return feed(text, strlen(text), EACH, &used);
}

static void refuses(const char *text, int err)
{
	size_t used;

	why.text[0] = '\0';
	TG_CHECK_INT(feed_text(text), err);
	TG_CHECK(why.text[0] != '\0');
	tg_http_response_start(&response, body, sizeof(body), false);
	TG_CHECK_INT(feed(text, strlen(text), 1, &used), err);
}

TG_TEST(http_reads_a_sized_answer)
{
	check_all_splits("HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8 \r\n"
			 "content-length:\t7\r\nDate: x\r\nX-Other: \xff\r\n\r\n{\"a\":1}HTTP/1.1 ",
			 "{\"a\":1}", 9);
	TG_CHECK_INT(response.status, 200);
	TG_CHECK(response.keep_alive);
	TG_CHECK_STR(response.content_type, "application/json; charset=utf-8");
}

TG_TEST(http_reads_chunks)
{
	check_all_splits("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
			 "3\r\nabc\r\n00A ; x=\"y\"\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n",
			 "abc0123456789", 0);
	TG_CHECK(response.keep_alive && !response.encoded);
}

TG_TEST(http_passes_interim_answers_over)
{
	check_all_splits(
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n"
		"Content-Length: 99\r\n\r\nHTTP/1.1 204 No Content\r\nRetry-After: 5\r\n\r\n",
		"", 0);
	TG_CHECK_INT(response.status, 204);
	TG_CHECK_STR(response.retry_after, "5");
}

TG_TEST(http_reads_to_the_end)
{
	TG_CHECK_INT(feed_text("HTTP/1.0 200\r\n\r\nabc"), TG_ERR_AGAIN);
	TG_CHECK_INT(tg_http_response_end(&response, &why), 0);
	TG_CHECK_BYTES(body, response.body_bytes, "abc", 3);
	TG_CHECK(!response.keep_alive);
	TG_CHECK_INT(feed_text("HTTP/1.1 200 OK\nContent-Length: 4\n\nabc"), TG_ERR_AGAIN);
	TG_CHECK_INT(tg_http_response_end(&response, &why), TG_ERR_CLOSED);
	TG_CHECK_INT(feed_text(""), TG_ERR_AGAIN);
	TG_CHECK_INT(tg_http_response_end(&response, &why), TG_ERR_CLOSED);
	TG_CHECK(strstr(why.text, "without an answer") != NULL);
	tg_http_response_start(&response, body, sizeof(body), true);
	size_t used;
	TG_CHECK_INT(feed("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", 38, EACH, &used), 0);
}

TG_TEST(http_knows_whether_to_stay)
{
	TG_CHECK_INT(
		feed_text("HTTP/1.1 200 OK\r\nConnection: foo, Close\r\nContent-Length: 0\r\n\r\n"),
		0);
	TG_CHECK(!response.keep_alive);
	TG_CHECK_INT(
		feed_text("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n"),
		0);
	TG_CHECK(response.keep_alive);
	TG_CHECK_INT(feed_text("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"), 0);
	TG_CHECK(!response.keep_alive);
	TG_CHECK_INT(
		feed_text(
			"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
			"0\r\n\r\n"),
		0);
	TG_CHECK(!response.keep_alive);
	TG_CHECK_INT(feed_text("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\nContent-Length: "
			       "5\r\n\r\n12345"),
		     0);
	TG_CHECK(response.keep_alive);
	TG_CHECK_INT(
		feed_text("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n"),
		0);
	TG_CHECK(response.encoded);
}

TG_TEST(http_refuses_what_is_no_http)
{
	refuses("\x15\x03\x01\x00\x02\x02\x46", TG_ERR_PEER_TLS);
	refuses("SSH-2.0-OpenSSH_9.2\r\n", TG_ERR_PEER_OTHER);
	refuses("{\"error\":1}", TG_ERR_PEER_OTHER);
	refuses("HTTP/2 200\r\n\r\n", TG_ERR_PROTOCOL);
	refuses("HTTP/1.1 20\r\n\r\n", TG_ERR_PROTOCOL);
	refuses("HTTP/1.1 2000 OK\r\n\r\n", TG_ERR_PROTOCOL);
	refuses("HTTP/1.1 099 OK\r\n\r\n", TG_ERR_PROTOCOL);
	refuses("HTTP/1.1  200 OK\r\n\r\n", TG_ERR_PROTOCOL);
	refuses("HTTPS\r\n\r\n", TG_ERR_PROTOCOL);
	refuses("HTTP/1.1 101 Switching\r\n\r\n", TG_ERR_PROTOCOL);
}

TG_TEST(http_refuses_nasty_headers)
{
	static const char *const lines[] = {
		"Content-Length : 5",
		"Content-Length: -5",
		"Content-Length: 5a",
		"Content-Length:",
		"Content-Length: 5\r\nContent-Length: 6",
		"Content-Length: 5, 6",
		"Content-Length: 99999999999999999999",
		" folded: x",
		"X: y\r\n z",
		"nocolon",
		": empty",
		"na me: x",
		"X: a\rb",
	};
	char text[512];

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		(void)snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\n%s\r\n\r\n", lines[i]);
		refuses(text, TG_ERR_PROTOCOL);
	}
	refuses("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", TG_ERR_PROTOCOL);
	refuses("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", TG_ERR_PROTOCOL);
	refuses("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1234567890abcdef\r\n",
		TG_ERR_PROTOCOL);
	refuses("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n",
		TG_ERR_PROTOCOL);
}

TG_TEST(http_heads_are_bounded)
{
	static char text[4 * CONFIG_TG_HTTP_HEAD_BYTES_MAX];
	size_t used, at;

	memset(text, 'a', sizeof(text));
	memcpy(text, "HTTP/1.1 ", 9);
	tg_http_response_start(&response, body, sizeof(body), false);
	TG_CHECK_INT(feed(text, sizeof(text), 1000, &used), TG_ERR_LIMIT);
	TG_CHECK(used <= CONFIG_TG_HTTP_HEAD_BYTES_MAX + 1000);
	/* One long line is passed over as long as it does not frame the body. */
	at = (size_t)snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nX-Long: ");
	memset(text + at, 'b', 2 * CONFIG_TG_HTTP_LINE_BYTES_MAX);
	at += 2 * CONFIG_TG_HTTP_LINE_BYTES_MAX;
	at += (size_t)snprintf(text + at, sizeof(text) - at, "\r\nContent-Length: 2\r\n\r\nok");
	tg_http_response_start(&response, body, sizeof(body), false);
	TG_CHECK_INT(feed(text, at, 1000, &used), 0);
	TG_CHECK_BYTES(body, response.body_bytes, "ok", 2);
	for (int i = 0; i < 20; i++)
		memcpy(text + i * 16, "HTTP/1.1 100\r\n\r\n", 16);
	tg_http_response_start(&response, body, sizeof(body), false);
	TG_CHECK_INT(feed(text, 20 * 16, 7, &used), TG_ERR_PROTOCOL);
}

/* The bytes of a long body are the caller's; its buffer keeps the first ones. */
TG_TEST(http_bodies_are_kept_in_part)
{
	static char text[65536];
	size_t used;

	TG_CHECK_INT(feed_text("HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n"),
		     TG_ERR_AGAIN);
	TG_CHECK(response.headed && !response.done);
	memset(text, 'x', sizeof(text));
	for (unsigned i = 0; i < 10; i++)
		TG_CHECK_INT(feed(text, sizeof(text), EACH, &used), TG_ERR_AGAIN);
	TG_CHECK_INT(response.read_bytes, 10 * sizeof(text));
	TG_CHECK(response.body_cut && response.body_bytes == BODY_BYTES);
}

/* Wanted headers: any case, cut to their buffers, the last of several counts, empty when missing.
 */
TG_TEST(http_keeps_wanted_headers)
{
	static char text[3 * CONFIG_TG_HTTP_LINE_BYTES_MAX];
	char etag[8], id[32] = "old", other[4] = "old", lost[16];
	struct tg_http_wanted wanted[] = {
		{ .name = "ETag", .into = etag, .cap = sizeof(etag) },
		{ .name = "Database-Cluster-Tx-Id", .into = id, .cap = sizeof(id) },
		{ .name = "X-Other", .into = other, .cap = sizeof(other) },
		{ .name = "X-Long", .into = lost, .cap = sizeof(lost) },
	};
	size_t at, used;

	at = (size_t)snprintf(text, sizeof(text),
			      "HTTP/1.1 103 x\r\nX-Other: y\r\n\r\nHTTP/1.1 200 OK\r\n"
			      "database-cluster-tx-id: bZ==\r\nETAG: \"A:12-x\"\r\nX-Long: ");
	memset(text + at, 'b', 2 * CONFIG_TG_HTTP_LINE_BYTES_MAX);
	at += 2 * CONFIG_TG_HTTP_LINE_BYTES_MAX;
	at += (size_t)snprintf(text + at, sizeof(text) - at, "\r\nContent-Length: 0\r\n\r\n");
	tg_http_response_start(&response, body, sizeof(body), false);
	tg_http_response_want(&response, wanted, sizeof(wanted) / sizeof(wanted[0]));
	TG_CHECK_INT(feed(text, at, 100, &used), 0);
	TG_CHECK_STR(etag, "\"A:12-x");
	TG_CHECK_INT(wanted[0].bytes, 8);
	TG_CHECK_STR(id, "bZ==");
	TG_CHECK_INT(wanted[1].bytes, 4);
	TG_CHECK_STR(other, "");
	TG_CHECK_STR(lost, "");
	TG_CHECK(wanted[3].bytes >= wanted[3].cap);
}

TG_TEST(http_header_lines_are_counted)
{
	static char text[16 + 8 * (CONFIG_TG_HTTP_HEADERS_MAX + 2)];
	size_t at = (size_t)snprintf(text, sizeof(text), "HTTP/1.1 200\r\n");

	for (unsigned i = 0; i <= CONFIG_TG_HTTP_HEADERS_MAX; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "a: b\r\n");
	refuses(text, TG_ERR_LIMIT);
}

TG_TEST(http_dates)
{
	int64_t seconds;

	TG_CHECK(tg_http_date("Sun, 06 Nov 1994 08:49:37 GMT", &seconds));
	TG_CHECK_INT(seconds, 784111777);
	TG_CHECK(tg_http_date("Sunday, 06-Nov-94 08:49:37 GMT", &seconds));
	TG_CHECK_INT(seconds, 784111777);
	TG_CHECK(tg_http_date("Sun Nov  6 08:49:37 1994", &seconds));
	TG_CHECK_INT(seconds, 784111777);
	TG_CHECK(tg_http_date("Thu, 29 Feb 2024 00:00:00 GMT", &seconds));
	TG_CHECK_INT(seconds, 1709164800);
	TG_CHECK(tg_http_date("Thu, 01 Jan 1970 00:00:00 GMT", &seconds));
	TG_CHECK_INT(seconds, 0);
	TG_CHECK(!tg_http_date("Sun, 06 Nov 1994 08:49:37 GMT+1", &seconds));
	TG_CHECK(!tg_http_date("Sun, 06 Nix 1994 08:49:37 GMT", &seconds));
	TG_CHECK(!tg_http_date("Sun, 06 Nov 1994 28:49:37 GMT", &seconds));
	TG_CHECK(!tg_http_date("", &seconds));
	TG_CHECK(!tg_http_date("120", &seconds));
}

TG_TEST(http_lists)
{
	TG_CHECK(tg_http_has_token("a, CLOSE ,b", "close"));
	TG_CHECK(!tg_http_has_token("closed, xclose", "close"));
	TG_CHECK(tg_http_last_token("gzip, chunked, ,", "chunked"));
	TG_CHECK(!tg_http_last_token("chunked, gzip", "chunked"));
	TG_CHECK(!tg_http_has_token("", "close"));
	TG_CHECK(tg_http_is_value("a b\tc"));
	TG_CHECK(!tg_http_is_value("a\r\nb"));
	TG_CHECK(!tg_http_is_value("\xc3\xa9"));
}

/* --- gzip --- */

struct text {
	const char *at;
	size_t bytes, pos, step;
	size_t step_out; /* how much is asked for at once */
};

static int text_read(void *context, uint8_t *at, size_t cap)
{
	struct text *text = context;
	size_t bytes = text->bytes - text->pos;

	bytes = bytes < cap ? bytes : cap;
	bytes = bytes < text->step ? bytes : text->step;
	memcpy(at, text->at + text->pos, bytes);
	text->pos += bytes;
	return (int)bytes;
}

static void text_rewind(void *context)
{
	((struct text *)context)->pos = 0;
}

static size_t squeeze(struct tg_gzip *gzip, struct text *text, uint8_t *at, size_t cap)
{
	size_t step = text->step_out;
	struct tg_http_body source = { .read = text_read, .rewind = text_rewind, .context = text };
	size_t used = 0;
	int bytes;

	tg_gzip_start(gzip, &source);
	do {
		TG_CHECK(cap - used > 0);
		bytes = tg_gzip_read(gzip, at + used, cap - used < step ? cap - used : step);
		TG_CHECK(bytes >= 0);
		used += (size_t)bytes;
	} while (bytes > 0);
	return used;
}

/* However it is cut on the way in and out, the same bytes come out, and gunzip knows them. */
TG_TEST(http_gzip_is_the_same_each_time)
{
	static uint8_t memory[TG_GZIP_ARENA_BYTES + 256], first[65536], again[65536];
	static char plain[60000];
	struct text text = { .at = plain, .bytes = sizeof(plain), .step = 7001 };
	struct tg_arena arena;
	struct tg_gzip gzip;
	size_t bytes;

	for (size_t i = 0; i < sizeof(plain); i++)
		plain[i] = (char)('a' + (i * i / 7 + i / 300) % 23);
	tg_arena_init(&arena, memory, sizeof(memory));
	tg_gzip_init(&gzip, &arena);
	text.step_out = sizeof(first);
	bytes = squeeze(&gzip, &text, first, sizeof(first));
	TG_CHECK(bytes > 20 && bytes < sizeof(plain));
	text.step = 100000;
	text.step_out = 13;
	TG_CHECK_INT(squeeze(&gzip, &text, again, sizeof(again)), bytes);
	TG_CHECK_BYTES(first, bytes, again, bytes);
	TG_CHECK(first[0] == 0x1f && first[1] == 0x8b);
	TG_CHECK_INT(first[4] | first[5] | first[6] | first[7], 0); /* no time in it */
	FILE *gunzip = popen("gzip -t", "w");
	TG_CHECK(gunzip != NULL);
	TG_CHECK(fwrite(first, 1, bytes, gunzip) == bytes);
	TG_CHECK_INT(pclose(gunzip), 0);
	text.bytes = 0;
	text.step_out = 5;
	TG_CHECK_INT(squeeze(&gzip, &text, again, sizeof(again)), 20);
}
