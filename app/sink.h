/* sink.h - contract 2: what each sink promises.
 *
 * The forwarder hands over one delivery at a time: records `first` to `last` of one stream. The
 * sink pulls its bytes through tg_body_read() as it can send them, so that a batch is never whole
 * in memory and a retry is the same bytes. When tg_sink_ops.step returns 0 the records are durable
 * at the target; the forwarder then commits the acknowledgement together with the sink's receipt,
 * in one transaction.
 *
 *      forwarder: [commit in-flight row] -> deliver() -> step() AGAIN... -> 0 -> commit(ack +
 * receipt) -> acked()
 *                                                              \-> TG_ERR_BATCH -> halve, rewrite
 * the row, deliver() again
 *                                                              \-> other errors -> back off,
 * deliver() the same again
 *
 * Thread:  the loop's. Waits: a file sink for the disk, a network sink never.
 */
#ifndef TG_APP_SINK_H
#define TG_APP_SINK_H

#include "app/line.h"
#include "app/record.h"

struct tg_arena;
struct tg_now;
struct tg_wants;
struct tg_json;
struct tg_problems;

enum tg_framing { TG_FRAMING_NDJSON = 1, TG_FRAMING_ARRAY = 2, TG_FRAMING_OWN = 3 };

/* The bytes of a delivery, rebuilt from the outbox at each read; made by the forwarder. NDJSON:
 * each line followed by LF. ARRAY: `[` line `,` line `]`. OWN: what ops->frame writes of each
 * record, one behind the other; what stands around them is the sink's to send. */
struct tg_body;
/* The next bytes, at most `cap`; 0 at the end; TG_ERR_DAMAGED or TG_ERR_IO. No transaction stays
 * open. */
TG_CHECKED int tg_body_read(struct tg_body *body, uint8_t *at, size_t cap);
/* Starts over from the first byte. */
void tg_body_rewind(struct tg_body *body);
/* How many bytes the whole body has: walks it once. */
TG_CHECKED int tg_body_bytes(struct tg_body *body, uint64_t *bytes);

/* How much of a body goes into a file that must not grow beyond a size. */
struct tg_body_fit {
	uint64_t bytes_max, lines_max;
	uint64_t bytes, lines; /* whole lines from the body's begin that keep within both */
	uint64_t last;         /* the records up to this sequence are these lines         */
};
/* Walks it up to there; where the body is being read from does not change. */
TG_CHECKED int tg_body_fit(struct tg_body *body, struct tg_body_fit *fit);

struct tg_delivery {
	struct tg_view instance; /* "NAME-0123456789abcdef"                                     */
	struct tg_view stream;   /* "SOURCE/DATABASE/TABLE"                                     */
	uint32_t stream_number;  /* small, stable for this store: for file names                */
	uint64_t first, last;    /* sequence numbers, both included                             */
	uint64_t count;          /* records in it (addressed elsewhere or set aside ones apart) */
	bool replay;             /* one quarantined record, older than what came after it       */
	struct tg_body *body;
};

enum { TG_RECEIPT_BYTES_MAX = 1024, TG_REFUSED_MAX = 64 };

/* What came of a delivery, read by the forwarder when step() returns. */
struct tg_outcome {
	struct tg_view receipt;  /* kept with the acknowledgement, under `scope`; empty: none */
	uint32_t scope;          /* 0: one for the sink; else the stream number               */
	uint64_t retry_after_ms; /* errors: the target asked for this pause (0: it did not)   */
	uint32_t refused_count;  /* 0: these sequences the target named as refused            */
	uint64_t refused[TG_REFUSED_MAX];
	/* Only so many lines, the records up to `last`, are durable (none: `last` is the one before
	 * the first): what is behind them is delivered anew. A sink without in-flight row alone. */
	bool cut;
	uint64_t last, lines;
};

struct tg_sink_limits {
	uint64_t batch_records_max;
	uint64_t batch_bytes_max; /* of record bodies; one record may be larger                   */
	bool in_flight_row;       /* commit the row before the first byte goes out               */
	enum tg_framing framing;
	bool one_delivery_waits; /* deliver only when the batch is full or nothing more comes: files
				  */
};

