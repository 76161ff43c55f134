/* https_rig.h - an HTTPS sink and the scripted server it talks to, stepped in turn on the
 * test's own clock.
 *
 * Included once by a test program. TLS is the e2e ring's.
 */
#ifndef TG_TESTS_HTTPS_RIG_H
#define TG_TESTS_HTTPS_RIG_H

#include "drivers/https/sink.h"

#include "drivers/https/answer.h"
#include "tests/unit/http_server.h"
#include "tests/unit/sink_rig.h"

enum { TURNS_MAX = 200000 };

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static const char stream[] = "rethinkdb/plant/readings";

static uint64_t turn_ms;  /* what the clock moves each turn                 */
static uint64_t piece_ms; /* ... more when the server has written something */

static inline void configure(const char *url, const char *members)
{
	char text[8192];

	(void)snprintf(text, sizeof(text), "{\"name\":\"up\",\"type\":\"https\",\"url\":\"%s\"%s}",
		       url, members);
	rig_configure(&tg_https_sink, text);
}

static inline void begin(const char *members)
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
	turn_ms = piece_ms = 0;
	TG_CHECK_INT(tg_https_sink.start(rig.state, &rig.arena, &rig.now, &rig.why), 0);
	TG_CHECK(rig.arena.used <= ARENA_BYTES);
}

static inline void end(void)
{
	tg_https_sink.stop(rig.state);
	server_stop();
}

static inline void want(struct tg_wants *wants)
{
	tg_https_sink.want(rig.state, wants);
}

static inline void turn_server(void)
{
	server_turn_for(want, &rig.now);
}

/* Steps client and server in turn. */
static inline int turn_until_done(int (*step)(void))
{
	int err = TG_ERR_AGAIN;

	for (unsigned turn = 0; err == TG_ERR_AGAIN; turn++) {
		TG_CHECK(turn < TURNS_MAX);
		turn_server();
		err = step();
		rig.now.mono_ms += turn_ms + (server.wrote ? piece_ms : 0);
	}
	return err;
}

static inline int step_sink(void)
{
	return tg_https_sink.step(rig.state, &rig.now, &rig.outcome, &rig.why);
}

static inline int step_probe(void)
{
	return tg_https_sink.probe(rig.state, &rig.now, &rig.why);
}

static inline int deliver_padded(uint64_t first, uint64_t last, uint32_t pad_bytes)
{
	rig_prepare(&tg_https_sink, stream, first, last);
	rig.body.pad_bytes = pad_bytes;
	int err = tg_https_sink.deliver(rig.state, &rig.delivery, &rig.now, &rig.why);
	return err == TG_OK ? turn_until_done(step_sink) : err;
}

static inline int deliver(uint64_t first, uint64_t last)
{
	return deliver_padded(first, last, 0);
}

/* One delivery answered with `text`. */
static inline int answered(const char *text)
{
	server_reply((struct server_reply){ .text = text });
	return deliver(1, 4);
}

static inline const char *body_of(unsigned request)
{
	const char *end = strstr(server.kept[request], "\r\n\r\n");

	TG_CHECK(end != NULL);
	return end + 4;
}

#endif
