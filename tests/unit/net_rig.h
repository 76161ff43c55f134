/* net_rig.h - dialling by hand, for the tests of platform/net.h. Included once by a test program.
 */
#ifndef TG_TESTS_NET_RIG_H
#define TG_TESTS_NET_RIG_H

#include "tests/check.h"

#include "tests/unit/descriptors.h"
#include "tests/unit/peer.h"

#include "platform/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct tg_why why;

static inline int dial(struct tg_net *net, const char *host, uint16_t port, uint32_t deadline_ms)
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

static inline void check_sentence(int err, int want, const char *part)
{
	if (err != want || strstr(why.text, part) == NULL)
		TG_FAIL("%s, \"%s\": %s", tg_err_name(err), part, why.text);
}

static inline void check_nothing_left(unsigned descriptors)
{
	TG_CHECK_INT(open_descriptors(), descriptors);
	TG_CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

/* Until `events` may be there, ten seconds at most. */
static inline void await(const struct tg_net *net, unsigned events)
{
	struct tg_now now = tg_clock_now();
	struct tg_wants wants;

	tg_wants_clear(&wants);
	tg_wants_at(&wants, now.mono_ms + 10000);
	tg_net_want(net, &wants, events);
	(void)tg_loop_wait(&wants, &now);
}

/* What comes next: a count, CLOSED or RESET. */
static inline int recv_some(struct tg_net *net, uint8_t *at, size_t cap)
{
	int got;

	while ((got = tg_net_recv(net, at, cap)) == TG_ERR_AGAIN)
		await(net, TG_WANT_READ);
	return got;
}

static inline void send_all(struct tg_net *net, const uint8_t *at, size_t bytes)
{
	while (bytes > 0) {
		int put = tg_net_send(net, at, bytes);
		if (put == TG_ERR_AGAIN) {
			await(net, TG_WANT_WRITE);
			continue;
		}
		TG_CHECK(put > 0);
		at += put;
		bytes -= (size_t)put;
	}
}

static inline int listen_here(uint16_t *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t bytes = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	TG_CHECK(bind(listener, (struct sockaddr *)&address, bytes) == 0);
	TG_CHECK(listen(listener, 8) == 0);
	TG_CHECK(getsockname(listener, (struct sockaddr *)&address, &bytes) == 0);
	*port = ntohs(address.sin_port);
	return listener;
}

/* A peer that takes one connection, talks as `talk` says, and ends. What it is told through `in`
 * and says through `out` are pipes. */
static inline void peer_start_talk(struct peer *peer, void (*talk)(int fd, int in, int out))
{
	int in[2], out[2];
	int listener = listen_here(&peer->port);

	TG_CHECK(pipe(in) == 0 && pipe(out) == 0);
	peer->pid = fork();
	if (peer->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		talk(accept(listener, NULL, NULL), in[0], out[1]);
		_exit(0);
	}
	(void)close(listener);
	(void)close(in[0]);
	(void)close(out[1]);
	peer->in = in[1];
	peer->out = out[0];
}

#endif
