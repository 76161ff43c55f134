/* outbox.h - the durable queue between what was read and what was delivered.
 *
 *      append, index, bookmark --+                       +--> cursor (committed records only)
 *                                +--> pending --commit-->|
 *      ack, receipt, in-flight --+    (memory)   (LMDB)  +--> trim behind the slowest sink
 *
 * All that was said since the last commit is committed together, in one synced transaction, or not
 * at all: records, the index that knows them, the bookmark that covers them, acknowledgements. What
 * fails to commit stays pending and is tried again, so nothing has to be read twice. A power cut
 * loses what was pending: the bookmark is as old as the records.
 *
 * Caveat: a record becomes visible to a cursor with its commit, never before. No transaction stays
 * open when a call returns, except between tg_outbox_read_begin and _end, which must not span a
 * wait.
 *
 * Owns:    the LMDB environment in the config's store.path, and the lock file that names its
 * holder. Memory:  tg_outbox_memory_bytes() from the boot arena; LMDB's own dirty pages, one commit
 * at most. Waits:   open, commit and reads wait for the disk; nothing here waits for the network.
 * Thread:  the loop's.
 */
#ifndef TG_APP_OUTBOX_OUTBOX_H
#define TG_APP_OUTBOX_OUTBOX_H

#include "app/arena.h"
#include "app/line.h"
#include "app/outbox/block.h"
#include "app/outbox/index.h"
#include "app/sink.h"

enum {
	TG_FORMAT_VERSION = 2, /* 1 knew no young trees of an index */
	TG_NAME_BYTES_MAX = 65, /* a source's or sink's name with its NUL */
	TG_TYPE_BYTES_MAX = 17,
	TG_DAMAGE_MAX = 8, /* ranges of lost sequences kept a stream  */
	TG_SUSPECTS_MAX = 16,
	TG_LAST_ERROR_BYTES_MAX = 200,
};

struct tg_outbox_cfg {
	const char *path;   /* the store's folder, made when missing                        */
	const char *name;   /* the configuration's name: first half of a new instance        */
	uint64_t bytes_max; /* the cap: no page beyond it is used, a fixed reserve apart     */
	/* What app may not reach itself, handed in by main.c: platform/clock.h, crypto.h, file.h.
	 */
	uint64_t (*mono_ms)(void); /* how long a commit took decides how large the next may grow */
	void (*random)(void *at, size_t bytes);
	int (*binding)(const char *path, uint8_t binding[16]); /* tg_file_binding */
	int (*make_folder)(const char *path);
};

/* --- what is kept of a stream -------------------------------------------------------------------
 */

enum tg_stream_flag {
	TG_STREAM_FULL_PASS =
		1,            /* the next pass must be a full one (resync, repair, raised limit) */
	TG_STREAM_RESEND = 2, /* ... in which unchanged rows are sent again                      */
	TG_STREAM_SWEEP = 4,  /* a pass was complete: keys flagged MISSING become deletes        */
	TG_STREAM_FORGET = 8, /* ... or are forgotten without a delete (re-created, empty)       */
	TG_STREAM_RECREATED = 16, /* the pass under way is the first of a new generation */
	TG_STREAM_REINDEX = 32,   /* the index was damaged: it is being mended (mend.h)   */
	TG_STREAM_AGAIN = 64, /* records were lost behind the back of the pass under way: only one
				 that begins now finds them all */
	TG_STREAM_BEGUN = 128, /* the bookmark's pass began when all that FULL_PASS and RESEND are
				  there for was known: it is gone on with, also by another run */
};

