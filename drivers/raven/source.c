/* source.c - runs the steps: questions, answers, collections, and what is given to the agent. */
#include <stdio.h>

#include "drivers/json/scan.h"
#include "drivers/raven/state.h"
#include "drivers/raven/tell.h"
#include "platform/assert.h"
#include "platform/log.h"

/* --- steps --- */

#define TO(step) (1u << TG_STEP_##step)

/* Down may follow on anything: a connection can break anywhere. */
static const uint32_t legal_next[TG_STEPS] = {
	/* NEXT, and END behind POLL: by recall. */
	[TG_STEP_DOWN] = TO(POLL) | TO(WHOAMI) | TO(STATS) | TO(NEXT),
	[TG_STEP_POLL] = TO(NEXT) | TO(STATS) | TO(END),
	/* STATS, and WHOAMI in a check: another node is asked from the beginning. */
	[TG_STEP_WHOAMI] = TO(STATS) | TO(WHOAMI),
	[TG_STEP_STATS] = TO(TOPOLOGY) | TO(STATS) | TO(WHOAMI),
	[TG_STEP_TOPOLOGY] = TO(COLLECTIONS) | TO(STATS) | TO(WHOAMI),
	[TG_STEP_COLLECTIONS] = TO(NEXT) | TO(STATS) | TO(WHOAMI),
	[TG_STEP_NEXT] = TO(SAMPLE) | TO(BEGIN) | TO(DONE) | TO(END),
	[TG_STEP_SAMPLE] = TO(END),
	[TG_STEP_BEGIN] = TO(BEGUN),
	/* END: nothing changed since it was proved. COMPARE: one that broke off goes on. POLL,
	 * STATS: by recall. SETTLE: another one's walk serves. */
	[TG_STEP_BEGUN] = TO(WALK) | TO(COMPARE) | TO(STATE) | TO(END) | TO(POLL) | TO(STATS) |
			  TO(SETTLE),
	[TG_STEP_WALK] = TO(TOMBS) | TO(COUNT) | TO(COMPARE) | TO(END),
	[TG_STEP_TOMBS] = TO(COUNT) | TO(COMPARE) | TO(END),
	[TG_STEP_COUNT] = TO(STATE) | TO(END),
	/* WALK: the database went on while it was counted, or rows were lost. */
	[TG_STEP_STATE] = TO(WALK) | TO(COMPARE) | TO(QUERY) | TO(END) | TO(SETTLE),
	[TG_STEP_SETTLE] = TO(WALK) | TO(COMPARE) | TO(END),
	[TG_STEP_COMPARE] = TO(END) | TO(STATE),
	[TG_STEP_QUERY] = TO(END) | TO(COMPARE),
	[TG_STEP_END] = TO(NEXT) | TO(STATS),
	[TG_STEP_DONE] = 0,
};

void tg_raven_enter(struct tg_raven *source, enum tg_raven_step step)
{
	TG_ASSERT(step == TG_STEP_DOWN || (legal_next[source->step] & (1u << step)));
	TG_LOG_DBG("raven.step", "from=%s to=%s", tg_raven_steps[source->step].name,
		   tg_raven_steps[step].name);
	source->step = step;
	source->asked = source->headed = false;
}

/* --- small questions --- */

const char *tg_raven_what(const struct tg_raven *source, char *at, size_t cap)
{
	if (source->stream_name[0] == '\0')
		snprintf(at, cap, "database %s", source->config.link.database);
	else
		snprintf(at, cap, "collection %s", source->stream_name);
	return at;
}

int tg_raven_odd(const struct tg_raven *source, const char *what, struct tg_why *why)
{
	char name[TG_RAVEN_WHAT_BYTES];

	return tg_why_set(why, TG_ERR_PROTOCOL, "%s on %s: %s; it is not what RavenDB answers",
			  tg_raven_what(source, name, sizeof(name)), source->talk.peer, what);
}

struct tg_view tg_raven_name(const struct tg_raven *source)
{
	return tg_raven_name_at(&source->names, source->name_at);
}

