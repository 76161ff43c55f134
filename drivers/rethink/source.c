/* source.c - runs the phases: questions, answers, tables, and what is given to the agent. */
#include <stdio.h>

#include "drivers/rethink/fault.h"
#include "drivers/rethink/read.h"
#include "drivers/rethink/tell.h"
#include "platform/assert.h"
#include "platform/log.h"

/* --- phases --- */

#define TO(phase) (1u << TG_PHASE_##phase)

/* Down and login may follow on anything: a connection can break anywhere. */
static const uint32_t legal_next[TG_PHASES] = {
	[TG_PHASE_DOWN] = TO(LOGIN),
	/* A list that was taken before the connection broke is kept: NEXT goes on with it. END: the
	 * table broke the connection too often. */
	[TG_PHASE_LOGIN] = TO(LIST) | TO(NEXT) | TO(END),
	[TG_PHASE_LIST] = TO(NEXT) | TO(CLOCK),
	[TG_PHASE_NEXT] = TO(INFO) | TO(DONE) | TO(END),
	[TG_PHASE_INFO] = TO(SAMPLE) | TO(BEGIN) | TO(STATUS) | TO(WAIT) | TO(READ) | TO(END),
	[TG_PHASE_STATUS] = TO(SAMPLE) | TO(BEGIN) | TO(END),
	[TG_PHASE_WAIT] = TO(INFO) | TO(END),
	[TG_PHASE_SAMPLE] = TO(INDEXES) | TO(BEGIN) | TO(WAIT) | TO(END),
	[TG_PHASE_INDEXES] = TO(BEGIN) | TO(END),
	[TG_PHASE_BEGIN] = TO(BEGUN) | TO(NEXT),
	[TG_PHASE_BEGUN] = TO(CLOCK) | TO(READ),
	[TG_PHASE_CLOCK] = TO(READ) | TO(END) | TO(NEXT),
	/* WAIT: a shard moved in mid-cursor; INFO then proves that it is still the same table. */
	[TG_PHASE_READ] = TO(END) | TO(WAIT),
	[TG_PHASE_END] = TO(NEXT),
	[TG_PHASE_DONE] = 0,
};

void tg_rethink_enter(struct tg_rethink *source, enum tg_phase phase)
{
	bool anywhere = phase == TG_PHASE_DOWN;

	TG_ASSERT(anywhere || (legal_next[source->phase] & (1u << phase)));
	TG_LOG_DBG("rethink.phase", "from=%s to=%s", tg_phases[source->phase].name,
		   tg_phases[phase].name);
	source->phase = phase;
	source->asked = false;
	source->answered = false;
	source->fault_bytes = 0;
	if (phase != TG_PHASE_READ)
		source->link.response.watch[0] = source->link.response.watch[1] =
			tg_view_of(NULL, 0);
}

const char *tg_rethink_what(const struct tg_rethink *source, char *at, size_t cap)
{
	if (source->phase == TG_PHASE_LIST || source->phase == TG_PHASE_LOGIN)
		snprintf(at, cap, "database %s", source->config.database);
	else
		snprintf(at, cap, "table %s", source->stream_name);
	return at;
}

void tg_rethink_fail_table(struct tg_rethink *source, const struct tg_why *why)
{
	source->failed = true;
	source->why = *why;
	tg_rethink_enter(source, TG_PHASE_END);
}

struct tg_mode_inputs tg_rethink_inputs(const struct tg_rethink *source, bool full_pass_wanted)
{
	return (struct tg_mode_inputs){
		.config = &source->config,
		.rule = tg_rethink_rule_of(&source->config, source->table.name),
		.stamp = &source->stamp,
		.indexed = source->index.bytes > 0,
		.full_pass_wanted = full_pass_wanted,
		.wall_ms = source->now.wall_ms,
	};
}

/* --- an answer's events --- */

static int ask(struct tg_rethink *source, struct tg_why *why)
{
	struct tg_out query = { .at = source->query, .cap = sizeof(source->query) };

	tg_phases[source->phase].ask(source, &query);
	source->asked = true;
	/* A query that was cut would be refused by the server: its true length is given. */
	int rc = tg_link_ask(&source->link, tg_view_of(source->query, (size_t)query.total),
			     &source->now, why);
	/* Two batches are under way, so that a commit's syncs do not stop the server. One that is
	 * to be spared gets one at a time. */
	if (rc == TG_OK && source->phase == TG_PHASE_READ &&
	    source->config.rows_per_second_max == 0)
		tg_link_ahead(&source->link);
	return rc;
}

