/* Batches in, lines out: what intake, outbox and forwarder promise together. */
#include "tests/check.h"

#include "platform/clock.h"
#include "tests/unit/path_world.h"

static struct tg_path_world world;

static void sends(const char *expected)
{
	tg_path_deliver(&world);
	TG_CHECK_STR(tg_path_arrived(&world), expected);
}

TG_TEST(path_sends_what_differs_and_nothing_else)
{
	tg_path_start(&world);
	tg_path_pass(&world, "k1=1 k2=2 k3=3", true, 1);
	sends("k1=1 k2=2 k3=3 ");
	tg_path_pass(&world, "k1=1 k2=2 k3=3", true, 1);
	sends("");
	tg_path_pass(&world, "k1=1 k2=9 k3=3 k4=4", true, 1);
	sends("k2=9 k4=4 ");
	tg_path_stop(&world);
}

TG_TEST(path_deletes_after_a_complete_pass_only)
{
	tg_path_start(&world);
	tg_path_pass(&world, "k1=1 k2=2 k3=3 k4=4", true, 1);
	sends("k1=1 k2=2 k3=3 k4=4 ");
	tg_path_pass(&world, "k3=3", false, 1);
	sends("");
	tg_path_restart(&world);
	tg_path_pass(&world, "k2=2 k3=3", true, 1);
	sends("-k1 -k4 ");
	tg_path_pass(&world, "k1=1 k2=2 k3=3", true,
		     1); /* it comes back, with the content it had */
	sends("k1=1 ");
	tg_path_stop(&world);
}

TG_TEST(path_keeps_rows_of_an_emptied_table_unless_told)
{
	tg_path_start(&world);
	tg_path_pass(&world, "k1=1 k2=2", true, 1);
	sends("k1=1 k2=2 ");
	tg_path_pass(&world, "", true, 1);
	sends("");
	tg_path_pass(&world, "k2=2", true, 1);
	sends("-k1 ");
	world.rules.delete_when_empty = true;
	tg_path_restart(&world);
	tg_path_pass(&world, "", true, 1);
	sends("-k2 ");
	tg_path_stop(&world);
}

TG_TEST(path_forgets_rows_of_a_recreated_table_unless_told)
{
	tg_path_start(&world);
	tg_path_pass(&world, "k1=1 k2=2", true, 1);
	sends("k1=1 k2=2 ");
	tg_path_pass(&world, "k2=2 k3=3", true, 2);
	sends("k3=3 ");
	tg_path_pass(&world, "k2=2", true, 2);
	sends("-k3 ");
	world.rules.delete_when_recreated = true;
	tg_path_restart(&world);
	tg_path_pass(&world, "k4=4", true, 3);
	sends("k4=4 -k2 ");
	tg_path_stop(&world);
}

TG_TEST(path_drops_repeats_of_unordered_passes)
{
	tg_path_start(&world);
	tg_path_pass(&world, "k1=1 k2=2", true, 1);
	sends("k1=1 k2=2 ");
	tg_path_changes(&world, "k2=2 k1=5 k3=3");
	sends("k1=5 k3=3 ");
	tg_path_changes(&world, "k3=3 k1=5");
	sends("");
	tg_path_stop(&world);
}

TG_TEST(path_repeats_a_batch_byte_for_byte_after_a_crash_and_a_changed_limit)
{
	static char first[TG_WORLD_TEXT_BYTES];

	tg_path_start(&world);
	tg_path_pass(&world, "k1=1 k2=2 k3=3", true, 1);
	world.sink.script =
		"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee";
	struct tg_now now = { .mono_ms = 1, .wall_ms = 1 };
	for (unsigned i = 0; i < 6; i++) {
		(void)tg_forwarder_step(&world.fwd, &now, ++now.mono_ms, 1);
		if (tg_outbox_pending(&world.box))
			tg_path_commit(&world);
	}
	TG_CHECK(strncmp(world.sink.ranges, "1-3 ", 4) == 0);
	memcpy(first, world.sink.sent, sizeof(first));
	TG_CHECK(strlen(first) > 100);
	world.sink.script = NULL;
	world.sink.limits.batch_records_max = 1;
	world.sink.ranges[0] = '\0';
	tg_path_restart(&world);
	tg_path_pass(&world, "k1=1 k2=2 k3=3 k4=4", true, 1);
	tg_path_deliver(&world);
	TG_CHECK_STR(world.sink.ranges, "1-3 4-4 ");
	TG_CHECK(strncmp(world.sink.taken, first, strlen(first)) == 0);
	tg_path_stop(&world);
}

TG_TEST(path_halves_a_refused_batch_and_sets_one_record_aside)
{
	struct tg_aside item;

	tg_path_start(&world);
	world.sink.poison = "\"v\":666";
	tg_path_pass(&world, "k1=1 k2=2 k3=666 k4=4 k5=5 k6=6 k7=7 k8=8", true, 1);
	sends("k1=1 k2=2 k4=4 k5=5 k6=6 k7=7 k8=8 ");
	TG_CHECK_INT(world.fwd.set_aside_count, 1);
	TG_CHECK_INT(tg_outbox_aside_next(&world.box, 0, &item), 0);
	TG_CHECK_INT(item.seq, 3);
	TG_CHECK(tg_view_same(item.body, tg_view_str("{\"id\":\"k3\",\"v\":666}")));
	TG_CHECK_STR(item.reason, "refused with 422");
	TG_CHECK_INT(tg_outbox_aside_next(&world.box, item.id + 1, &item), TG_ERR_MISSING);
	TG_CHECK(tg_forwarder_drained(&world.fwd));
	tg_path_stop(&world);
}

