#include "app/outbox/store.h"
#include "platform/assert.h"

enum { ROW_VERSION = 1 };

static void write_in_flight(struct tg_writer *writer, const struct tg_in_flight *batch)
{
	tg_write_u32(writer, batch->stream);
	tg_write_u64(writer, batch->first);
	tg_write_u64(writer, batch->last);
	tg_write_u8(writer, batch->shape_version);
	tg_write_u8(writer, batch->shape);
	tg_write_u8(writer, batch->framing);
	tg_write_view(writer, tg_view_of(batch->spec, batch->spec_bytes));
	tg_write_u32(writer, batch->suspect_count);
	for (uint32_t i = 0; i < batch->suspect_count; i++)
		tg_write_u64(writer, batch->suspects[i]);
}

static void read_in_flight(struct tg_reader *reader, struct tg_in_flight *batch)
{
	batch->stream = tg_read_u32(reader);
	batch->first = tg_read_u64(reader);
	batch->last = tg_read_u64(reader);
	batch->shape_version = (uint8_t)tg_read_u8(reader);
	batch->shape = (uint8_t)tg_read_u8(reader);
	batch->framing = (uint8_t)tg_read_u8(reader);
	struct tg_view spec = tg_read_view(reader);
	if (spec.bytes > sizeof(batch->spec)) {
		reader->ran_dry = true;
		return;
	}
	batch->spec_bytes = (uint16_t)spec.bytes;
	if (spec.bytes != 0)
		memcpy(batch->spec, spec.at, spec.bytes);
	batch->suspect_count = tg_read_u32(reader);
	if (batch->suspect_count > TG_SUSPECTS_MAX) {
		reader->ran_dry = true;
		batch->suspect_count = 0;
	}
	for (uint32_t i = 0; i < batch->suspect_count; i++)
		batch->suspects[i] = tg_read_u64(reader);
}

int tg_sink_row_read(struct tg_view content, struct tg_sink_row *row)
{
	struct tg_reader reader = tg_reader_of(content);

	if (tg_read_u8(&reader) != ROW_VERSION)
		return TG_ERR_DAMAGED;
	row->number = (uint16_t)tg_read_u16(&reader);
	tg_read_text(&reader, row->name, sizeof(row->name));
	tg_read_text(&reader, row->type, sizeof(row->type));
	read_in_flight(&reader, &row->in_flight);
	row->delivered_count = tg_read_u64(&reader);
	row->set_aside_count = tg_read_u64(&reader);
	row->last_ok_ms = (int64_t)tg_read_u64(&reader);
	tg_read_text(&reader, row->last_error, sizeof(row->last_error));
	return reader.ran_dry ? TG_ERR_DAMAGED : 0;
}

static int put_sink_row(struct tg_outbox *box, MDB_txn *txn, const struct tg_sink_row *row)
{
	uint8_t bytes[TG_COLUMNS_SPEC_BYTES_MAX + 1024];
	struct tg_writer writer = { .at = bytes, .cap = sizeof(bytes) };

	tg_write_u8(&writer, ROW_VERSION);
	tg_write_u16(&writer, row->number);
	tg_write_view(&writer, tg_view_str(row->name));
	tg_write_view(&writer, tg_view_str(row->type));
	write_in_flight(&writer, &row->in_flight);
	tg_write_u64(&writer, row->delivered_count);
	tg_write_u64(&writer, row->set_aside_count);
	tg_write_u64(&writer, (uint64_t)row->last_ok_ms);
	tg_write_view(&writer, tg_view_str(row->last_error));
	TG_ASSERT(!writer.overran);
	struct tg_store_key key = tg_key_sink(row->number);
	return tg_row_put(box, txn, &key, tg_view_of(bytes, writer.used));
}

static int put_positions(struct tg_outbox *box, MDB_txn *txn, uint32_t slot)
{
	for (uint32_t i = 0; i < box->stream_count_; i++) {
		struct tg_stream *stream = &box->streams_[i];
		uint8_t row[9];

		if (!stream->touched[slot])
			continue;
		tg_store_u64(row, stream->acked[slot]);
		row[8] = stream->wanted[slot];
		struct tg_store_key key =
			tg_key_position(box->sinks_[slot].row.number, stream->number);
		int err = tg_row_put(box, txn, &key, tg_view_of(row, sizeof(row)));
		if (err < 0)
			return err;
	}
	return 0;
}

