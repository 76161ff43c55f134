/* agent_world.h - what the simulated tests of the whole agent share: a plant, a target, and the
 * agent between them with its store on the real disk. Included once in each test program.
 */
#ifndef TG_TESTS_SIM_AGENT_WORLD_H
#define TG_TESTS_SIM_AGENT_WORLD_H

#include "tests/check.h"

#include <unistd.h>

#include "app/cli/host.h"
#include "app/crc32c.h"
#include "drivers/json/json.h"
#include "drivers/registry.h"
#include "platform/clock.h"
#include "platform/crypto.h"
#include "platform/file.h"
#include "platform/log.h"
#include "platform/loop.h"
#include "tests/sim/raven.h"

enum { STATE_BYTES = 1 << 20 };

static struct tg_plant plant;
static struct tg_target target;
static struct tg_agent agent;
static struct tg_config config;
static struct tg_arena arena;
static uint8_t memory[48 << 20];
static char folder[64];
static bool raven;               /* the target is a RavenDB, not an endpoint */
static const char *reading = ""; /* more members of the source, each behind a comma */
static uint64_t seed_now, store_bytes_max = 32 << 20;

#define SEED_CHECK(condition)                                                               \
	do {                                                                                \
		if (!(condition))                                                           \
			TG_FAIL("seed %llu: %s; this program repeats it with TG_SEED=%llu", \
				(unsigned long long)seed_now, #condition,                   \
				(unsigned long long)seed_now);                              \
	} while (0)

/* --- the configuration --- */

static inline const struct tg_json *parse(const char *text)
{
	const struct tg_json *json;
	struct tg_why why;

	if (tg_json_parse(tg_view_str(text), &arena, &json, &why) < 0)
		TG_FAIL("%s", why.text);
	return json;
}

static inline void configure_source(struct tg_problems *problems)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "{\"name\":\"r\",\"type\":\"rethinkdb\",\"host\":\"plant.example\",\"database\":"
		 "\"plant\",\"username\":\"agent\",\"password\":\"correct horse\","
		 "\"delete_when_empty\":true%s}",
		 reading);
	config.source_count = 1;
	config.sources[0] = (struct tg_config_source){ .name = "r", .ops = tg_drivers.sources[0] };
	config.sources[0].state = tg_arena_take(&arena, STATE_BYTES);
	memset(config.sources[0].state, 0, STATE_BYTES);
	config.sources[0].ops->configure(config.sources[0].state, parse(text), problems);
}

static inline void configure_sink(struct tg_problems *problems)
{
	config.sink_count = 1;
	config.sinks[0] = (struct tg_config_sink){
		.name = "up",
		.ops = tg_registry_sink(&tg_drivers, raven ? "ravendb" : "https"),
		.streams = tg_view_of("*", 2),
		.shape = TG_SHAPE_DOCUMENT
	};
	config.sinks[0].state = tg_arena_take(&arena, STATE_BYTES);
	memset(config.sinks[0].state, 0, STATE_BYTES);
	config.sinks[0].ops->configure(
		config.sinks[0].state,
		parse(raven ? "{\"name\":\"up\",\"type\":\"ravendb\",\"ravendb_urls\":\"http://"
			      "target.example\",\"database_name\":\"d\",\"allow_plain\":true,"
			      "\"batch_records\":17,\"batch_bytes\":4096}"
			    : "{\"name\":\"up\",\"type\":\"https\",\"url\":\"http://target.example/"
			      "in\",\"allow_plain\":true,\"batch_records\":17,"
			      "\"batch_bytes\":4096}"),
		problems);
}

static inline void configure(void)
{
	static struct tg_problems problems;

	memset(&problems, 0, sizeof(problems));
	memset(&config, 0, sizeof(config));
	snprintf(config.name, sizeof(config.name), "sim");
	snprintf(config.store_path, sizeof(config.store_path), "%s", folder);
	config.store_bytes_max = store_bytes_max;
	configure_source(&problems);
	configure_sink(&problems);
	if (problems.count > 0)
		TG_FAIL("%s", problems.text[0]);
}

/* --- the world --- */