struct tg_raven_place *tg_raven_place(struct tg_raven *source)
{
	TG_ASSERT(source->cursor.place_count > 0);
	return &source->cursor.places[0];
}

/* --- what fails --- */

void tg_raven_fail_stream(struct tg_raven *source, const struct tg_why *why)
{
	source->failed = true;
	source->why = *why;
	if (tg_raven_talk_asked(&source->talk) > 0)
		tg_raven_talk_close(&source->talk); /* what it still answers is nobody's */
	source->discards = 0;
	tg_raven_enter(source, TG_STEP_END);
}

static bool is_begun(const struct tg_raven *source)
{
	return source->step >= TG_STEP_BEGUN && source->step < TG_STEP_END;
}

/* Refusals of one question; all others are of the database as a whole. */
static bool is_of_stream(enum tg_raven_fault fault)
{
	return fault == TG_RAVEN_FAULT_QUERY || fault == TG_RAVEN_FAULT_MISSING ||
	       fault == TG_RAVEN_FAULT_SHARDED || fault == TG_RAVEN_FAULT_DATA ||
	       fault == TG_RAVEN_FAULT_COLLECTION;
}

/* Every node would say the same (reference/ravendb.md 2). */
static bool is_of_cluster(enum tg_raven_fault fault)
{
	return fault != TG_RAVEN_FAULT_NONE && fault != TG_RAVEN_FAULT_ALIEN &&
	       fault != TG_RAVEN_FAULT_ELSEWHERE && fault != TG_RAVEN_FAULT_DISABLED &&
	       fault != TG_RAVEN_FAULT_LOADING && fault != TG_RAVEN_FAULT_BUSY &&
	       fault != TG_RAVEN_FAULT_TIMEOUT && fault != TG_RAVEN_FAULT_SERVER;
}

static void begin_again(struct tg_raven *source)
{
	bool check = source->purpose == TG_RAVEN_FOR_CHECK;

	tg_raven_talk_close(&source->talk);
	tg_raven_talk_open(&source->talk, &source->nodes.items[source->nodes.at].url);
	tg_raven_enter(source, check ? TG_STEP_WHOAMI : TG_STEP_STATS);
}

/* Before a collection was begun: another node may be asked in the same breath. */
static int fail_early(struct tg_raven *source, const struct tg_why *why)
{
	enum tg_raven_fault fault = source->talk.judged.fault;
	struct tg_raven_nodes *nodes = &source->nodes;

	if (fault == TG_RAVEN_FAULT_LOADING && source->loads++ < TG_RAVEN_LOADING_MAX) {
		begin_again(source);
		return TG_OK;
	}
	source->failures++;
	if (is_of_cluster(fault) || (source->pinned && source->failures < TG_RAVEN_PATIENCE))
		return why->err;
	source->pinned = false;
	nodes->items[nodes->at].tried = true;
	if (tg_raven_nodes_next(nodes)) {
		begin_again(source);
		TG_LOG_WRN("raven.node", "to=%s why=\"%s\"", source->talk.peer, why->text);
		return TG_OK;
	}
	tg_raven_nodes_renew(nodes);
	(void)tg_raven_nodes_next(nodes);
	return why->err;
}

/* What was asked failed. TG_OK: settled. */
static int fail(struct tg_raven *source, const struct tg_why *why)
{
	const struct tg_raven_judgement *judged = &source->talk.judged;

	source->discards = 0;
	source->asked = source->headed = false;
	if ((is_begun(source) || source->step == TG_STEP_SAMPLE) && is_of_stream(judged->fault)) {
		tg_raven_fail_stream(source, why);
		return TG_OK;
	}
	if (judged->pause_ms > 0)
		source->hold_until_ms = source->now.mono_ms + judged->pause_ms;
	if (source->recall) {
		tg_raven_recall_fail(source, !is_of_cluster(judged->fault) &&
						     judged->fault != TG_RAVEN_FAULT_LOADING);
		return TG_OK;
	}
	if (!is_begun(source) && source->step != TG_STEP_SAMPLE)
		return fail_early(source, why);
	source->failures++;
	return why->err;
}

