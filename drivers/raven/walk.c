/* walk.c - all documents in the order of their etags, with the next pages asked for ahead
 * (reference/ravendb.md 4.3; lead.h says with which etags, and why nothing is lost).
 *
 * A page's real end is known at its last row; by then the next pages are on their way. What comes
 * twice is dropped here or by the index.
 */
#include "drivers/raven/state.h"
#include "platform/assert.h"
#include "platform/log.h"

/* Above all documents that a database of other nodes' can have: its pages tell no etag, and only
 * one that reaches the end goes on. A page is read as it comes and held nowhere. */
enum { PAGE_ROWS_MAX = 1 << 30 };

static struct tg_view our_id(const struct tg_raven *source)
{
	return tg_view_of(source->stats.id_text, TG_RAVEN_ID_TEXT_BYTES);
}

void tg_raven_walk_start(struct tg_raven *source)
{
	const struct tg_raven_stats *stats = &source->stats;

	source->walk = (struct tg_raven_walk){
		.lead.rows = source->config.batch_size,
		.last = stats->last,
		.dense = stats->last <= stats->documents + stats->documents / 3,
	};
}

bool tg_raven_walk_call(struct tg_raven *source, struct tg_raven_call *call)
{
	struct tg_raven_walk *walk = &source->walk;
	const struct tg_raven_cursor *cursor = &source->cursor;
	uint64_t next = tg_raven_place(source)->next;

	if (walk->lead.rows == 0)
		tg_raven_walk_start(source);
	call->kind = TG_RAVEN_DOCS;
	call->etag = next;
	call->rows = (uint32_t)walk->lead.rows;
	tg_raven_lead_page(&walk->lead, next);
	walk->guessed = false;
	/* A conflict may be resolved without a trace in the vector: it must not be asked for then.
	 */
	return cursor->phase == TG_RAVEN_CAUGHT && next > 0 && cursor->clear;
}

/* Another database answers under the same name: it was deleted and made again, or restored. The
 * next start finds out what it is. */
static int check_identity(struct tg_raven *source, struct tg_why *why)
{
	uint8_t cluster[TG_RAVEN_ID_BYTES];
	struct tg_view text = tg_view_str(source->talk.cluster_id);
	uint64_t etag;
	bool other = text.bytes > 0 && tg_raven_id_bytes(text, cluster) == TG_OK &&
		     memcmp(source->generation, source->stats.id, sizeof(cluster)) != 0 &&
		     memcmp(cluster, source->generation, sizeof(cluster)) != 0;

	if (source->talk.vector_told && source->vector_has_id &&
	    !tg_raven_vector_etag(source->talk.vector, our_id(source), &etag))
		other = true;
	if (!other)
		return TG_OK;
	return tg_why_set(why, TG_ERR_NOT_READY,
			  "database %s on %s was replaced by another one while it was read; it is "
			  "read anew",
			  source->config.link.database, source->talk.peer);
}

int tg_raven_walk_head(struct tg_raven *source, struct tg_why *why)
{
	uint64_t last;

	if (tg_raven_vector_etag(source->talk.vector, our_id(source), &last) &&
	    last > source->walk.last)
		source->walk.last = last;
	return check_identity(source, why);
}

/* --- a row --- */

/* One page more, as far as the database goes. */
static bool ask_one(struct tg_raven *source)
{
	struct tg_raven_lead *lead = &source->walk.lead;
	struct tg_raven_call call = { .kind = TG_RAVEN_DOCS,
				      .database = source->config.link.database,
				      .etag = tg_raven_lead_next(lead),
				      .rows = (uint32_t)lead->rows };

	if (call.etag > source->walk.last ||
	    tg_raven_talk_ask(&source->talk, &call, tg_view_of(NULL, 0), &source->now) != TG_OK)
		return false;
	tg_raven_lead_ask(lead, call.etag);
	return true;
}

/* A reader with an allowance of rows is slower than any server. */
static void ask_ahead(struct tg_raven *source)
{
	const struct tg_raven_walk *walk = &source->walk;

	if (!walk->dense || source->config.rows_per_second_max > 0)
		return;
	while (walk->lead.count < CONFIG_TG_RAVEN_AHEAD && ask_one(source))
		;
}

static bool is_single(struct tg_view vector)
{
	return memchr(vector.at, ',', vector.bytes) == NULL &&
	       memchr(vector.at, '|', vector.bytes) == NULL;
}

/* Notes the row's own etag. True: the row was on the page before. Only a vector of one entry says
 * so: the entry of a row that came from another node is older than the row. */
static bool take_etag(struct tg_raven *source, struct tg_view vector)
{
	struct tg_raven_walk *walk = &source->walk;
	uint64_t etag;

	if (vector.bytes < 2)
		return false;
	vector = tg_view_of(vector.at + 1, vector.bytes - 2);
	if (!tg_raven_vector_etag(vector, our_id(source), &etag))
		return false;
	bool again = tg_raven_lead_row(&walk->lead, source->talk.page.rows - 1, etag);
	ask_ahead(source);
	return again && walk->guessed && is_single(vector);
}

