/* Documents in conflict, and what must be remembered over a kill for the proofs to hold. */
#include "drivers/raven/echo.h"
#include "tests/replay/raven_case.h"

/* --- conflicts --- */

TG_TEST(a_conflict_resolved_without_a_trace_in_the_vector_is_read)
{
	start(PAGES);
	fill(20);
	run();
	tg_raven_peer_conflict(&a, "orders/5");
	run();
	TG_CHECK_INT(orders()->count, 20);
	tg_raven_peer_resolve(&a, 500);
	run();
	check_equal();
	stop();
}

static const char *resolve_at;

static bool resolve_before(struct tg_raven_peer *peer, const char *path)
{
	if (strncmp(path, resolve_at, strlen(resolve_at)) == 0 && peer->conflicts > 0)
		tg_raven_peer_resolve(peer, 500);
	return false;
}

/* Between the page that could not show the document and the questions whether any is in conflict.
 */
TG_TEST(a_conflict_resolved_behind_the_last_page_is_read)
{
	static const char *const places[] = { "/replication/tombstones", "/collections/stats",
					      "/stats", "/docs?etag=" };

	for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		start(PAGES);
		fill(20);
		run();
		tg_raven_peer_conflict(&a, "orders/5");
		resolve_at = places[i];
		a.hook = resolve_before;
		run();
		a.hook = NULL;
		run();
		check_equal();
		stop();
	}
}

static struct tg_raven_peer b;

static void replicate(void)
{
	tg_raven_peer_start(&b, "B");
	for (uint32_t i = 0; i < a.doc_count; i++)
		if (strcmp(a.docs[i].collection, "Orders") == 0)
			tg_raven_peer_put_from(&b, a.docs[i].id, a.docs[i].value, a.docs[i].vector);
}

/* The other node had it resolved before it could be read on the first one. */
TG_TEST(a_conflict_resolved_on_another_node_is_read_there)
{
	start(PAGES);
	fill(20);
	run();
	tg_raven_peer_conflict(&a, "orders/5");
	run();
	replicate();
	tg_raven_peer_put_from(&b, "orders/5", 500, a.conflict.vector);
	snprintf(b.others, sizeof(b.others), "%s", tg_raven_peer_vector(&a));
	world.peers[0] = &b;
	tg_raven_world_restart(&world, PAGES);
	a.log[0] = '\0';
	TG_CHECK_INT(tg_raven_world_run(&world), TG_OK);
	TG_CHECK(orders()->rows[5].value == 500);
	tg_raven_peer_stop(&b);
	stop();
}

static bool conflict_before_keys(struct tg_raven_peer *peer, const char *path)
{
	if (strncmp(path, "/docs?startsWith=", 17) == 0 && peer->conflicts == 0)
		tg_raven_peer_conflict(peer, "orders/5");
	return false;
}

TG_TEST(a_conflict_that_arose_while_keys_are_compared_is_no_delete)
{
	start(PAGES);
	fill(40);
	run();
	tg_raven_peer_delete(&a, "orders/8");
	tg_raven_peer_wipe(&a);
	a.hook = conflict_before_keys;
	run();
	TG_CHECK(orders()->complete && !orders()->ordered);
	TG_CHECK_INT(orders()->swept, 0);
	a.hook = NULL;
	tg_raven_peer_resolve(&a, 500);
	run();
	check_equal();
	TG_CHECK_INT(orders()->swept, 1);
	stop();
}

static bool conflict_for_keys(struct tg_raven_peer *peer, const char *path)
{
	static bool was;
	bool keys = strncmp(path, "/docs?startsWith=", 17) == 0;

	if (keys && !was)
		tg_raven_peer_conflict(peer, "orders/5");
	if (!keys && peer->conflicts > 0)
		tg_raven_peer_resolve(peer, 500);
	was = was || keys;
	return false;
}

/* Its key was not seen: it counts as gone, and comes again in the same round. */
TG_TEST(a_conflict_while_keys_are_compared_is_made_good_at_once)
{
	start(PAGES);
	fill(40);
	run();
	orders()->wanted = true;
	a.hook = conflict_for_keys;
	run();
	check_equal();
	TG_CHECK(!orders()->wanted);
	stop();
}

/* --- over a kill --- */

static unsigned crash_at;

static void crash_behind(struct tg_raven_world *now, const struct tg_batch *batch)
{
	if (batch->kind == TG_BATCH_ROWS && --crash_at == 0)
		now->crash = true;
}

static void crash(unsigned batches)
{
	crash_at = batches;
	world.midway = crash_behind;
	TG_CHECK_INT(tg_raven_world_run(&world), TG_ERR_STOPPED);
	world.midway = NULL;
	tg_raven_world_restart(&world, PAGES);
}