struct tg_sink_ops {
	const char *type;      /* "file", "https", "null" */
	uint32_t state_bytes;  /* asserted against CONFIG_TG_SINK_BYTES_MAX */
	uint32_t buffer_bytes; /* the most that start() takes from the arena, for the budget */
	const char *guarantee; /* the sentence that `check` shows           */
	bool documents;        /* "shape" is "document" unless the configuration says otherwise */

	/* Boot: reads its part of the configuration, reporting every fault; touches no network and
	 * no disk. */
	void (*configure)(void *state, const struct tg_json *config, struct tg_problems *problems);
	void (*limits)(const void *state, struct tg_sink_limits *out);
	/* Once, first of all; what it takes from `arena` stays taken. */
	TG_CHECKED int (*start)(void *state, struct tg_arena *arena, const struct tg_now *now,
				struct tg_why *why);
	/* After start and before the first delivery, once for each receipt that was kept: brings
	 * the target to what was committed with it (cuts the file's tail, finishes a rename). May
	 * be called again with the same receipt after an error. */
	TG_CHECKED int (*restore)(void *state, uint32_t scope, struct tg_view receipt,
				  struct tg_why *why);
	/* Begins a delivery; everything it points at lives until step() has returned 0 or an error.
	 */
	TG_CHECKED int (*deliver)(void *state, const struct tg_delivery *delivery,
				  const struct tg_now *now, struct tg_why *why);
	/* 0: durable, `outcome` filled. TG_ERR_AGAIN: see want(). TG_ERR_BATCH: this batch is
	 * refused. Others: the delivery failed as a whole and is to be repeated as it is. */
	TG_CHECKED int (*step)(void *state, const struct tg_now *now, struct tg_outcome *outcome,
			       struct tg_why *why);
	/* The acknowledgement and the receipt are durable: finish what hangs on that (a rename).
	 * 0: done. 1: another receipt is in `outcome`: make it durable, then call acked() again,
	 * until 0. An error: call again after a pause (a delivery in between tries it first). */
	TG_CHECKED int (*acked)(void *state, const struct tg_now *now, struct tg_outcome *outcome,
				struct tg_why *why);
	/* Between deliveries, when the moment that want() asked for has come: closes what is too
	 * old. Same returns as acked; after 1 and its commit comes acked(). */
	TG_CHECKED int (*idle)(void *state, const struct tg_now *now, struct tg_outcome *outcome,
			       struct tg_why *why);
	/* Nothing more will be delivered before the program ends: closes what is open, one
	 * thing a call. Same returns as idle; called again until 0. */
	TG_CHECKED int (*finish)(void *state, const struct tg_now *now, struct tg_outcome *outcome,
				 struct tg_why *why);
	/* Only with TG_FRAMING_OWN: appends what stands for `record` in a body. A function of the
	 * record, the line and what deliver() fixed, called any number of times for each record.
	 * Returns as tg_line_write(). */
	TG_CHECKED int (*frame)(void *state, const struct tg_line *line,
				const struct tg_record *record, struct tg_out *out);
	void (*want)(const void *state, struct tg_wants *wants);
	void (*stop)(void *state);
	/* Reaches the target without delivering: address, TLS, authorisation, disk. For `check`;
	 * stepped like step(). 0 with a sentence in `why` (ok), TG_ERR_AGAIN, or the error. */
	TG_CHECKED int (*probe)(void *state, const struct tg_now *now, struct tg_why *why);
};

/* acked, idle and finish of a sink for which nothing hangs on a commit, and restore of one that
 * keeps no receipt: all return 0 and touch nothing but `outcome`. */
TG_CHECKED int tg_sink_settled(void *state, const struct tg_now *now, struct tg_outcome *outcome,
			       struct tg_why *why);
TG_CHECKED int tg_sink_restored(void *state, uint32_t scope, struct tg_view receipt,
				struct tg_why *why);

#endif
