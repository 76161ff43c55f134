/* intake.h - source -> outbox: what differs becomes records, what is gone becomes deletes.
 *
 *      batch --> [ index: unchanged? ] --no--> record + index entry + bookmark --> pending commit
 *                        | yes
 *                        v nothing
 *
 * A full pass in key order is merged with the index; a complete one is followed by a sweep that
 * turns the keys it did not see into deletes. An unfinished or failed pass never deletes. Work is
 * done in bounded steps: tg_intake_go() is called until it returns 0, with a commit whenever it
 * says TG_ERR_FULL; the batch's bytes must live until then.
 *
 * Owns:    the stream being read into, between BEGIN and END.
 * Memory:  the struct. Waits: for index pages from the disk. Thread: the loop's.
 */
#ifndef TG_APP_INTAKE_H
#define TG_APP_INTAKE_H

#include "app/outbox/outbox.h"
#include "app/source.h"

struct tg_intake_counts {
	uint64_t rows_read, changed, deleted, set_aside, bytes_read;
};

enum tg_intake_phase {
	TG_INTAKE_IDLE,
	TG_INTAKE_MEND, /* the index was damaged, now or in an earlier run */
	TG_INTAKE_BEGIN_SWEEP, /* deletes left from a sweep that was cut off, before the stream
				  begins */
	TG_INTAKE_ROWS,
	TG_INTAKE_MERGE_END,
	TG_INTAKE_SWEEP,
	TG_INTAKE_REPAIR, /* deletes that were lost to damage are sent again */
	TG_INTAKE_CLOSE,  /* commit, then the stream is closed */
};

struct tg_intake {
	struct tg_outbox *box;
	const struct tg_source_ops *ops;
	struct tg_source_rules rules;
	struct tg_intake_counts counts;
	/* intake.c's */
	struct tg_stream_open *open_;
	const struct tg_batch *batch_;
	enum tg_intake_phase phase_;
	uint32_t at_;             /* next record of the batch */
	enum tg_intake_phase after_mend_;
	bool mend_begun_;
	bool cut_off_;            /* the pass under way ended where the index was damaged */
	uint64_t forgotten_;      /* keys lost with it */
	uint32_t stream_;         /* whose `forgotten_` are */
	bool walking_, sweeping_; /* the index' walk stands in a pass, in a sweep */
	struct tg_key swept_;     /* the last key that is swept; in swept_key_    */
	int64_t wall_ms_;
	uint8_t key_[TG_KEY_BYTES_MAX], swept_key_[TG_KEY_BYTES_MAX];
	uint8_t key_json_[TG_KEY_JSON_BYTES_MAX];
};

void tg_intake_init(struct tg_intake *intake, struct tg_outbox *box,
		    const struct tg_source_ops *ops, struct tg_source_rules rules);

/* BEGIN: opens the stream `name` ("SOURCE/DATABASE/TABLE") of the batch's generation. Then
 * tg_intake_go() until 0, then tg_intake_state() is what ops->begin wants. TG_ERR_LIMIT, IO,
 * DAMAGED; with TG_BATCH_SAME also TG_ERR_MISSING: there is no such stream, and none was opened. */
TG_CHECKED int tg_intake_begin(struct tg_intake *intake, const struct tg_batch *batch,
			       struct tg_view name, int64_t wall_ms);
void tg_intake_state(const struct tg_intake *intake, struct tg_stream_state *state);
/* The open stream, or NULL. */
struct tg_stream_open *tg_intake_open(struct tg_intake *intake);

/* ROWS or END: takes the batch in hand. Then tg_intake_go() until 0. */
void tg_intake_take(struct tg_intake *intake, const struct tg_batch *batch, int64_t wall_ms);

/* Whether the index of the stream that began last was found damaged, and how many keys that cost:
 * its pass is not complete then, nor is one that was begun again after a break. Told once. */
bool tg_intake_tell_damage(struct tg_intake *intake, uint64_t *forgotten);

/* A bounded piece of work. 0: the batch is done with. TG_ERR_AGAIN: call again. TG_ERR_FULL:
 * commit, then call again. IO, NOSPC: the disk; call again later. */
TG_CHECKED int tg_intake_go(struct tg_intake *intake);

/* The source ended in mid-stream: what was taken so far is kept, the stream closed after the next
 * commit. */
void tg_intake_break(struct tg_intake *intake);
/* True while a stream is open or a batch in hand. */
bool tg_intake_busy(const struct tg_intake *intake);

#endif
