/* record.h - all that passes between the stages.
 *
 *      source --batch(records, bookmark)--> intake --> outbox --> forwarder --batch(first..last)-->
 * sink
 *
 * A record borrows its bytes from whoever made it: the source's receive buffer on the way in, the
 * outbox' memory map on the way out. Nothing here is kept beyond the call that handed it over.
 */
#ifndef TG_APP_RECORD_H
#define TG_APP_RECORD_H

#include "platform/view.h"

enum tg_op { TG_UPSERT = 1, TG_DELETE = 2 };

/* What the scanner saw in a body, so that shaping looks only for what is there. */
enum tg_record_flag {
	TG_REC_PSEUDO = 1,    /* holds a pseudo-type ($reql_type$) somewhere            */
	TG_REC_NESTED = 2,    /* a top-level member is an object or an array            */
	TG_REC_RESERVED = 4,  /* a top-level member is called `_tidegate`               */
	TG_REC_SURROGATE = 8, /* a string is not strict UTF-8: an encoded surrogate ... */
	TG_REC_OVERSIZE = 16, /* the body is not here: larger or deeper than we can hold */
	TG_REC_SEEN = 32, /* in an ORDERED batch, on the way in only: no body, the row is there */
};

enum {
	TG_KEY_BYTES_MAX = 1100,      /* an encoded key with its tail                        */
	TG_KEY_JSON_BYTES_MAX = 3200, /* the source's JSON of a key                          */
	TG_BOOKMARK_BYTES_MAX = 8192,
	TG_STREAM_NAME_BYTES_MAX = 400,
	TG_GENERATION_BYTES = 16,
};

/* The stream of an END whose table could not even begin (dropped, no answer): `name` says which. */
#define TG_STREAM_NONE UINT32_MAX

/* An encoded primary key: compares in the source's own order by its first `cmp_bytes`; the tail
 * behind them only says how the source spelled it (a time zone, -0.0), and is no part of identity.
 */
struct tg_key {
	struct tg_view bytes;
	uint32_t cmp_bytes;
};

static inline struct tg_key tg_key_none(void)
{
	return (struct tg_key){ .cmp_bytes = 0 };
}

struct tg_record {
	enum tg_op op;
	uint32_t flags; /* enum tg_record_flag                                          */
	/* Upsert: the source's bytes of the row; delete: the key's JSON, on the way in not needed:
	 * what goes out is the spelling that was sent before. */
	struct tg_view body;
	uint32_t key_at;     /* upsert: where in the body the key's JSON lies ...             */
	uint32_t key_bytes;  /* ... and how long it is (delete: all of the body)              */
	struct tg_key key;   /* encoded; on the way in only                                   */
	uint64_t hash;       /* first 8 bytes of the source's row hash, big-endian; in only   */
	uint64_t body_bytes; /* the row's true size, also when TG_REC_OVERSIZE                */
	int64_t time_ms;     /* the source's change time where it has one, else when read     */
	uint64_t seq;        /* given by the outbox; 0 on the way in                          */
	uint16_t only_sink;  /* 0: for every sink; else for this sink alone                   */
};

enum tg_batch_kind {
	TG_BATCH_NONE,  /* nothing this time                                                  */
	TG_BATCH_BEGIN, /* a stream begins: `name`, `generation` (not with SAME); answered by
			 * ops->begin                                                         */
	TG_BATCH_ROWS,  /* records and the bookmark that covers them                          */
	TG_BATCH_END,   /* the stream's pass is over: complete, or failed with `why`          */
	TG_BATCH_DONE,  /* every stream of this source is over                                */
};

enum tg_batch_flag {
	TG_BATCH_ORDERED =
		1, /* rows of a full pass in key order: what lies between two of them is gone */
	TG_BATCH_PASS_BEGIN = 2, /* first batch of a full pass (not of a resumed one) */
	TG_BATCH_COMPLETE = 4,   /* with END: the pass saw everything; with ORDERED passes gone rows
				  * may now be deleted   */
	TG_BATCH_LAST = 8, /* nothing is under way behind this batch: commit it now              */
	TG_BATCH_COUNT = 16, /* with ROWS, also without any: the next step counts keys() exactly */
	TG_BATCH_SAME = 32,  /* with BEGIN: the server was not asked which generation there is; the
			      * stored one is taken, and no stream is made */
	TG_BATCH_AGAIN = 64, /* with END behind such a BEGIN: nothing was read, another BEGIN of
			      * the stream follows */
	TG_BATCH_BACK = 128, /* with ORDERED ROWS: read from the last key backwards, see `before` */
};

struct tg_batch {
	enum tg_batch_kind kind;
	uint32_t flags;      /* enum tg_batch_flag                                    */
	uint32_t stream;     /* ROWS, END: the handle that ops->begin was given       */
	struct tg_view name; /* BEGIN: "DATABASE/TABLE"                               */
	uint8_t generation[TG_GENERATION_BYTES]; /* BEGIN: the table's UUID                   */
	uint64_t rows_estimate;    /* BEGIN: for the progress shown, 0 = unknown            */
	struct tg_record *records; /* ROWS: owned by the source until its next step         */
	uint32_t count;
	/* BACK: the rows, which rise inside the batch, are all that lie from the first of them up
	 * to this key. ORDERED END: nothing lies between the last row of a batch without BACK and
	 * this key. None: up to the last key. It is the first key of the BACK batch before. */
	struct tg_key before;
	struct tg_view bookmark;  /* ROWS, END: after the last record; empty: unchanged    */
	const struct tg_why *why; /* END without COMPLETE: why                             */
	uint64_t bytes_read;      /* taken from the wire since the last batch, statistics  */
};

#endif
