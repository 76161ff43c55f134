#include "app/agent_part.h"

#include "platform/assert.h"
#include "platform/log.h"

enum { STEPS_A_TURN = 4, COMMIT_RETRY_MS = 1000, FULL_RETRY_MS = 100, BUSY_MS_MAX = 200 };

size_t tg_agent_memory_bytes(const struct tg_config *config)
{
	size_t bytes = tg_outbox_memory_bytes();

	bytes += config->source_count * (size_t)(CONFIG_TG_SOURCE_ARENA_BYTES + 64);
	for (uint32_t i = 0; i < config->sink_count; i++)
		bytes += config->sinks[i].ops->buffer_bytes + 64;
	return bytes;
}

/* Streams that a damaged store left behind are delivered from their first record on. */
static void adopt_salvaged(struct tg_agent *agent, struct tg_forwarder *fwd)
{
	static struct tg_stream_row row; /* too large for a small machine's stack */

	if (!tg_outbox_salvaged(&agent->box))
		return;
	for (uint32_t i = 0; i < tg_outbox_stream_count(&agent->box); i++) {
		struct tg_stream *stream = tg_outbox_stream_at(&agent->box, i);

		if (tg_outbox_stream_row(&agent->box, stream->number, &row) < 0)
			continue;
		(void)tg_forwarder_adopt(fwd, stream, tg_view_str(row.name), false);
		if (stream->wanted[fwd->slot] && stream->first_block != 0)
			stream->acked[fwd->slot] = stream->first_block - 1;
	}
}

/* Until then each start salvages anew: it would not know that these streams were never adopted. */
static int take_over(struct tg_agent *agent, uint64_t mono_ms, struct tg_why *why)
{
	int err = tg_outbox_commit(&agent->box, mono_ms, why);

	if (err < 0)
		return err;
	err = tg_outbox_salvage_end(&agent->box);
	return err == 0 ? 0
			: tg_why_set(why, err, "the store %s cannot be written (%s)",
				     agent->config->store_path, tg_err_name(err));
}

static int boot_sinks(struct tg_agent *agent, struct tg_arena *arena, struct tg_why *why)
{
	struct tg_turn turn;

	agent->host->turn(&turn);
	for (uint32_t i = 0; i < agent->config->sink_count; i++) {
		const struct tg_config_sink *sink = &agent->config->sinks[i];
		struct tg_forwarder *fwd = &agent->forwarders[i];
		int err = tg_forwarder_init(fwd, &agent->box, sink, agent->registry);

		if (err < 0 && err != TG_ERR_LIMIT)
			return tg_why_set(why, err, "the store %s cannot be read (%s)",
					  agent->config->store_path, tg_err_name(err));
		if (err < 0)
			return tg_why_set(why, err,
					  "the store knows %d other sinks, more than this board "
					  "has room for; "
					  "drop one with `tidegate sink forget NAME`",
					  CONFIG_TG_SINKS_MAX);
		fwd->random = agent->host->random64;
		err = sink->ops->start(sink->state, arena, turn.now, why);
		if (err == 0)
			err = tg_forwarder_restore(fwd, why);
		if (err == 0)
			adopt_salvaged(agent, fwd);
		if (err < 0)
			return err;
	}
	return tg_outbox_salvaged(&agent->box) ? take_over(agent, turn.mono_ms, why) : 0;
}

static void boot_sources(struct tg_agent *agent, struct tg_arena *arena)
{
	for (uint32_t i = 0; i < agent->config->source_count; i++) {
		struct tg_agent_source *source = &agent->sources[i];
		struct tg_source_rules rules = { .delete_when_empty = false };

		source->config = &agent->config->sources[i];
		if (source->config->ops->rules != NULL)
			source->config->ops->rules(source->config->state, &rules);
		tg_intake_init(&source->intake, &agent->box, source->config->ops, rules);
		void *bytes = tg_arena_take(arena, CONFIG_TG_SOURCE_ARENA_BYTES);
		TG_ASSERT(bytes != NULL); /* tg_agent_memory_bytes counted it */
		tg_arena_init(&source->arena, bytes, CONFIG_TG_SOURCE_ARENA_BYTES);
	}
}

