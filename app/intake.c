#include "app/intake_part.h"

#include "app/outbox/mend.h"
#include "platform/assert.h"
#include "platform/log.h"

void tg_intake_init(struct tg_intake *intake, struct tg_outbox *box,
		    const struct tg_source_ops *ops, struct tg_source_rules rules)
{
	memset(intake, 0, sizeof(*intake));
	intake->box = box;
	intake->ops = ops;
	intake->rules = rules;
}

struct tg_stream_open *tg_intake_open(struct tg_intake *intake)
{
	return intake->open_;
}

bool tg_intake_busy(const struct tg_intake *intake)
{
	return intake->open_ != NULL;
}

/* --- BEGIN ---------------------------------------------------------------------------------------
 */

static bool is_zero(const uint8_t *at, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (at[i] != 0)
			return false;
	return true;
}

/* Another UUID under the same name is another table: its pass starts over, and what the old one had
 * is deleted upstream only when the configuration says so. */
static void check_generation(struct tg_intake *intake,
			     const uint8_t generation[TG_GENERATION_BYTES])
{
	struct tg_stream_row *row = &intake->open_->row;

	if (memcmp(row->generation, generation, TG_GENERATION_BYTES) == 0)
		return;
	if (!is_zero(row->generation, TG_GENERATION_BYTES)) {
		row->flags |= TG_STREAM_RECREATED;
		row->flags &= ~(uint32_t)TG_STREAM_BEGUN;
		intake->open_->bookmark_bytes = 0;
		row->after_bytes = 0;
		TG_LOG_WRN("stream.recreated", "stream=%u deletes=%s", row->number,
			   intake->rules.delete_when_recreated ? "yes" : "no");
	}
	memcpy(row->generation, generation, TG_GENERATION_BYTES);
	tg_outbox_touch(intake->box, intake->open_);
}

/* A row that was too large for an earlier build or board may fit now: only a full pass finds it. */
static void check_raised_limit(struct tg_intake *intake)
{
	struct tg_stream_row *row = &intake->open_->row;
	struct tg_aside item;

	for (uint64_t id = 0; tg_outbox_aside_next(intake->box, id, &item) == 0; id = item.id + 1) {
		if (item.kind != TG_ASIDE_OVERSIZE || item.stream != row->number ||
		    item.body_bytes > CONFIG_TG_DOC_BYTES_MAX)
			continue;
		if (!(row->flags & TG_STREAM_FULL_PASS)) /* one under way did not know of it */
			row->flags &= ~(uint32_t)TG_STREAM_BEGUN;
		row->flags |= TG_STREAM_FULL_PASS;
	}
}

/* A sweep that was cut off stands behind a pass that saw every row: what was asked of that pass
 * must not be applied to the next one, whose missing rows are deletes. */
static void forget_swept_pass(struct tg_intake *intake)
{
	struct tg_stream_row *row = &intake->open_->row;

	if (!(row->flags & TG_STREAM_SWEEP))
		return;
	row->flags &= ~(uint32_t)(TG_STREAM_RECREATED | TG_STREAM_RESEND);
	row->resend_sink = 0;
}

int tg_intake_begin(struct tg_intake *intake, const struct tg_batch *batch, struct tg_view name,
		    int64_t wall_ms)
{
	TG_ASSERT(intake->open_ == NULL && batch->kind == TG_BATCH_BEGIN);
	bool same = (batch->flags & TG_BATCH_SAME) != 0;
	const char *type = same ? NULL : intake->ops->type;
	int err = tg_outbox_stream_open(intake->box, name, type, &intake->open_);

	if (err < 0)
		return err;
	intake->open_->index.compare = intake->ops->key_compare;
	intake->batch_ = NULL;
	intake->walking_ = false;
	intake->sweeping_ = false;
	intake->swept_ = tg_key_none();
	intake->wall_ms_ = wall_ms;
	forget_swept_pass(intake);
	if (!same)
		check_generation(intake, batch->generation);
	check_raised_limit(intake);
	intake->cut_off_ = false;
	if (intake->stream_ != intake->open_->row.number)
		intake->forgotten_ = 0;
	intake->stream_ = intake->open_->row.number;
	intake->phase_ = (intake->open_->row.flags & TG_STREAM_SWEEP) ? TG_INTAKE_BEGIN_SWEEP
								      : TG_INTAKE_IDLE;
	if (intake->open_->row.flags & TG_STREAM_REINDEX) { /* a mending was cut off */
		intake->after_mend_ = TG_INTAKE_IDLE;
		intake->mend_begun_ = true;
		intake->phase_ = TG_INTAKE_MEND;
	}
	return 0;
}

