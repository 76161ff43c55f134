/* proxy.h - the way through an HTTP proxy, for conn.c alone: struct tg_proxy_talk is in conn.h. */
#ifndef TG_PLATFORM_COMMON_PROXY_H
#define TG_PLATFORM_COMMON_PROXY_H

#include "platform/conn.h"

void tg_proxy_start(struct tg_proxy_talk *talk);
/* 0 once the bytes go to the target, TG_ERR_AGAIN, or an error with a sentence: LOGIN_EMPTY and
 * LOGIN_PASSWORD (407), PERMISSION (403), CONNECT (502 to 504), PEER_OTHER (no HTTP, no CONNECT),
 * PROTOCOL, CLOSED, RESET. Times nothing. */
TG_CHECKED int tg_proxy_step(struct tg_proxy_talk *talk, struct tg_net *net,
			     const struct tg_conn_target *target, struct tg_why *why);
/* True while there is something to send, not to receive. */
bool tg_proxy_sends(const struct tg_proxy_talk *talk);

#endif
