/* The driver as a whole against a peer that answers as RethinkDB does, and as it should not. */
#include "tests/replay/rethink_rig.h"

TG_TEST(rethink_reads_all_tables_in_order)
{
	tg_world_start(&world, "");
	world.rows = 200;
	TG_CHECK_INT(tg_world_run(&world), TG_OK);
	for (int i = 0; i < 3; i++) {
		static const char *const names[] = { "plant/t0", "plant/t1", "plant/t2" };
		is_complete(names[i]);
		has_all(names[i], 1);
		TG_CHECK_INT(table(names[i])->pass_begins, 1);
		TG_CHECK_INT(table(names[i])->generation[15], i);
	}
	TG_CHECK_INT(world.continues, 3);
	/* One batch is asked for ahead; behind the last one that is refused, and means nothing. */
	TG_CHECK_INT(world.refused, 3);
	TG_CHECK_INT(world.stops, 0);
	TG_CHECK_INT(world.backs, 0);
	/* A second round is a second pass. */
	TG_CHECK_INT(tg_world_run(&world), TG_OK);
	has_all("plant/t2", 2);
	TG_CHECK_INT(table("plant/t2")->pass_begins, 2);
	tg_world_stop(&world);
}

TG_TEST(rethink_reads_a_byte_at_a_time)
{
	tg_world_start(&world, "\"tables\":[\"t1\"]");
	world.peer.send_bytes_max = 1;
	world.rows = 150;
	TG_CHECK_INT(tg_world_run(&world), TG_OK);
	is_complete("plant/t1");
	has_all("plant/t1", 1);
	tg_world_stop(&world);
}

TG_TEST(rethink_passes_an_empty_table_as_complete)
{
	tg_world_start(&world, "\"tables\":[\"t1\"]");
	world.rows = 0;
	TG_CHECK_INT(tg_world_run(&world), TG_OK);
	is_complete("plant/t1");
	TG_CHECK_INT(table("plant/t1")->pass_begins, 1);
	tg_world_stop(&world);
}

/* The connection is cut at ever later bytes: what was handed over is not asked for again. */
TG_TEST(rethink_goes_on_after_the_last_key_wherever_it_is_cut)
{
	tg_world_start(&world, "\"tables\":[\"t0\",\"t1\"]");
	TG_CHECK_INT(tg_world_run(&world), TG_OK);
	uint64_t bytes = world.peer.sent;
	tg_world_stop(&world);
	TG_CHECK(bytes > 50000);
	unsigned cuts = 0, breaks = 0;
	for (uint64_t cut = 1; cut < bytes; cut += cut < 1200 ? 7 : 3989) {
		tg_world_start(&world, "\"tables\":[\"t0\",\"t1\"]");
		world.peer.drop_after = cut;
		unsigned runs = tg_world_finish(&world);
		TG_CHECK(runs <= 2); /* 1: all was said before what was asked ahead came */
		cuts++, breaks += runs - 1;
		is_complete("plant/t0");
		is_complete("plant/t1");
		has_all("plant/t0", 1);
		has_all("plant/t1", 1);
		TG_CHECK_INT(table("plant/t1")->pass_begins, 1);
		tg_world_stop(&world);
	}
	TG_CHECK(breaks >= cuts * 9 / 10);
}

static bool refuse_t1(struct tg_world *at, uint64_t token, const char *query)
{
	if (strstr(query, "\"t1\"") == NULL || strncmp(query, "[1,[175,", 8) == 0)
		return false;
	tg_peer_say(
		&at->peer, token,
		"{\"t\":18,\"e\":6000000,\"r\":[\"User `agent` does not have the required `read` "
		"permission.\"],\"b\":[]}");
	return true;
}

