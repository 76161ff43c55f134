/* The source against nodes that refuse, break off, vanish, or lag behind. */
#include "tests/replay/raven_case.h"

/* --- refusals --- */

static const char *refused_path, *refusal;
static unsigned refused_status, refusals_left;

static bool refuse(struct tg_raven_peer *peer, const char *path)
{
	if (refusals_left == 0 || strncmp(path, refused_path, strlen(refused_path)) != 0)
		return false;
	refusals_left--;
	tg_raven_peer_answer(peer, refused_status, refusal);
	return true;
}

static int run_refused(const char *path, unsigned status, const char *body)
{
	refused_path = path;
	refused_status = status;
	refusal = body;
	a.hook = refuse;
	int rc = tg_raven_world_run(&world);
	a.hook = NULL;
	return rc;
}

#define TYPED(type) "{\"Url\":\"/\",\"Type\":\"X." type "\",\"Message\":\"m\",\"Error\":\"e\"}"

TG_TEST(refusals_in_mid_walk_lose_nothing)
{
	static const struct {
		unsigned status;
		const char *body;
		int err;
	} cases[] = {
		{ 503, TYPED("DatabaseDisabledException"), TG_ERR_NOT_READY },
		{ 503, TYPED("DatabaseLoadTimeoutException"), TG_ERR_NOT_READY },
		{ 503, "", TG_ERR_NOT_READY },
		{ 500, TYPED("DatabaseDoesNotExistException"), TG_ERR_MISSING },
		{ 403, "{\"Type\":\"InvalidAuth\",\"Message\":\"has expired on\"}",
		  TG_ERR_LOGIN_USER },
		{ 403, "{\"Type\":\"InvalidAuth\",\"Message\":\"Could not authorize access\"}",
		  TG_ERR_PERMISSION },
		{ 410, TYPED("DatabaseNotRelevantException"), TG_ERR_NOT_READY },
		{ 200, "{\"Results\":[{\"v\":1,\"@met", TG_ERR_PROTOCOL },
		{ 200, "{\"Results\":[]" TYPED("DatabaseDisabledException"), TG_ERR_NOT_READY },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		start(PAGES);
		fill(60);
		refusals_left = 1;
		TG_CHECK_INT(run_refused("/docs?etag=21", cases[i].status, cases[i].body),
			     cases[i].err);
		run();
		check_equal();
		stop();
	}
}

/* As recorded (https_403_expired_certificate). We refuse a certificate that is over by our own
 * clock, but the server's may be ahead, and a process may outlive its certificate. */
TG_TEST(a_certificate_that_is_over_by_the_servers_clock_is_named)
{
	static const char recorded[] =
		"{\"Type\":\"InvalidAuth\",\"Message\":\"The supplied client certificate "
		"'CN=expired-client(Thumbprint: 0096ECE69AE82FB9A13C97BD6BC3F3105BDE9980)' has "
		"expired on Friday, 20 November 2026. Please contact your system administrator in "
		"order to obtain a new one.\"}";
	static const char *const places[] = { "/stats", "/docs?etag=9223372036854775807" };

	start(PAGES);
	fill(10);
	for (unsigned i = 0; i < 2; i++) {
		refusals_left = 1;
		TG_CHECK_INT(run_refused(places[i], 403, recorded), TG_ERR_LOGIN_USER);
		TG_CHECK(strstr(world.why.text, "expired by the server's clock") != NULL);
		TG_CHECK(strstr(world.why.text, "20 November 2026") != NULL);
		run();
		check_equal();
		run(); /* the next one asks only whether anything changed */
	}
	stop();
}

TG_TEST(a_database_that_is_loading_is_waited_for)
{
	start(PAGES);
	fill(10);
	refusals_left = 3;
	TG_CHECK_INT(run_refused("/stats", 503, TYPED("DatabaseLoadTimeoutException")), TG_OK);
	TG_CHECK_INT(refusals_left, 0);
	check_equal();
	stop();
}

TG_TEST(one_refused_question_does_not_end_the_other_collections)
{
	start(PAGES ",\"collection_name\":\"*\"");
	fill(30);
	refusals_left = 1;
	TG_CHECK_INT(run_refused("/replication/tombstones", 500,
				 TYPED("NotSupportedInShardingException")),
		     TG_OK);
	TG_CHECK(!orders()->complete);
	TG_CHECK_INT(orders()->why, TG_ERR_QUERY);
	TG_CHECK(tg_raven_world_equal(&world, &a, "Customers"));
	run();
	check_equal();
	stop();
}