bool tg_intake_tell_damage(struct tg_intake *intake, uint64_t *forgotten)
{
	bool damaged = intake->cut_off_ || intake->forgotten_ > 0;

	*forgotten = intake->forgotten_;
	intake->cut_off_ = false;
	intake->forgotten_ = 0;
	return damaged;
}

static uint64_t count_keys(const void *context)
{
	const struct tg_stream_row *row = &((const struct tg_stream_open *)context)->row;
	uint64_t count = row->index.entries - row->index.deleted;

	/* Young trees are empty where it must be exact: see settle(). */
	for (uint32_t i = 0; i < TG_INDEX_YOUNG; i++)
		count += row->young[i].entries - row->young[i].deleted;
	return count;
}

void tg_intake_state(const struct tg_intake *intake, struct tg_stream_state *state)
{
	const struct tg_stream_open *open = intake->open_;
	uint32_t flags = open->row.flags;

	*state = (struct tg_stream_state){
		.stream = open->row.number,
		.bookmark = tg_view_of(open->bookmark, open->bookmark_bytes),
		.generation = open->row.generation,
		.full_pass_wanted = (flags & (TG_STREAM_FULL_PASS | TG_STREAM_RESEND)) != 0,
		.full_pass_begun = (flags & (TG_STREAM_BEGUN | TG_STREAM_AGAIN)) == TG_STREAM_BEGUN,
		.rebuilt = (flags & TG_STREAM_RECREATED) != 0 && open->bookmark_bytes == 0,
		.keys = count_keys,
		.keys_context = open,
	};
}

/* --- END -----------------------------------------------------------------------------------------
 */

/* What a complete pass means for the keys that it did not see. */
static void decide_sweep(struct tg_intake *intake)
{
	struct tg_stream_row *row = &intake->open_->row;
	bool empty = row->pass_rows == 0 && row->index.missing > 0;

	if (row->index.missing == 0)
		return;
	if ((row->flags & TG_STREAM_RECREATED) && !intake->rules.delete_when_recreated) {
		row->flags |= TG_STREAM_SWEEP | TG_STREAM_FORGET;
	} else if (empty && !intake->rules.delete_when_empty) {
		TG_LOG_WRN("stream.empty", "stream=%u kept=%llu set=delete_when_empty", row->number,
			   (unsigned long long)row->index.missing);
	} else {
		row->flags |= TG_STREAM_SWEEP;
	}
}

static enum tg_intake_phase after_merge(struct tg_intake *intake)
{
	decide_sweep(intake);
	if (intake->open_->row.flags & TG_STREAM_SWEEP)
		return TG_INTAKE_SWEEP;
	return intake->open_->row.damage_count > 0 ? TG_INTAKE_REPAIR : TG_INTAKE_CLOSE;
}

/* The pass is over and all of it entered. */
static void pass_complete(struct tg_intake *intake)
{
	struct tg_stream_row *row = &intake->open_->row;

	row->flags &= ~(uint32_t)(TG_STREAM_RESEND | TG_STREAM_RECREATED | TG_STREAM_SWEEP |
				  TG_STREAM_FORGET | TG_STREAM_BEGUN);
	if (!(row->flags & TG_STREAM_AGAIN)) {
		row->flags &= ~(uint32_t)TG_STREAM_FULL_PASS;
		row->damage_count = 0;
	}
	row->resend_sink = 0;
	row->after_bytes = 0;
	row->pass_end_ms = intake->wall_ms_;
	tg_outbox_touch(intake->box, intake->open_);
}

static int take_bookmark(struct tg_intake *intake)
{
	struct tg_view bookmark = intake->batch_->bookmark;

	return bookmark.bytes != 0 ? tg_outbox_bookmark(intake->box, intake->open_, bookmark) : 0;
}

void tg_intake_take(struct tg_intake *intake, const struct tg_batch *batch, int64_t wall_ms)
{
	TG_ASSERT(intake->open_ != NULL && intake->batch_ == NULL);
	intake->batch_ = batch;
	intake->at_ = 0;
	intake->wall_ms_ = wall_ms;
	intake->counts.bytes_read += batch->bytes_read;
	if (batch->kind == TG_BATCH_ROWS) {
		intake->phase_ = TG_INTAKE_ROWS;
		return;
	}
	bool full = (batch->flags & TG_BATCH_COMPLETE) && (batch->flags & TG_BATCH_ORDERED);
	intake->phase_ = full ? TG_INTAKE_MERGE_END : TG_INTAKE_CLOSE;
}