TG_TEST(rethink_reports_a_table_it_may_not_read_and_goes_on)
{
	tg_world_start(&world, "");
	world.hook = refuse_t1;
	TG_CHECK_INT(tg_world_run(&world), TG_OK);
	is_complete("plant/t0");
	is_complete("plant/t2");
	TG_CHECK(!table("plant/t1")->complete);
	TG_CHECK_INT(table("plant/t1")->why, TG_ERR_PERMISSION);
	TG_CHECK_INT(table("plant/t1")->rows, 0);
	TG_CHECK_INT(table("plant/t1")->begins, 1);
	tg_world_stop(&world);
}

static uint32_t given_of_t1;

static bool drop_t1(struct tg_world *at, uint64_t token, const char *query)
{
	if (strcmp(query, "[2]") != 0 || strstr(at->last_query, "\"t1\"") == NULL ||
	    tg_world_given(at) < 500)
		return false;
	given_of_t1 = tg_world_given(at);
	tg_peer_say(
		&at->peer, token,
		"{\"t\":18,\"e\":4100000,\"r\":[\"Table `plant.t1` does not exist.\"],\"b\":[]}");
	return true;
}

TG_TEST(rethink_gives_what_it_read_of_a_table_that_is_dropped)
{
	tg_world_start(&world, "");
	world.hook = drop_t1;
	TG_CHECK_INT(tg_world_run(&world), TG_OK);
	is_complete("plant/t0");
	is_complete("plant/t2");
	TG_CHECK_INT(table("plant/t1")->why, TG_ERR_MISSING);
	TG_CHECK(given_of_t1 >= 500 && given_of_t1 < 1000);
	TG_CHECK_INT(table("plant/t1")->rows, given_of_t1);
	TG_CHECK(table("plant/t1")->flags & TG_BATCH_ORDERED);
	tg_world_stop(&world);
}

static bool gone_before_info(struct tg_world *at, uint64_t token, const char *query)
{
	if (strstr(query, "\"t1\"") == NULL)
		return false;
	tg_peer_say(
		&at->peer, token,
		"{\"t\":18,\"e\":4100000,\"r\":[\"Table `plant.t1` does not exist.\"],\"b\":[]}");
	return true;
}

TG_TEST(rethink_ends_a_table_that_could_not_begin)
{
	tg_world_start(&world, "");
	world.hook = gone_before_info;
	TG_CHECK_INT(tg_world_run(&world), TG_OK);
	TG_CHECK_INT(table("plant/t1")->begins, 0);
	TG_CHECK_INT(table("plant/t1")->ends, 1);
	TG_CHECK_INT(table("plant/t1")->why, TG_ERR_MISSING);
	is_complete("plant/t2");
	tg_world_stop(&world);
}

static unsigned unready;

static bool unready_for_a_while(struct tg_world *at, uint64_t token, const char *query)
{
	if (strcmp(query, "[2]") != 0 || tg_world_given(at) < 300 || unready == 0)
		return false;
	unready--;
	tg_peer_say(
		&at->peer, token,
		"{\"t\":18,\"e\":4100000,\"r\":[\"Read aborted by unshard operation.\"],\"b\":[]}");
	return true;
}

TG_TEST(rethink_waits_for_a_shard_and_goes_on_after_the_last_key)
{
	tg_world_start(&world, "\"tables\":[\"t1\"]");
	world.hook = unready_for_a_while;
	unready = 3;
	TG_CHECK_INT(tg_world_run(&world), TG_OK);
	is_complete("plant/t1");
	has_all("plant/t1", 1);
	TG_CHECK_INT(table("plant/t1")->begins, 1);
	tg_world_stop(&world);
}

static bool never_ready(struct tg_world *at, uint64_t token, const char *query)
{
	if (strstr(query, "[182,") == NULL)
		return false;
	tg_peer_say(
		&at->peer, token,
		"{\"t\":18,\"e\":4100000,\"r\":[\"Cannot perform read: primary replica for shard "
		"[\\\"secret key\\\", +inf) not available\"],\"b\":[]}");
	return true;
}

