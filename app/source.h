/* source.h - contract 1: what each source promises.
 *
 * A source yields its streams one after another, each as BEGIN, ROWS ..., END, and at last DONE:
 *
 *      step -> BEGIN(name, generation) ; the agent looks the stream up and calls ops->begin
 *      step -> ROWS(records, bookmark) ; committed together, then ops->taken
 *      step -> END(complete | why)     ; a broken stream never ends the others
 *      step -> DONE                    ; or a negative error: the source as a whole failed
 *
 * A source that may find with one question that nothing changed begins its streams with
 * TG_BATCH_SAME before it asks: begin() tells the generation and the bookmark as stored. Unless the
 * server's answer proves both, the stream ends with TG_BATCH_AGAIN and begins anew with the true
 * generation. A stream that the store does not know is not begun: begin() is given TG_STREAM_NONE,
 * and no END is due.
 *
 * Promises of a source: a record's views live until the next step; a bookmark covers all records
 * handed over before it, and begin() with it goes on right after them; rows of an ORDERED batch
 * rise by ops->key_compare, and no other batch follows them before END; ORDERED batches rise too,
 * or with BACK fall from the last key on, both in turns until they meet; the key encoding is
 * injective up to the source's own equality and ops->key_json gives the source's JSON back; nothing
 * is allocated after start; stop() sends what the protocol owes (a STOP for an open cursor) and
 * closes every socket.
 *
 * A source that reads in another order than its keys' compares afterwards: it hands over all keys
 * once more, ORDERED and as TG_REC_SEEN, which sends nothing and finds what is gone. One that is
 * told of deletes hands them over as TG_DELETE with a key alone; one of a key that is not there, or
 * was deleted before, sends nothing.
 *
 * Thread:  the loop's. Waits: never; want() says what for.
 */
#ifndef TG_APP_SOURCE_H
#define TG_APP_SOURCE_H

#include "app/record.h"
#include "platform/err.h"

struct tg_now;      /* platform/clock.h */
struct tg_wants;    /* platform/loop.h  */
struct tg_json;     /* drivers/json/json.h: a parsed piece of configuration */
struct tg_problems; /* drivers/json/json.h: what is wrong with it           */
struct tg_arena;    /* app/arena.h      */

/* What the store knows of a stream, handed to the source by begin(). */
struct tg_stream_state {
	uint32_t stream;         /* the handle to put into batches                                */
	struct tg_view bookmark; /* as last committed; empty: never read. Dies with the call.     */
	const uint8_t *generation; /* TG_GENERATION_BYTES of it, as stored. Dies with the call.   */
	bool full_pass_wanted; /* a resync, a repair or a raised limit: read everything again    */
	bool full_pass_begun;  /* ... and the bookmark's pass was begun for that: when it is a full
				* one, it is gone on with */
	bool rebuilt;          /* another generation than before: the bookmark is not to be used */
	/* How many keys were handed over and not deleted since: exact in the step behind a ROWS
	 * batch with TG_BATCH_COUNT; in begin() it only says whether there are any. */
	uint64_t (*keys)(const void *context);
	const void *keys_context;
};

/* The streams that the store has of one source, for as long as start() lasts. */
struct tg_known {
	void *context;
	/* False behind the last one. `name`: "DATABASE/TABLE"; it dies with the next call. */
	bool (*next)(void *context, struct tg_view *name);
};

struct tg_source_start {
	struct tg_arena *arena;
	const struct tg_now *now;
	const struct tg_known *known; /* NULL where there is no store: check and discover */
};

/* How a sink wants a row's members, compiled from its configuration; see app/line.h. */
struct tg_columns;

/* --- what `check` and `discover` are told, a line or a stream at a time; views die with the call
 * --- */

struct tg_check_line {
	const char
		*what; /* "address", "tls", "login", "database", "table plant/readings", "clock"  */
	int err;       /* 0: ok; else what failed, for the exit code                              */
	const char *text; /* ok: what was found; else what is wrong and what to do */
};

