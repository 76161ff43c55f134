/* names.h - what lwIP's look-ups and its sockets share: an address in both of its forms.
 *
 * Thread:  the loop's.
 */
#ifndef TG_LWIP_NAMES_H
#define TG_LWIP_NAMES_H

#include "platform/stack.h"

#include <lwip/ip_addr.h>

/* The address as lwIP's sockets take it, its port still empty. */
void tg_lwip_address(const ip_addr_t *from, uint8_t to[TG_NET_ADDRESS_BYTES]);

#endif
