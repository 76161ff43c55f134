/* Goal: what comes in no order gathers in the index' young trees, and goes from there into the
 * tree, without a key being lost, doubled or taken for another, wherever the process ends. Method:
 * the whole agent over tables that are read by a time, whose rows come in no order. Young trees are
 * made as small as the seed says (index_young.c), so that a few hundred rows fill them, and
 * processes end while they are full. Full passes, which empty them, come in between. At last a full
 * pass finds what was deleted, and one more finds nothing: the index knows what was sent. */
#include "tests/sim/agent_world.h"

enum { ROUNDS = 8 };

/* How often a process ended with something in a young tree; full passes asked for in between. */
static uint32_t kept[TG_INDEX_YOUNG], begun_full;

/* Each version is a time, later than all before. */
static void change(uint32_t changes)
{
	for (uint32_t i = 0; i < changes; i++) {
		uint32_t *version = &plant.version[tg_sim_draw(TG_PLANT_TABLES)]
						  [tg_sim_draw(TG_PLANT_ROWS_MAX)];
		*version = tg_sim_draw(8) == 0 ? 0 : ++plant.newest;
	}
}

static void look_into_store(void)
{
	struct tg_stream_row row;

	for (uint32_t at = 0; at < tg_outbox_stream_count(&agent.box); at++) {
		uint32_t number = tg_outbox_stream_at(&agent.box, at)->number;
		int err = tg_outbox_stream_row(&agent.box, number, &row);
		if (err == TG_ERR_MISSING)
			continue; /* it was made, and nothing committed */
		SEED_CHECK(err == 0);
		for (uint32_t i = 0; i < TG_INDEX_YOUNG; i++)
			kept[i] += row.young[i].entries > 0;
	}
}

static struct tg_sync_summary sync_once(bool whole, const uint32_t young_pages[TG_INDEX_YOUNG])
{
	struct tg_sync_options options = { .wait_ms = whole ? 600000 : 20000 };
	struct tg_sync_summary summary;

	tg_sim_stop_at(whole ? UINT64_MAX : tg_clock_now().mono_ms + tg_sim_draw(3000));
	boot();
	memcpy(agent.box.index_cache_.young_pages, young_pages,
	       sizeof(agent.box.index_cache_.young_pages));
	tg_agent_sync(&agent, &options, &summary);
	look_into_store();
	tg_agent_close(&agent);
	return summary;
}

/* All that changed is read by its time; so a full pass finds what was deleted, and nothing else:
 * the index knows each row as it was sent. */
static void check_end(const uint32_t young_pages[TG_INDEX_YOUNG])
{
	struct tg_sync_summary last = sync_once(true, young_pages);

	check_summary(&last);
	last = sync_once(true, young_pages); /* the first one may have ended a pass of before */
	check_summary(&last);
	ask_for_pass(TG_STREAM_FULL_PASS);
	last = sync_once(true, young_pages);
	check_summary(&last);
	SEED_CHECK(last.changed == 0 && target.same == 0);
	check_equal();
}

static void run(uint64_t seed)
{
	struct tg_sim_faults faults, good = { .delay_ms_max = 3 };

	start_world(seed, &good);
	uint32_t young_pages[TG_INDEX_YOUNG] = { 1 + (uint32_t)tg_sim_draw(2),
						 1 + (uint32_t)tg_sim_draw(3) };
	plant.batch_rows = 1 + (uint32_t)tg_sim_draw(20);
	target.busy_chance = (uint32_t)tg_sim_draw(100);
	plant.newest = TG_PLANT_TIMED;
	change(500);
	(void)sync_once(true, young_pages);
	for (unsigned round = 0; round < ROUNDS; round++) {
		faults = draw_faults();
		tg_sim_set_faults(&faults);
		change((uint32_t)tg_sim_draw(120));
		if (tg_sim_draw(5) == 0) {
			begun_full++;
			ask_for_pass(TG_STREAM_FULL_PASS);
		}
		(void)sync_once(tg_sim_draw(2) == 0, young_pages);
	}
	tg_sim_set_faults(&good);
	target.busy_chance = 0;
	check_end(young_pages);
	end_world();
}

TG_TEST(young_trees_lose_nothing_wherever_the_process_ends)
{
	const char *one = getenv("TG_SEED");
	uint64_t seeds = getenv("TIDEGATE_SOAK") != NULL ? 1000 : tg_turns(12, 3);
	uint64_t from = one != NULL ? strtoull(one, NULL, 10) : 1;
	uint64_t to = one != NULL ? from : seeds;
	uint32_t since = 0;

	reading = ",\"mode\":\"timestamp\",\"timestamp_field\":\"modified_at\","
		  "\"overlap_seconds\":0";
	begin_ring();
	for (uint64_t seed = from; seed <= to; seed++) {
		run(seed);
		since += plant.reads_since;
	}
	if (one != NULL)
		return;
	/* Rows did come in no order; both young trees were met by the next process. */
	TG_CHECK(since > 10 * seeds);
	TG_CHECK(kept[0] > 2 * seeds && kept[1] > seeds / 2);
	TG_CHECK(begun_full > seeds / 2);
}
