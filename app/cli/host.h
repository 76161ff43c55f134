/* host.h - the machine as the agent sees it: platform/, behind the calls of struct tg_host. */
#ifndef TG_APP_CLI_HOST_H
#define TG_APP_CLI_HOST_H

#include "app/agent.h"

extern const struct tg_host tg_host_machine;

#endif
