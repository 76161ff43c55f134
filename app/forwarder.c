#include "app/forwarder.h"

#include "app/pattern.h"
#include "app/pick.h"
#include "app/refusal.h"
#include "app/replay.h"
#include "platform/assert.h"
#include "platform/log.h"

/* Which state may follow which. PAUSED -> SENDING repeats the very same bytes; SENDING -> FIXED is
 * a refusal that halved the batch; SETTLING -> SENDING: the next batch was fixed in the commit that
 * acknowledged the last one. */
static const unsigned legal_next[] = {
	[TG_FWD_IDLE] = 1u << TG_FWD_FIXED | 1u << TG_FWD_SENDING | 1u << TG_FWD_SETTLING |
			1u << TG_FWD_ACKED | 1u << TG_FWD_CLOSED | 1u << TG_FWD_PAUSED,
	[TG_FWD_FIXED] = 1u << TG_FWD_SENDING,
	[TG_FWD_SENDING] = 1u << TG_FWD_ACKED | 1u << TG_FWD_FIXED | 1u << TG_FWD_PAUSED |
			   1u << TG_FWD_IDLE,
	[TG_FWD_ACKED] = 1u << TG_FWD_SETTLING,
	[TG_FWD_SETTLING] = 1u << TG_FWD_IDLE | 1u << TG_FWD_ACKED | 1u << TG_FWD_SENDING |
			    1u << TG_FWD_PAUSED | 1u << TG_FWD_CLOSED,
	[TG_FWD_PAUSED] = 1u << TG_FWD_SENDING | 1u << TG_FWD_SETTLING | 1u << TG_FWD_IDLE,
	[TG_FWD_CLOSED] = 0,
};

static void enter(struct tg_forwarder *fwd, enum tg_forwarder_state next, uint64_t mono_ms)
{
	TG_ASSERT(legal_next[fwd->state_] & (1u << next));
	TG_LOG_DBG("forwarder.state", "sink=%s from=%d to=%d", fwd->config->name, (int)fwd->state_,
		   (int)next);
	fwd->state_ = next;
	fwd->entered_ms_ = mono_ms;
}

static struct tg_sink_row *row_of(const struct tg_forwarder *fwd)
{
	return tg_outbox_sink_row(fwd->box, fwd->slot);
}

static struct tg_in_flight *in_flight_of(const struct tg_forwarder *fwd)
{
	return &row_of(fwd)->in_flight;
}

int tg_forwarder_init(struct tg_forwarder *fwd, struct tg_outbox *box,
		      const struct tg_config_sink *config, const struct tg_registry *registry)
{
	memset(fwd, 0, sizeof(*fwd));
	fwd->box = box;
	fwd->config = config;
	fwd->registry = registry;
	config->ops->limits(config->state, &fwd->limits);
	fwd->batch_limit_ = fwd->limits.batch_records_max;
	return tg_outbox_sink_open(box, config->name, config->ops->type, &fwd->slot);
}

struct restore {
	struct tg_forwarder *fwd;
	struct tg_why *why;
};

static int restore_one(void *context, uint32_t scope, struct tg_view receipt)
{
	struct restore *restore = context;
	const struct tg_config_sink *config = restore->fwd->config;

	return config->ops->restore(config->state, scope, receipt, restore->why);
}

int tg_forwarder_restore(struct tg_forwarder *fwd, struct tg_why *why)
{
	struct restore restore = { .fwd = fwd, .why = why };

	return tg_outbox_receipts(fwd->box, fwd->slot, restore_one, &restore);
}

bool tg_forwarder_adopt(struct tg_forwarder *fwd, struct tg_stream *stream, struct tg_view name,
			bool has_rows)
{
	if (stream->wanted[fwd->slot] || !tg_patterns_take(fwd->config->streams, name))
		return false;
	tg_outbox_sink_wants(fwd->box, fwd->slot, stream, stream->next_seq - 1);
	return has_rows && !fwd->config->from_now;
}

