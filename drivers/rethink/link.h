/* link.h - one connection to a RethinkDB server: dial, log in, ask, and take answers apart.
 *
 *      open -> DIALLING -> LOGIN -> UP: ask(query) -> events of response.h -> ask(...) -> close
 *
 * One query is waited for at a time, or two that read a table from its ends; what still arrives for
 * older ones is passed over. A server that is silent for half of the answer's deadline is asked for
 * a sign of life ([5]), so that a long search is told from a dead peer.
 *
 * Owns:    the connection. The window's bytes are the caller's.
 * Memory:  the struct, about 16 KiB. Waits: never; _want() says what for.
 */
#ifndef TG_DRIVERS_RETHINK_LINK_H
#define TG_DRIVERS_RETHINK_LINK_H

#include "drivers/rethink/config.h"
#include "drivers/rethink/handshake.h"
#include "drivers/rethink/response.h"
#include "platform/clock.h"

enum {
	TG_LINK_QUERIES_MAX = 2,
	TG_LINK_QUERY_BYTES_MAX = 7168, /* two keys of TG_KEY_JSON_BYTES_MAX, and names */
	TG_LINK_SEND_BYTES_MAX = TG_LINK_QUERIES_MAX * TG_LINK_QUERY_BYTES_MAX + 256,
};

struct tg_link {
	struct tg_response response; /* the answer under way: type, row, watch may be used */
	uint64_t bytes_read;         /* since the link was made; the caller may set it back */
	const struct tg_rethink_config *config_;
	struct tg_login login_;
	struct tg_scram_cache cache_;
	struct tg_conn conn_;
	struct tg_handshake handshake_;
	struct tg_window window_;
	uint64_t token_;       /* of the query waited for                  */
	uint64_t token_last_;  /* of the second one, else the same         */
	uint64_t deadline_ms_; /* of the login                             */
	uint64_t heard_ms_;    /* the last byte, or the last question      */
	uint32_t state_;
	uint32_t awaited_[TG_LINK_QUERIES_MAX]; /* answers still owed to each */
	bool pinged_;
	bool unread_; /* the window may hold more events          */
	uint32_t send_bytes_, sent_bytes_;
	uint8_t send_[TG_LINK_SEND_BYTES_MAX];
};

/* Once, before the first open. `window` (CONFIG_TG_DOC_BYTES_MAX + CONFIG_TG_RETHINK_RECV_BYTES) is
 * lent for good. */
void tg_link_init(struct tg_link *link, const struct tg_rethink_config *config, uint8_t *window,
		  size_t window_bytes);
TG_CHECKED int tg_link_open(struct tg_link *link, const struct tg_now *now, struct tg_why *why);
/* 0 once logged in, TG_ERR_AGAIN, or the error. */
TG_CHECKED int tg_link_login(struct tg_link *link, const struct tg_now *now, struct tg_why *why);
/* The address is being reached, or TLS being agreed on. */
bool tg_link_is_dialling(const struct tg_link *link);
bool tg_link_is_up(const struct tg_link *link);
/* The server's version text, for `check`. */
const char *tg_link_version(const struct tg_link *link);
/* "TLSv1.2 ..." or "". */
const char *tg_link_tls(const struct tg_link *link);

/* Asks a new query: START with `query` ("[1,...]"). Older ones are passed over from here on; one
 * that was alive is stopped. TG_ERR_LIMIT when it is too long to send. */
TG_CHECKED int tg_link_ask(struct tg_link *link, struct tg_view query, const struct tg_now *now,
			   struct tg_why *why);
/* Asks a second query beside the present one, whose frames then come between the first one's. */
TG_CHECKED int tg_link_ask_beside(struct tg_link *link, struct tg_view query,
				  const struct tg_now *now, struct tg_why *why);
/* Which of the two the present event belongs to: 0, or 1. */
unsigned tg_link_which(const struct tg_link *link);
/* Asks for the next batch of the query that the present event belongs to. */
void tg_link_more(struct tg_link *link, const struct tg_now *now);
/* Right behind _ask() or _ask_beside(): asks for the second batch already, so that from then on the
 * server has one batch more to make than we have to read. It answers one after another, and refuses
 * what is asked for behind the last one (reference/rethinkdb.md 2.4). */
void tg_link_ahead(struct tg_link *link);

/* The next event of the present query (enum tg_response_event without MORE), TG_ERR_AGAIN when the
 * socket has nothing, or the error. */
TG_CHECKED int tg_link_next(struct tg_link *link, const struct tg_now *now, struct tg_why *why);
void tg_link_want(const struct tg_link *link, struct tg_wants *wants);
/* Stops what is alive, as far as the socket takes it at once, and closes. */
void tg_link_close(struct tg_link *link);

#endif