static int put_slot(struct tg_outbox *box, MDB_txn *txn, uint32_t slot)
{
	struct tg_sink_slot *sink = &box->sinks_[slot];
	int err = sink->dirty ? put_sink_row(box, txn, &sink->row) : 0;

	if (err == 0)
		err = put_positions(box, txn, slot);
	if (err < 0 || !sink->receipt.waiting)
		return err;
	struct tg_store_key key = tg_key_receipt(sink->row.number, sink->receipt.scope);
	return tg_row_put(box, txn, &key, tg_view_of(sink->receipt.at, sink->receipt.bytes));
}

int tg_sinks_put(struct tg_outbox *box, MDB_txn *txn)
{
	int err = 0;

	for (uint32_t i = 0; err == 0 && i < CONFIG_TG_SINKS_MAX; i++)
		if (box->sinks_[i].used)
			err = put_slot(box, txn, i);
	return err;
}

void tg_sinks_committed(struct tg_outbox *box)
{
	for (uint32_t i = 0; i < CONFIG_TG_SINKS_MAX; i++) {
		box->sinks_[i].dirty = false;
		box->sinks_[i].receipt.waiting = false;
		for (uint32_t at = 0; at < box->stream_count_; at++)
			box->streams_[at].touched[i] = false;
	}
}

bool tg_sinks_pending(const struct tg_outbox *box)
{
	for (uint32_t i = 0; i < CONFIG_TG_SINKS_MAX; i++)
		if (box->sinks_[i].used && (box->sinks_[i].dirty || box->sinks_[i].receipt.waiting))
			return true;
	return false;
}

static int free_slot(const struct tg_outbox *box)
{
	for (int i = 0; i < CONFIG_TG_SINKS_MAX; i++)
		if (!box->sinks_[i].used)
			return i;
	return TG_ERR_LIMIT;
}

static int load_sink_rows(struct tg_outbox *box, MDB_txn *txn)
{
	struct tg_store_walk walk;
	int got = 0, err = tg_store_walk_begin(box, txn, 'K', &walk);

	while (err == 0 && (got = tg_store_walk_next(&walk)) > 0) {
		struct tg_view content = tg_row_content(walk.key, walk.value);
		int slot = free_slot(box);

		if (slot < 0)
			err = TG_ERR_LIMIT;
		else if (content.at == NULL)
			err = TG_ERR_DAMAGED;
		else
			err = tg_sink_row_read(content, &box->sinks_[slot].row);
		if (err == 0)
			box->sinks_[slot].used = true;
	}
	tg_store_walk_end(&walk);
	return err < 0 ? err : got;
}

static int slot_of_number(const struct tg_outbox *box, uint32_t number)
{
	for (int i = 0; i < CONFIG_TG_SINKS_MAX; i++)
		if (box->sinks_[i].used && box->sinks_[i].row.number == number)
			return i;
	return TG_ERR_MISSING;
}

static int load_position(struct tg_outbox *box, const struct tg_store_walk *walk)
{
	struct tg_view content = tg_row_content(walk->key, walk->value);

	if (content.bytes != 9 || walk->key.bytes != 7)
		return TG_ERR_DAMAGED;
	int slot = slot_of_number(box, (uint32_t)walk->key.at[1] << 8 | walk->key.at[2]);
	struct tg_stream *stream = tg_outbox_stream(box, tg_load_be32(walk->key.at + 3));
	if (slot < 0 || stream == NULL)
		return 0;
	stream->acked[slot] = tg_load_u64(content.at);
	stream->wanted[slot] = content.at[8] != 0;
	return 0;
}

int tg_sinks_load(struct tg_outbox *box, MDB_txn *txn)
{
	struct tg_store_walk walk;
	int got = 0, err = load_sink_rows(box, txn);

	if (err < 0)
		return err;
	err = tg_store_walk_begin(box, txn, 'P', &walk);
	while (err == 0 && (got = tg_store_walk_next(&walk)) > 0)
		err = load_position(box, &walk);
	tg_store_walk_end(&walk);
	return err < 0 ? err : got;
}

