/* response.h - an HTTP/1.1 answer, understood as it arrives (RFC 9112), at any split.
 *
 *      HTTP/1.1 100 Continue CRLF CRLF                 any 1xx is passed over
 *      HTTP/1.1 200 OK CRLF                            status
 *      Content-Type: application/json CRLF             a few headers are kept, the others are not
 *      CRLF
 *      {"refused":[7]}                                 Content-Length, chunked, or until the end
 *
 * What no honest server sends fails the answer instead of being guessed at: a name with a space
 * before its colon, a folded line, two different lengths, a chunk size that is none. A bare LF ends
 * a line (section 2.2).
 *
 * Memory:  the struct; the body's first bytes go into the caller's buffer, the rest is dropped.
 * Waits:   never.
 */
#ifndef TG_DRIVERS_HTTP_RESPONSE_H
#define TG_DRIVERS_HTTP_RESPONSE_H

#include "platform/err.h"

enum { TG_HTTP_VALUE_BYTES_MAX = 128 };

struct tg_http_response {
	unsigned status; /* 0: not yet known */
	bool keep_alive; /* the connection may be used again */
	bool encoded;    /* the body has a Content-Encoding: not to be read */
	bool began;      /* the first byte has come */
	char content_type[TG_HTTP_VALUE_BYTES_MAX];
	char retry_after[TG_HTTP_VALUE_BYTES_MAX];
	char date[TG_HTTP_VALUE_BYTES_MAX];
	char location[TG_HTTP_VALUE_BYTES_MAX];
	uint8_t *body; /* the caller's buffer */
	size_t body_cap;
	size_t body_bytes; /* how much of it is filled */
	bool body_cut;     /* more came than it holds */
	/* The rest is response.c's. */
	unsigned state_;
	bool no_body_, chunked_, coded_, sized_, http10_, close_, stay_;
	uint64_t left_; /* of the body or of this chunk */
	uint64_t head_bytes_, read_bytes_;
	unsigned interim_; /* how many 1xx were passed over */
	size_t line_bytes_;
	bool line_cut_;
	char line_[CONFIG_TG_HTTP_LINE_BYTES_MAX];
};

/* `head_only`: the request was a HEAD, the answer has no body. */
void tg_http_response_start(struct tg_http_response *response, uint8_t *body, size_t body_cap,
			    bool head_only);
/* Takes the next bytes. 0: the answer is complete (`used` says how many bytes it took),
 * TG_ERR_AGAIN: all were taken and more are needed; TG_ERR_PEER_TLS, PEER_OTHER (not HTTP at all),
 * TG_ERR_PROTOCOL or TG_ERR_LIMIT with a sentence. */
TG_CHECKED int tg_http_response_feed(struct tg_http_response *response, struct tg_view bytes,
				     size_t *used, struct tg_why *why);
/* The connection ended. 0 when that ends the answer, else TG_ERR_CLOSED. */
TG_CHECKED int tg_http_response_end(struct tg_http_response *response, struct tg_why *why);

#endif