/* A stream's row as the store keeps it. */
struct tg_stream_row {
	uint32_t number;
	uint32_t flags;    /* enum tg_stream_flag */
	uint64_t next_seq; /* from 1, never used twice */
	uint8_t generation[TG_GENERATION_BYTES];
	struct tg_index_root index;
	struct tg_index_root young[TG_INDEX_YOUNG]; /* changes on their way there, youngest first */
	uint64_t pass_rows;     /* rows seen in the pass under way */
	uint64_t rows_total;    /* statistics: records ever entered */
	int64_t pass_end_ms;    /* wall time when the last complete pass ended; 0: never */
	uint64_t damaged_count; /* records lost to damage, ever */
	uint32_t damage_count;
	struct {
		uint64_t first, last;
	} damage[TG_DAMAGE_MAX]; /* not yet repaired by a full pass */
	uint64_t forgotten_count; /* keys lost with the index' pages, ever */
	uint64_t mend_left;  /* REINDEX: entries not yet taken over ...                  */
	uint32_t mend_below; /* ... from pages up to this number, and of the young trees */
	uint16_t resend_sink;    /* with RESEND: 0 for all, else this sink alone */
	uint32_t after_bytes,
		after_cmp_bytes; /* the last key of an ordered pass that the bookmark covers */
	uint8_t after[TG_KEY_BYTES_MAX];
	char name[TG_STREAM_NAME_BYTES_MAX]; /* SOURCE/DATABASE/TABLE */
	char type[TG_TYPE_BYTES_MAX];        /* whose rows these are: the source's type */
};

/* Whether any row of the stream was handed on and not deleted. */
bool tg_stream_row_holds(const struct tg_stream_row *row);

/* What is known of every stream while the program runs; small. */
struct tg_stream {
	uint32_t number;
	uint64_t next_seq;     /* the next to be given, pending ones counted     */
	uint64_t durable_next; /* all below are committed                        */
	uint64_t first_block;  /* first sequence of the oldest block; 0: none    */
	uint64_t trimmed_floor_, trim_floor_next_, trim_first_next_; /* trim.c's */
	uint64_t acked[CONFIG_TG_SINKS_MAX]; /* per sink slot: delivered up to here  */
	bool wanted[CONFIG_TG_SINKS_MAX];    /* this sink takes this stream           */
	bool touched[CONFIG_TG_SINKS_MAX];   /* the position waits for the commit     */
};

/* A stream that is being read into; one a source. */
struct tg_stream_open {
	struct tg_stream *stream; /* NULL: this place is free */
	struct tg_stream_row row;
	struct tg_index index;
	struct tg_block *block; /* where the next record goes; NULL: none yet */
	uint32_t bookmark_bytes;
	uint8_t bookmark[TG_BOOKMARK_BYTES_MAX];
	bool dirty;
	uint32_t mend_phase_, mend_next_; /* mend.c's: which old page comes next */
};

/* --- what is kept of a sink ---------------------------------------------------------------------
 */

/* Fixed before the first byte of a batch goes out, so that a retry is byte for byte the same. */
struct tg_in_flight {
	uint32_t stream; /* 0: nothing is under way */
	uint64_t first, last;
	uint8_t shape_version, shape, framing;
	uint16_t spec_bytes;
	uint8_t spec[TG_COLUMNS_SPEC_BYTES_MAX];
	/* Records that the target refused one by one, waiting for proof that it takes others. */
	uint32_t suspect_count;
	uint64_t suspects[TG_SUSPECTS_MAX];
};

struct tg_sink_row {
	uint16_t number; /* 1.., never used twice */
	char name[TG_NAME_BYTES_MAX];
	char type[TG_TYPE_BYTES_MAX];
	struct tg_in_flight in_flight;
	uint64_t delivered_count, set_aside_count;
	int64_t last_ok_ms;
	char last_error[TG_LAST_ERROR_BYTES_MAX];
};

struct tg_sink_slot {
	struct tg_sink_row row;
	bool used, configured, dirty;
	struct {
		bool waiting;
		uint32_t scope;
		uint32_t bytes;
		uint8_t at[TG_RECEIPT_BYTES_MAX];
	} receipt;
};

/* --- quarantine ----------------------------------------------------------------------------------
 */

enum tg_aside_kind {
	TG_ASIDE_OVERSIZE = 1, /* a row that could not be held: key and size only    */
	TG_ASIDE_REFUSED = 2,  /* a record that one sink's target refused, in full   */
};

struct tg_aside {
	uint64_t id;
	enum tg_aside_kind kind;
	uint32_t stream;
	uint16_t sink; /* REFUSED: whose target */
	uint64_t seq;  /* REFUSED */
	enum tg_op op;
	uint32_t flags; /* enum tg_record_flag */
	uint32_t key_at, key_bytes;
	uint64_t hash; /* of the row, to tell whether a newer version exists */
	uint64_t body_bytes;
	int64_t time_ms, since_ms;
	bool replay;   /* an operator asked for another try */
	bool salvaged; /* out of a damaged store: its rows were all read anew since */
	char reason[TG_LAST_ERROR_BYTES_MAX];
	uint32_t body_crc;   /* of `body`, as it was put */
	struct tg_view body; /* OVERSIZE: the key's JSON. Lives until the next outbox call */
};

