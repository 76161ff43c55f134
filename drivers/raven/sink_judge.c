/* sink_judge.c - what an answer means for the batch under way. */
#include <inttypes.h>

#include "app/crc32c.h"
#include "app/pack.h"
#include "drivers/raven/sink_state.h"
#include "platform/assert.h"
#include "platform/clock.h"
#include "platform/log.h"

enum { TRIES_MAX = 3, RECEIPT_VERSION = 1, SECOND_MS = 1000 };

static struct tg_view answer_of(const struct tg_raven_sink *sink)
{
	return tg_view_of(sink->client.response.body, sink->client.response.body_bytes);
}

/* --- refusals --- */

static void next_node(struct tg_raven_sink *sink)
{
	const struct tg_raven_link *link = &sink->options.link;

	if (link->url_count < 2)
		return;
	tg_http_close(&sink->client);
	sink->node = (sink->node + 1) % link->url_count;
	tg_raven_sink_address(sink);
	TG_LOG_INF("ravendb.node", "sink=%s node=%s", sink->options.name, sink->authority);
}

/* Types that speak of what was sent and are no class of their own in answer.h. */
static bool is_about_data(const char *type)
{
	static const char *const types[] = {
		"InvalidOperationException",     "ArgumentOutOfRangeException",
		"ArgumentNullException",         "OverflowException",
		"InvalidStartOfObjectException", "JsonParsingException",
		"SchemaValidationException",     "JavaScriptException",
		"NotSupportedException"
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(type, types[i]) == 0)
			return true;
	return false;
}

/* A source's words for what it cannot read are a target's for what is wrong with it. */
static int sink_err(const struct tg_raven_judgement *judgement, unsigned status)
{
	if (judgement->fault == TG_RAVEN_FAULT_DATA || status == 413 ||
	    judgement->fault == TG_RAVEN_FAULT_COLLECTION ||
	    (status == 500 && is_about_data(judgement->type)))
		return TG_ERR_BATCH;
	switch (judgement->err) {
	case TG_ERR_QUERY:
	case TG_ERR_PEER_OLD:
		return TG_ERR_TARGET;
	default:
		return judgement->err;
	}
}

int tg_raven_sink_refused(struct tg_raven_sink *sink, struct tg_outcome *outcome,
			  struct tg_raven_judgement *judgement, struct tg_why *why)
{
	const struct tg_http_response *response = &sink->client.response;
	struct tg_raven_refusal refusal = { .status = response->status,
					    .body = answer_of(sink),
					    .secured = sink->options.link.tls,
					    .peer = sink->authority,
					    .database = sink->options.link.database };
	int err = tg_raven_judge(&refusal, judgement, why);

	if (err == TG_OK)
		return tg_why_set(why, TG_ERR_PEER_OTHER,
				  "%s does not answer as RavenDB does (%u): check ravendb_urls",
				  sink->authority, response->status);
	err = sink_err(judgement, response->status);
	/* Only what was sent can be refused: a server that fails at a question is broken. */
	if (err == TG_ERR_BATCH && !tg_raven_sink_writes(sink)) {
		err = TG_ERR_NOT_READY;
		judgement->other_node = true;
	}
	if (outcome != NULL)
		outcome->retry_after_ms = judgement->pause_ms;
	if (judgement->other_node && err != TG_ERR_BATCH)
		next_node(sink);
	if (why != NULL)
		why->err = err;
	return err;
}

/* Whether the batch is in, its marker says: there, and after a while on the other nodes too. */
static void be_unsure(struct tg_raven_sink *sink, const struct tg_now *now)
{
	sink->marker->known = false;
	sink->unsure_since_ms = now->mono_ms > 0 ? now->mono_ms : 1;
	sink->unsure_node = sink->node;
	sink->unsure_stream = sink->delivery->stream_number;
	sink->unsure_first = sink->delivery->first;
}

int tg_raven_sink_failed(struct tg_raven_sink *sink, int err, const struct tg_now *now)
{
	if (sink->step == TG_RAVEN_SINK_SEND)
		be_unsure(sink, now);
	switch (err) {
	case TG_ERR_RESOLVE:
	case TG_ERR_CONNECT:
	case TG_ERR_TIMEOUT:
	case TG_ERR_CLOSED:
	case TG_ERR_RESET:
	case TG_ERR_TLS:
	case TG_ERR_CERT:
	case TG_ERR_PEER_OTHER:
	case TG_ERR_PROTOCOL:
		next_node(sink);
		break;
	default:
		break;
	}
	return err;
}

/* --- taken --- */

static void tell_replaced(const struct tg_raven_sink *sink)
{
	const struct tg_delivery *delivery = sink->delivery;

	if (sink->frame.replaced > 0)
		TG_LOG_WRN("ravendb.replaced",
			   "sink=%s stream=%" PRIu32 " first=%" PRIu64 " last=%" PRIu64
			   " count=%" PRIu64 " why=\"letters that are no Unicode became U+FFFD\"",
			   sink->options.name, delivery->stream_number, delivery->first,
			   delivery->last, sink->frame.replaced);
}

