/* cli.h - what a command is given: its words, the configuration, and the boot memory.
 *
 * Thread:  the program's only one.
 */
#ifndef TG_APP_CLI_CLI_H
#define TG_APP_CLI_CLI_H

#include "app/arena.h"
#include "app/cli/args.h"
#include "app/cli/exit.h"
#include "app/config.h"
#include "app/outbox/outbox.h"
#include "drivers/json/json.h"

struct tg_cli {
	struct tg_args args;
	const struct tg_registry *registry;
	struct tg_arena boot;    /* carved once: drivers' states, the outbox, every buffer  */
	struct tg_config config; /* as far as the command needs it (enum tg_need)           */
	struct tg_problems problems;
	struct tg_outbox box; /* of the commands that look into the store or mend it     */
	struct tg_why why;
};

/* Reads what is needed into cli->config and sets the log up; TG_ERR_CONFIG: cli->problems say why.
 */
TG_CHECKED int tg_cli_configure(struct tg_cli *cli, enum tg_need need);

/* Prints the problems, one a line, to standard error. Returns TG_EXIT_USAGE. */
int tg_cli_refuse(const struct tg_cli *cli);
/* Prints cli->why to standard error. Returns the code of cli->why.err from `origin`. */
int tg_cli_fail(const struct tg_cli *cli, enum tg_origin origin);
/* Flushes standard output: `code`, or TG_EXIT_DISK when it could not be written. */
int tg_cli_done(int code);

/* One file a command. */
int tg_cmd_check(struct tg_cli *cli);
int tg_cmd_discover(struct tg_cli *cli);
int tg_cmd_sync(struct tg_cli *cli);
int tg_cmd_resync(struct tg_cli *cli);
int tg_cmd_status(struct tg_cli *cli);
int tg_cmd_outbox_stat(struct tg_cli *cli);
int tg_cmd_outbox_list(struct tg_cli *cli);
int tg_cmd_outbox_show(struct tg_cli *cli);
int tg_cmd_outbox_verify(struct tg_cli *cli);
int tg_cmd_quarantine_list(struct tg_cli *cli);
int tg_cmd_quarantine_replay(struct tg_cli *cli);
int tg_cmd_quarantine_discard(struct tg_cli *cli);
int tg_cmd_sink_forget(struct tg_cli *cli);
int tg_cmd_budget(struct tg_cli *cli);
int tg_cmd_version(struct tg_cli *cli);
int tg_cmd_help(struct tg_cli *cli);
int tg_cmd_config_members(struct tg_cli *cli);

#endif
