/* sink_probe.c - `check`: who we are there, whether we may write, and what was written last. */
#include <inttypes.h>
#include <stdio.h>

#include "drivers/json/scan.h"
#include "drivers/raven/meta.h"
#include "drivers/raven/sink_state.h"
#include "platform/clock.h"

enum { DAY_MS = 86400000, DAYS_SOON = 30, TEXT_BYTES = 64 };

static struct tg_view answer_of(const struct tg_raven_sink *sink)
{
	return tg_view_of(sink->client.response.body, sink->client.response.body_bytes);
}

/* A JSON string's text for a sentence. */
static void take_text(struct tg_view value, char at[TEXT_BYTES])
{
	uint8_t text[TEXT_BYTES - 1];
	int bytes = value.bytes > 0 ? tg_json_unescape(value, text, sizeof(text)) : 0;

	(void)snprintf(at, TEXT_BYTES, "%.*s", bytes > 0 ? bytes : 0, (const char *)text);
}

/* 204: TLS works, but the server does not know the certificate, or it is not secured at all. */
static int judge_who(struct tg_raven_sink *sink, const struct tg_now *now, struct tg_why *why)
{
	struct tg_view answer = answer_of(sink);
	char name[TEXT_BYTES], clearance[TEXT_BYTES];
	int64_t end_ms = 0;

	if (sink->client.response.status != 200)
		return tg_why_set(why, TG_ERR_LOGIN_USER,
				  "%s does not know our client certificate: register it there, or "
				  "give another one in certificate_file",
				  sink->authority);
	take_text(tg_member_of(answer, "Name"), name);
	take_text(tg_member_of(answer, "SecurityClearance"), clearance);
	if (tg_raven_time(tg_member_of(answer, "NotAfter"), &end_ms) != TG_OK)
		return tg_why_set(why, TG_ERR_PROTOCOL,
				  "%s does not say until when our certificate is good",
				  sink->authority);
	int64_t days = (end_ms - now->wall_ms) / DAY_MS;
	if (end_ms < now->wall_ms)
		return tg_why_set(why, TG_ERR_LOGIN_USER,
				  "the client certificate \"%s\" has expired: register a new one",
				  name);
	(void)snprintf(sink->who, sizeof(sink->who),
		       ", as \"%s\" (%s), certificate good for %" PRId64 " days%s", name, clearance,
		       days, days <= DAYS_SOON ? ": renew it" : "");
	return TG_OK;
}

static int judge_try(struct tg_raven_sink *sink, struct tg_why *why)
{
	struct tg_raven_judgement judgement;

	if (sink->client.response.status == 201)
		return TG_OK;
	return tg_raven_sink_refused(sink, NULL, &judgement, why);
}

static int judge_list(struct tg_raven_sink *sink, struct tg_why *why)
{
	static const char *const none = "never";
	struct tg_members members;
	struct tg_view name, document = { .at = NULL };
	struct tg_view list = tg_member_of(answer_of(sink), "Results");
	struct tg_raven_judgement judgement;
	char when[TEXT_BYTES];

	if (sink->client.response.status != 200)
		return tg_raven_sink_refused(sink, NULL, &judgement, why);
	if (tg_members_start(&members, list))
		(void)tg_members_next(&members, &name, &document);
	struct tg_view metadata = tg_member_of(document, "@metadata");
	take_text(tg_member_of(metadata, "@last-modified"), when);
	return tg_why_set(why, TG_OK,
			  "database %s on %s takes batches (%s)%s; written by a sink of this name: "
			  "%s",
			  sink->options.link.database, sink->authority,
			  tg_conn_describe(&sink->client.conn_), sink->who,
			  when[0] != '\0' ? when : none);
}

/* TG_ERR_AGAIN when the next request has begun. */
static int judge(struct tg_raven_sink *sink, const struct tg_now *now, struct tg_why *why)
{
	int err;

	switch (sink->step) {
	case TG_RAVEN_SINK_WHO:
		err = judge_who(sink, now, why);
		if (err == TG_OK)
			tg_raven_sink_begin(sink, TG_RAVEN_SINK_TRY, now);
		break;
	case TG_RAVEN_SINK_TRY:
		err = judge_try(sink, why);
		if (err == TG_OK)
			tg_raven_sink_begin(sink, TG_RAVEN_SINK_LIST, now);
		break;
	default:
		return judge_list(sink, why);
	}
	return err == TG_OK ? TG_ERR_AGAIN : err;
}

static void begin(struct tg_raven_sink *sink, const struct tg_now *now)
{
	sink->who[0] = '\0';
	tg_raven_sink_begin(sink, sink->options.link.tls ? TG_RAVEN_SINK_WHO : TG_RAVEN_SINK_TRY,
			    now);
}

int tg_raven_sink_probe(void *state, const struct tg_now *now, struct tg_why *why)
{
	struct tg_raven_sink *sink = state;

	if (sink->step == TG_RAVEN_SINK_REST) {
		sink->nodes_tried = 1;
		begin(sink, now);
	}
	int err = tg_http_step(&sink->client, now, why);
	if (err == TG_ERR_AGAIN)
		return err;
	uint32_t before = sink->node;
	err = err == TG_OK ? judge(sink, now, why) : tg_raven_sink_failed(sink, err, now);
	if (err == TG_ERR_AGAIN)
		return err;
	if (sink->node != before && sink->nodes_tried < sink->options.link.url_count) {
		sink->nodes_tried++;
		begin(sink, now);
		return TG_ERR_AGAIN;
	}
	sink->step = TG_RAVEN_SINK_REST;
	return err;
}
