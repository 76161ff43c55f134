/* Mode last_modified: what its answers may be, and what is done with them. */
#include "tests/replay/raven_case.h"

#define BY_TIME PAGES ",\"mode\":\"last_modified\""

static bool spoilt, spoilt_for_good, stale, orders_refused;

static size_t put_rows(const struct tg_raven_peer *peer, char *at, size_t cap, uint64_t limit)
{
	size_t used = 0;
	uint64_t rows = 0;

	for (uint32_t i = 0; i < peer->doc_count && rows < limit; i++) {
		const struct tg_raven_peer_doc *doc = &peer->docs[i];
		if (strcmp(doc->collection, "Orders") != 0)
			continue;
		/* All of them at one moment, as a batch writes them. */
		used += (size_t)snprintf(at + used, cap - used,
					 "%s{\"v\":%u,\"@metadata\":{\"@collection\":\"Orders\","
					 "\"@change-vector\":\"%s\",\"@id\":\"%s\","
					 "\"@last-modified\":\"2026-11-21T10:00:00.0000001Z\"}}",
					 rows++ > 0 ? "," : "", doc->value, doc->vector, doc->id);
	}
	return used;
}

static bool answer_query(struct tg_raven_peer *peer, const char *path)
{
	static char body[1 << 18];
	const char *limit = strstr(path, "limit%200%2C%20");
	bool round = strstr(path, "%40metadata.%40collection") != NULL;
	bool wrong = spoilt_for_good || (spoilt && !round);

	if (strncmp(path, "/queries?", 9) != 0)
		return false;
	if (orders_refused) {
		bool orders = strstr(path, "%27Orders%27") != NULL;
		tg_raven_peer_answer(peer, orders ? 500 : 200,
				     orders ? "{\"Type\":\"X.QueryParser+ParseException\"}"
					    : "{\"Results\":[],\"IsStale\":false}");
		return true;
	}
	TG_CHECK(limit != NULL && strstr(path, "waitForNonStaleResults=true") != NULL);
	TG_CHECK(strstr(path, "%27%40metadata") == NULL && strstr(path, "%22%40metadata") == NULL);
	size_t used = (size_t)sprintf(body,
				      "{\"TotalResults\":1,\"IndexName\":\"%s\",\"Results\":[",
				      wrong ? "Auto/Orders/By'@metadata.@last-modified'"
					    : "Auto/Orders/By@metadata.@last-modified");
	if (!wrong)
		used += put_rows(peer, body + used, sizeof(body) - used - 100,
				 strtoull(limit + 15, NULL, 10));
	sprintf(body + used, "],\"Includes\":{},\"IsStale\":%s,\"NodeTag\":\"A\"}",
		stale ? "true" : "false");
	tg_raven_peer_answer(peer, 200, body);
	return true;
}

static void start_by_time(void)
{
	start(BY_TIME);
	fill(45);
	a.hook = answer_query;
	spoilt = spoilt_for_good = stale = orders_refused = false;
}

TG_TEST(documents_of_one_moment_arrive_all)
{
	start_by_time();
	run();
	check_equal();
	TG_CHECK(!orders()->ordered);
	tg_raven_peer_put(&a, "orders/7", "Orders", 77);
	run();
	check_equal();
	stop();
}

TG_TEST(an_index_that_answers_nothing_is_gone_round)
{
	start_by_time();
	spoilt = true;
	run();
	check_equal();
	TG_CHECK(asked("%40metadata.%40collection"));
	spoilt_for_good = true;
	run();
	TG_CHECK(!orders()->complete);
	TG_CHECK_INT(orders()->why, TG_ERR_QUERY);
	stop();
}

TG_TEST(a_stale_answer_is_no_end)
{
	start_by_time();
	stale = true;
	run();
	TG_CHECK(!orders()->complete);
	TG_CHECK_INT(orders()->why, TG_ERR_NOT_READY);
	stale = false;
	run();
	check_equal();
	stop();
}

TG_TEST(a_wanted_full_pass_finds_what_is_gone)
{
	start_by_time();
	run();
	tg_raven_peer_delete(&a, "orders/3");
	run();
	TG_CHECK_INT(orders()->count, 45); /* it misses deletes by nature */
	orders()->wanted = true;
	run();
	check_equal();
	TG_CHECK(!orders()->wanted);
	stop();
}

TG_TEST(a_refused_collection_leaves_the_next_ones_place_alone)
{
	start_by_time();
	run();
	tg_raven_world_restart(&world, BY_TIME ",\"collection_name\":[\"Orders\",\"Nobodies\"]");
	orders_refused = true;
	run();
	TG_CHECK_INT(orders()->why, TG_ERR_QUERY);
	TG_CHECK(tg_raven_world_stream(&world, "seed/Nobodies")->complete);
	/* It was never read: it is read from the beginning of time. */
	const char *query = strstr(a.log, "%27Nobodies%27");
	TG_CHECK(query != NULL && strstr(query, "%220001-01-01T") != NULL);
	stop();
}
