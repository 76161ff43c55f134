#include "drivers/raven/sink.h"

#include "app/crc32c.h"
#include "app/pack.h"
#include "drivers/raven/sink_state.h"
#include "platform/assert.h"
#include "platform/loop.h"

_Static_assert(sizeof(struct tg_raven_sink) <= CONFIG_TG_SINK_BYTES_MAX,
	       "Raise TG_SINK_BYTES_MAX or lower TG_RAVEN_URLS_MAX");

enum {
	MARKERS_BYTES = CONFIG_TG_STREAMS_MAX * sizeof(struct tg_marker),
	BUFFER_BYTES = TG_HTTP_CLIENT_ARENA_BYTES + CONFIG_TG_RAVEN_ANSWER_BYTES + MARKERS_BYTES +
		       64,
};
_Static_assert((int)BUFFER_BYTES <= CONFIG_TG_SINK_ARENA_BYTES,
	       "Raise TG_SINK_ARENA_BYTES or lower TG_STREAMS_MAX");

static void raven_configure(void *state, const struct tg_json *config, struct tg_problems *problems)
{
	struct tg_raven_sink *sink = state;

	memset(sink, 0, sizeof(*sink));
	tg_raven_sink_options_read(&sink->options, config, problems);
}

static void raven_limits(const void *state, struct tg_sink_limits *out)
{
	const struct tg_raven_sink *sink = state;

	*out = (struct tg_sink_limits){ .batch_records_max = sink->options.batch_records,
					.batch_bytes_max = sink->options.batch_bytes,
					.in_flight_row = true,
					.framing = TG_FRAMING_OWN };
}

static int raven_start(void *state, struct tg_arena *arena, const struct tg_now *now,
		       struct tg_why *why)
{
	struct tg_raven_sink *sink = state;

	(void)now;
	(void)why;
	sink->answer = tg_arena_take(arena, CONFIG_TG_RAVEN_ANSWER_BYTES);
	sink->markers = tg_arena_take(arena, MARKERS_BYTES);
	TG_ASSERT(sink->answer != NULL && sink->markers != NULL);
	memset(sink->markers, 0, MARKERS_BYTES);
	sink->frame = (struct tg_raven_frame){ .id = sink->options.id,
					       .collection = sink->options.collection,
					       .keep_expires = sink->options.keep_expires };
	sink->client.answer_ms_max = sink->options.link.answer_ms_max;
	tg_raven_sink_address(sink);
	tg_http_init(&sink->client, arena, sink->answer, CONFIG_TG_RAVEN_ANSWER_BYTES);
	return TG_OK;
}

/* The stream's place; one that was never met gets the next free one. The store knows no more
 * streams than there are places, but their numbers may have gaps. */
static struct tg_marker *marker_of(struct tg_raven_sink *sink, uint32_t stream)
{
	uint32_t i = 0;

	while (i < CONFIG_TG_STREAMS_MAX - 1 && sink->markers[i].stream != 0 &&
	       sink->markers[i].stream != stream)
		i++;
	struct tg_marker *marker = &sink->markers[i];
	if (marker->stream != stream)
		*marker = (struct tg_marker){ .stream = stream };
	return marker;
}

static int raven_restore(void *state, uint32_t scope, struct tg_view receipt, struct tg_why *why)
{
	enum { VERSION = 1, CRC_BYTES = 4 };
	struct tg_raven_sink *sink = state;

	if (receipt.bytes != TG_RAVEN_RECEIPT_BYTES || receipt.at[0] != VERSION ||
	    tg_load_u32(receipt.at + TG_RAVEN_RECEIPT_BYTES - CRC_BYTES) !=
		    tg_crc32c(0, receipt.at, TG_RAVEN_RECEIPT_BYTES - CRC_BYTES))
		return tg_why_set(
			why, TG_ERR_DAMAGED,
			"what the store kept for this sink is damaged, or another type's: "
			"run `tidegate outbox verify`, or give the sink another name");
	struct tg_marker *marker = marker_of(sink, scope);
	marker->acked = tg_load_u64(receipt.at + 1);
	marker->acked_by = tg_load_u32(receipt.at + 9);
	return TG_OK;
}

