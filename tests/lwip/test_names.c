/* Names by lwIP's resolver, against the name server of tests/lwip/names.py. */
#include "tests/unit/net_rig.h"

enum { SILENT_LOOK_UPS = 8 }; /* as many as lwIP has places for (lwipopts.h) */

static void check_reached(const char *host, uint16_t port)
{
	struct tg_net net;

	if (dial(&net, host, port, 5000) != 0)
		TG_FAIL("%s: %s", host, why.text);
	TG_CHECK_STR(tg_net_host(&net), host);
	tg_net_close(&net);
}

TG_TEST(names_have_addresses)
{
	struct peer peer;

	peer_start_plain(&peer, "hello");
	check_reached("local.test", peer.port);
	check_reached("local.test", peer.port); /* known from the first time */
	check_reached("LOCAL.test.", peer.port);
	check_reached("both.test", peer.port); /* its IPv6 address is nobody's */
	peer_stop(&peer);
}

/* A listener on all addresses of both kinds; it takes the connections of its queue by itself. */
static int listen_on_six(uint16_t *port)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_addr = in6addr_any };
	socklen_t bytes = sizeof(address);
	int listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	TG_CHECK(bind(listener, (struct sockaddr *)&address, bytes) == 0);
	TG_CHECK(listen(listener, 8) == 0);
	TG_CHECK(getsockname(listener, (struct sockaddr *)&address, &bytes) == 0);
	*port = ntohs(address.sin6_port);
	return listener;
}

TG_TEST(names_and_numbers_of_ipv6)
{
	uint16_t port;
	int listener = listen_on_six(&port);
	struct tg_net net;

	check_reached("six.test", port);
	check_reached("fd77::1", port);
	TG_CHECK_INT(dial(&net, "[fd77::1]", port, 5000), 0);
	tg_net_close(&net);
	(void)close(listener);
	check_sentence(dial(&net, "fd77::1", port, 5000), TG_ERR_CONNECT, "refused");
	tg_net_close(&net);
}

TG_TEST(names_that_fail)
{
	struct tg_net net;
	char longest[TG_NET_HOST_BYTES_MAX];

	check_sentence(dial(&net, "no-such-host.invalid", 1, 20000), TG_ERR_RESOLVE,
		       "no address for \"no-such-host.invalid\"");
	tg_net_close(&net);
	check_sentence(dial(&net, "down.test", 1, 20000), TG_ERR_RESOLVE, "no address for");
	tg_net_close(&net);
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	int err = dial(&net, longest, 1, 20000); /* no label is that long: who notices? */
	TG_CHECK(err == TG_ERR_RESOLVE || err == TG_ERR_TIMEOUT);
	tg_net_close(&net);
}

TG_TEST(names_end_at_the_deadline)
{
	struct tg_net net;
	uint64_t before_ms = tg_clock_now().mono_ms;

	check_sentence(dial(&net, "silent.test", 1, 100), TG_ERR_TIMEOUT, "within 100 ms");
	TG_CHECK(strstr(why.text, "TIDEGATE_LWIP_DNS") != NULL);
	uint64_t took_ms = tg_clock_now().mono_ms - before_ms;
	TG_CHECK(took_ms >= 100 && took_ms < 10000);
	tg_net_close(&net);
}

/* lwIP cannot call a look-up back: those that we left hold their places until it gives them up
 * itself, some seconds later. The next one waits for such a place. */
TG_TEST(names_wait_for_a_place)
{
	struct tg_net nets[SILENT_LOOK_UPS], late;
	struct tg_now now = tg_clock_now();
	struct peer peer;
	char host[32];

	for (unsigned i = 0; i < SILENT_LOOK_UPS; i++) {
		struct tg_net_target target = { .host = host, .port = 1, .deadline_ms = 60000 };
		(void)snprintf(host, sizeof(host), "silent-%u.test", i);
		TG_CHECK_INT(tg_net_open(&nets[i], &target, &now, &why), 0);
		TG_CHECK_INT(tg_net_step(&nets[i], &now, &why), TG_ERR_AGAIN);
	}
	peer_start_plain(&peer, "hello");
	check_sentence(dial(&late, "late.test", peer.port, 100), TG_ERR_TIMEOUT,
		       "no name server answered");
	tg_net_close(&late);
	for (unsigned i = 0; i < SILENT_LOOK_UPS; i++)
		tg_net_close(&nets[i]);
	if (dial(&late, "late.test", peer.port, 60000) != 0)
		TG_FAIL("%s", why.text);
	tg_net_close(&late);
	peer_stop(&peer);
}
