/* store.h - the store opened for a command: to change it, or only to look.
 *
 * Looking takes no lock and pins no page beyond a call, so that a sync may run beside it.
 *
 * Memory:  the outbox' part of the boot memory.
 */
#ifndef TG_APP_CLI_STORE_H
#define TG_APP_CLI_STORE_H

#include "app/cli/cli.h"
#include "app/outbox/outbox.h"

/* 0, or MISSING with a sentence when there is no store yet. */
TG_CHECKED int tg_store_find(struct tg_cli *cli);
/* Both open cli->box, and refuse a folder that holds no store (MISSING) instead of making one; the
 * sentence is in cli->why. To be ended by tg_outbox_close and tg_outbox_look_end. */
TG_CHECKED int tg_store_enter(struct tg_cli *cli);
TG_CHECKED int tg_store_look(struct tg_cli *cli);

/* Sets cli->why for a failed call on the store and returns `err`. */
int tg_store_failed(struct tg_cli *cli, int err);

/* The stream called `name` and its row; NULL with a sentence when there is none. */
struct tg_stream *tg_store_stream(struct tg_cli *cli, const char *name, struct tg_stream_row *row);
/* The sink's slot, or -1 with a sentence. */
int tg_store_sink(struct tg_cli *cli, const char *name);

#endif
