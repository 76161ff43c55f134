/* net.h - non-blocking TCP, over the kernel's sockets or lwIP's (stack.h).
 *
 * A look-up of a name cannot stop the loop: the kernel's stack has a child process for it, lwIP a
 * thread; a numeric address needs neither. A connection walks RESOLVE -> CONNECT -> open, one
 * bounded step a turn, every address of the name in turn, within one deadline. Keep-alive and
 * TCP_NODELAY are set; TCP_USER_TIMEOUT where the stack has it.
 *
 * Owns:    the socket and, while a name is looked up, that look-up.
 * Memory:  the struct.
 * Waits:   never; tg_net_want() says what for.
 */
#ifndef TG_PLATFORM_NET_H
#define TG_PLATFORM_NET_H

#include "platform/clock.h"
#include "platform/err.h"

struct tg_wants;

enum { TG_NET_ADDRESSES_MAX = 8, TG_NET_ADDRESS_BYTES = 28, TG_NET_HOST_BYTES_MAX = 254 };

/* Whom to dial, within which span from now. */
struct tg_net_target {
	const char *host; /* name, IPv4, or IPv6 with or without brackets; copied */
	uint16_t port;
	uint32_t deadline_ms;
};

struct tg_net {
	int fd_;     /* the socket, or -1                                    */
	int answer_; /* where a look-up's answer comes, in the stack's words, or -1 */
	int child_;  /* the resolving child's process id, or 0               */
	int errno_;  /* of the address tried last, or 0                      */
	unsigned state_;
	unsigned count_, next_; /* addresses found, next to try                 */
	uint32_t span_ms_;
	uint64_t deadline_ms_;
	uint64_t address_deadline_ms_; /* each address gets its share of what is left */
	uint8_t addresses_[TG_NET_ADDRESSES_MAX][TG_NET_ADDRESS_BYTES];
	char host_[TG_NET_HOST_BYTES_MAX];
	uint16_t port_;
};

/* Begins a connection. Returns 0 or CONFIG, RESOLVE, LIMIT with a sentence. tg_net_close() is owed
 * in either case. */
TG_CHECKED int tg_net_open(struct tg_net *net, const struct tg_net_target *target,
			   const struct tg_now *now, struct tg_why *why);

/* 0 once connected, TG_ERR_AGAIN, or RESOLVE, CONNECT, TIMEOUT with a sentence in `why`. */
TG_CHECKED int tg_net_step(struct tg_net *net, const struct tg_now *now, struct tg_why *why);

/* The host dialled, without brackets; lives as long as `net`. */
const char *tg_net_host(const struct tg_net *net);
uint16_t tg_net_port(const struct tg_net *net);

/* What the other end is called from now on, once a proxy has made it another one. */
void tg_net_rename(struct tg_net *net, const char *host, uint16_t port);

/* Bytes moved (> 0), TG_ERR_AGAIN, TG_ERR_CLOSED (recv only: the peer's orderly end) or RESET. */
TG_CHECKED int tg_net_recv(struct tg_net *net, uint8_t *at, size_t cap);
TG_CHECKED int tg_net_send(struct tg_net *net, const uint8_t *at, size_t bytes);

/* Adds what this connection waits for; `events` apply once it is connected. */
void tg_net_want(const struct tg_net *net, struct tg_wants *wants, unsigned events);

/* Closes what is open and ends a look-up under way; harmless when nothing is. */
void tg_net_close(struct tg_net *net);

/* A struct that was never opened: tg_net_close() may be called on it. */
void tg_net_none(struct tg_net *net);

#endif
