#include <stdio.h>

#include "app/cli/cli.h"

int tg_cmd_version(struct tg_cli *cli)
{
	const struct tg_registry *registry = cli->registry;

	printf("tidegate %s\nsources:", TG_VERSION);
	for (const struct tg_source_ops *const *i = registry->sources; *i != NULL; i++)
		printf(" %s", (*i)->type);
	printf("\nsinks:");
	for (const struct tg_sink_ops *const *i = registry->sinks; *i != NULL; i++)
		printf(" %s", (*i)->type);
	printf("\n");
	return tg_cli_done(TG_EXIT_OK);
}
