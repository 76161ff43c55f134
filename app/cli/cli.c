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

int tg_cli_configure(struct tg_cli *cli, enum tg_need need)
{
	const struct tg_args *args = &cli->args;
	struct tg_arena scratch;
	int rc = TG_OK;

	cli->config = (struct tg_config){ .log_level = TG_LOG_INFO };
	if (need == TG_NEED_STORE && args->config == NULL) {
		snprintf(cli->config.store_path, sizeof(cli->config.store_path), "%s", args->store);
	} else if (need != TG_NEED_NOTHING) {
		split_boot(cli, &scratch);
		struct tg_config_job job = {
			.file = args->config,
			.flat = args->flat,
			.to = args->to,
			.store = args->store,
			.store_only = need == TG_NEED_STORE,
			.registry = cli->registry,
			.kept = &cli->boot,
			.scratch = &scratch,
		};
		rc = tg_config_load(&job, &cli->config, &cli->problems);
		cli->boot.cap += TG_CONFIG_SCRATCH_BYTES;
	}
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