/* Keeps the error's text; a long one is cut before an escape that would be torn. */
static void keep_fault(struct tg_rethink *source, struct tg_view text)
{
	size_t bytes = text.bytes;

	if (bytes > sizeof(source->fault)) {
		bytes = sizeof(source->fault) - 1;
		for (size_t i = 1; i <= 6; i++)
			if (text.at[sizeof(source->fault) - 1 - i] == '\\')
				bytes = sizeof(source->fault) - 1 - i;
	}
	memcpy(source->fault, text.at, bytes);
	if (bytes < text.bytes)
		source->fault[bytes++] = '"';
	source->fault_bytes = (uint32_t)bytes;
}

static int take_element(struct tg_rethink *source, struct tg_why *why)
{
	const struct tg_response *response = &source->link.response;
	const struct tg_row *row = &response->row;
	bool text = !row->oversize && row->body.bytes > 0 && row->body.at[0] == '"';

	if (response->type >= TG_RESPONSE_CLIENT_ERROR || (response->type == 0 && text)) {
		if (text)
			keep_fault(source, row->body);
		return TG_OK;
	}
	source->answered = true;
	return tg_phases[source->phase].row(source, row, why);
}

static int judge_fault(struct tg_rethink *source)
{
	char what[TG_WHAT_BYTES_MAX];
	struct tg_why why;
	struct tg_fault fault = {
		.type = source->link.response.type,
		.error = source->link.response.error,
		.text = tg_view_of(source->fault, source->fault_bytes),
		.what = tg_rethink_what(source, what, sizeof(what)),
		.user = source->config.user,
	};

	(void)!tg_rethink_fault(&fault, &why);
	int rc = tg_phases[source->phase].fail(source, &why);
	if (rc != TG_OK)
		source->why = why;
	return rc;
}

/* These cannot go on without an element. */
#define TO_ANSWER (TO(LIST) | TO(INFO) | TO(STATUS) | TO(CLOCK))

/* The frame is over: more comes, or the phase's end is reached. */
static int end_frame(struct tg_rethink *source)
{
	int32_t type = source->link.response.type;
	struct tg_why why;

	if (type == TG_RESPONSE_PARTIAL)
		return TG_OK;
	if (type >= TG_RESPONSE_CLIENT_ERROR)
		return judge_fault(source);
	if (!source->answered && (TO_ANSWER & (1u << source->phase))) {
		tg_why_set(&why, TG_ERR_PROTOCOL, "the server's answer in phase %s is empty",
			   tg_phases[source->phase].name);
		source->why = why;
		return tg_phases[source->phase].fail(source, &why);
	}
	tg_phases[source->phase].end(source);
	return TG_OK;
}

static int take_event(struct tg_rethink *source, int event, struct tg_why *why)
{
	int rc = TG_OK;

	switch (event) {
	case TG_RESPONSE_FRAME:
		tg_read_frame(source);
		return TG_OK;
	case TG_RESPONSE_TYPE:
		/* Asked for before this batch is read, so that the server works while we do. */
		if (source->link.response.type == TG_RESPONSE_PARTIAL)
			tg_link_more(&source->link, &source->now);
		if (source->link.response.type == TG_RESPONSE_PARTIAL &&
		    source->phase == TG_PHASE_READ)
			tg_read_more(source);
		return TG_OK;
	case TG_RESPONSE_ROW:
		rc = take_element(source, why);
		if (rc != TG_OK)
			rc = tg_phases[source->phase].fail(source, why);
		return rc;
	default:
		rc = end_frame(source);
		if (rc != TG_OK)
			*why = source->why;
		return rc;
	}
}

static int turn_asking(struct tg_rethink *source, struct tg_why *why)
{
	if (!source->asked) {
		int rc = ask(source, why);
		if (rc == TG_ERR_LIMIT)
			return tg_phases[source->phase].fail(source, why);
		if (rc != TG_OK)
			return rc;
	}
	int event = tg_link_next(&source->link, &source->now, why);
	return event < 0 ? event : take_event(source, event, why);
}

/* --- tables, one after another --- */

static void forget_table(struct tg_rethink *source)
{
	memset(&source->table, 0, sizeof(source->table));
	memset(&source->sample, 0, sizeof(source->sample));
	source->stamp.kind = TG_STAMP_NONE;
	source->index.bytes = 0;
	source->index_text_bytes = 0;
	tg_infer_start(source->infer);
	source->retries = 0;
	source->stream = TG_STREAM_NONE;
	source->begun = source->failed = source->rows_sent = source->answer_over = false;
	source->brief = source->lengthy = false;
	tg_rows_clear(&source->rows);
}