/* --- rows to the agent --- */

static uint32_t flags_of_batch(struct tg_raven *source)
{
	bool compare = source->step == TG_STEP_COMPARE;
	uint32_t flags = compare ? TG_BATCH_ORDERED : 0;

	if (compare && !source->sent_keys && !source->resumed)
		flags |= TG_BATCH_PASS_BEGIN;
	if (!compare && source->cursor.full && !source->marked)
		flags |= TG_BATCH_PASS_BEGIN;
	source->sent_keys = source->sent_keys || compare;
	source->marked = source->marked || !compare;
	return flags;
}

static void give_rows(struct tg_raven *source, struct tg_batch *out)
{
	tg_raven_rows_end(&source->rows);
	out->kind = TG_BATCH_ROWS;
	out->flags = flags_of_batch(source);
	out->stream = source->stream;
	out->name = tg_view_str(source->stream_name);
	out->records = source->rows.records;
	out->count = source->rows.count;
	out->bookmark = tg_raven_cursor_write(&source->cursor, source->bookmark);
	source->walk.silent = 0;
}

/* --- the allowance of rows_per_second_max --- */

/* Fills it up: at most one second's rows at once. */
static void refill(struct tg_raven *source)
{
	uint64_t rate = source->config.rows_per_second_max;
	uint64_t elapsed_ms = source->now.mono_ms - source->allowance_at_ms;

	source->allowance_at_ms = source->now.mono_ms;
	source->allowance_milli += rate * (elapsed_ms > 1000 ? 1000 : elapsed_ms);
	if (source->allowance_milli > rate * 1000)
		source->allowance_milli = rate * 1000;
}

static bool may_read(struct tg_raven *source)
{
	if (source->config.rows_per_second_max == 0 || !is_begun(source))
		return true;
	return source->allowance_milli >= 1000;
}

static void spend(struct tg_raven *source)
{
	if (source->config.rows_per_second_max > 0 && is_begun(source))
		source->allowance_milli -= 1000;
}

/* --- questions and answers --- */

static int ask(struct tg_raven *source, struct tg_why *why)
{
	struct tg_raven_call call = { .database = source->config.link.database };
	bool match = tg_raven_steps[source->step].call(source, &call);
	struct tg_view state = tg_view_of(NULL, 0);
	char what[TG_RAVEN_WHAT_BYTES];

	if (match && source->step == TG_STEP_POLL)
		state = tg_view_of(source->proven, source->proven_bytes);
	else if (match)
		state = tg_view_of(source->cursor.vector, source->cursor.vector_bytes);
	source->asked = true;
	if (tg_raven_talk_ask(&source->talk, &call, state, &source->now) == TG_OK)
		return TG_OK;
	tg_why_set(why, TG_ERR_LIMIT, "%s: a name in it is too long to be asked for",
		   tg_raven_what(source, what, sizeof(what)));
	if (!is_begun(source) && source->step != TG_STEP_SAMPLE)
		return why->err;
	tg_raven_fail_stream(source, why);
	return TG_OK;
}

/* A row that is none ends the collection, or the source where there is none yet. */
static int fail_row(struct tg_raven *source, const struct tg_why *why)
{
	if (!is_begun(source) && source->step != TG_STEP_SAMPLE)
		return why->err;
	tg_raven_fail_stream(source, why);
	return TG_OK;
}

static int collect(struct tg_raven *source, struct tg_why *why)
{
	int rc = TG_OK;

	while (rc == TG_OK && !source->rows.full && may_read(source) &&
	       tg_raven_talk_scan(&source->talk) == TG_RAVEN_PAGE_ROW) {
		spend(source);
		rc = tg_raven_steps[source->step].row(source, &source->talk.page.row, why);
	}
	return rc;
}

