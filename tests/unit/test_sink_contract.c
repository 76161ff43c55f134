/* What app/sink.h promises of any sink: every entry of drivers/registry.c must pass. A sink whose
 * type is not known here fails the test: give it a configuration and, when it has a target, a
 * server. */
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/arena.h"
#include "app/crc32c.h"
#include "drivers/json/json.h"
#include "drivers/registry.h"
#include "platform/clock.h"
#include "platform/log.h"
#include "platform/loop.h"
#include "tests/check.h"
#include "tests/unit/fake_body.h"
#include "tests/unit/http_server.h"
#include "tests/unit/raven_double.h"

enum { ARENA_BYTES = 4 << 20, TURNS_MAX = 100000, TEXT_BYTES = 1024 };

static const char instance[] = "plant-7-0123456789abcdef";
static const char stream[] = "rethinkdb/plant/readings";

static struct {
	uint64_t state[CONFIG_TG_SINK_BYTES_MAX / sizeof(uint64_t) + 1];
	uint8_t arena_bytes[ARENA_BYTES];
	struct tg_arena arena;
	struct tg_now now;
	struct tg_outcome outcome;
	struct tg_why why;
	char folder[64];
	char receipt[TG_RECEIPT_BYTES_MAX];
} rig;

static void config_of(const char *type, char text[TEXT_BYTES])
{
	if (strcmp(type, "file") == 0)
		(void)snprintf(text, TEXT_BYTES,
			       "{\"name\":\"s\",\"type\":\"file\",\"path\":\"%s/out\"}",
			       rig.folder);
	else if (strcmp(type, "https") == 0)
		(void)snprintf(text, TEXT_BYTES,
			       "{\"name\":\"s\",\"type\":\"https\",\"url\":\"http://127.0.0.1:%u/"
			       "\",\"gzip\":true}",
			       server.port);
	else if (strcmp(type, "ravendb") == 0)
		(void)snprintf(text, TEXT_BYTES,
			       "{\"name\":\"s\",\"type\":\"ravendb\",\"ravendb_urls\":"
			       "\"http://127.0.0.1:%u\",\"database_name\":\"db\"}",
			       server.port);
	else if (strcmp(type, "null") == 0)
		(void)snprintf(text, TEXT_BYTES, "{\"name\":\"s\",\"type\":\"null\"}");
	else
		TG_FAIL("no configuration for a sink of type \"%s\"", type);
}

static void configure(const struct tg_sink_ops *ops, const char *text, struct tg_problems *problems)
{
	const struct tg_json *config;
	struct tg_why why;

	tg_arena_init(&rig.arena, rig.arena_bytes, sizeof(rig.arena_bytes));
	TG_CHECK_INT(tg_json_parse(tg_view_str(text), &rig.arena, &config, &why), 0);
	memset(problems, 0, sizeof(*problems));
	memset(rig.state, 0, sizeof(rig.state));
	memset((uint8_t *)rig.state + ops->state_bytes, 0xa5, sizeof(rig.state) - ops->state_bytes);
	ops->configure(rig.state, config, problems);
}

static void start(const struct tg_sink_ops *ops)
{
	static struct tg_problems problems;
	char text[TEXT_BYTES];
	size_t before;

	config_of(ops->type, text);
	configure(ops, text, &problems);
	TG_CHECK_INT(problems.count, 0);
	before = rig.arena.used;
	TG_CHECK_INT(ops->start(rig.state, &rig.arena, &rig.now, &rig.why), 0);
	TG_CHECK(rig.arena.used - before <= ops->buffer_bytes);
}

static void begin(const struct tg_sink_ops *ops)
{
	static bool once;
	const char *base = getenv("TMPDIR");

	if (!once) {
		tg_loop_signals();
		tg_log_setup(TG_LOG_ERROR, false);
		tg_crc32c_init();
	}
	once = true;
	(void)snprintf(rig.folder, sizeof(rig.folder), "%s/tg-sink-XXXXXX",
		       base != NULL ? base : "/tmp");
	TG_CHECK(mkdtemp(rig.folder) != NULL);
	rig.now = (struct tg_now){ .mono_ms = 5000, .wall_ms = INT64_C(1700000000000) };
	server_start();
	if (strcmp(ops->type, "ravendb") == 0)
		double_start();
	start(ops);
}

static void end(const struct tg_sink_ops *ops)
{
	char path[512];
	DIR *folder;
	struct dirent *entry;

	ops->stop(rig.state);
	for (size_t i = ops->state_bytes; i < sizeof(rig.state);
	     i++) /* nothing behind its state is its own */
		TG_CHECK_INT(((uint8_t *)rig.state)[i], 0xa5);
	server_stop();
	(void)snprintf(path, sizeof(path), "%s/out", rig.folder);
	folder = opendir(path);
	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		char file[1024];

		(void)snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		(void)unlink(file);
	}
	if (folder != NULL)
		(void)closedir(folder);
	(void)rmdir(path);
	(void)rmdir(rig.folder);
}

