/* login.h - the server's side of RethinkDB's login and frames, for peers that tests make: one user,
 * one password.
 *
 * Pure: messages in, messages out. reference/rethinkdb.md, section 1.
 */
#ifndef TG_TESTS_LOGIN_H
#define TG_TESTS_LOGIN_H

#include "platform/view.h"

#define TG_PEER_USER     "agent"
#define TG_PEER_PASSWORD "correct horse"

enum { TG_PEER_PASSWORD_ITERATIONS = 1, TG_LOGIN_ANSWER_BYTES = 2048 };

struct tg_peer_login {
	char first_bare_[256];
};

/* The client's first message (without its NUL): what is to be sent back, NULs included. */
size_t tg_peer_login_first(struct tg_peer_login *login, const char *message,
			   char answer[TG_LOGIN_ANSWER_BYTES]);
/* The client's proof: the server's signature, or "Wrong password". */
size_t tg_peer_login_final(const struct tg_peer_login *login, const char *message,
			   char answer[TG_LOGIN_ANSWER_BYTES]);

/* The twelve bytes before a frame's body. */
void tg_peer_frame_head(uint64_t token, size_t bytes, uint8_t head[12]);

#endif
