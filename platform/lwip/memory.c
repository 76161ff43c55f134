/* All of lwIP's pools, from its own list of them, against the number that the board's budget has.
 */
#include <lwip/opt.h>

#include <lwip/api.h>
#include <lwip/dns.h>
#include <lwip/etharp.h>
#include <lwip/memp.h>
#include <lwip/mld6.h>
#include <lwip/netbuf.h>
#include <lwip/netdb.h>
#include <lwip/priv/api_msg.h>
#include <lwip/priv/nd6_priv.h>
#include <lwip/priv/sockets_priv.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/priv/tcpip_priv.h>
#include <lwip/timeouts.h>
#include <lwip/udp.h>
#include <netif/ppp/ppp_opts.h>

/* What lies beside the pools: tables of neighbours, routes, names and sockets, the mailbox of
 * lwIP's thread, the interface. tests/lwip/test_build.py compares the sum with the object files. */
enum { BESIDE_BYTES = 16 * 1024 };

enum {
	POOLS_BYTES = 0
#define LWIP_MEMPOOL(name, count, size, what) \
	+((count) * (MEMP_SIZE + MEMP_ALIGN_SIZE(size)) + MEM_ALIGNMENT)
#include <lwip/priv/memp_std.h>
};

_Static_assert(POOLS_BYTES + MEM_SIZE + BESIDE_BYTES <= CONFIG_TG_NET_POOL_BYTES,
	       "lwIP's pools are more than TG_NET_POOL_BYTES: raise it, or lower "
	       "TG_LWIP_CONNECTIONS_MAX, TG_LWIP_WINDOW_BYTES or TG_LWIP_SEND_BYTES");
