#include "drivers/https/sink.h"

#include <inttypes.h>
#include <stdio.h>

#include "drivers/http/client.h"
#include "drivers/http/gzip.h"
#include "drivers/http/identity.h"
#include "drivers/https/answer.h"
#include "drivers/https/options.h"
#include "platform/assert.h"
#include "platform/loop.h"

enum step {
	STEP_NONE,
	STEP_COUNT, /* compressing into nothing, to know the length */
	STEP_SEND,
	STEP_PROBE_HEAD,
	STEP_PROBE_OPTIONS,
};

struct https_state {
	struct tg_https_options options;
	struct tg_http_client client;
	struct tg_gzip gzip;
	uint8_t *answer;
	enum step step;
	const struct tg_delivery *delivery;
	uint64_t length, given; /* bytes of the body as it is sent, and how many were */
	bool took_some;
};

_Static_assert(sizeof(struct https_state) <= CONFIG_TG_SINK_BYTES_MAX,
	       "Raise TG_SINK_BYTES_MAX or lower TG_HTTPS_HEADERS_BYTES_MAX");

/* The head of a request is written in one piece: the url, the key with every byte as %XX,
 * what the configuration adds, and our own lines. */
enum {
	KEY_BYTES_MAX = 3 * (TG_INSTANCE_BYTES_MAX + TG_STREAM_NAME_BYTES_MAX) + 64,
	HEAD_BYTES_MAX = TG_URL_BYTES_MAX + TG_URL_AUTHORITY_BYTES_MAX + KEY_BYTES_MAX +
			 CONFIG_TG_HTTPS_BEARER_BYTES_MAX + CONFIG_TG_HTTPS_HEADERS_BYTES_MAX + 512,
};
enum {
	BUFFER_BYTES = TG_HTTP_CLIENT_ARENA_BYTES + CONFIG_TG_HTTPS_ANSWER_BYTES +
		       TG_GZIP_ARENA_BYTES + 64,
};
_Static_assert((int)BUFFER_BYTES <= CONFIG_TG_SINK_ARENA_BYTES,
	       "Raise TG_SINK_ARENA_BYTES or lower TG_HTTP_GZIP_WINDOW_BITS and _MEMORY_LEVEL");
_Static_assert(HEAD_BYTES_MAX <= CONFIG_TG_HTTP_SEND_BYTES, "Raise TG_HTTP_SEND_BYTES");

static void https_configure(void *state, const struct tg_json *config, struct tg_problems *problems)
{
	struct https_state *sink = state;

	memset(sink, 0, sizeof(*sink));
	tg_https_options_read(&sink->options, config, problems);
}

static void https_limits(const void *state, struct tg_sink_limits *out)
{
	const struct https_state *sink = state;

	*out = (struct tg_sink_limits){ .batch_records_max = sink->options.batch_records,
					.batch_bytes_max = sink->options.batch_bytes,
					.in_flight_row = true,
					.framing = sink->options.framing };
}

static int https_start(void *state, struct tg_arena *arena, const struct tg_now *now,
		       struct tg_why *why)
{
	struct https_state *sink = state;
	const struct tg_https_options *options = &sink->options;

	(void)now;
	(void)why;
	sink->answer = tg_arena_take(arena, CONFIG_TG_HTTPS_ANSWER_BYTES);
	TG_ASSERT(sink->answer != NULL);
	sink->client.target = options->target;
	sink->client.answer_ms_max = options->answer_ms;
	tg_http_init(&sink->client, arena, sink->answer, CONFIG_TG_HTTPS_ANSWER_BYTES);
	if (options->gzip)
		tg_gzip_init(&sink->gzip, arena);
	return TG_OK;
}

/* --- the request --- */

/* A structured-field string (RFC 8941, section 3.3.3) holds visible ASCII; what is not, and the
 * percent sign, goes as %XX, so that two streams never share a key. */
static void put_quoted(struct tg_out *out, struct tg_view text)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < text.bytes; i++) {
		uint8_t byte = text.at[i];

		if (byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\' && byte != '%') {
			tg_out_byte(out, (char)byte);
			continue;
		}
		tg_out_byte(out, '%');
		tg_out_byte(out, hex[byte >> 4]);
		tg_out_byte(out, hex[byte & 15]);
	}
}

static void put_number(struct tg_out *out, uint64_t number)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, number);
	tg_out_str(out, text);
}

static void put_key(struct tg_out *out, const struct tg_delivery *delivery)
{
	tg_out_str(out, "Idempotency-Key: \"");
	put_quoted(out, delivery->instance);
	tg_out_byte(out, '/');
	put_quoted(out, delivery->stream);
	tg_out_byte(out, '/');
	put_number(out, delivery->first);
	tg_out_byte(out, '-');
	put_number(out, delivery->last);
	tg_out_str(out, "\"\r\n");
}

