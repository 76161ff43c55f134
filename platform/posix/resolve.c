/* Names to addresses, in a child process that can be ended: getaddrinfo() waits for name servers as
 * long as /etc/resolv.conf says, up to minutes; the loop must not. The child's answer is one write
 * below PIPE_BUF, so it comes whole or not at all. */
#define _GNU_SOURCE /* pipe2 */
#include "platform/stack.h"

#include "platform/assert.h"
#include "platform/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

_Static_assert(sizeof(struct sockaddr_in6) <= TG_NET_ADDRESS_BYTES, "an IPv6 address must fit");

const char tg_resolve_place[] = "/etc/resolv.conf";

enum { INHERITED_FDS_MAX = 1024 }; /* what a process may have open unless it asks for more */

struct answer {
	int32_t gai;
	uint32_t count;
	uint8_t addresses[TG_NET_ADDRESSES_MAX][TG_NET_ADDRESS_BYTES];
};
_Static_assert(sizeof(struct answer) <= PIPE_BUF, "one write must be whole");

static void look_up(const char *host, int flags, struct answer *answer)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = flags };
	struct addrinfo *list = NULL;

	memset(answer, 0, sizeof(*answer));
	answer->gai = getaddrinfo(host, NULL, &hints, &list);
	if (answer->gai != 0)
		return;
	for (struct addrinfo *at = list; at != NULL; at = at->ai_next) {
		if (answer->count == TG_NET_ADDRESSES_MAX)
			break;
		if (at->ai_addrlen <= TG_NET_ADDRESS_BYTES)
			memcpy(answer->addresses[answer->count++], at->ai_addr, at->ai_addrlen);
	}
	freeaddrinfo(list);
}

static void keep(struct tg_net *net, const struct answer *answer)
{
	net->count_ = answer->count;
	net->next_ = 0;
	memcpy(net->addresses_, answer->addresses, sizeof(net->addresses_));
}

bool tg_resolve_numeric(struct tg_net *net)
{
	struct answer answer;

	look_up(net->host_, AI_NUMERICHOST, &answer);
	if (answer.gai != 0 || answer.count == 0)
		return false;
	keep(net, &answer);
	return true;
}

/* What the parent has open stays open while a child holds it: its sockets for the peer, and the
 * store's lock for the next start, were the parent killed now. */
static void leave_parent(pid_t parent, int to)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1); /* it ended before it could be told */
	for (int fd = STDERR_FILENO + 1; fd < INHERITED_FDS_MAX; fd++)
		if (fd != to)
			(void)close(fd);
}

/* Runs in the child: it must not outlive the parent nor run the parent's signal handlers. */
static _Noreturn void answer_and_exit(const char *host, pid_t parent, int to)
{
	struct answer answer;

	leave_parent(parent, to);
	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGTERM, SIG_DFL);
	look_up(host, 0, &answer);
	_exit(write(to, &answer, sizeof(answer)) == (ssize_t)sizeof(answer) ? 0 : 1);
}

int tg_resolve_start(struct tg_net *net, struct tg_why *why)
{
	int ends[2];

	TG_ASSERT(net->child_ == 0 && net->answer_ < 0);
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return tg_why_set(why, TG_ERR_RESOLVE, "cannot look up \"%s\": no pipe (%s)",
				  net->host_, strerror(errno));
	pid_t parent = getpid();
	pid_t child = fork();
	if (child == 0)
		answer_and_exit(net->host_, parent, ends[1]);
	int fork_errno = errno;
	(void)close(ends[1]);
	net->answer_ = ends[0];
	if (child < 0) /* the pipe is closed by tg_net_close, which is owed */
		return tg_why_set(why, TG_ERR_RESOLVE, "cannot look up \"%s\": no process (%s)",
				  net->host_, strerror(fork_errno));
	net->child_ = child;
	return 0;
}

static int explain(const struct tg_net *net, int gai, struct tg_why *why)
{
	if (gai == EAI_AGAIN)
		return tg_why_set(why, TG_ERR_RESOLVE,
				  "no name server answered for \"%s\": check the link and %s",
				  net->host_, tg_resolve_place);
	return tg_why_set(
		why, TG_ERR_RESOLVE,
		"no address for \"%s\" (%s): check the spelling, or name it in /etc/hosts",
		net->host_, gai_strerror(gai));
}

int tg_resolve_step(struct tg_net *net, struct tg_why *why)
{
	struct answer answer;
	ssize_t got = read(net->answer_, &answer, sizeof(answer));

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return TG_ERR_AGAIN;
	tg_resolve_stop(net);
	if (got != (ssize_t)sizeof(answer))
		return tg_why_set(why, TG_ERR_RESOLVE,
				  "the look-up of \"%s\" ended without an answer: try again",
				  net->host_);
	if (answer.gai != 0 || answer.count == 0 || answer.count > TG_NET_ADDRESSES_MAX)
		return explain(net, answer.gai != 0 ? answer.gai : EAI_NONAME, why);
	keep(net, &answer);
	return 0;
}

void tg_resolve_want(const struct tg_net *net, struct tg_wants *wants)
{
	tg_wants_fd(wants, net->answer_, TG_WANT_READ);
}

/* The reaping of a killed child is a matter of microseconds. */
void tg_resolve_stop(struct tg_net *net)
{
	if (net->answer_ >= 0)
		(void)close(net->answer_);
	net->answer_ = -1;
	if (net->child_ <= 0)
		return;
	(void)kill(net->child_, SIGKILL);
	while (waitpid(net->child_, NULL, 0) < 0 && errno == EINTR)
		continue;
	net->child_ = 0;
}
