/* Goal: whatever the network does, and whenever the process ends, the target comes to hold what the
 * plant holds, each change once and in order.
 * Method: the whole agent on a seeded clock and network, its store on the real disk. Each seed
 * draws rows, changes, faults of the network and of the target, and moments at which the process
 * is dropped; at the end a good network and one more sync, and the auditor compares. */
#include "tests/sim/agent_world.h"

enum { ROUNDS = 6, CAP_BYTES = 1 << 20, RUN_MS = 110 };

static uint64_t stop_ms = UINT64_MAX;

/* --- the world --- */

static void change(uint32_t changes)
{
	for (uint32_t i = 0; i < changes; i++) {
		uint32_t *version = &plant.version[tg_sim_draw(TG_PLANT_TABLES)]
						  [tg_sim_draw(TG_PLANT_ROWS_MAX)];
		*version = tg_sim_draw(4) == 0 ? 0 : *version + 1 + (uint32_t)tg_sim_draw(3);
	}
}

/* A version never comes back: a deleted row's next one is higher than all before. */
static struct tg_sync_summary sync_once(bool whole)
{
	struct tg_sync_options options = { .wait_ms = whole ? 600000 : 20000 };
	struct tg_sync_summary summary;

	tg_sim_stop_at(whole ? UINT64_MAX : tg_clock_now().mono_ms + tg_sim_draw(3000));
	boot();
	tg_agent_sync(&agent, &options, &summary);
	tg_agent_close(&agent);
	return summary;
}

static void run(uint64_t seed)
{
	struct tg_sim_faults faults = { 0 }, good = { .delay_ms_max = 3 };

	start_world(seed, &good);
	plant.batch_rows = 1 + (uint32_t)tg_sim_draw(20);
	target.busy_chance = (uint32_t)tg_sim_draw(200);
	target.mute_chance = (uint32_t)tg_sim_draw(200);
	change(600);
	for (unsigned round = 0; round < ROUNDS; round++) {
		faults = draw_faults();
		tg_sim_set_faults(&faults);
		(void)sync_once(tg_sim_draw(2) == 0);
		change((uint32_t)tg_sim_draw(100));
	}
	tg_sim_set_faults(&good);
	target.busy_chance = target.mute_chance = 0;
	struct tg_sync_summary last = sync_once(true);
	check_summary(&last);
	check_equal();
	end_world();
}

static void run_all(uint64_t seeds)
{
	const char *one = getenv("TG_SEED");
	unsigned cut = 0, repeats = 0, back = 0;
	uint64_t last = getenv("TIDEGATE_SOAK") != NULL ? 2000 : seeds;

	begin_ring();
	for (uint64_t seed = one != NULL ? strtoull(one, NULL, 10) : 1; seed <= last; seed++) {
		run(seed);
		cut += tg_sim_counts().cut;
		repeats += target.repeats;
		back += plant.reads_back;
		if (one != NULL)
			return;
	}
	/* The faults did come, and the target did see batches again. */
	TG_CHECK(cut > seeds);
	TG_CHECK(CONFIG_TG_RETHINK_RANGES == 1 || back > 10 * seeds);
	TG_CHECK(repeats >= seeds / (raven ? 8 : 3)); /* RavenDB is asked before it is sent again */
}

TG_TEST(agent_brings_every_change_once_through_any_network)
{
	run_all(tg_turns(60, 3));
}

TG_TEST(agent_brings_every_change_once_into_a_ravendb)
{
	raven = true;
	run_all(tg_turns(30, 3));
	raven = false;
}

/* --- a sync that gets nowhere ends --- */

static void end_within_an_hour(void *context, const struct tg_agent *here,
			       const struct tg_turn *now)
{
	(void)context, (void)here;
	if (now->mono_ms > 3600000)
		TG_FAIL("the sync goes on after an hour of 503");
}

static void begin_world(uint64_t seed, const struct tg_sim_faults *faults)
{
	begin_ring();
	start_world(seed, faults);
}

static struct tg_sync_summary sync_with(const struct tg_sync_options *options)
{
	struct tg_sync_summary summary;

	tg_sim_stop_at(stop_ms);
	boot();
	tg_agent_sync(&agent, options, &summary);
	tg_agent_close(&agent);
	return summary;
}

