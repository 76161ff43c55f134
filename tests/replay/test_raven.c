/* The source against a small RavenDB that does what real ones seldom do. */
#include "tests/replay/raven_case.h"

TG_TEST(walks_pages_and_proves_by_counting)
{
	start(PAGES);
	fill(200);
	run();
	check_equal();
	TG_CHECK_INT(orders()->given, 200);
	TG_CHECK(asked("/docs?etag=0&pageSize=10\n") && asked("/docs?etag=11&pageSize=10\n"));
	TG_CHECK(!asked("startsWith"));
	stop();
}

TG_TEST(an_unchanged_database_costs_one_304)
{
	start(PAGES ",\"collection_name\":\"*\"");
	fill(50);
	run();
	run();
	TG_CHECK_INT(a.calls, 1);
	TG_CHECK_INT(a.unchanged, 1);
	TG_CHECK_INT(orders()->begins, 2);
	TG_CHECK(orders()->complete);
	tg_raven_world_restart(&world, PAGES ",\"collection_name\":\"*\"");
	run(); /* nor has a new process to learn first which collections there are */
	TG_CHECK_INT(a.calls, 1);
	TG_CHECK_INT(a.unchanged, 1);
	stop();
}

TG_TEST(changes_and_deletes_between_rounds)
{
	start(PAGES);
	fill(60);
	run();
	tg_raven_peer_put(&a, "ORDERS/7", "Orders", 700);
	tg_raven_peer_put(&a, "orders/x", "orders", 5);
	tg_raven_peer_delete(&a, "orders/8");
	tg_raven_peer_delete(&a, "orders/9");
	tg_raven_peer_put(&a, "orders/9", "Orders", 99);
	run();
	check_equal();
	TG_CHECK_INT(orders()->deletes, 1);
	a.old_spelling = true;
	tg_raven_peer_delete(&a, "orders/10");
	run();
	check_equal();
	TG_CHECK_INT(orders()->deletes, 2);
	TG_CHECK(!asked("startsWith"));
	stop();
}

TG_TEST(wiped_tombstones_are_found_by_the_count)
{
	start(PAGES);
	fill(90);
	run();
	tg_raven_peer_delete(&a, "orders/8");
	tg_raven_peer_wipe(&a);
	run();
	TG_CHECK(asked("startsWith="));
	TG_CHECK_INT(orders()->swept, 1);
	TG_CHECK(orders()->ordered);
	check_equal();
	stop();
}

TG_TEST(a_document_that_changed_its_collection_leaves_the_old_one)
{
	start(PAGES ",\"collection_name\":\"*\"");
	fill(30);
	run();
	tg_raven_peer_put(&a, "orders/5", "Customers", 5);
	run();
	check_equal();
	TG_CHECK(tg_raven_world_equal(&world, &a, "Customers"));
	stop();
}

TG_TEST(a_wanted_full_pass_reads_all_and_compares)
{
	start(PAGES);
	fill(40);
	run();
	tg_raven_peer_delete(&a, "orders/3");
	tg_raven_peer_wipe(&a);
	orders()->wanted = true;
	orders()->given = 0;
	run();
	TG_CHECK_INT(orders()->given, 39);
	TG_CHECK(!orders()->wanted);
	check_equal();
	stop();
}

TG_TEST(a_full_pass_can_be_wanted_again)
{
	start(PAGES);
	fill(40);
	run();
	for (unsigned i = 0; i < 2; i++) {
		orders()->wanted = true;
		orders()->given = 0;
		run();
		TG_CHECK_INT(orders()->given, 40);
		TG_CHECK(!orders()->wanted);
	}
	check_equal();
	stop();
}

static unsigned crash_every;

static void crash_often(struct tg_raven_world *now, const struct tg_batch *batch)
{
	(void)batch;
	now->crash = now->batches % crash_every == 0;
}

