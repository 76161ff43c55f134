#include <stdio.h>

#include "app/cli/cli.h"

/* What tg_json_only knows, object by object, of the configuration given:
 * tests/e2e/test_cli_schema.py holds docs/tidegate.schema.json to it, so that neither can be
 * changed alone. */
int tg_cmd_config_members(struct tg_cli *cli)
{
	static uint8_t list[16384];
	struct tg_out members = { .at = list, .cap = sizeof(list) };

	if (cli->args.config == NULL) {
		(void)tg_why_set(&cli->why, TG_ERR_CONFIG, "config-members wants --config FILE");
		return tg_cli_fail(cli, TG_ORIGIN_SELF);
	}
	cli->problems.members = &members;
	if (tg_cli_configure(cli, TG_NEED_ALL) != TG_OK)
		return tg_cli_refuse(cli);
	if (tg_out_overran(&members))
		return TG_EXIT_INTERNAL;
	fwrite(list, 1, tg_out_filled(&members), stdout);
	return tg_cli_done(TG_EXIT_OK);
}
