/* phase.c - what each phase asks, takes and leads to. */
#include <stdio.h>

#include "drivers/json/scan.h"
#include "drivers/rethink/infer.h"
#include "drivers/rethink/read.h"
#include "drivers/rethink/tell.h"
#include "drivers/rethink/time.h"
#include "platform/assert.h"
#include "platform/log.h"

static const struct tg_rethink_rule *rule_of(const struct tg_rethink *source)
{
	return tg_rethink_rule_of(&source->config, source->table.name);
}

static int odd_answer(struct tg_rethink *source, const char *asked, struct tg_why *why)
{
	char what[TG_WHAT_BYTES_MAX];

	return tg_why_set(why, TG_ERR_PROTOCOL, "%s: the server's answer to %s is not understood",
			  tg_rethink_what(source, what, sizeof(what)), asked);
}

static int fail_table(struct tg_rethink *source, const struct tg_why *why)
{
	tg_rethink_fail_table(source, why);
	return TG_OK;
}

static int fail_source(struct tg_rethink *source, const struct tg_why *why)
{
	(void)source;
	return why->err;
}

/* --- LIST: which tables there are --- */

static void ask_list(struct tg_rethink *source, struct tg_out *query)
{
	tg_query_table_list(source->config.database, query);
}

static int take_list(struct tg_rethink *source, const struct tg_row *row, struct tg_why *why)
{
	return tg_rethink_names_take(&source->names, row->body, &source->config, why);
}

static void end_list(struct tg_rethink *source)
{
	source->listed = true;
	source->table_at = 0;
	if (source->purpose != TG_FOR_SYNC)
		tg_tell_database(source);
	tg_rethink_enter(source, source->purpose == TG_FOR_CHECK ? TG_PHASE_CLOCK : TG_PHASE_NEXT);
}

/* --- INFO, and STATUS where INFO is not allowed --- */

static void ask_info(struct tg_rethink *source, struct tg_out *query)
{
	struct tg_term_table table = tg_rethink_term(source);

	tg_query_of_table(&table, TG_TERM_INFO, query);
}

/* A table that was dropped and made anew while we read it is another one. */
static int take_identity(struct tg_rethink *source, const uint8_t was[TG_GENERATION_BYTES],
			 struct tg_why *why)
{
	char what[TG_WHAT_BYTES_MAX];

	if (!source->begun || memcmp(was, source->table.uuid, TG_GENERATION_BYTES) == 0)
		return TG_OK;
	return tg_why_set(why, TG_ERR_MISSING,
			  "%s was dropped and made anew while it was read; the next run reads it",
			  tg_rethink_what(source, what, sizeof(what)));
}

static int take_info(struct tg_rethink *source, const struct tg_row *row, struct tg_why *why)
{
	uint8_t was[TG_GENERATION_BYTES];

	memcpy(was, source->table.uuid, sizeof(was));
	if (tg_rethink_table_info(&source->table, row->body) != TG_OK)
		return odd_answer(source, "info", why);
	return take_identity(source, was, why);
}

static void end_info(struct tg_rethink *source)
{
	const struct tg_rethink_rule *rule = rule_of(source);

	if (source->begun)
		tg_rethink_enter(source, TG_PHASE_READ);
	else if (rule->mode == TG_MODE_SNAPSHOT && rule->field[0] == '\0' &&
		 source->purpose == TG_FOR_SYNC)
		tg_rethink_enter(source, TG_PHASE_BEGIN);
	else
		tg_rethink_enter(source, TG_PHASE_SAMPLE);
}

static int wait_or_fail(struct tg_rethink *source, const struct tg_why *why)
{
	if (source->retries++ < TG_RETRIES_MAX)
		tg_rethink_enter(source, TG_PHASE_WAIT);
	else
		tg_rethink_fail_table(source, why);
	return TG_OK;
}

static int fail_info(struct tg_rethink *source, const struct tg_why *why)
{
	if (why->err == TG_ERR_NOT_READY)
		return wait_or_fail(source, why);
	if (why->err == TG_ERR_MISSING || source->begun)
		return fail_table(source, why);
	source->why = *why;
	tg_rethink_enter(source, TG_PHASE_STATUS);
	return TG_OK;
}

static void ask_status(struct tg_rethink *source, struct tg_out *query)
{
	struct tg_term_table table = tg_rethink_term(source);

	tg_query_of_table(&table, TG_TERM_STATUS, query);
}

static int take_status(struct tg_rethink *source, const struct tg_row *row, struct tg_why *why)
{
	if (tg_rethink_table_status(&source->table, row->body) != TG_OK)
		return odd_answer(source, "status", why);
	return TG_OK;
}

/* No look at rows that INFO was refused for: reading them says why. */
static void end_status(struct tg_rethink *source)
{
	if (source->purpose == TG_FOR_SYNC)
		tg_rethink_enter(source, TG_PHASE_BEGIN);
	else
		tg_rethink_enter(source, TG_PHASE_SAMPLE);
}

/* --- WAIT: the server tells when the table can be read --- */

static void ask_wait(struct tg_rethink *source, struct tg_out *query)
{
	struct tg_term_table table = tg_rethink_term(source);

	tg_query_wait(&table, TG_WAIT_SECONDS, query);
}

static int take_nothing(struct tg_rethink *source, const struct tg_row *row, struct tg_why *why)
{
	(void)source;
	(void)row;
	(void)why;
	return TG_OK;
}

static void end_wait(struct tg_rethink *source)
{
	tg_rethink_enter(source, TG_PHASE_INFO);
}

static int fail_wait(struct tg_rethink *source, const struct tg_why *why)
{
	if (why->err == TG_ERR_MISSING || source->retries >= TG_RETRIES_MAX)
		return fail_table(source, why);
	source->retries++;
	tg_rethink_enter(source, TG_PHASE_INFO);
	return TG_OK;
}

