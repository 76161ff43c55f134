#include "app/pick.h"

#include "app/forwarder.h"

enum { SHAPE_VERSION = 1 };

static struct tg_in_flight *in_flight_of(const struct tg_forwarder *fwd)
{
	return &tg_outbox_sink_row(fwd->box, fwd->slot)->in_flight;
}

/* Files want large deliveries: wait until one is full, or nothing more comes. */
static bool is_worth_it(const struct tg_forwarder *fwd)
{
	struct tg_outbox_figures figures;

	if (!fwd->limits.one_delivery_waits || fwd->flush_ || tg_outbox_full(fwd->box))
		return true;
	tg_outbox_figures(fwd->box, &figures);
	return figures.committed_bytes - fwd->committed_at_pick_ >= fwd->limits.batch_bytes_max;
}

static bool has_more(const struct tg_forwarder *fwd, const struct tg_stream *stream)
{
	return stream->wanted[fwd->slot] && stream->acked[fwd->slot] + 1 < stream->durable_next;
}

static struct tg_stream *next_stream(struct tg_forwarder *fwd)
{
	uint32_t count = tg_outbox_stream_count(fwd->box);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = (fwd->next_stream_ + i) % count;
		struct tg_stream *stream = tg_outbox_stream_at(fwd->box, at);

		if (has_more(fwd, stream)) {
			fwd->next_stream_ = at + 1;
			return stream;
		}
	}
	return NULL;
}

bool tg_pick_other_waits(const struct tg_forwarder *fwd)
{
	for (uint32_t i = 0; i < tg_outbox_stream_count(fwd->box); i++) {
		const struct tg_stream *stream = tg_outbox_stream_at(fwd->box, i);

		if (stream->number != in_flight_of(fwd)->stream && has_more(fwd, stream))
			return true;
	}
	return false;
}

/* How far a batch reaches that begins at `first`. What is lost is passed over with its batch, and
 * so is all that is left when nothing can be read any more. */
static int measure(struct tg_forwarder *fwd, struct tg_stream *stream, uint64_t first,
		   uint64_t *last)
{
	struct tg_outbox_cursor cursor;
	uint64_t bytes = 0, one = 0;
	int got = tg_outbox_read_begin(fwd->box, stream, first, &cursor);

	*last = first;
	if (got == 0)
		got = 1;
	while ((got == 1 || got == TG_ERR_DAMAGED) && cursor.next - first < fwd->batch_limit_) {
		got = tg_outbox_read_skip(&cursor, &one);
		if (got == 1 && bytes > 0 && bytes + one > fwd->limits.batch_bytes_max)
			break;
		if (got == 1 || got == TG_ERR_DAMAGED)
			*last = cursor.next - 1;
		if (got == 1)
			bytes += one;
	}
	tg_outbox_read_end(&cursor);
	if (got == 0)
		*last = stream->durable_next - 1;
	return got < 0 && got != TG_ERR_DAMAGED ? got : 0;
}

static int fix(struct tg_forwarder *fwd, struct tg_stream *stream, uint64_t first)
{
	struct tg_in_flight *batch = in_flight_of(fwd);
	uint64_t last;
	int err = measure(fwd, stream, first, &last);

	if (err == 0)
		err = tg_outbox_stream_row(fwd->box, stream->number, &fwd->row_);
	if (err < 0)
		return err;
	batch->stream = stream->number;
	batch->first = first;
	batch->last = last;
	batch->shape_version = SHAPE_VERSION;
	batch->shape = (uint8_t)fwd->config->shape;
	batch->framing = (uint8_t)fwd->limits.framing;
	batch->spec_bytes = (uint16_t)tg_column_rules_spec(
		&fwd->config->columns, tg_view_str(fwd->row_.name), batch->spec);
	tg_outbox_sink_touch(fwd->box, fwd->slot);
	return 0;
}

bool tg_pick(struct tg_forwarder *fwd)
{
	struct tg_outbox_figures figures;
	struct tg_stream *stream = is_worth_it(fwd) ? next_stream(fwd) : NULL;

	if (stream == NULL || fix(fwd, stream, stream->acked[fwd->slot] + 1) < 0)
		return false;
	tg_outbox_figures(fwd->box, &figures);
	fwd->committed_at_pick_ = figures.committed_bytes;
	return true;
}
