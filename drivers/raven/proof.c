/* proof.c - what was deleted: the tombstones, then the proof that none was missed, and where it
 * fails, a comparison of all keys (reference/ravendb.md 4.4).
 *
 *      TOMBS  deletes that are still listed; the server drops them after five minutes at most
 *      COUNT  documents of the collection ...
 *      STATE  ... at the very state that the walk showed: equal counts are equal sets
 *      COMPARE  every id, in order, and STATE once more: a document in conflict is in no list
 */
#include "drivers/json/scan.h"
#include "drivers/raven/hash.h"
#include "drivers/raven/key.h"
#include "drivers/raven/state.h"
#include "drivers/raven/tombs.h"
#include "platform/crypto.h"
#include "platform/log.h"

/* --- TOMBS --- */

bool tg_raven_tombs_call(struct tg_raven *source, struct tg_raven_call *call)
{
	(void)source;
	call->kind = TG_RAVEN_TOMBSTONES;
	return false;
}

int tg_raven_tombs_row(struct tg_raven *source, const struct tg_raven_row *row, struct tg_why *why)
{
	const struct tg_raven_place *place = tg_raven_place(source);
	struct tg_record record = { .op = TG_DELETE };
	struct tg_raven_tomb tomb;

	if (row->oversize || tg_raven_tomb_read(row->body, &tomb) != TG_OK)
		return tg_raven_odd(source, "a tombstone has no id or etag", why);
	if (!tomb.document || tomb.etag < place->told || !tg_raven_is_ours(source, tomb.collection))
		return TG_OK;
	/* Another node told it before; by now the document may be there again. */
	if (!source->cursor.full && tg_raven_cursor_covers(&source->cursor, tomb.vector))
		return TG_OK;
	record.time_ms = tomb.time_ms == INT64_MIN ? source->now.wall_ms : tomb.time_ms;
	if (tg_raven_rows_key(&source->rows, tomb.id, &record) != TG_OK)
		return tg_raven_odd(source, "a tombstone has an id that is none", why);
	return TG_OK;
}

/* A node that does not know all that was sent already proves nothing about what is gone. */
static bool is_lagging(const struct tg_raven *source)
{
	const struct tg_raven_cursor *cursor = &source->cursor;

	return cursor->vector_bytes > 0 &&
	       !tg_raven_vector_covers(tg_view_of(source->vector, source->vector_bytes),
				       tg_view_of(cursor->vector, cursor->vector_bytes));
}

void tg_raven_compare_start(struct tg_raven *source)
{
	struct tg_raven_cursor *cursor = &source->cursor;

	cursor->phase = TG_RAVEN_COMPARING;
	cursor->after_bytes = 0;
	cursor->skipped = 0;
	source->ordered = true;
	source->resumed = false;
	TG_LOG_INF("raven.compare", "stream=%s", source->stream_name);
	tg_raven_enter(source, TG_STEP_COMPARE);
}

int tg_raven_tombs_end(struct tg_raven *source, struct tg_why *why)
{
	struct tg_raven_place *place = tg_raven_place(source);
	struct tg_raven_cursor *cursor = &source->cursor;

	(void)why;
	place->told = place->next;
	if (is_lagging(source)) {
		TG_LOG_WRN("raven.lagging",
			   "stream=%s node=%s why=\"it has not got all that another node told; "
			   "deletes wait\"",
			   source->stream_name, source->stats.tag);
		tg_raven_enter(source, TG_STEP_END);
		return TG_OK;
	}
	tg_raven_cursor_caught(cursor, tg_view_of(source->vector, source->vector_bytes));
	cursor->phase = TG_RAVEN_CAUGHT;
	/* A full walk is compared in any case, but not beside a conflict that arose since. */
	tg_raven_enter(source, TG_STEP_COUNT);
	return TG_OK;
}

/* --- COUNT and STATE --- */

int tg_raven_count_row(struct tg_raven *source, const struct tg_raven_row *row, struct tg_why *why)
{
	int rc = tg_raven_take_collections(source, row, why);

	source->share.kept = false; /* what it counted is gone */
	if (rc == TG_OK)
		source->counted = tg_raven_names_count(row->body, tg_raven_name(source));
	return rc;
}

int tg_raven_state_row(struct tg_raven *source, const struct tg_raven_row *row, struct tg_why *why)
{
	uint8_t id[TG_RAVEN_ID_BYTES];
	uint64_t last = source->stats.last;

	memcpy(id, source->stats.id, sizeof(id));
	if (row->oversize || tg_raven_stats_read(row->body, &source->stats) != TG_OK)
		return tg_raven_odd(source, "its statistics name no DatabaseId or etag", why);
	source->rested = last == source->stats.last;
	source->replaced = memcmp(id, source->stats.id, sizeof(id)) != 0;
	return TG_OK;
}

