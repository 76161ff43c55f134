/* agent_part.h - how the agent turns one source. Private to agent.c and agent_source.c.
 *
 *      START -> RUN <-> BEGINNING, TAKING ; error: LEAVING -> PAUSED -> START, or FAILED ; DONE
 */
#ifndef TG_APP_AGENT_PART_H
#define TG_APP_AGENT_PART_H

#include "app/agent.h"

/* One bounded step. Returns true when something moved. */
bool tg_agent_source_step(struct tg_agent *agent, struct tg_agent_source *source,
			  const struct tg_turn *turn);
bool tg_agent_source_over(const struct tg_agent_source *source);
/* Ends the driver's connection; its arena is free again. */
void tg_agent_source_stop(struct tg_agent_source *source, const struct tg_turn *turn);

#endif
