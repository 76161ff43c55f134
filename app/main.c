/* main.c - config -> budget -> wire -> run. Read this first.
 *
 *      words --args--> command --config--> struct tg_config --agent--> stages --run--> exit code
 *
 * All memory that the program will ever use for data is the one array below: budget.h says what it
 * is the sum of. Drivers read their members into states carved from it (cli/config.c), the agent
 * carves the stages and their buffers behind them (agent.c), and nothing is ever given back.
 * Each command is one file in cli/; `sync`, the main one, is cli/cmd_sync.c.
 */
#include <stdio.h>

#include "app/budget.h"
#include "app/crc32c.h"
#include "app/cli/cli.h"
#include "app/crc32c.h"
#include "drivers/registry.h"
#include "platform/loop.h"

static max_align_t boot_memory[TG_RAM_BOOT / sizeof(max_align_t)];
static char stdout_memory[4096]; /* stdio would take its buffer from malloc */
static struct tg_cli cli;

int main(int argc, char **argv)
{
	int words = argc > 1 ? argc - 1 : 0;

	setvbuf(stdout, stdout_memory, _IOFBF, sizeof(stdout_memory));
	tg_loop_signals();
	tg_crc32c_init();
	cli.registry = &tg_drivers;
	tg_arena_init(&cli.boot, boot_memory, sizeof(boot_memory));
	if (tg_args_parse(&cli.args, words, (const char *const *)argv + 1, &cli.why) != TG_OK)
		return tg_cli_fail(&cli, TG_ORIGIN_SELF);
	if (cli.args.help) {
		tg_help_command(cli.args.command);
		return tg_cli_done(TG_EXIT_OK);
	}
	if (tg_cli_configure(&cli, cli.args.command->need) != TG_OK)
		return tg_cli_refuse(&cli);
	return cli.args.command->run(&cli);
}
