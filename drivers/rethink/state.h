/* state.h - the whole state of one RethinkDB source, and its phases.
 *
 *                     +--> STATUS --+                                  (again after WAIT)
 *      LOGIN -> LIST -+--> INFO ----+-> INDEXES -> SAMPLE -> BEGIN -> CLOCK -> READ -> END --+
 *                     |      |  ^                                                |           |
 *                     |      v  |                                                v           |
 *                     |      WAIT <-----------------------------------------------           |
 *                     +<---------------------------------------------------------------------+
 *                     +-> DONE
 *
 * Each phase that asks the server something is three functions: the question, what to do with an
 * element of the answer, and where to go at its end; a fourth judges a failure. Source.c runs them.
 */
#ifndef TG_DRIVERS_RETHINK_STATE_H
#define TG_DRIVERS_RETHINK_STATE_H

#include "app/source.h"
#include "drivers/json/infer.h"
#include "drivers/rethink/bookmark.h"
#include "drivers/rethink/config.h"
#include "drivers/rethink/link.h"
#include "drivers/rethink/mode.h"
#include "drivers/rethink/names.h"
#include "drivers/rethink/rows.h"
#include "drivers/rethink/stamp.h"
#include "drivers/rethink/table.h"
#include "drivers/rethink/term.h"

enum tg_phase {
	TG_PHASE_DOWN,
	TG_PHASE_LOGIN,
	TG_PHASE_LIST,
	TG_PHASE_NEXT,
	TG_PHASE_INFO,
	TG_PHASE_STATUS,
	TG_PHASE_WAIT,
	TG_PHASE_INDEXES,
	TG_PHASE_SAMPLE,
	TG_PHASE_BEGIN,
	TG_PHASE_BEGUN,
	TG_PHASE_CLOCK,
	TG_PHASE_READ,
	TG_PHASE_END,
	TG_PHASE_DONE,
	TG_PHASES,
};

enum {
	TG_FAULT_BYTES_MAX = 512,
	TG_RETRIES_MAX = 5, /* waits for a table that is not ready                   */
	TG_BREAKS_MAX = 3,  /* answers that are no answers, for one table            */
	TG_WAIT_SECONDS = 10,
	TG_WHAT_BYTES_MAX = TG_STREAM_NAME_BYTES_MAX + 32, /* tg_rethink_what() */
};

/* What the phases are run for. */
enum tg_purpose { TG_FOR_SYNC, TG_FOR_CHECK, TG_FOR_DISCOVER };

struct tg_rethink;
struct tg_phase_ops {
	const char *name;
	void (*ask)(struct tg_rethink *source, struct tg_out *query);
	/* One element of "r". TG_OK or an error, which ends the table as a failure would. */
	int (*row)(struct tg_rethink *source, const struct tg_row *row, struct tg_why *why);
	void (*end)(struct tg_rethink *source);
	/* The question failed with `why`. TG_OK: settled; else the source as a whole fails. */
	int (*fail)(struct tg_rethink *source, const struct tg_why *why);
};

struct tg_rethink {
	struct tg_rethink_config config;
	struct tg_link link;
	struct tg_rethink_names names;
	struct tg_rethink_table table;
	struct tg_stamp stamp;
	struct tg_stamp_sample sample;
	struct tg_member_name index; /* a simple, ready index on the stamp; bytes 0: none  */
	struct tg_bookmark bookmark;
	struct tg_rows rows;
	struct tg_now now;
	enum tg_phase phase;
	enum tg_purpose purpose;
	bool carved, listed, asked, answered, begun, fresh, rows_sent, answer_over, throttled;
	bool resuming[2]; /* rows up to the bookmark's key, from it on, may come again */
	bool both_ends;   /* the table is read from its end too                        */
	bool brief;       /* the first few rows of a time pass are asked for, in no order */
	bool lengthy;     /* they were not all                                            */
	bool failed;      /* the present table ends with `why`                   */
	uint32_t table_at, retries, breaks;
	uint32_t brief_rows;  /* how many came                                       */
	uint32_t answers;     /* that the present query had until both_ends          */
	uint32_t stream;      /* the handle of begin()                               */
	uint32_t fresh_begun; /* table_at + 1 of the table whose pass this run began */
	int pending;          /* an error to be told at the next step                */
	struct tg_why pending_why;
	struct tg_why why;
	struct tg_why batch_why;  /* lives until the next step                           */
	int64_t server_ms;        /* the answer to NOW                                   */
	uint64_t allowance_milli; /* thousandths of a row that may be read now           */
	uint64_t allowance_at_ms;
	uint32_t fault_bytes;
	uint8_t fault[TG_FAULT_BYTES_MAX]; /* the error's text as JSON                       */
	char stream_name[TG_STREAM_NAME_BYTES_MAX];
	struct tg_bookmark_key before; /* the batch's, until the next step */
	uint8_t bookmark_bytes[TG_RETHINK_BOOKMARK_BYTES_MAX];
	uint8_t query[TG_LINK_QUERY_BYTES_MAX];
	/* The rest is for check and discover. */
	const struct tg_report *report;
	struct tg_infer *infer;
	uint32_t index_text_bytes;
	char index_text[512];
};

enum {
	TG_RETHINK_WINDOW_BYTES = CONFIG_TG_DOC_BYTES_MAX + CONFIG_TG_RETHINK_RECV_BYTES,
	/* Each piece may be aligned up. */
	TG_RETHINK_ARENA_BYTES = TG_RETHINK_WINDOW_BYTES +
				 CONFIG_TG_BATCH_RECORDS_MAX * sizeof(struct tg_record) +
				 CONFIG_TG_RETHINK_KEYS_BYTES + CONFIG_TG_RETHINK_NAMES_BYTES +
				 sizeof(struct tg_infer) +
				 CONFIG_TG_TABLES_MAX * sizeof(struct tg_rethink_name) + 8 * 16,
};

/* phase.c: the table of phases. */
extern const struct tg_phase_ops tg_phases[TG_PHASES];

/* Goes to another phase; the move is checked against the picture above. */
void tg_rethink_enter(struct tg_rethink *source, enum tg_phase phase);
/* The present table is over with `why`. */
void tg_rethink_fail_table(struct tg_rethink *source, const struct tg_why *why);
/* "table DATABASE/TABLE" or "database DATABASE", for sentences; lives until the next call. */
const char *tg_rethink_what(const struct tg_rethink *source, char *at, size_t cap);
struct tg_mode_inputs tg_rethink_inputs(const struct tg_rethink *source, bool full_pass_wanted);

/* ops->begin */
TG_CHECKED int tg_rethink_begin(void *state, const struct tg_stream_state *stream);

/* Makes `step` go on by one move. TG_OK: it moved; TG_ERR_AGAIN; or an error of the source. `out`
 * may get a batch. */
TG_CHECKED int tg_rethink_turn(struct tg_rethink *source, struct tg_batch *out, struct tg_why *why);

#endif
