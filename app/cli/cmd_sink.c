#include <stdio.h>

#include "app/cli/store.h"

int tg_cmd_sink_forget(struct tg_cli *cli)
{
	if (tg_store_enter(cli) != TG_OK)
		return tg_cli_fail(cli, TG_ORIGIN_STORE);
	int err = tg_store_sink(cli, cli->args.operand) < 0 ? cli->why.err : TG_OK;
	if (err == TG_OK) {
		err = tg_outbox_sink_forget(&cli->box, cli->args.operand);
		if (err != TG_OK)
			(void)tg_store_failed(cli, err);
	}
	tg_outbox_close(&cli->box);
	if (err != TG_OK)
		return tg_cli_fail(cli, TG_ORIGIN_STORE);
	printf("sink %s is forgotten: nothing is held for it any more\n", cli->args.operand);
	return tg_cli_done(TG_EXIT_OK);
}
