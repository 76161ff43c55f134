#include "app/cli/config.h"

#include <unistd.h>

#include "app/pattern.h"
#include "tests/check.h"

/* --- drivers that only read their members --- */

struct fake {
	char host[64];
	char password[64];
	int64_t port;
};

static void fake_configure(void *state, const struct tg_json *config, struct tg_problems *problems)
{
	static const char *const members[] = { "name",
					       "type",
					       "host",
					       "port",
					       "database",
					       "username",
					       "password",
					       "use_ssl",
					       "path",
					       "url",
					       "streams",
					       "shape",
					       "from",
					       "columns",
					       "ravendb_urls",
					       "database_name",
					       "collection_name",
					       "batch_size",
					       "certificate_base64",
					       NULL };
	struct fake *fake = state;
	const struct tg_json_rule port = {
		.name = "port", .lenient = true, .min = 1, .max = 65535
	};

	TG_CHECK(fake->host[0] == '\0');
	tg_json_only(config, members, problems);
	tg_json_take_text(config,
			  &(struct tg_json_rule){ .name = "host", .cap = sizeof(fake->host) },
			  fake->host, problems);
	tg_json_take_secret(
		config, &(struct tg_json_rule){ .name = "password", .cap = sizeof(fake->password) },
		fake->password, problems);
	tg_json_take_int(config, &port, &fake->port, problems);
}

static const struct tg_source_ops fake_source = { .type = "rethinkdb",
						  .state_bytes = sizeof(struct fake),
						  .configure = fake_configure };
static const struct tg_source_ops fake_raven = { .type = "ravendb",
						 .state_bytes = sizeof(struct fake),
						 .configure = fake_configure };
static const struct tg_sink_ops fake_file = { .type = "file",
					      .state_bytes = sizeof(struct fake),
					      .configure = fake_configure };
static const struct tg_sink_ops fake_https = { .type = "https",
					       .state_bytes = sizeof(struct fake),
					       .configure = fake_configure };
static const struct tg_source_ops *const fake_sources[] = { &fake_source, &fake_raven, NULL };
static const struct tg_sink_ops *const fake_sinks[] = { &fake_file, &fake_https, NULL };
static const struct tg_registry registry = { fake_sources, fake_sinks };

/* --- one load --- */

static max_align_t kept_at[64 * 1024], scratch_at[TG_CONFIG_SCRATCH_BYTES / sizeof(max_align_t)];
static struct tg_config config;
static struct tg_problems problems;
static char path[] = "/tmp/tidegate-config-XXXXXX";