/* Another process that holds a view of the store open. */
struct tg_slow_reader {
	long pid;        /* 0: there is none */
	uint64_t behind; /* how many commits ago it began */
	uint64_t at;     /* what it sees: the same number again, the same view */
};

/* --- the outbox ----------------------------------------------------------------------------------
 */

enum { TG_BLOCK_SLOT_FREE, TG_BLOCK_SLOT_CLEAN, TG_BLOCK_SLOT_DIRTY };

/* The part of LMDB's map that was ever read, and how much of it may have become ours since we last
 * looked how much there is. */
struct tg_touched {
	uintptr_t low, high;
	size_t bytes;
};

struct tg_outbox {
	/* All fields are the outbox' own; public only so that it can be placed. */
	struct tg_outbox_cfg cfg;
	void *env_, *reader_; /* MDB_env, the MDB_txn that is renewed for reads */
	struct tg_touched touched_;
	unsigned dbi_;
	int lock_fd_;
	bool salvaged_;
	bool salvaging_; /* what was salvaged is not yet taken over; in the meta row too */
	bool reading_; /* a read transaction is open: the environment must stay */
	bool crashed_; /* the last holder did not close */
	bool unsound_; /* damage that only a start over heals: closed as after a crash */
	uint32_t format_; /* of the store as it was found; 0: unknown */
	char instance_[TG_INSTANCE_BYTES_MAX];
	uint32_t stream_count_;
	struct tg_stream *streams_;   /* CONFIG_TG_STREAMS_MAX, by number rising */
	struct tg_stream_open *open_; /* CONFIG_TG_SOURCES_MAX */
	struct tg_sink_slot sinks_[CONFIG_TG_SINKS_MAX];
	struct tg_block *blocks_; /* CONFIG_TG_COMMIT_BLOCKS_MAX */
	uint8_t *block_state_;
	uint32_t blocks_dirty_, commit_blocks_;
	struct tg_index_cache index_cache_;
	uint8_t *large_; /* CONFIG_TG_DOC_BYTES_MAX: one large body read back */
	struct {
		struct tg_view body;
		uint32_t stream;
		uint64_t seq;
	} large_pending_;
	uint64_t pending_since_ms_; /* 0: nothing pending */
	uint64_t next_aside_;
	uint64_t aside_looks_; /* items compared to find the same one, ever */
	uint64_t page_cap_, pages_used_; /* as of the last commit */
	bool full_;
	uint64_t committed_bytes_, commit_count_, damaged_seen_;
	uint32_t sync_ms_, fill_ms_; /* of the last commit: how the group grows */
	uint64_t last_commit_ms_;
	uint64_t watch_ms_; /* when readers are looked at next */
	struct tg_slow_reader slow_;
	bool slow_told_;
};

/* How many bytes of the boot arena an outbox takes. */
size_t tg_outbox_memory_bytes(void);

/* Opens or makes the store, takes the lock, checks the ends (all of it after a crash). Errors with
 * a sentence: BUSY names the holder, NEWER, DAMAGED (see repair.h, which the caller may ask to move
 * it aside), NOSPC, IO, ACCESS, CONFIG. */
TG_CHECKED int tg_outbox_open(struct tg_outbox *box, const struct tg_outbox_cfg *cfg,
			      struct tg_arena *arena, struct tg_why *why);
/* Closes without committing what is pending. */
void tg_outbox_close(struct tg_outbox *box);

/* LMDB's own tree is damaged: only a start over heals it. */
bool tg_outbox_is_unsound(const struct tg_outbox *box);

/* The store was damaged and made anew at open: what it still holds of its streams is undelivered.
 */
bool tg_outbox_salvaged(const struct tg_outbox *box);
/* The sinks' positions over what was salvaged are committed: from now on it may be delivered, and
 * no start salvages it again. Names the damaged file data.mdb.damaged-N. */
TG_CHECKED int tg_outbox_salvage_end(struct tg_outbox *box);

