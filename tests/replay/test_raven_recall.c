/* A new process whose store is up to date asks one question; all else is found out as ever. */
#include "tests/replay/raven_case.h"

#define NAMED PAGES ",\"collection_name\":[\"Orders\",\"Customers\"]"

static struct tg_raven_world_stream *customers(void)
{
	return tg_raven_world_stream(&world, "seed/Customers");
}

/* One run of one process brings both collections. */
static void begin(void)
{
	start(NAMED);
	fill(50);
	run();
	check_equal();
	TG_CHECK(customers()->complete);
}

static void restart(void)
{
	world.streams[0].begins = world.streams[1].begins = 1;
	world.streams[0].ends = world.streams[1].ends = 0;
	world.streams[0].again = world.streams[1].again = 0;
	tg_raven_world_restart(&world, NAMED);
}

TG_TEST(a_new_process_asks_one_question)
{
	begin();
	restart();
	run();
	TG_CHECK_INT(a.calls, 1);
	TG_CHECK_INT(a.unchanged, 1);
	TG_CHECK_STR(a.log, "/docs?etag=9223372036854775807&pageSize=1\n");
	TG_CHECK(orders()->complete && customers()->complete);
	TG_CHECK_INT(orders()->begins + customers()->begins, 4);
	TG_CHECK_INT(orders()->again + customers()->again, 0);
	run(); /* and so does the next round of the same process */
	TG_CHECK_INT(a.calls, 1);
	TG_CHECK_INT(a.unchanged, 1);
	stop();
}

TG_TEST(a_first_run_is_not_recalled)
{
	start(NAMED);
	fill(5);
	run();
	TG_CHECK(strncmp(a.log, "/stats\n", 7) == 0);
	TG_CHECK_INT(orders()->begins, 1);
	TG_CHECK_INT(orders()->again, 0);
	check_equal();
	stop();
}

TG_TEST(what_changed_is_read_behind_the_usual_questions)
{
	begin();
	tg_raven_peer_put(&a, "orders/7", "Orders", 700);
	tg_raven_peer_delete(&a, "orders/8");
	restart();
	run();
	TG_CHECK_INT(orders()->again, 1);
	TG_CHECK_INT(customers()->again, 0);
	TG_CHECK_INT(orders()->ends, 1);
	TG_CHECK_INT(orders()->deletes, 1);
	TG_CHECK(strncmp(a.log, "/docs?etag=9223372036854775807&pageSize=1\n/stats\n", 49) == 0);
	check_equal();
	run();
	TG_CHECK_INT(a.calls, 1);
	restart();
	run();
	TG_CHECK_INT(a.calls, 1);
	stop();
}

/* The same name, the same node, as many documents: only the vector tells them apart. */
TG_TEST(a_database_made_anew_is_not_taken_for_the_old_one)
{
	begin();
	tg_raven_peer_renew(&a);
	fill(50);
	tg_raven_peer_put(&a, "orders/7", "Orders", 700);
	uint8_t before[TG_GENERATION_BYTES];
	memcpy(before, orders()->generation, sizeof(before));
	restart();
	run();
	TG_CHECK_INT(orders()->again, 1);
	TG_CHECK(memcmp(before, orders()->generation, sizeof(before)) != 0);
	check_equal();
	TG_CHECK(tg_raven_world_equal(&world, &a, "Customers"));
	stop();
}

/* A 304 of a database that says that it is another one proves nothing. */
TG_TEST(another_clusters_304_is_no_proof)
{
	begin();
	a.cluster_id[0]++;
	restart();
	run();
	TG_CHECK_INT(orders()->again, 1);
	TG_CHECK(asked("/stats"));
	check_equal();
	stop();
}

TG_TEST(a_wanted_full_pass_is_not_recalled_away)
{
	begin();
	tg_raven_peer_delete(&a, "orders/3");
	tg_raven_peer_wipe(&a);
	run();
	orders()->wanted = true;
	orders()->given = 0;
	restart();
	run();
	TG_CHECK(strncmp(a.log, "/stats\n", 7) == 0);
	TG_CHECK_INT(orders()->given, 49);
	TG_CHECK(!orders()->wanted);
	check_equal();
	stop();
}

