/* tap.h - lwIP's Ethernet: a TAP device, which is a network card whose other end is this machine.
 *
 * Owns:    the device's descriptor, until the process ends.
 * Memory:  a frame on each thread's stack.
 * Thread:  frames come in through a thread of its own, and leave from any that holds lwIP's core.
 */
#ifndef TG_LWIP_TAP_H
#define TG_LWIP_TAP_H

#include "platform/err.h"

#include <lwip/netif.h>

/* Opens the device `name`; its descriptor, or ACCESS, CONNECT with a sentence. */
TG_CHECKED int tg_tap_open(const char *name, struct tg_why *why);

/* For netif_add(); `state` is a pointer to the descriptor. */
err_t tg_tap_init(struct netif *netif);
/* Starts the thread, once the interface is set up. */
void tg_tap_listen(struct netif *netif);

#endif
