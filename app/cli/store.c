#include "app/cli/store.h"

#include <stdio.h>

#include "app/cli/config.h"
#include "app/cli/host.h"
#include "app/outbox/look.h"
#include "platform/file.h"

int tg_store_find(struct tg_cli *cli)
{
	char path[TG_CONFIG_PATH_BYTES + 16];
	uint64_t bytes = 0;

	snprintf(path, sizeof(path), "%s/data.mdb", cli->config.store_path);
	int err = tg_file_size(path, &bytes);
	if (err == TG_ERR_MISSING)
		return tg_why_set(&cli->why, err, "there is no store in %s: has a sync run yet?",
				  cli->config.store_path);
	if (err != TG_OK)
		return tg_why_set(&cli->why, err, "the store in %s cannot be read (%s)",
				  cli->config.store_path, tg_err_name(err));
	return TG_OK;
}

static struct tg_outbox_cfg cfg_of(const struct tg_cli *cli)
{
	const struct tg_config *config = &cli->config;

	return (struct tg_outbox_cfg){
		.path = config->store_path,
		.name = config->name[0] != '\0' ? config->name : "tidegate",
		.bytes_max = config->store_bytes_max != 0 ? config->store_bytes_max
							  : TG_CONFIG_STORE_BYTES_DEFAULT,
		.mono_ms = tg_host_machine.mono_ms,
		.random = tg_host_machine.random,
		.binding = tg_host_machine.binding,
		.make_folder = tg_host_machine.make_folder,
	};
}

int tg_store_enter(struct tg_cli *cli)
{
	const struct tg_outbox_cfg cfg = cfg_of(cli);
	int err = tg_store_find(cli);

	return err == TG_OK ? tg_outbox_open(&cli->box, &cfg, &cli->boot, &cli->why) : err;
}

int tg_store_look(struct tg_cli *cli)
{
	return tg_outbox_look(&cli->box, cli->config.store_path, &cli->boot, &cli->why);
}

int tg_store_failed(struct tg_cli *cli, int err)
{
	return tg_why_set(&cli->why, err, "the store in %s: %s", cli->config.store_path,
			  tg_err_name(err));
}

struct tg_stream *tg_store_stream(struct tg_cli *cli, const char *name, struct tg_stream_row *row)
{
	for (uint32_t i = 0; i < tg_outbox_stream_count(&cli->box); i++) {
		struct tg_stream *stream = tg_outbox_stream_at(&cli->box, i);
		int err = tg_outbox_stream_row(&cli->box, stream->number, row);
		if (err != TG_OK) {
			(void)tg_store_failed(cli, err);
			return NULL;
		}
		if (strcmp(row->name, name) == 0)
			return stream;
	}
	(void)tg_why_set(&cli->why, TG_ERR_MISSING,
			 "the store knows no stream %s; `tidegate status` lists those it knows",
			 name);
	return NULL;
}

int tg_store_sink(struct tg_cli *cli, const char *name)
{
	for (uint32_t i = 0; i < CONFIG_TG_SINKS_MAX; i++) {
		const struct tg_sink_row *row = tg_outbox_look_sink(&cli->box, i);
		if (row != NULL && strcmp(row->name, name) == 0)
			return (int)i;
	}
	(void)tg_why_set(&cli->why, TG_ERR_MISSING,
			 "the store knows no sink %s; `tidegate status` lists those it knows",
			 name);
	return -1;
}