static void mark_proved(struct tg_raven *source)
{
	struct tg_raven_cursor *cursor = &source->cursor;

	cursor->proved = true;
	memcpy(source->proven, cursor->vector, cursor->vector_bytes);
	source->proven_bytes = cursor->vector_bytes;
	tg_raven_enter(source, TG_STEP_END);
}

/* Rows are there that we never got. It is done once: should they be rows that cannot be read, it
 * would never end. */
static void read_anew(struct tg_raven *source)
{
	TG_LOG_WRN("raven.anew",
		   "stream=%s why=\"the server counts %llu documents, and %llu came\"",
		   source->stream_name, (unsigned long long)source->counted,
		   (unsigned long long)source->keys(source->keys_context));
	source->cursor.anew = true;
	tg_raven_read_all(source);
	tg_raven_walk_start(source);
	tg_raven_enter(source, TG_STEP_WALK);
}

/* The counts are of one state. */
void tg_raven_compare_counts(struct tg_raven *source)
{
	struct tg_raven_cursor *cursor = &source->cursor;
	uint64_t known = source->keys(source->keys_context);

	/* Of all keys that are there, those that we do not know are the ones not handed over. */
	if (cursor->compared && known <= source->counted)
		cursor->skipped = source->counted - known;
	uint64_t ours = known + cursor->skipped;
	if (cursor->uncounted) {
		tg_raven_compare_start(source); /* to count those that are not handed over */
	} else if (ours == source->counted) {
		cursor->anew = false;
		mark_proved(source);
	} else if (ours < source->counted && !cursor->anew) {
		read_anew(source);
	} else if (source->counted == 0 && !source->config.delete_when_empty) {
		TG_LOG_WRN("stream.empty", "stream=%s kept=%llu set=delete_when_empty",
			   source->stream_name, (unsigned long long)known);
		mark_proved(source);
	} else {
		tg_raven_compare_start(source);
	}
}

static bool may_compare(const struct tg_raven *source)
{
	uint64_t pause_ms = (uint64_t)CONFIG_TG_RAVEN_COMPARE_MINUTES * 60000;

	return source->compared_ms == 0 || source->now.mono_ms - source->compared_ms >= pause_ms;
}

/* Somebody writes all the time: what was written is read, and the counts are taken once more. */
static void go_on_reading(struct tg_raven *source)
{
	if (++source->proofs < TG_RAVEN_PROOFS_MAX) {
		tg_raven_walk_start(source);
		tg_raven_enter(source, TG_STEP_WALK);
	} else if (may_compare(source)) {
		tg_raven_compare_start(source);
	} else {
		tg_raven_enter(source, TG_STEP_END);
	}
}

/* A document in conflict is in no list: what misses it is no delete. */
static void wait_for_conflicts(struct tg_raven *source)
{
	TG_LOG_WRN("raven.conflicts",
		   "stream=%s documents=%llu why=\"they cannot be read until they are resolved on "
		   "the server; deletes wait too\"",
		   source->stream_name, (unsigned long long)source->stats.conflicts);
	source->ordered = false;
	tg_raven_enter(source, TG_STEP_END);
}

int tg_raven_state_end(struct tg_raven *source, struct tg_why *why)
{
	const struct tg_raven_stats *stats = &source->stats;
	struct tg_view walked = tg_view_of(source->vector, source->vector_bytes);

	if (source->replaced) {
		source->replaced = false;
		return tg_why_set(why, TG_ERR_NOT_READY,
				  "database %s on %s was replaced by another one while it was "
				  "read; it is read anew",
				  source->config.link.database, source->talk.peer);
	}
	bool same = stats->vector_known && tg_view_same(tg_raven_stats_vector(stats), walked);
	/* A conflict that was resolved since need not show in the vector, but in the etags. */
	if (!source->seen_all)
		source->cursor.clear = same && source->rested && stats->conflicts == 0;
	if (source->config.mode == TG_RAVEN_LAST_MODIFIED && !source->seen_all) {
		tg_raven_enter(source, TG_STEP_QUERY);
	} else if (stats->conflicts > 0) {
		wait_for_conflicts(source);
	} else if (source->seen_all) {
		tg_raven_compare_over(source);
	} else if (source->cursor.full) {
		tg_raven_compare_start(source);
	} else if (source->cursor.clear) {
		tg_raven_share_keep(source);
		tg_raven_enter(source, TG_STEP_SETTLE);
	} else {
		go_on_reading(source);
	}
	return TG_OK;
}

/* --- COMPARE --- */

