/* stack.h - what a network stack offers to platform/dial: the kernel's (posix/) or lwIP's (lwip/).
 *
 *      tg_net_*  (net.h)  <-  dial/dial.c: names, deadlines, sentences  <-  this  <-  the stack
 *
 * An address is TG_NET_ADDRESS_BYTES of the stack's own struct sockaddr, which the stack alone
 * reads. A failure is the value of errno, which both stacks take from <errno.h>.
 *
 * Memory:  the stack's own.
 * Waits:   never.
 * Thread:  the loop's.
 */
#ifndef TG_PLATFORM_STACK_H
#define TG_PLATFORM_STACK_H

#include "platform/net.h"

/* Makes the stack ready, on the first call; 0, or CONFIG, ACCESS, CONNECT with a sentence, and then
 * the next call tries again. */
TG_CHECKED int tg_stack_start(struct tg_why *why);

/* Begins a connection. 0 with the descriptor in `fd`, or the errno of its failure at once. */
TG_CHECKED int tg_stack_dial(const uint8_t address[TG_NET_ADDRESS_BYTES], uint16_t port, int *fd);
/* 0 once `fd` is connected, EINPROGRESS, or the errno of its failure. */
TG_CHECKED int tg_stack_dialled(int fd);
/* As tg_net_recv and tg_net_send (net.h). */
TG_CHECKED int tg_stack_recv(int fd, uint8_t *at, size_t cap);
TG_CHECKED int tg_stack_send(int fd, const uint8_t *at, size_t bytes);
void tg_stack_close(int fd);

/* True and filled addresses when `net`'s host is numeric. */
bool tg_resolve_numeric(struct tg_net *net);
/* Begins a look-up of `net`'s host, which tg_resolve_stop() ends. 0, or RESOLVE with a sentence. */
TG_CHECKED int tg_resolve_start(struct tg_net *net, struct tg_why *why);
/* 0 with addresses, TG_ERR_AGAIN, or RESOLVE with a sentence. */
TG_CHECKED int tg_resolve_step(struct tg_net *net, struct tg_why *why);
/* Adds what wakes the loop when the answer is there. */
void tg_resolve_want(const struct tg_net *net, struct tg_wants *wants);
/* Ends a look-up under way; harmless when there is none. */
void tg_resolve_stop(struct tg_net *net);
/* Where an operator looks when no name server answers. */
extern const char tg_resolve_place[];

#endif
