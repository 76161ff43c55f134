/* peer.h - what platform's tests talk to: `openssl s_server`, peers without TLS, certificates.
 *
 * All of it listens on 127.0.0.1 and ends with the test.
 */
#ifndef TG_TESTS_PEER_H
#define TG_TESTS_PEER_H

#include "platform/conn.h"

#include <sys/types.h>

enum { PEER_BYTES = 16384 };

struct peer {
	pid_t pid;
	int in, out; /* its standard input and output, or -1 */
	uint16_t port;
};

/* False (with the reason printed as a skip) when a program that the tests need is missing. */
bool peer_has_openssl(void);

/* Makes a folder with a CA and certificates once a program; returns its path. Removed at exit:
 *      ca.pem ca2.pem           two CAs; ca3.pem has ca.pem's name and another key
 *      good.pem                 localhost, *.plant.example, 127.0.0.1, ::1     (+ .key)
 *      chain.pem                good, issued by an intermediate, which is in the file
 *      other.pem                host other.example only
 *      named.pem                common name localhost, no subjectAltName
 *      expired.pem future.pem   good otherwise
 *      self.pem                 self-signed, localhost
 *      client.pem               for clients; client.both holds the key too; client.pfx
 *      stale.pem                a client certificate that has expired */
const char *peer_folder(void);

/* Starts `openssl s_server ARGS` in that folder. */
void peer_start_openssl(struct peer *peer, const char *args);
/* Takes connections, reads a little, answers `text` and closes; an empty text only closes; with
 * NULL it never answers. */
void peer_start_plain(struct peer *peer, const char *text);
void peer_stop(struct peer *peer);

/* Waits until the peer has printed `word`; false after ten seconds. */
bool peer_printed(struct peer *peer, const char *word);
/* Takes what it has printed so far, so that it never waits for us to read it. */
void peer_forget_printed(struct peer *peer);

/* Waits until the connection may go on with these events, ten seconds at most. */
void peer_await(const struct tg_conn *conn, unsigned events);
/* Steps `conn` until it is open or has failed. */
int peer_dial(struct tg_conn *conn, const struct tg_conn_target *target);
/* Sends all of `text`, then receives until `end` has come or the connection ended. The bytes are in
 * `at`, NUL-terminated; returns their count or an error. */
int peer_ask(struct tg_conn *conn, const char *text, const char *end, char at[PEER_BYTES]);

#endif