/* The server's text quotes keys, which no sentence may repeat. */
TG_TEST(rethink_gives_up_a_table_that_never_gets_ready)
{
	tg_world_start(&world, "\"tables\":[\"t1\"]");
	world.hook = never_ready;
	TG_CHECK_INT(tg_world_run(&world), TG_OK);
	TG_CHECK_INT(table("plant/t1")->why, TG_ERR_NOT_READY);
	TG_CHECK(strstr(world.source.batch_why.text, "secret") == NULL);
	tg_world_stop(&world);
}

static bool another_uuid;

static bool recreated(struct tg_world *at, uint64_t token, const char *query)
{
	if (unready_for_a_while(at, token, query)) {
		another_uuid = true;
		return true;
	}
	if (!another_uuid || strncmp(query, "[1,[79,", 7) != 0)
		return false;
	tg_peer_say(&at->peer, token,
		    "{\"t\":1,\"r\":[{\"doc_count_estimates\":[10],"
		    "\"id\":\"ffffffff-0000-4000-8000-000000000000\",\"primary_key\":\"id\"}]}");
	return true;
}

TG_TEST(rethink_does_not_go_on_with_a_table_made_anew)
{
	tg_world_start(&world, "\"tables\":[\"t1\"]");
	world.hook = recreated;
	another_uuid = false;
	unready = 1;
	TG_CHECK_INT(tg_world_run(&world), TG_OK);
	TG_CHECK_INT(table("plant/t1")->why, TG_ERR_MISSING);
	/* The next run sees a new generation, and begins from the first row. */
	unready = 0;
	TG_CHECK_INT(tg_world_run(&world), TG_OK);
	TG_CHECK(table("plant/t1")->complete);
	TG_CHECK_INT(table("plant/t1")->seen[0], 2);
	TG_CHECK_INT(table("plant/t1")->generation[0], 0xff);
	tg_world_stop(&world);
}

static bool wrong_row(struct tg_world *at, uint64_t token, const char *query)
{
	if (strstr(query, "\"t0\"]],[180") == NULL)
		return false;
	tg_peer_say(&at->peer, token,
		    "{\"t\":3,\"r\":[{\"id\":1},{\"id\":3},{\"id\":2}],\"n\":[]}");
	return true;
}

/* Rows out of order would make the intake believe that others are gone. */
TG_TEST(rethink_stops_a_cursor_whose_rows_are_out_of_order)
{
	tg_world_start(&world, "");
	world.rows = 200;
	world.hook = wrong_row;
	TG_CHECK_INT(tg_world_run(&world), TG_OK);
	TG_CHECK_INT(table("plant/t0")->why, TG_ERR_PROTOCOL);
	TG_CHECK_INT(table("plant/t0")->rows, 2);
	TG_CHECK_INT(world.stops, 1);
	is_complete("plant/t1");
	has_all("plant/t1", 1);
	tg_world_stop(&world);
}

static bool garbage_in_t0(struct tg_world *at, uint64_t token, const char *query)
{
	if (strstr(query, "\"t0\"]],") == NULL)
		return false;
	tg_peer_say(&at->peer, token, "{\"t\":2,\"r\":[{\"id\":}]}");
	return true;
}

TG_TEST(rethink_gives_up_a_table_that_breaks_the_connection_thrice)
{
	tg_world_start(&world, "");
	world.hook = garbage_in_t0;
	TG_CHECK_INT(tg_world_finish(&world), 4);
	TG_CHECK_INT(table("plant/t0")->why, TG_ERR_PROTOCOL);
	TG_CHECK_INT(table("plant/t0")->ends, 1);
	is_complete("plant/t1");
	is_complete("plant/t2");
	tg_world_stop(&world);
}

