/* raven_rig.h - a RavenDB sink and the double it talks to, stepped in turn on the test's own clock.
 *
 * Included once by a test program.
 */
#ifndef TG_TESTS_RAVEN_RIG_H
#define TG_TESTS_RAVEN_RIG_H

#include "drivers/raven/sink.h"

#include "app/crc32c.h"
#include "tests/unit/http_server.h"
#include "tests/unit/raven_double.h"
#include "tests/unit/sink_rig.h"

enum { TURNS_MAX = 200000 };

static const char stream[] = "rethinkdb/plant/readings";

/* What the sink gave last. */
static struct {
	uint8_t at[TG_RECEIPT_BYTES_MAX];
	size_t bytes;
} kept;

static inline void configure(const char *members)
{
	char text[4096];

	(void)snprintf(text, sizeof(text), "{\"name\":\"Up\",\"type\":\"ravendb\"%s}", members);
	rig_configure(&tg_raven_sink_ops, text);
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
	if (kept.bytes > 0)
		TG_CHECK_INT(tg_raven_sink_ops.restore(rig.state, 3,
						       tg_view_of(kept.at, kept.bytes), &rig.why),
			     0);
}

static inline void begin(const char *members)
{
	static bool once;

	if (!once) {
		tg_loop_signals();
		tg_crc32c_init();
	}
	once = true;
	kept.bytes = 0;
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
		memcpy(kept.at, rig.outcome.receipt.at, rig.outcome.receipt.bytes);
		kept.bytes = rig.outcome.receipt.bytes;
		TG_CHECK_INT(rig.outcome.scope, 3);
	}
	return err;
}

static inline void prepare(uint64_t first, uint64_t last)
{
	rig_prepare(&tg_raven_sink_ops, stream, first, last);
	rig.delivery.stream_number = 3;
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