static void write_file(const char *text)
{
	memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
	int fd = mkstemp(path);

	TG_CHECK(fd >= 0);
	TG_CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static int load(struct tg_config_job job)
{
	struct tg_arena kept, scratch;

	memset(kept_at, 0, sizeof(kept_at));
	tg_arena_init(&kept, kept_at, sizeof(kept_at));
	tg_arena_init(&scratch, scratch_at, sizeof(scratch_at));
	job.registry = job.registry != NULL ? job.registry : &registry;
	job.kept = &kept;
	job.scratch = &scratch;
	int rc = tg_config_load(&job, &config, &problems);
	unlink(path);
	return rc;
}

static int load_text(const char *text)
{
	write_file(text);
	return load((struct tg_config_job){ .file = path });
}

static bool has_problem(const char *text)
{
	for (uint32_t i = 0; i < problems.count && i < TG_PROBLEMS_MAX; i++)
		if (strstr(problems.text[i], text) != NULL)
			return true;
	return false;
}

#define SOURCE "\"sources\":[{\"name\":\"db\",\"type\":\"rethinkdb\",\"host\":\"h\"}]"
#define SINK   "\"sinks\":[{\"name\":\"files\",\"type\":\"file\",\"path\":\"/out\"}]"
#define STORE  "\"store\":{\"path\":\"/s\"}"

TG_TEST(config_smallest_file_gets_the_defaults)
{
	TG_CHECK_INT(load_text("{\"name\":\"plant-7\"," STORE "," SOURCE "," SINK "}"), TG_OK);
	TG_CHECK_STR(config.name, "plant-7");
	TG_CHECK_STR(config.store_path, "/s");
	TG_CHECK_INT(config.store_bytes_max, 1 << 30);
	TG_CHECK_INT(config.log_level, TG_LOG_INFO);
	TG_CHECK_INT(config.source_count, 1);
	TG_CHECK_STR(config.sources[0].name, "db");
	TG_CHECK_STR(((struct fake *)config.sources[0].state)->host, "h");
	TG_CHECK_INT(config.sink_count, 1);
	TG_CHECK_INT(config.sinks[0].shape, TG_SHAPE_COLUMNS);
	TG_CHECK(!config.sinks[0].from_now);
	TG_CHECK(tg_patterns_take(config.sinks[0].streams, tg_view_str("db/plant/readings")));
	TG_CHECK_INT(config.sinks[0].columns.count, 0);
}

TG_TEST(config_members_are_taken_as_written)
{
	TG_CHECK_INT(load_text("{\"name\":\"a\",\"store\":{\"path\":\"s\",\"bytes_max\":8388608,"
			       "\"when_full\":\"stop\"},\"log\":{\"level\":\"warning\",\"format\":"
			       "\"json\"}," SOURCE ",\"sinks\":[{\"name\":\"f\",\"type\":\"file\","
			       "\"streams\":[\"*\",\"!*/tmp_*\"],\"shape\":\"document\",\"from\":"
			       "\"now\",\"columns\":{\"*/staff\":{\"leave_out\":[\"a\\\"b\"],"
			       "\"only\":[\"id\",\"x\"],\"mask\":[\"x\"]}}}]}"),
		     TG_OK);
	const struct tg_config_sink *sink = &config.sinks[0];
	static const char spec[] = "-a\\\"b\0+id\0+x\0*x";
	TG_CHECK_INT(config.store_bytes_max, 8388608);
	TG_CHECK_INT(config.log_level, TG_LOG_WARNING);
	TG_CHECK(config.log_json);
	TG_CHECK_INT(sink->shape, TG_SHAPE_DOCUMENT);
	TG_CHECK(sink->from_now);
	TG_CHECK(!tg_patterns_take(sink->streams, tg_view_str("db/plant/tmp_1")));
	TG_CHECK_INT(sink->columns.count, 1);
	TG_CHECK_STR(sink->columns.at[0].pattern, "*/staff");
	TG_CHECK_BYTES(sink->columns.at[0].spec.at, sink->columns.at[0].spec.bytes, spec,
		       sizeof(spec));
}

TG_TEST(config_every_fault_is_reported_at_once)
{
	TG_CHECK_INT(
		load_text("{\"nmae\":\"a\",\"store\":{\"bytes_max\":\"1\",\"when_full\":\"drop\"},"
			  "\"log\":[],\"sources\":[{\"name\":\"d b\",\"type\":\"mysql\"}],"
			  "\"sinks\":[{\"type\":\"file\",\"port\":70000,\"streams\":[],\"shape\":1,"
			  "\"columns\":{\"*\":{\"hide\":[]}}},7]}"),
		TG_ERR_CONFIG);
	TG_CHECK(has_problem("nmae: unknown member; did you mean name?"));
	TG_CHECK(has_problem("name: is missing"));
	TG_CHECK(has_problem("store.path: is missing"));
	TG_CHECK(has_problem("store.bytes_max: must be a whole number"));
	TG_CHECK(has_problem("store.when_full: must be one of: stop"));
	TG_CHECK(has_problem("log: must be an object"));
	TG_CHECK(has_problem("sources[0].type: this build knows: rethinkdb"));
	TG_CHECK(has_problem("sources[0].name: may hold letters"));
	TG_CHECK(has_problem("sinks[0].port: 70000 is not allowed"));
	TG_CHECK(has_problem("sinks[0].name: is missing"));
	TG_CHECK(has_problem("sinks[0].streams: must name something"));
	TG_CHECK(has_problem("sinks[0].shape: must be one of: columns, document"));
	TG_CHECK(has_problem("sinks[0].columns.*.hide: unknown member"));
	TG_CHECK(has_problem("sinks[1]: must be an object"));
	TG_CHECK_INT(problems.count, 14);
}

TG_TEST(config_names_are_unique_and_lists_bounded)
{
	char text[4096] = "{\"name\":\"a\"," STORE "," SOURCE ",\"sinks\":[";

	for (int i = 0; i <= CONFIG_TG_SINKS_MAX; i++)
		strcat(text, i == 0 ? "{\"name\":\"f\",\"type\":\"file\"}"
				    : ",{\"name\":\"f\",\"type\":\"file\"}");
	strcat(text, "]}");
	TG_CHECK_INT(load_text(text), TG_ERR_CONFIG);
	TG_CHECK(has_problem("sinks[1].name: another sink has this name"));
	TG_CHECK(has_problem("this build takes"));
	TG_CHECK_INT(config.sink_count, CONFIG_TG_SINKS_MAX);
}

TG_TEST(config_sinks_share_no_folder)
{
	TG_CHECK_INT(load_text("{\"name\":\"a\"," STORE "," SOURCE ",\"sinks\":["
			       "{\"name\":\"f\",\"type\":\"file\",\"path\":\"/tmp/x\"},"
			       "{\"name\":\"g\",\"type\":\"file\",\"path\":\"/tmp/y\"},"
			       "{\"name\":\"h\",\"type\":\"file\",\"path\":\"/tmp/x\"}]}"),
		     TG_ERR_CONFIG);
	TG_CHECK(has_problem("sinks[2].path: another sink writes there"));
	TG_CHECK_INT(problems.count, 1);
}

TG_TEST(config_columns_of_one_sink_are_bounded)
{
	char text[4096] = "{\"name\":\"a\"," STORE "," SOURCE
			  ",\"sinks\":[{\"name\":\"f\",\"type\":\"file\",\"columns\":{";
	char name[520];

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	size_t used = strlen(text);
	snprintf(text + used, sizeof(text) - used,
		 "\"a\":{\"mask\":[\"%s\"]},\"b\":{\"mask\":[\"%s\"]}}}]}", name, name);
	TG_CHECK_INT(load_text(text), TG_ERR_CONFIG);
	TG_CHECK(has_problem("sinks[0].columns.b.mask[0]: the columns of one sink have more"));
	TG_CHECK_INT(problems.count, 1);
}

TG_TEST(config_unreadable_files_are_named)
{
	TG_CHECK_INT(load((struct tg_config_job){ .file = "/tmp/tidegate-none" }), TG_ERR_CONFIG);
	TG_CHECK_STR(problems.text[0], "/tmp/tidegate-none: there is no such file");
	TG_CHECK_INT(load_text("{\"name\":}"), TG_ERR_CONFIG);
	TG_CHECK(has_problem("line 1, column 9"));
	TG_CHECK_INT(load_text("[]"), TG_ERR_CONFIG);
	TG_CHECK(has_problem("must hold one JSON object"));
	static char large[CONFIG_TG_CONFIG_BYTES_MAX + 2];
	memset(large, ' ', sizeof(large) - 1);
	TG_CHECK_INT(load_text(large), TG_ERR_CONFIG);
	TG_CHECK(has_problem("larger than this build reads"));
}

TG_TEST(config_looking_at_the_store_needs_no_secrets)
{
	write_file("{\"name\":\"a\"," STORE ",\"sources\":[{\"name\":\"db\",\"type\":\"rethinkdb\","
		   "\"password\":{\"$env\":\"TG_NO_SUCH_VARIABLE\"}}]}");
	TG_CHECK_INT(load((struct tg_config_job){ .file = path, .store_only = true }), TG_OK);
	TG_CHECK_STR(config.store_path, "/s");
}

/* --- the seed's file --- */

#define FLAT                                                                                  \
	"{\"host\":\"10.0.0.7\",\"port\":\"28015\",\"database\":\"plant\",\"username\":\"\"," \
	"\"password\":\"\",\"use_ssl\":\"false\"}"

static int load_flat(const char *text, const char *to, const char *store)
{
	write_file(text);
	return load((struct tg_config_job){
		.flat = path, .flat_type = "rethinkdb", .to = to, .store = store });
}

static int load_raven(const char *text)
{
	write_file(text);
	return load((struct tg_config_job){ .flat = path, .flat_type = "ravendb", .to = "/out" });
}

TG_TEST(config_seeds_file_is_taken_unchanged)
{
	TG_CHECK_INT(load_flat(FLAT, "/out", NULL), TG_OK);
	TG_CHECK_STR(config.sources[0].name, "rethinkdb");
	TG_CHECK_INT(((struct fake *)config.sources[0].state)->port, 28015);
	TG_CHECK_STR(config.sinks[0].name, "files");
	TG_CHECK(config.sinks[0].ops == &fake_file);
	TG_CHECK_STR(config.store_path, "/out/.tidegate");
	TG_CHECK_INT(load_flat(FLAT, "-", NULL), TG_OK);
	TG_CHECK_STR(config.sinks[0].name, "stdout");
	TG_CHECK_STR(config.store_path, "tidegate-store");
	TG_CHECK_INT(load_flat(FLAT, "https://h/in", "/st"), TG_OK);
	TG_CHECK(config.sinks[0].ops == &fake_https);
	TG_CHECK_STR(config.store_path, "/st");
	TG_CHECK_INT(load_flat(FLAT, NULL, NULL), TG_OK);
	TG_CHECK_INT(config.sink_count, 0);
}

TG_TEST(config_seeds_file_is_checked_as_the_seed_has_it)
{
	TG_CHECK_INT(load_flat("{\"hots\":\"h\",\"port\":\"28015\"}", "/out", NULL), TG_ERR_CONFIG);
	TG_CHECK(has_problem("hots: unknown member; did you mean host?"));
	TG_CHECK(has_problem("database: is missing"));
	TG_CHECK_INT(load_flat("{\"host\":\"h\",\"port\":\"x\",\"database\":\"d\"}", "/out", NULL),
		     TG_ERR_CONFIG);
	TG_CHECK(has_problem("port: is not a whole number"));
}

TG_TEST(config_seeds_ravendb_file_is_taken_unchanged)
{
	TG_CHECK_INT(load_raven("{\"ravendb_urls\":\"https://a,https://b\",\"database_name\":\"d\","
				"\"collection_name\":\"Orders\",\"batch_size\":\"100\","
				"\"certificate_base64\":\"eA==\"}"),
		     TG_OK);
	TG_CHECK_STR(config.sources[0].name, "ravendb");
	TG_CHECK(config.sources[0].ops == &fake_raven);
	TG_CHECK_STR(config.sinks[0].name, "files");
	TG_CHECK_INT(load_raven("{\"ravendb_url\":\"https://a\",\"mode\":\"exact\"}"),
		     TG_ERR_CONFIG);
	TG_CHECK(has_problem("ravendb_url: unknown member; did you mean ravendb_urls?"));
	TG_CHECK(has_problem("mode: unknown member"));
	TG_CHECK(has_problem("ravendb_urls: is missing"));
	TG_CHECK(has_problem("database_name: is missing"));
}

TG_TEST(config_a_build_without_the_source_says_so)
{
	static const struct tg_source_ops *const one[] = { &fake_source, NULL };
	static const struct tg_registry poor = { one, fake_sinks };

	write_file("{\"ravendb_urls\":\"https://a\",\"database_name\":\"d\"}");
	TG_CHECK_INT(
		load((struct tg_config_job){
			.flat = path, .flat_type = "ravendb", .to = "/out", .registry = &poor }),
		TG_ERR_CONFIG);
	TG_CHECK(has_problem("this build has no source of type ravendb"));
}