/* Where the ordered walk goes on: at the first key, behind the last one that the bookmark covers,
 * or where a batch from the end begins. */
static int start_walk(struct tg_intake *intake)
{
	const struct tg_batch *batch = intake->batch_;
	struct tg_stream_row *row = &intake->open_->row;
	struct tg_key after = { .bytes = tg_view_of(row->after, row->after_bytes),
				.cmp_bytes = row->after_cmp_bytes };
	int err;

	if (batch->flags & TG_BATCH_PASS_BEGIN) {
		row->pass_rows = 0;
		row->after_bytes = 0;
		after = tg_key_none();
	} else if (intake->walking_ && !(batch->flags & TG_BATCH_BACK)) {
		return 0;
	}
	if (batch->flags & TG_BATCH_BACK)
		err = tg_index_walk_from(&intake->open_->index, batch->records[0].key);
	else
		err = tg_index_walk(&intake->open_->index, after);
	intake->walking_ = err == 0;
	return err;
}

/* All up to the batch's `before` was seen: what is not among it is gone. The walk is over then. */
static int end_walk(struct tg_intake *intake)
{
	int err = tg_index_merge_end(&intake->open_->index, intake->batch_->before,
				     tg_intake_trimmed_bound(intake));

	intake->walking_ = err < 0;
	return err;
}

/* The walk's place is kept with the bookmark: both cover the same rows. */
static void keep_place(struct tg_intake *intake)
{
	struct tg_stream_row *row = &intake->open_->row;
	const struct tg_key *last = &intake->batch_->records[intake->batch_->count - 1].key;

	TG_ASSERT(last->bytes.bytes <= sizeof(row->after));
	memcpy(row->after, last->bytes.at, last->bytes.bytes);
	row->after_bytes = (uint32_t)last->bytes.bytes;
	row->after_cmp_bytes = last->cmp_bytes;
}

/* A pass that looks at every row mends what was found damaged before it. One that only sees keys
 * does not: the rows came before it. */
static void note_begin(struct tg_intake *intake)
{
	const struct tg_batch *batch = intake->batch_;
	bool seen = batch->count > 0 && (batch->records[0].flags & TG_REC_SEEN) != 0;

	if (!(batch->flags & TG_BATCH_PASS_BEGIN) || seen)
		return;
	intake->open_->row.flags &= ~(uint32_t)TG_STREAM_AGAIN;
	intake->open_->row.flags |= TG_STREAM_BEGUN;
}

static uint32_t count_rows(const struct tg_batch *batch)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < batch->count; i++)
		count += batch->records[i].op == TG_UPSERT &&
			 !(batch->records[i].flags & TG_REC_SEEN);
	return count;
}

/* A key may stand in a young tree and in the old one: only a walk, which empties the young ones,
 * makes one of it. */
static int settle(struct tg_intake *intake)
{
	bool counts = (intake->batch_->flags & TG_BATCH_COUNT) != 0 && !intake->walking_;

	return counts ? tg_index_walk(&intake->open_->index, tg_key_none()) : 0;
}

static int go_rows(struct tg_intake *intake)
{
	const struct tg_batch *batch = intake->batch_;
	int err = 0;

	TG_ASSERT((batch->flags & TG_BATCH_ORDERED) || !intake->walking_);
	TG_ASSERT(!(batch->flags & TG_BATCH_BACK) || batch->count > 0);
	if (intake->at_ == 0)
		note_begin(intake);
	if (intake->at_ == 0 && (batch->flags & TG_BATCH_ORDERED))
		err = start_walk(intake);
	while (err == 0 && intake->at_ < batch->count) {
		err = tg_intake_record(intake, &batch->records[intake->at_]);
		if (err == 0)
			intake->at_++;
	}
	if (err == 0)
		err = settle(intake);
	if (err == 0 && (batch->flags & TG_BATCH_BACK))
		err = end_walk(intake);
	if (err < 0)
		return err;
	intake->counts.rows_read += count_rows(batch);
	intake->open_->row.pass_rows += batch->count;
	if (intake->walking_ && batch->count > 0)
		keep_place(intake);
	err = take_bookmark(intake);
	intake->batch_ = NULL;
	return err;
}

static int go_merge_end(struct tg_intake *intake)
{
	int err = 0;

	if (!intake->walking_) { /* there was no row */
		note_begin(intake);
		err = start_walk(intake);
	}
	if (err == 0)
		err = end_walk(intake);
	if (err < 0)
		return err;
	intake->sweeping_ = false;
	intake->swept_ = tg_key_none();
	intake->phase_ = after_merge(intake);
	err = take_bookmark(intake);
	tg_outbox_touch(intake->box, intake->open_);
	return err < 0 ? err : TG_ERR_AGAIN;
}