/* "NAME-0123456789abcdef": who delivers, for ever. */
struct tg_view tg_outbox_instance(const struct tg_outbox *box);

/* --- streams --- */

/* Opens `name` for reading into, making it when it is new; with `type` NULL a new one is
 * TG_ERR_MISSING. TG_ERR_LIMIT: too many streams; IO; DAMAGED. The handle stays until
 * tg_outbox_stream_close, which must follow a successful commit. */
TG_CHECKED int tg_outbox_stream_open(struct tg_outbox *box, struct tg_view name, const char *type,
				     struct tg_stream_open **out);
void tg_outbox_stream_close(struct tg_outbox *box, struct tg_stream_open *open);
/* Reads the committed row of a stream: its name, type, counters. */
TG_CHECKED int tg_outbox_stream_row(struct tg_outbox *box, uint32_t number,
				    struct tg_stream_row *row);
struct tg_stream *tg_outbox_stream(struct tg_outbox *box, uint32_t number);
uint32_t tg_outbox_stream_count(const struct tg_outbox *box);
struct tg_stream *tg_outbox_stream_at(struct tg_outbox *box, uint32_t at);

/* --- reading into it --- */

/* Whether tg_outbox_append would find room for `record` now. */
bool tg_outbox_has_room(const struct tg_outbox *box, const struct tg_stream_open *open,
			const struct tg_record *record);
/* Enters a record: its sequence is given and returned in `seq`. Copies the body, except a large one
 * (> TG_BLOCK_BODY_MAX), which must live until the next commit: commit at once. TG_ERR_FULL: commit
 * first, then repeat. */
TG_CHECKED int tg_outbox_append(struct tg_outbox *box, struct tg_stream_open *open,
				const struct tg_record *record, uint64_t *seq);
/* The bookmark that covers everything appended to `open` so far. TG_ERR_LIMIT: longer than
 * TG_BOOKMARK_BYTES_MAX. */
TG_CHECKED int tg_outbox_bookmark(struct tg_outbox *box, struct tg_stream_open *open,
				  struct tg_view bookmark);
/* The row was changed (flags, generation, counters): it goes with the next commit. */
void tg_outbox_touch(struct tg_outbox *box, struct tg_stream_open *open);
/* Whether all that was said of this stream is committed: it may be closed. */
bool tg_outbox_stream_durable(const struct tg_outbox *box, const struct tg_stream_open *open);
/* Whether a large body waits: the caller must commit before its bytes die. */
bool tg_outbox_must_commit(const struct tg_outbox *box);

/* Fills in what the index knows of entry->key in the stream whose committed row is `row`, pending
 * changes included. 0, TG_ERR_MISSING, or an error. */
TG_CHECKED int tg_outbox_newest(struct tg_outbox *box, struct tg_stream_row *row,
				int (*compare)(struct tg_key a, struct tg_key b),
				struct tg_index_entry *entry);

/* --- committing --- */

/* Whether enough is pending (size, time) that a commit is worth its syncs. */
bool tg_outbox_due(const struct tg_outbox *box, uint64_t mono_ms);
bool tg_outbox_pending(const struct tg_outbox *box);
/* Commits all that is pending, and trims what every sink has. 0; TG_ERR_FULL: the records found no
 * room (acknowledgements and trims were committed); NOSPC, IO: nothing was. What was not committed
 * stays pending. */
TG_CHECKED int tg_outbox_commit(struct tg_outbox *box, uint64_t mono_ms, struct tg_why *why);
/* True after TG_ERR_FULL until a commit went through: stop reading. */
bool tg_outbox_full(const struct tg_outbox *box);

/* --- reading out of it --- */

struct tg_outbox_cursor {
	struct tg_outbox *box;
	struct tg_stream *stream;
	uint64_t next; /* the sequence that comes next */
	void *cursor_;
	struct tg_block_view block_;
	bool loaded_;
};

/* Stands before the first committed record of `stream` with a sequence >= `from`. */
TG_CHECKED int tg_outbox_read_begin(struct tg_outbox *box, struct tg_stream *stream, uint64_t from,
				    struct tg_outbox_cursor *cursor);
