#include <stdio.h>

#include "app/agent_part.h"
#include "platform/log.h"

bool tg_agent_source_over(const struct tg_agent_source *source)
{
	return source->phase == TG_SOURCE_DONE || source->phase == TG_SOURCE_FAILED;
}

void tg_agent_source_stop(struct tg_agent_source *source, const struct tg_turn *turn)
{
	source->config->ops->stop(source->config->state, turn->now);
	source->arena.used = 0;
}

/* The source as a whole failed: what it gave is kept, and a broken connection is tried again. */
static void source_error(struct tg_agent_source *source, int err, const struct tg_turn *turn)
{
	source->why.err = err;
	tg_agent_source_stop(source, turn);
	tg_intake_break(&source->intake);
	source->phase = TG_SOURCE_LEAVING;
}

static void source_left(struct tg_agent *agent, struct tg_agent_source *source,
			const struct tg_turn *turn)
{
	bool again = source->reached && tg_err_verdict(source->why.err) == TG_VERDICT_RETRY;

	if (!again) {
		source->phase = TG_SOURCE_FAILED;
		TG_LOG_ERR("source.failed", "source=%s error=%s why=\"%s\"", source->config->name,
			   tg_err_name(source->why.err), source->why.text);
		return;
	}
	uint64_t pause_ms =
		tg_backoff_fail(&source->backoff, turn->mono_ms, 0, agent->host->random64());
	TG_LOG_WRN("source.paused", "source=%s error=%s pause_ms=%llu why=\"%s\"",
		   source->config->name, tg_err_name(source->why.err), (unsigned long long)pause_ms,
		   source->why.text);
	source->phase = TG_SOURCE_PAUSED;
}

static void adopt(struct tg_agent *agent, struct tg_stream_open *open)
{
	bool has_rows = tg_stream_row_holds(&open->row);

	for (uint32_t i = 0; i < agent->config->sink_count; i++) {
		struct tg_forwarder *fwd = &agent->forwarders[i];
		uint16_t number = tg_outbox_sink_row(&agent->box, fwd->slot)->number;

		if ((open->row.flags & TG_STREAM_RESEND) && open->row.resend_sink != 0 &&
		    open->row.resend_sink != number)
			continue; /* one new sink a pass; the next sync takes this one in */
		if (!tg_forwarder_adopt(fwd, open->stream, tg_view_str(open->row.name), has_rows))
			continue;
		if (!(open->row.flags & TG_STREAM_RESEND)) /* else all get everything */
			open->row.resend_sink = number;
		open->row.flags |= TG_STREAM_RESEND | TG_STREAM_FULL_PASS;
		open->row.flags &= ~(uint32_t)TG_STREAM_BEGUN;
		tg_outbox_touch(&agent->box, open);
	}
}

/* "SOURCE/DATABASE/TABLE" of the batch in hand; false when it is too long. */
static bool name_stream(struct tg_agent_source *source)
{
	int bytes = snprintf(source->stream, sizeof(source->stream), "%s/%.*s",
			     source->config->name, (int)source->batch.name.bytes,
			     (const char *)source->batch.name.at);

	return bytes > 0 && (size_t)bytes < sizeof(source->stream);
}

/* The store knows nothing that could be the same: nothing is opened. */
static int begin_none(struct tg_agent_source *source)
{
	struct tg_stream_state none = { .stream = TG_STREAM_NONE };

	source->phase = TG_SOURCE_RUN;
	source->stream[0] = '\0';
	return source->config->ops->begin(source->config->state, &none);
}

static int begin_stream(struct tg_agent *agent, struct tg_agent_source *source,
			const struct tg_turn *turn)
{
	bool same = (source->batch.flags & TG_BATCH_SAME) != 0;

	if (!name_stream(source))
		return tg_why_set(&source->why, TG_ERR_LIMIT, "a stream's name is too long: %s",
				  source->stream);
	source->reached = source->reached || !same; /* with SAME nobody was asked yet */
	source->rows_estimate = source->batch.rows_estimate;
	source->at_begin = source->intake.counts;
	int err = tg_intake_begin(&source->intake, &source->batch, tg_view_str(source->stream),
				  turn->wall_ms);
	if (err == TG_ERR_MISSING && same)
		return begin_none(source);
	if (err == TG_ERR_LIMIT)
		return tg_why_set(&source->why, err,
				  "the store has no room for the stream %s (TG_STREAMS_MAX %d)",
				  source->stream, CONFIG_TG_STREAMS_MAX);
	if (err < 0)
		return tg_why_set(&source->why, err, "the store cannot open the stream %s (%s)",
				  source->stream, tg_err_name(err));
	adopt(agent, tg_intake_open(&source->intake));
	return 0;
}

