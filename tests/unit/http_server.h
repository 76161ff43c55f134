/* http_server.h - an HTTP/1.1 server in the test's own thread, that answers what the script says.
 *
 * It listens on 127.0.0.1, takes one connection at a time and is moved on by server_turn(), so that
 * client and server step in turn and a run is the same each time. Included once by a test program.
 */
#ifndef TG_TESTS_HTTP_SERVER_H
#define TG_TESTS_HTTP_SERVER_H

#include "platform/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SERVER_REQUEST_BYTES = 1 << 20, SERVER_SCRIPT_MAX = 16 };

enum server_when {
	WHEN_WHOLE,   /* after the whole request                                          */
	WHEN_HEAD,    /* once the head is there; the body is left unread                  */
	WHEN_CONNECT, /* at once                                                          */
};

struct server_reply {
	const char *text; /* NULL: none                                             */
	enum server_when when;
	bool close;         /* end the connection behind it                           */
	bool reset;         /* by a reset                                             */
	size_t piece_bytes; /* written in pieces, one a turn; 0: at once              */
};

static struct {
	int listener, fd;
	unsigned port;
	struct server_reply script[SERVER_SCRIPT_MAX];
	unsigned replies, next; /* how many are scripted, and used */
	/* Not NULL: answers each whole request behind the script's end, from what it asks for. */
	const char *(*choose)(const char *request);
	unsigned connections;
	char request[SERVER_REQUEST_BYTES]; /* the one under way, then the last whole one */
	size_t bytes;
	size_t answering; /* how many of them belong to the request being answered */
	size_t reply_sent;
	bool replying;
	bool wrote; /* in the last turn */
	char kept[SERVER_SCRIPT_MAX]
		 [SERVER_REQUEST_BYTES / 16]; /* requests as they were answered */
	size_t kept_bytes[SERVER_SCRIPT_MAX];
} server = { .listener = -1, .fd = -1 };

static inline void server_drop(bool reset)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	if (server.fd >= 0 && reset)
		(void)setsockopt(server.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	if (server.fd >= 0)
		(void)close(server.fd);
	server.fd = -1;
	server.bytes = 0;
	server.replying = false;
}

static inline void server_start(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t bytes = sizeof(address);

	server.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (server.listener < 0 || bind(server.listener, (struct sockaddr *)&address, bytes) != 0 ||
	    listen(server.listener, 8) != 0 ||
	    getsockname(server.listener, (struct sockaddr *)&address, &bytes) != 0)
		abort();
	server.port = ntohs(address.sin_port);
	server.replies = 0;
	server.next = 0;
	server.choose = NULL;
	server.connections = 0;
	server_drop(false);
}

static inline void server_stop(void)
{
	server_drop(false);
	(void)close(server.listener);
}

static inline void server_reply(struct server_reply reply)
{
	if (server.replies == SERVER_SCRIPT_MAX)
		abort();
	server.script[server.replies++] = reply;
}

/* The bytes of a chunked body, its end included; 0 while it is incomplete. */
static inline size_t server_chunked_bytes(const char *body, size_t bytes)
{
	const char *at = body;

	for (;;) {
		const char *end = strstr(at, "\r\n");
		size_t chunk = strtoul(at, NULL, 16);

		if (end == NULL || (size_t)(end - body) + 2 + chunk + 2 > bytes)
			return 0;
		at = end + 2 + chunk + 2;
		if (chunk == 0)
			return (size_t)(at - body);
	}
}

/* The whole request: head and as much body as its headers say. 0 while it is incomplete. */
static inline size_t server_request_bytes(void)
{
	const char *end, *length;

	server.request[server.bytes] = '\0';
	end = strstr(server.request, "\r\n\r\n");
	if (end == NULL)
		return 0;
	length = strstr(server.request, "Content-Length: ");
	size_t whole = (size_t)(end + 4 - server.request), chunked;
	const char *coding = strstr(server.request, "Transfer-Encoding: chunked");
	if (coding != NULL && coding < end) {
		chunked = server_chunked_bytes(end + 4, server.bytes - whole);
		return chunked != 0 ? whole + chunked : 0;
	}
	if (length != NULL && length < end)
		whole += strtoul(length + 16, NULL, 10);
	return whole <= server.bytes ? whole : 0;
}

