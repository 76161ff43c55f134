#include "app/cli/cli.h"

#include <stdio.h>

#include "app/cli/config.h"
#include "platform/assert.h"

/* The file's tree lies at the far end of the boot memory, where the agent's buffers come later. */
static void split_boot(struct tg_cli *cli, struct tg_arena *scratch)
{
	TG_ASSERT(cli->boot.cap >= TG_CONFIG_KEPT_BYTES + TG_CONFIG_SCRATCH_BYTES);
	cli->boot.cap -= TG_CONFIG_SCRATCH_BYTES;
	tg_arena_init(scratch, cli->boot.at + cli->boot.cap, TG_CONFIG_SCRATCH_BYTES);
}

static void set_log(const struct tg_cli *cli)
{
	enum tg_log_level level = cli->config.log_level;
	bool json = cli->config.log_json;

	if (cli->args.log_level != NULL)
		level = (enum tg_log_level)tg_args_choice(tg_log_levels, cli->args.log_level);
	if (cli->args.log_format != NULL)
		json = tg_args_choice(tg_log_formats, cli->args.log_format) == 1;
	tg_log_setup(level, json);
}

static int take_store_path(struct tg_cli *cli)
{
	const char *path = cli->args.store;

	if (strlen(path) < TG_CONFIG_PATH_BYTES) {
		memcpy(cli->config.store_path, path, strlen(path) + 1);
		return TG_OK;
	}
	tg_problem(&cli->problems, NULL, "--store", "is longer than %d bytes",
		   TG_CONFIG_PATH_BYTES - 1);
	return TG_ERR_CONFIG;
}

static int load_file(struct tg_cli *cli, enum tg_need need)
{
	const struct tg_args *args = &cli->args;
	struct tg_arena scratch;
	const struct tg_config_job job = {
		.file = args->config,
		.flat = args->rethinkdb != NULL ? args->rethinkdb : args->ravendb,
		.flat_type = args->rethinkdb != NULL ? "rethinkdb" : "ravendb",
		.to = args->to,
		.store = args->store,
		.store_only = need == TG_NEED_STORE,
		.registry = cli->registry,
		.kept = &cli->boot,
		.scratch = &scratch,
	};

	split_boot(cli, &scratch);
	int rc = tg_config_load(&job, &cli->config, &cli->problems);
	cli->boot.cap += TG_CONFIG_SCRATCH_BYTES;
	return rc;
}

int tg_cli_configure(struct tg_cli *cli, enum tg_need need)
{
	int rc = TG_OK;

	cli->config = (struct tg_config){ .log_level = TG_LOG_INFO };
	if (need == TG_NEED_STORE && cli->args.config == NULL)
		rc = take_store_path(cli);
	else if (need != TG_NEED_NOTHING)
		rc = load_file(cli, need);
	set_log(cli);
	return rc;
}

int tg_cli_refuse(const struct tg_cli *cli)
{
	uint32_t count = cli->problems.count;

	for (uint32_t i = 0; i < count && i < TG_PROBLEMS_MAX; i++)
		fprintf(stderr, "tidegate: %s\n", cli->problems.text[i]);
	if (count > TG_PROBLEMS_MAX)
		fprintf(stderr, "tidegate: and %u more\n", count - TG_PROBLEMS_MAX);
	return TG_EXIT_USAGE;
}

int tg_cli_fail(const struct tg_cli *cli, enum tg_origin origin)
{
	fprintf(stderr, "tidegate: %s\n", cli->why.text);
	return tg_exit_code(origin, cli->why.err);
}

int tg_cli_done(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	fprintf(stderr, "tidegate: standard output cannot be written\n");
	return code == TG_EXIT_OK ? TG_EXIT_DISK : code;
}