TG_TEST(a_collection_that_stands_elsewhere_ends_the_recall)
{
	begin();
	customers()->bookmark_bytes = 0;
	customers()->count = 0;
	restart();
	run();
	TG_CHECK_INT(orders()->again, 0);
	TG_CHECK_INT(orders()->ends, 1);
	TG_CHECK_INT(customers()->again, 1);
	TG_CHECK_INT(customers()->ends, 1);
	TG_CHECK_INT(a.unchanged, 1);
	check_equal();
	TG_CHECK(tg_raven_world_equal(&world, &a, "Customers"));
	stop();
}

/* The stream is called as the server calls the collection, and so it stays. */
TG_TEST(a_name_in_another_case_makes_no_second_stream)
{
	start(PAGES ",\"collection_name\":\"oRDERS\"");
	fill(20);
	run();
	tg_raven_world_restart(&world, PAGES ",\"collection_name\":\"oRDERS\"");
	run();
	TG_CHECK_INT(world.stream_count, 1);
	TG_CHECK_INT(a.calls, 1);
	TG_CHECK_INT(orders()->ends, 2);
	check_equal();
	stop();
}

TG_TEST(an_unanswered_question_ends_as_ever)
{
	begin();
	restart();
	a.deaf = true;
	tg_raven_peer_drop(&a);
	TG_CHECK(tg_raven_world_run(&world) < 0);
	TG_CHECK_INT(orders()->again, 1);
	TG_CHECK_INT(orders()->ends, 0);
	a.deaf = false;
	run();
	check_equal();
	stop();
}

static struct tg_raven_peer b;

/* The first address is dead: the second is asked next, as by any other run. */
TG_TEST(a_dead_first_address_leads_to_the_second)
{
	begin();
	tg_raven_peer_start(&b, "B");
	for (uint32_t i = 0; i < a.doc_count; i++) {
		tg_raven_peer_put_from(&b, a.docs[i].id, a.docs[i].value, a.docs[i].vector);
		memcpy(b.docs[i].collection, a.docs[i].collection, sizeof(b.docs[i].collection));
	}
	memcpy(b.cluster_id, a.cluster_id, sizeof(b.cluster_id));
	world.peers[1] = &b;
	restart();
	a.deaf = true;
	tg_raven_peer_drop(&a);
	TG_CHECK_INT(tg_raven_world_run(&world), TG_OK);
	TG_CHECK_INT(orders()->again, 1);
	TG_CHECK(strncmp(b.log, "/stats\n", 7) == 0);
	TG_CHECK(orders()->complete);
	TG_CHECK(tg_raven_world_equal(&world, &b, "Orders"));
	tg_raven_peer_stop(&b);
	a.deaf = false;
	stop();
}

static bool refuse_once(struct tg_raven_peer *peer, const char *path)
{
	if (strstr(path, "pageSize=1") == NULL || strstr(path, "pageSize=10") != NULL)
		return false;
	tg_raven_peer_answer(peer, 503,
			     "{\"Type\":\"Raven.Client.Exceptions.Database."
			     "DatabaseNotRelevantException\",\"Message\":\"x\"}");
	return true;
}

TG_TEST(a_refused_question_leads_to_the_usual_ones)
{
	begin();
	tg_raven_peer_put(&a, "orders/7", "Orders", 701);
	restart();
	a.hook = refuse_once;
	run();
	TG_CHECK_INT(orders()->again, 1);
	check_equal();
	a.hook = NULL;
	stop();
}

static unsigned crash_at;

static void crash_there(struct tg_raven_world *now, const struct tg_batch *batch)
{
	(void)batch;
	now->crash = now->batches == crash_at;
}

/* Killed or not behind each batch, and changed or not: nothing is missed. */
TG_TEST(killed_behind_each_batch_of_a_recall)
{
	begin();
	for (unsigned i = 0; i < 24; i++) {
		if (i % 3 == 0)
			tg_raven_peer_put(&a, "orders/7", "Orders", 1000 + i);
		if (i % 4 == 0)
			tg_raven_peer_put(&a, "customers/9", "Customers", 1000 + i);
		restart();
		crash_at = world.batches + 1 + i % 5;
		world.midway = crash_there;
		(void)tg_raven_world_run(&world);
		world.midway = NULL;
		if (i % 2 == 0)
			restart();
		run();
		check_equal();
		TG_CHECK(customers()->complete);
		TG_CHECK(tg_raven_world_equal(&world, &a, "Customers"));
	}
	stop();
}