/* One more is there and one is gone: the counts meet, unless the one more is remembered. */
TG_TEST(what_was_passed_over_is_remembered_over_a_kill)
{
	char id[32];

	start(PAGES);
	fill(20);
	run();
	tg_raven_peer_put(&a, "orders/echo", "Orders", 1);
	tg_raven_peer_more(&a, ",\"Tidegate-Instance\":\"x-1\"");
	for (unsigned i = 0; i < 30; i++) {
		snprintf(id, sizeof(id), "orders/later-%u", i);
		tg_raven_peer_put(&a, id, "Orders", i);
	}
	tg_raven_peer_delete(&a, "orders/8");
	tg_raven_peer_wipe(&a);
	crash(2); /* the page with the echo is in the bookmark */
	run();
	check_equal();
	TG_CHECK_INT(orders()->swept, 1);
	stop();
}

static unsigned more_there;

/* Documents that are counted and never come. */
static bool count_more(struct tg_raven_peer *peer, const char *path)
{
	char body[256];
	unsigned orders_there = more_there;

	if (strcmp(path, "/collections/stats") != 0)
		return false;
	for (uint32_t i = 0; i < peer->doc_count; i++)
		orders_there += strcmp(peer->docs[i].collection, "Orders") == 0;
	snprintf(body, sizeof(body), "{\"CountOfDocuments\":%u,\"Collections\":{\"Orders\":%u}}",
		 peer->doc_count + more_there, orders_there);
	tg_raven_peer_answer(peer, 200, body);
	return true;
}

TG_TEST(documents_that_never_come_are_looked_for_once)
{
	start(PAGES);
	fill(20);
	more_there = 2;
	a.hook = count_more;
	run();
	TG_CHECK(asked("startsWith="));
	for (unsigned i = 0; i < 3; i++) {
		tg_raven_world_restart(&world, PAGES);
		tg_raven_peer_put(&a, "orders/1", "Orders", 100 + i);
		run();
		check_equal();
		TG_CHECK(!asked("/docs?etag=0&") && !asked("startsWith="));
	}
	stop();
}

TG_TEST(a_kill_does_not_begin_the_search_anew)
{
	start(PAGES);
	fill(40);
	run();
	more_there = 2;
	a.hook = count_more;
	tg_raven_peer_put(&a, "orders/1", "Orders", 100);
	crash(5);
	run();
	check_equal();
	TG_CHECK(!asked("/docs?etag=0&"));
	stop();
}

/* A row that was lost is read again, also when rows were lost, or never came, before. */
TG_TEST(lost_rows_are_found_each_time)
{
	start(PAGES);
	fill(40);
	more_there = 2;
	a.hook = count_more;
	run();
	for (unsigned i = 0; i < 3; i++) {
		orders()->count -= 3;
		tg_raven_peer_put(&a, "orders/1", "Orders", 100 + i);
		run();
		check_equal();
	}
	stop();
}

/* --- a full pass that is wanted --- */

TG_TEST(a_wanted_full_pass_is_gone_on_with_by_the_next_process)
{
	start(PAGES);
	fill(60);
	run();
	orders()->wanted = true;
	orders()->given = 0;
	crash(4);
	TG_CHECK(orders()->pass_begun);
	run();
	TG_CHECK(!asked("/docs?etag=0&"));
	TG_CHECK(!orders()->wanted);
	TG_CHECK(orders()->given < 75);
	check_equal();
	stop();
}

/* Records of it were lost meanwhile: it would not send them again. */
TG_TEST(a_full_pass_that_lost_records_begins_anew)
{
	start(PAGES);
	fill(60);
	run();
	orders()->wanted = true;
	crash(4);
	orders()->lost = true;
	run();
	TG_CHECK(asked("/docs?etag=0&"));
	TG_CHECK(!orders()->wanted && !orders()->lost);
	check_equal();
	stop();
}

static void lose(struct tg_raven_world *now, const struct tg_batch *batch)
{
	if (batch->kind == TG_BATCH_ROWS && !(batch->flags & TG_BATCH_PASS_BEGIN)) {
		now->midway = NULL;
		now->open->lost = true;
	}
}

/* They are lost while it goes on: the next round makes it good, and only then it is done. */
TG_TEST(records_lost_behind_a_full_pass_want_another_one)
{
	start(PAGES);
	fill(60);
	run();
	orders()->wanted = true;
	world.midway = lose;
	run();
	TG_CHECK(orders()->wanted);
	orders()->given = 0;
	run();
	TG_CHECK(!orders()->wanted);
	TG_CHECK_INT(orders()->given, 60);
	stop();
}

