/* The RavenDB source's walk: pages asked for ahead, holes between etags, and pages that tell little
 * of theirs. */
#include "tests/replay/raven_case.h"

TG_TEST(pages_of_rows_of_other_nodes_double)
{
	char id[32], vector[64];

	start(PAGES);
	for (unsigned i = 1; i <= 95; i++) {
		snprintf(id, sizeof(id), "orders/%u", i);
		snprintf(vector, sizeof(vector), "B:%u-DATABASEB00000000000FA", i);
		tg_raven_peer_put_from(&a, id, i, vector);
	}
	run();
	check_equal();
	TG_CHECK(asked("pageSize=20\n") && asked("pageSize=80\n"));
	TG_CHECK(!asked("start="));
	tg_raven_peer_delete(&a, "orders/4");
	run();
	check_equal();
	stop();
}

TG_TEST(a_row_with_an_old_local_entry_is_not_taken_for_a_repeat)
{
	start(PAGES);
	fill(30);
	/* Its local entry lies on a page that was read; the row itself stands behind all. */
	tg_raven_peer_put_from(&a, "orders/12", 1212,
			       "A:5-DATABASEA000000000000A, B:9-DATABASEB00000000000FA");
	run();
	check_equal();
	stop();
}

/* Each page tells an etag, and none of them a new one: still each goes on where the last one ended.
 */
TG_TEST(pages_whose_local_entries_are_all_old)
{
	char id[32], vector[80];

	start(PAGES);
	for (unsigned i = 1; i <= 10; i++) {
		snprintf(id, sizeof(id), "orders/%u", i);
		tg_raven_peer_put(&a, id, "Orders", i);
	}
	for (unsigned i = 11; i <= 90; i++) {
		snprintf(id, sizeof(id), "orders/%u", i);
		snprintf(vector, sizeof(vector), "%sB:%u-DATABASEB00000000000FA",
			 i % 3 == 0 ? "A:10-DATABASEA000000000000A, " : "", i);
		tg_raven_peer_put_from(&a, id, i, vector);
	}
	run();
	check_equal();
	TG_CHECK(a.calls < 20);
	stop();
}

TG_TEST(sparse_etags_are_not_guessed)
{
	start(PAGES);
	fill(100);
	a.etag += 100000;
	fill(100);
	run();
	check_equal();
	stop();
}

static unsigned asked_at_once;

static void count_asked(struct tg_raven_world *now, const struct tg_batch *batch)
{
	unsigned count = tg_raven_talk_asked(&now->source.talk);

	if (batch->kind == TG_BATCH_ROWS && count > asked_at_once)
		asked_at_once = count;
}

TG_TEST(the_next_pages_are_asked_for_before_one_is_read)
{
	start(PAGES);
	fill(200);
	asked_at_once = 0;
	world.midway = count_asked;
	run();
	TG_CHECK_INT(asked_at_once, 1 + CONFIG_TG_RAVEN_AHEAD);
	check_equal();
	stop();
	start(PAGES ",\"rows_per_second_max\":1000000");
	fill(200);
	asked_at_once = 0;
	world.midway = count_asked;
	run();
	TG_CHECK_INT(asked_at_once, 1);
	check_equal();
	stop();
}

TG_TEST(holes_around_the_borders_of_pages)
{
	static const unsigned holes[] = { 1, 3, 9, 10, 11, 25, 40 };
	char id[32];

	for (unsigned i = 0; i < 7 * 25; i++) {
		start(PAGES);
		for (unsigned k = 0; k < 70; k++) {
			if (k == i / 7)
				a.etag += holes[i % 7];
			snprintf(id, sizeof(id), "orders/%u", k);
			tg_raven_peer_put(&a, id, "Orders", k);
		}
		run();
		check_equal();
		TG_CHECK_INT(orders()->given, 70);
		stop();
	}
}
