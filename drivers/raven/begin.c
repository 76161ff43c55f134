/* begin.c - where reading a collection goes on, from what the store knows of it. */
#include "drivers/raven/state.h"
#include "platform/assert.h"
#include "platform/log.h"

/* A bookmark of other settings saw other rows. */
static uint32_t settings_of(const struct tg_raven *source)
{
	return 1u + (source->config.mode == TG_RAVEN_LAST_MODIFIED ? 2u : 0u) +
	       (source->config.read_replicated ? 4u : 0u);
}

static void read_cursor(struct tg_raven *source, const struct tg_stream_state *stream)
{
	struct tg_raven_cursor *cursor = &source->cursor;

	/* A bookmark that cannot be read costs a full walk, nothing else. */
	if (stream->bookmark.bytes == 0 || stream->rebuilt ||
	    tg_raven_cursor_read(stream->bookmark, cursor) != TG_OK ||
	    cursor->settings != settings_of(source))
		tg_raven_cursor_clear(cursor);
	cursor->settings = settings_of(source);
}

/* The same node with another database under the same name: nothing of the old one's holds. */
static bool is_replaced(const struct tg_raven *source)
{
	const struct tg_raven_cursor *cursor = &source->cursor;

	for (uint32_t i = 0; i < cursor->place_count; i++)
		if (strcmp(cursor->places[i].tag, source->stats.tag) == 0 &&
		    memcmp(cursor->places[i].id, source->stats.id, TG_RAVEN_ID_BYTES) != 0)
			return true;
	return false;
}

static struct tg_raven_place *find_place(struct tg_raven *source)
{
	return tg_raven_cursor_at(&source->cursor, source->stats.tag, source->stats.id);
}

static void start_anew(struct tg_raven *source, const char *why)
{
	TG_LOG_WRN("raven.anew", "stream=%s why=\"%s\"", source->stream_name, why);
	tg_raven_cursor_clear(&source->cursor);
	source->cursor.settings = settings_of(source);
}

static struct tg_raven_place *check_place(struct tg_raven *source)
{
	if (is_replaced(source))
		start_anew(source, "another database has this name now");
	struct tg_raven_place *place = find_place(source);
	if (source->stats.last + 1 < place->next) {
		start_anew(source, "the database was set back to an earlier state");
		place = find_place(source);
	}
	return place;
}

/* A pass that was begun because it was asked for is gone on with, also by a later run. */
static bool is_wanted(const struct tg_raven *source, const struct tg_stream_state *stream)
{
	return stream->full_pass_wanted && !(stream->full_pass_begun && source->cursor.full);
}

/* What was read on other nodes counts no more either. */
void tg_raven_read_all(struct tg_raven *source)
{
	struct tg_raven_cursor *cursor = &source->cursor;
	struct tg_raven_place *place = tg_raven_place(source);

	cursor->place_count = 1;
	place->next = place->told = 0;
	cursor->phase = TG_RAVEN_WALKING;
	cursor->full = true;
	source->marked = false;
	tg_raven_share_drop(source);
}

bool tg_raven_is_unchanged(const struct tg_raven *source)
{
	const struct tg_raven_cursor *cursor = &source->cursor;

	return cursor->phase == TG_RAVEN_CAUGHT && cursor->proved && cursor->vector_bytes > 0 &&
	       cursor->vector_bytes == source->proven_bytes &&
	       memcmp(cursor->vector, source->proven, source->proven_bytes) == 0;
}

/* A node that knows less than the one whose keys were compared must not end the comparison. */
static bool may_resume(const struct tg_raven *source, const struct tg_raven_place *place)
{
	const struct tg_raven_cursor *cursor = &source->cursor;

	return cursor->phase == TG_RAVEN_COMPARING && place->next > 0 &&
	       tg_raven_vector_covers(tg_raven_stats_vector(&source->stats),
				      tg_view_of(cursor->vector, cursor->vector_bytes));
}

static enum tg_raven_step first_step(struct tg_raven *source, struct tg_raven_place *place)
{
	if (source->config.mode == TG_RAVEN_LAST_MODIFIED)
		return TG_STEP_STATE;
	if (may_resume(source, place)) {
		source->resumed = source->ordered = true;
		return TG_STEP_COMPARE;
	}
	if (tg_raven_is_unchanged(source) && place->next > 0)
		return TG_STEP_END;
	if (tg_raven_share_take(source, place))
		return TG_STEP_SETTLE;
	tg_raven_share_start(source, place);
	return TG_STEP_WALK;
}

int tg_raven_begin(void *state, const struct tg_stream_state *stream)
{
	struct tg_raven *source = state;
	struct tg_raven_cursor *cursor = &source->cursor;

	TG_ASSERT(source->step == TG_STEP_BEGUN);
	source->stream = stream->stream;
	source->begun = stream->stream != TG_STREAM_NONE;
	source->keys = stream->keys;
	source->keys_context = stream->keys_context;
	read_cursor(source, stream);
	if (source->recall) {
		tg_raven_recall_begin(source, stream);
		return TG_OK;
	}
	TG_ASSERT(source->begun && source->keys != NULL);
	struct tg_raven_place *place = check_place(source);
	bool exact = source->config.mode == TG_RAVEN_EXACT;
	bool known = source->keys(source->keys_context) > 0;
	if (is_wanted(source, stream)) {
		tg_raven_read_all(source);
		cursor->since_ms = 0;
	} else if (exact && place->next == 0 && cursor->vector_bytes == 0 && known) {
		cursor->full = true; /* what was sent before and is gone must be found */
	}
	if (place->next == 0 && !known)
		place->told = source->stats.last + 1; /* nothing was sent that could be gone */
	source->marked = exact ? place->next > 0 : cursor->since_ms > 0; /* begun by another run */
	tg_raven_enter(source, first_step(source, place));
	return TG_OK;
}
