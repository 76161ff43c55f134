/* Names to addresses by lwIP's own resolver, which calls back in its own thread. It gives one
 * address a name, the IPv4 one if there is any. */
#include "platform/lwip/names.h"

#include "platform/assert.h"
#include "platform/loop.h"
#include "platform/lwip/wake.h"

#include <lwip/dns.h>
#include <lwip/tcpip.h>

const char tg_resolve_place[] = "TIDEGATE_LWIP_DNS";

/* FREE -> ASKED -> ANSWERED -> FREE;  a connection that is closed meanwhile: ASKED -> LEFT -> FREE,
 * since lwIP has no way to call a look-up back. */
enum { UP_FREE, UP_ASKED, UP_ANSWERED, UP_LEFT };

/* Guarded by lwIP's core lock, which the resolver's callback holds too. */
static struct look_up {
	unsigned state;
	bool found;
	ip_addr_t address;
} look_ups[DNS_MAX_REQUESTS];

bool tg_resolve_numeric(struct tg_net *net)
{
	ip_addr_t address;

	if (!ipaddr_aton(net->host_, &address))
		return false;
	tg_lwip_address(&address, net->addresses_[0]);
	net->count_ = 1;
	net->next_ = 0;
	return true;
}

static void on_answer(const char *name, const ip_addr_t *address, void *argument)
{
	struct look_up *up = argument;

	(void)name;
	up->found = address != NULL;
	if (up->found)
		up->address = *address;
	up->state = up->state == UP_LEFT ? UP_FREE : UP_ANSWERED;
	tg_lwip_wake(); /* also for one that found no place and waits for it */
}

/* The place of a new look-up, or -1 while all are taken. Locked. */
static int ask(const char *host, err_t *err)
{
	int at = 0;

	*err = ERR_MEM;
	while (at < DNS_MAX_REQUESTS && look_ups[at].state != UP_FREE)
		at++;
	if (at == DNS_MAX_REQUESTS)
		return -1;
	look_ups[at].state = UP_ASKED; /* first: the answer may come within the call */
	*err = dns_gethostbyname(host, &look_ups[at].address, on_answer, &look_ups[at]);
	if (*err == ERR_OK) {
		look_ups[at].found = true;
		look_ups[at].state = UP_ANSWERED;
	}
	if (*err == ERR_OK || *err == ERR_INPROGRESS)
		return at;
	look_ups[at].state = UP_FREE;
	return -1;
}

int tg_resolve_start(struct tg_net *net, struct tg_why *why)
{
	err_t err;

	TG_ASSERT(net->answer_ < 0);
	LOCK_TCPIP_CORE();
	net->answer_ = ask(net->host_, &err);
	UNLOCK_TCPIP_CORE();
	if (net->answer_ >= 0 || err == ERR_MEM)
		return 0;
	if (err == ERR_VAL)
		return tg_why_set(why, TG_ERR_RESOLVE,
				  "cannot look up \"%s\": no name server is set: set %s",
				  net->host_, tg_resolve_place);
	return tg_why_set(why, TG_ERR_RESOLVE, "\"%s\" cannot be a host's name: check the spelling",
			  net->host_);
}

int tg_resolve_step(struct tg_net *net, struct tg_why *why)
{
	struct look_up answer;

	if (net->answer_ < 0) {
		int err = tg_resolve_start(net, why);
		if (err != 0 || net->answer_ < 0)
			return err != 0 ? err : TG_ERR_AGAIN;
	}
	LOCK_TCPIP_CORE();
	answer = look_ups[net->answer_];
	UNLOCK_TCPIP_CORE();
	if (answer.state != UP_ANSWERED)
		return TG_ERR_AGAIN;
	tg_resolve_stop(net);
	if (!answer.found)
		return tg_why_set(why, TG_ERR_RESOLVE,
				  "no address for \"%s\": check the spelling, and that the name "
				  "server (%s) answers",
				  net->host_, tg_resolve_place);
	tg_lwip_address(&answer.address, net->addresses_[0]);
	net->count_ = 1;
	net->next_ = 0;
	return 0;
}

/* The answer wakes the loop by itself. */
void tg_resolve_want(const struct tg_net *net, struct tg_wants *wants)
{
	(void)net;
	(void)wants;
}

void tg_resolve_stop(struct tg_net *net)
{
	if (net->answer_ < 0)
		return;
	struct look_up *up = &look_ups[net->answer_];
	LOCK_TCPIP_CORE();
	up->state = up->state == UP_ASKED ? UP_LEFT : UP_FREE;
	UNLOCK_TCPIP_CORE();
	net->answer_ = -1;
}
