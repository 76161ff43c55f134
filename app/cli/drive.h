/* drive.h - steps one source or sink alone to the end of a check, a probe or a discovery.
 *
 * Waits:   for the network, until the driver's own deadlines or a signal end it.
 */
#ifndef TG_APP_CLI_DRIVE_H
#define TG_APP_CLI_DRIVE_H

#include "app/cli/cli.h"

enum tg_drive { TG_DRIVE_CHECK, TG_DRIVE_DISCOVER };

/* start, ops->check or ops->discover until it is through, stop. 0, the error that ended it, or
 * TG_ERR_STOPPED; cli->why has the sentence. */
TG_CHECKED int tg_drive_source(struct tg_cli *cli, const struct tg_config_source *source,
			       enum tg_drive what, const struct tg_report *report);
/* start, probe, stop; cli->why has the sentence either way. */
TG_CHECKED int tg_drive_probe(struct tg_cli *cli, const struct tg_config_sink *sink);

#endif
