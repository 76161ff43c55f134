/* query.c - mode last_modified: RQL on @last-modified, in pages that overlap
 * (reference/ravendb.md 3.4).
 *
 *      since ....page 1....t1          t1 = the last row's time: the next page begins with it
 *                         t1...page 2..t2
 *
 * It misses what it must: deletes, imported rows, rows changed while the index rests. So each pass
 * begins `overlap_seconds` before the newest time that was seen, never after the server's own clock
 * at the pass' begin, and repeats send nothing.
 */
#include "drivers/json/scan.h"
#include "drivers/raven/state.h"
#include "platform/log.h"

enum { WAIT_MS = 15000, ROWS_MAX = 1 << 17 };

static void start_pass(struct tg_raven *source)
{
	source->query_rows = source->config.batch_size;
	source->query_round = false;
	source->since_ms = source->cursor.since_ms;
	source->newest_ms = source->cursor.since_ms;
	source->clock_ms = source->stats.server_ms;
	if (source->clock_ms == INT64_MIN)
		source->clock_ms = source->now.wall_ms;
	source->begun = true;
}

bool tg_raven_query_call(struct tg_raven *source, struct tg_raven_call *call)
{
	char since[TG_RAVEN_MOMENT_BYTES];
	struct tg_out query = { .at = source->query, .cap = sizeof(source->query) };
	struct tg_out parameters = { .at = source->parameters, .cap = sizeof(source->parameters) };

	if (source->query_rows == 0)
		start_pass(source);
	tg_raven_moment(source->since_ms == 0 ? INT64_MIN : source->since_ms, since);
	struct tg_raven_rql rql = { .collection = tg_raven_name(source),
				    .since = tg_view_of(since, sizeof(since)),
				    .rows = source->query_rows,
				    .round = source->query_round };
	/* A name that cannot be quoted, or a text that is too long, is refused when it is asked. */
	bool written = tg_raven_rql(&rql, &query, &parameters) == TG_OK &&
		       !tg_out_overran(&query) && !tg_out_overran(&parameters);
	call->kind = TG_RAVEN_QUERY;
	call->wait_ms = WAIT_MS;
	call->text = tg_view_of(source->query, written ? (size_t)query.total : SIZE_MAX);
	call->parameters = tg_view_of(source->parameters, (size_t)parameters.total);
	return false;
}

int tg_raven_query_row(struct tg_raven *source, const struct tg_raven_row *row, struct tg_why *why)
{
	struct tg_raven_meta meta;
	int64_t time_ms;

	if (tg_raven_meta_read(&meta, row->metadata) != TG_OK)
		return tg_raven_odd(source, "a document has no @id", why);
	if (tg_raven_time(meta.last_modified, &time_ms) == TG_OK && time_ms > source->newest_ms)
		source->newest_ms = time_ms;
	if (tg_raven_is_skipped(source, row, &meta))
		return TG_OK;
	if (tg_raven_rows_add(&source->rows, row, &meta, source->now.wall_ms) != TG_OK)
		return tg_raven_odd(source, "a document has an id that is none", why);
	return TG_OK;
}

static void end_pass(struct tg_raven *source)
{
	int64_t newest_ms = source->newest_ms < source->clock_ms ? source->newest_ms
								 : source->clock_ms;

	if (newest_ms > 0)
		source->cursor.since_ms = newest_ms > source->config.overlap_ms
						  ? newest_ms - source->config.overlap_ms
						  : 1;
	source->query_rows = 0;
	/* A pass that was asked for is complete only when what is gone was looked for. */
	if (source->cursor.full && source->stats.conflicts == 0)
		tg_raven_compare_start(source);
	else
		tg_raven_enter(source, TG_STEP_END);
}

static int refuse(struct tg_raven *source, int err, const char *what, struct tg_why *why)
{
	char name[TG_RAVEN_WHAT_BYTES];

	tg_why_set(why, err, "%s on %s: %s", tg_raven_what(source, name, sizeof(name)),
		   source->talk.peer, what);
	source->query_rows = 0;
	tg_raven_fail_stream(source, why);
	return TG_OK;
}

int tg_raven_query_end(struct tg_raven *source, struct tg_why *why)
{
	const struct tg_raven_page *page = &source->talk.page;

	if (page->index_named && tg_raven_index_spoilt(page->index_name)) {
		if (source->query_round)
			return refuse(source, TG_ERR_QUERY,
				      "a wrongly quoted query left an index behind that answers "
				      "nothing; delete it on the server",
				      why);
		source->query_round = true;
		return TG_OK;
	}
	if (page->stale != TG_RAVEN_STALE_NO)
		return refuse(source, TG_ERR_NOT_READY,
			      "its index did not catch up in time; the next run asks again", why);
	if (page->rows < source->query_rows) {
		end_pass(source);
		return TG_OK;
	}
	if (source->newest_ms > source->since_ms)
		source->since_ms = source->newest_ms;
	else if (source->query_rows < ROWS_MAX)
		source->query_rows *= 2; /* as many rows have one and the same time */
	else
		return refuse(source, TG_ERR_LIMIT,
			      "too many documents were written at one moment; use mode exact", why);
	return TG_OK;
}
