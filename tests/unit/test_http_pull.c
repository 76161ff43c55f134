/* Answers pulled as they arrive, from a scripted server: bodies of any size through a small buffer,
 * two requests at once, connections that end. */
#include "tests/unit/http_rig.h"

#include <poll.h>

static void pulls_chunks(size_t bytes, size_t chunk_max, size_t hold)
{
	make_chunked(bytes, chunk_max);
	server_reply((struct server_reply){ .text = text, .piece_bytes = 3001 });
	ask("/a");
	TG_CHECK_INT(answer(), 0);
	TG_CHECK_INT(rig.client.response.status, 200);
	TG_CHECK_STR(rig.etag, "\"A:7-x\"");
	TG_CHECK_INT(pull_all(hold), 0);
	TG_CHECK_INT(rig.body_bytes, bytes);
	TG_CHECK(memcmp(rig.body, body, bytes) == 0);
	TG_CHECK_INT(tg_http_asked(&rig.client), 0);
}

TG_TEST(pull_reads_a_body_larger_than_the_buffer)
{
	size_t bytes = getenv("TIDEGATE_SLOW") != NULL ? 30000 : 300000;

	begin(RECV_BYTES);
	pulls_chunks(bytes, 3000, 0);
	pulls_chunks(bytes, 3000, 700);
	pulls_chunks(bytes, 20, 700); /* what is held is longer than the chunks */
	pulls_chunks(100000, 50000, 0);
	pulls_chunks(bytes / 3, 50000, RECV_BYTES - 1); /* the buffer moves for each byte */
	pulls_chunks(20000, 1, 300);
	pulls_chunks(0, 1, 0);
	TG_CHECK_INT(server.connections, 1);
	end();
}

TG_TEST(pull_reads_sized_and_ended_bodies)
{
	begin(RECV_BYTES);
	server_reply((struct server_reply){ .text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
						    "12345" });
	ask("/a");
	TG_CHECK_INT(answer(), 0);
	TG_CHECK_INT(pull_all(2), 0);
	TG_CHECK_STR(rig.body, "12345");
	TG_CHECK_STR(rig.etag, "");
	server_reply((struct server_reply){ .text = "HTTP/1.1 304 x\r\nETag: \"b\"\r\n\r\n" });
	ask("/b");
	TG_CHECK_INT(answer(), 0);
	TG_CHECK_INT(rig.client.response.status, 304);
	TG_CHECK_STR(rig.etag, "\"b\"");
	TG_CHECK_INT(pull_all(0), 0);
	TG_CHECK_INT(server.connections, 1);
	server_reply((struct server_reply){ .text = "HTTP/1.1 200 OK\r\n\r\nto the end",
					    .close = true });
	ask("/c");
	TG_CHECK_INT(answer(), 0);
	TG_CHECK_INT(pull_all(4), 0);
	TG_CHECK_STR(rig.body, "to the end");
	TG_CHECK_INT(server.connections, 1);
	end();
}

/* The second request is on its way before the first one's answer has ended, and both answers may
 * come at once. */
TG_TEST(pull_asks_ahead)
{
	struct tg_view view;

	begin(RECV_BYTES);
	make_chunked(50000, 3000);
	server_reply((struct server_reply){ .text = text });
	server_reply((struct server_reply){ .text = "HTTP/1.1 200 OK\r\nETag: 2\r\n"
						    "Content-Length: 3\r\n\r\ntwo" });
	ask("/1");
	TG_CHECK_INT(answer(), 0);
	ask("/2");
	TG_CHECK_INT(tg_http_asked(&rig.client), 2);
	for (unsigned turn = 0; server.next < 2; turn++) {
		int got = tg_http_pull(&rig.client, &rig.now, &view, &rig.why);

		TG_CHECK(turn < TURNS_MAX && (got == 1 || got == TG_ERR_AGAIN));
		TG_CHECK(rig.body_bytes < 40000); /* its answer comes before this one is read */
		if (got == 1)
			keep(view.bytes, view);
		turn_server();
	}
	TG_CHECK_STR(rig.etag, "\"A:7-x\"");
	size_t before = rig.body_bytes;
	TG_CHECK_INT(pull_all(100), 0);
	TG_CHECK_INT(before + rig.body_bytes, 50000);
	TG_CHECK_STR(rig.etag, "\"A:7-x\"");
	ask("/3");
	server_reply((struct server_reply){ .text = "HTTP/1.1 204 x\r\n\r\n" });
	TG_CHECK_INT(answer(), 0);
	TG_CHECK_STR(rig.etag, "2");
	TG_CHECK_INT(pull_all(0), 0);
	TG_CHECK_STR(rig.body, "two");
	TG_CHECK_INT(answer(), 0);
	TG_CHECK_INT(rig.client.response.status, 204);
	TG_CHECK_INT(pull_all(0), 0);
	TG_CHECK_INT(server.connections, 1);
	end();
}

