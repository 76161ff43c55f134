#define _GNU_SOURCE /* writev */
#include "platform/lwip/tap.h"

#include "platform/assert.h"

#include <lwip/etharp.h>
#include <lwip/ethip6.h>
#include <lwip/pbuf.h>
#include <lwip/sys.h>

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* The kernel's <linux/if_tun.h>, which a compiler of musl's does not find. */
#define TAP_CHOOSE _IOW('T', 202, int)
enum { TAP_ETHERNET = 0x0002, TAP_BARE = 0x1000 };

enum { PIECES_MAX = 8, PAUSE_NS = 100000000 };

static const char device[] = "/dev/net/tun";

static int explain(const char *name, int error, struct tg_why *why)
{
	if (error == EPERM || error == EACCES)
		return tg_why_set(why, TG_ERR_ACCESS,
				  "the TAP device %s is not for us: run as its owner or as root",
				  name);
	if (error == EBUSY)
		return tg_why_set(why, TG_ERR_CONNECT,
				  "the TAP device %s is in use: one process at a time", name);
	return tg_why_set(why, TG_ERR_CONNECT,
			  "the TAP device %s (%s) cannot be opened: %s: load the module tun", name,
			  device, strerror(error));
}

int tg_tap_open(const char *name, struct tg_why *why)
{
	struct ifreq request = { .ifr_flags = TAP_ETHERNET | TAP_BARE };
	int fd = open(device, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return explain(name, errno, why);
	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, TAP_CHOOSE, &request) == 0)
		return fd;
	int failed = errno;
	(void)close(fd);
	return explain(name, failed, why);
}

/* A frame that the device does not take (it is down) is lost, as on a cable that is pulled. */
static err_t send_frame(struct netif *netif, struct pbuf *frame)
{
	struct iovec pieces[PIECES_MAX];
	int count = 0;

	TG_ASSERT(frame != NULL);
	for (struct pbuf *at = frame; at != NULL; at = at->next) {
		if (count == PIECES_MAX)
			return ERR_BUF;
		pieces[count].iov_base = at->payload;
		pieces[count++].iov_len = at->len;
	}
	ssize_t put = writev(*(const int *)netif->state, pieces, count);
	return put == (ssize_t)frame->tot_len ? ERR_OK : ERR_IF;
}

static void take_frame(struct netif *netif, const uint8_t *bytes, uint16_t count)
{
	struct pbuf *frame = pbuf_alloc(PBUF_RAW, count, PBUF_POOL);

	/* Without room it is lost, and its sender repeats it. */
	if (frame == NULL)
		return;
	TG_ASSERT(pbuf_take(frame, bytes, count) == ERR_OK);
	if (netif->input(frame, netif) != ERR_OK)
		(void)pbuf_free(frame);
}

/* The device may be taken away or down: it is asked again ten times a second. */
static void receive(void *argument)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	struct netif *netif = argument;
	uint8_t frame[PBUF_POOL_BUFSIZE];

	for (;;) {
		ssize_t got = read(*(const int *)netif->state, frame, sizeof(frame));
		if (got > 0)
			take_frame(netif, frame, (uint16_t)got);
		else
			(void)nanosleep(&pause, NULL);
	}
}

/* A card's address that is nobody's: local, "tg", and the end of our IPv4 address, so that it is
 * the same after a restart. */
static void set_card_address(struct netif *netif)
{
	const ip4_addr_t *own = netif_ip4_addr(netif);
	const uint8_t address[] = {
		0x02, 't', 'g', ip4_addr2(own), ip4_addr3(own), ip4_addr4(own)
	};

	_Static_assert(sizeof(address) == NETIF_MAX_HWADDR_LEN, "as long as Ethernet's");
	memcpy(netif->hwaddr, address, sizeof(address));
	netif->hwaddr_len = sizeof(address);
}

err_t tg_tap_init(struct netif *netif)
{
	netif->name[0] = 't';
	netif->name[1] = 'g';
	netif->mtu = TG_LWIP_MTU;
	netif->output = etharp_output;
	netif->output_ip6 = ethip6_output;
	netif->linkoutput = send_frame;
	netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET |
		       NETIF_FLAG_MLD6 | NETIF_FLAG_LINK_UP;
	set_card_address(netif);
	return ERR_OK;
}

void tg_tap_listen(struct netif *netif)
{
	(void)sys_thread_new("tap", receive, netif, CONFIG_TG_LWIP_THREAD_STACK_BYTES, 0);
}