static int turn_next(struct tg_rethink *source)
{
	struct tg_rethink_names *names = &source->names;

	while (source->table_at < names->count && names->items[source->table_at].done) {
		source->table_at++;
		source->breaks = 0;
	}
	forget_table(source);
	if (source->table_at == names->count) {
		tg_rethink_enter(source, TG_PHASE_DONE);
		return TG_OK;
	}
	source->table.name = tg_rethink_name_at(names, source->table_at);
	int bytes = snprintf(source->stream_name, sizeof(source->stream_name), "%s/%.*s",
			     source->config.database, (int)source->table.name.bytes,
			     (const char *)source->table.name.at);
	/* A name that was cut would be another stream's. */
	if (bytes < 0 || (size_t)bytes >= sizeof(source->stream_name)) {
		struct tg_why why;
		tg_why_set(&why, TG_ERR_LIMIT, "table %.60s...: its name is longer than %d bytes",
			   source->stream_name, TG_STREAM_NAME_BYTES_MAX - 1);
		tg_rethink_fail_table(source, &why);
		return TG_OK;
	}
	tg_rethink_enter(source, TG_PHASE_INFO);
	return TG_OK;
}

static int turn_begin(struct tg_rethink *source, struct tg_batch *out)
{
	out->kind = TG_BATCH_BEGIN;
	out->name = tg_view_str(source->stream_name);
	memcpy(out->generation, source->table.uuid, sizeof(out->generation));
	out->rows_estimate = source->table.rows_estimate;
	tg_rethink_enter(source, TG_PHASE_BEGUN);
	return TG_OK;
}

int tg_rethink_begin(void *state, const struct tg_stream_state *stream)
{
	struct tg_rethink *source = state;
	struct tg_bookmark *bookmark = &source->bookmark;

	TG_ASSERT(source->phase == TG_PHASE_BEGUN);
	source->stream = stream->stream;
	source->begun = true;
	tg_bookmark_clear(bookmark);
	/* A bookmark that cannot be read costs a full pass, nothing else. */
	if (stream->bookmark.bytes > 0 && !stream->rebuilt)
		(void)!tg_bookmark_read(stream->bookmark, bookmark);
	struct tg_mode_inputs inputs = tg_rethink_inputs(source, stream->full_pass_wanted);
	uint64_t settings = tg_mode_settings(&inputs);
	if (bookmark->settings != settings ||
	    memcmp(bookmark->uuid, source->table.uuid, sizeof(bookmark->uuid)) != 0)
		tg_bookmark_clear(bookmark);
	bookmark->settings = settings;
	memcpy(bookmark->uuid, source->table.uuid, sizeof(bookmark->uuid));
	/* A full pass that was begun because it was asked for is gone on with, also by a later
	 * run. */
	if (stream->full_pass_begun && bookmark->pass == TG_PASS_FULL)
		inputs.full_pass_wanted = false;
	source->fresh = !tg_mode_plan(&inputs, bookmark);
	if (source->fresh)
		source->fresh_begun = source->table_at + 1;
	bool clock = source->fresh && tg_mode_needs_clock(&inputs);
	tg_rethink_enter(source, clock ? TG_PHASE_CLOCK : TG_PHASE_READ);
	return TG_OK;
}

static uint32_t pass_flags(const struct tg_rethink *source)
{
	uint32_t flags = 0;

	if (source->bookmark.pass != TG_PASS_FULL)
		return 0;
	flags |= TG_BATCH_ORDERED;
	return source->fresh && !source->rows_sent ? flags | TG_BATCH_PASS_BEGIN : flags;
}

static struct tg_view write_bookmark(struct tg_rethink *source)
{
	return tg_bookmark_write(&source->bookmark, source->bookmark_bytes);
}

/* Where the other end stands, for `out`; a copy, since the bookmark goes on. */
static void put_before(struct tg_rethink *source, struct tg_batch *out)
{
	tg_bookmark_set(&source->before, tg_bookmark_get(&source->bookmark.back));
	out->before = tg_bookmark_get(&source->before);
}

static void give_rows(struct tg_rethink *source, struct tg_batch *out)
{
	struct tg_rows *rows = &source->rows;
	struct tg_bookmark *bookmark = &source->bookmark;

	tg_rows_hash(rows);
	out->kind = TG_BATCH_ROWS;
	out->flags = pass_flags(source);
	out->stream = source->stream;
	out->name = tg_view_str(source->stream_name);
	out->records = tg_rows_rising(rows);
	out->count = rows->count;
	if (rows->back) {
		out->flags |= TG_BATCH_BACK;
		put_before(source, out);
	}
	if (bookmark->pass != TG_PASS_INDEX)
		tg_bookmark_set(rows->back ? &bookmark->back : &bookmark->front,
				tg_rows_at(rows, rows->count - 1)->key);
	out->bookmark = write_bookmark(source);
	source->rows_sent = true;
	source->resuming[rows->back] = false;
	source->retries = source->breaks = 0;
}

/* A full pass that an earlier run began knows nothing of what changed behind its cursor since: it
 * is followed by one of our own, so that a sync which ends well has seen everything that was there
 * when it began. */
static bool pass_is_ours(const struct tg_rethink *source, uint32_t flags)
{
	return !(flags & TG_BATCH_COMPLETE) || !(flags & TG_BATCH_ORDERED) ||
	       source->fresh_begun == source->table_at + 1;
}

