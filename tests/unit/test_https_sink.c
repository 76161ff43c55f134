/* The HTTPS sink against a scripted server: configuration, requests byte for byte, broken
 * connections, deadlines. */
#include "tests/unit/https_rig.h"

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
		{ "http://127.0.0.1/",
		  ",\"headers\":{\"Host\":\"x\",\"X y\":\"z\",\"X\":\"a\\r\\nb\"}", 3 },
		{ "http://127.0.0.1/", ",\"headers\":{\"X-Key\":\"a b\"},\"framing\":\"array\"",
		  0 },
		{ "http://127.0.0.1/",
		  ",\"framing\":\"xml\",\"batch_records\":0,\"batch_bytes\":-1", 3 },
		{ "http://127.0.0.1/", ",\"client_certificate\":\"x.pem\"", 1 },
		{ "http://127.0.0.1/", ",\"gzipp\":true", 1 },
		{ "https://127.0.0.1/", ",\"ca_file\":\"/nonexistent/ca.pem\"", 1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		configure(cases[i].url, cases[i].members);
		if (rig.problems.count != cases[i].faults)
			TG_FAIL("%s %s: %u faults (%s)", cases[i].url, cases[i].members,
				rig.problems.count, rig.problems.text[0]);
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
	(void)snprintf(
		want, sizeof(want),
		"POST /ingest?x=1 HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: tidegate/%s\r\n"
		"Accept: application/json\r\nAuthorization: Bearer s3cret\r\nX-Plant: 7\r\n"
		"Content-Type: application/x-ndjson\r\n"
		"Idempotency-Key: \"plant-7-0123456789abcdef/rethinkdb/plant/readings/1-4\"\r\n"
		"Content-Length: %zu\r\n\r\n",
		server.port, TG_VERSION, bytes);
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
	rig_prepare(&tg_https_sink, "r/p/a\"b\\c%\xc3\xa9\r\n", 1, 1);
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
	TG_CHECK_INT(answered("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
		     0);
	server_drop(false);
	TG_CHECK_INT(answered(OK_ANSWER), 0);
	TG_CHECK_INT(server.connections, 4);
	end();
}

/* The kept connection breaks under the request: the same request goes out once more, byte for byte.
 */
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

/* 400 is the target's fault until it has taken something. */
/* 413 before the body is read: the answer counts although the request could not be sent to its end.
 */
TG_TEST(https_early_refusal_counts)
{
	begin("");
	server_reply((struct server_reply){ .text = "HTTP/1.1 413 x\r\nContent-Length: 0\r\n\r\n",
					    .when = WHEN_HEAD });
	TG_CHECK_INT(deliver_padded(1, 3000, 4000), TG_ERR_BATCH);
	server_drop(false);
	server_reply((struct server_reply){ .text = "HTTP/1.1 413 x\r\nContent-Length: 0\r\n\r\n",
					    .when = WHEN_HEAD,
					    .reset = true });
	int err = deliver_padded(1, 3000, 4000); /* a reset may overtake the answer */
	TG_CHECK(err == TG_ERR_BATCH || err == TG_ERR_RESET);
	server_reply((struct server_reply){ .text = OK_ANSWER, .when = WHEN_HEAD });
	TG_CHECK_INT(deliver_padded(1, 3000, 4000), TG_ERR_PROTOCOL);
	end();
}

TG_TEST(https_answer_in_pieces)
{
	begin("");
	server_reply((struct server_reply){
		.piece_bytes = 1,
		.text = "HTTP/1.1 100 Continue\r\n\r\n"
			"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"refused\":[]" });
	TG_CHECK_INT(deliver(1, 9), 0);
	end();
}

TG_TEST(https_deadlines)
{
	begin(",\"answer_seconds\":5");
	turn_ms = 1;
	server_reply((struct server_reply){ .text = NULL }); /* says nothing */
	uint64_t began = rig.now.mono_ms;
	TG_CHECK_INT(deliver(1, 4), TG_ERR_TIMEOUT);
	TG_CHECK(rig.now.mono_ms - began >= 5000 && rig.now.mono_ms - began < 6000);
	TG_CHECK(strstr(rig.why.text, "did not answer within 5 seconds") != NULL);
	server_drop(false);
	/* One byte now and then keeps it alive, but not for ever. */
	turn_ms = 0;
	piece_ms = 2000;
	static char drip[200];
	memset(drip, 'x', sizeof(drip) - 1);
	memcpy(drip, "HTTP/1.1 200 OK\r\n", 17);
	server_reply((struct server_reply){ .text = drip, .piece_bytes = 1 });
	began = rig.now.mono_ms;
	TG_CHECK_INT(deliver(1, 4), TG_ERR_TIMEOUT);
	TG_CHECK(rig.now.mono_ms - began >= 15000 && rig.now.mono_ms - began < 25000);
	TG_CHECK(strstr(rig.why.text, "bytes a second") != NULL);
	/* It asks to be woken in time. */
	struct tg_wants wants;
	turn_ms = 0;
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
	rig_prepare(&tg_https_sink, stream, 1, 50);
	rig.body.pad_bytes = 4000;
	rig.body.fail_at_read = 3;
	TG_CHECK_INT(tg_https_sink.deliver(rig.state, &rig.delivery, &rig.now, &rig.why), 0);
	TG_CHECK_INT(turn_until_done(step_sink), TG_ERR_DAMAGED);
	server_turn();
	TG_CHECK_INT(server_request_bytes(), 0);
	TG_CHECK_INT(answered(OK_ANSWER), 0);
	TG_CHECK_INT(server.connections, 2);
	end();
}