static inline bool server_due(enum server_when when)
{
	if (when == WHEN_CONNECT)
		return true;
	if (when == WHEN_HEAD)
		return strstr(server.request, "\r\n\r\n") != NULL;
	return server_request_bytes() != 0;
}

static inline void server_write(void)
{
	const struct server_reply *reply = &server.script[server.next];
	size_t all = reply->text != NULL ? strlen(reply->text) : 0;
	size_t run = all - server.reply_sent;

	if (reply->piece_bytes != 0 && run > reply->piece_bytes)
		run = reply->piece_bytes;
	if (run != 0 &&
	    send(server.fd, reply->text + server.reply_sent, run, MSG_NOSIGNAL) != (ssize_t)run)
		run = all - server.reply_sent; /* it went away */
	server.reply_sent += run;
	server.wrote = run != 0;
	if (server.reply_sent < all)
		return;
	server.replying = false;
	server.next++;
	if (reply->close || reply->reset)
		server_drop(reply->reset);
	else
		server.bytes -= server.answering; /* the next request may lie behind it */
	memmove(server.request, server.request + server.answering, server.bytes);
	server.request[server.bytes] = '\0';
}

static inline void server_read(void)
{
	ssize_t got = recv(server.fd, server.request + server.bytes,
			   SERVER_REQUEST_BYTES - 1 - server.bytes, 0);

	if (got == 0 || (got < 0 && errno != EAGAIN))
		server_drop(false);
	else if (got > 0)
		server.bytes += (size_t)got;
	server.request[server.bytes] = '\0';
}

static inline void server_begin_reply(void)
{
	size_t bytes = server_request_bytes();

	if (bytes == 0)
		bytes = server.bytes;
	server.answering = bytes;
	if (bytes >= sizeof(server.kept[0]))
		bytes = sizeof(server.kept[0]) - 1;
	memcpy(server.kept[server.next], server.request, bytes);
	server.kept[server.next][bytes] = '\0';
	server.kept_bytes[server.next] = bytes;
	server.replying = true;
	server.reply_sent = 0;
}

/* Behind the script's end, what choose() says of a whole request becomes the next reply. */
static inline void server_choose(void)
{
	const char *text;

	if (server.choose == NULL || server.next < server.replies || server_request_bytes() == 0)
		return;
	text = server.choose(server.request);
	if (server.replies == SERVER_SCRIPT_MAX) {
		server.replies = 0;
		server.next = 0;
	}
	if (text != NULL)
		server_reply((struct server_reply){
			.text = text, .close = strstr(text, "Connection: close") != NULL });
}

/* The kernel's loopback carries what was sent within the call; lwIP's threads want a moment for it,
 * or a test's own clock, a step a turn, runs away from them. */
static inline void server_pause(void)
{
#ifdef CONFIG_TG_NET_LWIP
	(void)nanosleep(&(struct timespec){ .tv_nsec = 50000 }, NULL);
#endif
}

static inline void server_turn(void)
{
	server_pause();
	server.wrote = false;
	if (server.fd < 0) {
		server.fd = accept(server.listener, NULL, NULL);
		if (server.fd < 0)
			return;
		(void)fcntl(server.fd, F_SETFL, O_NONBLOCK);
		/* Time is the test's: no piece may wait for an acknowledgement of another one. */
		(void)setsockopt(server.fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
		server.connections++;
		server.bytes = 0;
		server.request[0] = '\0';
	}
	if (!server.replying && (server.next >= server.replies ||
				 server.script[server.next].when != WHEN_HEAD || server.bytes == 0))
		server_read();
	if (server.fd >= 0 && !server.replying)
		server_choose();
	if (server.fd >= 0 && !server.replying && server.next < server.replies &&
	    server_due(server.script[server.next].when))
		server_begin_reply();
	if (server.replying && server.fd >= 0)
		server_write();
}

/* A turn; what it wrote is there before a test's clock moves on: at once with the kernel, when one
 * of the sockets that `want` names is ready over lwIP. */
static inline void server_turn_for(void (*want)(struct tg_wants *wants), const struct tg_now *now)
{
	struct tg_wants wants;

	server_turn();
	if (!server.wrote)
		return;
	tg_wants_clear(&wants);
	want(&wants);
	wants.wake_mono_ms = now->mono_ms + 50;
	(void)tg_loop_wait(&wants, now);
}

#endif
