/* state.h - the whole state of one RavenDB source, and its steps.
 *
 *      POLL --304--------------------------------> NEXT      nothing changed since the last round
 *        |
 *      STATS -> TOPOLOGY -> COLLECTIONS ---------> NEXT -> BEGIN -> BEGUN --+
 *                                                   ^                       |
 *       +------------- END <---- COMPARE <----------|-----------------------+
 *       |               ^          ^ SETTLE         |                       |
 *       v               |          |                |                       v
 *      NEXT             +------- STATE <- COUNT <- TOMBS <----------------- WALK
 *                                  `- the database moved: once more -------^
 *
 *      COMPARE -> STATE -> END                         was anything in conflict?
 *      BEGUN -> STATE -> QUERY [-> COMPARE] -> END     mode last_modified
 *      NEXT -> BEGIN -> BEGUN -> POLL --304--> END     recall.c: in a new process
 *      BEGUN -> SETTLE                                 share.c: another one's walk serves
 *
 * Each step that asks the server something is a call, what to do with a row of the answer, and
 * where to go at its end; steps.c has the table, source.c runs it.
 */
#ifndef TG_DRIVERS_RAVEN_STATE_H
#define TG_DRIVERS_RAVEN_STATE_H

#include "app/source.h"
#include "drivers/json/infer.h"
#include "drivers/raven/config.h"
#include "drivers/raven/cursor.h"
#include "drivers/raven/lead.h"
#include "drivers/raven/names.h"
#include "drivers/raven/node.h"
#include "drivers/raven/rows.h"
#include "drivers/raven/stats.h"
#include "drivers/raven/talk.h"

enum tg_raven_step {
	TG_STEP_DOWN,
	TG_STEP_POLL,
	TG_STEP_WHOAMI,
	TG_STEP_TOPOLOGY,
	TG_STEP_STATS,
	TG_STEP_COLLECTIONS,
	TG_STEP_NEXT,
	TG_STEP_SAMPLE,
	TG_STEP_BEGIN,
	TG_STEP_BEGUN,
	TG_STEP_WALK,
	TG_STEP_TOMBS,
	TG_STEP_COUNT,
	TG_STEP_STATE,
	TG_STEP_SETTLE,
	TG_STEP_COMPARE,
	TG_STEP_QUERY,
	TG_STEP_END,
	TG_STEP_DONE,
	TG_STEPS,
};

enum {
	TG_RAVEN_PATIENCE = 3,     /* failures of a node that worked before another one is tried */
	TG_RAVEN_LOADING_MAX = 60, /* seconds that a database may take to be loaded at the start  */
	TG_RAVEN_BREAKS_MAX = 3,   /* answers that are no answers, for one collection             */
	TG_RAVEN_PROOFS_MAX = 3,   /* attempts to meet the database at rest                       */
	TG_RAVEN_SILENT_MAX = 16,  /* pages of other collections before the place is kept anyway  */
	TG_RAVEN_NAME_BYTES = TG_STREAM_NAME_BYTES_MAX,
	TG_RAVEN_WHAT_BYTES = TG_STREAM_NAME_BYTES_MAX + 32,
};

enum tg_raven_purpose { TG_RAVEN_FOR_SYNC, TG_RAVEN_FOR_CHECK, TG_RAVEN_FOR_DISCOVER };

struct tg_raven;
struct tg_raven_step_ops {
	const char *name;
	/* What is asked; true: with If-None-Match. */
	bool (*call)(struct tg_raven *source, struct tg_raven_call *call);
	/* The head is there. May be NULL. */
	int (*head)(struct tg_raven *source, struct tg_why *why);
	/* A row; TG_OK, or an error of the stream. */
	int (*row)(struct tg_raven *source, const struct tg_raven_row *row, struct tg_why *why);
	/* The answer is over. */
	int (*end)(struct tg_raven *source, struct tg_why *why);
};

/* The walk, and the page of it that is read. */
struct tg_raven_walk {
	struct tg_raven_lead lead;
	uint64_t last;   /* the largest etag of the database that was heard of                   */
	bool dense;      /* etags are so dense that asking ahead pays                            */
	bool guessed;    /* this page was asked ahead: rows of the one before may come again     */
	uint32_t silent; /* pages in a row that gave no batch                                    */
};

/* What a collection's walk tells of the others. */
struct tg_raven_share {
	bool watching;               /* the walk is under way: what it meets is noted */
	bool kept;                   /* it ended at the state `vector`, which the counts are of */
	uint32_t lookups;            /* collections that were not spelled as we know them */
	uint64_t next, told;         /* the place where it began ... */
	uint64_t next_end, told_end; /* ... and ended */
};

