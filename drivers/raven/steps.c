/* steps.c - the table of steps, and those that ask who and what the database is. */
#include "drivers/raven/state.h"
#include "drivers/raven/tell.h"
#include "platform/log.h"

/* --- POLL: is everything as the last round left it? --- */

static bool call_poll(struct tg_raven *source, struct tg_raven_call *call)
{
	(void)source;
	call->kind = TG_RAVEN_DOCS;
	call->etag = INT64_MAX;
	call->rows = 1;
	return true;
}

static int pass_row(struct tg_raven *source, const struct tg_raven_row *row, struct tg_why *why)
{
	(void)source, (void)row, (void)why;
	return TG_OK;
}

static bool same_cluster(const struct tg_raven *source)
{
	uint8_t id[TG_RAVEN_ID_BYTES];
	struct tg_view text = tg_view_str(source->talk.cluster_id);

	return text.bytes == 0 || (tg_raven_id_bytes(text, id) == TG_OK &&
				   memcmp(id, source->generation, sizeof(id)) == 0);
}

static int end_poll(struct tg_raven *source, struct tg_why *why)
{
	(void)why;
	if (source->talk.status != 304 || !same_cluster(source)) {
		source->proven_bytes = 0;
		if (source->recall)
			tg_raven_recall_leave(source);
		else
			tg_raven_enter(source, TG_STEP_STATS);
	} else if (source->recall) {
		tg_raven_enter(source, TG_STEP_END);
	} else {
		source->name_at = 0;
		tg_raven_enter(source, TG_STEP_NEXT);
	}
	return TG_OK;
}

/* --- WHOAMI and TOPOLOGY --- */

static bool call_whoami(struct tg_raven *source, struct tg_raven_call *call)
{
	(void)source;
	call->kind = TG_RAVEN_WHOAMI;
	return false;
}

static int take_whoami(struct tg_raven *source, const struct tg_raven_row *row, struct tg_why *why)
{
	(void)why;
	if (!row->oversize)
		tg_raven_tell_whoami(source, row->body);
	return TG_OK;
}

static int end_whoami(struct tg_raven *source, struct tg_why *why)
{
	(void)why;
	if (source->talk.status == 204)
		tg_raven_tell_whoami(source, tg_view_of(NULL, 0));
	tg_raven_enter(source, TG_STEP_STATS);
	return TG_OK;
}

static bool call_topology(struct tg_raven *source, struct tg_raven_call *call)
{
	(void)source;
	call->kind = TG_RAVEN_TOPOLOGY;
	return false;
}

static int take_topology(struct tg_raven *source, const struct tg_raven_row *row,
			 struct tg_why *why)
{
	if (row->oversize || !tg_raven_nodes_learn(&source->nodes, row->body))
		return tg_raven_odd(source, "its topology has no nodes", why);
	return TG_OK;
}

static int end_topology(struct tg_raven *source, struct tg_why *why)
{
	(void)why;
	tg_raven_enter(source, TG_STEP_COLLECTIONS);
	return TG_OK;
}

/* --- STATS: which database is this? It comes before TOPOLOGY, which cannot tell a missing database
 * from a forbidden one. --- */

static bool call_stats(struct tg_raven *source, struct tg_raven_call *call)
{
	(void)source;
	call->kind = TG_RAVEN_STATS;
	return false;
}

/* What is the same on all nodes, where the server tells it. */
static void take_generation(struct tg_raven *source)
{
	struct tg_view text = tg_view_str(source->talk.cluster_id);

	if (tg_raven_id_bytes(text, source->generation) != TG_OK)
		memcpy(source->generation, source->stats.id, sizeof(source->generation));
}

static int take_stats(struct tg_raven *source, const struct tg_raven_row *row, struct tg_why *why)
{
	uint64_t etag;
	struct tg_view id = tg_view_of(source->stats.id_text, TG_RAVEN_ID_TEXT_BYTES);

	if (row->oversize || tg_raven_stats_read(row->body, &source->stats) != TG_OK)
		return tg_raven_odd(source, "its statistics name no DatabaseId or etag", why);
	if (source->stats.tag[0] == '\0')
		memcpy(source->stats.tag, source->nodes.items[source->nodes.at].tag,
		       sizeof(source->stats.tag));
	source->vector_has_id =
		source->stats.vector_known &&
		tg_raven_vector_etag(tg_raven_stats_vector(&source->stats), id, &etag);
	take_generation(source);
	return TG_OK;
}

static int end_stats(struct tg_raven *source, struct tg_why *why)
{
	(void)why;
	source->pinned = true;
	source->failures = source->loads = 0;
	tg_raven_nodes_renew(&source->nodes);
	memcpy(source->nodes.items[source->nodes.at].tag, source->stats.tag,
	       sizeof(source->stats.tag));
	if (source->purpose != TG_RAVEN_FOR_SYNC)
		tg_raven_tell_stats(source);
	tg_raven_enter(source, TG_STEP_TOPOLOGY);
	return TG_OK;
}

/* --- COLLECTIONS --- */

static bool call_collections(struct tg_raven *source, struct tg_raven_call *call)
{
	(void)source;
	call->kind = TG_RAVEN_COLLECTIONS;
	return false;
}