/* What the state that was handed over covers needs no second look: after a change of nodes it may
 * even be an older version than the one that was sent. */
static bool is_known(const struct tg_raven *source, struct tg_view vector)
{
	if (source->cursor.full || !source->cursor.clear || vector.bytes < 2)
		return false;
	return tg_raven_cursor_covers(&source->cursor, tg_view_of(vector.at + 1, vector.bytes - 2));
}

int tg_raven_walk_row(struct tg_raven *source, const struct tg_raven_row *row, struct tg_why *why)
{
	struct tg_raven_meta meta;

	if (row->metadata.bytes == 0 && row->oversize) {
		TG_LOG_WRN("raven.unreadable",
			   "database=%s bytes=%llu why=\"too large, with more metadata than can be "
			   "kept\"",
			   source->config.link.database, (unsigned long long)row->bytes);
		source->cursor.uncounted = true;
		return TG_OK;
	}
	if (tg_raven_meta_read(&meta, row->metadata) != TG_OK)
		return tg_raven_odd(source, "a document has no @id", why);
	if (take_etag(source, meta.change_vector) || !tg_raven_is_ours(source, meta.collection))
		return TG_OK;
	if (tg_raven_is_skipped(source, row, &meta)) {
		source->cursor.uncounted = true;
		return TG_OK;
	}
	if (is_known(source, meta.change_vector))
		return TG_OK;
	if (tg_raven_rows_add(&source->rows, row, &meta, source->now.wall_ms) != TG_OK)
		return tg_raven_odd(source, "a document has an id that is none", why);
	return TG_OK;
}

/* --- a page's end --- */

/* Nothing lies behind this page: what its snapshot showed is read. */
static int reach_end(struct tg_raven *source)
{
	struct tg_raven_place *place = tg_raven_place(source);
	struct tg_view vector = source->talk.vector;
	uint64_t end;

	/* Where other nodes wrote all there is, what /stats said before this page is the bound. */
	if (!tg_raven_vector_etag(vector, our_id(source), &end))
		end = source->stats.last > source->walk.lead.seen ? source->stats.last
								  : source->walk.lead.seen;
	if (place->next <= end)
		place->next = end + 1;
	source->vector_bytes = 0;
	if (vector.bytes <= sizeof(source->vector)) {
		memcpy(source->vector, vector.at, vector.bytes);
		source->vector_bytes = (uint32_t)vector.bytes;
	}
	source->discards = tg_raven_lead_drop(&source->walk.lead);
	tg_raven_enter(source, TG_STEP_TOMBS);
	return TG_OK;
}

/* 304: nothing was written or deleted since the state that the bookmark has. */
static int end_unchanged(struct tg_raven *source)
{
	const struct tg_raven_cursor *cursor = &source->cursor;

	memcpy(source->vector, cursor->vector, cursor->vector_bytes);
	source->vector_bytes = cursor->vector_bytes;
	if (cursor->proved) {
		memcpy(source->proven, cursor->vector, cursor->vector_bytes);
		source->proven_bytes = cursor->vector_bytes;
	}
	tg_raven_enter(source, cursor->proved ? TG_STEP_END : TG_STEP_COUNT);
	return TG_OK;
}

/* The page that was asked ahead is the present one now. Where there can be no going on with it,
 * what is on its way is dropped, and the real place is asked for. */
static void go_ahead(struct tg_raven *source)
{
	struct tg_raven_walk *walk = &source->walk;

	if (tg_raven_lead_turn(&walk->lead)) {
		walk->guessed = true;
		source->asked = true;
	} else {
		source->discards = tg_raven_lead_drop(&walk->lead);
	}
}

int tg_raven_walk_end(struct tg_raven *source, struct tg_why *why)
{
	struct tg_raven_walk *walk = &source->walk;
	struct tg_raven_lead *lead = &walk->lead;
	struct tg_raven_place *place = tg_raven_place(source);
	bool guessed = walk->guessed;

	if (source->talk.status == 304)
		return end_unchanged(source);
	source->cursor.phase = TG_RAVEN_WALKING;
	source->cursor.proved = false;
	if (source->talk.page.rows < lead->rows)
		return reach_end(source);
	walk->silent++;
	walk->dense = tg_raven_lead_is_dense(lead);
	bool told = lead->seen >= place->next;
	if (lead->reach > place->next)
		place->next = lead->reach;
	if (lead->count > 0)
		go_ahead(source);
	else if (!told && !guessed && lead->rows < PAGE_ROWS_MAX)
		lead->rows *= 2; /* all of them came from other nodes: their etags are not told */
	else if (told)
		lead->rows = source->config.batch_size;
	else if (!guessed)
		return tg_raven_odd(source, "its pages do not go on", why);
	return TG_OK;
}
