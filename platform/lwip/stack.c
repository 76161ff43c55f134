/* lwIP from nothing to an interface with addresses: once, at the first connection. */
#include "platform/stack.h"

#include "platform/lwip/hooks.h"
#include "platform/lwip/tap.h"

#include <lwip/dns.h>
#include <lwip/tcpip.h>

#include <stdlib.h>

static struct netif netif;
static int tap = -1;

/* What the interface is to be. */
struct plan {
	ip4_addr_t address, mask, gateway;
	ip6_addr_t address6;
	ip_addr_t dns;
	bool six, named;
};

struct netif *tg_lwip_route(void)
{
	return &netif;
}

static const char *setting(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value != NULL ? value : otherwise;
}

static int bad(const char *name, const char *value, struct tg_why *why)
{
	return tg_why_set(why, TG_ERR_CONFIG, "%s is \"%s\": is it an address?", name, value);
}

/* "10.77.0.2/24" */
static bool read_network(const char *text, struct plan *plan)
{
	char address[IP4ADDR_STRLEN_MAX];
	const char *slash = strchr(text, '/');
	char *end;

	if (slash == NULL || (size_t)(slash - text) >= sizeof(address))
		return false;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	unsigned long bits = strtoul(slash + 1, &end, 10);
	if (slash[1] == '\0' || *end != '\0' || bits < 1 || bits > 30)
		return false;
	ip4_addr_set_u32(&plan->mask, lwip_htonl(UINT32_MAX << (32 - bits)));
	return ip4addr_aton(address, &plan->address) != 0;
}

static int read_plan(struct plan *plan, struct tg_why *why)
{
	const char *address = setting("TIDEGATE_LWIP_ADDRESS", CONFIG_TG_LWIP_ADDRESS);
	const char *six = setting("TIDEGATE_LWIP_ADDRESS6", CONFIG_TG_LWIP_ADDRESS6);
	const char *gateway = setting("TIDEGATE_LWIP_GATEWAY", CONFIG_TG_LWIP_GATEWAY);
	const char *dns = setting("TIDEGATE_LWIP_DNS", CONFIG_TG_LWIP_DNS);

	*plan = (struct plan){ .six = six[0] != '\0', .named = dns[0] != '\0' };
	if (!read_network(address, plan))
		return bad("TIDEGATE_LWIP_ADDRESS", address, why);
	if (!ip4addr_aton(gateway, &plan->gateway))
		return bad("TIDEGATE_LWIP_GATEWAY", gateway, why);
	if (plan->six && !ip6addr_aton(six, &plan->address6))
		return bad("TIDEGATE_LWIP_ADDRESS6", six, why);
	if (plan->named && !ipaddr_aton(dns, &plan->dns))
		return bad("TIDEGATE_LWIP_DNS", dns, why);
	return 0;
}

/* Our own IPv6 address is taken as it is: nobody else is asked whether he has it. */
static void set_up_six(struct netif *card, const struct plan *plan)
{
	s8_t at;

	netif_create_ip6_linklocal_address(card, 1);
	netif_ip6_addr_set_state(card, 0, IP6_ADDR_PREFERRED);
	netif_set_ip6_autoconfig_enabled(card, 1);
	if (plan->six && netif_add_ip6_address(card, &plan->address6, &at) == ERR_OK)
		netif_ip6_addr_set_state(card, at, IP6_ADDR_PREFERRED);
}

static bool set_up(const struct plan *plan)
{
	LOCK_TCPIP_CORE();
	bool added = netif_add(&netif, &plan->address, &plan->mask, &plan->gateway, &tap,
			       tg_tap_init, tcpip_input) != NULL;
	if (added) {
		netif_set_default(&netif);
		netif_set_up(&netif);
		set_up_six(&netif, plan);
	}
	if (added && plan->named)
		dns_setserver(0, &plan->dns);
	UNLOCK_TCPIP_CORE();
	return added;
}

int tg_stack_start(struct tg_why *why)
{
	struct plan plan;

	if (tap >= 0)
		return 0;
	int err = read_plan(&plan, why);
	if (err != 0)
		return err;
	err = tg_tap_open(setting("TIDEGATE_LWIP_TAP", CONFIG_TG_LWIP_TAP), why);
	if (err < 0)
		return err;
	tap = err;
	tcpip_init(NULL, NULL);
	TG_ASSERT(set_up(&plan));
	tg_tap_listen(&netif);
	return 0;
}