/* Rarer and rarer: a round of two collections has five batches at least. */
TG_TEST(killed_behind_batches)
{
	unsigned runs = 0;

	start(PAGES ",\"collection_name\":\"*\"");
	fill(100);
	world.midway = crash_often;
	crash_every = 2;
	while (tg_raven_world_run(&world) != TG_OK) {
		TG_CHECK(++runs < 300);
		crash_every = 2 + runs / 12;
		tg_raven_world_restart(&world, PAGES ",\"collection_name\":\"*\"");
		if (runs % 7 == 0)
			tg_raven_peer_delete(&a, a.docs[runs % a.doc_count].id);
		if (runs % 11 == 0)
			tg_raven_peer_wipe(&a);
	}
	world.midway = NULL;
	run();
	check_equal();
	TG_CHECK(tg_raven_world_equal(&world, &a, "Customers"));
	stop();
}

TG_TEST(broken_connections_at_every_place)
{
	start(PAGES);
	fill(40);
	for (unsigned after = 1; after < 30000; after += 397) {
		unsigned runs = 0;
		world.source.settled = false;
		orders()->bookmark_bytes = 0;
		a.drop_after = after;
		while (tg_raven_world_run(&world) != TG_OK)
			TG_CHECK(++runs < 20);
		a.drop_after = 0;
		check_equal();
	}
	stop();
}

static uint32_t changes_left;

static void change(struct tg_raven_world *now, const struct tg_batch *batch)
{
	char id[32];

	(void)now;
	if (batch->kind != TG_BATCH_ROWS || changes_left == 0)
		return;
	changes_left--;
	snprintf(id, sizeof(id), "orders/%u", changes_left * 7 % 100);
	tg_raven_peer_put(&a, id, "Orders", 1000 + changes_left);
	tg_raven_peer_delete(&a, a.docs[0].id);
	if (changes_left % 3 == 0)
		tg_raven_peer_wipe(&a);
}

TG_TEST(a_writer_beside_the_reader)
{
	start(PAGES);
	fill(150);
	changes_left = 40;
	world.midway = change;
	run();
	world.midway = NULL;
	run();
	check_equal();
	stop();
}

TG_TEST(chunks_of_a_few_bytes)
{
	start(PAGES);
	a.piece_bytes = 7;
	fill(40);
	run();
	check_equal();
	stop();
}

/* --- other databases under the same name --- */

static void renew_once(struct tg_raven_world *now, const struct tg_batch *batch)
{
	if (batch->kind != TG_BATCH_ROWS)
		return;
	now->midway = NULL;
	tg_raven_peer_renew(&a);
	tg_raven_peer_put(&a, "orders/new", "Orders", 1);
}

TG_TEST(a_database_that_is_replaced_while_it_is_read)
{
	start(PAGES);
	fill(100);
	world.midway = renew_once;
	TG_CHECK_INT(tg_raven_world_run(&world), TG_ERR_NOT_READY);
	TG_CHECK(strstr(world.why.text, "replaced") != NULL);
	run();
	check_equal();
	stop();
}

static bool renew_before_keys(struct tg_raven_peer *peer, const char *path)
{
	if (strncmp(path, "/docs?startsWith=", 17) == 0) {
		peer->hook = NULL;
		tg_raven_peer_renew(peer);
		tg_raven_peer_put(peer, "orders/new", "Orders", 1);
	}
	return false;
}

TG_TEST(a_database_that_is_replaced_while_keys_are_compared)
{
	start(PAGES);
	fill(100);
	run();
	tg_raven_peer_delete(&a, "orders/8");
	tg_raven_peer_wipe(&a);
	a.hook = renew_before_keys;
	TG_CHECK_INT(tg_raven_world_run(&world), TG_ERR_NOT_READY);
	TG_CHECK_INT(orders()->swept, 0);
	TG_CHECK(strstr(world.why.text, "replaced") != NULL);
	stop();
}

TG_TEST(a_database_that_was_made_again)
{
	start(PAGES);
	fill(100);
	run();
	tg_raven_peer_renew(&a);
	fill(5);
	run();
	check_equal();
	TG_CHECK(orders()->swept > 0);
	stop();
}

TG_TEST(a_database_that_was_set_back)
{
	start(PAGES);
	fill(100);
	run();
	a.doc_count -= 20;
	a.etag -= 20;
	tg_raven_world_restart(&world, PAGES);
	run();
	check_equal();
	stop();
}

/* --- documents that are not handed over --- */