int tg_agent_boot(struct tg_agent *agent, const struct tg_agent_parts *parts, struct tg_why *why)
{
	const struct tg_config *config = parts->config;
	const struct tg_host *host = parts->host;

	memset(agent, 0, sizeof(*agent));
	agent->config = config;
	agent->registry = parts->registry;
	agent->host = host;
	struct tg_outbox_cfg cfg = { .path = config->store_path,
				     .name = config->name,
				     .bytes_max = config->store_bytes_max,
				     .mono_ms = host->mono_ms,
				     .random = host->random,
				     .binding = host->binding,
				     .make_folder = host->make_folder };
	int err = tg_outbox_open(&agent->box, &cfg, parts->arena, why);
	if (err < 0)
		return err;
	boot_sources(agent, parts->arena);
	err = boot_sinks(agent, parts->arena, why);
	if (err < 0)
		tg_agent_close(agent);
	return err;
}

void tg_agent_close(struct tg_agent *agent)
{
	for (uint32_t i = 0; i < agent->config->sink_count; i++)
		agent->config->sinks[i].ops->stop(agent->config->sinks[i].state);
	tg_outbox_close(&agent->box);
}

/* --- a turn
 * --------------------------------------------------------------------------------------- */

static bool step_sources(struct tg_agent *agent, const struct tg_turn *turn)
{
	bool moved = false;

	for (uint32_t i = 0; i < agent->config->source_count; i++)
		for (unsigned step = 0; step < STEPS_A_TURN && !agent->must_commit_; step++) {
			if (!tg_agent_source_step(agent, &agent->sources[i], turn))
				break;
			moved = true;
		}
	return moved;
}

static bool step_forwarders(struct tg_agent *agent, const struct tg_turn *turn)
{
	bool moved = false;

	for (uint32_t i = 0; i < agent->config->sink_count; i++)
		for (unsigned step = 0; step < STEPS_A_TURN; step++) {
			if (!tg_forwarder_step(&agent->forwarders[i], turn->now, turn->mono_ms,
					       turn->wall_ms))
				break;
			moved = true;
		}
	return moved;
}

static bool forwarder_waits(const struct tg_agent *agent)
{
	for (uint32_t i = 0; i < agent->config->sink_count; i++)
		if (tg_forwarder_wants_commit(&agent->forwarders[i]))
			return true;
	return false;
}

static bool sources_over(const struct tg_agent *agent)
{
	for (uint32_t i = 0; i < agent->config->source_count; i++)
		if (!tg_agent_source_over(&agent->sources[i]))
			return false;
	return true;
}

static bool commit_is_due(const struct tg_agent *agent, bool sources_moved,
			  const struct tg_turn *turn)
{
	/* A full store still takes acknowledgements: they are what makes room. */
	if (turn->mono_ms < agent->commit_retry_ms_)
		return agent->store_why_.err == TG_ERR_FULL && forwarder_waits(agent);
	if (agent->must_commit_ || tg_outbox_due(&agent->box, turn->mono_ms))
		return true;
	return !sources_moved && (forwarder_waits(agent) || sources_over(agent)) &&
	       tg_outbox_pending(&agent->box);
}

static void commit(struct tg_agent *agent, const struct tg_turn *turn)
{
	struct tg_why why = { .err = 0 };
	bool drains = forwarder_waits(agent);
	int err = tg_outbox_commit(&agent->box, agent->host->mono_ms(), &why);

	agent->commit_retry_ms_ = 0;
	if (err < 0) {
		if (agent->store_why_.err != why.err)
			TG_LOG_WRN("outbox.paused", "error=%s why=\"%s\"", tg_err_name(err),
				   why.text);
		agent->store_why_ = why;
		agent->commit_retry_ms_ = turn->mono_ms + COMMIT_RETRY_MS;
		if (err == TG_ERR_FULL) /* what was acknowledged is, and may have made room */
			agent->commit_retry_ms_ = turn->mono_ms + (drains ? 0 : FULL_RETRY_MS);
		return;
	}
	agent->must_commit_ = false;
	agent->store_why_.err = 0;
	for (uint32_t i = 0; i < agent->config->source_count; i++)
		if (agent->sources[i].phase == TG_SOURCE_RUN)
			agent->sources[i].config->ops->taken(agent->sources[i].config->state);
}