/* 1 with the record (its body borrows from the map or the large buffer, until the next call), 0
 * behind the last committed one, TG_ERR_DAMAGED: sequence cursor->next - 1 (or a block up to there,
 * unreadable or missing) is lost, go on; TG_ERR_IO. */
TG_CHECKED int tg_outbox_read_next(struct tg_outbox_cursor *cursor, struct tg_record *out);
/* Like read_next, but only moves on: 1 with the bytes that the record takes (its body's for a large
 * one). */
TG_CHECKED int tg_outbox_read_skip(struct tg_outbox_cursor *cursor, uint64_t *bytes);
void tg_outbox_read_end(struct tg_outbox_cursor *cursor);
/* Records that sequences first..last of `stream` are lost: counted, and a full pass is scheduled.
 */
void tg_outbox_lost(struct tg_outbox *box, struct tg_stream *stream, uint64_t first, uint64_t last);

/* --- sinks --- */

/* Finds or makes the row of a configured sink. TG_ERR_LIMIT: too many, forgotten ones held
 * included; IO. */
TG_CHECKED int tg_outbox_sink_open(struct tg_outbox *box, const char *name, const char *type,
				   uint32_t *slot);
/* This sink takes this stream. For a stream it never had, `acked` says where it starts. */
void tg_outbox_sink_wants(struct tg_outbox *box, uint32_t slot, struct tg_stream *stream,
			  uint64_t acked);
struct tg_sink_row *tg_outbox_sink_row(struct tg_outbox *box, uint32_t slot);
void tg_outbox_sink_touch(struct tg_outbox *box, uint32_t slot);
/* Whether all that was said of this sink is committed. */
bool tg_outbox_sink_durable(const struct tg_outbox *box, uint32_t slot);
/* Everything up to `last` of `stream` is durable at the target. */
void tg_outbox_ack(struct tg_outbox *box, uint32_t slot, struct tg_stream *stream, uint64_t last);
/* Kept with the next commit; one waits at a time: TG_ERR_AGAIN, commit first. */
TG_CHECKED int tg_outbox_receipt(struct tg_outbox *box, uint32_t slot, uint32_t scope,
				 struct tg_view receipt);
/* Visits the committed receipts of a sink. */
TG_CHECKED int tg_outbox_receipts(struct tg_outbox *box, uint32_t slot,
				  int (*visit)(void *context, uint32_t scope,
					       struct tg_view receipt),
				  void *context);
/* Drops a sink that is configured no more: its position holds the store no longer. TG_ERR_MISSING.
 */
TG_CHECKED int tg_outbox_sink_forget(struct tg_outbox *box, const char *name);

/* --- quarantine: written at once, in a transaction of its own with what is pending --- */

TG_CHECKED int tg_outbox_aside_put(struct tg_outbox *box, struct tg_aside *aside, uint64_t mono_ms,
				   struct tg_why *why);
/* The first item with an id >= `from`; TG_ERR_MISSING behind the last. */
TG_CHECKED int tg_outbox_aside_next(struct tg_outbox *box, uint64_t from, struct tg_aside *out);
/* The item for the same oversize row (kind, stream, body: its key's JSON) or for the same refused
 * record (kind, stream, sink, seq); does not grow with the quarantine. TG_ERR_MISSING. */
TG_CHECKED int tg_outbox_aside_find(struct tg_outbox *box, const struct tg_aside *aside,
				    uint64_t *id);
TG_CHECKED int tg_outbox_aside_drop(struct tg_outbox *box, uint64_t id);
TG_CHECKED int tg_outbox_aside_replay(struct tg_outbox *box, uint64_t id, bool replay);

/* --- who else looks --- */

/* Finds the process whose view of the store is the oldest, those that died apart; false: there is
 * none. Also for who only looks. */
bool tg_outbox_slow_reader(struct tg_outbox *box, struct tg_slow_reader *out);
/* Every ten seconds: says once when such a process has not moved for so long. */
void tg_outbox_watch_readers(struct tg_outbox *box, uint64_t mono_ms);

/* --- figures --- */

struct tg_outbox_figures {
	uint64_t pages_used, page_cap, bytes_max;
	uint64_t committed_bytes, commit_count, damaged_count;
	uint32_t commit_blocks; /* how large a commit grows at present */
};
void tg_outbox_figures(const struct tg_outbox *box, struct tg_outbox_figures *out);

#endif