static void tell_end(struct tg_agent *agent, struct tg_agent_source *source)
{
	const struct tg_sync_options *options = agent->options_;
	const struct tg_intake_counts *now = &source->intake.counts, *then = &source->at_begin;
	uint64_t forgotten;
	bool damaged = tg_intake_tell_damage(&source->intake, &forgotten);
	bool complete = (source->batch.flags & TG_BATCH_COMPLETE) != 0 && !damaged;
	struct tg_stream_result result = { .name = source->stream,
					   .complete = complete,
					   .rows_read = now->rows_read - then->rows_read,
					   .changed = now->changed - then->changed,
					   .deleted = now->deleted - then->deleted,
					   .set_aside = now->set_aside - then->set_aside,
					   .why = complete ? NULL : source->batch.why };

	if (damaged && result.why == NULL) {
		(void)tg_why_set(&source->stream_why, TG_ERR_DAMAGED,
				 "the index of %s was damaged, %llu keys are forgotten; a full "
				 "pass sends their rows again",
				 source->stream, (unsigned long long)forgotten);
		result.why = &source->stream_why;
	}

	source->done_streams += complete;
	source->failed_streams += !complete;
	if (complete)
		TG_LOG_INF("stream.complete", "stream=%s rows=%llu changed=%llu deleted=%llu",
			   source->stream, (unsigned long long)result.rows_read,
			   (unsigned long long)result.changed, (unsigned long long)result.deleted);
	else
		TG_LOG_ERR("stream.failed", "stream=%s why=\"%s\"", source->stream,
			   result.why != NULL ? result.why->text : "");
	if (options->stream != NULL)
		options->stream(options->context, &result);
	source->stream[0] = '\0';
}

static void stream_ended(struct tg_agent *agent, struct tg_agent_source *source)
{
	if (source->batch.flags & TG_BATCH_AGAIN)
		return; /* its result comes with its next END */
	source->reached = true;
	tell_end(agent, source);
}

static void begin_unread(struct tg_agent_source *source)
{
	(void)name_stream(source);
	source->at_begin = source->intake.counts;
}

/* What a step of the source gave. */
static int take_batch(struct tg_agent *agent, struct tg_agent_source *source,
		      const struct tg_turn *turn)
{
	switch (source->batch.kind) {
	case TG_BATCH_NONE:
		return 0;
	case TG_BATCH_BEGIN:
		source->phase = TG_SOURCE_BEGINNING;
		return begin_stream(agent, source, turn);
	case TG_BATCH_ROWS:
	case TG_BATCH_END:
		if (tg_intake_open(&source->intake) ==
		    NULL) { /* its index was damaged: the next pass reads it anew */
			source->batch.flags &= ~(uint32_t)TG_BATCH_COMPLETE;
			/* A table that could not even begin is named by its END alone. */
			if (source->batch.stream == TG_STREAM_NONE)
				begin_unread(source);
			if (source->batch.kind == TG_BATCH_END)
				stream_ended(agent, source);
			return 0;
		}
		/* Rows alone: a server that falls silent before any has given nothing. */
		if (source->batch.count > 0)
			tg_backoff_clear(&source->backoff);
		tg_intake_take(&source->intake, &source->batch, turn->wall_ms);
		source->phase = TG_SOURCE_TAKING;
		return 0;
	case TG_BATCH_DONE:
		tg_agent_source_stop(source, turn);
		source->phase = TG_SOURCE_DONE;
		return 0;
	}
	return 0;
}

static bool run_source(struct tg_agent *agent, struct tg_agent_source *source,
		       const struct tg_turn *turn)
{
	source->batch.kind = TG_BATCH_NONE;
	int err = source->config->ops->step(source->config->state, turn->now, &source->batch,
					    &source->why);

	if (err == TG_ERR_AGAIN)
		return false;
	if (err == 0)
		err = take_batch(agent, source, turn);
	if (err < 0)
		source_error(source, err, turn);
	return err < 0 || source->batch.kind != TG_BATCH_NONE;
}

