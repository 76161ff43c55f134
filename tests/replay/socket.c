#include "tests/replay/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "platform/assert.h"

int tg_peer_socket(uint16_t *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t bytes = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	TG_ASSERT(listener >= 0);
	TG_ASSERT(bind(listener, (struct sockaddr *)&address, bytes) == 0);
	TG_ASSERT(listen(listener, 4) == 0);
	TG_ASSERT(getsockname(listener, (struct sockaddr *)&address, &bytes) == 0);
	TG_ASSERT(fcntl(listener, F_SETFL, O_NONBLOCK) == 0);
	*port = ntohs(address.sin_port);
	return listener;
}

int tg_peer_accept(int listener)
{
	int fd = accept(listener, NULL, NULL);

	if (fd >= 0)
		TG_ASSERT(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
	return fd;
}

void tg_peer_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

bool tg_peer_receive(int *fd, char *at, size_t cap, size_t *bytes)
{
	ssize_t got = recv(*fd, at + *bytes, cap - *bytes, 0);

	if (got < 0 && errno == EAGAIN)
		return false;
	if (got <= 0)
		tg_peer_close(fd);
	else
		*bytes += (size_t)got;
	return true;
}