static int turn_end(struct tg_rethink *source, struct tg_batch *out)
{
	out->kind = TG_BATCH_END;
	out->flags = TG_BATCH_LAST;
	out->stream = source->stream;
	out->name = tg_view_str(source->stream_name);
	if (source->failed) {
		source->batch_why = source->why;
		out->why = &source->batch_why;
	} else {
		out->flags |= TG_BATCH_COMPLETE | pass_flags(source);
		put_before(source, out);
		tg_mode_end(&source->bookmark, source->now.wall_ms);
		out->bookmark = write_bookmark(source);
	}
	source->names.items[source->table_at].done = pass_is_ours(source, out->flags);
	if (source->purpose != TG_FOR_SYNC)
		tg_tell_table(source);
	tg_rethink_enter(source, TG_PHASE_NEXT);
	return TG_OK;
}

/* --- reading --- */

/* Fills the allowance up: at most one second's rows at once. */
static void refill(struct tg_rethink *source)
{
	uint64_t rate = source->config.rows_per_second_max;
	uint64_t elapsed_ms = source->now.mono_ms - source->allowance_at_ms;

	source->allowance_at_ms = source->now.mono_ms;
	if (elapsed_ms > 1000)
		elapsed_ms = 1000;
	source->allowance_milli += rate * elapsed_ms;
	if (source->allowance_milli > rate * 1000)
		source->allowance_milli = rate * 1000;
}

static bool may_read(struct tg_rethink *source)
{
	if (source->config.rows_per_second_max == 0)
		return true;
	return source->allowance_milli >= 1000 * ((uint64_t)source->rows.count + 1);
}

static void spend(struct tg_rethink *source)
{
	if (source->config.rows_per_second_max > 0)
		source->allowance_milli -= 1000 * (uint64_t)source->rows.count;
}

/* Collects rows until the window is used up, the batch is full or the answer is over. */
static int collect(struct tg_rethink *source, struct tg_why *why)
{
	int rc = TG_OK;

	while (rc == TG_OK && source->phase == TG_PHASE_READ && !source->answer_over &&
	       !source->rows.full && may_read(source))
		rc = turn_asking(source, why);
	return rc;
}

/* What was read before an error is good and is given first; the error waits for the next step. */
static void give_first(struct tg_rethink *source, int rc, const struct tg_why *why,
		       struct tg_batch *out)
{
	spend(source);
	give_rows(source, out);
	source->pending = rc == TG_ERR_AGAIN ? TG_OK : rc;
	if (source->pending != TG_OK)
		source->pending_why = *why;
}

static int turn_read(struct tg_rethink *source, struct tg_batch *out, struct tg_why *why)
{
	tg_rows_clear(&source->rows);
	if (source->config.rows_per_second_max > 0)
		refill(source);
	int rc = collect(source, why);
	source->throttled = source->phase == TG_PHASE_READ && !may_read(source);
	if (source->rows.count > 0) {
		give_first(source, rc, why, out);
		return TG_OK;
	}
	if (rc != TG_OK)
		return rc;
	if (source->phase == TG_PHASE_READ && source->answer_over)
		tg_rethink_enter(source, TG_PHASE_END);
	return source->throttled ? TG_ERR_AGAIN : TG_OK;
}

/* --- the connection --- */

static int turn_login(struct tg_rethink *source, struct tg_why *why)
{
	int rc = tg_link_login(&source->link, &source->now, why);

	if (rc != TG_OK)
		return rc;
	if (source->purpose != TG_FOR_SYNC)
		tg_tell_login(source);
	if (source->breaks < TG_BREAKS_MAX || source->table_at >= source->names.count) {
		tg_rethink_enter(source, source->listed ? TG_PHASE_NEXT : TG_PHASE_LIST);
		return TG_OK;
	}
	/* The agent let go of the stream when the connection broke. */
	source->stream = TG_STREAM_NONE;
	source->breaks = 0;
	source->failed = true;
	tg_rethink_enter(source, TG_PHASE_END);
	return TG_OK;
}

int tg_rethink_turn(struct tg_rethink *source, struct tg_batch *out, struct tg_why *why)
{
	switch (source->phase) {
	case TG_PHASE_LOGIN:
		return turn_login(source, why);
	case TG_PHASE_NEXT:
		return turn_next(source);
	case TG_PHASE_BEGIN:
		return turn_begin(source, out);
	case TG_PHASE_READ:
		return turn_read(source, out, why);
	case TG_PHASE_END:
		return turn_end(source, out);
	case TG_PHASE_DONE:
		out->kind = TG_BATCH_DONE;
		return TG_OK;
	default:
		TG_ASSERT(tg_phases[source->phase].ask != NULL);
		return turn_asking(source, why);
	}
}