bool tg_raven_compare_call(struct tg_raven *source, struct tg_raven_call *call)
{
	call->kind = TG_RAVEN_KEYS;
	call->text = tg_view_of(source->cursor.after, source->cursor.after_bytes);
	call->rows = CONFIG_TG_RAVEN_COMPARE_ROWS;
	return false;
}

/* The last id that was seen, of whatever collection: there the next page begins. */
static bool keep_id(struct tg_raven_cursor *cursor, struct tg_view id)
{
	int bytes = tg_json_unescape(id, cursor->after, sizeof(cursor->after));

	cursor->after_bytes = bytes > 0 ? (uint32_t)bytes : 0;
	return bytes > 0;
}

/* A page that begins as the one before did is that page again. */
static int check_goes_on(struct tg_raven *source, struct tg_view id, struct tg_why *why)
{
	uint8_t digest[TG_SHA1_BYTES];

	if (source->talk.page.rows > 1)
		return TG_OK;
	tg_sha1_two(id, tg_view_of(NULL, 0), digest);
	uint64_t first = tg_raven_hash_of_digest(digest), before = source->first_id;
	source->first_id = first;
	return first != before
		       ? TG_OK
		       : tg_raven_odd(source,
				      "the same page of ids comes again and again; startAfter "
				      "is ignored there, or a proxy answers from its cache",
				      why);
}

int tg_raven_compare_row(struct tg_raven *source, const struct tg_raven_row *row,
			 struct tg_why *why)
{
	static const struct tg_record seen = { .op = TG_UPSERT, .flags = TG_REC_SEEN };
	struct tg_raven_meta meta;

	if (row->metadata.bytes == 0 || tg_raven_meta_read(&meta, row->metadata) != TG_OK ||
	    !keep_id(&source->cursor, meta.id))
		return tg_raven_odd(source, "a document has no @id", why);
	int rc = check_goes_on(source, meta.id, why);
	if (rc != TG_OK || !tg_raven_is_ours(source, meta.collection))
		return rc;
	/* What was sent before a tidegate wrote over it is there: it is no delete. */
	source->cursor.skipped += tg_raven_is_skipped(source, row, &meta);
	if (tg_raven_rows_key(&source->rows, meta.id, &seen) != TG_OK)
		return tg_raven_odd(source, "a document has an id that is none", why);
	return TG_OK;
}

int tg_raven_compare_end(struct tg_raven *source, struct tg_why *why)
{
	struct tg_raven_cursor *cursor = &source->cursor;

	(void)why;
	if (source->talk.page.rows >= CONFIG_TG_RAVEN_COMPARE_ROWS)
		return TG_OK;
	cursor->phase = TG_RAVEN_CAUGHT;
	cursor->after_bytes = 0;
	source->seen_all = true;
	tg_raven_enter(source, TG_STEP_STATE);
	return TG_OK;
}

/* Only what comes from other databases can be in conflict. */
static bool others_wrote(const struct tg_raven *source)
{
	const struct tg_raven_cursor *cursor = &source->cursor;
	struct tg_view then = tg_view_of(cursor->vector, cursor->vector_bytes);
	struct tg_view own = tg_view_of(source->stats.id_text, TG_RAVEN_ID_TEXT_BYTES);
	struct tg_raven_vector vector = tg_raven_vector_of(tg_raven_stats_vector(&source->stats));
	struct tg_raven_entry entry;
	uint64_t etag;

	while (tg_raven_vector_next(&vector, &entry))
		if (!tg_view_same(entry.id, own) &&
		    (!tg_raven_vector_etag(then, entry.id, &etag) || etag < entry.etag))
			return true;
	return vector.strange || !source->stats.vector_known;
}

/* A document that was in conflict only while its key was looked for counts as gone, and comes again
 * in what was written meanwhile: that is read before the round is over. So are the counts, where
 * documents are there that are not handed over. */
static bool must_read_on(struct tg_raven *source)
{
	const struct tg_raven_cursor *cursor = &source->cursor;

	if (source->config.mode == TG_RAVEN_LAST_MODIFIED || source->resumed ||
	    source->reread == source->name_at + 1)
		return false;
	return cursor->skipped > 0 || cursor->anew || others_wrote(source);
}

void tg_raven_compare_over(struct tg_raven *source)
{
	struct tg_raven_cursor *cursor = &source->cursor;

	source->compared_ms = source->now.mono_ms;
	cursor->full = cursor->uncounted = false;
	cursor->compared = source->rested && cursor->clear && !source->resumed;
	if (must_read_on(source)) {
		source->reading_on = true;
		source->reread = source->name_at + 1;
	}
	if (cursor->compared && !source->reading_on)
		mark_proved(source);
	else
		tg_raven_enter(source, TG_STEP_END);
}
