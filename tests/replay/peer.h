/* peer.h - a server on a loopback port that speaks RethinkDB's wire as a test tells it to.
 *
 * It logs anyone in who knows the password, hands each query to the test's function and sends what
 * that says, torn into pieces of any size. It is stepped by the test beside the driver: nothing
 * here waits.
 */
#ifndef TG_TESTS_REPLAY_PEER_H
#define TG_TESTS_REPLAY_PEER_H

#include "tests/login.h"

enum { TG_PEER_IN_BYTES = 16384, TG_PEER_OUT_BYTES = 4 << 20 };

struct tg_peer;
typedef void tg_peer_answer(struct tg_peer *peer, uint64_t token, const char *query);

struct tg_peer {
	tg_peer_answer *answer;
	void *context;
	uint16_t port;
	size_t send_bytes_max; /* pieces of what is sent; 0: as much as goes         */
	uint64_t drop_after;   /* the connection ends after so many bytes sent; 0: not */
	uint64_t sent;         /* on this connection, the login included             */
	unsigned connections;
	bool mute; /* sends nothing                                      */
	int listener_, fd_;
	unsigned state_;
	struct tg_peer_login login_;
	size_t in_bytes_, out_bytes_, out_sent_;
	char in_[TG_PEER_IN_BYTES];
	char out_[TG_PEER_OUT_BYTES];
};

void tg_peer_start(struct tg_peer *peer, tg_peer_answer *answer, void *context);
/* Accepts, reads, answers, sends: what can be done at once. True when something was. */
bool tg_peer_step(struct tg_peer *peer);
/* Sends one frame. */
void tg_peer_say(struct tg_peer *peer, uint64_t token, const char *body);
/* Sends bytes as they are. */
void tg_peer_send(struct tg_peer *peer, const void *at, size_t bytes);
/* Ends the connection. */
void tg_peer_drop(struct tg_peer *peer);
void tg_peer_stop(struct tg_peer *peer);

#endif