static struct tg_body body_of(const struct tg_sink_ops *ops, uint64_t first, uint64_t last)
{
	struct tg_sink_limits limits;

	ops->limits(rig.state, &limits);
	return (struct tg_body){ .instance = instance,
				 .stream = stream,
				 .first = first,
				 .last = last,
				 .framing = limits.framing,
				 .pad_bytes = 100 };
}

/* Delivers `body`; the last error. */
static int deliver(const struct tg_sink_ops *ops, struct tg_body *body)
{
	struct tg_delivery delivery = { .instance = tg_view_str(instance),
					.stream = tg_view_str(stream),
					.stream_number = 1,
					.first = body->first,
					.last = body->last,
					.count = body->last - body->first + 1,
					.body = body };
	int err = ops->deliver(rig.state, &delivery, &rig.now, &rig.why);

	for (unsigned turn = 0; err == TG_OK || err == TG_ERR_AGAIN; turn++) {
		struct tg_wants wants;

		TG_CHECK(turn < TURNS_MAX);
		server_turn();
		tg_wants_clear(&wants);
		ops->want(rig.state, &wants); /* a sink that is not done says what it waits for */
		TG_CHECK(wants.count > 0 || wants.wake_mono_ms != UINT64_MAX);
		err = ops->step(rig.state, &rig.now, &rig.outcome, &rig.why);
		if (err != TG_ERR_AGAIN)
			break;
	}
	return err;
}

