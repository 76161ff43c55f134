#include "drivers/raven/node.h"

#include <stdio.h>
#include <strings.h>

#include "drivers/http/url.h"
#include "drivers/json/scan.h"

void tg_raven_nodes_init(struct tg_raven_nodes *nodes, const struct tg_raven_link *link)
{
	memset(nodes, 0, sizeof(*nodes));
	nodes->tls = link->tls;
	for (uint32_t i = 0; i < link->url_count; i++) {
		nodes->items[nodes->count].url = link->urls[i];
		nodes->items[nodes->count++].configured = true;
	}
}

/* --- what the cluster tells --- */

static struct tg_raven_node *find(struct tg_raven_nodes *nodes, const struct tg_url *url)
{
	for (uint32_t i = 0; i < nodes->count; i++) {
		struct tg_raven_node *node = &nodes->items[i];
		if (node->url.port == url->port && strcasecmp(node->url.host, url->host) == 0)
			return node;
	}
	return NULL;
}

static struct tg_raven_node *add(struct tg_raven_nodes *nodes, const struct tg_url *url)
{
	struct tg_raven_node *node = &nodes->items[nodes->count];

	if (nodes->count == TG_RAVEN_NODES_MAX || url->tls != nodes->tls)
		return NULL;
	nodes->count++;
	memset(node, 0, sizeof(*node));
	memcpy(node->url.host, url->host, sizeof(node->url.host));
	node->url.port = url->port;
	return node;
}

/* Plain text of a JSON string; empty when it is none or too long. */
static void text_of(struct tg_view json, char *at, size_t cap)
{
	int bytes = tg_json_unescape(json, (uint8_t *)at, cap - 1);

	at[bytes < 0 ? 0 : bytes] = '\0';
}

static enum tg_raven_role role_of(struct tg_view role)
{
	if (tg_view_same(role, tg_view_str("\"Member\"")))
		return TG_RAVEN_MEMBER;
	return tg_view_same(role, tg_view_str("\"Rehab\"")) ? TG_RAVEN_REHAB : TG_RAVEN_OTHER;
}

static void learn(struct tg_raven_nodes *nodes, struct tg_view told)
{
	char text[TG_URL_BYTES_MAX];
	struct tg_url url;
	struct tg_raven_node *node;

	text_of(tg_member_of(told, "Url"), text, sizeof(text));
	if (tg_url_parse(text, &url) != NULL)
		return;
	node = find(nodes, &url);
	if (node == NULL)
		node = add(nodes, &url);
	if (node == NULL)
		return;
	node->role = role_of(tg_member_of(told, "ServerRole"));
	text_of(tg_member_of(told, "ClusterTag"), node->tag, sizeof(node->tag));
}

bool tg_raven_nodes_learn(struct tg_raven_nodes *nodes, struct tg_view topology)
{
	struct tg_members members;
	struct tg_view name, value, list = tg_member_of(topology, "Nodes");

	if (!tg_members_start(&members, list) || members.object)
		return false;
	while (tg_members_next(&members, &name, &value))
		learn(nodes, value);
	return true;
}

/* --- which one --- */

void tg_raven_nodes_renew(struct tg_raven_nodes *nodes)
{
	for (uint32_t i = 0; i < nodes->count; i++)
		nodes->items[i].tried = false;
}

/* Small is good. A configured one that is in repair comes behind all that are not. */
static unsigned rank(const struct tg_raven_node *node)
{
	return (unsigned)node->role * 2 + (node->configured ? 0 : 1);
}

/* An address that stands for a node which was tried under another one is no other node. */
static bool is_tried(const struct tg_raven_nodes *nodes, const struct tg_raven_node *node)
{
	if (node->tried)
		return true;
	for (uint32_t i = 0; i < nodes->count; i++)
		if (nodes->items[i].tried && nodes->items[i].tag[0] != '\0' && !node->configured &&
		    strcmp(nodes->items[i].tag, node->tag) == 0)
			return true;
	return false;
}

bool tg_raven_nodes_next(struct tg_raven_nodes *nodes)
{
	uint32_t best = nodes->count;

	for (uint32_t i = 0; i < nodes->count; i++) {
		if (is_tried(nodes, &nodes->items[i]))
			continue;
		if (best == nodes->count || rank(&nodes->items[i]) < rank(&nodes->items[best]))
			best = i;
	}
	if (best == nodes->count)
		return false;
	nodes->at = best;
	return true;
}