static bool huge_row(struct tg_world *at, uint64_t token, const char *query)
{
	static char body[CONFIG_TG_DOC_BYTES_MAX + 1000];
	size_t used = (size_t)sprintf(body, "{\"t\":2,\"r\":[{\"id\":1},{\"a\":\"");

	if (strstr(query, "\"t0\"]],") == NULL)
		return false;
	memset(body + used, 'x', CONFIG_TG_DOC_BYTES_MAX + 10);
	strcpy(body + used + CONFIG_TG_DOC_BYTES_MAX + 10, "\",\"id\":2},{\"id\":3}],\"n\":[]}");
	tg_peer_say(&at->peer, token, body);
	return true;
}

TG_TEST(rethink_passes_a_document_by_key_that_is_too_large)
{
	tg_world_start(&world, "\"tables\":[\"t0\"]");
	world.hook = huge_row;
	TG_CHECK_INT(tg_world_run(&world), TG_OK);
	is_complete("plant/t0");
	TG_CHECK_INT(table("plant/t0")->rows, 3);
	TG_CHECK_INT(table("plant/t0")->oversize_bytes, CONFIG_TG_DOC_BYTES_MAX + 10 + 15);
	tg_world_stop(&world);
}

/* --- silence and pace --- */

static bool silent_cursor(struct tg_world *at, uint64_t token, const char *query)
{
	(void)token;
	if (strcmp(query, "[2]") != 0)
		return false;
	at->peer.mute = true;
	return true;
}

TG_TEST(rethink_gives_up_a_silent_server_at_the_deadline)
{
	tg_world_start(&world, "\"answer_seconds\":5");
	world.hook = silent_cursor;
	world.turn_ms = 1;
	uint64_t began_ms = world.now.mono_ms;
	TG_CHECK_INT(tg_world_run(&world), TG_ERR_TIMEOUT);
	TG_CHECK(strstr(world.why.text, "has not answered for 5 s") != NULL);
	TG_CHECK(world.now.mono_ms - began_ms >= 5000);
	TG_CHECK_INT(world.pings, 1);
	tg_world_stop(&world);
}

static uint64_t slow_until_ms;

static bool slow_search(struct tg_world *at, uint64_t token, const char *query)
{
	static uint64_t waiting;
	static unsigned batches;

	if (strcmp(query, "[2]") == 0 && slow_until_ms != UINT64_MAX) {
		batches = slow_until_ms == 0 ? 1 : batches + 1;
		if (slow_until_ms == 0)
			slow_until_ms = at->now.mono_ms + 60000;
		waiting = token;
		return true;
	}
	if (strcmp(query, "[5]") == 0 && at->now.mono_ms >= slow_until_ms) {
		for (; batches > 0; batches--)
			tg_world_batch(at, waiting);
		slow_until_ms = UINT64_MAX;
	}
	return false;
}

/* A search that finds nothing for a minute is told from a dead server by its sign of life. */
TG_TEST(rethink_waits_for_a_long_search_on_a_living_server)
{
	tg_world_start(&world, "\"tables\":[\"t0\"],\"answer_seconds\":5");
	world.hook = slow_search;
	world.turn_ms = 50;
	slow_until_ms = 0;
	TG_CHECK_INT(tg_world_run(&world), TG_OK);
	is_complete("plant/t0");
	has_all("plant/t0", 1);
	TG_CHECK(world.pings >= 20);
	tg_world_stop(&world);
}

static bool silent_login(struct tg_world *at, uint64_t token, const char *query)
{
	(void)at;
	(void)token;
	(void)query;
	return false;
}

TG_TEST(rethink_gives_up_a_silent_login)
{
	tg_world_start(&world, "\"connect_seconds\":3");
	world.hook = silent_login;
	world.peer.mute = true;
	world.turn_ms = 1;
	TG_CHECK_INT(tg_world_run(&world), TG_ERR_TIMEOUT);
	TG_CHECK(strstr(world.why.text, "said nothing for 3 s") != NULL);
	tg_world_stop(&world);
}