void tg_forwarder_flush(struct tg_forwarder *fwd, bool flush)
{
	fwd->flush_ = flush;
}

void tg_forwarder_finish(struct tg_forwarder *fwd)
{
	fwd->finishing_ = true;
}

bool tg_forwarder_closed(const struct tg_forwarder *fwd)
{
	return fwd->state_ == TG_FWD_CLOSED;
}

bool tg_forwarder_wants_commit(const struct tg_forwarder *fwd)
{
	return fwd->state_ == TG_FWD_FIXED || fwd->state_ == TG_FWD_ACKED;
}

bool tg_forwarder_drained(const struct tg_forwarder *fwd)
{
	if (in_flight_of(fwd)->stream != 0 ||
	    (fwd->state_ != TG_FWD_IDLE && fwd->state_ != TG_FWD_CLOSED))
		return false;
	for (uint32_t i = 0; i < tg_outbox_stream_count(fwd->box); i++) {
		const struct tg_stream *stream = tg_outbox_stream_at(fwd->box, i);
		if (stream->wanted[fwd->slot] &&
		    stream->acked[fwd->slot] + 1 < stream->durable_next)
			return false;
	}
	return true;
}

void tg_forwarder_want(const struct tg_forwarder *fwd, struct tg_wants *wants)
{
	if (fwd->state_ == TG_FWD_SENDING || fwd->state_ == TG_FWD_IDLE)
		fwd->config->ops->want(fwd->config->state, wants);
}

uint64_t tg_forwarder_wake_ms(const struct tg_forwarder *fwd)
{
	return fwd->state_ == TG_FWD_PAUSED ? fwd->backoff_.until_ms : UINT64_MAX;
}

/* --- sending -------------------------------------------------------------------------------------
 */

/* As the row says, so that a retry is the same bytes; unless the row was left by a sink of another
 * type under this name, which only one of the two can have framed. */
static enum tg_framing framing_of(const struct tg_forwarder *fwd)
{
	enum tg_framing fixed = (enum tg_framing)in_flight_of(fwd)->framing;
	bool own = fwd->limits.framing == TG_FRAMING_OWN;

	return (fixed == TG_FRAMING_OWN) == own ? fixed : fwd->limits.framing;
}

static void make_body(struct tg_forwarder *fwd, const struct tg_source_ops *ops)
{
	struct tg_in_flight *batch = in_flight_of(fwd);

	fwd->body_ = (struct tg_body){
		.box = fwd->box,
		.stream = fwd->stream_,
		.first = batch->first,
		.last = batch->last,
		.sink = row_of(fwd)->number,
		.framing = framing_of(fwd),
		.ops = fwd->config->ops,
		.state = fwd->config->state,
		.line = { .ops = ops,
			  .columns = { .shape = (enum tg_shape)batch->shape,
				       .spec = tg_view_of(batch->spec, batch->spec_bytes) },
			  .instance = tg_outbox_instance(fwd->box),
			  .stream = tg_view_str(fwd->row_.name) },
		.suspects = batch->suspects,
		.suspect_count = batch->suspect_count,
	};
	tg_body_start(&fwd->body_);
	fwd->delivery_ = (struct tg_delivery){ .instance = fwd->body_.line.instance,
					       .stream = fwd->body_.line.stream,
					       .stream_number = batch->stream,
					       .first = batch->first,
					       .last = batch->last,
					       .count = batch->last - batch->first + 1,
					       .body = &fwd->body_ };
}

