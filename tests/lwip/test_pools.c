/* lwIP's memory: what one connection holds is bounded, so that the others go on; what is closed
 * gives everything back. The high water marks that it prints are those of docs/lwip.md. */
#include "tests/unit/net_rig.h"

#include <lwip/memp.h>
#include <lwip/stats.h>
#include <lwip/tcpip.h>

#include <netinet/tcp.h>

enum { IDLE = CONFIG_TG_LWIP_CONNECTIONS_MAX - 1, CRUMBS = 20000, CLOSE_MS_MAX = 10000 };

static const char *const pool_names[] = {
#define LWIP_MEMPOOL(name, count, size, what) #name,
#include <lwip/priv/memp_std.h>
};

static unsigned in_use(memp_t pool)
{
	LOCK_TCPIP_CORE();
	unsigned used = lwip_stats.memp[pool]->used;
	UNLOCK_TCPIP_CORE();
	return used;
}

/* One byte a segment, as a peer would that wants to fill a memory of frames. */
static void talk_crumbs(int fd, int in, int out)
{
	const int one = 1;
	char byte;

	(void)out;
	(void)setsockopt(fd, 6, TCP_NODELAY, &one, sizeof(one));
	for (unsigned i = 0; i < CRUMBS; i++) {
		if (send(fd, "c", 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			break;
	}
	(void)!read(in, &byte, 1);
}

static void talk_much(int fd, int in, int out)
{
	static char bytes[1 << 20];

	(void)in;
	(void)out;
	for (size_t at = 0; at < sizeof(bytes);) {
		ssize_t put = write(fd, bytes + at, sizeof(bytes) - at);
		if (put < 0)
			_exit(1);
		at += (size_t)put;
	}
}

static size_t receive_to_the_end(struct tg_net *net)
{
	static uint8_t bytes[65536];
	size_t have = 0;
	int got;

	while ((got = recv_some(net, bytes, sizeof(bytes))) > 0)
		have += (size_t)got;
	TG_CHECK_INT(got, TG_ERR_CLOSED);
	return have;
}

static void print_marks(void)
{
	for (unsigned i = 0; i < MEMP_MAX; i++)
		printf("%-16s %5u of %5u, refused %u\n", pool_names[i],
		       (unsigned)lwip_stats.memp[i]->max, (unsigned)memp_pools[i]->num,
		       (unsigned)lwip_stats.memp[i]->err);
	printf("%-16s %5u of %5u bytes, refused %u\n", "heap", (unsigned)lwip_stats.mem.max,
	       (unsigned)MEM_SIZE, (unsigned)lwip_stats.mem.err);
}

TG_TEST(pools_hold_for_one_more_beside_those_that_are_not_read)
{
	struct peer crumbs[IDLE], peer;
	struct tg_net idle[IDLE], net;

	for (unsigned i = 0; i < IDLE; i++) {
		peer_start_talk(&crumbs[i], talk_crumbs);
		TG_CHECK_INT(dial(&idle[i], "127.0.0.1", crumbs[i].port, 5000), 0);
	}
	peer_start_talk(&peer, talk_much);
	TG_CHECK_INT(dial(&net, "127.0.0.1", peer.port, 5000), 0);
	TG_CHECK_INT(receive_to_the_end(&net), 1 << 20);
	TG_CHECK(in_use(MEMP_PBUF_POOL) > IDLE); /* the others do hold frames */
	tg_net_close(&net);
	peer_stop(&peer);
	print_marks();
	for (unsigned i = 0; i < IDLE; i++) {
		tg_net_close(&idle[i]);
		peer_stop(&crumbs[i]);
	}
}

/* Data on their way when both sides close may want a repeat until all is agreed. */
TG_TEST(pools_are_empty_in_the_end)
{
	static const memp_t pools[] = { MEMP_NETCONN, MEMP_TCP_SEG, MEMP_PBUF_POOL, MEMP_NETBUF };
	uint64_t end_ms = tg_clock_now().mono_ms + CLOSE_MS_MAX;
	struct tg_wants wants;

	for (unsigned i = 0; i < sizeof(pools) / sizeof(pools[0]); i++) {
		while (in_use(pools[i]) != 0) {
			struct tg_now now = tg_clock_now();
			if (now.mono_ms > end_ms)
				TG_FAIL("%u of %s in use", in_use(pools[i]), pool_names[pools[i]]);
			tg_wants_clear(&wants);
			tg_wants_at(&wants, now.mono_ms + 10);
			(void)tg_loop_wait(&wants, &now);
		}
	}
}