static int turn_body(struct tg_raven *source, struct tg_batch *out, struct tg_why *why)
{
	tg_raven_rows_clear(&source->rows);
	if (source->config.rows_per_second_max > 0)
		refill(source);
	if (collect(source, why) != TG_OK)
		return fail_row(source, why);
	source->throttled = !may_read(source);
	if (source->rows.count > 0) {
		give_rows(source, out);
		return TG_OK;
	}
	if (source->throttled)
		return TG_ERR_AGAIN;
	int rc = tg_raven_talk_pull(&source->talk, &source->now, why);
	if (rc == TG_ERR_AGAIN || rc > 0)
		return rc > 0 ? TG_OK : rc;
	if (rc < 0)
		return fail(source, why);
	source->asked = source->headed = false;
	rc = tg_raven_steps[source->step].end(source, why);
	if (rc == TG_OK && source->step == TG_STEP_WALK &&
	    source->walk.silent >= TG_RAVEN_SILENT_MAX)
		give_rows(source, out); /* a place without rows */
	return rc;
}

/* An answer that was asked ahead and is not wanted is read to its end. */
static int turn_discard(struct tg_raven *source, struct tg_why *why)
{
	int rc = tg_raven_talk_head(&source->talk, &source->now, why);

	if (rc == TG_ERR_AGAIN)
		return rc;
	while (rc == TG_OK && tg_raven_talk_scan(&source->talk) == TG_RAVEN_PAGE_ROW)
		;
	if (rc == TG_OK)
		rc = tg_raven_talk_pull(&source->talk, &source->now, why);
	if (rc == TG_ERR_AGAIN)
		return rc;
	if (rc < 0)
		return fail(source, why);
	source->discards -= rc == 0;
	return TG_OK;
}

static int turn_asking(struct tg_raven *source, struct tg_batch *out, struct tg_why *why)
{
	const struct tg_raven_step_ops *ops = &tg_raven_steps[source->step];

	if (source->discards > 0)
		return turn_discard(source, why);
	if (!source->asked)
		return ask(source, why);
	if (!source->headed) {
		int rc = tg_raven_talk_head(&source->talk, &source->now, why);
		if (rc == TG_ERR_AGAIN)
			return rc;
		if (rc != TG_OK)
			return fail(source, why);
		source->headed = true;
		rc = ops->head != NULL ? ops->head(source, why) : TG_OK;
		if (rc != TG_OK)
			return rc;
	}
	return turn_body(source, out, why);
}

/* --- collections, one after another --- */

static void forget_collection(struct tg_raven *source)
{
	source->stream = TG_STREAM_NONE;
	source->begun = source->failed = source->ordered = source->sent_keys = false;
	source->resumed = source->marked = source->settling = false;
	source->seen_all = source->reading_on = false;
	source->proofs = source->query_rows = 0;
	source->first_id = 0;
	source->stream_name[0] = '\0';
	tg_raven_cursor_clear(&source->cursor);
	tg_raven_rows_clear(&source->rows);
	memset(&source->walk, 0, sizeof(source->walk));
}

static bool name_stream(struct tg_raven *source)
{
	struct tg_view name = tg_raven_name(source);
	int bytes = snprintf(source->stream_name, sizeof(source->stream_name), "%s/%.*s",
			     source->config.link.database, (int)name.bytes, (const char *)name.at);

	return bytes > 0 && (size_t)bytes < sizeof(source->stream_name);
}

static int turn_next(struct tg_raven *source)
{
	struct tg_raven_names *names = &source->names;
	struct tg_why why;

	while (source->name_at < names->count && names->items[source->name_at].done) {
		source->name_at++;
		source->breaks = 0;
	}
	forget_collection(source);
	if (source->name_at == names->count) {
		tg_raven_enter(source, TG_STEP_DONE);
		return TG_OK;
	}
	bool named = name_stream(source);
	if (source->breaks >= TG_RAVEN_BREAKS_MAX) {
		why = source->break_why;
		tg_raven_fail_stream(source, &why);
	} else if (!named) {
		/* A name that was cut would be another stream's. */
		tg_why_set(&why, TG_ERR_LIMIT,
			   "collection %.60s...: its name is longer than %d bytes",
			   source->stream_name, TG_STREAM_NAME_BYTES_MAX - 1);
		tg_raven_fail_stream(source, &why);
	} else {
		bool sync = source->purpose == TG_RAVEN_FOR_SYNC;
		tg_raven_enter(source, sync ? TG_STEP_BEGIN : TG_STEP_SAMPLE);
	}
	return TG_OK;
}

