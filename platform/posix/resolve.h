/* resolve.h - names to addresses, in a child process that can be ended.
 *
 * getaddrinfo() waits for name servers as long as /etc/resolv.conf says, up to minutes; the loop
 * must not. The child's answer is one write below PIPE_BUF, so it comes whole or not at all.
 *
 * Owns:    the child and the pipe's reading end, both kept in struct tg_net.
 * Waits:   never; the reaping of a killed child is a matter of microseconds.
 */
#ifndef TG_PLATFORM_POSIX_RESOLVE_H
#define TG_PLATFORM_POSIX_RESOLVE_H

#include "platform/net.h"

/* True and filled addresses when `net`'s host is numeric. */
bool tg_resolve_numeric(struct tg_net *net);
TG_CHECKED int tg_resolve_start(struct tg_net *net, struct tg_why *why);
/* 0 with addresses, TG_ERR_AGAIN, or TG_ERR_RESOLVE. */
TG_CHECKED int tg_resolve_step(struct tg_net *net, struct tg_why *why);
/* Ends and reaps the child; harmless when there is none. */
void tg_resolve_stop(struct tg_net *net);

#endif
