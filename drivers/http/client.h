/* client.h - one request at a time over a connection that is kept for the next one (RFC 9112).
 *
 *      begin -> OPENING -> SENDING -> RECEIVING -> done, connection kept or closed
 *                  ^           |          |
 *                  `-----------+----------'  a kept connection that the peer had closed meanwhile:
 *                                            once more on a fresh one, if no byte of an answer came
 *
 * An answer may come before the request is sent (413, 401): it counts, and the connection is closed
 * behind it. Every phase has its deadline: name and connect, TLS handshake, each progress in
 * sending, the first byte of the answer, each byte after it, and ten times that for the answer as a
 * whole.
 *
 * Owns:    the connection.
 * Memory:  the struct; two buffers from the arena, at boot.
 * Waits:   never; tg_http_want() says what for. A step sends one bufferful at most.
 */
#ifndef TG_DRIVERS_HTTP_CLIENT_H
#define TG_DRIVERS_HTTP_CLIENT_H

#include "app/arena.h"
#include "drivers/http/body.h"
#include "drivers/http/response.h"
#include "platform/conn.h"

enum { TG_HTTP_CLIENT_ARENA_BYTES = CONFIG_TG_HTTP_SEND_BYTES + CONFIG_TG_HTTP_RECV_BYTES + 32 };

struct tg_http_request {
	/* Writes the head, its empty line included; at most CONFIG_TG_HTTP_SEND_BYTES. */
	void (*head)(void *context, struct tg_out *out);
	void *context;
	struct tg_http_body body; /* read NULL: there is none */
	bool head_only;           /* the method is HEAD */
};

struct tg_http_client {
	struct tg_conn_target target;     /* set by the owner */
	uint32_t answer_ms_max;           /* set by the owner */
	struct tg_http_response response; /* of the last request */
	bool early;                       /* it came before the whole request was sent */
	/* The rest is client.c's. */
	struct tg_conn conn_;
	struct tg_http_request request_;
	unsigned state_;
	bool open_, reused_, head_sent_;
	uint8_t *send_, *recv_;
	size_t sent_, filled_;
	uint8_t *answer_;
	size_t answer_cap_;
	uint64_t idle_since_ms_, deadline_ms_, end_ms_;
};

/* Boot. `answer` keeps the first bytes of an answer's body. */
void tg_http_init(struct tg_http_client *client, struct tg_arena *arena, uint8_t *answer,
		  size_t answer_cap);
/* Begins; what `request` points at lives until tg_http_step() has returned 0 or an error. */
void tg_http_begin(struct tg_http_client *client, const struct tg_http_request *request,
		   const struct tg_now *now);
/* 0: client->response is complete. TG_ERR_AGAIN, or the error with its sentence. */
TG_CHECKED int tg_http_step(struct tg_http_client *client, const struct tg_now *now,
			    struct tg_why *why);
void tg_http_want(const struct tg_http_client *client, struct tg_wants *wants);
/* Gives up what is under way and closes. */
void tg_http_close(struct tg_http_client *client);

#endif
