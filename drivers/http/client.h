/* client.h - requests over a connection that is kept for the next ones (RFC 9112).
 *
 *      begin, step ... step                             one request; of the answer's body its first
 *                                                       bytes are kept in response.body
 *      ask [, ask], answer, pull, taken, pull ... pull  the same in steps of the caller's own: a
 *                   answer, pull ...                    body of any size, read as it arrives; what
 *                                                       is asked behind it is sent while the first
 *                                                       one's answer is read
 *
 *      ask -> OPENING -> sending -> head -> body -> end, connection kept or closed
 *               ^           |        |
 *               `-----------+--------'  a kept connection that the peer had closed meanwhile: once
 *                                       more on a fresh one, if no byte of the answer came
 *
 * An answer may come before the request is sent (413, 401): it counts, and the connection is closed
 * behind it. Every phase has its deadline: name and connect, TLS handshake, each progress in
 * sending, the first byte of the answer, each byte after it. An answer read by step (or drain) has
 * ten times that as a whole; for one that is pulled, only the time in which the caller waits
 * counts. In sending and in reading a peer that moves too little all the time is given up (pace.h).
 *
 * A body ends where its length or its last chunk says so, or, when the head names neither, where
 * the peer ends the connection in order (over TLS: with close_notify).
 *
 * Owns:    the connection.
 * Memory:  the struct; two buffers of the owner, at boot.
 * Waits:   never; tg_http_want() says what for. A step sends one bufferful at most.
 */
#ifndef TG_DRIVERS_HTTP_CLIENT_H
#define TG_DRIVERS_HTTP_CLIENT_H

#include "app/arena.h"
#include "drivers/http/body.h"
#include "drivers/http/pace.h"
#include "drivers/http/response.h"
#include "drivers/http/window.h"
#include "platform/conn.h"

enum {
	TG_HTTP_CLIENT_ARENA_BYTES = CONFIG_TG_HTTP_SEND_BYTES + CONFIG_TG_HTTP_RECV_BYTES + 32,
	TG_HTTP_ASKED_MAX = 5, /* 48 bytes each */
};

struct tg_http_request {
	/* Writes the head, its empty line included; it must fit into the send buffer. May be called
	 * again, and says the same then. */
	void (*head)(void *context, struct tg_out *out);
	void *context;
	struct tg_http_body body; /* read NULL: there is none */
	bool head_only;           /* the method is HEAD */
	/* Never sent again by itself: when a kept connection breaks, the owner finds out what
	 * became of it. Nothing else may be asked before it is answered. */
	bool once;
};

struct tg_http_buffers {
	uint8_t *send, *recv, *answer;
	size_t send_cap;   /* holds the longest head */
	size_t recv_cap;   /* the most that pull can show at once: one row at least */
	size_t answer_cap; /* first bytes of a body that step or drain reads */
};

struct tg_http_client {
	/* Set by the owner, at any time when nothing is asked. */
	struct tg_conn_target target;
	uint32_t answer_ms_max;
	struct tg_http_wanted *wanted; /* headers to keep; filled with each answer's head */
	unsigned wanted_count;
	/* Of the answer that came last; lives until the next one is begun. */
	struct tg_http_response response;
	bool early; /* it came before the whole request was sent */
	/* The rest is client.c's. */
	struct tg_conn conn_;
	struct tg_http_request requests_[TG_HTTP_ASKED_MAX]; /* the oldest first */
	unsigned asked_, sent_count_, phase_;
	bool open_, ready_, reused_, head_sent_, waiting_, pulled_;
	int send_err_;
	struct tg_http_buffers buffers_;
	struct tg_http_window window_;
	size_t sent_, filled_, shown_;
	uint64_t idle_since_ms_, deadline_ms_, end_ms_;
	struct tg_http_pace pace_;
};

/* Boot: the buffers are `buffers`' and outlive the client. */
void tg_http_place(struct tg_http_client *client, const struct tg_http_buffers *buffers);
/* Boot: send and receive buffers as Kconfig has them, from the arena. `answer` keeps the first
 * bytes of an answer's body. */
void tg_http_init(struct tg_http_client *client, struct tg_arena *arena, uint8_t *answer,
		  size_t answer_cap);

/* Begins; what `request` points at lives until tg_http_step() has returned 0 or an error. */
void tg_http_begin(struct tg_http_client *client, const struct tg_http_request *request,
		   const struct tg_now *now);
/* 0: client->response is complete. TG_ERR_AGAIN, or the error with its sentence. */
TG_CHECKED int tg_http_step(struct tg_http_client *client, const struct tg_now *now,
			    struct tg_why *why);

/* Asks one more, at most TG_HTTP_ASKED_MAX unanswered ones. Nothing is sent yet: tg_http_answer()
 * and tg_http_pull() do. What `request` points at lives until its answer has ended. */
void tg_http_ask(struct tg_http_client *client, const struct tg_http_request *request,
		 const struct tg_now *now);
/* How many are asked whose answer has not ended. */
unsigned tg_http_asked(const struct tg_http_client *client);
/* 0 once the head of the oldest unanswered one is complete: client->response and the wanted headers
 * say what it is. TG_ERR_AGAIN, or the error with its sentence; after an error nothing is asked any
 * more. */
TG_CHECKED int tg_http_answer(struct tg_http_client *client, const struct tg_now *now,
			      struct tg_why *why);
/* Between tg_http_answer() and the end of its body. 1: `view` is what is not yet taken, with new
 * bytes at its end; 0: the answer has ended, and `view` is what is not yet taken (until the next
 * answer or ask); TG_ERR_AGAIN; TG_ERR_LIMIT: the buffer is full of what is not taken (take some
 * and go on); another error: nothing is asked any more. Views die with the next call, and those
 * bytes move, but their order and their distance from the view's beginning stay. */
TG_CHECKED int tg_http_pull(struct tg_http_client *client, const struct tg_now *now,
			    struct tg_view *view, struct tg_why *why);
/* The first `bytes` of the view are done with. */
void tg_http_taken(struct tg_http_client *client, size_t bytes);
/* Instead of pulling: reads the body to its end and keeps its first bytes in response.body, for an
 * answer that tells an error. 0 at the end, or as tg_http_step(). */
TG_CHECKED int tg_http_drain(struct tg_http_client *client, const struct tg_now *now,
			     struct tg_why *why);

void tg_http_want(const struct tg_http_client *client, struct tg_wants *wants);
/* Gives up what is under way and closes. */
void tg_http_close(struct tg_http_client *client);

#endif
