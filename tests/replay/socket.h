/* socket.h - what every peer of this ring does with its sockets: it listens on a loopback port and
 * has one connection at a time. Nothing here waits.
 */
#ifndef TG_TESTS_REPLAY_SOCKET_H
#define TG_TESTS_REPLAY_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A listening socket on a free port. */
int tg_peer_socket(uint16_t *port);
/* A new connection, which does not block; -1: nobody came. */
int tg_peer_accept(int listener);
/* Closes `fd` unless it is -1, which it then is. */
void tg_peer_close(int *fd);
/* Appends what has come, `*bytes` of at most `cap` being there. True when something was done: at
 * the end of the connection `fd` is closed. */
bool tg_peer_receive(int *fd, char *at, size_t cap, size_t *bytes);

#endif