static inline void start_world(uint64_t seed, const struct tg_sim_faults *faults)
{
	seed_now = seed;
	tg_sim_start(seed, faults);
	memset(&plant, 0, sizeof(plant));
	memset(&target, 0, sizeof(target));
	plant.batch_rows = 5;
	snprintf(folder, sizeof(folder), "/tmp/tidegate-sim-XXXXXX");
	TG_CHECK(mkdtemp(folder) != NULL);
	tg_plant_listen(&plant);
	if (raven)
		tg_raven_listen(&target);
	else
		tg_target_listen(&target);
}

static inline void end_world(void)
{
	char command[128];

	tg_sim_stop();
	snprintf(command, sizeof(command), "rm -r %s", folder);
	TG_CHECK_INT(system(command), 0);
}

/* A new process. */
static inline void boot(void)
{
	struct tg_agent_parts parts = { .config = &config,
					.registry = &tg_drivers,
					.host = &tg_host_machine,
					.arena = &arena };
	struct tg_why why;

	tg_arena_init(&arena, memory, sizeof(memory));
	configure();
	if (tg_agent_boot(&agent, &parts, &why) < 0)
		TG_FAIL("seed %llu: %s", (unsigned long long)seed_now, why.text);
}

/* What TG_SEED says is repeated alone, and told more of. */
static inline void begin_ring(void)
{
	tg_crc32c_init();
	tg_log_setup(getenv("TG_SEED") != NULL ? TG_LOG_INFO : TG_LOG_ERROR, false);
}

/* As `tidegate resync` does it, for both tables; TG_STREAM_FULL_PASS and more flags. */
static inline void ask_for_pass(uint32_t flags)
{
	struct tg_stream_open *open;

	boot();
	for (uint32_t table = 0; table < TG_PLANT_TABLES; table++) {
		char name[] = "r/plant/t0";
		name[9] = (char)('0' + table);
		TG_CHECK_INT(tg_outbox_stream_open(&agent.box, tg_view_str(name), "rethinkdb",
						   &open),
			     0);
		open->row.flags |= flags;
		open->row.flags &= ~(uint32_t)TG_STREAM_BEGUN;
		tg_outbox_touch(&agent.box, open);
		TG_CHECK_INT(tg_outbox_commit(&agent.box, tg_clock_now().mono_ms, NULL), 0);
		tg_outbox_stream_close(&agent.box, open);
	}
	tg_agent_close(&agent);
}

static inline void check_equal(void)
{
	for (uint32_t table = 0; table < TG_PLANT_TABLES; table++)
		for (uint32_t row = 0; row < TG_PLANT_ROWS_MAX; row++)
			if (plant.version[table][row] != target.version[table][row])
				fprintf(stderr, "t%u row %u: plant %u, target %u\n", table, row,
					plant.version[table][row], target.version[table][row]);
	SEED_CHECK(memcmp(plant.version, target.version, sizeof(plant.version)) == 0);
}

static inline void check_summary(const struct tg_sync_summary *last)
{
	if (last->stopped || last->source_why.err != 0 || last->undelivered)
		fprintf(stderr, "stopped %d, source: %d %s, sink: %d %s, store: %d\n",
			last->stopped, last->source_why.err, last->source_why.text,
			last->sink_why.err, last->sink_why.text, last->store_why.err);
	SEED_CHECK(last->source_why.err == 0 && !last->undelivered && last->streams_failed == 0);
}

/* A network as hostile as the seed says. */
static inline struct tg_sim_faults draw_faults(void)
{
	return (struct tg_sim_faults){
		.delay_ms_max = (uint32_t)tg_sim_draw(60),
		.piece_bytes_max = (uint32_t)(tg_sim_draw(3) == 0 ? tg_sim_draw(40) : 0),
		.refuse_chance = (uint32_t)tg_sim_draw(150),
		.unanswered_chance = (uint32_t)tg_sim_draw(50),
		.cut_chance = (uint32_t)tg_sim_draw(400),
		.stall_chance = (uint32_t)tg_sim_draw(100),
		.fault_bytes_max = 1 + (uint32_t)tg_sim_draw(60000),
	};
}

#endif
