/* talk.h - one connection to one node: calls asked, a few at a time, and answers read in
 * order.
 *
 *      open, ask [, ask] -> head -> scan .. pull .. scan -> over      then the next answer's head
 *
 * An answer's rows are found where they were received and live until the next pull. An answer that
 * is no success is read to its end and judged; one that breaks off in its middle too.
 *
 * Owns:    the connection; the buffers are the caller's.
 * Memory:  the struct, about 30 KiB. Waits: never; _want() says what for.
 */
#ifndef TG_DRIVERS_RAVEN_TALK_H
#define TG_DRIVERS_RAVEN_TALK_H

#include "drivers/http/client.h"
#include "drivers/raven/answer.h"
#include "drivers/raven/cursor.h"
#include "drivers/raven/link.h"
#include "drivers/raven/page.h"
#include "drivers/raven/path.h"

enum {
	TG_RAVEN_TEXT_BYTES = 2048, /* of a call: an id, a query */
	TG_RAVEN_PARAMETERS_BYTES = 1200,
	/* Each byte of a text may become three. */
	TG_RAVEN_HEAD_BYTES =
		3 * (TG_RAVEN_TEXT_BYTES + TG_RAVEN_PARAMETERS_BYTES + TG_RAVEN_DATABASE_BYTES) +
		TG_RAVEN_VECTOR_BYTES + 1024,
	TG_RAVEN_ERROR_BYTES = 4096, /* of an answer that is an error: enough for its type */
	TG_RAVEN_WINDOW_BYTES = CONFIG_TG_DOC_BYTES_MAX + CONFIG_TG_RAVEN_RECV_BYTES,
	TG_RAVEN_TALK_ARENA_BYTES = TG_RAVEN_HEAD_BYTES + TG_RAVEN_ERROR_BYTES +
				    TG_RAVEN_WINDOW_BYTES,
	TG_RAVEN_VALUE_BYTES = 64,
	TG_RAVEN_ASKED_MAX = 1 + CONFIG_TG_RAVEN_AHEAD,
};

_Static_assert(TG_RAVEN_ASKED_MAX <= (int)TG_HTTP_ASKED_MAX, "Raise TG_HTTP_ASKED_MAX");

/* A call with copies of its texts, for as long as it is unanswered. */
struct tg_raven_asked {
	struct tg_raven_talk *talk;
	struct tg_raven_call call;
	enum tg_raven_page_kind kind;
	uint32_t match_bytes; /* If-None-Match; 0: none */
	uint8_t text[TG_RAVEN_TEXT_BYTES];
	uint8_t parameters[TG_RAVEN_PARAMETERS_BYTES];
	uint8_t match[TG_RAVEN_VECTOR_BYTES];
};

struct tg_raven_talk {
	struct tg_raven_page page;        /* the answer under way */
	struct tg_raven_judgement judged; /* after an error: why; fault NONE: the connection's */
	unsigned status;
	bool vector_told;      /* the ETag header was there, whole */
	struct tg_view vector; /* in it; empty while the database is */
	char cluster_id[TG_RAVEN_VALUE_BYTES], version[TG_RAVEN_VALUE_BYTES];
	uint64_t bytes_read;
	char peer[TG_NET_HOST_BYTES_MAX + 8]; /* "db.example:443" */
	/* The rest is talk.c's. */
	const struct tg_raven_link *link_;
	struct tg_http_client client_;
	struct tg_http_wanted wanted_[4];
	struct tg_raven_window window_;
	struct tg_raven_asked asked_[TG_RAVEN_ASKED_MAX];
	uint32_t first_, count_; /* of the ring asked_                      */
	bool headed_;            /* the head of the first one is known      */
	bool failed_;            /* and it is an error, being read          */
	uint64_t read_;
	char etag_[TG_RAVEN_VECTOR_BYTES + 8];
	char missing_[TG_RAVEN_VALUE_BYTES];
};

/* Once. `buffers` (TG_RAVEN_TALK_ARENA_BYTES) are lent for good. */
void tg_raven_talk_init(struct tg_raven_talk *talk, const struct tg_raven_link *link,
			uint8_t *buffers);
/* Whom to ask from now on; the connection is made by the first answer that is waited for. */
void tg_raven_talk_open(struct tg_raven_talk *talk, const struct tg_raven_url *url);
/* Asks; `match` is a vector or empty. TG_ERR_LIMIT: a text is too long to be asked. */
TG_CHECKED int tg_raven_talk_ask(struct tg_raven_talk *talk, const struct tg_raven_call *call,
				 struct tg_view match, const struct tg_now *now);
/* How many calls are not answered to their end. */
unsigned tg_raven_talk_asked(const struct tg_raven_talk *talk);
/* 0 once the oldest one's head is there and good (200, 204, 304), TG_ERR_AGAIN, or an error that
 * was judged: everything asked is forgotten then. */
TG_CHECKED int tg_raven_talk_head(struct tg_raven_talk *talk, const struct tg_now *now,
				  struct tg_why *why);
/* The next row of what was received: TG_RAVEN_PAGE_ROW, or TG_RAVEN_PAGE_MORE: pull. */
int tg_raven_talk_scan(struct tg_raven_talk *talk);
/* 0: the answer is over, and was whole. 1: there is more to scan. TG_ERR_AGAIN, or an error. Rows
 * die. */
TG_CHECKED int tg_raven_talk_pull(struct tg_raven_talk *talk, const struct tg_now *now,
				  struct tg_why *why);
void tg_raven_talk_want(const struct tg_raven_talk *talk, struct tg_wants *wants);
void tg_raven_talk_close(struct tg_raven_talk *talk);
/* "TLSv1.2 ..." of the open connection, or "plain". */
const char *tg_raven_talk_secured(const struct tg_raven_talk *talk);

#endif
