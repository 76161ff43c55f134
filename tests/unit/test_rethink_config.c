/* The seed's flat file and ours, and every fault at once. */
#include "drivers/rethink/config.h"

#include "tests/unit/config_rig.h"

static struct tg_rethink_config config;

static void read(const char *text)
{
	tg_rethink_config_read(&config, parse(text), &problems);
}

static bool takes(const char *table)
{
	return tg_rethink_takes(&config, tg_view_str(table));
}

TG_TEST(rethink_config_reads_the_seeds_flat_file)
{
	read("{\"host\":\"db.plant\",\"port\":\"28016\",\"database\":\"plant\",\"username\":\"\","
	     "\"password\":\"\",\"use_ssl\":\"False\"}");
	TG_CHECK_INT(problems.count, 0);
	TG_CHECK_STR(config.peer, "db.plant:28016");
	TG_CHECK_STR(config.user, "admin");
	TG_CHECK(config.target.tls == NULL);
	TG_CHECK_INT(config.rule.mode, TG_MODE_SNAPSHOT);
	TG_CHECK_INT(config.batch_bytes, CONFIG_TG_RETHINK_BATCH_BYTES);
	TG_CHECK_INT(config.overlap_ms, 60000);
	TG_CHECK(takes("readings"));
}

TG_TEST(rethink_config_reads_ours)
{
	read("{\"name\":\"r\",\"type\":\"rethinkdb\",\"host\":\"::1\",\"database\":\"plant\","
	     "\"tables\":[\"*\",\"!tmp_*\",\"tmp_keep\"],\"mode\":\"auto\",\"full_pass_hours\":2,"
	     "\"timestamp_field\":\"at\",\"rows_per_second_max\":500,\"answer_seconds\":7,"
	     "\"delete_when_empty\":true,"
	     "\"table\":{\"$comment\":1,\"readings\":{\"mode\":\"timestamp\","
	     "\"timestamp_field\":\"ts\"},\"sites\":{\"mode\":\"snapshot\"}}}");
	TG_CHECK_INT(problems.count, 0);
	TG_CHECK_INT(config.target.port, 28015);
	TG_CHECK(takes("a") && takes("tmp_keep") && !takes("tmp_x"));
	TG_CHECK_INT(config.full_pass_ms, 2 * 3600 * 1000);
	TG_CHECK_INT(config.answer_ms_max, 7000);
	TG_CHECK_INT(config.rows_per_second_max, 500);
	TG_CHECK(config.delete_when_empty && !config.delete_when_recreated);
	const struct tg_rethink_rule *rule = tg_rethink_rule_of(&config, tg_view_str("readings"));
	TG_CHECK_INT(rule->mode, TG_MODE_TIMESTAMP);
	TG_CHECK_STR(rule->field, "ts");
	rule = tg_rethink_rule_of(&config, tg_view_str("sites"));
	TG_CHECK_INT(rule->mode, TG_MODE_SNAPSHOT);
	TG_CHECK_STR(rule->field, "at");
	TG_CHECK_INT(tg_rethink_rule_of(&config, tg_view_str("other"))->mode, TG_MODE_AUTO);
}

static void told(const char *sentence)
{
	for (uint32_t i = 0; i < problems.count; i++)
		if (strcmp(problems.text[i], sentence) == 0)
			return;
	for (uint32_t i = 0; i < problems.count; i++)
		fprintf(stderr, "  %s\n", problems.text[i]);
	TG_FAIL("not told: %s", sentence);
}

TG_TEST(rethink_config_tells_all_faults_at_once)
{
	read("{\"port\":70000,\"database\":\"no/"
	     "name\",\"use_ssl\":7,\"tables\":[],\"mode\":\"fast\","
	     "\"tabels\":1,\"overlap_seconds\":-1,\"table\":{\"a\":{\"mod\":\"auto\"},\"b\":1},"
	     "\"ca_file\":\"/x\",\"password\":{\"$env\":\"TG_TEST_NOT_SET\"}}");
	told("host: is missing");
	told("port: 70000 is not allowed (1 to 65535)");
	told("database: a database's name is letters, digits, _ and -");
	told("use_ssl: must be true or false, not a number");
	told("tables: must be an array of patterns");
	told("mode: must be one of: snapshot, timestamp, auto");
	told("tabels: unknown member; did you mean tables?");
	told("overlap_seconds: -1 is not allowed (0 to 31622400)");
	told("table.a.mod: unknown member; did you mean mode?");
	told("table.b: must be a table's name with an object of settings");
	told("use_ssl: certificates are given, but TLS is off; set it to true");
	told("password: the environment variable TG_TEST_NOT_SET is not set");
	TG_CHECK_INT(problems.count, 12);
}

TG_TEST(rethink_config_bounds_patterns_and_rules)
{
	static char text[16384];
	size_t used =
		(size_t)sprintf(text, "{\"host\":\"h\",\"database\":\"d\",\"table\":{\"$x\":1");

	for (int i = 0; i < CONFIG_TG_RETHINK_TABLE_RULES_MAX + 1; i++)
		used += (size_t)sprintf(text + used, ",\"t%d\":{}", i);
	used += (size_t)sprintf(text + used, "},\"tables\":[\"!\"");
	for (int i = 0; i < 40; i++)
		used += (size_t)sprintf(text + used, ",\"%030d\"", i);
	sprintf(text + used, "]}");
	read(text);
	TG_CHECK_INT(config.rule_count, CONFIG_TG_RETHINK_TABLE_RULES_MAX);
	TG_CHECK(config.patterns_bytes <= TG_RETHINK_PATTERNS_BYTES);
	TG_CHECK(problems.count >= 3);
	told("tables[0]: must be a pattern such as \"*\" or \"!tmp_*\"");
}