/* Raises `last` to the highest sink that a row of `kind` names. */
static int name_highest(struct tg_outbox *box, MDB_txn *txn, uint8_t kind, uint16_t *last)
{
	struct tg_store_walk walk;
	struct tg_stream_row stream = { .resend_sink = 0 };
	struct tg_aside item = { .sink = 0 };
	int got = 0, err = tg_store_walk_begin(box, txn, kind, &walk);

	while (err == 0 && (got = tg_store_walk_next(&walk)) > 0) {
		struct tg_view content = tg_row_content(walk.key, walk.value);
		bool read = content.at != NULL &&
			    (kind == 'Q' ? tg_aside_row_read(content, &item)
					 : tg_stream_row_read(content, &stream, NULL)) == 0;
		uint16_t named = kind == 'Q' ? item.sink : stream.resend_sink;

		if (read && named > *last)
			*last = named;
	}
	tg_store_walk_end(&walk);
	return err < 0 ? err : got;
}

/* A forgotten sink is still named by what was refused for it and by a resend that was asked for it:
 * its number must not become another's. */
static int highest_named(struct tg_outbox *box, uint16_t *last)
{
	MDB_txn *txn;
	int err = tg_store_read_begin(box, &txn);

	if (err == 0)
		err = name_highest(box, txn, 'Q', last);
	if (err == 0)
		err = name_highest(box, txn, 'S', last);
	tg_store_read_end(box);
	return err;
}

static int make_sink(struct tg_outbox *box, struct tg_sink_slot *sink, const char *name,
		     const char *type)
{
	uint16_t last = 0;
	int err = highest_named(box, &last);

	if (err < 0)
		return err;
	for (uint32_t i = 0; i < CONFIG_TG_SINKS_MAX; i++)
		if (box->sinks_[i].used && box->sinks_[i].row.number > last)
			last = box->sinks_[i].row.number;
	memset(sink, 0, sizeof(*sink));
	sink->row.number = (uint16_t)(last + 1);
	memcpy(sink->row.name, name, strlen(name) + 1);
	memcpy(sink->row.type, type, strlen(type) + 1);
	sink->used = true;
	sink->dirty = true;
	return 0;
}

int tg_outbox_sink_open(struct tg_outbox *box, const char *name, const char *type, uint32_t *slot)
{
	TG_ASSERT(strlen(name) < TG_NAME_BYTES_MAX && strlen(type) < TG_TYPE_BYTES_MAX);
	for (uint32_t i = 0; i < CONFIG_TG_SINKS_MAX; i++) {
		if (!box->sinks_[i].used || strcmp(box->sinks_[i].row.name, name) != 0)
			continue;
		*slot = i;
		box->sinks_[i].configured = true;
		return 0;
	}
	int found = free_slot(box);
	if (found < 0)
		return found;
	int err = make_sink(box, &box->sinks_[found], name, type);
	if (err < 0)
		return err;
	box->sinks_[found].configured = true;
	*slot = (uint32_t)found;
	return 0;
}

void tg_outbox_sink_wants(struct tg_outbox *box, uint32_t slot, struct tg_stream *stream,
			  uint64_t acked)
{
	stream->wanted[slot] = true;
	stream->acked[slot] = acked;
	stream->touched[slot] = true;
	box->sinks_[slot].dirty = true;
}

struct tg_sink_row *tg_outbox_sink_row(struct tg_outbox *box, uint32_t slot)
{
	return &box->sinks_[slot].row;
}

void tg_outbox_sink_touch(struct tg_outbox *box, uint32_t slot)
{
	box->sinks_[slot].dirty = true;
}

bool tg_outbox_sink_durable(const struct tg_outbox *box, uint32_t slot)
{
	return !box->sinks_[slot].dirty && !box->sinks_[slot].receipt.waiting;
}

void tg_outbox_ack(struct tg_outbox *box, uint32_t slot, struct tg_stream *stream, uint64_t last)
{
	TG_ASSERT(last >= stream->acked[slot] && last < stream->durable_next);
	stream->acked[slot] = last;
	stream->touched[slot] = true;
	box->sinks_[slot].dirty = true;
}

