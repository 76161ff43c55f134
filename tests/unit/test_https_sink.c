/* The HTTPS sink against a scripted server on loopback: requests byte for byte, every verdict, broken
 * connections, deadlines on a clock of the test's own. TLS is the e2e ring's. */
#include "drivers/https/sink.h"

#include "app/arena.h"
#include "drivers/https/answer.h"
#include "drivers/json/json.h"
#include "platform/clock.h"
#include "platform/log.h"
#include "platform/loop.h"
#include "tests/check.h"
#include "tests/unit/fake_body.h"
#include "tests/unit/http_server.h"

enum { ARENA_BYTES = 2 << 20, TURNS_MAX = 200000 };

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static const char instance[] = "plant-7-0123456789abcdef";
static const char stream[] = "rethinkdb/plant/readings";

static struct {
	uint64_t state[CONFIG_TG_SINK_BYTES_MAX / sizeof(uint64_t)];
	uint8_t arena_bytes[ARENA_BYTES];
	struct tg_arena arena;
	struct tg_problems problems;
	struct tg_outcome outcome;
	struct tg_why why;
	struct tg_now now;
	uint64_t turn_ms; /* what the clock moves each turn */
	struct tg_body body;
	struct tg_delivery delivery;
} rig;

static void configure(const char *url, const char *members)
{
	char text[8192];
	const struct tg_json *config;
	struct tg_why why;

	tg_log_setup(TG_LOG_ERROR, false);
	(void)snprintf(text, sizeof(text), "{\"name\":\"up\",\"type\":\"https\",\"url\":\"%s\"%s}", url,
		       members);
	tg_arena_init(&rig.arena, rig.arena_bytes, sizeof(rig.arena_bytes));
	memset(&rig.problems, 0, sizeof(rig.problems));
	TG_CHECK_INT(tg_json_parse(tg_view_str(text), &rig.arena, &config, &why), 0);
	tg_https_sink.configure(rig.state, config, &rig.problems);
}

static void begin(const char *members)
{
	static bool signals;
	char url[64];

	if (!signals)
		tg_loop_signals();
	signals = true;
	server_start();
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/ingest?x=1", server.port);
	configure(url, members);
	TG_CHECK_INT(rig.problems.count, 0);
	rig.now = (struct tg_now){ .mono_ms = 1000, .wall_ms = INT64_C(784111777000) };
	rig.turn_ms = 0;
	TG_CHECK_INT(tg_https_sink.start(rig.state, &rig.arena, &rig.now, &rig.why), 0);
	TG_CHECK(rig.arena.used <= ARENA_BYTES);
}

static void end(void)
{
	tg_https_sink.stop(rig.state);
	server_stop();
}

/* Steps client and server in turn. */
static int turn_until_done(int (*step)(void))
{
	int err = TG_ERR_AGAIN;

	for (unsigned turn = 0; err == TG_ERR_AGAIN; turn++) {
		TG_CHECK(turn < TURNS_MAX);
		server_turn();
		err = step();
		rig.now.mono_ms += rig.turn_ms;
	}
	return err;
}

static int step_sink(void)
{
	return tg_https_sink.step(rig.state, &rig.now, &rig.outcome, &rig.why);
}

static int step_probe(void)
{
	return tg_https_sink.probe(rig.state, &rig.now, &rig.why);
}

static int deliver_padded(uint64_t first, uint64_t last, uint32_t pad_bytes)
{
	struct tg_sink_limits limits;
	int err;

	tg_https_sink.limits(rig.state, &limits);
	rig.why.text[0] = '\0';
	rig.body = (struct tg_body){ .instance = instance, .stream = stream, .first = first, .last = last,
				     .framing = limits.framing, .pad_bytes = pad_bytes };
	rig.delivery = (struct tg_delivery){ .instance = tg_view_str(instance),
					     .stream = tg_view_str(stream), .stream_number = 1,
					     .first = first, .last = last, .count = last - first + 1,
					     .body = &rig.body };
	err = tg_https_sink.deliver(rig.state, &rig.delivery, &rig.now, &rig.why);
	return err == TG_OK ? turn_until_done(step_sink) : err;
}

static int deliver(uint64_t first, uint64_t last)
{
	return deliver_padded(first, last, 0);
}

