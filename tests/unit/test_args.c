#include "app/cli/cli.h"

#include "tests/check.h"

static struct tg_args args;
static struct tg_why why;

static int parse(const char *line)
{
	static char text[512];
	const char *words[32];
	int count = 0;

	snprintf(text, sizeof(text), "%s", line);
	for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
		words[count++] = word;
	return tg_args_parse(&args, count, words, &why);
}

static void refused(const char *line, const char *sentence)
{
	if (parse(line) != TG_ERR_CONFIG)
		TG_FAIL("accepted: %s", line);
	if (strstr(why.text, sentence) == NULL)
		TG_FAIL("%s: \"%s\", not \"%s\"", line, why.text, sentence);
}

TG_TEST(args_seeds_way_is_taken)
{
	TG_CHECK_INT(parse("sync --rethinkdb configuration.json --to out"), TG_OK);
	TG_CHECK_STR(args.command->name, "sync");
	TG_CHECK_STR(args.rethinkdb, "configuration.json");
	TG_CHECK(args.ravendb == NULL);
	TG_CHECK_STR(args.to, "out");
	TG_CHECK_INT(args.wait_s, 60);
	TG_CHECK(!args.json);
	TG_CHECK_INT(parse("sync --rethinkdb c --to - --json --wait=5 --log-format json"), TG_OK);
	TG_CHECK_STR(args.to, "-");
	TG_CHECK(args.json);
	TG_CHECK_INT(args.wait_s, 5);
	TG_CHECK_STR(args.log_format, "json");
	TG_CHECK_INT(parse("sync --ravendb configuration.json --to out"), TG_OK);
	TG_CHECK_STR(args.ravendb, "configuration.json");
	TG_CHECK(args.rethinkdb == NULL);
}

TG_TEST(args_two_word_commands_and_operands)
{
	TG_CHECK_INT(parse("outbox stat --store s"), TG_OK);
	TG_CHECK_STR(args.command->name, "outbox stat");
	TG_CHECK_INT(parse("quarantine replay --store s 12"), TG_OK);
	TG_CHECK_STR(args.operand, "12");
	TG_CHECK_INT(parse("quarantine replay --all --store s"), TG_OK);
	TG_CHECK(args.all);
	TG_CHECK_INT(parse("sink forget old --config c"), TG_OK);
	TG_CHECK_STR(args.operand, "old");
}

TG_TEST(args_help_needs_nothing_else)
{
	TG_CHECK_INT(parse(""), TG_OK);
	TG_CHECK_STR(args.command->name, "help");
	TG_CHECK_INT(parse("--help"), TG_OK);
	TG_CHECK_STR(args.command->name, "help");
	TG_CHECK_INT(parse("sync --help"), TG_OK);
	TG_CHECK(args.help);
	TG_CHECK_INT(parse("help sync"), TG_OK);
	TG_CHECK_STR(args.operand, "sync");
}

TG_TEST(args_refusals_name_the_nearest)
{
	refused("snyc", "did you mean sync?");
	refused("frobnicate", "`tidegate help` lists them");
	refused("outbox", "wants one of these behind it: stat, list, show, verify");
	refused("sync --config c --jsno", "did you mean --json?");
	refused("status --store s --wait 3", "`tidegate status` takes no --wait");
	refused("sync --rethinkdb c --to o --frobnicate", "`tidegate help sync` lists");
}

TG_TEST(args_refusals_say_what_is_missing)
{
	refused("sync", "wants --config FILE, or --rethinkdb FILE and --to TARGET");
	refused("sync", "or --ravendb FILE and --to TARGET");
	refused("sync --rethinkdb c", "--rethinkdb says where from; --to says where to");
	refused("sync --ravendb c", "--ravendb says where from; --to says where to");
	refused("sync --rethinkdb c --ravendb c --to o", "either --rethinkdb or --ravendb");
	refused("sync --config c --ravendb c", "--config stands alone");
	refused("sync --config c --to out", "--config stands alone");
	refused("status", "wants --store DIR or --config FILE");
	refused("resync --store s", "wants a STREAM");
	refused("quarantine discard --store s", "wants an ID, or --all");
	refused("quarantine discard --store s --all 3", "either 3 or --all");
	refused("resync a b --store s", "takes one STREAM");
	refused("sync --config", "wants a FILE behind it");
	refused("sync --config=", "wants a FILE, not nothing");
	refused("sync --config c --wait x", "--wait takes seconds");
	refused("sync --config c --wait 99999", "--wait takes seconds");
	refused("sync --config c --wait 0", "--wait takes seconds");
	refused("sync --config c --json=1", "takes no value");
	refused("sync --config c --log-level loud", "--log-level takes error|warning|info|debug");
	refused("version now", "takes no now");
}

TG_TEST(args_check_needs_no_target)
{
	TG_CHECK_INT(parse("check --rethinkdb c"), TG_OK);
	TG_CHECK_INT(parse("check --ravendb c"), TG_OK);
	TG_CHECK_INT(parse("discover --rethinkdb c --json"), TG_OK);
}
