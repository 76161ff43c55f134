#include "drivers/null/sink.h"

#include "app/arena.h"
#include "drivers/json/json.h"
#include "platform/assert.h"
#include "platform/loop.h"

enum { RECORDS_MAX = 1000000, ALIGNMENT_BYTES = 16 };

struct null_state {
	bool read_body;
	uint8_t *buffer;
	const struct tg_delivery *delivery;
};

_Static_assert((int)CONFIG_TG_NULL_BUFFER_BYTES + ALIGNMENT_BYTES <= CONFIG_TG_SINK_ARENA_BYTES,
	       "Raise TG_SINK_ARENA_BYTES or lower TG_NULL_BUFFER_BYTES");
_Static_assert(sizeof(struct null_state) <= CONFIG_TG_SINK_BYTES_MAX, "Raise TG_SINK_BYTES_MAX");

static void null_configure(void *state, const struct tg_json *config, struct tg_problems *problems)
{
	static const char *const known[] = { "name", "type",    "streams",   "shape",
					     "from", "columns", "read_body", NULL };
	struct null_state *sink = state;

	*sink = (struct null_state){ .read_body = true };
	tg_json_only(config, known, problems);
	tg_json_take_bool(config, &(struct tg_json_rule){ .name = "read_body" }, &sink->read_body,
			  problems);
}

static void null_limits(const void *state, struct tg_sink_limits *out)
{
	(void)state;
	*out = (struct tg_sink_limits){ .batch_records_max = RECORDS_MAX,
					.batch_bytes_max = CONFIG_TG_NULL_BATCH_BYTES,
					.framing = TG_FRAMING_NDJSON,
					.one_delivery_waits = true };
}

static int null_start(void *state, struct tg_arena *arena, const struct tg_now *now,
		      struct tg_why *why)
{
	struct null_state *sink = state;

	(void)now;
	(void)why;
	sink->buffer = tg_arena_take(arena, CONFIG_TG_NULL_BUFFER_BYTES);
	TG_ASSERT(sink->buffer != NULL);
	return TG_OK;
}

static int null_deliver(void *state, const struct tg_delivery *delivery, const struct tg_now *now,
			struct tg_why *why)
{
	struct null_state *sink = state;

	(void)now;
	(void)why;
	sink->delivery = delivery;
	tg_body_rewind(delivery->body);
	return TG_OK;
}

static int null_step(void *state, const struct tg_now *now, struct tg_outcome *outcome,
		     struct tg_why *why)
{
	struct null_state *sink = state;
	int bytes = 0;

	(void)now;
	memset(outcome, 0, sizeof(*outcome));
	TG_ASSERT(sink->delivery != NULL);
	if (sink->read_body)
		bytes = tg_body_read(sink->delivery->body, sink->buffer,
				     CONFIG_TG_NULL_BUFFER_BYTES);
	if (bytes > 0)
		return TG_ERR_AGAIN;
	sink->delivery = NULL;
	if (bytes < 0)
		return tg_why_set(why, bytes,
				  "a record could not be read from the store (%s): run "
				  "`tidegate outbox verify`",
				  tg_err_name(bytes));
	return TG_OK;
}

static void null_want(const void *state, struct tg_wants *wants)
{
	const struct null_state *sink = state;

	if (sink->delivery != NULL)
		tg_wants_at(wants, 0);
}

static void null_stop(void *state)
{
	struct null_state *sink = state;

	sink->delivery = NULL;
}

static int null_probe(void *state, const struct tg_now *now, struct tg_why *why)
{
	(void)state;
	(void)now;
	return tg_why_set(why, TG_OK, "takes everything and keeps nothing");
}

const struct tg_sink_ops tg_null_sink = {
	.type = "null",
	.state_bytes = sizeof(struct null_state),
	.buffer_bytes = CONFIG_TG_NULL_BUFFER_BYTES + ALIGNMENT_BYTES,
	.guarantee = "none: what is delivered is gone",
	.configure = null_configure,
	.limits = null_limits,
	.start = null_start,
	.restore = tg_sink_restored,
	.deliver = null_deliver,
	.step = null_step,
	.acked = tg_sink_settled,
	.idle = tg_sink_settled,
	.finish = tg_sink_settled,
	.want = null_want,
	.stop = null_stop,
	.probe = null_probe,
};
