/* A long table is read from both of its ends, by two queries on one connection. */
#include "tests/replay/rethink_rig.h"

/* world.c checks where each batch stands. What was under way when both ends met is stopped. */
TG_TEST(rethink_reads_a_long_table_from_both_ends)
{
	if (CONFIG_TG_RETHINK_RANGES == 1)
		return;
	tg_world_start(&world, "");
	TG_CHECK_INT(tg_world_run(&world), TG_OK);
	for (int i = 0; i < 3; i++) {
		static const char *const names[] = { "plant/t0", "plant/t1", "plant/t2" };
		is_complete(names[i]);
		has_all(names[i], 1);
		TG_CHECK_INT(table(names[i])->pass_begins, 1);
		TG_CHECK(table(names[i])->back_rows >= 100 && table(names[i])->back_rows <= 800);
	}
	TG_CHECK_INT(world.backs, 3);
	TG_CHECK(world.stops >= 3);
	tg_world_stop(&world);
}

TG_TEST(rethink_reads_from_both_ends_in_pieces_of_any_size)
{
	for (uint32_t batch = 1; batch < 60; batch += 1 + batch / 3) {
		for (uint32_t piece = 100; piece < 3000; piece += 700) {
			tg_world_start(&world, "\"tables\":[\"t1\"]");
			world.batch = batch;
			world.rows = 400 + batch;
			world.peer.send_bytes_max = piece;
			TG_CHECK_INT(tg_world_run(&world), TG_OK);
			is_complete("plant/t1");
			has_all("plant/t1", 1);
			tg_world_stop(&world);
		}
	}
}

TG_TEST(rethink_spares_a_server_the_second_range)
{
	tg_world_start(&world, "\"tables\":[\"t0\"],\"rows_per_second_max\":100000");
	world.turn_ms = 1;
	TG_CHECK_INT(tg_world_run(&world), TG_OK);
	has_all("plant/t0", 1);
	TG_CHECK_INT(world.backs, 0);
	tg_world_stop(&world);
}

static bool wrong_back_row(struct tg_world *at, uint64_t token, const char *query)
{
	if (strstr(query, "[74,[") == NULL)
		return false;
	tg_peer_say(&at->peer, token,
		    "{\"t\":3,\"r\":[{\"id\":999},{\"id\":998},{\"id\":999}],\"n\":[]}");
	return true;
}

TG_TEST(rethink_stops_a_table_whose_end_is_out_of_order)
{
	if (CONFIG_TG_RETHINK_RANGES == 1)
		return;
	tg_world_start(&world, "\"tables\":[\"t0\"]");
	world.hook = wrong_back_row;
	TG_CHECK_INT(tg_world_run(&world), TG_OK);
	TG_CHECK_INT(table("plant/t0")->why, TG_ERR_PROTOCOL);
	TG_CHECK_INT(table("plant/t0")->back_rows, 2);
	/* The next run goes on from where both ends stood. */
	world.hook = NULL;
	TG_CHECK_INT(tg_world_run(&world), TG_OK);
	TG_CHECK(table("plant/t0")->complete);
	has_all("plant/t0", 1);
	tg_world_stop(&world);
}
