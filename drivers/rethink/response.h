/* response.h - RethinkDB's answers, taken apart as they arrive: frames, the envelope, the rows.
 *
 *      token 8 | length 4 | {"t":3,"r":[ {row} , {row} , ... ],"n":[]}
 *                     FRAME^  ^TYPE      ^ROW    ^ROW               ^END
 *
 * It is fed a window of bytes that grows at its end and may be moved: the caller keeps what lies
 * from `window.from` on and lets the rest go. A row is given out in place. Members may come in any
 * order; an answer larger than any buffer is fine, a row larger than CONFIG_TG_DOC_BYTES_MAX is
 * walked, hashed and dropped while its key is kept. Reference/rethinkdb.md 2.
 *
 * Memory:  the struct, about 4 KiB for the key of an oversize row. Waits: never.
 */
#ifndef TG_DRIVERS_RETHINK_RESPONSE_H
#define TG_DRIVERS_RETHINK_RESPONSE_H

#include "app/record.h"
#include "drivers/json/scan.h"
#include "platform/crypto.h"

enum tg_response_type {
	TG_RESPONSE_ATOM = 1,
	TG_RESPONSE_SEQUENCE = 2,
	TG_RESPONSE_PARTIAL = 3,
	TG_RESPONSE_WAIT_COMPLETE = 4,
	TG_RESPONSE_SERVER_INFO = 5,
	TG_RESPONSE_CLIENT_ERROR = 16,
	TG_RESPONSE_COMPILE_ERROR = 17,
	TG_RESPONSE_RUNTIME_ERROR = 18,
};

enum tg_response_event {
	TG_RESPONSE_MORE =
		1,         /* all bytes are used: receive                                       */
	TG_RESPONSE_FRAME, /* a frame begins: `token` says which question it answers           */
	TG_RESPONSE_TYPE,  /* the frame's type became known: the moment to ask for the next one */
	TG_RESPONSE_ROW,   /* `row` holds the next element of "r"                               */
	TG_RESPONSE_END,   /* the frame is over; type and error are final                       */
};

/* The bytes received and not used up: at[from .. fill), room up to cap. */
struct tg_window {
	uint8_t *at;
	size_t from, fill, cap;
};

struct tg_row {
	struct tg_view body; /* not to be used when oversize */
	struct tg_view key;  /* the value of watch[0]; inside the body unless oversize */
	struct tg_view time; /* the value of watch[1] */
	uint64_t bytes;      /* the row's true length */
	uint32_t flags;      /* enum tg_scan_flag */
	bool oversize;       /* larger or deeper than we hold       */
	uint64_t hash;       /* when oversize; else tg_row_hash()   */
};

struct tg_response { /* Public only so that it can be placed; the first part may be read. */
	uint64_t token;
	int32_t type;  /* enum tg_response_type; 0: not known yet */
	int32_t error; /* "e", with type 18 */
	struct tg_row row;
	struct tg_view
		watch[2]; /* names of the key and of the time, set by the caller between frames */
	uint64_t doc_bytes_max; /* CONFIG_TG_DOC_BYTES_MAX, smaller in tests */
	/* The rest is response.c's. */
	struct tg_scan scan_;
	uint64_t left_; /* bytes of the frame's body not used yet             */
	uint64_t skip_; /* `left_` of a frame that nobody waits for           */
	uint64_t base_; /* bytes of the value under way that were dropped      */
	uint32_t state_;
	uint32_t name_; /* which member this is                                */
	bool scanning_, dropping_, told_;
	struct tg_sha1 sha_;
	uint32_t key_bytes_, time_bytes_;
	uint8_t key_[TG_KEY_JSON_BYTES_MAX];
	uint8_t time_[256];
};

/* A new connection. */
void tg_response_start(struct tg_response *response, uint64_t doc_bytes_max);

/* Goes on at window->from. Frames whose token is below `token_min` are passed over unseen. An event
 * (> 0), or TG_ERR_PROTOCOL with a sentence: the connection is of no more use.
 * Views in `row` live until the window is moved. */
TG_CHECKED int tg_response_next(struct tg_response *response, struct tg_window *window,
				uint64_t token_min, struct tg_why *why);

/* Moves what is unused to the window's begin and returns how much room is behind it. */
size_t tg_window_room(struct tg_window *window, size_t wanted);

/* The first 8 bytes of the server's own uuid(row.toJsonString()): UUIDv5 in RethinkDB's namespace.
 */
uint64_t tg_row_hash(struct tg_view body);
/* Those of two rows, which together take little longer than one. */
void tg_row_hash_pair(const struct tg_view body[2], uint64_t hash[2]);

#endif
