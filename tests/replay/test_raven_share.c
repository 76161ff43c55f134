/* One walk serves the collections that nothing happened to, and only those. */
#include "tests/replay/raven_case.h"

#define STAR PAGES ",\"collection_name\":\"*\",\"delete_when_empty\":true"

enum { COLLECTIONS = 4 };
static const char *const collections[COLLECTIONS] = { "Orders", "Customers", "Items", "Places" };

static void put(unsigned collection, unsigned number, unsigned value, bool other_case)
{
	static const char *const lowered[COLLECTIONS] = { "orders", "cUSTOMERS", "iTems",
							  "PLACES" };
	char id[32];

	snprintf(id, sizeof(id), "%u/%u", collection, number);
	tg_raven_peer_put(&a, id, (other_case ? lowered : collections)[collection], value);
}

static void take_away(unsigned collection, unsigned number)
{
	char id[32];

	snprintf(id, sizeof(id), "%u/%u", collection, number);
	for (uint32_t i = 0; i < a.doc_count; i++)
		if (strcmp(a.docs[i].id, id) == 0) {
			tg_raven_peer_delete(&a, id);
			return;
		}
}

static void check_all(void)
{
	for (unsigned i = 0; i < COLLECTIONS; i++) {
		char name[32];
		snprintf(name, sizeof(name), "seed/%s", collections[i]);
		TG_CHECK(tg_raven_world_stream(&world, name)->complete);
		TG_CHECK(tg_raven_world_equal(&world, &a, collections[i]));
	}
}

static void begin(void)
{
	start(STAR);
	for (unsigned i = 0; i < 80; i++)
		put(i % COLLECTIONS, i / COLLECTIONS, i, false);
	run();
	check_all();
}

static unsigned count_asked(const char *what)
{
	unsigned count = 0;

	for (const char *at = a.log; (at = strstr(at, what)) != NULL; at++)
		count++;
	return count;
}

/* Walks, those that ended in a 304 and the question of a new process left out. */
static unsigned walks(void)
{
	return count_asked("/replication/tombstones");
}

static void again(void)
{
	tg_raven_world_restart(&world, STAR);
	run();
}

TG_TEST(one_walk_serves_what_nothing_happened_to)
{
	begin();
	put(0, 3, 1000, false);
	again();
	check_all();
	TG_CHECK_INT(walks(), 1);
	TG_CHECK_INT(a.calls, 4 + 4); /* poll, stats, topology, collections; and the walk's four */
	again();
	TG_CHECK_INT(a.calls, 1);
	stop();
}

TG_TEST(a_collection_that_was_met_is_walked)
{
	begin();
	put(2, 3, 1000, false);
	again();
	check_all();
	TG_CHECK_INT(walks(), 2); /* the first one's, and its own */
	take_away(3, 5);
	run();
	check_all();
	TG_CHECK_INT(walks(), 2);
	TG_CHECK_INT(tg_raven_world_stream(&world, "seed/Places")->deletes, 1);
	again();
	TG_CHECK_INT(a.calls, 1);
	stop();
}

TG_TEST(a_collection_that_was_met_by_another_spelling_is_walked)
{
	begin();
	put(1, 3, 1000, true);
	again();
	check_all();
	TG_CHECK_INT(walks(), 2);
	stop();
}

/* No list tells the delete: the count does. */
TG_TEST(a_delete_that_nobody_lists_is_counted)
{
	begin();
	put(0, 3, 1000, false);
	take_away(2, 4);
	tg_raven_peer_wipe(&a);
	again();
	check_all();
	TG_CHECK_INT(walks(), 1);
	TG_CHECK(asked("startsWith"));
	TG_CHECK_INT(tg_raven_world_stream(&world, "seed/Items")->swept, 1);
	again();
	check_all();
	stop();
}

/* A document without a collection is of "@empty", which may be one that is read. */
TG_TEST(a_document_of_no_collection_is_met)
{
	begin();
	tg_raven_peer_put(&a, "none/1", "@empty", 1);
	again();
	TG_CHECK_INT(world.stream_count, 5);
	tg_raven_peer_put(&a, "none/1", "@empty", 2);
	again();
	TG_CHECK_INT(walks(), 2);
	TG_CHECK(tg_raven_world_equal(&world, &a, "@empty"));
	stop();
}

TG_TEST(a_conflict_leaves_nothing_to_be_shared)
{
	begin();
	put(0, 3, 1000, false);
	tg_raven_peer_conflict(&a, "2/4");
	again();
	TG_CHECK_INT(walks(), COLLECTIONS);
	tg_raven_peer_resolve(&a, 7000);
	again();
	check_all();
	again();
	check_all();
	stop();
}

/* A pass that was asked for reads every row. */
TG_TEST(a_wanted_pass_is_not_shared)
{
	begin();
	put(0, 3, 1000, false);
	struct tg_raven_world_stream *items = tg_raven_world_stream(&world, "seed/Items");
	items->wanted = true;
	items->given = 0;
	again();
	check_all();
	TG_CHECK_INT(items->given, 20);
	TG_CHECK(!items->wanted);
	stop();
}

static uint32_t state = 1;

static uint32_t draw(uint32_t limit)
{
	state = state * 1664525u + 1013904223u;
	return (state >> 10) % limit;
}

static unsigned writes;

/* A writer beside the round. */
static bool write_beside(struct tg_raven_peer *peer, const char *path)
{
	(void)peer, (void)path;
	if (writes > 0 && draw(6) == 0) {
		writes--;
		put(draw(COLLECTIONS), draw(24), 5000 + draw(1000), draw(5) == 0);
	}
	return false;
}

static void change(void)
{
	unsigned some = 1 + draw(COLLECTIONS);

	for (unsigned i = draw(6); i > 0; i--) {
		if (draw(3) == 0)
			take_away(draw(some), draw(24));
		else
			put(draw(some), draw(24), 10000 + draw(9000), draw(5) == 0);
	}
	if (draw(4) == 0)
		tg_raven_peer_wipe(&a);
	writes = draw(3) == 0 ? draw(4) : 0;
}

static unsigned crash_at;

static void crash_there(struct tg_raven_world *now, const struct tg_batch *batch)
{
	(void)batch;
	now->crash = now->batches == crash_at;
}

/* Whatever is written, before and beside, and wherever it ends: nothing is missed, and walks are
 * saved. */
TG_TEST(nothing_is_missed_by_sharing)
{
	unsigned walked = 0, rounds = 0;

	begin();
	for (unsigned i = 0; i < 400; i++) {
		change();
		a.hook = write_beside;
		if (draw(4) == 0) {
			tg_raven_world_restart(&world, STAR);
			crash_at = world.batches + 1 + draw(12);
			world.midway = crash_there;
			(void)tg_raven_world_run(&world);
			world.midway = NULL;
		}
		if (draw(2) == 0)
			tg_raven_world_restart(&world, STAR);
		run();
		walked += walks();
		rounds++;
		writes = 0;
		run(); /* what was written beside is read by now */
		check_all();
	}
	a.hook = NULL;
	TG_CHECK(walked < rounds * COLLECTIONS * 7 / 10);
	stop();
}