TG_TEST(what_a_tidegate_wrote_is_not_read_back)
{
	start(PAGES);
	fill(20);
	tg_raven_peer_put(&a, "orders/echo", "Orders", 1);
	tg_raven_peer_more(&a, ",\"Tidegate-Instance\":\"x-1\"");
	tg_raven_peer_put(&a, "orders/index", "Orders", 1);
	tg_raven_peer_more(&a, ",\"@flags\":\"Artificial\"");
	run();
	check_equal();
	TG_CHECK_INT(orders()->count, 20);
	tg_raven_peer_put(&a, "orders/1", "Orders", 11);
	run(); /* the two are known by now: counting proves again */
	check_equal();
	TG_CHECK(!asked("startsWith"));
	stop();
}

TG_TEST(what_a_tidegate_wrote_over_a_document_is_no_delete)
{
	start(PAGES);
	fill(20);
	run();
	tg_raven_peer_put(&a, "orders/5", "Orders", 55);
	tg_raven_peer_more(&a, ",\"Tidegate-Instance\":\"x-1\"");
	run();
	TG_CHECK(orders()->complete);
	TG_CHECK_INT(orders()->swept, 0);
	TG_CHECK_INT(orders()->count, 20);
	tg_raven_peer_delete(&a, "orders/6");
	tg_raven_peer_wipe(&a);
	run();
	TG_CHECK_INT(orders()->swept, 1);
	TG_CHECK_INT(orders()->count, 19);
	stop();
}

TG_TEST(conflicts_keep_deletes_waiting)
{
	start(PAGES);
	fill(20);
	run();
	a.conflicts = 1;
	a.doc_count--; /* it is there, and cannot be read */
	a.etag++;
	run();
	TG_CHECK_INT(orders()->swept, 0);
	TG_CHECK(orders()->complete && !orders()->ordered);
	TG_CHECK(!asked("startsWith"));
	a.conflicts = 0;
	a.etag++;
	run();
	check_equal();
	stop();
}

static void conflict_once(struct tg_raven_world *now, const struct tg_batch *batch)
{
	if (batch->kind != TG_BATCH_ROWS)
		return;
	now->midway = NULL;
	a.conflicts = 1;
	a.doc_count--;
}

TG_TEST(a_conflict_that_arose_in_a_full_pass_is_no_delete)
{
	start(PAGES);
	fill(41); /* the last one is an order */
	run();
	orders()->wanted = true;
	world.midway = conflict_once;
	run();
	TG_CHECK_INT(orders()->swept, 0);
	TG_CHECK(orders()->complete && !orders()->ordered);
	stop();
}

/* --- a document larger than we hold --- */

static bool answer_oversize(struct tg_raven_peer *peer, const char *path)
{
	static char body[CONFIG_TG_DOC_BYTES_MAX + 4096];
	size_t used;

	if (strcmp(path, "/docs?etag=0&pageSize=10") != 0)
		return false;
	used = (size_t)sprintf(body, "{\"Results\":[{\"v\":1,\"s\":\"");
	memset(body + used, 'x', CONFIG_TG_DOC_BYTES_MAX);
	used += CONFIG_TG_DOC_BYTES_MAX;
	sprintf(body + used,
		"\",\"@metadata\":{\"@collection\":\"Orders\",\"@change-vector\":\"%s\","
		"\"@id\":\"orders/0\",\"@last-modified\":\"2026-11-21T10:00:00.0000001Z\"}}]}",
		peer->docs[0].vector);
	tg_raven_peer_answer(peer, 200, body);
	return true;
}

TG_TEST(an_oversize_document_is_told_by_its_key)
{
	start(PAGES);
	tg_raven_peer_put(&a, "orders/0", "Orders", 0);
	a.hook = answer_oversize;
	run();
	TG_CHECK_INT(orders()->oversize, 1);
	TG_CHECK_INT(orders()->count, 1);
	TG_CHECK(orders()->complete);
	stop();
}

TG_TEST(a_slow_reader_reads_slowly)
{
	start(PAGES ",\"rows_per_second_max\":100");
	fill(60);
	uint64_t before = world.now.mono_ms;
	run();
	check_equal();
	/* 80 documents of both collections at 100 a second; the clock leaps a minute behind. */
	TG_CHECK(world.now.mono_ms - before - 60000 >= 700);
	stop();
}
