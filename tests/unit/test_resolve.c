/* The child that resolves names. getaddrinfo is replaced here for names that end in .test, so that
 * a name server can be slow, silent or wrong without one: by the linker's --wrap, which works in a
 * static program too. */
#include "tests/unit/net_rig.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

static struct sockaddr_in two[2];
static struct addrinfo two_infos[2];

static int two_addresses(struct addrinfo **list)
{
	for (unsigned i = 0; i < 2; i++) {
		/* Nothing listens on the first; 127.0.0.1 is the peer. */
		two[i].sin_family = AF_INET;
		two[i].sin_addr.s_addr = htonl(i == 0 ? 0x7f000063 : INADDR_LOOPBACK);
		two_infos[i].ai_addr = (struct sockaddr *)&two[i];
		two_infos[i].ai_addrlen = sizeof(two[i]);
		two_infos[i].ai_next = i == 0 ? &two_infos[1] : NULL;
	}
	*list = two_infos;
	return 0;
}

int __real_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		       struct addrinfo **list);
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		       struct addrinfo **list);
void __real_freeaddrinfo(struct addrinfo *list);
void __wrap_freeaddrinfo(struct addrinfo *list);

int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		       struct addrinfo **list)
{
	bool look_up = (hints->ai_flags & AI_NUMERICHOST) == 0;

	if (look_up && strcmp(host, "silent.test") == 0)
		pause();
	if (look_up && strcmp(host, "down.test") == 0)
		return EAI_AGAIN;
	if (look_up && strcmp(host, "crash.test") == 0)
		_exit(3);
	if (look_up && strcmp(host, "two.test") == 0)
		return two_addresses(list);
	return __real_getaddrinfo(host, service, hints, list);
}

void __wrap_freeaddrinfo(struct addrinfo *list)
{
	if (list != two_infos)
		__real_freeaddrinfo(list);
}

TG_TEST(resolve_numeric_addresses_need_no_child)
{
	struct peer peer;
	struct tg_net net;

	peer_start_plain(&peer, "hello");
	TG_CHECK_INT(dial(&net, "127.0.0.1", peer.port, 5000), 0);
	TG_CHECK_INT(net.child_, 0);
	tg_net_close(&net);
	peer_stop(&peer);
}

/* The store's lock is one such descriptor: with it the next start would find the store held. */
TG_TEST(resolve_child_holds_nothing_that_its_parent_had_open)
{
	struct tg_now now = tg_clock_now();
	struct tg_net net;
	int ends[2];
	char byte;

	TG_CHECK_INT(pipe(ends), 0);
	struct tg_net_target target = { .host = "silent.test", .port = 1, .deadline_ms = 60000 };
	TG_CHECK_INT(tg_net_open(&net, &target, &now, &why), 0);
	TG_CHECK(net.child_ > 0);
	TG_CHECK_INT(close(ends[1]), 0);
	struct pollfd end = { .fd = ends[0], .events = POLLIN };
	TG_CHECK_INT(poll(&end, 1, 10000), 1); /* the child's copy is closed as well */
	TG_CHECK_INT(read(ends[0], &byte, 1), 0);
	tg_net_close(&net);
	TG_CHECK_INT(close(ends[0]), 0);
}

/* A machine without a name server says "no name server answered", one with: "no address". */
TG_TEST(resolve_fails_for_a_name_that_does_not_exist)
{
	struct tg_net net;
	unsigned descriptors = open_descriptors();
	int err = dial(&net, "no-such-host.invalid", 1, 20000);

	TG_CHECK(err == TG_ERR_RESOLVE || err == TG_ERR_TIMEOUT);
	TG_CHECK(strstr(why.text, "no-such-host.invalid") != NULL);
	tg_net_close(&net);
	check_sentence(dial(&net, "down.test", 1, 5000), TG_ERR_RESOLVE, "no name server answered");
	tg_net_close(&net);
	check_sentence(dial(&net, "crash.test", 1, 5000), TG_ERR_RESOLVE, "without an answer");
	tg_net_close(&net);
	check_nothing_left(descriptors);
}

TG_TEST(resolve_kills_a_silent_look_up_at_the_deadline)
{
	struct tg_net net;
	unsigned descriptors = open_descriptors();
	uint64_t before_ms = tg_clock_now().mono_ms;

	check_sentence(dial(&net, "silent.test", 1, 100), TG_ERR_TIMEOUT, "within 100 ms");
	uint64_t took_ms = tg_clock_now().mono_ms - before_ms;
	TG_CHECK(took_ms >= 100 && took_ms < 10000);
	check_nothing_left(descriptors); /* already before the close that is owed */
	tg_net_close(&net);
	check_nothing_left(descriptors);
}

TG_TEST(resolve_close_ends_a_look_up_under_way)
{
	struct tg_net net;
	struct tg_net_target target = { .host = "silent.test", .port = 1, .deadline_ms = 60000 };
	struct tg_now now = tg_clock_now();
	unsigned descriptors = open_descriptors();

	TG_CHECK_INT(tg_net_open(&net, &target, &now, &why), 0);
	TG_CHECK_INT(tg_net_step(&net, &now, &why), TG_ERR_AGAIN);
	TG_CHECK(net.child_ > 0);
	tg_net_close(&net);
	check_nothing_left(descriptors);
}

TG_TEST(resolve_tries_every_address)
{
	struct peer peer;
	struct tg_net net;

	peer_start_plain(&peer, "hello");
	TG_CHECK_INT(dial(&net, "two.test", peer.port, 5000), 0);
	tg_net_close(&net);
	peer_stop(&peer);
	check_sentence(dial(&net, "two.test", peer.port, 5000), TG_ERR_CONNECT, "refused");
	tg_net_close(&net);
}