static void answer_ok(void)
{
	if (server.choose != NULL)
		return; /* it answers by itself */
	server_reply(
		(struct server_reply){ .text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" });
}

static int each(void (*test)(const struct tg_sink_ops *ops))
{
	int count = 0;

	for (const struct tg_sink_ops *const *ops = tg_drivers.sinks; *ops != NULL; ops++) {
		begin(*ops);
		test(*ops);
		end(*ops);
		count++;
	}
	return count;
}

static void is_filled(const struct tg_sink_ops *ops)
{
	struct tg_sink_limits limits;

	TG_CHECK(ops->type != NULL && ops->guarantee != NULL && strlen(ops->guarantee) > 0);
	TG_CHECK(ops->state_bytes > 0 && ops->state_bytes <= CONFIG_TG_SINK_BYTES_MAX);
	TG_CHECK(ops->acked != NULL && ops->idle != NULL && ops->finish != NULL &&
		 ops->probe != NULL);
	ops->limits(rig.state, &limits);
	TG_CHECK(limits.batch_records_max > 0 && limits.batch_bytes_max > 0);
	TG_CHECK(limits.framing == TG_FRAMING_NDJSON || limits.framing == TG_FRAMING_ARRAY ||
		 (limits.framing == TG_FRAMING_OWN && ops->frame != NULL));
}

TG_TEST(contract_operations_are_filled)
{
	TG_CHECK(each(is_filled) >= 3);
}

/* Wrong types and an unknown member are each a problem with a text; nothing is touched. */
static void configures(const struct tg_sink_ops *ops)
{
	static struct tg_problems problems;
	char text[TEXT_BYTES];

	ops->stop(rig.state);
	(void)snprintf(text, sizeof(text), "{\"name\":\"s\",\"type\":\"%s\",\"no_such_member\":1}",
		       ops->type);
	configure(ops, text, &problems);
	TG_CHECK(problems.count >= 1);
	for (uint32_t i = 0; i < problems.count && i < TG_PROBLEMS_MAX; i++)
		TG_CHECK(problems.text[i][0] != '\0');
	TG_CHECK(strstr(problems.text[0], "no_such_member") != NULL ||
		 strstr(problems.text[1], "no_such_member") != NULL);
	ops->stop(rig.state); /* configured and never started */
	start(ops);
}

TG_TEST(contract_configuration_is_checked)
{
	each(configures);
}

static void delivers(const struct tg_sink_ops *ops)
{
	for (uint64_t first = 1; first <= 50; first += 10) {
		struct tg_body body = body_of(ops, first, first + 9);

		answer_ok();
		TG_CHECK_INT(deliver(ops, &body), 0);
		TG_CHECK(rig.outcome.receipt.bytes <= TG_RECEIPT_BYTES_MAX);
		TG_CHECK_INT(rig.outcome.refused_count, 0);
		while (ops->acked(rig.state, &rig.now, &rig.outcome, &rig.why) != 0)
			TG_CHECK(rig.outcome.receipt.bytes > 0);
		TG_CHECK_INT(ops->idle(rig.state, &rig.now, &rig.outcome, &rig.why), 0);
	}
	for (unsigned i = 0; ops->finish(rig.state, &rig.now, &rig.outcome, &rig.why) == 1; i++) {
		TG_CHECK(i < 10 && rig.outcome.receipt.bytes > 0);
		TG_CHECK_INT(ops->acked(rig.state, &rig.now, &rig.outcome, &rig.why), 0);
	}
}

TG_TEST(contract_delivers)
{
	each(delivers);
}

/* A delivery larger than any buffer is taken in steps, and never asks for the body behind its end.
 */
static void takes_large(const struct tg_sink_ops *ops)
{
	struct tg_body body = body_of(ops, 1, 400);

	body.pad_bytes = 2000;
	answer_ok();
	TG_CHECK_INT(deliver(ops, &body), 0);
	TG_CHECK(body.reads > 5);
}

TG_TEST(contract_large_deliveries)
{
	each(takes_large);
}

/* The delivery fails as a whole: an error with a sentence, and the same delivery goes well
 * afterwards. */
static void survives_failure(const struct tg_sink_ops *ops)
{
	struct tg_body body = body_of(ops, 1, 20);

	body.fail_at_read = 1;
	TG_CHECK_INT(deliver(ops, &body), TG_ERR_DAMAGED);
	TG_CHECK(rig.why.text[0] != '\0');
	body.fail_at_read = 0;
	answer_ok();
	TG_CHECK_INT(deliver(ops, &body), 0);
}

TG_TEST(contract_a_failed_delivery_is_repeated)
{
	each(survives_failure);
}

/* The commit failed: the same delivery comes again without an acked(). */
static void takes_again(const struct tg_sink_ops *ops)
{
	struct tg_body body = body_of(ops, 1, 20);

	answer_ok();
	TG_CHECK_INT(deliver(ops, &body), 0);
	answer_ok();
	TG_CHECK_INT(deliver(ops, &body), 0);
	TG_CHECK_INT(ops->acked(rig.state, &rig.now, &rig.outcome, &rig.why), 0);
}

TG_TEST(contract_a_delivery_without_acknowledgement_is_repeated)
{
	each(takes_again);
}

/* Stopped at any moment and started again, its receipt brings it back; a damaged one is refused. */
static void restarts(const struct tg_sink_ops *ops)
{
	struct tg_body body = body_of(ops, 1, 20);
	struct tg_view kept;
	uint32_t scope;

	answer_ok();
	TG_CHECK_INT(deliver(ops, &body), 0);
	kept = tg_view_of(rig.receipt, rig.outcome.receipt.bytes);
	if (kept.bytes > 0)
		memcpy(rig.receipt, rig.outcome.receipt.at, kept.bytes);
	scope = rig.outcome.scope;
	ops->stop(rig.state);
	start(ops);
	if (kept.bytes > 0) {
		TG_CHECK_INT(ops->restore(rig.state, scope, kept, &rig.why), 0);
		TG_CHECK_INT(ops->restore(rig.state, scope, kept, &rig.why), 0);
		rig.receipt[kept.bytes - 1] ^= 1;
		TG_CHECK_INT(ops->restore(rig.state, scope, kept, &rig.why), TG_ERR_DAMAGED);
	}
	body = body_of(ops, 21, 30);
	answer_ok();
	TG_CHECK_INT(deliver(ops, &body), 0);
}

TG_TEST(contract_restarts_from_its_receipt)
{
	each(restarts);
}

static void probes(const struct tg_sink_ops *ops)
{
	int err = TG_ERR_AGAIN;

	answer_ok();
	for (unsigned turn = 0; err == TG_ERR_AGAIN; turn++) {
		TG_CHECK(turn < TURNS_MAX);
		server_turn();
		err = ops->probe(rig.state, &rig.now, &rig.why);
	}
	TG_CHECK_INT(err, 0);
	TG_CHECK(rig.why.text[0] != '\0');
}

TG_TEST(contract_probe_says_something)
{
	each(probes);
}

/* stop() in the middle of everything leaves no descriptor. */
static void stops(const struct tg_sink_ops *ops)
{
	struct tg_body body = body_of(ops, 1, 5000);
	struct tg_delivery delivery = { .instance = tg_view_str(instance),
					.stream = tg_view_str(stream),
					.stream_number = 1,
					.first = 1,
					.last = 5000,
					.count = 5000,
					.body = &body };
	int before = dup(0), after;

	TG_CHECK_INT(close(before), 0);
	TG_CHECK_INT(ops->deliver(rig.state, &delivery, &rig.now, &rig.why), 0);
	for (int i = 0; i < 3; i++) {
		server_turn();
		TG_CHECK_INT(ops->step(rig.state, &rig.now, &rig.outcome, &rig.why), TG_ERR_AGAIN);
	}
	ops->stop(rig.state);
	server_drop(false);
	after = dup(0);
	TG_CHECK_INT(close(after), 0);
	TG_CHECK_INT(after, before);
	start(ops);
}

TG_TEST(contract_stop_leaves_nothing_open)
{
	each(stops);
}