/* The receipt remembers over restarts what the marker must say at least. */
static void make_receipt(struct tg_raven_sink *sink, struct tg_outcome *outcome)
{
	struct tg_writer out = { .at = sink->receipt, .cap = sizeof(sink->receipt) };

	tg_write_u8(&out, RECEIPT_VERSION);
	tg_write_u64(&out, sink->marker->acked);
	tg_write_u32(&out, sink->marker->acked_by);
	tg_write_u32(&out, tg_crc32c(0, sink->receipt, out.used));
	TG_ASSERT(!out.overran);
	outcome->receipt = tg_view_of(sink->receipt, out.used);
	outcome->scope = sink->delivery->stream_number;
}

static int taken(struct tg_raven_sink *sink, struct tg_outcome *outcome)
{
	tell_replaced(sink);
	sink->behind_since_ms = sink->unsure_since_ms = 0;
	if (!sink->delivery->replay) {
		sink->marker->acked = sink->delivery->last;
		make_receipt(sink, outcome);
	}
	return TG_OK;
}

/* --- the marker --- */

/* A batch is in when its marker covers it. A later marker that does not is none of this batch's. */
bool tg_raven_sink_is_in(const struct tg_raven_sink *sink)
{
	const struct tg_delivery *delivery = sink->delivery;
	const struct tg_marker *marker = sink->marker;

	if (delivery->replay)
		return marker->replayed == delivery->first;
	return marker->first <= delivery->first && marker->last >= delivery->last;
}

/* The marker is older than what was acknowledged: the database was restored, or this node has not
 * got everything yet. With several addresses there is hope for a while; then a person must know. */
static int behind(struct tg_raven_sink *sink, const struct tg_now *now, struct tg_why *why)
{
	const uint64_t patience_ms = (uint64_t)CONFIG_TG_RAVEN_LAG_SECONDS * SECOND_MS;
	struct tg_marker *marker = sink->marker;

	if (sink->behind_since_ms == 0)
		sink->behind_since_ms = now->mono_ms;
	if (sink->options.link.url_count > 1 &&
	    now->mono_ms - sink->behind_since_ms < patience_ms) {
		tg_why_set(why, TG_ERR_NOT_READY,
			   "database %s on %s has this stream up to %" PRIu64 ", and %" PRIu64
			   " was acknowledged: it lags behind another node, or was restored; "
			   "waiting %d seconds at most",
			   sink->options.link.database, sink->authority, marker->last,
			   marker->acked, CONFIG_TG_RAVEN_LAG_SECONDS);
		marker->known = false;
		next_node(sink);
		return TG_ERR_NOT_READY;
	}
	TG_LOG_WRN("ravendb.behind",
		   "sink=%s stream=%" PRIu32 " has=%" PRIu64 " acknowledged=%" PRIu64
		   " why=\"database %s on %s was restored or lost its marker; `tidegate resync "
		   "%.*s --sink %s` sends what it may miss\"",
		   sink->options.name, sink->delivery->stream_number, marker->last, marker->acked,
		   sink->options.link.database, sink->authority, (int)sink->delivery->stream.bytes,
		   (const char *)sink->delivery->stream.at, sink->options.name);
	marker->acked = marker->last;
	sink->behind_since_ms = 0;
	return TG_OK;
}

/* The node at hand does not have the batch, and another one may: it is given time to come over. */
static bool may_come(const struct tg_raven_sink *sink, const struct tg_now *now)
{
	const uint64_t patience_ms = (uint64_t)CONFIG_TG_RAVEN_UNSURE_SECONDS * SECOND_MS;
	const struct tg_delivery *delivery = sink->delivery;

	return sink->unsure_since_ms != 0 && sink->unsure_node != sink->node &&
	       sink->unsure_stream == delivery->stream_number &&
	       sink->unsure_first == delivery->first &&
	       now->mono_ms - sink->unsure_since_ms < patience_ms;
}

static int looked(struct tg_raven_sink *sink, const struct tg_now *now, struct tg_outcome *outcome,
		  struct tg_why *why)
{
	struct tg_marker *marker = sink->marker;

	if (tg_raven_sink_is_in(sink)) {
		TG_LOG_INF("ravendb.already_in",
			   "sink=%s stream=%" PRIu32 " first=%" PRIu64 " last=%" PRIu64,
			   sink->options.name, sink->delivery->stream_number, sink->delivery->first,
			   sink->delivery->last);
		return taken(sink, outcome);
	}
	if (may_come(sink, now)) {
		marker->known = false;
		return tg_why_set(why, TG_ERR_NOT_READY,
				  "%s does not have a batch that another node may have taken: "
				  "waiting %d seconds at most for it to come over",
				  sink->authority, CONFIG_TG_RAVEN_UNSURE_SECONDS);
	}
	int err = marker->last < marker->acked ? behind(sink, now, why) : TG_OK;
	if (err != TG_OK)
		return err;
	tg_raven_sink_begin(sink, TG_RAVEN_SINK_SEND, now);
	return TG_ERR_AGAIN;
}

