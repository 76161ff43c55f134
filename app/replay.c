#include "app/replay.h"

#include "app/forwarder.h"
#include "platform/log.h"

/* 1: `item` is still the newest that is known of its key; 0: it is not; or an error, which says
 * neither. */
static int is_newest(struct tg_forwarder *fwd, const struct tg_source_ops *ops,
		     const struct tg_aside *item)
{
	uint8_t bytes[TG_KEY_BYTES_MAX];
	struct tg_index_entry entry;
	struct tg_view json = tg_view_of(item->body.at + item->key_at, item->key_bytes);

	/* Sequences began anew since: what bears its number now may be a newer version. */
	if (item->salvaged)
		return 0;
	if (ops->key_encode(json, bytes, sizeof(bytes), &entry.key) < 0)
		return TG_ERR_DAMAGED;
	int found = tg_outbox_newest(fwd->box, &fwd->row_, ops->key_compare, &entry);
	if (found == TG_ERR_MISSING)
		return 0;
	return found < 0 ? found : entry.seq == item->seq;
}

static void make_body(struct tg_forwarder *fwd, const struct tg_source_ops *ops,
		      const struct tg_aside *item)
{
	size_t spec = tg_column_rules_spec(&fwd->config->columns, tg_view_str(fwd->row_.name),
					   fwd->replay_spec_);

	fwd->body_ = (struct tg_body){
		.box = fwd->box,
		.stream = fwd->stream_,
		.first = item->seq,
		.last = item->seq,
		.sink = item->sink,
		.framing = fwd->limits.framing,
		.ops = fwd->config->ops,
		.state = fwd->config->state,
		.line = { .ops = ops,
			  .columns = { .shape = fwd->config->shape,
				       .spec = tg_view_of(fwd->replay_spec_, spec) },
			  .instance = tg_outbox_instance(fwd->box),
			  .stream = tg_view_str(fwd->row_.name) },
		.aside_id = item->id,
	};
	tg_body_start(&fwd->body_);
	fwd->delivery_ = (struct tg_delivery){ .instance = fwd->body_.line.instance,
					       .stream = fwd->body_.line.stream,
					       .stream_number = item->stream,
					       .first = item->seq,
					       .last = item->seq,
					       .count = 1,
					       .replay = true,
					       .body = &fwd->body_ };
}

static bool take(struct tg_forwarder *fwd, const struct tg_aside *item)
{
	fwd->stream_ = tg_outbox_stream(fwd->box, item->stream);
	if (fwd->stream_ == NULL || tg_outbox_stream_row(fwd->box, item->stream, &fwd->row_) < 0)
		return false;
	const struct tg_source_ops *ops = tg_registry_source(fwd->registry, fwd->row_.type);
	if (ops == NULL)
		return false;
	int newest = is_newest(fwd, ops, item);
	if (newest < 0)
		return false; /* it stays where it is, and is tried in the next run */
	if (newest == 0) {
		TG_LOG_INF("quarantine.superseded", "id=%llu stream=%u seq=%llu",
			   (unsigned long long)item->id, item->stream,
			   (unsigned long long)item->seq);
		if (tg_outbox_aside_drop(fwd->box, item->id) < 0)
			fwd->replayed_all_ = true; /* the disk refuses: the next run tries again */
		return false;
	}
	fwd->replay_id_ = item->id;
	make_body(fwd, ops, item);
	return true;
}

bool tg_replay_pick(struct tg_forwarder *fwd)
{
	uint16_t sink = tg_outbox_sink_row(fwd->box, fwd->slot)->number;
	struct tg_aside item;

	while (!fwd->replayed_all_) {
		if (tg_outbox_aside_next(fwd->box, fwd->replay_from_, &item) != 0) {
			fwd->replayed_all_ = true;
			break;
		}
		fwd->replay_from_ = item.id + 1;
		if (item.kind == TG_ASIDE_REFUSED && item.sink == sink && item.replay &&
		    take(fwd, &item))
			return true;
	}
	return false;
}

void tg_replay_again(struct tg_forwarder *fwd)
{
	fwd->replayed_all_ = false;
	fwd->replay_from_ = 0;
}

void tg_replay_done(struct tg_forwarder *fwd)
{
	int err = tg_outbox_aside_drop(fwd->box, fwd->replay_id_);

	if (err < 0)
		TG_LOG_WRN("quarantine.kept",
			   "id=%llu error=%s why=\"it was delivered, but stays\"",
			   (unsigned long long)fwd->replay_id_, tg_err_name(err));
	fwd->delivered_count++;
	if (fwd->set_aside_count > 0) { /* it was one of this run's own */
		fwd->set_aside_count--;
		tg_outbox_sink_row(fwd->box, fwd->slot)->set_aside_count--;
	}
	fwd->replay_id_ = 0;
}

void tg_replay_refused(struct tg_forwarder *fwd)
{
	int err = tg_outbox_aside_replay(fwd->box, fwd->replay_id_, false);

	TG_LOG_WRN("quarantine.refused", "id=%llu sink=%s error=%s why=\"%s\"",
		   (unsigned long long)fwd->replay_id_, fwd->config->name, tg_err_name(err),
		   fwd->why.text);
	fwd->replay_id_ = 0;
}