struct tg_raven {
	struct tg_raven_config config;
	struct tg_raven_talk talk;
	struct tg_raven_nodes nodes;
	struct tg_raven_names names;
	struct tg_raven_stats stats; /* as of STATS, or STATE */
	struct tg_raven_cursor cursor;
	struct tg_raven_rows rows;
	struct tg_raven_walk walk;
	struct tg_raven_share share;
	struct tg_now now;
	/* What is counted and when. */
	uint64_t hold_until_ms;
	uint64_t counted;     /* documents, by COUNT */
	uint64_t compared_ms; /* mono; when the keys of a collection were last compared */
	uint64_t first_id;    /* of the page of ids before, hashed; 0: there was none   */
	uint64_t allowance_milli, allowance_at_ms; /* thousandths of a row that may be read now */
	int64_t since_ms, newest_ms, clock_ms;     /* of mode last_modified */
	uint64_t (*keys)(const void *context);
	const void *keys_context;
	const struct tg_report *report; /* for check and discover, as infer is */
	struct tg_infer *infer;
	enum tg_raven_step step;
	enum tg_raven_purpose purpose;
	uint32_t discards; /* answers asked ahead that nobody wants */
	uint32_t failures; /* in a row, of the node in use          */
	uint32_t loads;    /* answers that the database is loading  */
	uint32_t name_at, breaks;
	uint32_t reread; /* name_at + 1 that began again in this round, to read on */
	uint32_t stream, proofs;
	uint32_t query_rows; /* of mode last_modified */
	uint32_t sample_rows, attached, counted_rows, timed;
	uint32_t proven_bytes, vector_bytes;
	/* The connection and the round. `settled`: the last round left every collection complete at
	 * `proven`. */
	bool carved, asked, headed, idle, pinned, vector_has_id, settled, throttled;
	/* The collection. `replaced`: STATE found another database; `settling`: the batch behind
	 * which keys are counted was given. */
	bool begun, failed, ordered, sent_keys, resumed, marked, replaced, settling;
	/* `rested`: nothing was written between the last two STATS or STATEs. `seen_all`: COMPARE
	 * is over, STATE says what it is worth. `reading_on`: the collection begins again behind
	 * its END. */
	bool rested, seen_all, reading_on, query_round;
	/* `recall`: this round takes what the store knows for the present state, and asks only
	 * whether it is. `introduced`: this process has asked what the database is; no recall
	 * comes any more. `again`: the collection ends to begin anew. */
	bool recall, introduced, again;
	bool refused; /* the certificate's own line in a check said so already */
	uint8_t generation[TG_GENERATION_BYTES];
	uint8_t proven[TG_RAVEN_VECTOR_BYTES]; /* a state that this round proved to be present */
	uint8_t vector[TG_RAVEN_VECTOR_BYTES]; /* the state that the walk's last page showed   */
	struct tg_why break_why;               /* of the last answer that was none */
	struct tg_why why, batch_why;
	char stream_name[TG_RAVEN_NAME_BYTES];
	uint8_t bookmark[TG_RAVEN_CURSOR_BYTES_MAX];
	uint8_t query[TG_RAVEN_TEXT_BYTES], parameters[TG_RAVEN_PARAMETERS_BYTES];
};

enum {
	/* Each piece may be aligned up. */
	TG_RAVEN_ARENA_BYTES =
		TG_RAVEN_TALK_ARENA_BYTES +
		CONFIG_TG_RAVEN_BATCH_RECORDS_MAX * sizeof(struct tg_record) +
		CONFIG_TG_RAVEN_KEYS_BYTES + CONFIG_TG_RAVEN_NAMES_BYTES + sizeof(struct tg_infer) +
		CONFIG_TG_RAVEN_COLLECTIONS_MAX * sizeof(struct tg_raven_name) + 8 * 16,
};

extern const struct tg_raven_step_ops tg_raven_steps[TG_STEPS];

/* source.c */
void tg_raven_enter(struct tg_raven *source, enum tg_raven_step step);
/* Makes `step` go on by one move. TG_OK: it moved; TG_ERR_AGAIN; or an error of the source. */
TG_CHECKED int tg_raven_turn(struct tg_raven *source, struct tg_batch *out, struct tg_why *why);
/* The present collection is over with `why`. */
void tg_raven_fail_stream(struct tg_raven *source, const struct tg_why *why);
/* "collection DATABASE/NAME", for sentences. */
const char *tg_raven_what(const struct tg_raven *source, char *at, size_t cap);
struct tg_view tg_raven_name(const struct tg_raven *source);
struct tg_raven_place *tg_raven_place(struct tg_raven *source);
TG_CHECKED int tg_raven_odd(const struct tg_raven *source, const char *what, struct tg_why *why);

/* select.c */