static int turn_begin(struct tg_raven *source, struct tg_batch *out)
{
	out->kind = TG_BATCH_BEGIN;
	out->name = tg_view_str(source->stream_name);
	out->flags = source->recall ? TG_BATCH_SAME : 0;
	memcpy(out->generation, source->generation, sizeof(out->generation));
	out->rows_estimate = source->names.items[source->name_at].count;
	tg_raven_enter(source, TG_STEP_BEGUN);
	return TG_OK;
}

/* At the state that is proved, there is no collection but those that are read: they were listed at
 * it, or before and nothing was written since. */
static void note_set(struct tg_raven *source)
{
	if (!source->recall && tg_raven_is_unchanged(source))
		source->cursor.set = tg_raven_names_set(&source->names, &source->config);
}

/* A comparison that an earlier run began knows nothing of what was deleted behind its place since:
 * the collection is read once more, so that a sync which ends well has seen everything. */
static int turn_end(struct tg_raven *source, struct tg_batch *out)
{
	out->kind = TG_BATCH_END;
	out->flags = TG_BATCH_LAST;
	out->stream = source->begun ? source->stream : TG_STREAM_NONE;
	if (source->again) {
		out->flags |= TG_BATCH_AGAIN;
		tg_raven_recall_over(source);
		return TG_OK;
	}
	out->name = tg_view_str(source->stream_name);
	if (source->failed) {
		source->batch_why = source->why;
		out->why = &source->batch_why;
	} else {
		out->flags |= TG_BATCH_COMPLETE;
		if (source->ordered)
			out->flags |= TG_BATCH_ORDERED;
		if (source->ordered && !source->sent_keys && !source->resumed)
			out->flags |= TG_BATCH_PASS_BEGIN;
		note_set(source);
		out->bookmark = tg_raven_cursor_write(&source->cursor, source->bookmark);
		source->failures = 0;
	}
	bool done = source->failed || !(source->resumed || source->reading_on);
	if (done)
		source->settled = source->settled && !source->failed &&
				  tg_raven_is_unchanged(source);
	source->names.items[source->name_at].done = done;
	if (source->purpose != TG_RAVEN_FOR_SYNC)
		tg_raven_tell_collection(source);
	tg_raven_enter(source, TG_STEP_NEXT);
	return TG_OK;
}

/* A batch without rows makes the number of known keys exact; then it is compared. */
static int turn_settle(struct tg_raven *source, struct tg_batch *out)
{
	source->settling = !source->settling;
	if (source->settling) {
		tg_raven_rows_clear(&source->rows);
		give_rows(source, out);
		out->flags |= TG_BATCH_COUNT;
	} else {
		tg_raven_compare_counts(source);
	}
	return TG_OK;
}

int tg_raven_turn(struct tg_raven *source, struct tg_batch *out, struct tg_why *why)
{
	if (source->now.mono_ms < source->hold_until_ms)
		return TG_ERR_AGAIN;
	switch (source->step) {
	case TG_STEP_NEXT:
		return turn_next(source);
	case TG_STEP_BEGIN:
		return turn_begin(source, out);
	case TG_STEP_SETTLE:
		return turn_settle(source, out);
	case TG_STEP_END:
		return turn_end(source, out);
	case TG_STEP_DONE:
		out->kind = TG_BATCH_DONE;
		return TG_OK;
	default:
		TG_ASSERT(tg_raven_steps[source->step].call != NULL);
		return turn_asking(source, out, why);
	}
}