static void put_common(struct tg_out *out, const struct tg_https_options *options,
		       const char *method)
{
	tg_out_str(out, method);
	tg_out_byte(out, ' ');
	tg_out_str(out, options->url.target);
	tg_out_str(out, " HTTP/1.1\r\nHost: ");
	tg_out_str(out, options->url.authority);
	tg_out_str(out, "\r\nUser-Agent: tidegate/" TG_VERSION "\r\nAccept: application/json\r\n");
	if (options->bearer[0] != '\0') {
		tg_out_str(out, "Authorization: Bearer ");
		tg_out_str(out, options->bearer);
		tg_out_str(out, "\r\n");
	}
	tg_out_str(out, options->headers);
}

static void put_head(void *context, struct tg_out *out)
{
	const struct https_state *sink = context;
	const struct tg_https_options *options = &sink->options;

	put_common(out, options, "POST");
	tg_out_str(out, options->framing == TG_FRAMING_ARRAY
				? "Content-Type: application/json\r\n"
				: "Content-Type: application/x-ndjson\r\n");
	if (options->gzip)
		tg_out_str(out, "Content-Encoding: gzip\r\n");
	put_key(out, sink->delivery);
	tg_out_str(out, "Content-Length: ");
	put_number(out, sink->length);
	tg_out_str(out, "\r\n\r\n");
}

static void put_probe(void *context, struct tg_out *out)
{
	const struct https_state *sink = context;

	put_common(out, &sink->options, sink->step == STEP_PROBE_HEAD ? "HEAD" : "OPTIONS");
	tg_out_str(out, "\r\n");
}

static int raw_read(void *context, uint8_t *at, size_t cap)
{
	struct https_state *sink = context;

	return tg_body_read(sink->delivery->body, at, cap);
}

static void raw_rewind(void *context)
{
	struct https_state *sink = context;

	tg_body_rewind(sink->delivery->body);
}

static struct tg_http_body raw_body(struct https_state *sink)
{
	return (struct tg_http_body){ .read = raw_read, .rewind = raw_rewind, .context = sink };
}

/* The bytes as they go out. They must be as many as Content-Length said: a record that got lost in
 * the store between counting and sending ends the request, and the target never has a whole one. */
static int body_read(void *context, uint8_t *at, size_t cap)
{
	struct https_state *sink = context;
	int bytes = sink->options.gzip ? tg_gzip_read(&sink->gzip, at, cap)
				       : raw_read(sink, at, cap);

	if (bytes < 0)
		return bytes;
	sink->given += (uint64_t)bytes;
	if (sink->given > sink->length || (bytes == 0 && cap > 0 && sink->given < sink->length))
		return TG_ERR_DAMAGED;
	return bytes;
}

static void body_rewind(void *context)
{
	struct https_state *sink = context;
	struct tg_http_body raw = raw_body(sink);

	sink->given = 0;
	if (sink->options.gzip)
		tg_gzip_start(&sink->gzip, &raw);
	else
		raw_rewind(sink);
}

static void send_batch(struct https_state *sink, const struct tg_now *now)
{
	struct tg_http_request request = {
		.head = put_head,
		.context = sink,
		.body = { .read = body_read, .rewind = body_rewind, .context = sink },
	};

	sink->step = STEP_SEND;
	tg_http_begin(&sink->client, &request, now);
}

/* --- a delivery --- */

static int unreadable(int err, struct tg_why *why)
{
	return tg_why_set(why, err,
			  "a record could not be read from the store (%s): run `tidegate outbox "
			  "verify`",
			  tg_err_name(err));
}

static int https_deliver(void *state, const struct tg_delivery *delivery, const struct tg_now *now,
			 struct tg_why *why)
{
	struct https_state *sink = state;
	int err;

	TG_ASSERT(sink->step == STEP_NONE);
	sink->delivery = delivery;
	sink->length = 0;
	if (sink->options.gzip) {
		struct tg_http_body raw = raw_body(sink);

		tg_gzip_start(&sink->gzip, &raw);
		sink->step = STEP_COUNT;
		return TG_OK;
	}
	err = tg_body_bytes(delivery->body, &sink->length);
	if (err != TG_OK)
		return unreadable(err, why);
	send_batch(sink, now);
	return TG_OK;
}

/* The answer's buffer is free until an answer comes. */
static int count_some(struct https_state *sink, const struct tg_now *now, struct tg_why *why)
{
	int bytes = tg_gzip_read(&sink->gzip, sink->answer, CONFIG_TG_HTTPS_ANSWER_BYTES);

	if (bytes < 0)
		return unreadable(bytes, why);
	sink->length += (uint64_t)bytes;
	if (bytes == 0)
		send_batch(sink, now);
	return TG_ERR_AGAIN;
}

static struct tg_https_context context_of(const struct https_state *sink, const struct tg_now *now)
{
	return (struct tg_https_context){ .authority = sink->options.url.authority,
					  .took_some = sink->took_some,
					  .plain = !sink->options.url.tls,
					  .wall_ms = now->wall_ms };
}

static int judge(struct https_state *sink, const struct tg_now *now, struct tg_outcome *outcome,
		 struct tg_why *why)
{
	const struct tg_http_response *response = &sink->client.response;
	struct tg_https_context context = context_of(sink, now);
	int err = tg_https_verdict(response, &context, why);

