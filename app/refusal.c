#include "app/refusal.h"

#include "app/forwarder.h"
#include "app/pick.h"
#include "app/replay.h"
#include "platform/log.h"

static struct tg_sink_row *row_of(struct tg_forwarder *fwd)
{
	return tg_outbox_sink_row(fwd->box, fwd->slot);
}

static void reason_of(const struct tg_forwarder *fwd, struct tg_aside *item)
{
	size_t bytes = strlen(fwd->why.text);

	if (bytes >= sizeof(item->reason))
		bytes = sizeof(item->reason) - 1;
	memcpy(item->reason, fwd->why.text, bytes);
	item->reason[bytes] = '\0';
}

/* A record to be set aside. */
struct refused {
	uint64_t seq;
	bool try_again; /* once more by itself, from the quarantine */
};

/* The whole record goes to the quarantine, where it can be replayed. */
static int set_aside(struct tg_forwarder *fwd, struct refused refused, int64_t wall_ms)
{
	uint64_t seq = refused.seq;
	struct tg_outbox_cursor cursor;
	struct tg_record record = { .seq = 0 };
	int got = tg_outbox_read_begin(fwd->box, fwd->stream_, seq, &cursor);

	if (got == 0)
		got = tg_outbox_read_next(&cursor, &record);
	if (got != 1 || record.seq != seq) {
		tg_outbox_read_end(&cursor);
		return got < 0 && got != TG_ERR_DAMAGED
			       ? got
			       : 0; /* lost to damage: counted by the body */
	}
	struct tg_aside item = { .kind = TG_ASIDE_REFUSED,
				 .stream = fwd->stream_->number,
				 .sink = row_of(fwd)->number,
				 .seq = seq,
				 .op = record.op,
				 .flags = record.flags,
				 .key_at = record.key_at,
				 .key_bytes = record.key_bytes,
				 .body = record.body,
				 .body_bytes = record.body_bytes,
				 .time_ms = record.time_ms,
				 .since_ms = wall_ms,
				 .replay = refused.try_again };
	reason_of(fwd, &item);
	int err = tg_outbox_aside_put(fwd->box, &item, 0, &fwd->why);
	tg_outbox_read_end(&cursor);
	if (err < 0)
		return err;
	row_of(fwd)->set_aside_count++;
	fwd->set_aside_count++;
	TG_LOG_WRN("record.set_aside", "sink=%s stream=%u seq=%llu why=\"%s\"", fwd->config->name,
		   fwd->stream_->number, (unsigned long long)seq, item.reason);
	return 0;
}

int tg_refusal_settle(struct tg_forwarder *fwd, const struct tg_outcome *outcome, int64_t wall_ms)
{
	struct tg_in_flight *batch = &row_of(fwd)->in_flight;
	int err = 0;

	/* The target may have been broken while it refused them, and be well since: each is tried
	 * once more, from the quarantine, so that an older version never follows a newer one. */
	for (uint32_t i = 0; err == 0 && i < batch->suspect_count; i++)
		err = set_aside(fwd, (struct refused){ batch->suspects[i], true }, wall_ms);
	if (batch->suspect_count > 0)
		tg_replay_again(fwd);
	for (uint32_t i = 0; err == 0 && i < outcome->refused_count; i++)
		if (outcome->refused[i] >= batch->first && outcome->refused[i] <= batch->last)
			err = set_aside(fwd, (struct refused){ outcome->refused[i], false },
					wall_ms);
	return err;
}

/* The target took something since the last set-aside: this one is the record's own fault. */
static enum tg_refusal set_suspect_aside(struct tg_forwarder *fwd, int64_t wall_ms)
{
	struct tg_in_flight *batch = &row_of(fwd)->in_flight;

	if (set_aside(fwd, (struct refused){ batch->first, false }, wall_ms) < 0)
		return TG_REFUSAL_PAUSE;
	tg_outbox_ack(fwd->box, fwd->slot, fwd->stream_, batch->last);
	batch->stream = 0;
	fwd->credit_ = false;
	return TG_REFUSAL_DONE;
}

enum tg_refusal tg_refusal_look_behind(struct tg_forwarder *fwd)
{
	struct tg_in_flight *batch = &row_of(fwd)->in_flight;

	tg_outbox_sink_touch(fwd->box, fwd->slot);
	if (batch->last + 1 < fwd->stream_->durable_next) {
		batch->first = batch->last + 1;
		batch->last = batch->first;
		return TG_REFUSAL_RESEND;
	}
	/* Back to the first of them, whenever the pause is over. */
	batch->first = batch->suspects[0];
	batch->last = batch->first;
	batch->suspect_count = 0;
	if (tg_pick_other_waits(fwd))
		batch->stream = 0; /* the proof may lie in another stream; this one comes again */
	return TG_REFUSAL_PAUSE;
}

/* Looks for proof that the target takes anything at all, in the records behind the suspect. */
static enum tg_refusal try_behind(struct tg_forwarder *fwd)
{
	struct tg_in_flight *batch = &row_of(fwd)->in_flight;

	if (batch->suspect_count == TG_SUSPECTS_MAX)
		batch->last = fwd->stream_->durable_next - 1; /* enough: nothing behind is tried */
	else
		batch->suspects[batch->suspect_count++] = batch->first;
	return tg_refusal_look_behind(fwd);
}

enum tg_refusal tg_refusal_of_batch(struct tg_forwarder *fwd, int64_t wall_ms)
{
	struct tg_in_flight *batch = &row_of(fwd)->in_flight;
	uint64_t count = batch->last - batch->first + 1;

	if (count > 1) {
		batch->last = batch->first + (count / 2) - 1;
		fwd->batch_limit_ = count / 2;
		tg_outbox_sink_touch(fwd->box, fwd->slot);
		return TG_REFUSAL_RESEND;
	}
	if (fwd->credit_ && batch->suspect_count == 0)
		return set_suspect_aside(fwd, wall_ms);
	return try_behind(fwd);
}
