/* node.h - the nodes of a cluster, and which of them is asked.
 *
 *      configured, in their order | members | others | in repair          one after another
 *
 * Etags are each node's own, so a reader stays with one node: another one is chosen only when that
 * one cannot be reached or says that it does not have the database. The addresses of the
 * configuration come first: those that the cluster tells may not be reachable from here
 * (reference/ravendb.md 2).
 *
 * Memory:  the struct. Waits: never.
 */
#ifndef TG_DRIVERS_RAVEN_NODE_H
#define TG_DRIVERS_RAVEN_NODE_H

#include "drivers/raven/cursor.h"
#include "drivers/raven/link.h"

enum { TG_RAVEN_NODES_MAX = 2 * CONFIG_TG_RAVEN_URLS_MAX };

enum tg_raven_role { TG_RAVEN_MEMBER, TG_RAVEN_OTHER, TG_RAVEN_REHAB };

struct tg_raven_node {
	struct tg_raven_url url;
	char tag[TG_RAVEN_TAG_BYTES]; /* "": not known yet */
	enum tg_raven_role role;
	bool configured;
	bool tried; /* since tg_raven_nodes_renew() */
};

struct tg_raven_nodes {
	struct tg_raven_node items[TG_RAVEN_NODES_MAX];
	uint32_t count;
	uint32_t at; /* the one in use              */
	bool tls;
};

void tg_raven_nodes_init(struct tg_raven_nodes *nodes, const struct tg_raven_link *link);
/* What /topology answered: tags and roles of the known ones, and further nodes. Those without
 * room, or that speak http where we speak https, are left out. False: it is no topology. */
bool tg_raven_nodes_learn(struct tg_raven_nodes *nodes, struct tg_view topology);
/* All may be tried again. */
void tg_raven_nodes_renew(struct tg_raven_nodes *nodes);
/* Goes to the best one that was not tried yet; false: there is none, `at` stays. */
bool tg_raven_nodes_next(struct tg_raven_nodes *nodes);

#endif