/* The connection ends with the first answer: what was asked behind it is asked again. */
TG_TEST(pull_asks_again_what_was_behind_the_last_answer)
{
	begin(RECV_BYTES);
	server_reply((struct server_reply){
		.text = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\none",
		.close = true });
	server_reply((struct server_reply){
		.text = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo", .close = true });
	ask("/1");
	ask("/2");
	TG_CHECK_INT(answer(), 0);
	TG_CHECK_INT(pull_all(0), 0);
	TG_CHECK_STR(rig.body, "one");
	TG_CHECK_INT(answer(), 0);
	ask("/3");
	TG_CHECK_INT(pull_all(1), 0);
	TG_CHECK_STR(rig.body, "two");
	TG_CHECK_INT(server.connections, 2);
	TG_CHECK(strncmp(server.kept[1], "GET /2 ", 7) == 0);
	/* Ended without a word: the same. */
	server_reply((struct server_reply){ .text = "HTTP/1.1 204 x\r\n\r\n" });
	TG_CHECK_INT(answer(), 0);
	TG_CHECK_INT(pull_all(0), 0);
	TG_CHECK(strncmp(server.kept[2], "GET /3 ", 7) == 0);
	TG_CHECK_INT(server.connections, 3);
	end();
}

/* What RavenDB does after 130 s. One that must not be sent twice is left to its owner. */
TG_TEST(pull_replaces_a_kept_connection_that_died)
{
	struct tg_http_request once = get("/once");

	begin(RECV_BYTES);
	server_reply((struct server_reply){ .text = "HTTP/1.1 204 x\r\n\r\n" });
	ask("/1");
	TG_CHECK_INT(answer(), 0);
	TG_CHECK_INT(pull_all(0), 0);
	server_reply((struct server_reply){ .text = NULL, .close = true });
	server_reply((struct server_reply){ .text = "HTTP/1.1 204 x\r\n\r\n" });
	server_reply((struct server_reply){ .text = "HTTP/1.1 204 x\r\n\r\n" });
	ask("/2");
	ask("/3");
	TG_CHECK_INT(answer(), 0);
	TG_CHECK_INT(pull_all(0), 0);
	TG_CHECK_INT(answer(), 0);
	TG_CHECK_INT(pull_all(0), 0);
	TG_CHECK(strncmp(server.kept[2], "GET /2 ", 7) == 0);
	TG_CHECK(strncmp(server.kept[3], "GET /3 ", 7) == 0);
	TG_CHECK_INT(server.connections, 2);
	server_reply((struct server_reply){ .text = NULL, .close = true });
	once.once = true;
	tg_http_ask(&rig.client, &once, &rig.now);
	TG_CHECK_INT(answer(), TG_ERR_CLOSED);
	TG_CHECK(strstr(rig.why.text, "without an answer") != NULL);
	TG_CHECK_INT(tg_http_asked(&rig.client), 0);
	TG_CHECK_INT(server.connections, 2);
	end();
}

static int broken_by(const char *reply)
{
	int err;

	server_reply((struct server_reply){ .text = reply, .close = true });
	ask("/x");
	err = answer();
	if (err == TG_OK)
		err = pull_all(0);
	TG_CHECK_INT(tg_http_asked(&rig.client), 0);
	return err;
}

TG_TEST(pull_never_ends_early)
{
	begin(RECV_BYTES);
	TG_CHECK_INT(broken_by("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n1234"), TG_ERR_CLOSED);
	TG_CHECK_STR(rig.why.text, "the target ended the connection in the middle of its answer");
	TG_CHECK_INT(broken_by("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"),
		     TG_ERR_CLOSED);
	TG_CHECK_INT(broken_by("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
			       "2\r\nok\r\n0\r\n"),
		     TG_ERR_CLOSED);
	TG_CHECK_INT(broken_by("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"),
		     TG_ERR_PROTOCOL);
	TG_CHECK_INT(broken_by("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
			       "Content-Length: 2\r\n\r\nxx"),
		     TG_ERR_PROTOCOL);
	TG_CHECK(strstr(rig.why.text, "nobody asked for") != NULL);
	TG_CHECK_INT(broken_by("HTTP/1.1 2"), TG_ERR_CLOSED);
	end();
}

/* A row longer than the buffer: the caller is told, takes some, and goes on. */
TG_TEST(pull_tells_a_full_buffer)
{
	struct tg_view view;
	int got = TG_ERR_AGAIN;

	begin(RECV_BYTES);
	make_chunked(20000, 900);
	server_reply((struct server_reply){ .text = text });
	ask("/1");
	TG_CHECK_INT(answer(), 0);
	for (unsigned turn = 0; got == TG_ERR_AGAIN || got == 1; turn++) {
		TG_CHECK(turn < TURNS_MAX);
		turn_server();
		got = tg_http_pull(&rig.client, &rig.now, &view, &rig.why);
		TG_CHECK(got != 1 || memcmp(view.at, body, view.bytes) == 0);
	}
	TG_CHECK_INT(got, TG_ERR_LIMIT);
	tg_http_taken(&rig.client, 5000);
	TG_CHECK_INT(pull_all(100), 0);
	TG_CHECK_INT(rig.body_bytes, 15000);
	TG_CHECK(memcmp(rig.body, body + 5000, 15000) == 0);
	end();
}

/* An error's text: its first bytes are kept, all of it is read, the connection stays. */
TG_TEST(pull_drains_an_error)
{
	int err = TG_ERR_AGAIN;

	begin(RECV_BYTES);
	make_chunked(30000, 900);
	memcpy(text + 9, "500", 3);
	server_reply((struct server_reply){ .text = text, .piece_bytes = 1000 });
	ask("/1");
	TG_CHECK_INT(answer(), 0);
	TG_CHECK_INT(rig.client.response.status, 500);
	while (err == TG_ERR_AGAIN) {
		turn_server();
		err = tg_http_drain(&rig.client, &rig.now, &rig.why);
	}
	TG_CHECK_INT(err, 0);
	TG_CHECK_BYTES(rig.client.response.body, rig.client.response.body_bytes, body,
		       sizeof(rig.answer));
	TG_CHECK(rig.client.response.body_cut);
	pulls_chunks(10, 5, 0);
	TG_CHECK_INT(server.connections, 1);
	end();
}

/* As an owner who always has time: 4 s go by in waiting for each piece. */
static int pull_waiting(void)
{
	struct tg_view view;
	int got = TG_ERR_AGAIN;

	rig.body_bytes = 0;
	while (got == TG_ERR_AGAIN) {
		turn_server();
		while ((got = tg_http_pull(&rig.client, &rig.now, &view, &rig.why)) == 1)
			keep(view.bytes, view);
		rig.now.mono_ms += 4000;
	}
	return got;
}

/* A peer may be slow, and not for ever so slow that it never ends. */
TG_TEST(pull_gives_up_a_peer_that_drips)
{
	begin(RECV_BYTES);
	make_chunked(60000, 900);
	server_reply((struct server_reply){ .text = text, .piece_bytes = 300 });
	ask("/1");
	TG_CHECK_INT(answer(), 0);
	uint64_t began = rig.now.mono_ms;
	TG_CHECK_INT(pull_waiting(), 0);
	TG_CHECK_INT(rig.body_bytes, 60000);
	TG_CHECK(rig.now.mono_ms - began > 800000);
	server_reply((struct server_reply){ .text = text, .piece_bytes = 300 });
	ask("/2");
	TG_CHECK_INT(answer(), 0);
	server.script[server.next].piece_bytes = 1;
	began = rig.now.mono_ms;
	TG_CHECK_INT(pull_waiting(), TG_ERR_TIMEOUT);
	TG_CHECK(rig.now.mono_ms - began < 60000);
	TG_CHECK(strstr(rig.why.text, "moves fewer than 50 bytes a second") != NULL);
	TG_CHECK_INT(tg_http_asked(&rig.client), 0);
	end();
}

/* Only the time in which we wait for the peer counts. */
TG_TEST(pull_deadlines)
{
	struct tg_view view;
	struct tg_wants wants;
	int got;

	begin(RECV_BYTES);
	rig.turn_ms = 1;
	server_reply((struct server_reply){ .text = NULL });
	ask("/1");
	uint64_t began = rig.now.mono_ms;
	TG_CHECK_INT(answer(), TG_ERR_TIMEOUT);
	TG_CHECK(rig.now.mono_ms - began >= 5000 && rig.now.mono_ms - began < 5100);
	TG_CHECK(strstr(rig.why.text, "did not answer within 5 seconds") != NULL);
	server_drop(false);
	/* A body in drips of 4 s: each is in time, and it is the owner who is slow. */
	rig.turn_ms = 0;
	server_reply((struct server_reply){ .text = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n"
						    "0123456789012345678901234567890123456789"
						    "0123456789",
					    .piece_bytes = 40 });
	ask("/2");
	TG_CHECK_INT(answer(), 0);
	server.script[server.next].piece_bytes = 1;
	rig.turn_ms = 4000;
	TG_CHECK_INT(pull_all(0), 0);
	TG_CHECK_INT(rig.body_bytes, 50);
	/* The owner was busy for an hour; what came meanwhile is there. */
	rig.turn_ms = 0;
	make_chunked(6000, 900);
	server_reply((struct server_reply){ .text = text, .piece_bytes = 3000 });
	ask("/3");
	TG_CHECK_INT(answer(), 0);
	while ((got = tg_http_pull(&rig.client, &rig.now, &view, &rig.why)) == 1)
		tg_http_taken(&rig.client, view.bytes);
	TG_CHECK_INT(got, TG_ERR_AGAIN);
	tg_wants_clear(&wants);
	tg_http_want(&rig.client, &wants);
	TG_CHECK_INT(wants.wake_mono_ms, rig.now.mono_ms + 5000);
	rig.now.mono_ms += 3600000;
	turn_server();
	struct pollfd there = { .fd = wants.items[0].fd, .events = POLLIN };
	TG_CHECK_INT(poll(&there, 1, 10000), 1);
	TG_CHECK_INT(tg_http_pull(&rig.client, &rig.now, &view, &rig.why), 1);
	TG_CHECK_INT(pull_all(0), 0);
	end();
}

/* A request with a body, its long answer pulled, and the next request on the same connection. */
struct upload {
	size_t bytes, pos;
	unsigned rewinds;
};

static int upload_read(void *context, uint8_t *at, size_t cap)
{
	struct upload *upload = context;
	size_t run = upload->bytes - upload->pos;

	run = run < cap ? run : cap;
	memset(at, 'u', run);
	upload->pos += run;
	return (int)run;
}

static void upload_rewind(void *context)
{
	((struct upload *)context)->pos = 0;
	((struct upload *)context)->rewinds++;
}

static void put_post(void *context, struct tg_out *out)
{
	const struct upload *upload = context;
	char line[64];

	(void)snprintf(line, sizeof(line), "Content-Length: %zu\r\n\r\n", upload->bytes);
	tg_out_str(out, "POST /bulk HTTP/1.1\r\n");
	tg_out_str(out, line);
}

TG_TEST(pull_after_a_body_was_sent)
{
	struct upload upload = { .bytes = 40000 };
	struct tg_http_request post = {
		.head = put_post,
		.context = &upload,
		.body = { .read = upload_read, .rewind = upload_rewind, .context = &upload }
	};

	begin(RECV_BYTES);
	make_chunked(60000, 4000);
	server_reply((struct server_reply){ .text = text });
	server_reply((struct server_reply){ .text = "HTTP/1.1 204 x\r\n\r\n" });
	tg_http_ask(&rig.client, &post, &rig.now);
	ask("/behind");
	TG_CHECK_INT(answer(), 0);
	TG_CHECK_INT(pull_all(10), 0);
	TG_CHECK(!rig.client.early);
	TG_CHECK_INT(rig.body_bytes, 60000);
	TG_CHECK_INT(upload.rewinds, 1);
	TG_CHECK_INT(answer(), 0);
	TG_CHECK_INT(pull_all(0), 0);
	TG_CHECK_INT(server.connections, 1);
	/* The connection dies under it: the same bytes once more. */
	server_reply((struct server_reply){ .text = NULL, .when = WHEN_HEAD, .close = true });
	server_reply((struct server_reply){ .text = "HTTP/1.1 204 x\r\n\r\n" });
	tg_http_ask(&rig.client, &post, &rig.now);
	TG_CHECK_INT(answer(), 0);
	TG_CHECK_INT(pull_all(0), 0);
	TG_CHECK_INT(upload.rewinds, 3);
	TG_CHECK_INT(server.connections, 2);
	/* Refused before it was read: the answer counts, the connection does not. */
	server_reply((struct server_reply){ .text = "HTTP/1.1 403 x\r\nContent-Length: 2\r\n\r\nno",
					    .when = WHEN_HEAD });
	upload.bytes = 8 << 20;
	tg_http_ask(&rig.client, &post, &rig.now);
	TG_CHECK_INT(answer(), 0);
	TG_CHECK_INT(pull_all(0), 0);
	TG_CHECK(rig.client.early);
	TG_CHECK_STR(rig.body, "no");
	end();
}