TG_TEST(answers_that_are_none_end_one_collection_at_last)
{
	unsigned runs = 0;

	start(PAGES ",\"collection_name\":[\"Orders\"]");
	fill(30);
	refusals_left = 1000;
	while (run_refused("/docs?etag=", 200, "{\"Results\":[{\"@metadata\":") != TG_OK)
		TG_CHECK(++runs < 10);
	TG_CHECK(!orders()->complete);
	TG_CHECK_INT(orders()->why, TG_ERR_PROTOCOL);
	refusals_left = 0;
	world.source.breaks = 0;
	run();
	check_equal();
	stop();
}

/* --- nodes --- */

static struct tg_raven_peer b;

static void start_two(void)
{
	tg_raven_peer_start(&a, "A");
	tg_raven_peer_start(&b, "B");
	tg_raven_world_start(&world, &a, &b, PAGES);
}

TG_TEST(a_dead_first_address_is_passed_over)
{
	start_two();
	fill(30);
	b = a;
	tg_raven_peer_start(&a, "A");
	a.deaf = true;
	tg_raven_peer_stop(&a);
	tg_raven_peer_start(&a, "A");
	a.deaf = true;
	tg_raven_world_restart(&world, PAGES);
	TG_CHECK_INT(tg_raven_world_run(&world), TG_OK);
	TG_CHECK(orders()->complete);
	TG_CHECK(tg_raven_world_equal(&world, &b, "Orders"));
	tg_raven_peer_stop(&b);
	tg_raven_peer_stop(&a);
}

/* B has all that A has, under its own etags; or lacks the last ones. */
static void copy_to_b(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		tg_raven_peer_put_from(&b, a.docs[i].id, a.docs[i].value, a.docs[i].vector);
		memcpy(b.docs[b.doc_count - 1].collection, a.docs[i].collection,
		       sizeof(a.docs[i].collection));
	}
}

static void fail_over(void)
{
	unsigned runs = 0;

	a.deaf = true;
	tg_raven_peer_drop(&a);
	while (tg_raven_world_run(&world) != TG_OK)
		TG_CHECK(++runs < 10);
	TG_CHECK(runs >= TG_RAVEN_PATIENCE - 1); /* not at the first broken connection */
}

TG_TEST(another_node_gets_its_own_cursor_and_sends_only_what_is_new)
{
	start_two();
	fill(30);
	run();
	copy_to_b(a.doc_count);
	orders()->given = 0;
	tg_raven_peer_put(&b, "orders/on-b", "Orders", 7);
	fail_over();
	TG_CHECK_INT(orders()->given, 1);
	TG_CHECK(tg_raven_world_equal(&world, &b, "Orders"));
	tg_raven_peer_stop(&a);
	tg_raven_peer_stop(&b);
}

TG_TEST(a_node_that_lags_deletes_nothing_and_sends_nothing_old)
{
	start_two();
	fill(30);
	copy_to_b(a.doc_count);
	tg_raven_peer_put(&a, "orders/5", "Orders", 500);
	tg_raven_peer_put(&a, "orders/new", "Orders", 1);
	run();
	orders()->given = 0;
	fail_over();
	TG_CHECK_INT(orders()->given, 0);
	TG_CHECK_INT(orders()->swept, 0);
	TG_CHECK(orders()->complete && !orders()->ordered);
	TG_CHECK(tg_raven_world_equal(&world, &a, "Orders"));
	tg_raven_peer_stop(&a);
	tg_raven_peer_stop(&b);
}

static void crash_in_comparison(struct tg_raven_world *now, const struct tg_batch *batch)
{
	now->crash = batch->kind == TG_BATCH_ROWS && (batch->flags & TG_BATCH_ORDERED) != 0;
}

/* Two batches of keys: the first is of A, which has one more document than B. */
TG_TEST(a_comparison_is_not_ended_on_a_node_that_lags)
{
	start_two();
	fill(CONFIG_TG_RAVEN_BATCH_RECORDS_MAX + 50);
	run();
	copy_to_b(a.doc_count);
	fail_over();
	a.deaf = false;
	snprintf(a.others, sizeof(a.others), "B:%u-%s", (unsigned)b.etag, b.database_id);
	tg_raven_peer_put(&a, "orders/zz", "Orders", 1);
	tg_raven_peer_delete(&a, "orders/8");
	tg_raven_peer_wipe(&a);
	world.midway = crash_in_comparison;
	tg_raven_world_restart(&world, PAGES);
	TG_CHECK_INT(tg_raven_world_run(&world), TG_ERR_STOPPED);
	world.midway = NULL;
	tg_raven_world_restart(&world, PAGES);
	a.deaf = true;
	tg_raven_peer_drop(&a);
	run();
	TG_CHECK(orders()->complete && !orders()->ordered);
	TG_CHECK_INT(orders()->swept, 0);
	tg_raven_peer_stop(&a);
	tg_raven_peer_stop(&b);
}