/* Whether a document of this @collection (JSON; empty: none) belongs to the present collection. */
bool tg_raven_is_ours(struct tg_raven *source, struct tg_view collection);
/* Documents that are never handed over: what a tidegate wrote and nobody changed since, what an
 * index made. Of `row` the metadata alone may be known: then no change is. */
bool tg_raven_is_skipped(const struct tg_raven *source, const struct tg_raven_row *row,
			 const struct tg_raven_meta *meta);

/* begin.c: ops->begin */
TG_CHECKED int tg_raven_begin(void *state, const struct tg_stream_state *stream);
/* The collection is to be walked from its beginning, every row looked at, every key compared. */
void tg_raven_read_all(struct tg_raven *source);
/* Whether the collection was wholly handed over, deletes too, up to the state `proven`. */
bool tg_raven_is_unchanged(const struct tg_raven *source);

/* recall.c: a round that begins with the store's word. The collections of its streams are read
 * too. */
TG_CHECKED int tg_raven_recall_names(struct tg_raven *source, const struct tg_known *known,
				     struct tg_why *why);
/* Whether this round may begin so. */
bool tg_raven_recall_start(struct tg_raven *source);
/* ops->begin in it, behind the reading of the bookmark. */
void tg_raven_recall_begin(struct tg_raven *source, const struct tg_stream_state *stream);
/* It is not as the store says: the collection begins anew behind the usual questions. */
void tg_raven_recall_leave(struct tg_raven *source);
/* The question failed: so it does, on the next node when another one may do better. */
void tg_raven_recall_fail(struct tg_raven *source, bool other_node);
/* No more recall: the usual questions come. */
void tg_raven_recall_stop(struct tg_raven *source);
/* The same behind the END of a collection that begins anew. */
void tg_raven_recall_over(struct tg_raven *source);

/* share.c. A walk begins at `place`, or is of no use to others any more. */
void tg_raven_share_start(struct tg_raven *source, const struct tg_raven_place *place);
void tg_raven_share_drop(struct tg_raven *source);
/* A document or a tombstone of another collection (JSON; empty: of none). */
void tg_raven_share_meet(struct tg_raven *source, struct tg_view collection);
/* The state that the walk showed is the one that was counted, without a conflict. */
void tg_raven_share_keep(struct tg_raven *source);
/* Whether the collection needs no walk: then its cursor is at that state, and SETTLE is next. */
bool tg_raven_share_take(struct tg_raven *source, struct tg_raven_place *place);

/* steps.c: what /collections/stats answers. New ones join the round. */
int tg_raven_take_collections(struct tg_raven *source, const struct tg_raven_row *row,
			      struct tg_why *why);
int tg_raven_too_many(const struct tg_raven *source, struct tg_why *why);

/* walk.c, proof.c, query.c, tell.c: entries of the table. */
bool tg_raven_walk_call(struct tg_raven *source, struct tg_raven_call *call);
int tg_raven_walk_head(struct tg_raven *source, struct tg_why *why);
int tg_raven_walk_row(struct tg_raven *source, const struct tg_raven_row *row, struct tg_why *why);
int tg_raven_walk_end(struct tg_raven *source, struct tg_why *why);
/* A new walk from the place's cursor. */
void tg_raven_walk_start(struct tg_raven *source);
bool tg_raven_tombs_call(struct tg_raven *source, struct tg_raven_call *call);
int tg_raven_tombs_row(struct tg_raven *source, const struct tg_raven_row *row, struct tg_why *why);
int tg_raven_tombs_end(struct tg_raven *source, struct tg_why *why);
int tg_raven_count_row(struct tg_raven *source, const struct tg_raven_row *row, struct tg_why *why);
int tg_raven_state_row(struct tg_raven *source, const struct tg_raven_row *row, struct tg_why *why);
int tg_raven_state_end(struct tg_raven *source, struct tg_why *why);
void tg_raven_compare_start(struct tg_raven *source);
/* Behind SETTLE: the counts are of one state. */
void tg_raven_compare_counts(struct tg_raven *source);
bool tg_raven_compare_call(struct tg_raven *source, struct tg_raven_call *call);
int tg_raven_compare_row(struct tg_raven *source, const struct tg_raven_row *row,
			 struct tg_why *why);
int tg_raven_compare_end(struct tg_raven *source, struct tg_why *why);
/* Behind the STATE that follows it. */
void tg_raven_compare_over(struct tg_raven *source);
bool tg_raven_query_call(struct tg_raven *source, struct tg_raven_call *call);
int tg_raven_query_row(struct tg_raven *source, const struct tg_raven_row *row, struct tg_why *why);
int tg_raven_query_end(struct tg_raven *source, struct tg_why *why);

#endif