/* As agent_source.c has it: a socket that nobody reads must not wake us. */
static bool may_read(const struct tg_agent *agent)
{
	return !agent->must_commit_ && !tg_outbox_must_commit(&agent->box) &&
	       !tg_outbox_full(&agent->box);
}

static bool works(const struct tg_agent_source *source)
{
	return source->phase == TG_SOURCE_BEGINNING || source->phase == TG_SOURCE_TAKING ||
	       source->phase == TG_SOURCE_LEAVING;
}

static void wait_for_all(struct tg_agent *agent, const struct tg_turn *turn, uint64_t until_ms)
{
	struct tg_wants *wants = agent->host->wants();

	agent->host->wake_at(wants, until_ms);
	for (uint32_t i = 0; i < agent->config->source_count; i++) {
		const struct tg_agent_source *source = &agent->sources[i];
		if (source->phase == TG_SOURCE_RUN && may_read(agent))
			source->config->ops->want(source->config->state, wants);
		if (works(source)) /* the disk said no: it is asked again */
			agent->host->wake_at(wants, turn->mono_ms + COMMIT_RETRY_MS);
		if (source->phase == TG_SOURCE_PAUSED)
			agent->host->wake_at(wants, source->backoff.until_ms);
	}
	for (uint32_t i = 0; i < agent->config->sink_count; i++) {
		tg_forwarder_want(&agent->forwarders[i], wants);
		agent->host->wake_at(wants, tg_forwarder_wake_ms(&agent->forwarders[i]));
	}
	if (agent->commit_retry_ms_ != 0)
		agent->host->wake_at(wants, agent->commit_retry_ms_);
	else if (tg_outbox_pending(&agent->box))
		agent->host->wake_at(wants, agent->box.last_commit_ms_ + CONFIG_TG_COMMIT_MS_MAX);
	agent->waited_ms_ = turn->mono_ms;
	if (agent->host->wait(wants, turn->now) == TG_ERR_STOPPED)
		agent->stopping_ = true;
}

/* Changes whenever a row was read, stored or given that never was before: a slow link is no
 * standstill, but a try that fails like the one before it is one. */
static uint64_t progress_mark(const struct tg_agent *agent)
{
	uint64_t mark = agent->box.committed_bytes_;

	for (uint32_t i = 0; i < agent->config->source_count; i++) {
		const struct tg_agent_source *source = &agent->sources[i];
		/* Twice: a row that ends a pause must not be hidden by the pause's end. */
		mark += 2 * source->intake.counts.rows_read + source->done_streams +
			source->failed_streams + (source->backoff.failures > 0);
	}
	for (uint32_t i = 0; i < agent->config->sink_count; i++) {
		const struct tg_forwarder *fwd = &agent->forwarders[i];
		mark += fwd->delivered_count + fwd->set_aside_count + fwd->progress;
	}
	return mark;
}

/* When to stop trying, should nothing move until then. While a source reads it never comes: a
 * source has deadlines of its own, and a slow server is no reason to end with half of its rows. A
 * store that takes nothing, full or failing, ends the reading with it. */
static uint64_t give_up_ms(const struct tg_agent *agent)
{
	if (agent->store_why_.err == TG_ERR_DAMAGED)
		return 0; /* only the next start can mend it */
	for (uint32_t i = 0; i < agent->config->source_count; i++) {
		const struct tg_agent_source *source = &agent->sources[i];
		if (!tg_agent_source_over(source) && source->phase != TG_SOURCE_PAUSED &&
		    agent->store_why_.err == 0)
			return UINT64_MAX;
	}
	return agent->progress_ms_ + agent->options_->wait_ms;
}

static bool all_closed(const struct tg_agent *agent)
{
	for (uint32_t i = 0; i < agent->config->sink_count; i++)
		if (!tg_forwarder_closed(&agent->forwarders[i]))
			return false;
	return true;
}

/* Nothing more is read: what is left goes out, and the sinks close what they have open. */
static void drain(struct tg_agent *agent)
{
	bool clean = !tg_outbox_pending(&agent->box);

	for (uint32_t i = 0; i < agent->config->sink_count; i++) {
		tg_forwarder_flush(&agent->forwarders[i], true);
		if (clean)
			tg_forwarder_finish(&agent->forwarders[i]);
	}
}

