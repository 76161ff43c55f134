/* Where a pattern chooses the collections, a new process takes the store's for all there are, until
 * the server says otherwise: one question where nothing changed, and nothing missed. */
#include "tests/replay/raven_case.h"

#define STAR PAGES ",\"collection_name\":\"*\""

static struct tg_raven_world_stream *customers(void)
{
	return tg_raven_world_stream(&world, "seed/Customers");
}

static struct tg_raven_world_stream *items(void)
{
	return tg_raven_world_stream(&world, "seed/Items");
}

static void again(const char *config)
{
	tg_raven_world_restart(&world, config);
	run();
}

static void check_both(void)
{
	check_equal();
	TG_CHECK(customers()->complete);
	TG_CHECK(tg_raven_world_equal(&world, &a, "Customers"));
}

/* A new process finds nothing new, by one question. */
static void check_one_question(const char *config)
{
	again(config);
	TG_CHECK_INT(a.calls, 1);
	TG_CHECK_INT(a.unchanged, 1);
}

static void begin_star(void)
{
	start(STAR);
	fill(50);
	run();
	check_both();
}

TG_TEST(a_pattern_needs_one_question_too)
{
	begin_star();
	check_one_question(STAR);
	TG_CHECK_INT(orders()->ends + customers()->ends, 4);
	TG_CHECK(orders()->complete && customers()->complete);
	check_one_question(STAR);
	stop();
}

TG_TEST(behind_a_pattern_a_change_is_read_and_the_rest_asked_once)
{
	begin_star();
	tg_raven_peer_put(&a, "customers/9", "Customers", 900);
	again(STAR);
	TG_CHECK(strncmp(a.log, "/docs?etag=9223372036854775807&pageSize=1\n/stats\n", 49) == 0);
	check_both();
	check_one_question(STAR);
	stop();
}

TG_TEST(behind_a_pattern_a_new_collection_is_found)
{
	begin_star();
	tg_raven_peer_put(&a, "items/1", "Items", 1);
	again(STAR);
	check_both();
	TG_CHECK(items()->complete);
	TG_CHECK(tg_raven_world_equal(&world, &a, "Items"));
	check_one_question(STAR);
	TG_CHECK_INT(world.stream_count, 3);
	stop();
}

static void delete_customers(void)
{
	char id[32];

	for (unsigned i = 0; i < 50; i += 3) {
		snprintf(id, sizeof(id), "customers/%u", i);
		tg_raven_peer_delete(&a, id);
	}
}

/* The server lists it no more: the store knows that it was there. */
TG_TEST(behind_a_pattern_a_collection_that_is_gone_is_deleted)
{
	begin_star();
	delete_customers();
	again(STAR);
	TG_CHECK_INT(customers()->deletes, 17);
	check_both();
	check_one_question(STAR);
	stop();
}

/* Its deletes are told no more either: only a comparison of the keys finds them. */
TG_TEST(behind_a_pattern_a_collection_that_went_unseen_is_deleted)
{
	static const char config[] = STAR ",\"delete_when_empty\":true";

	start(config);
	fill(50);
	run();
	check_both();
	delete_customers();
	tg_raven_peer_wipe(&a);
	again(config);
	TG_CHECK_INT(customers()->deletes, 0);
	TG_CHECK_INT(customers()->swept, 17);
	check_both();
	again(config);
	check_one_question(config);
	stop();
}

/* Nothing was written since, and still there is more to read. */
TG_TEST(a_pattern_that_takes_more_than_before_is_asked_for)
{
	start(PAGES ",\"collection_name\":\"Orders\"");
	fill(50);
	run();
	check_one_question(PAGES ",\"collection_name\":\"Orders\"");
	again(STAR);
	TG_CHECK(asked("/collections/stats"));
	check_both();
	check_one_question(STAR);
	stop();
}

TG_TEST(a_collection_that_is_no_longer_taken_is_left_alone)
{
	static const char config[] = PAGES ",\"collection_name\":[\"*\",\"!Customers\"]";

	begin_star();
	again(config);
	TG_CHECK_INT(customers()->ends, 1);
	check_equal();
	check_one_question(config);
	TG_CHECK_INT(customers()->ends, 1);
	tg_raven_peer_put(&a, "customers/9", "Customers", 901);
	again(config);
	again(STAR);
	check_both();
	check_one_question(STAR);
	stop();
}

