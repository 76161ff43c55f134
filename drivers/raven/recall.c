/* recall.c - the one question of a new process: is the database as the store has it?
 *
 *      BEGIN(SAME) --caught up and proved--> POLL with the bookmark's vector --304--> END
 *          |                                   | all else
 *          +--all else-----------------------> END(AGAIN) -> STATS and so on, BEGIN
 *
 * A database's change vector names the databases that wrote it and how far: a server that answers
 * 304 has the database that was read, in the state in which it was read. Who it is, what nodes and
 * collections it has is asked only when that is not so. A database that was made anew under the
 * same name has another vector, and an empty one has none.
 *
 * A collection without a stream would be missed: it was there when another configuration read, or
 * the process ended before it came to it. So each bookmark tells which collections there were at
 * its vector, and by which configuration; those must be the ones that the store has.
 */
#include "drivers/raven/state.h"
#include "platform/log.h"

/* The collection of a stream's name "DATABASE/COLLECTION"; empty: it is another database's. */
static struct tg_view collection_of(const struct tg_raven *source, struct tg_view stream)
{
	struct tg_view database = tg_view_str(source->config.link.database);
	size_t skip = database.bytes + 1;

	if (stream.bytes <= skip || memcmp(stream.at, database.at, database.bytes) != 0 ||
	    stream.at[database.bytes] != '/')
		return tg_view_of(NULL, 0);
	return tg_view_of(stream.at + skip, stream.bytes - skip);
}

int tg_raven_recall_names(struct tg_raven *source, const struct tg_known *known, struct tg_why *why)
{
	struct tg_view stream;

	while (known->next(known->context, &stream)) {
		struct tg_view name = collection_of(source, stream);
		if (name.bytes > 0 &&
		    tg_raven_names_known(&source->names, &source->config, name) != TG_OK)
			return tg_raven_too_many(source, why);
	}
	return TG_OK;
}

bool tg_raven_recall_start(struct tg_raven *source)
{
	source->recall = !source->introduced && source->config.mode == TG_RAVEN_EXACT &&
			 source->names.count > 0 &&
			 tg_raven_names_complete(&source->names, &source->config);
	source->introduced = !source->recall;
	source->name_at = source->recall ? 0 : source->name_at;
	return source->recall;
}

/* The first collection's state is asked about; the others must have the same. And there must have
 * been no others at it. */
static bool is_same(struct tg_raven *source, const struct tg_stream_state *stream)
{
	const struct tg_raven_cursor *cursor = &source->cursor;

	if (!source->begun || stream->full_pass_wanted || cursor->place_count == 0 ||
	    cursor->places[0].next == 0 ||
	    cursor->set != tg_raven_names_set(&source->names, &source->config))
		return false;
	if (source->proven_bytes == 0) {
		memcpy(source->generation, stream->generation, sizeof(source->generation));
		memcpy(source->proven, cursor->vector, cursor->vector_bytes);
		source->proven_bytes = cursor->vector_bytes;
	}
	return tg_raven_is_unchanged(source) &&
	       memcmp(source->generation, stream->generation, sizeof(source->generation)) == 0;
}

void tg_raven_recall_begin(struct tg_raven *source, const struct tg_stream_state *stream)
{
	bool asked = source->proven_bytes > 0;

	if (is_same(source, stream))
		tg_raven_enter(source, asked ? TG_STEP_END : TG_STEP_POLL);
	else
		tg_raven_recall_leave(source);
}

void tg_raven_recall_leave(struct tg_raven *source)
{
	source->again = source->begun;
	if (source->again)
		tg_raven_enter(source, TG_STEP_END);
	else
		tg_raven_recall_over(source);
}

void tg_raven_recall_fail(struct tg_raven *source, bool other_node)
{
	struct tg_raven_nodes *nodes = &source->nodes;

	if (other_node) {
		nodes->items[nodes->at].tried = true;
		(void)tg_raven_nodes_next(nodes); /* where there is none, this one is asked again */
	}
	tg_raven_talk_close(&source->talk);
	tg_raven_talk_open(&source->talk, &nodes->items[nodes->at].url);
	tg_raven_recall_leave(source);
}

void tg_raven_recall_stop(struct tg_raven *source)
{
	source->recall = source->again = false;
	source->introduced = true;
	source->proven_bytes = 0;
}

void tg_raven_recall_over(struct tg_raven *source)
{
	source->begun = false;
	source->stream_name[0] = '\0';
	tg_raven_recall_stop(source);
	tg_raven_enter(source, TG_STEP_STATS);
}
