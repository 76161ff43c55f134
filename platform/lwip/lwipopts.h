/* lwipopts.h - lwIP's own configuration: what is compiled in, and every size, from Kconfig.
 *
 *      frames:  each connection may hold its mailbox, what came out of order, and nothing more, so
 *               that one which is not read cannot take the frames that another one needs
 *
 * Sockets over netconns, with one thread for timers and one that reads frames (tap.c); both run
 * lwIP's core under one lock. All memory is static: no part of lwIP calls malloc here.
 */
#ifndef TG_LWIP_LWIPOPTS_H
#define TG_LWIP_LWIPOPTS_H

#define NO_SYS                        0
#define SYS_LIGHTWEIGHT_PROT          1
#define LWIP_TCPIP_CORE_LOCKING       1
#define LWIP_TCPIP_CORE_LOCKING_INPUT 1
#define LWIP_NETCONN_SEM_PER_THREAD   1
#define LWIP_NETCONN                  1
#define LWIP_SOCKET                   1
#define LWIP_SOCKET_POLL              1
#define LWIP_SOCKET_SELECT            0
/* lwip_recv() and not recv(): the kernel's calls stay what they are. */
#define LWIP_COMPAT_SOCKETS         0
#define LWIP_POSIX_SOCKETS_IO_NAMES 0
/* As far above the kernel's descriptors as lwIP's headers let us beside libc's FD_SETSIZE of 1024:
 * a process of ours has some dozens, so that the two are never taken for one another. */
#define LWIP_SOCKET_OFFSET (1024 - CONFIG_TG_LWIP_CONNECTIONS_MAX)
#define LWIP_TCP_KEEPALIVE 1

/* Protocols: TCP over IPv4 and IPv6 on Ethernet, and names. */
#define LWIP_ARP             1
#define LWIP_IPV4            1
#define LWIP_IPV6            1
#define LWIP_ICMP            1
#define LWIP_RAW             0
#define LWIP_UDP             1 /* for DNS */
#define LWIP_TCP             1
#define LWIP_DNS             1
#define LWIP_DHCP            0
#define LWIP_ACD             0
#define LWIP_IPV6_DHCP6      0
#define LWIP_IPV6_AUTOCONFIG 1
#define LWIP_NETIF_LOOPBACK  0
#define LWIP_HAVE_LOOPIF     0
#define IP_REASSEMBLY        0 /* TCP keeps to the segment size that both ends name */
#define IP_FRAG              0
#define LWIP_IPV6_REASS      0
#define LWIP_IPV6_FRAG       0
#define LWIP_HOOK_FILENAME   "platform/lwip/hooks.h"

/* Frames. */
#define TG_LWIP_MTU               1500
#define TCP_MSS                   1460
#define TG_LWIP_SEGMENTS(bytes)   (((bytes) + TCP_MSS - 1) / TCP_MSS)
#define TG_LWIP_WINDOW_SEGMENTS   TG_LWIP_SEGMENTS(CONFIG_TG_LWIP_WINDOW_BYTES)
#define DEFAULT_TCP_RECVMBOX_SIZE (TG_LWIP_WINDOW_SEGMENTS + 8)
#define TCP_QUEUE_OOSEQ           1
#define TCP_OOSEQ_MAX_PBUFS       TG_LWIP_WINDOW_SEGMENTS
#define TG_LWIP_FRAMES_EACH       (DEFAULT_TCP_RECVMBOX_SIZE + TCP_OOSEQ_MAX_PBUFS)
#define TG_LWIP_FRAMES_BESIDE     16 /* on their way in: ARP, DNS, acknowledgements */
#define PBUF_POOL_SIZE \
	(CONFIG_TG_LWIP_CONNECTIONS_MAX * TG_LWIP_FRAMES_EACH + TG_LWIP_FRAMES_BESIDE)
#define PBUF_POOL_BUFSIZE (TG_LWIP_MTU + 18) /* Ethernet's header, and a VLAN's */