/* Two poisoned records side by side, the first of all: nothing was taken before them. */
TG_TEST(path_sets_suspects_aside_once_another_was_taken)
{
	tg_path_start(&world);
	world.sink.poison = "\"v\":666";
	tg_path_pass(&world, "k1=666 k2=666 k3=3 k4=4", true, 1);
	sends("k3=3 k4=4 ");
	TG_CHECK_INT(world.fwd.set_aside_count, 2);
	tg_path_stop(&world);
}

TG_TEST(path_loses_nothing_to_a_target_that_refuses_everything)
{
	struct tg_aside item;

	tg_path_start(&world);
	world.sink.poison = "\"v\"";
	tg_path_pass(&world, "k1=1 k2=2 k3=3 k4=4 k5=5", true, 1);
	sends("");
	TG_CHECK_INT(tg_outbox_aside_next(&world.box, 0, &item), TG_ERR_MISSING);
	TG_CHECK(!tg_forwarder_drained(&world.fwd));
	world.sink.poison = NULL;
	sends("k1=1 k2=2 k3=3 k4=4 k5=5 ");
	tg_path_stop(&world);
}

TG_TEST(path_delivers_arrays_too)
{
	tg_path_start(&world);
	world.sink.limits.framing = TG_FRAMING_ARRAY;
	tg_path_restart(&world);
	tg_path_pass(&world, "k1=1 k2=2", true, 1);
	tg_path_deliver(&world);
	size_t bytes = strlen(world.sink.taken);
	TG_CHECK(world.sink.taken[0] == '[' && world.sink.taken[bytes - 1] == ']');
	TG_CHECK(strstr(world.sink.taken, "},{") != NULL);
	TG_CHECK(strchr(world.sink.taken, '\n') == NULL);
	tg_path_stop(&world);
}

/* A sink may write its records itself; the row that a restart finds says so too. */
TG_TEST(path_delivers_in_a_framing_of_the_sinks_own)
{
	tg_path_start(&world);
	world.sink.limits.framing = TG_FRAMING_OWN;
	tg_path_restart(&world);
	tg_path_pass(&world, "k1=1 k2=2", true, 1);
	tg_path_deliver(&world);
	TG_CHECK_STR(world.sink.taken,
		     "<\"k1\"=,\"id\":\"k1\",\"v\":1><\"k2\"=,\"id\":\"k2\",\"v\":2>");
	world.sink.script = "e";
	tg_path_pass(&world, "k1=1 k2=3", true, 1);
	tg_path_deliver(&world);
	TG_CHECK(strstr(world.sink.taken, "<\"k2\"=,\"id\":\"k2\",\"v\":3>") != NULL);
	TG_CHECK_INT(tg_outbox_sink_row(&world.box, world.fwd.slot)->in_flight.framing,
		     TG_FRAMING_OWN);
	tg_path_stop(&world);
}

/* The name was another type's, whose batch is under way: the present sink frames it. */
TG_TEST(path_frames_a_batch_that_another_type_left)
{
	tg_path_start(&world);
	world.sink.script = "eeee";
	tg_path_pass(&world, "k1=1", true, 1);
	struct tg_now now = { .mono_ms = 1, .wall_ms = 1 };
	for (unsigned i = 0; i < 6; i++) {
		(void)tg_forwarder_step(&world.fwd, &now, ++now.mono_ms, 1);
		if (tg_outbox_pending(&world.box))
			tg_path_commit(&world);
	}
	TG_CHECK_INT(tg_outbox_sink_row(&world.box, world.fwd.slot)->in_flight.framing,
		     TG_FRAMING_NDJSON);
	world.sink.script = NULL;
	world.sink.limits.framing = TG_FRAMING_OWN;
	tg_path_restart(&world);
	tg_path_deliver(&world);
	TG_CHECK_STR(world.sink.taken, "<\"k1\"=,\"id\":\"k1\",\"v\":1>");
	tg_path_stop(&world);
}

/* The target refuses everything, the process ends in the middle of looking for proof, and the
 * target is well again: what was suspected meanwhile still arrives, and nothing stays set aside. */
TG_TEST(path_delivers_what_was_suspected_of_a_target_that_recovered)
{
	struct tg_now now = { .mono_ms = 1, .wall_ms = 1 };
	struct tg_aside item;

	tg_path_start(&world);
	world.sink.poison = "\"v\"";
	tg_path_pass(&world, "k1=1 k2=2 k3=3 k4=4 k5=5", true, 1);
	while (tg_outbox_sink_row(&world.box, world.fwd.slot)->in_flight.suspect_count < 2) {
		(void)tg_forwarder_step(&world.fwd, &now, ++now.mono_ms, 1);
		if (tg_outbox_pending(&world.box))
			tg_path_commit(&world);
	}
	world.sink.poison = NULL;
	tg_path_restart(&world);
	tg_path_deliver(&world);
	const char *arrived = tg_path_arrived(&world);
	for (unsigned i = 1; i <= 5; i++) {
		char one[8];
		snprintf(one, sizeof(one), "k%u=%u ", i, i);
		TG_CHECK(strstr(arrived, one) != NULL);
	}
	TG_CHECK_INT(strlen(arrived), 5 * strlen("k1=1 "));
	TG_CHECK_INT(tg_outbox_aside_next(&world.box, 0, &item), TG_ERR_MISSING);
	TG_CHECK_INT(world.fwd.set_aside_count, 0);
	tg_path_stop(&world);
}
