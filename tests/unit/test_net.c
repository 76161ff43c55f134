/* Real sockets on 127.0.0.1. getaddrinfo is replaced here for names that end in .test, so that a
 * name server can be slow, silent or wrong without one: by the linker's --wrap, which works in a
 * static program too. */
#include "tests/check.h"

#include "tests/unit/descriptors.h"
#include "tests/unit/peer.h"

#include "platform/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct tg_why why;

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

static int dial(struct tg_net *net, const char *host, uint16_t port, uint32_t deadline_ms)
{
	struct tg_net_target target = { .host = host, .port = port, .deadline_ms = deadline_ms };
	struct tg_now now = tg_clock_now();
	struct tg_wants wants;
	int err = tg_net_open(net, &target, &now, &why);

	while (err == 0 && (err = tg_net_step(net, &now, &why)) == TG_ERR_AGAIN) {
		tg_wants_clear(&wants);
		tg_net_want(net, &wants, 0);
		TG_CHECK(wants.wake_mono_ms != UINT64_MAX); /* never for ever */
		(void)tg_loop_wait(&wants, &now);
		now = tg_clock_now();
		err = 0;
	}
	return err;
}

static void check_sentence(int err, int want, const char *part)
{
	if (err != want || strstr(why.text, part) == NULL)
		TG_FAIL("%s, \"%s\": %s", tg_err_name(err), part, why.text);
}

static void check_nothing_left(unsigned descriptors)
{
	TG_CHECK_INT(open_descriptors(), descriptors);
	TG_CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

TG_TEST(net_connects_to_numeric_addresses_without_a_child)
{
	static const char *const hosts[] = { "127.0.0.1", "[127.0.0.1]", "::ffff:127.0.0.1",
					     "[::ffff:127.0.0.1]" };
	struct peer peer;
	struct tg_net net;

	peer_start_plain(&peer, "hello");
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		TG_CHECK_INT(dial(&net, hosts[i], peer.port, 5000), 0);
		TG_CHECK_INT(net.child_, 0);
		tg_net_close(&net);
	}
	TG_CHECK_STR(tg_net_host(&net), "::ffff:127.0.0.1");
	peer_stop(&peer);
}

TG_TEST(net_resolves_localhost_in_a_child)
{
	struct peer peer;
	struct tg_net net;
	unsigned descriptors = open_descriptors();

	peer_start_plain(&peer, "hello");
	TG_CHECK_INT(dial(&net, "localhost", peer.port, 5000), 0);
	tg_net_close(&net);
	tg_net_close(&net); /* harmless */
	peer_stop(&peer);
	check_nothing_left(descriptors);
}

/* The store's lock is one such descriptor: with it the next start would find the store held. */
TG_TEST(net_resolver_holds_nothing_that_its_parent_had_open)
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

TG_TEST(net_moves_bytes_and_sees_the_end)
{
	struct peer peer;
	struct tg_net net;
	uint8_t got[16];
	int count;

	peer_start_plain(&peer, "hello");
	TG_CHECK_INT(dial(&net, "127.0.0.1", peer.port, 5000), 0);
	TG_CHECK_INT(tg_net_recv(&net, got, sizeof(got)), TG_ERR_AGAIN);
	TG_CHECK_INT(tg_net_send(&net, (const uint8_t *)"hi", 2), 2);
	while ((count = tg_net_recv(&net, got, sizeof(got))) == TG_ERR_AGAIN) {
		struct tg_now now = tg_clock_now();
		struct tg_wants wants;
		tg_wants_clear(&wants);
		tg_wants_at(&wants, now.mono_ms + 10000);
		tg_net_want(&net, &wants, TG_WANT_READ);
		(void)tg_loop_wait(&wants, &now);
	}
	TG_CHECK_INT(count, 5);
	TG_CHECK_BYTES(got, 5, "hello", 5);
	while ((count = tg_net_recv(&net, got, sizeof(got))) == TG_ERR_AGAIN)
		continue;
	TG_CHECK_INT(count, TG_ERR_CLOSED);
	tg_net_close(&net);
	peer_stop(&peer);
}

TG_TEST(net_tells_refused_from_unknown)
{
	struct peer peer;
	struct tg_net net;

	peer_start_plain(&peer, "");
	peer_stop(&peer);
	check_sentence(dial(&net, "127.0.0.1", peer.port, 5000), TG_ERR_CONNECT, "refused");
	tg_net_close(&net);
	check_sentence(dial(&net, "", 1, 5000), TG_ERR_CONFIG, "no host");
	tg_net_close(&net);
	char longest[300];
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	check_sentence(dial(&net, longest, 1, 5000), TG_ERR_CONFIG, "299 bytes");
	tg_net_close(&net);
}

/* A machine without a name server says "no name server answered", one with: "no address". */
TG_TEST(net_fails_for_a_name_that_does_not_exist)
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

TG_TEST(net_kills_a_silent_look_up_at_the_deadline)
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

TG_TEST(net_close_ends_a_look_up_under_way)
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

TG_TEST(net_tries_every_address)
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

/* A listener whose queue is full drops the packets that would begin a connection. */
TG_TEST(net_gives_up_on_a_silent_port)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t bytes = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	struct tg_net queued[4], net;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	TG_CHECK(bind(listener, (struct sockaddr *)&address, bytes) == 0);
	TG_CHECK(listen(listener, 0) == 0);
	TG_CHECK(getsockname(listener, (struct sockaddr *)&address, &bytes) == 0);
	uint16_t port = ntohs(address.sin_port);
	for (unsigned i = 0; i < 4; i++)
		TG_CHECK(dial(&queued[i], "127.0.0.1", port, 50) != TG_ERR_CONFIG);
	check_sentence(dial(&net, "127.0.0.1", port, 100), TG_ERR_TIMEOUT, "within 100 ms");
	tg_net_close(&net);
	for (unsigned i = 0; i < 4; i++)
		tg_net_close(&queued[i]);
	(void)close(listener);
}