/* Bounded work on the batch in hand; a full outbox leaves it there. */
static bool work(struct tg_agent *agent, struct tg_agent_source *source, const struct tg_turn *turn)
{
	struct tg_stream_state state;
	int err = tg_intake_go(&source->intake);

	if (err == TG_ERR_AGAIN)
		return true;
	if (err == TG_ERR_FULL) {
		agent->must_commit_ = true;
		return false;
	}
	if (err == TG_ERR_PROTOCOL ||
	    err == TG_ERR_LIMIT) { /* doing it again would end as it did */
		tg_why_set(&source->why, err,
			   err == TG_ERR_LIMIT
				   ? "the index of %s does not fit TG_INDEX_PAGES of this build"
				   : "the rows of %s did not come in the order of their keys",
			   source->stream);
		source_error(source, err, turn);
		return true;
	}
	if (err < 0) {
		tg_why_set(&agent->store_why_, err, "the store %s cannot be read (%s)",
			   agent->config->store_path, tg_err_name(err));
		return false;
	}
	if (agent->commit_retry_ms_ == 0)
		agent->store_why_.err = 0; /* it can be read again */
	if (source->phase == TG_SOURCE_LEAVING) {
		source_left(agent, source, turn);
		return true;
	}
	if (source->phase == TG_SOURCE_BEGINNING) {
		tg_intake_state(&source->intake, &state);
		err = source->config->ops->begin(source->config->state, &state);
		if (err < 0) {
			source_error(source, err, turn);
			return true;
		}
	} else if (source->batch.kind == TG_BATCH_END) {
		stream_ended(agent, source);
	}
	source->phase = TG_SOURCE_RUN;
	return true;
}

/* What of the store is told to one source. */
struct known {
	struct tg_agent *agent;
	const struct tg_agent_source *source;
	uint32_t at;
	struct tg_stream_row row;
};

/* A row that cannot be read is passed over: its stream says so when it begins. */
static bool next_known(void *context, struct tg_view *name)
{
	struct known *known = context;
	const struct tg_config_source *config = known->source->config;
	struct tg_outbox *box = &known->agent->box;
	size_t bytes = strlen(config->name);

	while (known->at < tg_outbox_stream_count(box)) {
		uint32_t number = tg_outbox_stream_at(box, known->at++)->number;
		if (tg_outbox_stream_row(box, number, &known->row) < 0 ||
		    strcmp(known->row.type, config->ops->type) != 0 ||
		    strncmp(known->row.name, config->name, bytes) != 0 ||
		    known->row.name[bytes] != '/')
			continue;
		*name = tg_view_str(known->row.name + bytes + 1);
		return true;
	}
	return false;
}

static bool start_source(struct tg_agent *agent, struct tg_agent_source *source,
			 const struct tg_turn *turn)
{
	struct known store = { .agent = agent, .source = source };
	struct tg_known known = { .context = &store, .next = next_known };
	struct tg_source_start with = { &source->arena, turn->now, &known };
	int err = source->config->ops->start(source->config->state, &with, &source->why);

	if (err < 0)
		source_error(source, err, turn);
	else
		source->phase = TG_SOURCE_RUN;
	return true;
}

bool tg_agent_source_step(struct tg_agent *agent, struct tg_agent_source *source,
			  const struct tg_turn *turn)
{
	switch (source->phase) {
	case TG_SOURCE_START:
		return !tg_outbox_must_commit(&agent->box) && start_source(agent, source, turn);
	case TG_SOURCE_RUN:
		/* A large body is borrowed from the source's buffer until it is committed. */
		if (tg_outbox_must_commit(&agent->box))
			return false;
		return !tg_outbox_full(&agent->box) && run_source(agent, source, turn);
	case TG_SOURCE_BEGINNING:
	case TG_SOURCE_TAKING:
	case TG_SOURCE_LEAVING:
		return work(agent, source, turn);
	case TG_SOURCE_PAUSED:
		if (tg_backoff_over(&source->backoff, turn->mono_ms))
			source->phase = TG_SOURCE_START;
		return source->phase == TG_SOURCE_START;
	case TG_SOURCE_DONE:
	case TG_SOURCE_FAILED:
		return false;
	}
	return false;
}
