/* share.c - one collection's walk serves those that nothing happened to.
 *
 *      Orders     walk from 340, tombstones, COUNT and STATE at one vector V    it met: Items
 *      Customers  complete up to 340, not met    -> as at V, and counted        asks nothing
 *      Items      complete up to 340, met        -> a walk of its own
 *
 * A walk passes the documents of all collections, and so does the list of tombstones. A collection
 * that was complete where the walk began, and is met in neither, has changed at most by deletes
 * that were not listed any more: those its count at V tells, as it would behind a walk of its own.
 */
#include "drivers/json/scan.h"
#include "drivers/raven/state.h"

enum {
	/* Names that are not spelled as ours are, in one walk: each is compared with all. A walk
	 * that meets more is long, and serves nobody. */
	LOOKUPS_MAX = 4096,
};

void tg_raven_share_start(struct tg_raven *source, const struct tg_raven_place *place)
{
	struct tg_raven_names *names = &source->names;

	source->share = (struct tg_raven_share){
		.watching = names->count > 1 && place->next > 0 && !source->cursor.full,
		.next = place->next,
		.told = place->told,
	};
	for (uint32_t i = 0; i < names->count; i++)
		names->items[i].met = false;
}

void tg_raven_share_drop(struct tg_raven *source)
{
	source->share = (struct tg_raven_share){ .watching = false };
}

static bool meet_as_spelled(struct tg_raven_names *names, struct tg_view name)
{
	for (uint32_t i = 0; i < names->count; i++) {
		if (!tg_view_same(tg_raven_name_at(names, i), name))
			continue;
		names->items[i].met = true;
		return true;
	}
	return false;
}

static void meet(struct tg_raven_names *names, struct tg_view name)
{
	for (uint32_t i = 0; i < names->count; i++)
		if (tg_raven_name_same(tg_raven_name_at(names, i), name))
			names->items[i].met = true;
}

void tg_raven_share_meet(struct tg_raven *source, struct tg_view collection)
{
	struct tg_raven_share *share = &source->share;
	bool passes = source->step == TG_STEP_WALK || source->step == TG_STEP_TOMBS;
	struct tg_view bare = tg_view_str("@empty");
	uint8_t plain[512];

	if (!share->watching || !passes)
		return;
	if (collection.bytes >= 2)
		bare = tg_view_of(collection.at + 1, collection.bytes - 2);
	if (meet_as_spelled(&source->names, bare))
		return;
	int bytes = collection.bytes > 0 ? tg_json_unescape(collection, plain, sizeof(plain)) : 0;
	if (bytes < 0 || ++share->lookups > LOOKUPS_MAX)
		tg_raven_share_drop(source); /* whose it is is not known */
	else if (bytes > 0)
		meet(&source->names, tg_view_of(plain, (size_t)bytes));
}

void tg_raven_share_keep(struct tg_raven *source)
{
	struct tg_raven_share *share = &source->share;
	const struct tg_raven_place *place = tg_raven_place(source);

	/* `uncounted`: documents may have been passed over whose collection could not be read. */
	share->kept = share->watching && source->vector_bytes > 0 && !source->cursor.uncounted;
	share->watching = false;
	share->next_end = place->next;
	share->told_end = place->told;
}

bool tg_raven_share_take(struct tg_raven *source, struct tg_raven_place *place)
{
	const struct tg_raven_share *share = &source->share;
	const struct tg_raven_name *name = &source->names.items[source->name_at];
	struct tg_raven_cursor *cursor = &source->cursor;
	struct tg_view walked = tg_view_of(source->vector, source->vector_bytes);

	if (!share->kept || name->met || cursor->full || cursor->phase != TG_RAVEN_CAUGHT ||
	    !cursor->proved || !cursor->clear || place->next < share->next ||
	    place->told < share->told || cursor->vector_bytes == 0 ||
	    !tg_raven_vector_covers(walked, tg_view_of(cursor->vector, cursor->vector_bytes)))
		return false;
	tg_raven_cursor_caught(cursor, walked);
	cursor->clear = true;
	place->next = share->next_end;
	place->told = share->told_end;
	source->counted = name->count;
	return true;
}