/* TCP. Sent bytes are copied into the heap, a piece a segment, and stay until acknowledged. */
#define TCP_WND               CONFIG_TG_LWIP_WINDOW_BYTES
#define TCP_SND_BUF           CONFIG_TG_LWIP_SEND_BYTES
#define TG_LWIP_SEND_SEGMENTS TG_LWIP_SEGMENTS(CONFIG_TG_LWIP_SEND_BYTES)
#define TCP_SND_QUEUELEN      (4 * TG_LWIP_SEND_SEGMENTS)
/* Thrice as many as are open: one that we have closed stays until its peer has agreed, or for the
 * minute below when it never does. */
#define MEMP_NUM_TCP_PCB        (3 * CONFIG_TG_LWIP_CONNECTIONS_MAX)
#define MEMP_NUM_TCP_PCB_LISTEN 1 /* lwIP wants one; nothing listens */
#define MEMP_NUM_TCP_SEG \
	(CONFIG_TG_LWIP_CONNECTIONS_MAX * (2 * TG_LWIP_SEND_SEGMENTS + TG_LWIP_WINDOW_SEGMENTS))
/* Six repeats of a segment take about a minute: as TCP_USER_TIMEOUT, which lwIP has not. */
#define TCP_MAXRTX            6
#define LWIP_TCP_RTO_TIME     1000 /* RFC 6298; lwIP's 3000 is what came before it */
#define LWIP_TCP_SACK_OUT     1
#define LWIP_CHKSUM_ALGORITHM 3

/* The rest of the pools. */
#define MEMP_NUM_NETCONN CONFIG_TG_LWIP_CONNECTIONS_MAX
#define MEMP_NUM_NETBUF  2
#define MEMP_NUM_PBUF    (2 * CONFIG_TG_LWIP_CONNECTIONS_MAX)
#define DNS_TABLE_SIZE   8
#define DNS_MAX_REQUESTS 8
#define DNS_MAX_SERVERS  1
#define MEMP_NUM_UDP_PCB (DNS_TABLE_SIZE + 1)
#define TCPIP_MBOX_SIZE  DEFAULT_TCP_RECVMBOX_SIZE
#define MEM_LIBC_MALLOC  0
#define MEMP_MEM_MALLOC  0
#define MEM_ALIGNMENT    8
/* A segment's bytes, its headers and lwIP's own; small ones cost relatively more. */
#define MEM_SIZE \
	(CONFIG_TG_LWIP_CONNECTIONS_MAX * (TG_LWIP_SEND_SEGMENTS * (TCP_MSS + 160) + 512) + 8192)

/* "localhost" is the machine that holds the TAP's other end, and so is 127.0.0.1 (hooks.h). */
#define DNS_LOCAL_HOSTLIST 1
#define DNS_LOCAL_HOSTLIST_INIT                                                        \
	{                                                                              \
		DNS_LOCAL_HOSTLIST_ELEM("localhost", IPADDR4_INIT_BYTES(127, 0, 0, 1)) \
	}

/* The port: sys_arch.c. */
#define TCPIP_THREAD_NAME      "lwip"
#define TCPIP_THREAD_STACKSIZE CONFIG_TG_LWIP_THREAD_STACK_BYTES
#define TCPIP_THREAD_PRIO      0
#define LWIP_TIMEVAL_PRIVATE   0
#define LWIP_ERRNO_STDINCLUDE  1

/* Use and high water mark of each pool, which the tests read. */
#define LWIP_STATS   1
#define MEM_STATS    1
#define MEMP_STATS   1
#define LINK_STATS   0
#define ETHARP_STATS 0
#define IP_STATS     0
#define IP6_STATS    0
#define ICMP_STATS   0
#define ICMP6_STATS  0
#define ND6_STATS    0
#define MLD6_STATS   0
#define UDP_STATS    0
#define TCP_STATS    0
#define SYS_STATS    0

#endif