static bool crash_behind_an_end(const struct tg_batch *batch)
{
	return batch->kind == TG_BATCH_END && (batch->flags & TG_BATCH_COMPLETE) != 0;
}

static void crash_behind_first(struct tg_raven_world *now, const struct tg_batch *batch)
{
	now->crash = crash_behind_an_end(batch);
}

/* The first one is complete at the very state that the server has, and the second has no stream. */
TG_TEST(a_collection_that_was_not_come_to_is_not_forgotten)
{
	start(STAR);
	fill(50);
	world.midway = crash_behind_first;
	TG_CHECK_INT(tg_raven_world_run(&world), TG_ERR_STOPPED);
	world.midway = NULL;
	TG_CHECK_INT(world.stream_count, 1);
	again(STAR);
	TG_CHECK(asked("/collections/stats"));
	check_both();
	check_one_question(STAR);
	stop();
}

/* Behind the list of collections, before the first page. */
static bool put_item_late(struct tg_raven_peer *peer, const char *path)
{
	if (strncmp(path, "/docs?etag=", 11) == 0 && items()->begins == 0 &&
	    peer->docs[0].value == 0) {
		tg_raven_peer_put(peer, "items/1", "Items", 1);
		peer->hook = NULL;
	}
	return false;
}

/* Its state is proved by the others, so that it would never be asked for again. */
TG_TEST(a_collection_that_arises_in_the_round_joins_it)
{
	start(STAR);
	fill(50);
	a.hook = put_item_late;
	run();
	check_both();
	TG_CHECK(items()->complete);
	TG_CHECK(tg_raven_world_equal(&world, &a, "Items"));
	check_one_question(STAR);
	stop();
}

/* Bookmarks of before told no set. */
TG_TEST(a_bookmark_that_does_not_say_what_there_was_proves_nothing)
{
	struct tg_raven_cursor cursor;

	begin_star();
	for (uint32_t i = 0; i < world.stream_count; i++) {
		struct tg_raven_world_stream *stream = &world.streams[i];
		TG_CHECK_INT(tg_raven_cursor_read(
				     tg_view_of(stream->bookmark, stream->bookmark_bytes), &cursor),
			     TG_OK);
		TG_CHECK(cursor.set != 0);
		cursor.set = 0;
		stream->bookmark_bytes = tg_raven_cursor_write(&cursor, stream->bookmark).bytes;
	}
	again(STAR);
	TG_CHECK(strncmp(a.log, "/stats\n", 7) == 0);
	check_both();
	check_one_question(STAR);
	stop();
}

TG_TEST(another_databases_streams_are_not_this_ones)
{
	begin_star();
	snprintf(customers()->name, sizeof(customers()->name), "%s", "seeds/Customers");
	again(STAR);
	TG_CHECK(asked("/collections/stats"));
	check_both();
	check_one_question(STAR);
	stop();
}

static unsigned crash_at;

static void crash_there(struct tg_raven_world *now, const struct tg_batch *batch)
{
	(void)batch;
	now->crash = now->batches == crash_at;
}

/* The same behind a pattern, with collections that come and go. */
TG_TEST(killed_behind_each_batch_while_collections_come_and_go)
{
	static const char config[] = STAR ",\"delete_when_empty\":true";

	start(config);
	fill(20);
	run();
	for (unsigned i = 0; i < 36; i++) {
		if (i % 4 == 1)
			tg_raven_peer_put(&a, "items/1", "Items", i);
		else if (i % 4 == 3)
			tg_raven_peer_delete(&a, "items/1");
		if (i % 8 == 7)
			tg_raven_peer_wipe(&a);
		tg_raven_world_restart(&world, config);
		crash_at = world.batches + 1 + i % 7;
		world.midway = crash_there;
		(void)tg_raven_world_run(&world);
		world.midway = NULL;
		again(config);
		check_both();
		TG_CHECK(i == 0 || tg_raven_world_equal(&world, &a, "Items"));
	}
	stop();
}
