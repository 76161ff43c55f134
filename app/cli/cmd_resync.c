#include <stdio.h>

#include "app/cli/host.h"
#include "app/cli/store.h"

static int mark(struct tg_cli *cli, uint16_t sink)
{
	struct tg_outbox *box = &cli->box;
	struct tg_stream_row row;
	struct tg_stream_open *open = NULL;

	if (tg_store_stream(cli, cli->args.operand, &row) == NULL)
		return cli->why.err;
	int err = tg_outbox_stream_open(box, tg_view_str(row.name), row.type, &open);
	if (err != TG_OK)
		return tg_store_failed(cli, err);
	open->row.flags |= TG_STREAM_FULL_PASS | TG_STREAM_RESEND;
	open->row.flags &= ~(uint32_t)TG_STREAM_BEGUN;
	open->row.resend_sink = sink;
	tg_outbox_touch(box, open);
	err = tg_outbox_commit(box, tg_host_machine.mono_ms(), &cli->why);
	if (err == TG_OK)
		tg_outbox_stream_close(box, open);
	return err;
}

int tg_cmd_resync(struct tg_cli *cli)
{
	struct tg_outbox *box = &cli->box;
	int sink = -1;
	int err = tg_store_enter(cli);

	if (err != TG_OK)
		return tg_cli_fail(cli, TG_ORIGIN_STORE);
	if (cli->args.sink != NULL)
		sink = tg_store_sink(cli, cli->args.sink);
	if (cli->args.sink != NULL && sink < 0)
		err = cli->why.err;
	else
		err = mark(cli, sink < 0 ? 0 : tg_outbox_sink_row(box, (uint32_t)sink)->number);
	tg_outbox_close(box);
	if (err != TG_OK)
		return tg_cli_fail(cli, TG_ORIGIN_STORE);
	printf("the next sync reads %s in full and sends it again\n", cli->args.operand);
	return tg_cli_done(TG_EXIT_OK);
}
