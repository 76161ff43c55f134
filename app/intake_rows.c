#include "app/intake_part.h"
#include "platform/assert.h"
#include "platform/log.h"

/* One turn of the loop enters at most so many deletes. */
enum { STEP_DELETES_MAX = 512 };

static bool was_lost(const struct tg_stream_row *row, uint64_t seq)
{
	for (uint32_t i = 0; i < row->damage_count; i++)
		if (seq >= row->damage[i].first && seq <= row->damage[i].last)
			return true;
	return false;
}

/* Deletes may leave the index once every sink has them, unless they were lost to damage. */
uint64_t tg_intake_trimmed_bound(const struct tg_intake *intake)
{
	const struct tg_stream_open *open = intake->open_;
	uint64_t bound = open->stream->first_block != 0 ? open->stream->first_block - 1
							: open->stream->durable_next - 1;

	for (uint32_t i = 0; i < open->row.damage_count; i++)
		if (open->row.damage[i].first <= bound)
			bound = open->row.damage[i].first - 1;
	return bound;
}

/* 0 with the entry, TG_ERR_MISSING, or what went wrong. */
static int look_up(struct tg_intake *intake, const struct tg_record *record,
		   struct tg_index_entry *entry)
{
	struct tg_index *index = &intake->open_->index;

	if (intake->walking_)
		return tg_index_merge(index, record->key, tg_intake_trimmed_bound(intake), entry);
	return tg_index_find(index, record->key, entry);
}

static int index_write(struct tg_intake *intake, const struct tg_index_entry *entry)
{
	if (intake->walking_ || intake->sweeping_)
		return tg_index_merge_put(&intake->open_->index, entry);
	return tg_index_put(&intake->open_->index, entry);
}

/* Index first, record second, and only when both find room: neither may be committed without the
 * other. */
static int enter(struct tg_intake *intake, const struct tg_record *record, uint32_t flags)
{
	struct tg_stream_open *open = intake->open_;
	struct tg_index_entry entry = { .key = record->key,
					.hash = record->hash,
					.seq = open->stream->next_seq,
					.flags = flags };
	uint64_t seq;

	if (!tg_outbox_has_room(intake->box, open, record))
		return TG_ERR_FULL;
	int err = index_write(intake, &entry);
	if (err < 0)
		return err;
	err = tg_outbox_append(intake->box, open, record, &seq);
	TG_ASSERT(err == 0 && seq == entry.seq);
	return 0;
}

/* The quarantined item of this row, now that the row could be read. */
static int release_oversize(struct tg_intake *intake, const struct tg_record *record)
{
	struct tg_aside item = { .kind = TG_ASIDE_OVERSIZE,
				 .stream = intake->open_->row.number,
				 .body = tg_view_of(record->body.at + record->key_at,
						    record->key_bytes) };
	uint64_t id;
	int err = tg_outbox_aside_find(intake->box, &item, &id);

	if (err == TG_ERR_MISSING)
		return 0;
	return err == 0 ? tg_outbox_aside_drop(intake->box, id) : err;
}

static int set_aside(struct tg_intake *intake, const struct tg_record *record,
		     const struct tg_index_entry *known)
{
	struct tg_index_entry entry = { .key = record->key,
					.hash = record->hash,
					.seq = known != NULL ? known->seq : 0,
					.flags = TG_INDEX_OVERSIZE };
	struct tg_aside item = { .kind = TG_ASIDE_OVERSIZE,
				 .stream = intake->open_->row.number,
				 .op = TG_UPSERT,
				 .hash = record->hash,
				 .body = record->body,
				 .body_bytes = record->body_bytes,
				 .time_ms = record->time_ms,
				 .since_ms = intake->wall_ms_,
				 .reason = "larger or deeper than this board can hold" };

	if (known != NULL && (known->flags & TG_INDEX_OVERSIZE) && known->hash == record->hash)
		return 0; /* it is there already */
	/* The item first: done twice it is the same one, and the index says that it is there. */
	int err = tg_outbox_aside_put(intake->box, &item, 0, NULL);
	if (err == 0)
		err = index_write(intake, &entry);
	if (err < 0)
		return err;
	intake->counts.set_aside++;
	tg_outbox_touch(intake->box, intake->open_);
	TG_LOG_WRN("record.oversize", "stream=%u bytes=%llu limit=%u", item.stream,
		   (unsigned long long)record->body_bytes, CONFIG_TG_DOC_BYTES_MAX);
	return 0;
}

/* Whether what the index knows of this row is what its sinks have. */
static bool is_unchanged(const struct tg_intake *intake, const struct tg_record *record,
			 const struct tg_index_entry *entry)
{
	const struct tg_stream_row *row = &intake->open_->row;

	return entry->hash == record->hash &&
	       !(entry->flags & (TG_INDEX_DELETED | TG_INDEX_OVERSIZE)) &&
	       (row->damage_count == 0 || !was_lost(row, entry->seq));
}