/* --- SAMPLE and INDEXES: is there a member that says when a row changed? --- */

static void ask_sample(struct tg_rethink *source, struct tg_out *query)
{
	struct tg_query_sample sample = { .table = tg_rethink_term(source),
					  .limit = CONFIG_TG_RETHINK_SAMPLE_ROWS };

	/* One row proves the permission. */
	if (source->purpose == TG_FOR_CHECK)
		sample.limit = 1;
	tg_stamp_sample_start(&source->sample, rule_of(source)->field);
	if (source->purpose == TG_FOR_SYNC) {
		sample.members = source->sample.fields;
		sample.count = source->sample.count;
	}
	tg_query_sample(&sample, query);
}

static int take_sample(struct tg_rethink *source, const struct tg_row *row, struct tg_why *why)
{
	(void)why;
	if (row->oversize)
		return TG_OK;
	tg_stamp_sample_row(&source->sample, row->body);
	if (source->purpose == TG_FOR_DISCOVER)
		tg_rethink_infer_row(source->infer, row->body);
	return TG_OK;
}

static void end_sample(struct tg_rethink *source)
{
	tg_stamp_choose(&source->sample, &source->stamp);
	if (source->purpose == TG_FOR_CHECK)
		tg_rethink_enter(source, TG_PHASE_END);
	else if (source->stamp.kind == TG_STAMP_NONE && source->purpose == TG_FOR_SYNC)
		tg_rethink_enter(source, TG_PHASE_BEGIN);
	else
		tg_rethink_enter(source, TG_PHASE_INDEXES);
}

/* Without a sample the table is read as a whole; what is wrong with it comes out then. */
static int fail_sample(struct tg_rethink *source, const struct tg_why *why)
{
	if (why->err == TG_ERR_NOT_READY)
		return wait_or_fail(source, why);
	if (source->purpose != TG_FOR_SYNC)
		return fail_table(source, why);
	source->stamp.kind = TG_STAMP_NONE;
	tg_rethink_enter(source, TG_PHASE_BEGIN);
	return TG_OK;
}

static void ask_indexes(struct tg_rethink *source, struct tg_out *query)
{
	struct tg_term_table table = tg_rethink_term(source);

	tg_query_of_table(&table, TG_TERM_INDEX_STATUS, query);
}

static int take_indexes(struct tg_rethink *source, const struct tg_row *row, struct tg_why *why)
{
	(void)why;
	/* An answer too large for the window has no index that we could name. */
	if (source->purpose == TG_FOR_DISCOVER && !row->oversize)
		tg_tell_indexes(source, row->body);
	if (!row->oversize && source->stamp.kind != TG_STAMP_NONE)
		(void)tg_rethink_index_find(row->body, &source->stamp.field, &source->index);
	return TG_OK;
}

static void end_indexes(struct tg_rethink *source)
{
	bool sync = source->purpose == TG_FOR_SYNC;

	tg_rethink_enter(source, sync ? TG_PHASE_BEGIN : TG_PHASE_END);
}

static int fail_indexes(struct tg_rethink *source, const struct tg_why *why)
{
	(void)why;
	end_indexes(source);
	return TG_OK;
}

/* --- CLOCK: the server's own, which bounds the bookmark --- */

static void ask_clock(struct tg_rethink *source, struct tg_out *query)
{
	(void)source;
	tg_query_now(query);
}

static int take_clock(struct tg_rethink *source, const struct tg_row *row, struct tg_why *why)
{
	struct tg_view seconds = tg_member_of(row->body, "epoch_time");

	if (tg_time_from_number(seconds, 1000, &source->server_ms) != TG_OK)
		return odd_answer(source, "now", why);
	return TG_OK;
}

static void end_clock(struct tg_rethink *source)
{
	if (source->purpose == TG_FOR_CHECK) {
		tg_tell_clock(source);
		tg_rethink_enter(source, TG_PHASE_NEXT);
		return;
	}
	tg_mode_begin(&source->config, source->server_ms, &source->bookmark);
	tg_rethink_enter(source, TG_PHASE_READ);
}

/* --- READ: read.c --- */

static int fail_read(struct tg_rethink *source, const struct tg_why *why)
{
	if (why->err == TG_ERR_NOT_READY)
		return wait_or_fail(source, why);
	return fail_table(source, why);
}

const struct tg_phase_ops tg_phases[TG_PHASES] = {
	[TG_PHASE_DOWN] = { .name = "down" },
	[TG_PHASE_LOGIN] = { .name = "login" },
	[TG_PHASE_LIST] = { "list", ask_list, take_list, end_list, fail_source },
	[TG_PHASE_NEXT] = { .name = "next" },
	[TG_PHASE_INFO] = { "info", ask_info, take_info, end_info, fail_info },
	[TG_PHASE_STATUS] = { "status", ask_status, take_status, end_status, fail_table },
	[TG_PHASE_WAIT] = { "wait", ask_wait, take_nothing, end_wait, fail_wait },
	[TG_PHASE_INDEXES] = { "indexes", ask_indexes, take_indexes, end_indexes, fail_indexes },
	[TG_PHASE_SAMPLE] = { "sample", ask_sample, take_sample, end_sample, fail_sample },
	[TG_PHASE_BEGIN] = { .name = "begin" },
	[TG_PHASE_BEGUN] = { .name = "begun" },
	[TG_PHASE_CLOCK] = { "clock", ask_clock, take_clock, end_clock, fail_table },
	[TG_PHASE_READ] = { "read", tg_read_ask, tg_read_row, tg_read_end, fail_read },
	[TG_PHASE_END] = { .name = "end" },
	[TG_PHASE_DONE] = { .name = "done" },
};