static int prepare(struct tg_forwarder *fwd)
{
	struct tg_in_flight *batch = in_flight_of(fwd);

	fwd->stream_ = tg_outbox_stream(fwd->box, batch->stream);
	if (fwd->stream_ == NULL)
		return tg_why_set(&fwd->why, TG_ERR_DAMAGED,
				  "the batch under way is of an unknown stream");
	int err = tg_outbox_stream_row(fwd->box, batch->stream, &fwd->row_);
	if (err < 0)
		return tg_why_set(&fwd->why, err, "the store cannot be read (%s)",
				  tg_err_name(err));
	const struct tg_source_ops *ops = tg_registry_source(fwd->registry, fwd->row_.type);
	if (ops == NULL)
		return tg_why_set(&fwd->why, TG_ERR_CONFIG,
				  "the store holds rows of a source type %s that this tidegate was "
				  "built without",
				  fwd->row_.type);
	make_body(fwd, ops);
	return 0;
}

static void pause(struct tg_forwarder *fwd, int err, uint64_t asked_ms, uint64_t mono_ms)
{
	struct tg_sink_row *row = row_of(fwd);
	uint64_t pause_ms = tg_backoff_fail(&fwd->backoff_, mono_ms, asked_ms, fwd->random());

	fwd->why.err = err;
	if (strncmp(row->last_error, fwd->why.text, sizeof(row->last_error) - 1) != 0) {
		size_t bytes = strlen(fwd->why.text);
		if (bytes >= sizeof(row->last_error))
			bytes = sizeof(row->last_error) - 1;
		memcpy(row->last_error, fwd->why.text, bytes);
		row->last_error[bytes] = '\0';
		TG_LOG_WRN("sink.paused", "sink=%s error=%s pause_ms=%llu why=\"%s\"",
			   fwd->config->name, tg_err_name(err), (unsigned long long)pause_ms,
			   fwd->why.text);
	}
	enter(fwd, TG_FWD_PAUSED, mono_ms);
}

/* No record of the batch is for this sink (addressed to another one, or lost): the target is not
 * asked, and proves nothing. */
static void pass_over(struct tg_forwarder *fwd, uint64_t mono_ms)
{
	struct tg_in_flight *batch = in_flight_of(fwd);

	if (batch->suspect_count == 0) {
		tg_outbox_ack(fwd->box, fwd->slot, fwd->stream_, batch->last);
		batch->stream = 0;
		enter(fwd, TG_FWD_IDLE, mono_ms);
	} else if (tg_refusal_look_behind(fwd) == TG_REFUSAL_RESEND) {
		enter(fwd, TG_FWD_FIXED, mono_ms);
	} else {
		pause(fwd, TG_ERR_BATCH, 0, mono_ms);
	}
}

static void send(struct tg_forwarder *fwd, const struct tg_now *now, uint64_t mono_ms)
{
	int some = fwd->replay_id_ != 0 ? 1 : prepare(fwd);

	if (fwd->replay_id_ != 0)
		tg_body_start(&fwd->body_);
	else if (some == 0)
		some = tg_body_any(&fwd->body_);
	memset(&fwd->outcome_, 0, sizeof(fwd->outcome_));
	enter(fwd, TG_FWD_SENDING, mono_ms);
	if (some == 0) {
		pass_over(fwd, mono_ms);
		return;
	}
	int err = some < 0 ? some
			   : fwd->config->ops->deliver(fwd->config->state, &fwd->delivery_, now,
						       &fwd->why);
	if (err < 0)
		pause(fwd, err, 0, mono_ms);
}

/* The batch is taken: everything up to its end, the suspects before it, and what the target named
 * as refused. */