int tg_outbox_receipt(struct tg_outbox *box, uint32_t slot, uint32_t scope, struct tg_view receipt)
{
	struct tg_sink_slot *sink = &box->sinks_[slot];

	if (sink->receipt.waiting && sink->receipt.scope != scope)
		return TG_ERR_AGAIN;
	if (receipt.bytes > TG_RECEIPT_BYTES_MAX)
		return TG_ERR_LIMIT;
	sink->receipt.waiting = true;
	sink->receipt.scope = scope;
	sink->receipt.bytes = (uint32_t)receipt.bytes;
	if (receipt.bytes != 0)
		memcpy(sink->receipt.at, receipt.at, receipt.bytes);
	return 0;
}

int tg_outbox_receipts(struct tg_outbox *box, uint32_t slot,
		       int (*visit)(void *context, uint32_t scope, struct tg_view receipt),
		       void *context)
{
	struct tg_store_walk walk;
	MDB_txn *txn;
	int got = 0, err = tg_store_read_begin(box, &txn);

	if (err < 0)
		return err;
	struct tg_store_key prefix = tg_key_receipt(box->sinks_[slot].row.number, 0);
	err = tg_store_walk_begin(box, txn, 'R', &walk);
	memcpy(walk.prefix, prefix.at, 3);
	walk.prefix_bytes = 3;
	while (err == 0 && (got = tg_store_walk_next(&walk)) > 0) {
		struct tg_view content = tg_row_content(walk.key, walk.value);
		err = content.at != NULL ? visit(context, tg_load_be32(walk.key.at + 3), content)
					 : TG_ERR_DAMAGED;
	}
	tg_store_walk_end(&walk);
	tg_store_read_end(box);
	return err < 0 ? err : got;
}

/* Deletes every row whose key begins with `prefix`. */
static int drop_prefix(struct tg_outbox *box, MDB_txn *txn, const struct tg_store_key *prefix)
{
	struct tg_store_walk walk;
	int got = 0, err = tg_store_walk_begin(box, txn, prefix->at[0], &walk);

	memcpy(walk.prefix, prefix->at, 3);
	walk.prefix_bytes = 3;
	while (err == 0) {
		walk.started = false; /* look anew: the delete moved the cursor */
		got = tg_store_walk_next(&walk);
		if (got <= 0)
			break;
		err = tg_store_err(mdb_cursor_del(walk.cursor, 0));
	}
	tg_store_walk_end(&walk);
	return err < 0 ? err : got;
}

static int drop_sink(struct tg_outbox *box, MDB_txn *txn, uint32_t number)
{
	struct tg_store_key row = tg_key_sink(number);
	struct tg_store_key positions = tg_key_position(number, 0);
	struct tg_store_key receipts = tg_key_receipt(number, 0);
	int err = tg_store_drop(box, txn, &row);

	if (err == TG_ERR_MISSING)
		err = 0;
	if (err == 0)
		err = drop_prefix(box, txn, &positions);
	if (err == 0)
		err = drop_prefix(box, txn, &receipts);
	return err;
}

int tg_outbox_sink_forget(struct tg_outbox *box, const char *name)
{
	for (uint32_t i = 0; i < CONFIG_TG_SINKS_MAX; i++) {
		struct tg_sink_slot *sink = &box->sinks_[i];
		MDB_txn *txn;

		if (!sink->used || strcmp(sink->row.name, name) != 0)
			continue;
		int err = tg_store_write_begin(box, &txn);
		if (err < 0)
			return err;
		err = drop_sink(box, txn, sink->row.number);
		if (err < 0) {
			mdb_txn_abort(txn);
			return err;
		}
		err = tg_store_err(mdb_txn_commit(txn));
		if (err == 0)
			memset(sink, 0, sizeof(*sink));
		for (uint32_t at = 0; err == 0 && at < box->stream_count_; at++) {
			box->streams_[at].wanted[i] = false;
			box->streams_[at].acked[i] = 0;
		}
		return err;
	}
	return TG_ERR_MISSING;
}