static void turn_once(struct tg_agent *agent, struct tg_turn *turn)
{
	const struct tg_sync_options *options = agent->options_;

	agent->host->turn(turn);
	bool sources_moved = step_sources(agent, turn);
	/* Before the forwarders step: what they are told here moves nothing else awake. */
	if (sources_over(agent))
		drain(agent);
	bool moved = step_forwarders(agent, turn) || sources_moved;

	if (commit_is_due(agent, sources_moved, turn)) {
		commit(agent, turn);
		moved = moved || agent->commit_retry_ms_ == 0;
	}
	tg_outbox_watch_readers(&agent->box, turn->mono_ms);
	uint64_t mark = progress_mark(agent);
	if (mark != agent->progress_mark_ || agent->progress_ms_ == 0) {
		agent->progress_mark_ = mark;
		agent->progress_ms_ = turn->mono_ms;
	}
	if (options->progress != NULL)
		options->progress(options->context, agent, turn);
	if (!moved)
		wait_for_all(agent, turn, give_up_ms(agent));
	else if (turn->mono_ms - agent->waited_ms_ >= BUSY_MS_MAX)
		wait_for_all(agent, turn, 0); /* to hear of a signal; it does not sleep */
}

static void summarise(const struct tg_agent *agent, struct tg_sync_summary *summary)
{
	memset(summary, 0, sizeof(*summary));
	for (uint32_t i = 0; i < agent->config->source_count; i++) {
		const struct tg_agent_source *source = &agent->sources[i];
		summary->rows_read += source->intake.counts.rows_read;
		summary->changed += source->intake.counts.changed;
		summary->deleted += source->intake.counts.deleted;
		summary->set_aside += source->intake.counts.set_aside;
		summary->bytes_read += source->intake.counts.bytes_read;
		summary->streams_done += source->done_streams;
		summary->streams_failed += source->failed_streams;
		if (source->phase != TG_SOURCE_DONE && summary->source_why.err == 0)
			summary->source_why = source->why;
	}
	for (uint32_t i = 0; i < agent->config->sink_count; i++) {
		const struct tg_forwarder *fwd = &agent->forwarders[i];
		summary->delivered += fwd->delivered_count;
		summary->set_aside += fwd->set_aside_count;
		/* Nobody asked it to close before the end came: it has done all there was. */
		if (tg_forwarder_closed(fwd) || (!sources_over(agent) && tg_forwarder_drained(fwd)))
			continue;
		summary->undelivered = true;
		if (summary->sink_why.err == 0)
			summary->sink_why = fwd->why;
	}
	summary->store_why = agent->store_why_;
	summary->stopped = agent->stopping_;
}

/* Sources that could not be reached again in time have failed: what they gave is still to be
 * delivered. Returns whether there was one. */
static bool abandon_paused(struct tg_agent *agent)
{
	bool any = false;

	for (uint32_t i = 0; i < agent->config->source_count; i++) {
		struct tg_agent_source *source = &agent->sources[i];
		if (source->phase != TG_SOURCE_PAUSED)
			continue;
		source->phase = TG_SOURCE_FAILED;
		TG_LOG_ERR("source.failed", "source=%s error=%s why=\"%s\"", source->config->name,
			   tg_err_name(source->why.err), source->why.text);
		any = true;
	}
	return any;
}

void tg_agent_sync(struct tg_agent *agent, const struct tg_sync_options *options,
		   struct tg_sync_summary *summary)
{
	struct tg_turn turn;

	agent->options_ = options;
	do {
		turn_once(agent, &turn);
	} while (!all_closed(agent) && !agent->stopping_ &&
		 (turn.mono_ms < give_up_ms(agent) || abandon_paused(agent)));
	for (uint32_t i = 0; i < agent->config->source_count; i++) {
		struct tg_agent_source *source = &agent->sources[i];
		if (tg_agent_source_over(source) || source->phase == TG_SOURCE_PAUSED)
			continue;
		tg_agent_source_stop(source, &turn);
		tg_intake_break(&source->intake);
	}
	if (tg_outbox_pending(&agent->box))
		commit(agent, &turn);
	summarise(agent, summary);
}