/* There is none, or (in conflict) one that can only be written over. */
static void no_marker(struct tg_marker *marker, bool unchecked)
{
	marker->known = !unchecked;
	marker->roomy = false;
	marker->unchecked = unchecked;
	marker->first = 0;
	marker->last = 0;
	marker->replayed = 0;
	marker->vector[0] = '\0';
	if (unchecked) /* what it says is unknown, not that it is older */
		marker->last = marker->acked;
}

static int judge_look(struct tg_raven_sink *sink, const struct tg_now *now,
		      struct tg_outcome *outcome, struct tg_why *why)
{
	struct tg_marker_of of = tg_raven_sink_marker_of(sink);
	struct tg_raven_judgement judgement;
	unsigned status = sink->client.response.status;

	if (status == 200) {
		if (tg_marker_read(answer_of(sink), &of, sink->marker) != TG_OK)
			return tg_why_set(why, TG_ERR_PEER_OTHER,
					  "%s does not answer as RavenDB does (200, but no "
					  "document): check ravendb_urls",
					  sink->authority);
		return looked(sink, now, outcome, why);
	}
	int err = tg_raven_sink_refused(sink, outcome, &judgement, why);
	if (judgement.fault != TG_RAVEN_FAULT_MISSING && judgement.fault != TG_RAVEN_FAULT_CONFLICT)
		return err;
	no_marker(sink->marker, judgement.fault == TG_RAVEN_FAULT_CONFLICT);
	outcome->retry_after_ms = 0;
	return looked(sink, now, outcome, why);
}

/* --- the batch --- */

/* What became of it is not certain, or the marker is another one: it tells. */
static int look_again(struct tg_raven_sink *sink, const struct tg_now *now)
{
	sink->marker->known = false;
	if (++sink->tries >= TRIES_MAX)
		return TG_ERR_NOT_READY;
	tg_raven_sink_begin(sink, TG_RAVEN_SINK_LOOK, now);
	return TG_ERR_AGAIN;
}

/* The marker's is one that is in conflict, and can be written over; or it is another version than
 * the one we knew. When it was looked at and it is neither, the conflict is that of a document
 * which only its own stream's deletes may touch: a script is not run on it. */
static int judge_conflict(struct tg_raven_sink *sink, const struct tg_now *now,
			  const struct tg_raven_judgement *judgement, struct tg_why *why)
{
	if (sink->tries == 0 || strcmp(judgement->type, "DocumentConflictException") != 0)
		return look_again(sink, now);
	return tg_why_set(why, TG_ERR_BATCH,
			  "database %s on %s: a document that was to be deleted is in conflict "
			  "there: resolve it on the server, then replay the delete",
			  sink->options.link.database, sink->authority);
}

/* A document changes its collection only by being made anew. Which one it is, halving finds. */
static int judge_collection(struct tg_raven_sink *sink, const struct tg_now *now)
{
	if (sink->delivery->count > 1 || sink->frame.replace)
		return TG_ERR_BATCH;
	sink->frame.replace = true;
	tg_raven_sink_begin(sink, TG_RAVEN_SINK_SEND, now);
	return TG_ERR_AGAIN;
}

static int judge_send(struct tg_raven_sink *sink, const struct tg_now *now,
		      struct tg_outcome *outcome, struct tg_why *why)
{
	struct tg_marker_of of = tg_raven_sink_marker_of(sink);
	struct tg_raven_judgement judgement;
	unsigned status = sink->client.response.status;

	if (status >= 200 && status < 300) {
		if (!sink->client.early &&
		    tg_marker_written(answer_of(sink), &of, &sink->next, sink->marker))
			return taken(sink, outcome);
		tg_why_set(why, TG_ERR_NOT_READY,
			   "%s answers %u, but not as RavenDB does: nothing counts as delivered "
			   "before its marker is seen",
			   sink->authority, status);
		return look_again(sink, now);
	}
	uint32_t node = sink->node;
	int err = tg_raven_sink_refused(sink, outcome, &judgement, why);
	if (judgement.fault == TG_RAVEN_FAULT_CONFLICT)
		return judge_conflict(sink, now, &judgement, why);
	if (judgement.fault == TG_RAVEN_FAULT_COLLECTION)
		return judge_collection(sink, now);
	if (err != TG_ERR_BATCH && status != 403) { /* 408, 5xx: it may be in all the same */
		be_unsure(sink, now);
		sink->unsure_node = node;
	}
	return err;
}

int tg_raven_sink_judge(struct tg_raven_sink *sink, const struct tg_now *now,
			struct tg_outcome *outcome, struct tg_why *why)
{
	int err = sink->step == TG_RAVEN_SINK_LOOK ? judge_look(sink, now, outcome, why)
						   : judge_send(sink, now, outcome, why);

	if (err == TG_OK || err == TG_ERR_AGAIN || sink->options.link.url_count > 1)
		return err; /* what one address asks for does not hold for the next one */
	uint64_t asked_ms = tg_http_retry_after_ms(&sink->client.response, now->wall_ms);
	if (outcome->retry_after_ms < asked_ms)
		outcome->retry_after_ms = asked_ms;
	return err;
}