static int acknowledge(struct tg_forwarder *fwd, int64_t wall_ms)
{
	struct tg_sink_row *row = row_of(fwd);
	struct tg_in_flight *batch = &row->in_flight;
	int err = tg_refusal_settle(fwd, &fwd->outcome_, wall_ms);

	if (err == 0 && fwd->outcome_.receipt.bytes > 0)
		err = tg_outbox_receipt(fwd->box, fwd->slot, fwd->outcome_.scope,
					fwd->outcome_.receipt);
	if (err < 0)
		return err;
	bool cut = fwd->outcome_.cut;
	uint64_t lines = cut ? fwd->outcome_.lines : fwd->body_.given_;
	tg_outbox_ack(fwd->box, fwd->slot, fwd->stream_, cut ? fwd->outcome_.last : batch->last);
	row->delivered_count += lines;
	row->last_ok_ms = wall_ms;
	row->last_error[0] = '\0';
	fwd->delivered_count += lines;
	fwd->credit_ = true;
	fwd->why.err = 0;
	fwd->most_lines_ = 0;
	fwd->most_bytes_ = 0;
	batch->stream = 0;
	batch->suspect_count = 0;
	tg_backoff_clear(&fwd->backoff_);
	if (fwd->batch_limit_ < fwd->limits.batch_records_max)
		fwd->batch_limit_ *= 2;
	if (fwd->batch_limit_ > fwd->limits.batch_records_max)
		fwd->batch_limit_ = fwd->limits.batch_records_max;
	return 0;
}

/* One quarantined record is there now. */
static int finish_replay(struct tg_forwarder *fwd)
{
	int err = 0;

	if (fwd->outcome_.receipt.bytes > 0)
		err = tg_outbox_receipt(fwd->box, fwd->slot, fwd->outcome_.scope,
					fwd->outcome_.receipt);
	if (err == 0 && fwd->outcome_.cut && fwd->outcome_.lines == 0) {
		fwd->replay_id_ = 0; /* it has room in the next file */
		tg_replay_again(fwd);
	} else if (err == 0) {
		tg_replay_done(fwd);
	}
	return err;
}

/* A target that takes a body to its end and refuses it, again and again, is no progress. */
static void note_progress(struct tg_forwarder *fwd)
{
	const struct tg_body *body = &fwd->body_;

	if (body->given_ < fwd->most_lines_ ||
	    (body->given_ == fwd->most_lines_ && body->skip_ <= fwd->most_bytes_))
		return;
	fwd->most_lines_ = body->given_;
	fwd->most_bytes_ = body->skip_;
	fwd->progress++;
}

static bool step_sending(struct tg_forwarder *fwd, const struct tg_now *now, uint64_t mono_ms,
			 int64_t wall_ms)
{
	int err = fwd->config->ops->step(fwd->config->state, now, &fwd->outcome_, &fwd->why);

	note_progress(fwd);
	if (err == TG_ERR_AGAIN)
		return false;
	if (err == 0)
		err = fwd->replay_id_ != 0 ? finish_replay(fwd) : acknowledge(fwd, wall_ms);
	if (err == 0) {
		enter(fwd, TG_FWD_ACKED, mono_ms);
		fwd->deliver_after_settling_ = tg_pick(fwd);
		return true;
	}
	if (err == TG_ERR_BATCH && fwd->replay_id_ != 0) {
		tg_replay_refused(fwd);
		enter(fwd, TG_FWD_IDLE, mono_ms);
		return true;
	}
	enum tg_refusal next = TG_REFUSAL_PAUSE;
	if (err == TG_ERR_BATCH)
		next = tg_refusal_of_batch(fwd, wall_ms);
	switch (next) {
	case TG_REFUSAL_RESEND:
		enter(fwd, TG_FWD_FIXED, mono_ms);
		break;
	case TG_REFUSAL_DONE:
		enter(fwd, TG_FWD_IDLE, mono_ms);
		break;
	case TG_REFUSAL_PAUSE:
		pause(fwd, err, fwd->outcome_.retry_after_ms, mono_ms);
		break;
	}
	return true;
}

/* --- after the commit ----------------------------------------------------------------------------
 */