/* One delivery answered with `text`. */
static int answered(const char *text)
{
	server_reply((struct server_reply){ .text = text });
	return deliver(1, 4);
}

static const char *body_of(unsigned request)
{
	const char *end = strstr(server.kept[request], "\r\n\r\n");

	TG_CHECK(end != NULL);
	return end + 4;
}

TG_TEST(https_configuration_is_checked)
{
	static const struct {
		const char *url, *members;
		unsigned faults;
	} cases[] = {
		{ "http://plant.example/x", "", 1 },
		{ "http://plant.example/x", ",\"allow_plain\":true", 0 },
		{ "http://127.0.0.1/x", "", 0 },
		{ "http://user:pw@127.0.0.1/x", "", 1 },
		{ "ftp://127.0.0.1/x", "", 1 },
		{ "http://127.0.0.1/", ",\"bearer\":\"a b\"", 1 },
		{ "http://127.0.0.1/", ",\"headers\":[]", 1 },
		{ "http://127.0.0.1/", ",\"headers\":{\"Host\":\"x\",\"X y\":\"z\",\"X\":\"a\\r\\nb\"}", 3 },
		{ "http://127.0.0.1/", ",\"headers\":{\"X-Key\":\"a b\"},\"framing\":\"array\"", 0 },
		{ "http://127.0.0.1/", ",\"framing\":\"xml\",\"batch_records\":0,\"batch_bytes\":-1", 3 },
		{ "http://127.0.0.1/", ",\"client_certificate\":\"x.pem\"", 1 },
		{ "http://127.0.0.1/", ",\"gzipp\":true", 1 },
		{ "https://127.0.0.1/", ",\"ca_file\":\"/nonexistent/ca.pem\"", 1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		configure(cases[i].url, cases[i].members);
		if (rig.problems.count != cases[i].faults)
			TG_FAIL("%s %s: %u faults (%s)", cases[i].url, cases[i].members, rig.problems.count,
				rig.problems.text[0]);
		tg_https_sink.stop(rig.state);
	}
	configure("https://user:geheim@h/", "");
	TG_CHECK(strstr(rig.problems.text[0], "geheim") == NULL);
}

TG_TEST(https_request_is_as_documented)
{
	char want[4096], line[FAKE_LINE_BYTES_MAX];

	begin(",\"bearer\":\"s3cret\",\"headers\":{\"X-Plant\":\"7\"}");
	TG_CHECK_INT(answered(OK_ANSWER), 0);
	size_t bytes = 0;
	for (uint64_t seq = 1; seq <= 4; seq++)
		bytes += fake_line(&rig.body, seq, line) + 1;
	(void)snprintf(want, sizeof(want),
		       "POST /ingest?x=1 HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: tidegate/%s\r\n"
		       "Accept: application/json\r\nAuthorization: Bearer s3cret\r\nX-Plant: 7\r\n"
		       "Content-Type: application/x-ndjson\r\n"
		       "Idempotency-Key: \"plant-7-0123456789abcdef/rethinkdb/plant/readings/1-4\"\r\n"
		       "Content-Length: %zu\r\n\r\n", server.port, TG_VERSION, bytes);
	TG_CHECK(strncmp(server.kept[0], want, strlen(want)) == 0);
	TG_CHECK_INT(server.kept_bytes[0], strlen(want) + bytes);
	TG_CHECK_INT(rig.outcome.receipt.bytes, 0);
	TG_CHECK_INT(tg_https_sink.acked(rig.state, &rig.now, &rig.outcome, &rig.why), 0);
	end();
}

TG_TEST(https_array_framing)
{
	begin(",\"framing\":\"array\"");
	TG_CHECK_INT(answered(OK_ANSWER), 0);
	TG_CHECK(strstr(server.kept[0], "Content-Type: application/json\r\n") != NULL);
	TG_CHECK(body_of(0)[0] == '[' && server.kept[0][server.kept_bytes[0] - 1] == ']');
	end();
}

/* A stream's name with bytes that no header may carry still gives a key of its own. */
TG_TEST(https_key_is_always_sound)
{
	begin("");
	server_reply((struct server_reply){ .text = OK_ANSWER });
	rig.body = (struct tg_body){ .instance = instance, .stream = "x", .first = 1, .last = 1,
				     .framing = TG_FRAMING_NDJSON };
	rig.delivery = (struct tg_delivery){ .instance = tg_view_str(instance),
					     .stream = tg_view_str("r/p/a\"b\\c%\xc3\xa9\r\n"), .first = 1,
					     .last = 1, .count = 1, .body = &rig.body };
	TG_CHECK_INT(tg_https_sink.deliver(rig.state, &rig.delivery, &rig.now, &rig.why), 0);
	TG_CHECK_INT(turn_until_done(step_sink), 0);
	TG_CHECK(strstr(server.kept[0], "Idempotency-Key: \"plant-7-0123456789abcdef/r/p/"
					"a%22b%5cc%25%c3%a9%0d%0a/1-1\"\r\n") != NULL);
	end();
}

TG_TEST(https_connection_is_kept_and_reopened)
{
	begin("");
	for (unsigned i = 0; i < 3; i++)
		TG_CHECK_INT(answered(OK_ANSWER), 0);
	TG_CHECK_INT(server.connections, 1);
	rig.now.mono_ms += (uint64_t)CONFIG_TG_HTTP_IDLE_SECONDS_MAX * 1000 + 1;
	server_drop(false);
	TG_CHECK_INT(answered(OK_ANSWER), 0);
	TG_CHECK_INT(server.connections, 2);
	server_drop(false); /* closed while nobody looked */
	TG_CHECK_INT(answered(OK_ANSWER), 0);
	TG_CHECK_INT(server.connections, 3);
	TG_CHECK_INT(answered("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"), 0);
	server_drop(false);
	TG_CHECK_INT(answered(OK_ANSWER), 0);
	TG_CHECK_INT(server.connections, 4);
	end();
}

/* The kept connection breaks under the request: the same request goes out once more, byte for byte. */
TG_TEST(https_kept_connection_that_dies_is_replaced_once)
{
	begin("");
	TG_CHECK_INT(answered(OK_ANSWER), 0);
	server_reply((struct server_reply){ .text = NULL, .close = true });
	server_reply((struct server_reply){ .text = OK_ANSWER });
	TG_CHECK_INT(deliver(5, 9), 0);
	TG_CHECK_INT(server.connections, 2);
	TG_CHECK_BYTES(server.kept[1], server.kept_bytes[1], server.kept[2], server.kept_bytes[2]);
	server_reply((struct server_reply){ .text = NULL, .reset = true });
	server_reply((struct server_reply){ .text = NULL, .reset = true });
	int err = deliver(10, 12);
	TG_CHECK(err == TG_ERR_RESET || err == TG_ERR_CLOSED);
	TG_CHECK(rig.why.text[0] != '\0');
	/* An answer that began is not asked for again. */
	TG_CHECK_INT(answered(OK_ANSWER), 0);
	server_reply((struct server_reply){ .text = "HTTP/1.1 2", .close = true });
	TG_CHECK_INT(deliver(13, 14), TG_ERR_CLOSED);
	end();
}

TG_TEST(https_answers_are_judged)
{
	static const struct {
		const char *text;
		int err;
		const char *says;
	} cases[] = {
		{ "HTTP/1.1 204 No Content\r\n\r\n", 0, "" },
		{ "HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 0, "" },
		{ "HTTP/1.1 200 OK\r\nContent-Type: Text/HTML\r\nContent-Length: 1\r\n\r\n<", TG_ERR_TARGET,
		  "captive" },
		{ "HTTP/1.1 511 x\r\nContent-Length: 0\r\n\r\n", TG_ERR_TARGET, "captive" },
		{ "HTTP/1.1 301 Moved\r\nLocation: https://h/x?token=1\r\nContent-Length: 0\r\n\r\n",
		  TG_ERR_TARGET, "redirects (301) to \"https://h/x\"" },
		{ "HTTP/1.1 401 x\r\nContent-Length: 0\r\n\r\n", TG_ERR_PERMISSION, "401" },
		{ "HTTP/1.1 403 x\r\nContent-Length: 0\r\n\r\n", TG_ERR_PERMISSION, "403" },
		{ "HTTP/1.1 404 x\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n", TG_ERR_TARGET,
		  "a web page" },
		{ "HTTP/1.1 405 x\r\nContent-Length: 0\r\n\r\n", TG_ERR_TARGET, "405" },
		{ "HTTP/1.1 408 x\r\nContent-Length: 0\r\n\r\n", TG_ERR_NOT_READY, "408" },
		{ "HTTP/1.1 429 x\r\nContent-Length: 0\r\n\r\n", TG_ERR_NOT_READY, "429" },
		{ "HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n", TG_ERR_NOT_READY, "500" },
		{ "HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n", TG_ERR_NOT_READY, "503" },
		{ "HTTP/1.1 413 x\r\nContent-Length: 0\r\n\r\n", TG_ERR_BATCH, "413" },
		{ "HTTP/1.1 422 x\r\nContent-Length: 0\r\n\r\n", TG_ERR_BATCH, "422" },
		{ "HTTP/1.1 400 x\r\nContent-Length: 50\r\n\r\n"
		  "<p>The plain HTTP request was sent to HTTPS port  ", TG_ERR_PEER_TLS, "https://" },
		{ "SSH-2.0-x\r\n", TG_ERR_PEER_OTHER, "HTTP" },
		{ "\x15\x03\x01", TG_ERR_PEER_TLS, "https://" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin("");
		int err = answered(cases[i].text);
		if (err != cases[i].err || strstr(rig.why.text, cases[i].says) == NULL)
			TG_FAIL("%s: %d %s", cases[i].text, err, rig.why.text);
		end();
	}
}

/* 400 is the target's fault until it has taken something. */
TG_TEST(https_bad_request_needs_a_good_one)
{
	static const char bad[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";

	begin("");
	TG_CHECK_INT(answered(bad), TG_ERR_TARGET);
	TG_CHECK_INT(answered(OK_ANSWER), 0);
	TG_CHECK_INT(answered(bad), TG_ERR_BATCH);
	end();
}

TG_TEST(https_retry_after_is_read)
{
	static const struct {
		const char *headers;
		uint64_t ms;
	} cases[] = {
		{ "Retry-After: 120\r\n", 120000 },
		{ "Retry-After: 0\r\n", 0 },
		{ "Retry-After: 99999999\r\n", UINT64_C(86400000) },
		{ "Retry-After: soon\r\n", 0 },
		{ "", 0 },
		{ "Retry-After: Sun, 06 Nov 1994 08:50:07 GMT\r\n", 30000 }, /* our clock: 08:49:37 */
		{ "Retry-After: Sun, 06 Nov 1994 08:49:07 GMT\r\n", 0 },
		{ "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\nRetry-After: Thu, 01 Jan 2026 00:01:00 GMT\r\n",
		  60000 }, /* our clock is wrong: the server's counts */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[256];

		begin("");
		(void)snprintf(text, sizeof(text), "HTTP/1.1 503 x\r\n%sContent-Length: 0\r\n\r\n",
			       cases[i].headers);
		TG_CHECK_INT(answered(text), TG_ERR_NOT_READY);
		TG_CHECK_INT(rig.outcome.retry_after_ms, cases[i].ms);
		end();
	}
}

static void check_refused(const char *body, const char *want)
{
	char text[512], got[256] = "";
	size_t used = 0;

	begin("");
	(void)snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(body),
		       body);
	server_reply((struct server_reply){ .text = text });
	TG_CHECK_INT(deliver(1, 9), 0);
	for (uint32_t i = 0; i < rig.outcome.refused_count; i++)
		used += (size_t)snprintf(got + used, sizeof(got) - used, "%" PRIu64 " ",
					 rig.outcome.refused[i]);
	TG_CHECK_STR(got, want);
	end();
}

TG_TEST(https_refused_records_are_named)
{
	check_refused("{\"refused\":[7,9]}", "7 9 ");
	check_refused(" { \"ok\" : 1, \"refused\" : [ {\"seq\": 7, \"reason\":\"x\"}, 9, 9 ] }\r\n", "7 9 ");
	check_refused("[{\"reason\":\"x\",\"seq\":2}]", "2 ");
	check_refused("[3]", "3 ");
	check_refused("{\"refused\":[0,10,-1,1.5,\"4\",null,{},5]}", "5 ");
	check_refused("{\"refused\":7}", "");
	check_refused("{\"refused\":[7}", "");
	check_refused("{\"refused\":[7]} x", "");
	check_refused("thanks", "");
	check_refused("", "");
}

TG_TEST(https_too_many_refused_halve_the_batch)
{
	static char text[2 * CONFIG_TG_HTTPS_ANSWER_BYTES + 256];
	size_t used;

	begin("");
	used = (size_t)snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n[1");
	for (int seq = 2; seq <= TG_REFUSED_MAX + 1; seq++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, ",%d", seq);
	(void)snprintf(text + used, sizeof(text) - used, "]");
	server_reply((struct server_reply){ .text = text, .close = true });
	TG_CHECK_INT(deliver(1, 100), TG_ERR_BATCH);
	used = (size_t)snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"refused\":[1");
	memset(text + used, ' ', sizeof(text) - used - 2);
	text[sizeof(text) - 2] = ']';
	server_reply((struct server_reply){ .text = text, .close = true });
	TG_CHECK_INT(deliver(1, 100), TG_ERR_BATCH);
	/* An endpoint that echoes what it got names nobody. */
	used = (size_t)snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
						    "[{\"_tidegate\":{\"seq\":1}");
	memset(text + used, ' ', sizeof(text) - used - 2);
	server_reply((struct server_reply){ .text = text, .close = true });
	TG_CHECK_INT(deliver(1, 100), 0);
	end();
}

/* 413 before the body is read: the answer counts although the request could not be sent to its end. */
TG_TEST(https_early_refusal_counts)
{
	begin("");
	server_reply((struct server_reply){ .text = "HTTP/1.1 413 x\r\nContent-Length: 0\r\n\r\n",
					    .when = WHEN_HEAD });
	TG_CHECK_INT(deliver_padded(1, 3000, 4000), TG_ERR_BATCH);
	server_drop(false);
	server_reply((struct server_reply){ .text = "HTTP/1.1 413 x\r\nContent-Length: 0\r\n\r\n",
					    .when = WHEN_HEAD, .reset = true });
	int err = deliver_padded(1, 3000, 4000); /* a reset may overtake the answer */
	TG_CHECK(err == TG_ERR_BATCH || err == TG_ERR_RESET);
	server_reply((struct server_reply){ .text = OK_ANSWER, .when = WHEN_HEAD });
	TG_CHECK_INT(deliver_padded(1, 3000, 4000), TG_ERR_PROTOCOL);
	end();
}

TG_TEST(https_answer_in_pieces)
{
	begin("");
	server_reply((struct server_reply){ .piece_bytes = 1, .text = "HTTP/1.1 100 Continue\r\n\r\n"
					    "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"refused\":[]" });
	TG_CHECK_INT(deliver(1, 9), 0);
	end();
}

TG_TEST(https_deadlines)
{
	begin(",\"answer_seconds\":5");
	rig.turn_ms = 1;
	server_reply((struct server_reply){ .text = NULL }); /* says nothing */
	uint64_t began = rig.now.mono_ms;
	TG_CHECK_INT(deliver(1, 4), TG_ERR_TIMEOUT);
	TG_CHECK(rig.now.mono_ms - began >= 5000 && rig.now.mono_ms - began < 6000);
	TG_CHECK(strstr(rig.why.text, "did not answer within 5 seconds") != NULL);
	server_drop(false);
	/* One byte now and then keeps it alive, but not for ever. */
	rig.turn_ms = 2000;
	static char drip[200];
	memset(drip, 'x', sizeof(drip) - 1);
	memcpy(drip, "HTTP/1.1 200 OK\r\n", 17);
	server_reply((struct server_reply){ .text = drip, .piece_bytes = 1 });
	began = rig.now.mono_ms;
	TG_CHECK_INT(deliver(1, 4), TG_ERR_TIMEOUT);
	TG_CHECK(rig.now.mono_ms - began >= 50000 && rig.now.mono_ms - began < 60000);
	TG_CHECK(strstr(rig.why.text, "did not finish its answer") != NULL);
	/* It asks to be woken in time. */
	struct tg_wants wants;
	rig.turn_ms = 0;
	TG_CHECK_INT(tg_https_sink.deliver(rig.state, &rig.delivery, &rig.now, &rig.why), 0);
	server_drop(false);
	for (int i = 0; i < 50; i++) {
		server_turn();
		TG_CHECK_INT(step_sink(), TG_ERR_AGAIN);
	}
	tg_wants_clear(&wants);
	tg_https_sink.want(rig.state, &wants);
	TG_CHECK_INT(wants.count, 1);
	TG_CHECK(wants.wake_mono_ms <= rig.now.mono_ms + 5000);
	end();
}

TG_TEST(https_nobody_listens)
{
	begin("");
	server_stop();
	TG_CHECK_INT(deliver(1, 4), TG_ERR_CONNECT);
	TG_CHECK(rig.why.text[0] != '\0');
	tg_https_sink.stop(rig.state);
}

/* Compressed, the length is known before and the bytes are the same each time. */
TG_TEST(https_gzip)
{
	begin(",\"gzip\":true");
	TG_CHECK_INT(answered("HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n"), TG_ERR_NOT_READY);
	TG_CHECK_INT(answered(OK_ANSWER), 0);
	TG_CHECK(strstr(server.kept[0], "Content-Encoding: gzip\r\n") != NULL);
	TG_CHECK(memcmp(body_of(0), "\x1f\x8b", 2) == 0);
	TG_CHECK_BYTES(server.kept[0], server.kept_bytes[0], server.kept[1], server.kept_bytes[1]);
	end();
}

/* The store loses a record between counting and sending: the target never has a whole request. */
TG_TEST(https_unreadable_body_is_never_whole)
{
	begin("");
	rig.body = (struct tg_body){ .instance = instance, .stream = stream, .first = 1, .last = 50,
				     .framing = TG_FRAMING_NDJSON, .pad_bytes = 4000, .fail_at_read = 3 };
	rig.delivery = (struct tg_delivery){ .instance = tg_view_str(instance),
					     .stream = tg_view_str(stream), .first = 1, .last = 50,
					     .count = 50, .body = &rig.body };
	TG_CHECK_INT(tg_https_sink.deliver(rig.state, &rig.delivery, &rig.now, &rig.why), 0);
	TG_CHECK_INT(turn_until_done(step_sink), TG_ERR_DAMAGED);
	server_turn();
	TG_CHECK_INT(server_request_bytes(), 0);
	TG_CHECK_INT(answered(OK_ANSWER), 0);
	TG_CHECK_INT(server.connections, 2);
	end();
}

TG_TEST(https_probe)
{
	static const struct {
		const char *head, *options;
		int err;
	} cases[] = {
		{ "HTTP/1.1 405 x\r\nContent-Length: 9\r\n\r\n", NULL, 0 },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", NULL, 0 },
		{ "HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n",
		  "HTTP/1.1 204 x\r\nAllow: POST\r\n\r\n", 0 },
		{ "HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n",
		  "HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n", TG_ERR_TARGET },
		{ "HTTP/1.1 400 x\r\nContent-Length: 9\r\n\r\n",
		  "HTTP/1.1 400 x\r\nContent-Length: 52\r\n\r\n"
		  "<p>The plain HTTP request was sent to HTTPS port</p>", TG_ERR_PEER_TLS },
		{ "HTTP/1.1 400 x\r\nContent-Length: 9\r\n\r\n",
		  "HTTP/1.1 400 x\r\nContent-Length: 0\r\n\r\n", 0 },
		{ "HTTP/1.1 401 x\r\nContent-Length: 0\r\n\r\n", NULL, TG_ERR_PERMISSION },
		{ "HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n", NULL, TG_ERR_NOT_READY },
		{ "HTTP/1.1 302 x\r\nLocation: http://login/\r\nContent-Length: 0\r\n\r\n", NULL,
		  TG_ERR_TARGET },
		{ "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 99\r\n\r\n", NULL,
		  TG_ERR_TARGET },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(",\"bearer\":\"t\"");
		server_reply((struct server_reply){ .text = cases[i].head });
		if (cases[i].options != NULL)
			server_reply((struct server_reply){ .text = cases[i].options });
		TG_CHECK_INT(turn_until_done(step_probe), cases[i].err);
		TG_CHECK(rig.why.text[0] != '\0');
		TG_CHECK(strncmp(server.kept[0], "HEAD /ingest", 12) == 0);
		TG_CHECK(strstr(server.kept[0], "Authorization: Bearer t\r\n") != NULL);
		TG_CHECK(strstr(server.kept[0], "Content-Length") == NULL);
		TG_CHECK_INT(answered(OK_ANSWER), 0);
		end();
	}
}