int tg_raven_too_many(const struct tg_raven *source, struct tg_why *why)
{
	return tg_why_set(why, TG_ERR_LIMIT,
			  "database %s has more collections, those that are gone counted, than the "
			  "%d (%d bytes of names) that this build reads: name fewer in "
			  "collection_name",
			  source->config.link.database, CONFIG_TG_RAVEN_COLLECTIONS_MAX,
			  CONFIG_TG_RAVEN_NAMES_BYTES);
}

int tg_raven_take_collections(struct tg_raven *source, const struct tg_raven_row *row,
			      struct tg_why *why)
{
	int rc = row->oversize ? TG_ERR_LIMIT
			       : tg_raven_names_take(&source->names, &source->config, row->body);

	if (rc == TG_ERR_LIMIT)
		return tg_raven_too_many(source, why);
	return rc == TG_OK ? TG_OK : tg_raven_odd(source, "its collections are no list", why);
}

static void say_not_copied(const struct tg_raven *source)
{
	const struct tg_raven_stats *stats = &source->stats;

	if (stats->attachments + stats->counters + stats->series > 0)
		TG_LOG_WRN("raven.not_copied",
			   "database=%s attachments=%llu counters=%llu time_series=%llu",
			   source->config.link.database, (unsigned long long)stats->attachments,
			   (unsigned long long)stats->counters, (unsigned long long)stats->series);
	if (source->config.mode == TG_RAVEN_LAST_MODIFIED)
		TG_LOG_WRN("raven.loses_rows",
			   "mode=last_modified why=\"it misses deletes, imported rows and rows "
			   "changed while the index rests; mode exact misses nothing\"");
}

static int end_collections(struct tg_raven *source, struct tg_why *why)
{
	(void)why;
	source->name_at = 0;
	if (source->purpose == TG_RAVEN_FOR_SYNC)
		say_not_copied(source);
	else
		tg_raven_tell_database(source);
	tg_raven_enter(source, TG_STEP_NEXT);
	return TG_OK;
}

/* --- SAMPLE: for check and discover --- */

static bool call_sample(struct tg_raven *source, struct tg_raven_call *call)
{
	call->kind = TG_RAVEN_SAMPLE;
	call->text = tg_raven_name(source);
	call->rows = source->purpose == TG_RAVEN_FOR_CHECK ? 1 : CONFIG_TG_RAVEN_SAMPLE_ROWS;
	tg_infer_start(source->infer);
	source->sample_rows = source->attached = source->counted_rows = source->timed = 0;
	return false;
}

static int take_sample(struct tg_raven *source, const struct tg_raven_row *row, struct tg_why *why)
{
	(void)why;
	tg_raven_tell_row(source, row);
	return TG_OK;
}

static int end_sample(struct tg_raven *source, struct tg_why *why)
{
	(void)why;
	tg_raven_enter(source, TG_STEP_END);
	return TG_OK;
}

/* --- COUNT and STATE: see proof.c --- */

static int end_count(struct tg_raven *source, struct tg_why *why)
{
	(void)why;
	tg_raven_enter(source, TG_STEP_STATE);
	return TG_OK;
}

/* clang-format off */
const struct tg_raven_step_ops tg_raven_steps[TG_STEPS] = {
	[TG_STEP_DOWN] = { .name = "down" },
	[TG_STEP_POLL] = { "poll", call_poll, NULL, pass_row, end_poll },
	[TG_STEP_WHOAMI] = { "whoami", call_whoami, NULL, take_whoami, end_whoami },
	[TG_STEP_TOPOLOGY] = { "topology", call_topology, NULL, take_topology, end_topology },
	[TG_STEP_STATS] = { "stats", call_stats, NULL, take_stats, end_stats },
	[TG_STEP_COLLECTIONS] = { "collections", call_collections, NULL, tg_raven_take_collections,
				  end_collections },
	[TG_STEP_NEXT] = { .name = "next" },
	[TG_STEP_SAMPLE] = { "sample", call_sample, NULL, take_sample, end_sample },
	[TG_STEP_BEGIN] = { .name = "begin" },
	[TG_STEP_BEGUN] = { .name = "begun" },
	[TG_STEP_WALK] = { "walk", tg_raven_walk_call, tg_raven_walk_head, tg_raven_walk_row,
			   tg_raven_walk_end },
	[TG_STEP_TOMBS] = { "tombs", tg_raven_tombs_call, NULL, tg_raven_tombs_row,
			    tg_raven_tombs_end },
	[TG_STEP_COUNT] = { "count", call_collections, NULL, tg_raven_count_row, end_count },
	[TG_STEP_STATE] = { "state", call_stats, NULL, tg_raven_state_row, tg_raven_state_end },
	[TG_STEP_SETTLE] = { .name = "settle" },
	/* Another database's answer must not pass for this one's: all would be gone. */
	[TG_STEP_COMPARE] = { "compare", tg_raven_compare_call, tg_raven_walk_head,
			      tg_raven_compare_row, tg_raven_compare_end },
	[TG_STEP_QUERY] = { "query", tg_raven_query_call, NULL, tg_raven_query_row,
			    tg_raven_query_end },
	[TG_STEP_END] = { .name = "end" },
	[TG_STEP_DONE] = { .name = "done" },
};