/* Pauses are shorter than `wait_ms`: a try that fails like the last one must not count. */
TG_TEST(agent_gives_up_beside_a_target_that_is_always_busy)
{
	struct tg_sim_faults good = { .delay_ms_max = 3 };
	struct tg_sync_options options = { .wait_ms = 60000, .progress = end_within_an_hour };

	begin_world(7, &good);
	target.busy_chance = 1000;
	change(50);
	struct tg_sync_summary summary = sync_with(&options);
	TG_CHECK(summary.undelivered && !summary.stopped);
	TG_CHECK_INT(summary.source_why.err, 0);
	TG_CHECK_INT(summary.sink_why.err, TG_ERR_NOT_READY);
	TG_CHECK_INT(target.lines, 0);
	end_world();
}

/* --- pauses --- */

static uint64_t rows_before;
static uint32_t failures_seen;

/* A connection that gave rows before it broke is no failure behind another. */
static void no_long_pause_behind_rows(void *context, const struct tg_agent *here,
				      const struct tg_turn *now)
{
	const struct tg_agent_source *source = &here->sources[0];

	(void)context, (void)now;
	if (source->intake.counts.rows_read > rows_before && source->backoff.failures > 1)
		TG_FAIL("%u failures in a row behind rows", source->backoff.failures);
	if (source->intake.counts.rows_read > rows_before)
		failures_seen += source->backoff.failures;
	rows_before = source->intake.counts.rows_read;
}

TG_TEST(agent_forgets_a_sources_failures_once_rows_arrive)
{
	struct tg_sim_faults faults = { .cut_chance = 900, .fault_bytes_max = 30000 };
	struct tg_sync_options options = { .wait_ms = 600000,
					   .progress = no_long_pause_behind_rows };

	begin_world(11, &faults);
	change(2000);
	rows_before = failures_seen = 0;
	struct tg_sync_summary summary = sync_with(&options);
	TG_CHECK_INT(summary.source_why.err, 0);
	TG_CHECK(tg_sim_counts().cut > 5);
	end_world();
}

/* --- a store at its cap --- */

static uint64_t full_ms;

/* The target comes back once the store is full. */
static void heal_when_full(void *context, const struct tg_agent *here, const struct tg_turn *now)
{
	(void)context;
	if (full_ms != 0 || !tg_outbox_full(&here->box))
		return;
	full_ms = now->mono_ms;
	target.busy_chance = 0;
}

/* Goal: what the target takes makes room at once, not when the next look at the store is due. */
TG_TEST(agent_drains_a_full_store_at_the_targets_pace)
{
	struct tg_sim_faults good = { .delay_ms_max = 1 };
	struct tg_sync_options options = { .wait_ms = 5000, .progress = heal_when_full };
	struct tg_sync_summary summary = { .undelivered = true };

	store_bytes_max = CAP_BYTES;
	begin_world(5, &good);
	target.busy_chance = 1000;
	full_ms = 0;
	for (unsigned round = 0; full_ms == 0; round++) {
		TG_CHECK(round < 50);
		change(1000);
		summary = sync_with(&options);
	}
	uint64_t took_ms = tg_clock_now().mono_ms - full_ms;
	TG_CHECK(!summary.undelivered && summary.source_why.err == 0);
	TG_CHECK(summary.delivered > 1000);
	/* A batch of 17 rows takes a millisecond or two here; waiting made nine of them. */
	TG_CHECK(took_ms < 4 * (summary.delivered / 17));
	store_bytes_max = 32 << 20;
	end_world();
}

/* --- a wanted pass in pieces --- */

/* Goal: a full pass that was asked for is gone on with by the next run: no row is sent again twice.
 * Method: each run is too short for both tables. */
TG_TEST(agent_goes_on_with_a_wanted_pass_in_the_next_run)
{
	struct tg_sim_faults good = { .delay_ms_max = 3 };
	struct tg_sync_options options = { .wait_ms = 60000 };
	struct tg_sync_summary summary;
	uint64_t all;

	begin_world(3, &good);
	change(3000);
	summary = sync_with(&options);
	all = summary.rows_read;
	TG_CHECK(all > 300 && !summary.undelivered);
	ask_for_pass(TG_STREAM_FULL_PASS | TG_STREAM_RESEND);
	for (unsigned run = 0; run < 5; run++) {
		stop_ms = tg_clock_now().mono_ms + RUN_MS;
		TG_CHECK(sync_with(&options).stopped);
	}
	stop_ms = UINT64_MAX;
	summary = sync_with(&options);
	TG_CHECK(!summary.undelivered && summary.streams_failed == 0);
	TG_CHECK_INT(target.lines, 2 * all); /* no row came a third time */
	end_world();
}