/* A store that was copied or salvaged has a new instance, and a marker of its own that is not there
 * yet: what the old one's said is nothing to hold it against. */
static void take_instance(struct tg_marker *marker, struct tg_view instance)
{
	uint32_t now = tg_crc32c(0, instance.at, instance.bytes);

	if (marker->acked_by != now)
		marker->acked = 0;
	marker->acked_by = now;
}

static int raven_deliver(void *state, const struct tg_delivery *delivery, const struct tg_now *now,
			 struct tg_why *why)
{
	struct tg_raven_sink *sink = state;

	(void)why;
	TG_ASSERT(sink->step == TG_RAVEN_SINK_REST);
	sink->delivery = delivery;
	sink->marker = marker_of(sink, delivery->stream_number);
	take_instance(sink->marker, delivery->instance);
	sink->tries = 0;
	sink->frame.replace = false;
	sink->frame.counted = 0;
	sink->frame.replaced = 0;
	/* One that is in already comes again when its acknowledgement could not be committed. */
	bool send = sink->marker->known && !tg_raven_sink_is_in(sink);
	tg_raven_sink_begin(sink, send ? TG_RAVEN_SINK_SEND : TG_RAVEN_SINK_LOOK, now);
	return TG_OK;
}

static int raven_step(void *state, const struct tg_now *now, struct tg_outcome *outcome,
		      struct tg_why *why)
{
	struct tg_raven_sink *sink = state;

	memset(outcome, 0, sizeof(*outcome));
	TG_ASSERT(sink->step == TG_RAVEN_SINK_LOOK || sink->step == TG_RAVEN_SINK_SEND);
	int err = tg_http_step(&sink->client, now, why);
	if (err == TG_ERR_AGAIN)
		return err;
	err = err == TG_OK ? tg_raven_sink_judge(sink, now, outcome, why)
			   : tg_raven_sink_failed(sink, err, now);
	if (err == TG_ERR_AGAIN)
		return err;
	sink->step = TG_RAVEN_SINK_REST;
	sink->delivery = NULL;
	return err;
}

static int raven_frame(void *state, const struct tg_line *line, const struct tg_record *record,
		       struct tg_out *out)
{
	struct tg_raven_sink *sink = state;

	return tg_raven_frame_write(&sink->frame, line, record, out);
}

static void raven_want(const void *state, struct tg_wants *wants)
{
	const struct tg_raven_sink *sink = state;

	if (sink->step != TG_RAVEN_SINK_REST)
		tg_http_want(&sink->client, wants);
}

static void raven_stop(void *state)
{
	struct tg_raven_sink *sink = state;
	struct tg_conn_target *target = &sink->options.link.target;

	if (sink->answer != NULL)
		tg_http_close(&sink->client);
	if (target->tls != NULL)
		tg_tls_unload(target->tls);
	target->tls = NULL;
	sink->step = TG_RAVEN_SINK_REST;
}

const struct tg_sink_ops tg_raven_sink_ops = {
	.type = "ravendb",
	.state_bytes = sizeof(struct tg_raven_sink),
	.buffer_bytes = BUFFER_BYTES,
	.guarantee = "exactly once: each batch is one transaction with a marker that says it is in",
	.documents = true,
	.configure = raven_configure,
	.limits = raven_limits,
	.start = raven_start,
	.restore = raven_restore,
	.deliver = raven_deliver,
	.step = raven_step,
	.acked = tg_sink_settled,
	.idle = tg_sink_settled,
	.finish = tg_sink_settled,
	.frame = raven_frame,
	.want = raven_want,
	.stop = raven_stop,
	.probe = tg_raven_sink_probe,
};
