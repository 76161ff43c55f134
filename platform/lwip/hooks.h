/* hooks.h - what lwIP asks of us while it works.
 *
 * Thread:  any, with lwIP's core locked.
 */
#ifndef TG_LWIP_HOOKS_H
#define TG_LWIP_HOOKS_H

#include <stdint.h>

struct netif;

/* Where a packet goes that no interface's network holds. 127.0.0.0/8 is not ours: it is the machine
 * at the TAP's other end, whose kernel takes such packets only where its route_localnet says so. */
struct netif *tg_lwip_route(void);
#define LWIP_HOOK_IP4_ROUTE(to) (ip4_addr_isloopback(to) ? tg_lwip_route() : NULL)

/* A first sequence number that nobody outside can guess. */
uint32_t tg_lwip_random(void);
#define LWIP_HOOK_TCP_ISN(local_ip, local_port, remote_ip, remote_port) tg_lwip_random()

#endif