static int go_sweep(struct tg_intake *intake)
{
	bool at_begin = intake->phase_ == TG_INTAKE_BEGIN_SWEEP;
	int err = tg_intake_sweep(intake);

	if (err < 0)
		return err;
	intake->open_->row.flags &= ~(uint32_t)(TG_STREAM_SWEEP | TG_STREAM_FORGET);
	tg_outbox_touch(intake->box, intake->open_);
	if (at_begin) {
		intake->phase_ = TG_INTAKE_IDLE;
		return 0;
	}
	intake->phase_ = intake->open_->row.damage_count > 0 ? TG_INTAKE_REPAIR : TG_INTAKE_CLOSE;
	return TG_ERR_AGAIN;
}

/* The stream's last words are committed before the stream is let go. */
static int go_close(struct tg_intake *intake)
{
	const struct tg_batch *batch = intake->batch_;

	if (batch != NULL) {
		bool full = (batch->flags & TG_BATCH_COMPLETE) && (batch->flags & TG_BATCH_ORDERED);
		int err = full ? 0 : take_bookmark(intake);

		if (err < 0)
			return err;
		if (full)
			pass_complete(intake);
		intake->batch_ = NULL;
	}
	if (!tg_outbox_stream_durable(intake->box, intake->open_))
		return TG_ERR_FULL;
	tg_outbox_stream_close(intake->box, intake->open_);
	intake->open_ = NULL;
	intake->phase_ = TG_INTAKE_IDLE;
	return 0;
}

static int go_mend(struct tg_intake *intake)
{
	struct tg_stream_open *open = intake->open_;
	uint64_t forgotten = 0;

	if (!intake->mend_begun_) {
		if (!tg_outbox_stream_durable(intake->box, open))
			return TG_ERR_FULL; /* what was said so far is part of what can be read */
		tg_outbox_mend_begin(intake->box, open);
		intake->mend_begun_ = true;
	}
	int err = tg_outbox_mend(intake->box, open, &forgotten);
	if (err < 0)
		return err;
	intake->forgotten_ += forgotten;
	intake->phase_ = intake->after_mend_;
	return intake->phase_ == TG_INTAKE_IDLE ? 0 : TG_ERR_AGAIN;
}

static int go(struct tg_intake *intake)
{
	int err;

	switch (intake->phase_) {
	case TG_INTAKE_IDLE:
		return 0;
	case TG_INTAKE_ROWS:
		return intake->batch_ != NULL ? go_rows(intake) : 0;
	case TG_INTAKE_MERGE_END:
		return go_merge_end(intake);
	case TG_INTAKE_BEGIN_SWEEP:
	case TG_INTAKE_SWEEP:
		return go_sweep(intake);
	case TG_INTAKE_REPAIR:
		err = tg_intake_repair(intake);
		intake->phase_ = err == 0 ? TG_INTAKE_CLOSE : TG_INTAKE_REPAIR;
		return err == 0 ? TG_ERR_AGAIN : err;
	case TG_INTAKE_CLOSE:
		return go_close(intake);
	case TG_INTAKE_MEND:
		return go_mend(intake);
	}
	return 0;
}

/* The index is damaged: what can be read of it makes a new one, and the pass that comes then reads
 * every row. */
static void begin_mend(struct tg_intake *intake)
{
	/* Before the stream's begin it stays open: the pass that follows is the full one. */
	bool at_begin = intake->phase_ == TG_INTAKE_BEGIN_SWEEP;

	if (intake->phase_ != TG_INTAKE_MEND)
		intake->after_mend_ = at_begin ? TG_INTAKE_IDLE : TG_INTAKE_CLOSE;
	intake->cut_off_ = intake->cut_off_ || !at_begin;
	intake->walking_ = false;
	intake->batch_ = NULL;
	intake->mend_begun_ = false;
	intake->phase_ = TG_INTAKE_MEND;
}

int tg_intake_go(struct tg_intake *intake)
{
	int err = intake->open_ != NULL ? go(intake) : 0;

	if (err != TG_ERR_DAMAGED || tg_outbox_is_unsound(intake->box))
		return err;
	begin_mend(intake);
	return TG_ERR_AGAIN;
}

void tg_intake_break(struct tg_intake *intake)
{
	intake->batch_ = NULL;
	if (intake->open_ != NULL)
		intake->phase_ = TG_INTAKE_CLOSE; /* a mending goes on at the next begin */
}
