/* http_rig.h - an HTTP client that pulls its answers, and the scripted server it talks to, stepped
 * in turn on the test's own clock.
 *
 * Included once by a test program.
 */
#ifndef TG_TESTS_HTTP_RIG_H
#define TG_TESTS_HTTP_RIG_H

#include "drivers/http/client.h"

#include "platform/loop.h"
#include "tests/check.h"
#include "tests/unit/http_server.h"

enum { RECV_BYTES = 8192, TURNS_MAX = 200000, BODY_BYTES_MAX = 1 << 20 };

static struct {
	struct tg_http_client client;
	struct tg_http_buffers buffers;
	uint8_t send[1024], recv[RECV_BYTES], answer[64];
	char etag[64];
	struct tg_http_wanted wanted;
	struct tg_why why;
	struct tg_now now;
	uint64_t turn_ms;
	char body[BODY_BYTES_MAX + 1]; /* what was pulled */
	size_t body_bytes;
} rig;

static char text[BODY_BYTES_MAX * 2], body[BODY_BYTES_MAX + 1];

static inline void begin(size_t recv_cap)
{
	static bool signals;

	if (!signals)
		tg_loop_signals();
	signals = true;
	server_start();
	memset(&rig, 0, sizeof(rig));
	rig.buffers = (struct tg_http_buffers){ .send = rig.send,
						.send_cap = sizeof(rig.send),
						.recv = rig.recv,
						.recv_cap = recv_cap,
						.answer = rig.answer,
						.answer_cap = sizeof(rig.answer) };
	tg_http_place(&rig.client, &rig.buffers);
	rig.wanted = (struct tg_http_wanted){ .name = "ETag",
					      .into = rig.etag,
					      .cap = sizeof(rig.etag) };
	rig.client.wanted = &rig.wanted;
	rig.client.wanted_count = 1;
	(void)snprintf(rig.client.target.host, sizeof(rig.client.target.host), "127.0.0.1");
	rig.client.target.port = (uint16_t)server.port;
	rig.client.target.connect_ms_max = 5000;
	rig.client.answer_ms_max = 5000;
	rig.now.mono_ms = 1000;
}

static inline void end(void)
{
	tg_http_close(&rig.client);
	server_stop();
}

static inline void put_head(void *context, struct tg_out *out)
{
	tg_out_str(out, "GET ");
	tg_out_str(out, context);
	tg_out_str(out, " HTTP/1.1\r\nHost: x\r\n\r\n");
}

static inline struct tg_http_request get(const char *path)
{
	return (struct tg_http_request){ .head = put_head, .context = (void *)(uintptr_t)path };
}

static inline void ask(const char *path)
{
	struct tg_http_request request = get(path);

	tg_http_ask(&rig.client, &request, &rig.now);
}

static inline void want(struct tg_wants *wants)
{
	tg_http_want(&rig.client, wants);
}

static inline void turn_server(void)
{
	server_turn_for(want, &rig.now);
}

static inline int answer(void)
{
	int err = TG_ERR_AGAIN;

	for (unsigned turn = 0; err == TG_ERR_AGAIN; turn++) {
		TG_CHECK(turn < TURNS_MAX);
		turn_server();
		err = tg_http_answer(&rig.client, &rig.now, &rig.why);
		rig.now.mono_ms += rig.turn_ms;
	}
	return err;
}

static inline void keep(size_t bytes, struct tg_view view)
{
	TG_CHECK(rig.body_bytes + bytes <= BODY_BYTES_MAX);
	memcpy(rig.body + rig.body_bytes, view.at, bytes);
	rig.body_bytes += bytes;
	tg_http_taken(&rig.client, bytes);
}

/* Pulls to the end, leaving `hold` bytes untaken each time, as a reader of rows does. */
static inline int pull_all(size_t hold)
{
	struct tg_view view;
	int got = 1;

	rig.body_bytes = 0;
	for (unsigned idle = 0; got == 1 || got == TG_ERR_AGAIN; idle++) {
		TG_CHECK(idle < TURNS_MAX);
		idle = got == 1 ? 0 : idle;
		turn_server();
		got = tg_http_pull(&rig.client, &rig.now, &view, &rig.why);
		if (got == 1)
			keep(view.bytes > hold ? view.bytes - hold : 0, view);
		rig.now.mono_ms += rig.turn_ms;
	}
	if (got == 0)
		keep(view.bytes, view);
	rig.body[rig.body_bytes] = '\0';
	return got;
}

static inline void make_body(size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		body[i] = (char)('a' + (i * 7 + i / 251) % 26);
	body[bytes] = '\0';
}

/* The body in chunks of odd sizes. */
static inline void make_chunked(size_t bytes, size_t chunk_max)
{
	size_t at = (size_t)snprintf(text, sizeof(text),
				     "HTTP/1.1 200 OK\r\nETag: \"A:7-x\"\r\n"
				     "Transfer-Encoding: chunked\r\n\r\n");

	make_body(bytes);
	for (size_t from = 0, i = 0; from < bytes; i++) {
		size_t run = 1 + i * 977 % chunk_max;

		run = run < bytes - from ? run : bytes - from;
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%zx\r\n%.*s\r\n", run,
				       (int)run, body + from);
		from += run;
	}
	TG_CHECK(at + 8 < sizeof(text));
	(void)snprintf(text + at, sizeof(text) - at, "0\r\n\r\n");
}

#endif
