#include "app/cli/drive.h"

#include "platform/loop.h"

static int stopped(struct tg_cli *cli)
{
	return tg_why_set(&cli->why, TG_ERR_STOPPED, "ended by a signal");
}

int tg_drive_source(struct tg_cli *cli, const struct tg_config_source *source, enum tg_drive what,
		    const struct tg_report *report)
{
	const struct tg_source_ops *ops = source->ops;
	size_t mark = tg_arena_mark(&cli->boot);
	struct tg_now now = tg_clock_now();
	struct tg_wants wants;
	int rc = ops->start(source->state, &(struct tg_source_start){ &cli->boot, &now, NULL },
			    &cli->why);

	if (rc == TG_OK)
		rc = TG_ERR_AGAIN;
	while (rc == TG_ERR_AGAIN) {
		now = tg_clock_now();
		rc = what == TG_DRIVE_CHECK ? ops->check(source->state, &now, report, &cli->why)
					    : ops->discover(source->state, &now, report, &cli->why);
		if (rc != TG_ERR_AGAIN)
			break;
		tg_wants_clear(&wants);
		ops->want(source->state, &wants);
		if (tg_loop_wait(&wants, &now) == TG_ERR_STOPPED)
			rc = stopped(cli);
	}
	ops->stop(source->state, &now);
	tg_arena_rewind(&cli->boot, mark);
	return rc;
}

int tg_drive_probe(struct tg_cli *cli, const struct tg_config_sink *sink)
{
	size_t mark = tg_arena_mark(&cli->boot);
	struct tg_now now = tg_clock_now();
	struct tg_wants wants;
	int rc = sink->ops->start(sink->state, &cli->boot, &now, &cli->why);

	if (rc == TG_OK)
		rc = TG_ERR_AGAIN;
	while (rc == TG_ERR_AGAIN) {
		now = tg_clock_now();
		rc = sink->ops->probe(sink->state, &now, &cli->why);
		if (rc != TG_ERR_AGAIN)
			break;
		tg_wants_clear(&wants);
		sink->ops->want(sink->state, &wants);
		if (tg_loop_wait(&wants, &now) == TG_ERR_STOPPED)
			rc = stopped(cli);
	}
	sink->ops->stop(sink->state);
	tg_arena_rewind(&cli->boot, mark);
	return rc;
}