	outcome->retry_after_ms = tg_http_retry_after_ms(response, now->wall_ms);
	if (err != TG_OK)
		return err;
	if (sink->client.early)
		return tg_why_set(why, TG_ERR_PROTOCOL,
				  "%s answers %u before it has the whole batch, so it "
				  "cannot have kept it: check the url",
				  sink->options.url.authority, response->status);
	err = tg_https_refused(response, sink->delivery, outcome, why);
	if (err == TG_OK)
		sink->took_some = true;
	return err;
}

static int https_step(void *state, const struct tg_now *now, struct tg_outcome *outcome,
		      struct tg_why *why)
{
	struct https_state *sink = state;
	int err;

	memset(outcome, 0, sizeof(*outcome));
	TG_ASSERT(sink->step == STEP_COUNT || sink->step == STEP_SEND);
	if (sink->step == STEP_COUNT) {
		err = count_some(sink, now, why);
	} else {
		err = tg_http_step(&sink->client, now, why);
		if (err == TG_OK)
			err = judge(sink, now, outcome, why);
	}
	if (err == TG_ERR_AGAIN)
		return err;
	sink->step = STEP_NONE;
	sink->delivery = NULL;
	return err;
}

static void https_want(const void *state, struct tg_wants *wants)
{
	const struct https_state *sink = state;

	if (sink->step == STEP_COUNT)
		tg_wants_at(wants, 0);
	else if (sink->step != STEP_NONE)
		tg_http_want(&sink->client, wants);
}

static void https_stop(void *state)
{
	struct https_state *sink = state;

	if (sink->answer != NULL)
		tg_http_close(&sink->client);
	tg_tls_unload(sink->options.target.tls);
	sink->options.target.tls = NULL;
	sink->step = STEP_NONE;
}

/* --- check --- */

/* HEAD is safe by definition (RFC 9110, section 9.2.1): it cannot make data, and it carries the
 * same authorisation. An endpoint that only knows POST says 405, or 404; then OPTIONS, safe too,
 * tells whether it is there. An answer of 400 has its reason in the body, which HEAD does not get:
 * nginx says there what it misses. */
static void send_probe(struct https_state *sink, enum step step, const struct tg_now *now)
{
	struct tg_http_request request = { .head = put_probe,
					   .context = sink,
					   .head_only = step == STEP_PROBE_HEAD };

	sink->step = step;
	tg_http_begin(&sink->client, &request, now);
}

/* What an endpoint that wants a POST may say to something else: it is there, and it let us in. */
static bool is_there(unsigned status)
{
	return status == 400 || status == 405 || status == 411 || status == 415 || status == 422 ||
	       status == 501;
}

static int judge_probe(struct https_state *sink, const struct tg_now *now, struct tg_why *why)
{
	const struct tg_http_response *response = &sink->client.response;
	struct tg_https_context context = context_of(sink, now);
	int err;

	if (sink->step == STEP_PROBE_HEAD && (response->status == 404 || response->status == 400)) {
		send_probe(sink, STEP_PROBE_OPTIONS, now);
		return TG_ERR_AGAIN;
	}
	err = tg_https_verdict(response, &context, why);
	if (err == TG_ERR_TARGET && is_there(response->status))
		err = TG_OK;
	if (response->status == 501)
		err = TG_OK;
	if (err != TG_OK)
		return err;
	char expiry[TG_IDENTITY_TEXT_BYTES];
	(void)tg_identity_days_left(&sink->options.target, now, expiry);
	return tg_why_set(why, TG_OK, "%s answers %s (%u)%s%s", sink->options.url.authority,
			  sink->step == STEP_PROBE_HEAD ? "HEAD" : "OPTIONS", response->status,
			  expiry[0] != '\0' ? "; " : "", expiry);
}

static int https_probe(void *state, const struct tg_now *now, struct tg_why *why)
{
	struct https_state *sink = state;
	int err;

	if (sink->step == STEP_NONE)
		send_probe(sink, STEP_PROBE_HEAD, now);
	err = tg_http_step(&sink->client, now, why);
	if (err == TG_OK)
		err = judge_probe(sink, now, why);
	if (err != TG_ERR_AGAIN)
		sink->step = STEP_NONE;
	return err;
}

const struct tg_sink_ops tg_https_sink = {
	.type = "https",
	.state_bytes = sizeof(struct https_state),
	.buffer_bytes = BUFFER_BYTES,
	.guarantee =
		"exactly once where the receiver drops Idempotency-Keys it has seen, else at least "
		"once; a repeated batch is the same request byte for byte",
	.configure = https_configure,
	.limits = https_limits,
	.start = https_start,
	.restore = tg_sink_restored, /* no receipts: the key makes a repeated batch harmless */
	.deliver = https_deliver,
	.step = https_step,
	.acked = tg_sink_settled,
	.idle = tg_sink_settled,
	.finish = tg_sink_settled,
	.want = https_want,
	.stop = https_stop,
	.probe = https_probe,
};