/* The place that was kept on another node is no part of the full pass. */
TG_TEST(a_wanted_full_pass_reads_all_on_the_node_where_it_ends)
{
	start(PAGES);
	fill(40);
	run();
	replicate();
	snprintf(b.others, sizeof(b.others), "%s", tg_raven_peer_vector(&a));
	world.peers[0] = &b;
	tg_raven_world_restart(&world, PAGES);
	TG_CHECK_INT(tg_raven_world_run(&world), TG_OK);
	orders()->wanted = true;
	crash(2);
	world.peers[0] = &a;
	snprintf(a.others, sizeof(a.others), "B:%u-%s", (unsigned)b.etag, b.database_id);
	tg_raven_world_restart(&world, PAGES);
	orders()->given = 0;
	run();
	TG_CHECK_INT(orders()->given, 40);
	TG_CHECK(!orders()->wanted);
	tg_raven_peer_stop(&b);
	stop();
}

/* --- what a tidegate wrote, and somebody changed --- */

/* As its sink writes it. */
static void put_ours(const char *id, unsigned value)
{
	struct tg_raven_echo echo;
	char members[64], more[96], sum[TG_RAVEN_ECHO_BYTES];

	tg_raven_echo_start(&echo);
	tg_raven_echo_text(&echo, tg_view_str(id));
	tg_raven_echo_text(&echo, tg_view_str("Orders"));
	snprintf(members, sizeof(members), ",\"v\":%u", value);
	tg_raven_echo_put(&echo, tg_view_str(members));
	tg_raven_echo_write(tg_raven_echo_end(&echo), sum);
	snprintf(more, sizeof(more), ",\"Tidegate-Instance\":\"x-1\",\"Tidegate-Hash\":\"%.16s\"",
		 sum);
	tg_raven_peer_put(&a, id, "Orders", value);
	tg_raven_peer_more(&a, more);
}

/* A client that keeps the metadata it loaded. */
static void save(const char *id, const char *as, unsigned value)
{
	char more[sizeof(a.docs[0].more)] = "";

	for (uint32_t i = 0; i < a.doc_count; i++)
		if (strcmp(a.docs[i].id, id) == 0)
			memcpy(more, a.docs[i].more, sizeof(more));
	TG_CHECK(more[0] != '\0');
	tg_raven_peer_put(&a, as, "Orders", value);
	tg_raven_peer_more(&a, more);
}

static unsigned value_of(uint32_t row)
{
	return row < orders()->count ? orders()->rows[row].value : 0;
}

TG_TEST(a_change_that_keeps_our_metadata_is_read)
{
	start(PAGES);
	fill(20);
	put_ours("orders/ours", 7);
	run();
	TG_CHECK_INT(orders()->count, 20);
	save("orders/ours", "orders/ours", 7); /* unchanged */
	run();
	TG_CHECK_INT(orders()->count, 20);
	save("orders/ours", "orders/ours", 8);
	run();
	TG_CHECK_INT(orders()->count, 21);
	TG_CHECK_INT(value_of(20), 8);
	save("orders/ours", "orders/copy", 7);
	run();
	TG_CHECK_INT(orders()->count, 22);
	TG_CHECK_INT(value_of(21), 7);
	/* They are known by now: counting proves again. */
	tg_raven_peer_put(&a, "orders/1", "Orders", 11);
	run();
	TG_CHECK(!asked("startsWith="));
	run();
	TG_CHECK_INT(a.calls, 1);
	tg_raven_peer_delete(&a, "orders/ours");
	run();
	TG_CHECK_INT(orders()->deletes, 1);
	TG_CHECK_INT(orders()->count, 21);
	stop();
}

/* --- pages that do not go on --- */

/* A full page of ids of another collection, whatever is asked for. */
static bool ignore_start(struct tg_raven_peer *peer, const char *path)
{
	static char body[CONFIG_TG_RAVEN_COMPARE_ROWS * 160];
	size_t used = (size_t)sprintf(body, "{\"Results\":[");

	if (strncmp(path, "/docs?startsWith=", 17) != 0)
		return false;
	for (unsigned i = 0; i < CONFIG_TG_RAVEN_COMPARE_ROWS; i++)
		used += (size_t)snprintf(body + used, sizeof(body) - used,
					 "%s{\"@metadata\":{\"@collection\":\"Customers\","
					 "\"@change-vector\":\"\",\"@id\":\"c/%05u\"}}",
					 i > 0 ? "," : "", i);
	snprintf(body + used, sizeof(body) - used, "]}");
	tg_raven_peer_answer(peer, 200, body);
	return true;
}

TG_TEST(a_server_that_ignores_where_to_go_on_is_named)
{
	start(PAGES);
	fill(40);
	run();
	tg_raven_peer_delete(&a, "orders/8");
	tg_raven_peer_wipe(&a);
	a.hook = ignore_start;
	TG_CHECK_INT(tg_raven_world_run(&world), TG_OK);
	TG_CHECK(!orders()->complete);
	TG_CHECK_INT(orders()->why, TG_ERR_PROTOCOL);
	TG_CHECK_INT(orders()->swept, 0);
	a.hook = NULL;
	run();
	check_equal();
	stop();
}
