/* response.h - an HTTP/1.1 answer, understood as it arrives (RFC 9112), at any split.
 *
 *      HTTP/1.1 100 Continue CRLF CRLF                 any 1xx is passed over
 *      HTTP/1.1 200 OK CRLF                            status
 *      Content-Type: application/json CRLF             a few headers are kept, and those wanted
 *      CRLF                                            headed
 *      {"refused":[7]}                                 Content-Length, chunked, or until the end
 *                                                      done
 *
 * What no honest server sends fails the answer instead of being guessed at: a name with a space
 * before its colon, a folded line, two different lengths, a chunk size that is none. A bare LF ends
 * a line (section 2.2).
 *
 * Memory:  the struct. The body stays where it lies: its runs are views into the caller's bytes.
 * Waits:   never.
 */
#ifndef TG_DRIVERS_HTTP_RESPONSE_H
#define TG_DRIVERS_HTTP_RESPONSE_H

#include "platform/err.h"

enum { TG_HTTP_VALUE_BYTES_MAX = 128 };

/* A header that the caller wants to see, by its name in any case. The buffer is the caller's. */
struct tg_http_wanted {
	const char *name;
	char *into; /* NUL-terminated; empty when the answer has no such header */
	size_t cap;
	size_t bytes; /* how long the value is; it was cut when that is `cap` or more */
};

struct tg_http_response {
	unsigned status; /* 0: not yet known */
	bool keep_alive; /* the connection may be used again */
	bool encoded;    /* the body has a Content-Encoding: not to be read */
	bool began;      /* the first byte has come */
	bool headed;     /* the head is complete: all above and below but the body is known */
	bool done;       /* so is the body */
	char content_type[TG_HTTP_VALUE_BYTES_MAX];
	char retry_after[TG_HTTP_VALUE_BYTES_MAX];
	char date[TG_HTTP_VALUE_BYTES_MAX];
	char location[TG_HTTP_VALUE_BYTES_MAX];
	uint8_t *body; /* the caller's buffer, filled by tg_http_response_keep() */
	size_t body_cap;
	size_t body_bytes;   /* how much of it is filled */
	bool body_cut;       /* more came than it holds */
	uint64_t read_bytes; /* of the body, so far */
	/* The rest is response.c's. */
	struct tg_http_wanted *wanted_;
	unsigned wanted_count_, lines_;
	unsigned state_;
	bool no_body_, chunked_, coded_, sized_, http10_, close_, stay_;
	uint64_t left_; /* of the body or of this chunk */
	uint64_t head_bytes_;
	unsigned interim_; /* how many 1xx were passed over */
	size_t line_bytes_;
	bool line_cut_;
	char line_[CONFIG_TG_HTTP_LINE_BYTES_MAX];
};

/* `head_only`: the request was a HEAD, the answer has no body. */
void tg_http_response_start(struct tg_http_response *response, uint8_t *body, size_t body_cap,
			    bool head_only);
/* Behind tg_http_response_start(): which headers go into which buffers. They are emptied. */
void tg_http_response_want(struct tg_http_response *response, struct tg_http_wanted *wanted,
			   unsigned count);

struct tg_http_taken {
	size_t used;         /* how many of the bytes */
	struct tg_view body; /* which of them belong to the body: a run of it, or none */
};

/* Takes one line, or one run of the body, from the beginning of `bytes` (at least one byte; not
 * when done). 0; TG_ERR_PEER_TLS, PEER_OTHER (not HTTP at all), TG_ERR_PROTOCOL or TG_ERR_LIMIT
 * with a sentence. */
TG_CHECKED int tg_http_response_take(struct tg_http_response *response, struct tg_view bytes,
				     struct tg_http_taken *taken, struct tg_why *why);
/* Copies as much of a run of the body as its buffer holds. */
void tg_http_response_keep(struct tg_http_response *response, struct tg_view body);
/* The connection ended. 0 when that ends the answer, else TG_ERR_CLOSED. */
TG_CHECKED int tg_http_response_end(struct tg_http_response *response, struct tg_why *why);

/* Milliseconds that Retry-After asks for, at most a day; 0: it does not. A date counts from the
 * answer's own Date where it has one, since our clock may be wrong. */
uint64_t tg_http_retry_after_ms(const struct tg_http_response *response, int64_t wall_ms);

#endif