/* 1: another receipt must become durable first. */
static bool settle_with(struct tg_forwarder *fwd, int result, uint64_t mono_ms)
{
	if (result == 1) {
		int err = tg_outbox_receipt(fwd->box, fwd->slot, fwd->outcome_.scope,
					    fwd->outcome_.receipt);
		if (err == 0)
			enter(fwd, TG_FWD_ACKED, mono_ms);
		else
			result = tg_why_set(&fwd->why, err, "a receipt could not be kept (%s)",
					    tg_err_name(err));
		if (err == 0)
			return true;
	}
	if (result < 0) {
		pause(fwd, result, 0, mono_ms);
		return true;
	}
	return false;
}

static bool step_settling(struct tg_forwarder *fwd, const struct tg_now *now, uint64_t mono_ms)
{
	const struct tg_sink_ops *ops = fwd->config->ops;

	memset(&fwd->outcome_, 0, sizeof(fwd->outcome_));
	int result = ops->acked(fwd->config->state, now, &fwd->outcome_, &fwd->why);
	if (settle_with(fwd, result, mono_ms))
		return true;
	tg_backoff_clear(&fwd->backoff_);
	if (fwd->deliver_after_settling_ && in_flight_of(fwd)->stream != 0) {
		fwd->deliver_after_settling_ = false;
		send(fwd, now, mono_ms);
	} else {
		enter(fwd, TG_FWD_IDLE, mono_ms);
	}
	return true;
}

static bool step_idle(struct tg_forwarder *fwd, const struct tg_now *now, uint64_t mono_ms)
{
	const struct tg_sink_ops *ops = fwd->config->ops;

	if (in_flight_of(fwd)->stream == 0 && tg_replay_pick(fwd)) {
		send(fwd, now, mono_ms);
		return true;
	}
	if (in_flight_of(fwd)->stream != 0 || tg_pick(fwd)) {
		if (fwd->limits.in_flight_row && !tg_outbox_sink_durable(fwd->box, fwd->slot))
			enter(fwd, TG_FWD_FIXED, mono_ms);
		else
			send(fwd, now, mono_ms);
		return true;
	}
	memset(&fwd->outcome_, 0, sizeof(fwd->outcome_));
	bool finish = fwd->finishing_ && tg_forwarder_drained(fwd);
	int result = finish ? ops->finish(fwd->config->state, now, &fwd->outcome_, &fwd->why)
			    : ops->idle(fwd->config->state, now, &fwd->outcome_, &fwd->why);
	if (settle_with(fwd, result, mono_ms))
		return true;
	if (finish)
		enter(fwd, TG_FWD_CLOSED, mono_ms);
	return finish;
}

static bool step_paused(struct tg_forwarder *fwd, const struct tg_now *now, uint64_t mono_ms)
{
	if (!tg_backoff_over(&fwd->backoff_, mono_ms))
		return false;
	if (fwd->replay_id_ != 0 ||
	    (in_flight_of(fwd)->stream != 0 && tg_outbox_sink_durable(fwd->box, fwd->slot)))
		send(fwd, now, mono_ms);
	else
		enter(fwd, TG_FWD_IDLE, mono_ms);
	return true;
}

bool tg_forwarder_step(struct tg_forwarder *fwd, const struct tg_now *now, uint64_t mono_ms,
		       int64_t wall_ms)
{
	bool durable = tg_outbox_sink_durable(fwd->box, fwd->slot);

	switch (fwd->state_) {
	case TG_FWD_IDLE:
		return step_idle(fwd, now, mono_ms);
	case TG_FWD_FIXED:
		if (durable)
			send(fwd, now, mono_ms);
		return durable;
	case TG_FWD_SENDING:
		return step_sending(fwd, now, mono_ms, wall_ms);
	case TG_FWD_ACKED:
		if (durable)
			enter(fwd, TG_FWD_SETTLING, mono_ms);
		return durable;
	case TG_FWD_SETTLING:
		return step_settling(fwd, now, mono_ms);
	case TG_FWD_PAUSED:
		return step_paused(fwd, now, mono_ms);
	case TG_FWD_CLOSED:
		return false;
	}
	return false;
}
