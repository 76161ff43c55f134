/* Real sockets on 127.0.0.1: the kernel's, or lwIP's against the kernel's at the TAP's other end.
 */
#include "tests/unit/net_rig.h"

enum { MUCH_BYTES = 3 << 20, FULL_BYTES_MAX = 64 << 20 };

static uint8_t sent[MUCH_BYTES], got_back[MUCH_BYTES];

TG_TEST(net_connects_to_numeric_addresses)
{
	static const char *const hosts[] = { "127.0.0.1", "[127.0.0.1]", "::ffff:127.0.0.1",
					     "[::ffff:127.0.0.1]" };
	struct peer peer;
	struct tg_net net;

	peer_start_plain(&peer, "hello");
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		TG_CHECK_INT(dial(&net, hosts[i], peer.port, 5000), 0);
		tg_net_close(&net);
	}
	TG_CHECK_STR(tg_net_host(&net), "::ffff:127.0.0.1");
	peer_stop(&peer);
}

TG_TEST(net_resolves_localhost)
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

static void talk_reset(int fd, int in, int out)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };
	char byte;

	(void)in;
	(void)out;
	if (read(fd, &byte, 1) == 1)
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	(void)close(fd);
}

TG_TEST(net_sees_a_reset)
{
	struct peer peer;
	struct tg_net net;
	uint8_t byte = 'x';

	peer_start_talk(&peer, talk_reset);
	TG_CHECK_INT(dial(&net, "127.0.0.1", peer.port, 5000), 0);
	send_all(&net, &byte, 1);
	TG_CHECK_INT(recv_some(&net, &byte, 1), TG_ERR_RESET);
	tg_net_close(&net);
	peer_stop(&peer);
}

static void count_to_the_end(int fd, int out)
{
	char bytes[8192];
	uint64_t count = 0;
	ssize_t got;

	while ((got = read(fd, bytes, sizeof(bytes))) > 0)
		count += (uint64_t)got;
	if (write(out, &count, sizeof(count)) != (ssize_t)sizeof(count))
		_exit(1);
}

/* It has said all, and goes on listening. */
static void talk_half(int fd, int in, int out)
{
	(void)in;
	if (write(fd, "all", 3) != 3 || shutdown(fd, SHUT_WR) != 0)
		_exit(1);
	count_to_the_end(fd, out);
}

static void check_counted(const struct peer *peer, uint64_t want)
{
	uint64_t count = 0;

	TG_CHECK_INT(read(peer->out, &count, sizeof(count)), sizeof(count));
	TG_CHECK_INT(count, want);
}

TG_TEST(net_sends_to_a_peer_that_has_closed_its_half)
{
	struct peer peer;
	struct tg_net net;
	uint8_t text[8];
	size_t have = 0;
	int got;

	peer_start_talk(&peer, talk_half);
	TG_CHECK_INT(dial(&net, "127.0.0.1", peer.port, 5000), 0);
	while ((got = recv_some(&net, text + have, sizeof(text) - have)) > 0)
		have += (size_t)got;
	TG_CHECK_INT(got, TG_ERR_CLOSED);
	TG_CHECK_BYTES(text, have, "all", 3);
	send_all(&net, sent, 300000);
	tg_net_close(&net);
	check_counted(&peer, 300000);
	peer_stop(&peer);
}

/* Nothing is read until it is told so. */
static void talk_later(int fd, int in, int out)
{
	char byte;

	if (read(in, &byte, 1) != 1)
		_exit(1);
	count_to_the_end(fd, out);
}

TG_TEST(net_stops_sending_when_the_peer_does_not_read)
{
	struct peer peer;
	struct tg_net net;
	uint64_t count = 0;
	int put, waits = 0;

	peer_start_talk(&peer, talk_later);
	TG_CHECK_INT(dial(&net, "127.0.0.1", peer.port, 5000), 0);
	while (waits < 3) { /* the peer's kernel takes its share while we wait */
		while ((put = tg_net_send(&net, sent, sizeof(sent))) > 0)
			count += (uint64_t)put;
		TG_CHECK_INT(put, TG_ERR_AGAIN);
		struct tg_now now = tg_clock_now();
		struct tg_wants wants;
		tg_wants_clear(&wants);
		tg_net_want(&net, &wants, TG_WANT_WRITE);
		tg_wants_at(&wants, now.mono_ms + 100);
		(void)tg_loop_wait(&wants, &now);
		waits++;
		TG_CHECK(count < FULL_BYTES_MAX);
	}
	TG_CHECK(count > 0);
	TG_CHECK_INT(write(peer.in, "x", 1), 1);
	await(&net, TG_WANT_WRITE);
	send_all(&net, sent, 1000);
	tg_net_close(&net);
	check_counted(&peer, count + 1000);
	peer_stop(&peer);
}

/* In pieces of odd sizes, so that neither side's reads meet the other's writes. */
static void talk_echo(int fd, int in, int out)
{
	static char bytes[70001];
	ssize_t got;

	(void)in;
	(void)out;
	while ((got = read(fd, bytes, sizeof(bytes))) > 0) {
		for (ssize_t at = 0; at < got;) {
			ssize_t put =
				write(fd, bytes + at, (size_t)(got - at > 777 ? 777 : got - at));
			if (put < 0)
				_exit(1);
			at += put;
		}
	}
}

/* What can be sent is sent, what is there is taken, as long as either moves. */
static void move(struct tg_net *net, size_t *out, size_t *in)
{
	int put = *out == MUCH_BYTES ? TG_ERR_AGAIN
				     : tg_net_send(net, sent + *out, MUCH_BYTES - *out);
	int got = tg_net_recv(net, got_back + *in, MUCH_BYTES - *in);

	TG_CHECK(put > 0 || put == TG_ERR_AGAIN);
	TG_CHECK(got > 0 || got == TG_ERR_AGAIN);
	*out += put > 0 ? (size_t)put : 0;
	*in += got > 0 ? (size_t)got : 0;
	if (put < 0 && got < 0)
		await(net, *out < MUCH_BYTES ? TG_WANT_READ | TG_WANT_WRITE : TG_WANT_READ);
}

TG_TEST(net_moves_much_both_ways_in_parts)
{
	struct peer peer;
	struct tg_net net;
	size_t out = 0, in = 0;

	for (size_t i = 0; i < MUCH_BYTES; i++)
		sent[i] = (uint8_t)(i * 31 + i / 251);
	peer_start_talk(&peer, talk_echo);
	TG_CHECK_INT(dial(&net, "127.0.0.1", peer.port, 5000), 0);
	while (in < MUCH_BYTES)
		move(&net, &out, &in);
	TG_CHECK(memcmp(sent, got_back, MUCH_BYTES) == 0);
	tg_net_close(&net);
	peer_stop(&peer);
}

/* More than any stack of ours holds at once: what is closed gives its place back. */
TG_TEST(net_opens_one_after_another)
{
	struct peer peer;
	struct tg_net net;
	unsigned descriptors = 0;

	peer_start_plain(&peer, "");
	for (unsigned i = 0; i < 60; i++) {
		if (dial(&net, "127.0.0.1", peer.port, 5000) != 0)
			TG_FAIL("connection %u: %s", i, why.text);
		tg_net_close(&net);
		if (i == 0)
			descriptors = open_descriptors();
	}
	TG_CHECK_INT(open_descriptors(), descriptors);
	peer_stop(&peer);
}