/* A row as its source gives it whole. */
static int take_row(struct tg_intake *intake, const struct tg_record *given,
		    const struct tg_index_entry *known)
{
	struct tg_stream_row *row = &intake->open_->row;
	struct tg_record record = *given;
	bool was_oversize = known != NULL && (known->flags & TG_INDEX_OVERSIZE);

	if (record.flags & TG_REC_OVERSIZE)
		return set_aside(intake, given, known);
	bool unchanged = known != NULL && is_unchanged(intake, given, known);
	if (unchanged && !(row->flags & TG_STREAM_RESEND))
		return 0;
	if (unchanged)
		record.only_sink = row->resend_sink;
	int err = enter(intake, &record, 0);
	if (err == 0)
		intake->counts.changed++;
	return err == 0 && was_oversize ? release_oversize(intake, given) : err;
}

/* --- deletes -------------------------------------------------------------------------------------
 */

/* Keeps the entry's key beyond the next index call. */
static void keep_key(struct tg_intake *intake, struct tg_index_entry *entry)
{
	TG_ASSERT(entry->key.bytes.bytes <= sizeof(intake->key_));
	memcpy(intake->key_, entry->key.bytes.at, entry->key.bytes.bytes);
	entry->key.bytes.at = intake->key_;
}

static int enter_delete(struct tg_intake *intake, const struct tg_index_entry *entry,
			int64_t time_ms)
{
	struct tg_out json = { .at = intake->key_json_, .cap = sizeof(intake->key_json_) };
	int err = intake->ops->key_json(entry->key.bytes, &json);

	if (err < 0 || tg_out_overran(&json))
		return TG_ERR_DAMAGED;
	struct tg_record record = { .op = TG_DELETE,
				    .body = tg_view_of(intake->key_json_, tg_out_filled(&json)),
				    .key_bytes = (uint32_t)tg_out_filled(&json),
				    .key = entry->key,
				    .hash = entry->hash,
				    .time_ms = time_ms };
	return enter(intake, &record, TG_INDEX_DELETED);
}

/* The source says that the row of `given` is gone. */
static int take_delete(struct tg_intake *intake, const struct tg_record *given,
		       struct tg_index_entry *known)
{
	if (known == NULL || (known->flags & TG_INDEX_DELETED))
		return 0; /* it was never sent, or its delete was */
	keep_key(intake, known);
	int err = enter_delete(intake, known, given->time_ms);
	intake->counts.deleted += err == 0;
	return err;
}

int tg_intake_record(struct tg_intake *intake, const struct tg_record *given)
{
	struct tg_index_entry entry;
	int found = look_up(intake, given, &entry);

	if (found < 0 && found != TG_ERR_MISSING)
		return found;
	/* A key that was seen and is not known came to be after the rows were read. */
	if (given->flags & TG_REC_SEEN)
		return 0;
	if (given->op == TG_DELETE)
		return take_delete(intake, given, found == 0 ? &entry : NULL);
	return take_row(intake, given, found == 0 ? &entry : NULL);
}

/* One that is forgotten leaves the index, and the walk with it. */
static int sweep_one(struct tg_intake *intake, struct tg_index_entry *entry)
{
	struct tg_index *index = &intake->open_->index;
	int err;

	keep_key(intake, entry);
	tg_outbox_touch(intake->box, intake->open_);
	if (intake->open_->row.flags & TG_STREAM_FORGET) {
		err = tg_index_remove(index, entry->key);
		if (err == 0)
			err = tg_index_walk(index, entry->key);
	} else {
		err = enter_delete(intake, entry, intake->wall_ms_);
		intake->counts.deleted += err == 0;
	}
	if (err < 0)
		return err;
	memcpy(intake->swept_key_, intake->key_, entry->key.bytes.bytes);
	intake->swept_ = entry->key;
	intake->swept_.bytes.at = intake->swept_key_;
	return 0;
}

/* What could not be done (for want of a commit, or the disk) is met again: the walk then begins
 * anew behind the last key that was. */
int tg_intake_sweep(struct tg_intake *intake)
{
	struct tg_index *index = &intake->open_->index;
	struct tg_index_entry entry;
	int err = intake->sweeping_ ? 0 : tg_index_walk(index, intake->swept_);

	intake->walking_ = false;
	intake->sweeping_ = true;
	for (uint32_t i = 0; err == 0 && i < STEP_DELETES_MAX; i++) {
		err = tg_index_next_missing(index, &entry);
		if (err == 0)
			err = sweep_one(intake, &entry);
	}
	if (err < 0)
		intake->sweeping_ = false;
	if (err == TG_ERR_MISSING)
		return 0;
	return err < 0 ? err : TG_ERR_AGAIN;
}

/* Sends again the deletes that lay in damaged blocks; rows are found by their hashes in the pass
 * itself. */
int tg_intake_repair(struct tg_intake *intake)
{
	struct tg_stream_open *open = intake->open_;
	struct tg_index_entry entry;
	int err = tg_index_walk(&open->index, tg_key_none());

	intake->walking_ = false;
	intake->sweeping_ = false;
	while (err == 0 && (err = tg_index_next(&open->index, &entry)) == 0) {
		if (!(entry.flags & TG_INDEX_DELETED) || !was_lost(&open->row, entry.seq))
			continue;
		keep_key(intake, &entry);
		err = enter_delete(intake, &entry, intake->wall_ms_);
		if (err == 0)
			err = tg_index_walk(&open->index, entry.key);
	}
	return err == TG_ERR_MISSING ? 0 : err;
}
