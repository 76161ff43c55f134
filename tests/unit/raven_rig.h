/* raven_rig.h - a RavenDB sink and the double it talks to, stepped in turn on the test's own clock.
 *
 * Included once by a test program.
 */
#ifndef TG_TESTS_RAVEN_RIG_H
#define TG_TESTS_RAVEN_RIG_H

#include "drivers/raven/sink.h"

#include "app/arena.h"
#include "app/crc32c.h"
#include "drivers/json/json.h"
#include "platform/clock.h"
#include "platform/log.h"
#include "platform/loop.h"
#include "tests/check.h"
#include "tests/unit/fake_body.h"
#include "tests/unit/http_server.h"
#include "tests/unit/raven_double.h"

enum { ARENA_BYTES = 2 << 20, TURNS_MAX = 200000 };

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
	struct tg_body body;
	struct tg_delivery delivery;
	uint8_t receipt[TG_RECEIPT_BYTES_MAX];
	size_t receipt_bytes;
} rig;

static inline void configure(const char *members)
{
	char text[4096];
	const struct tg_json *config;

	(void)snprintf(text, sizeof(text), "{\"name\":\"Up\",\"type\":\"ravendb\"%s}", members);
	tg_arena_init(&rig.arena, rig.arena_bytes, sizeof(rig.arena_bytes));
	memset(&rig.problems, 0, sizeof(rig.problems));
	TG_CHECK_INT(tg_json_parse(tg_view_str(text), &rig.arena, &config, &rig.why), 0);
	tg_raven_sink_ops.configure(rig.state, config, &rig.problems);
}

/* `more` addresses that do not answer stand before or behind the server's. */
static inline void start(const char *before, const char *behind, const char *members)
{
	char text[1024];

	(void)snprintf(text, sizeof(text),
		       ",\"ravendb_urls\":\"%shttp://127.0.0.1:%u%s\",\"database_name\":\"d b\"%s",
		       before, server.port, behind, members);
	text[strcspn(text, " ")] = '_';
	configure(text);
	if (rig.problems.count > 0)
		TG_FAIL("%s", rig.problems.text[0]);
	TG_CHECK_INT(tg_raven_sink_ops.start(rig.state, &rig.arena, &rig.now, &rig.why), 0);
	if (rig.receipt_bytes > 0)
		TG_CHECK_INT(tg_raven_sink_ops.restore(rig.state, 3,
						       tg_view_of(rig.receipt, rig.receipt_bytes),
						       &rig.why),
			     0);
}

static inline void begin(const char *members)
{
	static bool once;

	if (!once) {
		tg_loop_signals();
		tg_crc32c_init();
		tg_log_setup(TG_LOG_ERROR, false);
	}
	once = true;
	rig.receipt_bytes = 0;
	rig.now = (struct tg_now){ .mono_ms = 1000, .wall_ms = INT64_C(1700000000123) };
	server_start();
	double_start();
	start("", "", members);
}

static inline void restart(const char *before, const char *behind)
{
	tg_raven_sink_ops.stop(rig.state);
	start(before, behind, "");
}

static inline void end(void)
{
	tg_raven_sink_ops.stop(rig.state);
	server_stop();
}

static inline int finish(void)
{
	int err = TG_ERR_AGAIN;

	for (unsigned turn = 0; err == TG_ERR_AGAIN; turn++) {
		TG_CHECK(turn < TURNS_MAX);
		server_turn();
		err = tg_raven_sink_ops.step(rig.state, &rig.now, &rig.outcome, &rig.why);
	}
	if (err == 0 && rig.outcome.receipt.bytes > 0) {
		memcpy(rig.receipt, rig.outcome.receipt.at, rig.outcome.receipt.bytes);
		rig.receipt_bytes = rig.outcome.receipt.bytes;
		TG_CHECK_INT(rig.outcome.scope, 3);
	}
	return err;
}

static inline void prepare(uint64_t first, uint64_t last)
{
	rig.why.text[0] = '\0';
	rig.body = (struct tg_body){ .instance = instance,
				     .stream = stream,
				     .first = first,
				     .last = last,
				     .framing = TG_FRAMING_OWN };
	rig.delivery = (struct tg_delivery){ .instance = tg_view_str(instance),
					     .stream = tg_view_str(stream),
					     .stream_number = 3,
					     .first = first,
					     .last = last,
					     .count = last - first + 1,
					     .body = &rig.body };
}

static inline int go(void)
{
	TG_CHECK_INT(tg_raven_sink_ops.deliver(rig.state, &rig.delivery, &rig.now, &rig.why), 0);
	return finish();
}

static inline int deliver(uint64_t first, uint64_t last)
{
	prepare(first, last);
	return go();
}

static inline int replay(uint64_t seq)
{
	prepare(seq, seq);
	rig.delivery.replay = true;
	return go();
}

#endif