TG_TEST(rethink_keeps_to_its_pace)
{
	tg_world_start(&world, "\"tables\":[\"t0\"],\"rows_per_second_max\":200");
	world.turn_ms = 1;
	uint64_t began_ms = world.now.mono_ms;
	TG_CHECK_INT(tg_world_run(&world), TG_OK);
	has_all("plant/t0", 1);
	uint64_t took_ms = world.now.mono_ms - began_ms;
	TG_CHECK(took_ms >= 4500 && took_ms < 6000);
	tg_world_stop(&world);
}

/* --- asking early --- */

static uint64_t half_token;

static bool half_a_frame(struct tg_world *at, uint64_t token, const char *query)
{
	static const char begin[] = "{\"t\":3,\"r\":[{\"id\":0}";
	static const char end[] = ",{\"id\":1}],\"n\":[]}";
	uint32_t bytes = (uint32_t)(strlen(begin) + strlen(end));

	if (strstr(query, "\"t0\"]],") != NULL) {
		half_token = token;
		tg_peer_send(&at->peer, &token, 8);
		tg_peer_send(&at->peer, &bytes, 4);
		tg_peer_send(&at->peer, begin, strlen(begin));
		return true;
	}
	if (strcmp(query, "[2]") != 0)
		return false;
	/* Only now comes the rest of the frame that says "there is more". */
	TG_CHECK(token == half_token);
	tg_peer_send(&at->peer, end, strlen(end));
	tg_peer_say(&at->peer, token, "{\"t\":2,\"r\":[{\"id\":2}],\"n\":[]}");
	return true;
}

TG_TEST(rethink_asks_for_the_next_batch_before_this_one_is_over)
{
	tg_world_start(&world, "\"tables\":[\"t0\"]");
	world.hook = half_a_frame;
	world.rows = 3;
	TG_CHECK_INT(tg_world_run(&world), TG_OK);
	is_complete("plant/t0");
	has_all("plant/t0", 1);
	tg_world_stop(&world);
}

/* --- by time --- */

TG_TEST(rethink_reads_by_time_after_the_first_pass)
{
	tg_world_start(&world, "\"tables\":[\"t0\"],\"mode\":\"timestamp\",\"overlap_seconds\":10");
	TG_CHECK_INT(tg_world_run(&world), TG_OK);
	is_complete("plant/t0");
	has_all("plant/t0", 1);
	TG_CHECK_INT(tg_world_run(&world), TG_OK);
	TG_CHECK_STR(world.last_query,
		     "[1,[39,[[41,[[182,[[15,[[14,[\"plant\"]],\"t0\"]],[180,[]],[181,[]]],"
		     "{\"index\":\"id\",\"left_bound\":\"open\"}]],{\"index\":\"id\"}],"
		     "[69,[[2,[1]],[22,[[170,[[10,[1]],\"updated_at\"]],1760000989]]]]]],"
		     "{\"max_batch_bytes\":1048576}]");
	TG_CHECK(table("plant/t0")->complete);
	TG_CHECK(!(table("plant/t0")->flags & TG_BATCH_ORDERED));
	/* A resync reads everything again, in order. */
	world.full_pass_wanted = true;
	TG_CHECK_INT(tg_world_run(&world), TG_OK);
	TG_CHECK(table("plant/t0")->flags & TG_BATCH_ORDERED);
	TG_CHECK_INT(table("plant/t0")->pass_begins, 2);
	tg_world_stop(&world);
}

TG_TEST(rethink_tells_a_wrong_password)
{
	tg_world_start(&world, "");
	strcpy(world.source.config.password, "wrong");
	TG_CHECK_INT(tg_world_run(&world), TG_ERR_LOGIN_PASSWORD);
	strcpy(world.source.config.password, "");
	TG_CHECK_INT(tg_world_run(&world), TG_ERR_LOGIN_EMPTY);
	TG_CHECK_INT(world.starts, 0);
	tg_world_stop(&world);
}