struct tg_column_report {
	struct tg_view name; /* as JSON writes it, without quotes */
	const char *type; /* BOOLEAN LONG DECIMAL DOUBLE STRING UTC_DATETIME BINARY JSON; "" = only
			     null */
	uint32_t rows;    /* sampled rows that have it                                           */
	uint32_t other_rows; /* of these, rows whose own type is another one: `other_type` is the
				first */
	const char *other_type;
	bool renamed; /* called so because another column of a row has its name */
};

struct tg_stream_report {
	struct tg_view name; /* "DATABASE/TABLE"                                                */
	struct tg_view key;  /* the primary key's member                                        */
	uint64_t rows_estimate;
	struct tg_view indexes; /* "updated_at, by_site (multi)" */
	const char *mode;     /* "snapshot", "timestamp", "auto"                                 */
	const char *mode_why; /* one sentence                                                    */
	const char *misses;   /* what this mode does not see; "" = nothing                       */
	const struct tg_why *why; /* the stream cannot be read; NULL: it can */
	uint32_t sample_rows;
	const struct tg_column_report *columns;
	uint32_t column_count, columns_left_out;
};

struct tg_report {
	void *context;
	void (*check)(void *context, const struct tg_check_line *line);
	void (*stream)(void *context, const struct tg_stream_report *stream);
};

/* When a complete pass that saw less than before may delete upstream; intake.h applies them. */
struct tg_source_rules {
	bool delete_when_empty; /* a table without rows deletes all that was sent of it        */
	bool delete_when_recreated; /* so does the first pass of a table made anew under its name */
};

struct tg_source_ops {
	const char *type;     /* "rethinkdb", as in the configuration           */
	uint32_t state_bytes; /* asserted against CONFIG_TG_SOURCE_BYTES_MAX    */

	/* Boot: reads its part of the configuration into `state`, reporting every fault. Touches
	 * neither network nor disk (secrets and certificate files apart). */
	void (*configure)(void *state, const struct tg_json *config, struct tg_problems *problems);

	void (*rules)(const void *state, struct tg_source_rules *out);

	/* CONFIG_TG_SOURCE_ARENA_BYTES of `arena` are free at the first start() after configure();
	 * what is taken then stays the source's, through stop() too. Called again after an error of
	 * step(): streams that were finished are not read again, others go on from their bookmarks.
	 * Called again after DONE: a new round. What was read before, by any process, is `known`:
	 * one that is gone at the server may be asked about for its deletes. */
	TG_CHECKED int (*start)(void *state, const struct tg_source_start *with,
				struct tg_why *why);
	TG_CHECKED int (*step)(void *state, const struct tg_now *now, struct tg_batch *out,
			       struct tg_why *why);
	TG_CHECKED int (*begin)(void *state, const struct tg_stream_state *stream);
	void (*want)(const void *state, struct tg_wants *wants);
	/* All batches handed over so far are durable. */
	void (*taken)(void *state);
	void (*stop)(void *state, const struct tg_now *now);

	/* Pure, of the type and not of one source: also used for what is left in the store of a
	 * source that is configured no more. */
	int (*key_compare)(struct tg_key a, struct tg_key b);
	/* Encodes a key's JSON; `at` takes TG_KEY_BYTES_MAX. TG_ERR_PROTOCOL, TG_ERR_LIMIT. */
	TG_CHECKED int (*key_encode)(struct tg_view json, uint8_t *at, size_t cap,
				     struct tg_key *out);
	/* The source's JSON of an encoded key (tail included). TG_ERR_DAMAGED when it is none. */
	TG_CHECKED int (*key_json)(struct tg_view key, struct tg_out *out);
	/* The members of a row as a line carries them, each preceded by a comma, no braces:
	 * `,"a":1,"b":"x"`. `document` keeps nested values, `columns` makes strings of them. */
	TG_CHECKED int (*shape)(const struct tg_columns *columns, const struct tg_record *record,
				struct tg_out *out);

	/* Optional (NULL). Stepped between start() and stop() instead of step(): TG_ERR_AGAIN until
	 * all is told, then 0; or the error that ended it, which was told as a line as well. */
	TG_CHECKED int (*check)(void *state, const struct tg_now *now,
				const struct tg_report *report, struct tg_why *why);
	TG_CHECKED int (*discover)(void *state, const struct tg_now *now,
				   const struct tg_report *report, struct tg_why *why);
};

#endif
